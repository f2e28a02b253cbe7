//! What was counted, of all processes together.
//!
//! Counts come out of the kernel by process and by address in its memory. They are kept by address in the ELF file, so
//! that a thousand processes of one executable take no more room than one.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use gobin::{Binary, LinkAddr};
use goproc::{ErrorKind, Executable, StartTime};

use crate::process::ProcessKey;
use crate::record_layout::{GrowKey, GrowValue, SampleKey, Stack};
use crate::typenames::{self, MapTypeInfo};
use crate::windows::{Scale, Weight};

/// Index of a value that is kept once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(u32);

/// Room for stacks, and for types, of one recording: how many there are is up to the program. Units: bytes.
const MAX_BYTES: usize = 256 << 20;
/// Sums of one recording that tell stacks and types apart.
const MAX_EVENTS: usize = 1 << 20;

/// Values kept once each, as long as there is room.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    ids: HashMap<T, Id>,
    /// Units: bytes.
    room: usize,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { ids: HashMap::new(), room: MAX_BYTES }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// `None` for a new value where there is no room; `bytes` is what it holds beside itself.
    pub(crate) fn id(&mut self, value: T, bytes: usize) -> Option<Id> {
        if let Some(&id) = self.ids.get(&value) {
            return Some(id);
        }
        self.room = self.room.checked_sub(bytes + size_of::<(T, Id)>())?;
        let next = Id(u32::try_from(self.ids.len()).ok()?);
        self.ids.insert(value, next);
        Some(next)
    }

    /// All values by id.
    pub(crate) fn values(&self) -> HashMap<Id, &T> {
        self.ids.iter().map(|(value, &id)| (id, value)).collect()
    }
}

/// Events that are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EventKey {
    /// Of `Tally::types`; `None` when it is not known.
    pub(crate) map_type: Option<Id>,
    /// Of `Tally::stacks`; `None` when there is none.
    pub(crate) stack: Option<Id>,
    /// As in the kernel's records.
    pub(crate) kind: u8,
    pub(crate) log2_capacity: u8,
    pub(crate) precision: u8,
    /// Of the windows in which it was counted; 0 for all others.
    pub(crate) group: u8,
}

/// A number of events, and the entries of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) n: f64,
    pub(crate) entries: f64,
}

impl Sum {
    fn add_times(&mut self, factor: f64, value: &GrowValue) {
        self.n += factor * value.n as f64;
        self.entries += factor * value.entries as f64;
    }
}

/// Sums of events of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Counted {
    pub(crate) seen: Sum,
    /// Times the weights of the windows that they were seen in.
    pub(crate) aimed: Sum,
    pub(crate) held_up: Sum,
}

impl Counted {
    /// Adds events of a window.
    pub(crate) fn add(&mut self, value: &GrowValue, weight: Weight) {
        self.seen.add_times(1.0, value);
        self.aimed.add_times(weight.aimed, value);
        self.held_up.add_times(weight.held_up, value);
    }

    /// What they stand for.
    pub(crate) fn estimate(&self, scale: Scale) -> Sum {
        let of = |part: fn(&Sum) -> f64| {
            let aimed = part(&self.aimed) + scale.held_up * part(&self.held_up);
            part(&self.seen) + aimed * scale.factor
        };
        Sum { n: of(|sum| sum.n), entries: of(|sum| sum.entries) }
    }
}

/// What was counted in a window and waits to be added.
#[derive(Debug)]
pub(crate) struct OfWindow {
    pub(crate) group: u8,
    /// Of its events; 0 where they stand for themselves only.
    pub(crate) weight: Weight,
    pub(crate) grows: Vec<(GrowKey, GrowValue)>,
}

/// Sums.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: HashMap<EventKey, Counted>,
    /// CPU samples by stack: its first word as in the kernel's records.
    pub(crate) samples: HashMap<Option<Id>, u64>,
    /// Addresses in the ELF file, leaf first; 0 is outside it.
    pub(crate) stacks: Interner<Box<[u64]>>,
    pub(crate) types: Interner<MapTypeInfo>,
    /// Events and CPU samples whose stack or type there was no room for.
    pub(crate) n_without_room: u64,
}

/// Types of processes that are read from memory at a time, and addresses of types that are kept: how many there are is up
/// to the program.
const MAX_READ: usize = 100;
const MAX_KEPT: usize = 65_536;
/// Processes that keep their memory map locked, after which no memory is read any more: each takes some seconds, and a
/// thread that waits.
pub(crate) const MAX_LOCKED: usize = 4;

