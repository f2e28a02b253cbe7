//! The kernel side, loaded: its maps, and the links that put probes in place.

use std::collections::{HashMap, HashSet};
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aya::maps::{Array, HashMap as BpfHashMap, Map, MapError, PerCpuArray};
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::uprobe::{UProbeAttachLocation, UProbeAttachPoint, UProbeLink, UProbeScope};
use aya::programs::{PerfEvent, ProgramError, RawTracePoint, UProbe};
use aya::util::online_cpus;
use aya::{Ebpf, EbpfError, EbpfLoader, Pod, include_bytes_aligned};
use gobin::{LargeArrays, LinkAddr};
use goproc::Pid;
use recording::LinkKind;

use crate::beat::Beat;
use crate::bpf;
use crate::capabilities::{CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN, Capabilities};
use crate::error::{Error, chain};
use crate::multi::MultiProgram;
use crate::options::Links;
use crate::points::Probe;
use crate::process::{Executions, ProcessKey, Scope};
use crate::reach::{Namespace, Reach};
use crate::record_layout::{
    self, COUNT_NEW_GROWS, COUNT_NEW_PROCESSES, COUNT_NEW_SAMPLES, COUNT_NEW_STACKS, Control,
    GrowKey, GrowValue, MAX_FRAMES, MAX_GROWS, MAX_PROCESSES, MAX_SAMPLES, MAX_STACKS, N_COUNTERS,
    Point, SampleKey, Stack, ThreadCount,
};
use crate::refusal;
use crate::system::{self, KernelClock, kernel_release};

static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/recorder.bpf.o"));

/// First kernel whose uprobe_multi links tell processes apart. Source: Linux commit 46ba0e49b642.
const FIRST_GOOD_MULTI: (u32, u32) = (6, 10);

/// Whether all probes can have one link.
pub(crate) fn has_good_multi() -> bool {
    kernel_release().is_some_and(|release| release >= FIRST_GOOD_MULTI)
}

/// First kernel that lets who has a table use it, whatever `kernel.unprivileged_bpf_disabled` says. Source: Linux commit
/// c8644cd0efe7.
const FIRST_OPEN_MAPS: (u32, u32) = (6, 0);

/// Source: include/uapi/linux/bpf.h
const BPF_NOEXIST: u64 = 1;

/// Sums of the per-CPU counters, by `COUNT_*`.
pub(crate) type Counters = [u64; N_COUNTERS as usize];

/// What the kernel side has to know of the program.
#[derive(Debug, Clone)]
pub(crate) struct Constants {
    /// Numerator of the classic load factor over 2.
    pub(crate) classic_load: u32,
    /// Where classic maps ask for large arrays, if they can be told from small ones.
    pub(crate) large: Option<LargeArrays>,
    /// Where the functions are.
    pub(crate) text: Range<LinkAddr>,
    /// Which processes are counted.
    pub(crate) reach: Reach,
}

/// How the kernel side is to count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counting {
    /// Rare events are counted all the same.
    pub(crate) is_paused: bool,
    /// Of events from now on: 0, n for one stack in 2^n, or `PRECISION_WINDOW`.
    pub(crate) precision: u32,
    /// A random number below this asks for a stack.
    pub(crate) walk_below: u32,
    pub(crate) max_frames: u32,
}

/// What was taken out of the kernel's tables.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) grows: Vec<(GrowKey, GrowValue)>,
    pub(crate) samples: Vec<(SampleKey, u64)>,
    pub(crate) stacks: Vec<(u64, Stack)>,
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
    /// Of each of `TABLES`: its counter of new entries when it was last emptied.
    emptied_at: [u64; TABLES.len()],
    control: Control,
    /// `None` where counting goes on whether or not anything is heard of the recorder.
    clock: Option<KernelClock>,
    beat: Beat,
}

/// Probes in place, until dropped.
#[derive(Default)]
pub(crate) struct ProbeLinks {
    multi: Vec<(Scope, OwnedFd)>,
    single: Vec<(Scope, UProbeLink)>,
}

impl ProbeLinks {
    /// Takes those of a process out, and drops them.
    pub(crate) fn drop_scope(&mut self, scope: Scope) {
        self.multi.retain(|(other, _)| *other != scope);
        let single = std::mem::take(&mut self.single);
        let (of_scope, others) = single.into_iter().partition(|(other, _)| *other == scope);
        self.single = others;
        drop(Self { multi: Vec::new(), single: of_scope });
    }

