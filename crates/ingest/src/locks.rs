//! Mutex profiles, block profiles and waits of traces to locks that are taken in the functions of sites.
//!
//! Which lock guards which map no source says. What can be told: the function that uses the map also takes a lock that
//! goroutines wait for.

use std::collections::HashMap;

use evidence::Evidence;
use evidence::{LockSide, ProcessLocks, Site, SiteLock, SourceId, Waits};
use gopprof::Profile;

use crate::lines::{FrameInfo, LineId, Lines};
use crate::program::ProgramOfProfile;

/// Sums waits for locks by the line that takes them or gives them back.
#[derive(Debug, Default)]
pub(crate) struct LockCollector {
    lines: Lines,
    programs: Vec<ProgramOfProfile>,
    sources: Vec<OfSource>,
}

#[derive(Debug)]
struct OfSource {
    process: ProcessLocks,
    by_line: HashMap<(LineId, String), Waits>,
}

/// What a function of package sync does with a lock.
///
/// Source: src/sync and src/internal/sync, Go 1.21 to 1.27.
fn side_of(function: &str) -> Option<LockSide> {
    let method = function.strip_prefix("internal/").unwrap_or(function).strip_prefix("sync.(*")?;
    let (receiver, method) = method.split_once(").")?;
    match (receiver, method) {
        ("Mutex", "Lock" | "lockSlow") | ("RWMutex", "Lock" | "RLock") => Some(LockSide::Waiter),
        ("Mutex", "Unlock" | "unlockSlow") | ("RWMutex", "Unlock" | "RUnlock" | "rUnlockSlow") => {
            Some(LockSide::Holder)
        }
        _ => None,
    }
}

fn is_sync(function: &str) -> bool {
    function.starts_with("sync.") || function.starts_with("internal/sync.")
}

impl LockCollector {
    pub(crate) fn has_profiles(&self) -> bool {
        !self.programs.is_empty()
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = &ProgramOfProfile> {
        self.programs.iter()
    }

    /// Adds a mutex or block profile. Without a known side it has no waits for locks.
    pub(crate) fn add(
        &mut self,
        profile: &Profile,
        side: Option<LockSide>,
        source: SourceId,
        name: &str,
    ) {
        self.programs.push(ProgramOfProfile::of(profile, name));
        let side = side.unwrap_or(LockSide::Waiter);
        let locations = self.lines.add_profile(profile);
        let duration_ns = u64::try_from(profile.duration_nanos).ok().filter(|&ns| ns > 0);
        let mut of_source = OfSource::new(source, side, duration_ns);
        let column =
            |name: &str| profile.sample_types.iter().position(|t| profile.str(t.kind) == name);
        let columns = ["contentions", "delay"].map(column);
        let mut frames: Vec<FrameInfo> = Vec::new();
        for sample in profile.samples() {
            let value = |column: Option<usize>| {
                column.map_or(0, |column| u64::try_from(sample.value(column)).unwrap_or(0))
            };
            frames.clear();
            frames.extend(sample.locations().flat_map(|location| locations.of(location)));
            let waits = Waits { n: value(columns[0]), ns: value(columns[1]) };
            of_source.add(&self.lines, &frames, waits);
        }
        self.sources.push(of_source);
    }

    /// Adds the waits of a trace: stacks, leaf first, each frame with function, file and line.
    pub(crate) fn add_trace<'s, S>(
        &mut self,
        waits: impl Iterator<Item = (S, Waits)>,
        source: SourceId,
        duration_ns: u64,
    ) where
        S: Iterator<Item = (&'s str, &'s str, u32)>,
    {
        let mut of_source = OfSource::new(source, LockSide::Waiter, Some(duration_ns));
        for (stack, waits) in waits {
            let frames: Vec<FrameInfo> = stack
                .map(|(function, file, line)| self.lines.add_frame(function, file, line))
                .collect();
            of_source.add(&self.lines, &frames, waits);
        }
        self.sources.push(of_source);
    }

