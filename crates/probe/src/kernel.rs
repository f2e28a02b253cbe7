//! The kernel side, loaded: its maps, and the links that put probes in place.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use aya::maps::{Array, HashMap as BpfHashMap, PerCpuArray};
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLink, UProbeScope};
use aya::programs::{PerfEvent, ProgramError, UProbe};
use aya::util::online_cpus;
use aya::{Ebpf, EbpfError, EbpfLoader, Pod, include_bytes_aligned};
use gobin::LinkAddr;

use crate::error::Error;
use crate::multi::MultiProgram;
use crate::points::Probe;
use crate::record_layout::{
    COUNT_NEW_GROWS, COUNT_NEW_PROCESSES, COUNT_NEW_SAMPLES, COUNT_NEW_STACKS, Control, GrowKey,
    GrowValue, MAX_GROWS, MAX_PROCESSES, MAX_SAMPLES, MAX_STACKS, N_COUNTERS, Point, SampleKey,
    Stack,
};
use crate::recording::Links;
use crate::system::{self, kernel_release};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/recorder.bpf.o"));

/// First kernel whose uprobe_multi links tell processes apart. Source: Linux commit 46ba0e49b642.
const FIRST_GOOD_MULTI: (u32, u32) = (6, 10);

/// Sums of the per-CPU counters, by `COUNT_*`.
pub(crate) type Counters = [u64; N_COUNTERS as usize];

/// Which processes hit the probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One process, its threads to come included.
    Process(u32),
    /// Every process of the executable, those to come included.
    All,
}

/// What was taken out of the kernel's tables.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) grows: HashMap<GrowKey, GrowValue>,
    pub(crate) samples: HashMap<SampleKey, u64>,
    pub(crate) stacks: HashMap<u64, Vec<u64>>,
    /// Difference between addresses in a process and in the ELF file, by process.
    pub(crate) processes: HashMap<u32, u64>,
}

impl Counts {
    fn add_grow(&mut self, key: GrowKey, value: GrowValue) {
        let sum = self.grows.entry(key).or_insert(GrowValue { n: 0, entries: 0 });
        sum.n += value.n;
        sum.entries = sum.entries.wrapping_add(value.entries);
    }

    fn add_samples(&mut self, key: SampleKey, n: u64) {
        *self.samples.entry(key).or_default() += n;
    }

    /// Growths and makes counted.
    pub(crate) fn n_events(&self) -> u64 {
        self.grows.values().map(|value| value.n).sum()
    }
}

/// The kernel's tables that fill up: the counter of new entries, and the room.
const TABLES: [(u32, u32); 4] = [
    (COUNT_NEW_GROWS, MAX_GROWS),
    (COUNT_NEW_STACKS, MAX_STACKS),
    (COUNT_NEW_SAMPLES, MAX_SAMPLES),
    (COUNT_NEW_PROCESSES, MAX_PROCESSES),
];

/// The loaded programs and maps. Probes and samples end when it is dropped, also when the recorder is killed.
pub(crate) struct Kernel {
    ebpf: Ebpf,
    /// `None` where links are single.
    multi: Option<MultiProgram>,
    points: Vec<Point>,
    /// Entries taken out of each of `TABLES`, and its counter of new entries when that was last tried.
    n_drained: [u64; TABLES.len()],
    drained_at: [u64; TABLES.len()],
}

/// Probes in place, until dropped.
pub(crate) enum ProbeLinks {
    Multi { _links: Vec<OwnedFd> },
    Single { links: Vec<UProbeLink> },
}

impl Drop for ProbeLinks {
    fn drop(&mut self) {
        // Each of these waits some 100 ms for the kernel: together, not one after the other.
        if let Self::Single { links } = self {
            std::thread::scope(|scope| {
                for link in links.drain(..) {
                    scope.spawn(move || drop(link));
                }
            });
        }
    }
}

impl Kernel {
    /// Loads programs and maps. `classic_load` is the load factor's numerator over 2; `text` is where the functions are.
    pub(crate) fn load(
        classic_load: u32,
        text: Range<LinkAddr>,
        links: Links,
    ) -> Result<Self, Error> {
        let mut ebpf = EbpfLoader::new()
            .override_global("classic_load", &classic_load, true)
            .override_global("text_start", &text.start.0, true)
            .override_global("text_end", &text.end.0, true)
            .load(OBJECT)
            .map_err(load_error)?;
        let is_multi = links == Links::Auto
            && kernel_release().is_some_and(|release| release >= FIRST_GOOD_MULTI);
        let multi =
            if is_multi { MultiProgram::load(OBJECT, "on_probe", &ebpf).ok() } else { None };
        if multi.is_none() {
            program::<UProbe>(&mut ebpf, "on_probe").load().map_err(program_error)?;
        }
        let none = [0; TABLES.len()];
        Ok(Self { ebpf, multi, points: Vec::new(), n_drained: none, drained_at: none })
    }