    /// Adds those of another.
    pub(crate) fn add(&mut self, mut other: Self) {
        self.multi.append(&mut other.multi);
        self.single.append(&mut other.single);
    }
}

impl Drop for ProbeLinks {
    fn drop(&mut self) {
        // Each of these waits some 100 ms for the kernel: some together, not one after the other. There may be thousands.
        let links = Mutex::new(std::mem::take(&mut self.single));
        let next = || links.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let drop_rest = || {
            while let Some(link) = next() {
                drop(link);
            }
        };
        let n_more = DROPPING.min(links.lock().map_or(0, |links| links.len().saturating_sub(1)));
        std::thread::scope(|scope| {
            for _ in 0..n_more {
                // Where there can be no thread, the others do it.
                let _ = std::thread::Builder::new().spawn_scoped(scope, drop_rest);
            }
            drop_rest();
        });
    }
}

/// Threads that drop links, beside the one that is told to.
const DROPPING: usize = 31;

impl Kernel {
    /// Loads programs and maps.
    pub(crate) fn load(constants: &Constants, links: Links) -> Result<Self, Error> {
        refusal::lacking()?;
        let Constants { classic_load, large, text, reach } = constants;
        let no_function = LinkAddr(0)..LinkAddr(0);
        let above = large.as_ref().map_or(0, |large| large.above);
        let grower = large.as_ref().map_or(no_function, |large| large.grower.clone());
        let namespace = reach.namespace.unwrap_or(Namespace { device: 0, inode: 0 });
        let mut ebpf = EbpfLoader::new()
            .override_global("classic_load", classic_load, true)
            .override_global("large_above", &above, true)
            .override_global("grower_start", &grower.start.0, true)
            .override_global("grower_end", &grower.end.0, true)
            .override_global("text_start", &text.start.0, true)
            .override_global("text_end", &text.end.0, true)
            .override_global("namespace_device", &namespace.device, true)
            .override_global("namespace_inode", &namespace.inode, true)
            .override_global("is_of_one_user", &u32::from(reach.user.is_some()), true)
            .override_global("one_user", &reach.user.unwrap_or(0), true)
            .load(OBJECT)
            .map_err(load_error)?;
        let is_multi = links == Links::Auto && has_good_multi();
        // Where that is refused, links are single, and what refuses those is said.
        let multi =
            if is_multi { MultiProgram::load(OBJECT, "on_probe", &ebpf).ok() } else { None };
        if multi.is_none() {
            program::<UProbe>(&mut ebpf, "on_probe").load().map_err(program_error)?;
        }
        let control = Control {
            valid_until: u64::MAX,
            is_paused: 1,
            precision: 0,
            walk_below: 0,
            max_frames: MAX_FRAMES,
            standing_apart: 0,
            epoch: 0,
            is_held: 0,
            padding: 0,
        };
        Ok(Self {
            ebpf,
            multi,
            points: Vec::new(),
            emptied_at: [0; TABLES.len()],
            control,
            clock: None,
            beat: Beat::new(),
        })
    }

    /// Capabilities that it takes to put the same probes in place again, and to read the clocks of threads.
    pub(crate) fn rights_to_attach(&self) -> Vec<u32> {
        if self.multi.is_some() && refusal::gives_clocks_for(&[CAP_PERFMON]) {
            vec![CAP_PERFMON]
        } else {
            vec![CAP_PERFMON, CAP_SYS_ADMIN]
        }
    }

    /// Whether it takes no capabilities to put a program in place that is loaded.
    pub(crate) fn can_attach_without_rights(&self) -> bool {
        self.multi.is_some()
    }

    /// Capabilities that it takes to read what was counted.
    pub(crate) fn rights_to_read(&self) -> Option<u32> {
        let needs_one = kernel_release().is_none_or(|release| release < FIRST_OPEN_MAPS);
        needs_one.then_some(CAP_BPF)
    }

    /// How it attaches.
    pub(crate) fn link_kind(&self) -> LinkKind {
        if self.multi.is_some() { LinkKind::UprobeMulti } else { LinkKind::Perf }
    }

