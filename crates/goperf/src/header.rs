//! The header: events, and build ids.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};

use crate::bytes::Bytes;
use crate::error::{Error, ErrorKind};
use crate::sample::{Callers, Layout};
use crate::tracepoint::{self, Tracepoint};

pub(crate) const MAGIC: &[u8] = b"PERFILE2";
const SWAPPED_MAGIC: &[u8] = b"2ELIFREP";
const HEADER_BYTES: usize = 104;
/// Of what was written to a pipe: nothing but the magic number and this.
const PIPE_HEADER_BYTES: u64 = 16;
/// An attribute of the first version; later ones are longer.
const MIN_ATTR_BYTES: u64 = 64;
/// Beyond it no section of the header is read.
const MAX_SECTION_BYTES: u64 = 64 << 20;
const FEATURE_TRACING_DATA: usize = 1;
const FEATURE_BUILD_ID: usize = 2;
const FEATURE_EVENT_DESC: usize = 12;
const FEATURE_COMPRESSED: usize = 27;
/// Kinds of attributes. Source: include/uapi/linux/perf_event.h of Linux 6.18.
const HARDWARE: u32 = 0;
const TRACEPOINT: u32 = 2;
const CACHE: u32 = 3;
/// Bit of an attribute's flags: it names a frequency, not a period.
const FLAG_FREQUENCY: u64 = 1 << 10;
/// The event counts nothing in the program itself (`exclude_user`).
const FLAG_NO_USER: u64 = 1 << 4;
/// Lists of callers leave those of the program out (`exclude_callchain_user`).
const FLAG_NO_USER_CALLERS: u64 = 1 << 22;
/// Records that are no samples end with process, time and ids (`sample_id_all`).
const FLAG_ID_ON_ALL: u64 = 1 << 18;

/// An open file.
#[derive(Debug)]
pub struct PerfFile<R> {
    pub(crate) input: R,
    /// In the order of the file; [`Sample::event`](crate::Sample::event) is an index.
    pub events: Vec<Event>,
    /// Build ids of files that samples are in.
    pub build_ids: Vec<BuildId>,
    /// What was wrong with the header; the rest can be read all the same.
    pub faults: Vec<Error>,
    pub(crate) layouts: Vec<Layout>,
    /// By event, the number of its tracepoint.
    tracepoints: Vec<Option<u64>>,
    pub(crate) event_by_id: HashMap<u64, usize>,
    /// First byte, and length if known.
    pub(crate) data: (u64, Option<u64>),
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Name as `perf` shows it, such as `cpu-clock`; made up from its numbers where the file has none.
    pub name: String,
    /// What it counts.
    pub kind: EventKind,
    /// Samples asked for in a second; `None` when samples were taken by a period.
    pub frequency: Option<u64>,
    /// Events from one sample to the next; `None` when samples were taken by a frequency.
    pub period: Option<u64>,
    /// Whether its times are those of CLOCK_MONOTONIC, which Go's traces have too, and not of a clock of perf's own.
    pub is_monotonic: bool,
    /// What its samples say of callers.
    pub callers: Callers,
    /// Which kind of core counts it, where a processor has several and each has events of its own; else 0.
    pub core_kind: u32,
    /// Of a tracepoint, what its fields are; `None` when the file does not say.
    pub tracepoint: Option<Tracepoint>,
}

/// What an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Time on a CPU, in nanoseconds.
    CpuTime,
    /// Cycles of the processor.
    Cycles,
    /// Misses of a cache of data or of the translation of its addresses.
    Misses,
    /// Passes of a place in the kernel.
    Tracepoint,
    /// Something else.
    Other,
}

/// The build id of a mapped file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildId {
    /// Path, or a name in brackets of the kernel's.
    pub file: String,
    /// Hexadecimal.
    pub id: String,
}

#[derive(Debug, Clone, Copy)]
struct Section {
    offset: u64,
    size: u64,
}

impl Section {
    fn read(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(Self { offset: bytes.u64()?, size: bytes.u64()? })
    }
}