/// What is needed to tell what addresses mean; lives as long as the recorder.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Difference between addresses in a process and in the ELF file, by process.
    biases: HashMap<ProcessKey, u64>,
    /// Stacks that events may still refer to.
    stacks: HashMap<u64, Box<[u64]>>,
    /// Types that only exist in the memory of a process, kept from when it was alive.
    types: HashMap<(ProcessKey, u64), Option<MapTypeInfo>>,
    /// When processes were started whose memory was opened.
    starts: HashMap<ProcessKey, StartTime>,
    /// Processes that keep their memory map locked.
    locked: HashSet<ProcessKey>,
    /// Addresses of types that were looked at, in the executable or in memory.
    looked_at: HashSet<(ProcessKey, u64)>,
    /// Addresses at which the executable has a type, or none.
    in_executable: HashMap<u64, Option<MapTypeInfo>>,
}

impl Memory {
    /// Reads the types of these processes and addresses that the executable does not have, where they still run it: some
    /// of them, where there are many; the rest the next time.
    pub(crate) fn look(
        &mut self,
        seen: &HashSet<(ProcessKey, u64)>,
        running: &HashMap<ProcessKey, u64>,
        program: &Executable,
        binary: &Binary<'_>,
    ) {
        let mut n_read = 0;
        let mut memories = HashMap::new();
        for &(process, addr) in seen {
            let Some(&bias) = running.get(&process) else { continue };
            if n_read >= MAX_READ || self.looked_at.len() >= MAX_KEPT {
                break;
            }
            self.looked_at.insert((process, addr));
            if self.type_in_executable(binary, addr.wrapping_sub(bias)).is_some() {
                continue;
            }
            n_read += 1;
            let memory =
                memories.entry(process).or_insert_with(|| self.open_memory(process, program));
            let found = memory
                .as_ref()
                .and_then(|memory| typenames::from_memory(binary, bias, addr, memory));
            self.types.insert((process, addr), found);
        }
    }

    /// Memory of a process that still runs the program, and not of a later one with its number.
    fn open_memory(&mut self, process: ProcessKey, program: &Executable) -> Option<goproc::Memory> {
        if self.locked.contains(&process) || self.locked.len() >= MAX_LOCKED {
            return None;
        }
        let pid = process.pid();
        let memory = match pid.open_memory() {
            Ok(memory) => memory,
            Err(error) => {
                if matches!(error.kind, ErrorKind::NoAnswer) {
                    self.locked.insert(process);
                }
                return None;
            }
        };
        // Looked at after it was opened: memory stays with its process.
        let start = pid.stat().ok()?.start;
        let is_same = *self.starts.entry(process).or_insert(start) == start;
        (is_same && program.is_run_by(pid)).then_some(memory)
    }

    /// Whether this address needs no further look, or there is no room for more.
    pub(crate) fn has_looked_at(&self, seen: &(ProcessKey, u64)) -> bool {
        self.looked_at.len() >= MAX_KEPT || self.looked_at.contains(seen)
    }

    fn type_in_executable(&mut self, binary: &Binary<'_>, link_addr: u64) -> Option<MapTypeInfo> {
        self.in_executable
            .entry(link_addr)
            .or_insert_with(|| typenames::from_executable(binary, LinkAddr(link_addr)))
            .clone()
    }

    pub(crate) fn add_processes(&mut self, processes: &HashMap<ProcessKey, u64>) {
        self.biases.extend(processes);
    }

    pub(crate) fn add_stacks(&mut self, stacks: Vec<(u64, Stack)>) {
        for (key, stack) in stacks {
            let n_frames = (stack.n_frames as usize).min(stack.frames.len());
            self.stacks.entry(key).or_insert_with(|| stack.frames[..n_frames].into());
        }
    }

    /// Forgets what no event refers to any more. Those that are counted by now may refer to `latest`: they were
    /// counted before these stacks were taken out of the kernel's table.
    pub(crate) fn forget(&mut self, ended: &HashSet<ProcessKey>, latest: &HashSet<u64>) {
        self.stacks.retain(|key, _| latest.contains(key));
        self.biases.retain(|process, _| !ended.contains(process));
        self.types.retain(|(process, _), _| !ended.contains(process));
        self.starts.retain(|process, _| !ended.contains(process));
        self.looked_at.retain(|(process, _)| !ended.contains(process));
        // Addresses in memory that is gone.
        self.in_executable.retain(|_, info| info.is_some());
        if self.looked_at.len().max(self.in_executable.len()) >= MAX_KEPT {
            // Those that are seen again are read again.
            self.types.clear();
            self.looked_at.clear();
            self.in_executable.clear();
        }
    }

