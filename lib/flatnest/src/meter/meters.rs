//! Meters under names, and the metrics that all exports tell of them.
//!
//! The names are those of the agent that watches other programs, so that one dashboard serves both.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

use super::{Figures, Meter};

/// The meters of a program's maps, by name, for an export to read.
///
/// Clones share the same meters. Meters of one name are added up: name a map by what it holds, not by whom it serves,
/// as each name is a time series. The counters of a map that is gone stay, as counters must not fall.
///
/// With the feature `prometheus` it is a `Collector` to register, with `opentelemetry` it has a method `observe`:
///
/// | metric | labels | what |
/// |---|---|---|
/// | `map_write_amplification_total` | `map` | assigns observed |
/// | `map_bucket_rehash_bytes` | `map` | histogram of the bytes that one event of growth moved (Prometheus only) |
/// | `mapscope_map_grows_total` | `map`, `kind` | events of growth |
/// | `mapscope_map_inserts_total` | `map` | entries that were new |
/// | `mapscope_map_moved_entries_total` | `map` | entries that growth wrote again |
/// | `mapscope_map_inserted_bytes_total` | `map` | bytes of entries that were new |
/// | `mapscope_map_rehash_bytes_total` | `map` | bytes of entries that growth wrote again |
/// | `mapscope_map_allocated_bytes_total` | `map` | bytes allocated by growth |
///
/// The first two names are given; a ratio is not a counter, so write amplification itself is a recording rule:
///
/// ```yaml
/// - record: mapscope:map_write_amplification:ratio
///   expr: >
///     1 + sum by (map) (rate(mapscope_map_rehash_bytes_total[5m]))
///       / sum by (map) (rate(mapscope_map_inserted_bytes_total[5m]))
/// ```
#[derive(Clone, Debug, Default)]
pub struct Meters {
    named: Arc<Mutex<Vec<(String, Meter)>>>,
}

impl Meters {
    /// No meters.
    ///
    /// ```
    /// let meters = flatnest::meter::Meters::new();
    /// let map = flatnest::meter::Metered::new(std::collections::HashMap::<u32, u32>::new());
    /// meters.add("sessions", map.meter());
    /// ```
    #[must_use]
    pub fn new() -> Meters {
        Meters::default()
    }

    /// Adds a meter under a name, in amortized O(1).
    ///
    /// ```
    /// use flatnest::meter::{Metered, Meters};
    /// let meters = Meters::new();
    /// let mut maps = [(); 2].map(|()| Metered::new(std::collections::HashMap::new()));
    /// for map in &mut maps {
    ///     meters.add("sessions", map.meter());
    ///     map.insert("key", 1);
    /// }
    /// assert_eq!(meters.figures()["sessions"].inserts, 2);
    /// ```
    pub fn add(&self, name: impl Into<String>, meter: Meter) {
        self.named.lock().unwrap_or_else(PoisonError::into_inner).push((name.into(), meter));
    }

    /// The figures of each name, in O(meters).
    ///
    /// ```
    /// assert!(flatnest::meter::Meters::new().figures().is_empty());
    /// ```
    #[must_use]
    pub fn figures(&self) -> BTreeMap<String, Figures> {
        let mut sums = BTreeMap::<String, Figures>::new();
        for (name, meter) in &*self.named.lock().unwrap_or_else(PoisonError::into_inner) {
            *sums.entry(name.clone()).or_default() += &meter.figures();
        }
        sums
    }
}

/// A counter that exports tell.
pub(super) struct Metric {
    /// Without the unit and `_total`, which follow.
    pub(super) name: &'static str,
    pub(super) is_bytes: bool,
    pub(super) help: &'static str,
    pub(super) read: fn(&Figures) -> u64,
}

impl Metric {
    const fn entries(name: &'static str, help: &'static str, read: fn(&Figures) -> u64) -> Metric {
        Metric { name, is_bytes: false, help, read }
    }

    const fn bytes(name: &'static str, help: &'static str, read: fn(&Figures) -> u64) -> Metric {
        Metric { name, is_bytes: true, help, read }
    }
}

/// The counters with no label but the map's name.
pub(super) const METRICS: [Metric; 6] = [
    Metric::entries("map_write_amplification", "Assigns observed", |figures| figures.assigns),
    Metric::entries("mapscope_map_inserts", "Entries that were new", |figures| figures.inserts),
    Metric::entries("mapscope_map_moved_entries", "Entries that growth wrote again", |figures| {
        figures.moved_entries
    }),
    Metric::bytes("mapscope_map_inserted", "Bytes of entries that were new", |figures| {
        figures.inserted_bytes
    }),
    Metric::bytes("mapscope_map_rehash", "Bytes of entries that growth wrote again", |figures| {
        figures.moved_bytes
    }),
    Metric::bytes("mapscope_map_allocated", "Bytes allocated by growth", |figures| {
        figures.allocated_bytes
    }),
];

/// The counter of events, which has the label `kind` too.
pub(super) const GROWS: (&str, &str) = ("mapscope_map_grows", "Events of growth");