impl<R: Read + Seek> PerfFile<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not that of a `perf.data` file, or names no events.
    pub fn open(mut input: R) -> Result<Self, Error> {
        let header = read_section(&mut input, Section { offset: 0, size: HEADER_BYTES as u64 })?;
        if header.starts_with(SWAPPED_MAGIC) {
            return Err(ErrorKind::ByteOrder.at(0));
        }
        if !header.starts_with(MAGIC) {
            return Err(ErrorKind::NotPerfData.at(0));
        }
        if header[MAGIC.len()..].starts_with(&PIPE_HEADER_BYTES.to_le_bytes()) {
            return Err(ErrorKind::Pipe.at(MAGIC.len() as u64));
        }
        let mut bytes = Bytes(&header[MAGIC.len()..]);
        let mut fields = || {
            let _header_size = bytes.u64()?;
            let attr_bytes = bytes.u64()?;
            let [attrs, data, _event_types] = [
                Section::read(&mut bytes)?,
                Section::read(&mut bytes)?,
                Section::read(&mut bytes)?,
            ];
            let features = [bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?];
            Some((attr_bytes, attrs, data, features))
        };
        let (attr_bytes, attrs, data, features) =
            fields().ok_or_else(|| ErrorKind::Truncated.at(header.len() as u64))?;
        if features[0] >> FEATURE_COMPRESSED & 1 == 1 {
            return Err(ErrorKind::Compressed.at(data.offset));
        }
        let mut file = Self {
            input,
            events: Vec::new(),
            build_ids: Vec::new(),
            faults: Vec::new(),
            layouts: Vec::new(),
            tracepoints: Vec::new(),
            event_by_id: HashMap::new(),
            data: (data.offset, (data.size > 0).then_some(data.size)),
        };
        file.read_attrs(attr_bytes, attrs)?;
        match data.offset.checked_add(data.size) {
            Some(end) if data.size > 0 => file.read_features(end, features),
            _ => file.faults.push(ErrorKind::Unfinished.at(data.offset)),
        }
        Ok(file)
    }

    fn read_attrs(&mut self, entry_bytes: u64, attrs: Section) -> Result<(), Error> {
        if !(MIN_ATTR_BYTES + 16..=4096).contains(&entry_bytes) {
            return Err(
                ErrorKind::Size { what: "description of an event", found: entry_bytes }.at(16)
            );
        }
        let table = read_section(&mut self.input, attrs)?;
        for (at, entry) in table.chunks_exact(entry_bytes as usize).enumerate() {
            let (attr, ids) = entry.split_at(entry.len() - 16);
            let offset = attrs.offset + at as u64 * entry_bytes;
            let read = || Some((Attr::read(attr)?, Section::read(&mut Bytes(ids))?));
            let (attr, ids) = read().ok_or_else(|| ErrorKind::Truncated.at(offset))?;
            let event = self.events.len();
            match read_section(&mut self.input, ids) {
                Ok(ids) => {
                    for id in ids.chunks_exact(8).filter_map(|id| Bytes(id).u64()) {
                        self.event_by_id.insert(id, event);
                    }
                }
                Err(error) => self.faults.push(error),
            }
            self.events.push(attr.event());
            self.layouts.push(attr.layout);
            self.tracepoints.push((attr.kind == TRACEPOINT).then_some(attr.config));
        }
        if self.events.is_empty() { Err(ErrorKind::NoEvents.at(attrs.offset)) } else { Ok(()) }
    }

    /// Sections of features stand behind the records, in the order of their bits.
    fn read_features(&mut self, table: u64, features: [u64; 4]) {
        let has = |bit: usize| features[bit / 64] >> (bit % 64) & 1 == 1;
        for (n_before, bit) in (0..256).filter(|&bit| has(bit)).enumerate() {
            let entry = Section { offset: table.saturating_add(16 * n_before as u64), size: 16 };
            if ![FEATURE_TRACING_DATA, FEATURE_BUILD_ID, FEATURE_EVENT_DESC].contains(&bit) {
                continue;
            }
            let section = read_section(&mut self.input, entry).and_then(|entry| {
                let section = Section::read(&mut Bytes(&entry));
                read_section(
                    &mut self.input,
                    section.ok_or_else(|| ErrorKind::Truncated.at(table))?,
                )
            });
            match section {
                Ok(section) => match bit {
                    FEATURE_TRACING_DATA => self.describe_tracepoints(&section),
                    FEATURE_BUILD_ID => self.build_ids = build_ids(&section),
                    _ => self.name_events(&section),
                },
                Err(error) => {
                    self.faults.push(error);
                    return;
                }
            }
        }
    }

    fn describe_tracepoints(&mut self, section: &[u8]) {
        let tracepoints = tracepoint::read(section);
        for (event, number) in self.events.iter_mut().zip(&self.tracepoints) {
            event.tracepoint = number.and_then(|number| tracepoints.get(&number)).cloned();
        }
    }

    /// Names come with the ids of their event.
    fn name_events(&mut self, section: &[u8]) {
        let mut bytes = Bytes(section);
        let mut next = |attr_bytes: usize| {
            bytes.take(attr_bytes)?;
            let n_ids = bytes.u32()? as usize;
            let n_name = bytes.u32()? as usize;
            let name = Bytes(bytes.take(n_name)?).text();
            let ids = bytes.take(n_ids.checked_mul(8)?)?;
            Some((name, ids.chunks_exact(8).filter_map(|id| Bytes(id).u64()).collect::<Vec<_>>()))
        };
        let mut head = Bytes(section);
        let (Some(n), Some(attr_bytes)) = (head.u32(), head.u32()) else { return };
        // The two numbers stand before the first attribute.
        let mut named = next(8 + attr_bytes as usize);
        for at in 0..n as usize {
            let Some((name, ids)) = named else { return };
            let by_id = ids.iter().find_map(|id| self.event_by_id.get(id)).copied();
            let event = self.events.get_mut(by_id.unwrap_or(at));
            if let Some(event) = event.filter(|_| !name.is_empty()) {
                if event.kind == EventKind::Other && is_name_of_misses(&name) {
                    event.kind = EventKind::Misses;
                }
                event.name = name;
            }
            named = next(attr_bytes as usize);
        }
    }
}