    /// Puts probes in place, but for processes that have ended.
    pub(crate) fn attach(
        &mut self,
        path: &Path,
        scopes: &[Scope],
        probes: &[Probe],
    ) -> Result<ProbeLinks, Error> {
        let cookies: Vec<u64> =
            probes.iter().map(|probe| self.cookie(probe)).collect::<Result<_, _>>()?;
        let offsets: Vec<u64> = probes.iter().map(|probe| probe.offset.0).collect();
        let mut links = ProbeLinks::default();
        if let Some(multi) = &self.multi {
            for &scope in scopes {
                match multi.attach(path, scope, &offsets, &cookies) {
                    Ok(link) => links.multi.push((scope, link)),
                    Err(error) if is_gone(Some(&error)) => {}
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        return Err(not_permitted("attaching probes"));
                    }
                    Err(error) => {
                        return Err(Error::Kernel {
                            what: "attaching probes",
                            reason: error.to_string(),
                        });
                    }
                }
            }
            return Ok(links);
        }
        let on_probe = program::<UProbe>(&mut self.ebpf, "on_probe");
        for scope in scopes {
            for (&offset, &cookie) in offsets.iter().zip(&cookies) {
                let location = UProbeAttachLocation::AbsoluteOffset(offset);
                let point = UProbeAttachPoint { location, cookie: Some(cookie) };
                match on_probe.attach(point, path, uprobe_scope(*scope)) {
                    Ok(id) => {
                        let link = on_probe.take_link(id).map_err(program_error)?;
                        links.single.push((*scope, link));
                    }
                    Err(error) if is_gone(system::find_io_error(&error)) => break,
                    Err(error) if is_denied(&error) => return Err(Error::LinksNotPermitted),
                    Err(error) => return Err(program_error(error)),
                }
            }
        }
        Ok(links)
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
            on_sample.attach(clock, scope, SamplePolicy::Frequency(hz), false).map_err(
                |error| {
                    if is_denied(&error) {
                        Error::SamplesNotPermitted { paranoid: refusal::perf_event_paranoid() }
                    } else {
                        program_error(error)
                    }
                },
            )?;
        }
        Ok(())
    }

    /// Tells the kernel side how to count from now on.
    pub(crate) fn control(&mut self, counting: Counting) -> Result<(), Error> {
        let Counting { is_paused, precision, walk_below, max_frames } = counting;
        let is_paused = u32::from(is_paused);
        self.set_control(Control { is_paused, precision, walk_below, max_frames, ..self.control })
    }

    /// Whether splits, or growths of classic maps to large arrays, are counted by a probe of their own, paused or not.
    pub(crate) fn count_standing_apart(&mut self, is_apart: bool) -> Result<(), Error> {
        self.set_control(Control { standing_apart: u32::from(is_apart), ..self.control })
    }

    /// While it is held, the kernel side counts nothing but which processes there are, and what they execute.
    pub(crate) fn hold(&mut self, is_held: bool) -> Result<(), Error> {
        self.set_control(Control { is_held: u32::from(is_held), ..self.control })
    }

    /// From now on hits are counted for a while only, and again for as long after whatever the kernel side is told.
    pub(crate) fn count_while_heard_of(&mut self) -> Result<(), Error> {
        self.clock = Some(KernelClock::own());
        self.beat().map(|_| ())
    }

    /// Lets the kernel side go on counting. Returns how long it did not since the last time.
    pub(crate) fn beat(&mut self) -> Result<Duration, Error> {
        if self.clock.is_some() {
            self.set_control(self.control)?;
        }
        Ok(self.beat.take_late())
    }

    fn set_control(&mut self, mut control: Control) -> Result<(), Error> {
        if let Some(clock) = self.clock {
            control.valid_until = self.beat.renew(clock.now_ns());
        }
        let mut controls: Array<_, Control> = self.table_mut("controls", Array::try_from);
        controls.set(0, control, 0).map_err(|error| map_error("changing the mode", &error))?;
        self.control = control;
        Ok(())
    }

    /// Tells processes that execute a program from what they were before. Has to be called before any is added.
    pub(crate) fn watch_executions(&mut self) -> Result<(), Error> {
        let on_exec = program::<RawTracePoint>(&mut self.ebpf, "on_exec");
        on_exec.load().map_err(program_error)?;
        on_exec.attach("sched_process_exec").map(|_| ()).map_err(program_error)
    }

    /// Names a process whose CPU samples count. Returns whether it was not known.
    pub(crate) fn add_process(&mut self, process: ProcessKey, bias: u64) -> Result<bool, Error> {
        let mut processes: BpfHashMap<_, u32, u64> =
            self.table_mut("processes", BpfHashMap::try_from);
        match processes.insert(process.0, bias, BPF_NOEXIST) {
            Ok(()) => Ok(true),
            Err(_) if processes.get(&process.0, 0).is_ok() => Ok(false),
            Err(error) => Err(map_error("adding a process", &error)),
        }
    }

    /// What a process executed since it was recorded.
    pub(crate) fn executions(&self, pid: Pid) -> Result<Executions, Error> {
        let executions: BpfHashMap<_, u32, u32> = self.table("executions", BpfHashMap::try_from);
        match executions.get(&pid.0, 0) {
            Ok(n) => Ok(Executions(n)),
            Err(MapError::KeyNotFound) => Ok(Executions::default()),
            Err(error) => Err(map_error("reading what was counted", &error)),
        }
    }

    /// What each process executed that executed anything since it was recorded.
    pub(crate) fn all_executions(&self) -> Result<HashMap<Pid, Executions>, Error> {
        let executions: Vec<(u32, u32)> = self.entries("executions")?;
        Ok(executions.into_iter().map(|(pid, n)| (Pid(pid), Executions(n))).collect())
    }

    /// Processes that were counted, with the difference between their addresses and those in the ELF file. Some may have
    /// ended, or run another program by now.
    pub(crate) fn processes(&self) -> Result<HashMap<ProcessKey, u64>, Error> {
        let processes: Vec<(u32, u64)> = self.entries("processes")?;
        Ok(processes.into_iter().map(|(key, bias)| (ProcessKey(key), bias)).collect())
    }

    /// Those that run the program, as far as they have not ended.
    pub(crate) fn running(&self) -> Result<HashMap<ProcessKey, u64>, Error> {
        // In this order: what is executed in between makes a process that is known an earlier one, which it is. The
        // other way round the one that it is from then on would not be the latest.
        let mut processes = self.processes()?;
        let executions = self.all_executions()?;
        let latest = |pid: Pid| executions.get(&pid).copied().unwrap_or_default().process(pid);
        processes.retain(|&key, _| latest(key.pid()) == key);
        Ok(processes)
    }

    /// Forgets processes, and what processes executed that have ended.
    pub(crate) fn remove_processes(&mut self, keys: &[ProcessKey]) -> Result<(), Error> {
        let raw: Vec<u32> = keys.iter().map(|key| key.0).collect();
        self.remove("processes", &raw)?;
        // Most of them are none of `keys`: they ended running another program.
        let mut executed = self.all_executions()?;
        for key in self.processes()?.into_keys() {
            executed.remove(&key.pid());
        }
        let gone = executed.into_keys().filter(|pid| pid.cpu_ns().is_none());
        self.remove("executions", &gone.map(|pid| pid.0).collect::<Vec<u32>>())
    }

    /// Processes with the addresses of the map types that were seen there since tables were emptied.
    pub(crate) fn map_types(&self) -> Result<HashSet<(ProcessKey, u64)>, Error> {
        let grows: Vec<(GrowKey, GrowValue)> = self.entries("grows")?;
        Ok(grows.iter().map(|(key, _)| (ProcessKey(key.process), key.map_type)).collect())
    }

    pub(crate) fn counters(&self) -> Result<Counters, Error> {
        let table: PerCpuArray<_, record_layout::Counters> =
            self.table("counters", PerCpuArray::try_from);
        let mut sums = Counters::default();
        let per_cpu = table.get(&0, 0).map_err(|error| map_error("reading counters", &error))?;
        for counters in per_cpu.iter() {
            for (sum, counter) in sums.iter_mut().zip(counters.of) {
                *sum += counter;
            }
        }
        Ok(sums)
    }

    /// Events of the window by thread.
    pub(crate) fn threads(&self) -> Result<Vec<(u32, ThreadCount)>, Error> {
        self.entries("threads")
    }

    /// Before a window.
    pub(crate) fn forget_threads(&mut self) -> Result<(), Error> {
        self.take::<u32, ThreadCount>("threads", |_| true).map(|_| ())
    }

    /// Whether a table is half full of what came since it was emptied.
    pub(crate) fn is_filling(&self, counters: &Counters) -> bool {
        TABLES.iter().zip(self.emptied_at).any(|(&(counter, room), emptied_at)| {
            counters[counter as usize].saturating_sub(emptied_at) > u64::from(room) / 2
        })
    }

    /// Takes the events that were counted up to now. Nothing is lost or counted twice: new counts go to entries of their
    /// own, and the old ones are read when no program of the kernel side adds to them any more.
    pub(crate) fn take_grows(&mut self) -> Result<Vec<(GrowKey, GrowValue)>, Error> {
        let epoch = self.control.epoch.wrapping_add(1) % 256;
        self.set_control(Control { epoch, ..self.control })?;
        bpf::wait_for_running_programs();
        self.take("grows", |key: &GrowKey| u32::from(key.epoch) != epoch)
    }

    /// As `take_grows`, and takes CPU samples and stacks too; these are stored again when they are seen again. To be
    /// called before there were 256 epochs of samples.
    pub(crate) fn take_all(&mut self) -> Result<Taken, Error> {
        let counters = self.counters()?;
        self.emptied_at = TABLES.map(|(counter, _)| counters[counter as usize]);
        let grows = self.take_grows()?;
        let epoch = self.control.epoch;
        let samples = self.take("samples", |key: &SampleKey| key.epoch != epoch)?;
        Ok(Taken { grows, samples, stacks: self.take("stacks", |_: &u64| true)? })
    }

    /// Removes entries from a table, and returns them.
    fn take<K: Pod, V: Pod>(
        &mut self,
        name: &str,
        which: impl Fn(&K) -> bool,
    ) -> Result<Vec<(K, V)>, Error> {
        let mut entries: Vec<(K, V)> = self.entries(name)?;
        entries.retain(|(key, _)| which(key));
        let keys: Vec<K> = entries.iter().map(|(key, _)| *key).collect();
        self.remove(name, &keys)?;
        Ok(entries)
    }

    fn entries<K: Pod, V: Pod>(&self, name: &str) -> Result<Vec<(K, V)>, Error> {
        bpf::entries(self.fd(name)).map_err(|error| Error::Kernel {
            what: "reading what was counted",
            reason: error.to_string(),
        })
    }

    fn remove<K: Pod>(&mut self, name: &str, keys: &[K]) -> Result<(), Error> {
        bpf::remove(self.fd(name), keys)
            .map_err(|error| Error::Kernel { what: "emptying tables", reason: error.to_string() })
    }

    pub(crate) fn fd(&self, name: &str) -> BorrowedFd<'_> {
        let map = self.ebpf.map(name).expect("the object has this map");
        let Map::HashMap(data) = map else { unreachable!("tables are hash maps") };
        data.fd().as_fd()
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

