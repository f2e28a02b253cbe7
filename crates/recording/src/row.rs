//! A sample: its values by sample type, and its labels.

use goabi::MapImpl;
use gomap::GrowKind;
use gopprof::{Label, LabelValue, Sample};

use crate::value::{Named, UNKNOWN};

/// The sample type that only recordings have.
pub const KNOWN_BY: &str = "map_grows";
/// The type of a map whose descriptor could not be read.
pub const UNKNOWN_TYPE: &str = UNKNOWN;

/// Sample types: name, unit. Order: that of the file.
pub const SAMPLE_TYPES: [(&str, &str); N_VALUES] = [
    ("samples", "count"),
    ("cpu", "nanoseconds"),
    (KNOWN_BY, "count"),
    ("map_moved_entries", "count"),
    ("map_moved_space", "bytes"),
    ("map_grow_space", "bytes"),
    ("map_makes", "count"),
    ("map_hint_entries", "count"),
];
const N_VALUES: usize = 8;
/// Positions of the one that the period counts, and of the one that tools show first.
pub(crate) const CPU: usize = 1;
pub(crate) const MOVED_SPACE: usize = 4;

const MAP_TYPE: &str = "map_type";
const MAP_IMPL: &str = "map_impl";
const CAPACITY_BEFORE: &str = "capacity_before";
const CAPACITY_AFTER: &str = "capacity_after";
const GROW_KIND: &str = "grow_kind";
const LOCAL_DEPTH: &str = "local_depth";
const EVERY_GROWTH_FROM: &str = "every_growth_from";
const PRECISION: &str = "precision";
const WINDOW_GROUP: &str = "window_group";

/// Depth up to which a map of tables fits any memory.
const MAX_LOCAL_DEPTH: u8 = 52;

/// What a sample says of its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row<'a> {
    /// The stack was seen on a CPU; or nothing was, where both are 0.
    Cpu {
        /// CPU samples.
        samples: u64,
        /// What they stand for. Units: nanoseconds.
        cpu_ns: u64,
    },
    /// Maps grew.
    Grows {
        /// Which, and how.
        labels: Labels<'a>,
        /// Growths.
        grows: u64,
        /// Entries that they inserted again.
        moved_entries: u64,
        /// Units: bytes of keys and elements of those, as stored.
        moved_bytes: u64,
        /// Units: bytes of the arrays that they allocated.
        grow_bytes: u64,
    },
    /// Maps were made with a size hint.
    Makes {
        /// Which.
        labels: Labels<'a>,
        /// Maps.
        makes: u64,
        /// The sum of the hints.
        hint_entries: u64,
    },
}

/// What happened to which maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels<'a> {
    /// As Go prints it, or [`UNKNOWN_TYPE`].
    pub map_type: &'a str,
    /// Their implementation.
    pub map_impl: Option<MapImpl>,
    /// Slots of the map (classic) or of the table (Swiss); 0 of maps made.
    pub before: u64,
    /// Slots after it; of a split, of both tables together; of maps made, the hint rounded up.
    pub after: u64,
    /// How they grew; none of maps made.
    pub kind: Option<GrowKind>,
    /// Of a split: the table is one of 2^depth of its map.
    pub local_depth: Option<u8>,
    /// Slots from which on every growth of classic maps of this type was counted in the gaps between windows too.
    pub every_growth_from: Option<u64>,
    /// How the numbers came about.
    pub precision: Precision,
    /// Of estimated numbers: the group of windows in which they were seen.
    pub window_group: Option<u32>,
}

/// How a number came about, from best to worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Every event was counted.
    #[default]
    Exact,
    /// Every event was counted, but which stack it belongs to is estimated.
    EstimatedSite,
    /// Events outside windows are estimated.
    Estimated,
}

impl Precision {
    /// Exact numbers carry none.
    fn label(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::EstimatedSite => Some("site-estimated"),
            Self::Estimated => Some("estimated"),
        }
    }

    /// What is not known is not taken for exact.
    fn labelled(value: LabelValue<'_>) -> Self {
        match value {
            LabelValue::Str("site-estimated") => Self::EstimatedSite,
            _ => Self::Estimated,
        }
    }
}

impl<'a> Row<'a> {
    pub(crate) fn values(&self) -> [i64; N_VALUES] {
        let values = match *self {
            Self::Cpu { samples, cpu_ns } => [samples, cpu_ns, 0, 0, 0, 0, 0, 0],
            Self::Grows { grows, moved_entries, moved_bytes, grow_bytes, .. } => {
                [0, 0, grows, moved_entries, moved_bytes, grow_bytes, 0, 0]
            }
            Self::Makes { makes, hint_entries, .. } => [0, 0, 0, 0, 0, 0, makes, hint_entries],
        };
        values.map(signed)
    }