/// Whether the cache of this number holds data or its translation; others are of instructions and branches.
/// Source: enum perf_hw_cache_id in include/uapi/linux/perf_event.h of Linux 6.18.
fn is_of_data(cache: u64) -> bool {
    const L1I: u64 = 1;
    const ITLB: u64 = 4;
    const BPU: u64 = 5;
    ![L1I, ITLB, BPU].contains(&cache)
}

/// Events of one model of processor have numbers of its own, and names such as `mem_load_retired.l3_miss`.
fn is_name_of_misses(name: &str) -> bool {
    let of_others = ["branch", "br_", "bp_", "icache", "itlb", "ic_"];
    let name = name.to_ascii_lowercase();
    name.contains("miss") && !of_others.iter().any(|other| name.contains(other))
}

fn read_section<R: Read + Seek>(input: &mut R, section: Section) -> Result<Vec<u8>, Error> {
    if section.size > MAX_SECTION_BYTES {
        return Err(ErrorKind::Size { what: "section", found: section.size }.at(section.offset));
    }
    let io = |error| ErrorKind::Io(error).at(section.offset);
    input.seek(SeekFrom::Start(section.offset)).map_err(io)?;
    let mut bytes = Vec::new();
    input.take(section.size).read_to_end(&mut bytes).map_err(io)?;
    if (bytes.len() as u64) < section.size {
        return Err(ErrorKind::Truncated.at(section.offset.saturating_add(bytes.len() as u64)));
    }
    Ok(bytes)
}