    /// "uprobe_multi" or "perf".
    pub(crate) fn links_name(&self) -> &'static str {
        if self.multi.is_some() { "uprobe_multi" } else { "perf" }
    }

    /// Puts probes in place.
    pub(crate) fn attach(
        &mut self,
        path: &Path,
        scopes: &[Scope],
        probes: &[Probe],
    ) -> Result<ProbeLinks, Error> {
        let cookies: Vec<u64> =
            probes.iter().map(|probe| self.cookie(probe)).collect::<Result<_, _>>()?;
        let offsets: Vec<u64> = probes.iter().map(|probe| probe.offset.0).collect();
        if let Some(multi) = &self.multi {
            let attach = |scope: &Scope| multi.attach(path, *scope, &offsets, &cookies);
            let _links = scopes.iter().map(attach).collect::<Result<_, _>>()?;
            return Ok(ProbeLinks::Multi { _links });
        }
        let mut links = Vec::new();
        let on_probe = program::<UProbe>(&mut self.ebpf, "on_probe");
        for scope in scopes {
            for (&offset, &cookie) in offsets.iter().zip(&cookies) {
                let location = UProbeAttachLocation::AbsoluteOffset(offset);
                let point = UProbeAttachPoint { location, cookie: Some(cookie) };
                let id =
                    on_probe.attach(point, path, uprobe_scope(*scope)).map_err(program_error)?;
                links.push(on_probe.take_link(id).map_err(program_error)?);
            }
        }
        Ok(ProbeLinks::Single { links })
    }

    /// The index by which the kernel side finds what a probe means.
    fn cookie(&mut self, probe: &Probe) -> Result<u64, Error> {
        let known = self.points.iter().position(|point| *point == probe.point);
        let idx = match known {
            Some(idx) => idx,
            None => {
                let idx = self.points.len();
                let mut points: Array<_, Point> = self.table_mut("points", Array::try_from);
                points
                    .set(idx as u32, probe.point, 0)
                    .map_err(|error| map_error("adding a probe", &error))?;
                self.points.push(probe.point);
                idx
            }
        };
        Ok(idx as u64)
    }

    /// Starts sampling the CPU clock of all processes known, `hz` times a second and core.
    pub(crate) fn sample(&mut self, hz: u64) -> Result<(), Error> {
        let on_sample = program::<PerfEvent>(&mut self.ebpf, "on_sample");
        on_sample.load().map_err(program_error)?;
        let cpus = online_cpus().map_err(|(what, error)| Error::Kernel {
            what: "listing CPUs",
            reason: format!("{what}: {error}"),
        })?;
        for cpu in cpus {
            let clock = PerfEventConfig::Software(SoftwareEvent::CpuClock);
            let scope = PerfEventScope::AllProcessesOneCpu { cpu };
            on_sample
                .attach(clock, scope, SamplePolicy::Frequency(hz), false)
                .map_err(program_error)?;
        }
        Ok(())
    }

    /// Tells the kernel side how to count from now on.
    pub(crate) fn control(&mut self, control: Control) -> Result<(), Error> {
        let mut controls: Array<_, Control> = self.table_mut("controls", Array::try_from);
        controls.set(0, control, 0).map_err(|error| map_error("changing the mode", &error))
    }

    /// Names a process whose CPU samples count.
    pub(crate) fn add_process(&mut self, pid: u32, bias: u64) -> Result<(), Error> {
        let mut processes: BpfHashMap<_, u32, u64> =
            self.table_mut("processes", BpfHashMap::try_from);
        processes.insert(pid, bias, 0).map_err(|error| map_error("adding a process", &error))
    }

    /// Processes seen so far.
    pub(crate) fn processes(&self) -> HashMap<u32, u64> {
        self.entries("processes").into_iter().collect()
    }

    /// Processes with the addresses of the map types that were seen there.
    pub(crate) fn map_types(&self) -> HashSet<(u32, u64)> {
        let grows: BpfHashMap<_, GrowKey, GrowValue> = self.table("grows", BpfHashMap::try_from);
        grows.keys().flatten().map(|key| (key.tgid, key.map_type)).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        let table: PerCpuArray<_, u64> = self.table("counters", PerCpuArray::try_from);
        let mut counters = Counters::default();
        for (idx, counter) in (0_u32..).zip(&mut counters) {
            *counter = table.get(&idx, 0).map_or(0, |per_cpu| per_cpu.iter().sum());
        }
        counters
    }

    /// Whether a table is half full, and fuller than after the last `drain`.
    pub(crate) fn is_filling(&self) -> bool {
        let counters = self.counters();
        TABLES.iter().enumerate().any(|(table, &(counter, room))| {
            let made = counters[counter as usize];
            let (entries, room) = (made.saturating_sub(self.n_drained[table]), u64::from(room));
            entries > room / 2 && made - self.drained_at[table] > room / 8
        })
    }

    /// Moves what no process will add to any more into `counts`: everything of processes that have ended, and stacks,
    /// which are stored again when they are seen again. The recorder's own calibration is left out.
    pub(crate) fn drain(&mut self, counts: &mut Counts, has_ended: &dyn Fn(u32) -> bool) {
        let counters = self.counters();
        self.drained_at = TABLES.map(|(counter, _)| counters[counter as usize]);
        let own = std::process::id();
        let processes: Vec<(u32, u64)> = self.entries("processes");
        counts.processes.extend(processes.iter().copied().filter(|&(tgid, _)| tgid != own));
        let ended: HashSet<u32> =
            processes.iter().map(|&(tgid, _)| tgid).filter(|&tgid| has_ended(tgid)).collect();
        let is_done = |tgid: u32| ended.contains(&tgid) || tgid == own;
        let grows = self.take("grows", |key: &GrowKey| is_done(key.tgid));
        let stacks: Vec<(u64, Stack)> = self.take("stacks", |_| true);
        let samples = self.take("samples", |key: &SampleKey| is_done(key.tgid));
        let gone: Vec<(u32, u64)> = self.take("processes", |tgid| ended.contains(tgid));
        let taken = [grows.len(), stacks.len(), samples.len(), gone.len()];
        for (sum, n) in self.n_drained.iter_mut().zip(taken) {
            *sum += n as u64;
        }
        for (key, value) in grows.into_iter().filter(|(key, _)| key.tgid != own) {
            counts.add_grow(key, value);
        }
        for (key, n) in samples.into_iter().filter(|(key, _)| key.tgid != own) {
            counts.add_samples(key, n);
        }
        for (key, stack) in stacks {
            let n_frames = (stack.n_frames as usize).min(stack.frames.len());
            counts.stacks.entry(key).or_insert_with(|| stack.frames[..n_frames].to_vec());
        }
    }

    /// Removes entries from a table, and returns them.
    fn take<K: Pod, V: Pod>(&mut self, name: &str, which: impl Fn(&K) -> bool) -> Vec<(K, V)> {
        let mut entries: Vec<(K, V)> = self.entries(name);
        entries.retain(|(key, _)| which(key));
        let mut table: BpfHashMap<_, K, V> = self.table_mut(name, BpfHashMap::try_from);
        // What cannot be removed stays in the table, and must not be counted twice.
        entries.retain(|(key, _)| table.remove(key).is_ok());
        entries
    }

    fn entries<K: Pod, V: Pod>(&self, name: &str) -> Vec<(K, V)> {
        let table: BpfHashMap<_, K, V> = self.table(name, BpfHashMap::try_from);
        table.iter().flatten().collect()
    }

    fn table<'k, T, E: std::fmt::Debug>(
        &'k self,
        name: &str,
        convert: impl FnOnce(&'k aya::maps::Map) -> Result<T, E>,
    ) -> T {
        let map = self.ebpf.map(name).expect("the object has this map");
        convert(map).expect("the object has it with these types")
    }

    fn table_mut<'k, T, E: std::fmt::Debug>(
        &'k mut self,
        name: &str,
        convert: impl FnOnce(&'k mut aya::maps::Map) -> Result<T, E>,
    ) -> T {
        let map = self.ebpf.map_mut(name).expect("the object has this map");
        convert(map).expect("the object has it with these types")
    }
}

