//! Mutex profiles, block profiles and waits of traces to locks that are taken in the functions of sites.
//!
//! Which lock guards which map no source says. What can be told: the function that uses the map also takes a lock that
//! goroutines wait for.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::{Builder, FunctionId, LineId, LockSide, ProcessLocks, SiteLock, SourceId, Waits};
use gopprof::Profile;

use crate::lines::{FrameInfo, Lines};

/// Waits of one input for locks, by the line that takes them or gives them back.
#[derive(Debug)]
pub(crate) struct LockSums {
    lines: Lines,
    process: ProcessLocks,
    /// With the function of package sync that was called there.
    by_line: HashMap<(LineId, FunctionId), Waits>,
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

impl LockSums {
    fn new(source: SourceId, side: LockSide, duration_ns: Option<u64>) -> Self {
        let total = Waits::default();
        let process = ProcessLocks { source, side, total, duration_ns };
        Self { lines: Lines::default(), process, by_line: HashMap::new() }
    }

    /// A mutex or block profile. Without a known side it has no waits for locks.
    pub(crate) fn of(profile: &Profile, side: Option<LockSide>, source: SourceId) -> Self {
        let duration_ns = u64::try_from(profile.duration_nanos).ok().filter(|&ns| ns > 0);
        let mut sums = Self::new(source, side.unwrap_or(LockSide::Waiter), duration_ns);
        let locations = sums.lines.add_profile(profile);
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
            sums.add(&frames, Waits { n: value(columns[0]), ns: value(columns[1]) });
        }
        sums
    }

    /// The waits of a trace: stacks, leaf first, each frame with function, file and line.
    pub(crate) fn of_trace<'s, S>(
        waits: impl Iterator<Item = (S, Waits)>,
        source: SourceId,
        duration_ns: u64,
    ) -> Self
    where
        S: Iterator<Item = (&'s str, &'s str, u32)>,
    {
        let mut sums = Self::new(source, LockSide::Waiter, Some(duration_ns));
        for (stack, waits) in waits {
            let frames: Vec<FrameInfo> = stack
                .map(|(function, file, line)| sums.lines.add_frame(function, file, line))
                .collect();
            sums.add(&frames, waits);
        }
        sums
    }

    /// Adds waits if they are for a mutex: to the first line above the functions of the runtime and of package sync.
    fn add(&mut self, frames: &[FrameInfo], waits: Waits) {
        let name = |frame: &FrameInfo| self.lines.name(frame.function);
        let is_inside = |frame: &&FrameInfo| frame.class.is_runtime() || is_sync(name(frame));
        let n_inside = frames.iter().take_while(is_inside).count();
        let inside = &frames[..n_inside];
        if !inside.iter().any(|frame| side_of(name(frame)) == Some(self.process.side)) {
            return;
        }
        self.process.total += waits;
        let call = inside.iter().rev().find(|frame| is_sync(name(frame)));
        if let (Some(call), Some(user)) = (call, frames.get(n_inside)) {
            *self.by_line.entry((user.line, call.function)).or_default() += waits;
        }
    }

    /// Says which functions waited, or were waited for.
    pub(crate) fn tell(self, builder: &mut Builder) {
        let ProcessLocks { source, side, .. } = self.process;
        for ((line, call), waits) in self.by_line {
            let (call, frame) = (Arc::clone(self.lines.name(call)), self.lines.frame(line));
            builder.waits(SiteLock { source, side, call, frame, waits });
        }
        builder.locks(self.process);
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
pub(crate) fn summary(profile: &Profile) -> String {
    let kind = match side_of_profile(profile) {
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