    pub(crate) fn labels(&self) -> Vec<Label<'a>> {
        match self {
            Self::Cpu { .. } => Vec::new(),
            Self::Grows { labels, .. } | Self::Makes { labels, .. } => labels.write(),
        }
    }

    /// A sample with values of several kinds is none that a recorder writes. Of it what is said of makes is kept, else of
    /// growths, else of CPU time.
    pub(crate) fn read(sample: &Sample<'a>, places: &Places) -> Self {
        let [samples, cpu_ns, grows, moved_entries, moved_bytes, grow_bytes, makes, hint_entries] =
            places.values(sample);
        if makes > 0 {
            Self::Makes { labels: Labels::read(sample), makes, hint_entries }
        } else if [grows, moved_entries, moved_bytes, grow_bytes] != [0; 4] {
            let labels = Labels::read(sample);
            Self::Grows { labels, grows, moved_entries, moved_bytes, grow_bytes }
        } else {
            Self::Cpu { samples, cpu_ns }
        }
    }
}

/// Which of [`SAMPLE_TYPES`] each column of a profile is.
#[derive(Debug)]
pub(crate) struct Places(Vec<Option<usize>>);

impl Places {
    /// Of two columns of the same name the first counts.
    pub(crate) fn of(profile: &gopprof::Profile) -> Self {
        let mut places = vec![None; profile.sample_types.len()];
        for (place, (kind, _)) in SAMPLE_TYPES.iter().enumerate() {
            if let Some(column) = profile.sample_type_named(kind) {
                places[column] = Some(place);
            }
        }
        Self(places)
    }

    /// Negative values are 0.
    fn values(&self, sample: &Sample<'_>) -> [u64; N_VALUES] {
        let mut values = [0; N_VALUES];
        for (value, place) in sample.values().zip(&self.0) {
            if let Some(place) = *place {
                values[place] = u64::try_from(value).unwrap_or(0);
            }
        }
        values
    }
}

impl Default for Labels<'_> {
    fn default() -> Self {
        Self {
            map_type: UNKNOWN_TYPE,
            map_impl: None,
            before: 0,
            after: 0,
            kind: None,
            local_depth: None,
            every_growth_from: None,
            precision: Precision::Exact,
            window_group: None,
        }
    }
}

impl<'a> Labels<'a> {
    fn write(&self) -> Vec<Label<'a>> {
        let text = |key, name| Label { key, value: LabelValue::Str(name) };
        let number = |key, number, unit| {
            let value = LabelValue::Num { value: signed(number), unit };
            Label { key, value }
        };
        let slots = |key, n| number(key, n, "entries");
        [
            Some(text(MAP_TYPE, self.map_type)),
            self.map_impl.map(|map_impl| text(MAP_IMPL, map_impl.name())),
            Some(slots(CAPACITY_BEFORE, self.before)),
            Some(slots(CAPACITY_AFTER, self.after)),
            self.kind.map(|kind| text(GROW_KIND, kind.name())),
            self.local_depth.map(|depth| number(LOCAL_DEPTH, depth.into(), "levels")),
            self.every_growth_from.map(|from| slots(EVERY_GROWTH_FROM, from)),
            self.precision.label().map(|name| text(PRECISION, name)),
            self.window_group.map(|group| number(WINDOW_GROUP, group.into(), "group")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn read(sample: &Sample<'a>) -> Self {
        let mut labels = Self::default();
        for Label { key, value } in sample.labels() {
            match value {
                _ if key == PRECISION => labels.precision = Precision::labelled(value),
                LabelValue::Str(text) => labels.set_text(key, text),
                LabelValue::Num { value, .. } => labels.set_number(key, value),
            }
        }
        labels
    }

    fn set_text(&mut self, key: &str, text: &'a str) {
        match key {
            MAP_TYPE => self.map_type = text,
            MAP_IMPL => self.map_impl = MapImpl::named(text),
            GROW_KIND => self.kind = GrowKind::named(text),
            _ => {}
        }
    }

    fn set_number(&mut self, key: &str, number: i64) {
        match key {
            CAPACITY_BEFORE => self.before = u64::try_from(number).unwrap_or(0),
            CAPACITY_AFTER => self.after = u64::try_from(number).unwrap_or(0),
            LOCAL_DEPTH => {
                let depth = u8::try_from(number).ok();
                self.local_depth = depth.filter(|&depth| depth <= MAX_LOCAL_DEPTH);
            }
            EVERY_GROWTH_FROM => self.every_growth_from = u64::try_from(number).ok(),
            WINDOW_GROUP => self.window_group = u32::try_from(number).ok(),
            _ => {}
        }
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