/// Whether the process has ended.
fn is_gone(error: Option<&io::Error>) -> bool {
    error.is_some_and(|error| error.raw_os_error() == Some(libc::ESRCH))
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

fn map_error(what: &'static str, error: &MapError) -> Error {
    Error::Kernel { what, reason: error.to_string() }
}

fn load_error(error: EbpfError) -> Error {
    refusal::of_limit("creating BPF maps", &error).unwrap_or_else(|| {
        if is_denied(&error) {
            not_permitted("creating BPF maps")
        } else {
            Error::Kernel { what: "loading BPF maps", reason: chain(&error) }
        }
    })
}

fn not_permitted(what: &'static str) -> Error {
    let has = |capability| Capabilities::in_effect().has(capability);
    let has_rights = has(CAP_SYS_ADMIN) || has(CAP_BPF) && has(CAP_PERFMON);
    Error::NotPermitted { what, has_rights }
}

fn program_error(error: ProgramError) -> Error {
    const WHAT: &str = "attaching BPF programs";
    // Before what the verifier says, which has accepted the program by then.
    let limit = refusal::of_limit(WHAT, &error);
    if let Some(refused) = limit.or_else(|| refusal::of_program(&error)) {
        return refused;
    }
    if is_denied(&error) {
        return not_permitted(WHAT);
    }
    Error::Kernel { what: WHAT, reason: chain(&error) }
}

/// Also where a call is not there: kernels have these, and seccomp profiles may say that they have not.
fn is_denied(error: &(dyn std::error::Error + 'static)) -> bool {
    system::find_io_error(error).is_some_and(|error| {
        error.kind() == io::ErrorKind::PermissionDenied
            || error.raw_os_error() == Some(libc::ENOSYS)
    })
}