    /// Gives each site the waits of its function.
    pub(crate) fn finish(self, evidence: &mut Evidence) {
        if self.sources.is_empty() {
            return;
        }
        for site in &mut evidence.sites {
            site.locks = Some(self.locks_of(site));
        }
        evidence.locks = self.sources.into_iter().map(|of_source| of_source.process).collect();
    }

    fn locks_of(&self, site: &Site) -> Vec<SiteLock> {
        let mut locks = Vec::new();
        for of_source in &self.sources {
            for ((line, call), &waits) in &of_source.by_line {
                let frame = self.lines.frame(*line);
                let functions = std::iter::once(&site.frame).chain(&site.inlined_into);
                if functions.map(|f| &f.function).any(|function| *function == frame.function) {
                    let ProcessLocks { source, side, .. } = of_source.process;
                    locks.push(SiteLock { source, side, call: call.clone(), frame, waits });
                }
            }
        }
        locks.sort_by(|a, b| {
            let by_time = || b.waits.ns.cmp(&a.waits.ns).then_with(|| a.frame.cmp(&b.frame));
            a.source.cmp(&b.source).then_with(by_time).then_with(|| a.call.cmp(&b.call))
        });
        locks
    }
}

impl OfSource {
    fn new(source: SourceId, side: LockSide, duration_ns: Option<u64>) -> Self {
        let total = Waits::default();
        let process = ProcessLocks { source, side, total, duration_ns };
        Self { process, by_line: HashMap::new() }
    }

    /// Adds waits if they are for a mutex: to the first line above the functions of the runtime and of package sync.
    fn add(&mut self, lines: &Lines, frames: &[FrameInfo], waits: Waits) {
        let name = |frame: &FrameInfo| lines.function(frame.function).name.as_str();
        let is_inside = |frame: &&FrameInfo| frame.class.is_runtime() || is_sync(name(frame));
        let n_inside = frames.iter().take_while(is_inside).count();
        let inside = &frames[..n_inside];
        if !inside.iter().any(|frame| side_of(name(frame)) == Some(self.process.side)) {
            return;
        }
        self.process.total += waits;
        let call = inside.iter().rev().map(name).find(|name| is_sync(name));
        if let (Some(call), Some(user)) = (call, frames.get(n_inside)) {
            *self.by_line.entry((user.line, call.to_owned())).or_default() += waits;
        }
    }
}

/// Whose stacks a profile of contentions has: both kinds have the same sample types, but only in a mutex profile do stacks
/// end in giving a lock back. `None` when it has no stack.
///
/// Mutex profiles of Go 1.25 and later have the runtime's own locks too.
pub(crate) fn side_of_profile(profile: &Profile) -> Option<LockSide> {
    let leaf = |sample: gopprof::Sample<'_>| {
        let location = sample.locations().next()?;
        let function = profile.locations[location.index()].lines.first()?.function?;
        Some(profile.str(profile.functions[function.index()].name))
    };
    let gives_back = |name: &str| {
        matches!(name, "runtime.unlock" | "runtime._LostContendedRuntimeLock")
            || side_of(name) == Some(LockSide::Holder)
    };
    let mut leaves = profile.samples().filter_map(leaf).peekable();
    leaves.peek()?;
    Some(if leaves.any(gives_back) { LockSide::Holder } else { LockSide::Waiter })
}

/// "mutex profile, 412 stacks over 1.20 s".
pub(crate) fn summary(profile: &Profile, side: Option<LockSide>) -> String {
    let kind = match side {
        Some(LockSide::Holder) => "mutex profile",
        Some(LockSide::Waiter) => "block profile",
        None => "mutex or block profile",
    };
    let mut text = format!("{kind}, {} stacks", profile.samples().count());
    if profile.duration_nanos > 0 {
        text += &format!(" over {:.2} s", profile.duration_nanos as f64 / 1e9);
    }
    text
}