fn uprobe_scope(scope: Scope) -> UProbeScope {
    match scope {
        Scope::Process(pid) => {
            NonZeroU32::new(pid).map_or(UProbeScope::CallingProcess, UProbeScope::OneProcess)
        }
        Scope::All => UProbeScope::AllProcesses,
    }
}

fn program<'k, P>(ebpf: &'k mut Ebpf, name: &str) -> &'k mut P
where
    &'k mut P: TryFrom<&'k mut aya::programs::Program, Error: std::fmt::Debug>,
{
    let program = ebpf.program_mut(name).expect("the object has this program");
    program.try_into().expect("the object has it of this kind")
}

fn map_error(what: &'static str, error: &aya::maps::MapError) -> Error {
    Error::Kernel { what, reason: error.to_string() }
}

fn load_error(error: EbpfError) -> Error {
    match system::find_io_error(&error).map(std::io::Error::kind) {
        Some(std::io::ErrorKind::PermissionDenied) => {
            Error::NotPermitted { what: "creating BPF maps" }
        }
        _ => Error::Kernel { what: "loading BPF maps", reason: system::chain(&error) },
    }
}

fn program_error(error: ProgramError) -> Error {
    if let ProgramError::LoadError { verifier_log, io_error } = &error
        && io_error.kind() != std::io::ErrorKind::PermissionDenied
    {
        return Error::Verifier { log: system::tail(&verifier_log.to_string()) };
    }
    match system::find_io_error(&error).map(std::io::Error::kind) {
        Some(std::io::ErrorKind::PermissionDenied) => {
            Error::NotPermitted { what: "attaching BPF programs" }
        }
        _ => Error::Kernel { what: "attaching BPF programs", reason: system::chain(&error) },
    }
}