fn build_ids(section: &[u8]) -> Vec<BuildId> {
    const ID_BYTES: usize = 20;
    let mut bytes = Bytes(section);
    let mut next = || {
        let (_kind, misc, size) = (bytes.u32()?, bytes.u16()?, bytes.u16()?);
        let mut body = Bytes(bytes.take(usize::from(size).checked_sub(8)?)?);
        let _pid = body.u32()?;
        let mut id = Bytes(body.take(24)?);
        let field = id.take(ID_BYTES)?;
        // Where the flag is set, the length stands behind the field.
        let has_size = misc & (1 << 15) != 0;
        let n = if has_size { usize::from(*id.0.first()?).min(ID_BYTES) } else { ID_BYTES };
        Some(BuildId { file: body.text(), id: hexadecimal(&field[..n]) })
    };
    std::iter::from_fn(&mut next).collect()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bit of the flags that says that the attribute names a clock.
const FLAG_CLOCK: u64 = 1 << 25;
const CLOCK_MONOTONIC: u32 = 1;
/// Where in an attribute the clock stands, and how far it has been read until then. Units: bytes.
const CLOCK_OFFSET: usize = 92;
const READ_BYTES: usize = 48;

struct Attr {
    kind: u32,
    config: u64,
    period_or_frequency: u64,
    flags: u64,
    /// The clock of its times, if it has the flag for one.
    clock: Option<u32>,
    layout: Layout,
}

impl Attr {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let (kind, _size, config) = (bytes.u32()?, bytes.u32()?, bytes.u64()?);
        let (period_or_frequency, sample_type, read_format, flags) =
            (bytes.u64()?, bytes.u64()?, bytes.u64()?, bytes.u64()?);
        // Nine fields of older kernels stand between: the size says which are there.
        let clock = bytes.take(CLOCK_OFFSET - READ_BYTES).and_then(|_| bytes.u32());
        let clock = clock.filter(|_| flags & FLAG_CLOCK != 0);
        let is_on_all_records = flags & FLAG_ID_ON_ALL != 0;
        let layout = Layout { sample_type, read_format, is_on_all_records };
        Some(Self { kind, config, period_or_frequency, flags, clock, layout })
    }

    fn event(&self) -> Event {
        // Events that the kernel names have the kind of core in their upper half.
        let (core_kind, config) = match self.kind {
            HARDWARE | CACHE => ((self.config >> 32) as u32, self.config & 0xffff_ffff),
            _ => (0, self.config),
        };
        let has_user = self.flags & FLAG_NO_USER == 0;
        let (kind, name) = match (self.kind, config) {
            // What the kernel does alone is a part of the time that no share can be told of.
            (kind, config) if !has_user => {
                (EventKind::Other, format!("event {kind}:{config:#x}:k"))
            }
            (HARDWARE, 0) => (EventKind::Cycles, "cycles".to_owned()),
            (HARDWARE, 3) => (EventKind::Misses, "cache-misses".to_owned()),
            (1, 0) => (EventKind::CpuTime, "cpu-clock".to_owned()),
            (1, 1) => (EventKind::CpuTime, "task-clock".to_owned()),
            (TRACEPOINT, id) => (EventKind::Tracepoint, format!("tracepoint {id}")),
            // The first byte of a cache event says which cache, the third whether accesses or misses are counted.
            (CACHE, config) if config >> 16 & 0xff == 1 && is_of_data(config & 0xff) => {
                (EventKind::Misses, format!("cache misses {config:#x}"))
            }
            (kind, config) => (EventKind::Other, format!("event {kind}:{config:#x}")),
        };
        let is_frequency = self.flags & FLAG_FREQUENCY != 0;
        let number = Some(self.period_or_frequency).filter(|&number| number > 0);
        let (frequency, period) = if is_frequency { (number, None) } else { (None, number) };
        let is_monotonic = self.clock == Some(CLOCK_MONOTONIC);
        let callers = match self.layout.callers() {
            Callers::Listed if self.flags & FLAG_NO_USER_CALLERS != 0 => Callers::Missing,
            callers => callers,
        };
        let tracepoint = None;
        Event { name, kind, frequency, period, is_monotonic, callers, core_kind, tracepoint }
    }
}