    fn bias(&self, process: ProcessKey) -> u64 {
        self.biases.get(&process).copied().unwrap_or(0)
    }
}

/// Adds counts to sums.
pub(crate) struct Folding<'f> {
    tally: &'f mut Tally,
    memory: &'f mut Memory,
    binary: &'f Binary<'f>,
    /// What was found already, by bias or process, and address or key.
    stacks: HashMap<(u64, u64), Found>,
    types: HashMap<(ProcessKey, u64), Found>,
}

/// What an address or a key leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    NoRoom,
    Value(Id),
}

impl Found {
    fn of(id: Option<Id>) -> Self {
        id.map_or(Self::NoRoom, Self::Value)
    }

    fn id(self) -> Option<Id> {
        match self {
            Self::Value(id) => Some(id),
            Self::Nothing | Self::NoRoom => None,
        }
    }
}

impl<'f> Folding<'f> {
    pub(crate) fn new(
        tally: &'f mut Tally,
        memory: &'f mut Memory,
        binary: &'f Binary<'f>,
    ) -> Self {
        Self { tally, memory, binary, stacks: HashMap::new(), types: HashMap::new() }
    }

    /// Adds events that were counted outside windows.
    pub(crate) fn add_grows(&mut self, grows: &[(GrowKey, GrowValue)]) {
        for (key, value) in grows {
            self.add_event(key, value, 0, Weight::default());
        }
    }

    pub(crate) fn add_samples(&mut self, samples: &[(SampleKey, u64)]) {
        for (key, n) in samples {
            let stack = self.stack(ProcessKey(key.process), key.stack);
            if stack == Found::NoRoom {
                self.tally.n_without_room += n;
            }
            *self.tally.samples.entry(stack.id()).or_default() += n;
        }
    }

    /// Adds what was counted in a window.
    pub(crate) fn add_window(&mut self, window: &OfWindow) {
        for (key, value) in &window.grows {
            self.add_event(key, value, window.group, window.weight);
        }
    }

    fn add_event(&mut self, key: &GrowKey, value: &GrowValue, group: u8, weight: Weight) {
        let process = ProcessKey(key.process);
        let found = [self.map_type(process, key.map_type), self.stack(process, key.stack)];
        let [map_type, stack] = found.map(Found::id);
        let (kind, log2_capacity, precision) = (key.kind, key.log2_capacity, key.precision);
        let mut key = EventKey { map_type, stack, kind, log2_capacity, precision, group };
        let is_full =
            self.tally.events.len() >= MAX_EVENTS && !self.tally.events.contains_key(&key);
        if is_full {
            (key.map_type, key.stack) = (None, None);
        }
        if is_full || found.contains(&Found::NoRoom) {
            self.tally.n_without_room += value.n;
        }
        self.tally.events.entry(key).or_default().add(value, weight);
    }

    fn map_type(&mut self, process: ProcessKey, addr: u64) -> Found {
        if let Some(&found) = self.types.get(&(process, addr)) {
            return found;
        }
        let link_addr = addr.wrapping_sub(self.memory.bias(process));
        let info = self.memory.type_in_executable(self.binary, link_addr);
        let info = info.or_else(|| self.memory.types.get(&(process, addr)).cloned().flatten());
        let found = info.map_or(Found::Nothing, |info| {
            let bytes = info.name.len();
            Found::of(self.tally.types.id(info, bytes))
        });
        self.types.insert((process, addr), found);
        found
    }

    fn stack(&mut self, process: ProcessKey, key: u64) -> Found {
        let bias = self.memory.bias(process);
        if let Some(&found) = self.stacks.get(&(bias, key)) {
            return found;
        }
        let text = self.binary.functions().text();
        let in_file = |addr: &u64| {
            let addr = LinkAddr(addr.wrapping_sub(bias));
            if text.contains(&addr) { addr.0 } else { 0 }
        };
        let frames = self.memory.stacks.get(&key);
        let frames: Option<Box<[u64]>> = frames.map(|frames| frames.iter().map(in_file).collect());
        let found = frames.map_or(Found::Nothing, |frames| {
            let bytes = size_of_val(&*frames);
            Found::of(self.tally.stacks.id(frames, bytes))
        });
        self.stacks.insert((bias, key), found);
        found
    }
}

#[cfg(test)]
mod tests;
