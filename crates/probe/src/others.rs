//! Go code in recorded processes that is not of the recorded executable: plugins, and shared libraries made by Go.
//!
//! Each has functions of the runtime of its own, where there is no probe, and may be loaded at any time. What a process has
//! mapped is of its choosing, and may never answer: looks have a thread of their own, for which nobody waits for long.

use std::collections::{BTreeSet, HashSet};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use goproc::{ErrorKind, FileId, Mapping, Pid, ProcessId, open_regular};

use crate::tally::MAX_LOCKED;

/// Processes of which the memory map is looked at, at a time; of more, others the next time.
const MAX_PROCESSES: usize = 16;
/// Files that are opened, of all processes together.
pub(crate) const MAX_FILES: usize = 1024;
/// Larger files are not looked at. Units: bytes.
const MAX_BYTES: u64 = 1 << 30;
/// How long a look is waited for when a recording ends: less than what the kernel side counts without hearing of us.
const LONGEST_WAIT: Duration = Duration::from_millis(300);

/// What was found so far, and the look that was begun last.
#[derive(Debug, Default)]
pub(crate) struct Others {
    seen: Arc<Mutex<Seen>>,
    /// Nobody sends any more when it is over.
    running: Option<Receiver<()>>,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Seen {
    looked_at: HashSet<FileId>,
    has_more_files: bool,
    /// Processes that keep their memory map locked: each look takes seconds.
    silent: HashSet<ProcessId>,
    /// Of the processes that run, those that were looked at; and the last of them.
    processes: HashSet<u32>,
    last: u32,
    /// Whether there are processes that were not.
    has_more_processes: bool,
    /// As the processes name them.
    go_code: BTreeSet<PathBuf>,
}

impl Others {
    /// Begins to look for what was loaded since the last time, unless that look goes on; `own` is the recorded executable.
    pub(crate) fn look(&mut self, pids: &[u32], own: FileId, own_path: &Path) {
        if self.is_looking(Duration::ZERO) {
            return;
        }
        let (seen, own_path) = (Arc::clone(&self.seen), own_path.to_owned());
        let pids = self.seen().choose(pids);
        let (over, running) = channel::<()>();
        let look = move || {
            for pid in pids.into_iter().map(Pid) {
                look_at_process(&seen, pid, own, &own_path);
            }
            drop(over);
        };
        // Where there can be no thread, nothing is looked at this time.
        self.running = std::thread::Builder::new().spawn(look).ok().map(|_| running);
    }

    /// Waits for the look that goes on, but not for long.
    pub(crate) fn wait(&self) {
        self.is_looking(LONGEST_WAIT);
    }

    /// Whether the look still goes on after so long.
    fn is_looking(&self, wait: Duration) -> bool {
        let after = |running: &Receiver<()>| running.recv_timeout(wait);
        self.running.as_ref().map(after) == Some(Err(RecvTimeoutError::Timeout))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }

    /// Whether there were more than `MAX_FILES`, which were not opened.
    pub(crate) fn has_more_files(&self) -> bool {
        self.seen().has_more_files
    }

    /// Whether there were processes of which not all files are known.
    pub(crate) fn has_more_processes(&self) -> bool {
        let is_looking = self.is_looking(Duration::ZERO);
        let seen = self.seen();
        is_looking || seen.has_more_processes || !seen.silent.is_empty()
    }

    /// Files with Go code, by name.
    pub(crate) fn go_code(&self) -> Vec<PathBuf> {
        self.seen().go_code.iter().cloned().collect()
    }
}

impl Seen {
    /// Which of the processes that run to look at now: those that come after the last one.
    fn choose(&mut self, pids: &[u32]) -> Vec<u32> {
        let mut chosen = pids.to_vec();
        chosen.sort_unstable();
        let first = chosen.partition_point(|&pid| pid <= self.last);
        if first < chosen.len() {
            chosen.rotate_left(first);
        }
        chosen.truncate(MAX_PROCESSES);
        self.last = chosen.last().copied().unwrap_or(0);
        self.processes.extend(&chosen);
        self.processes.retain(|pid| pids.contains(pid));
        self.has_more_processes = self.processes.len() < pids.len();
        chosen
    }

    /// The file of a mapping, where it is to be opened.
    fn take_new(
        &mut self,
        mapping: &Mapping,
        own: FileId,
        own_path: &Path,
    ) -> Option<(FileId, PathBuf)> {
        let (file, path) = (mapping.file?, mapping.path()?);
        // Some file systems say another device here than elsewhere.
        if file == own || path == own_path || self.looked_at.contains(&file) {
            return None;
        }
        if self.looked_at.len() >= MAX_FILES {
            self.has_more_files = true;
            return None;
        }
        self.looked_at.insert(file);
        Some((file, path))
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Nothing is locked while something may not answer.
fn look_at_process(seen: &Mutex<Seen>, pid: Pid, own: FileId, own_path: &Path) {
    let Ok(id) = pid.id() else { return };
    {
        let seen = lock(seen);
        if seen.silent.contains(&id) || seen.silent.len() >= MAX_LOCKED {
            return;
        }
    }
    let maps = match pid.maps() {
        Ok(maps) => maps,
        Err(error) => {
            if matches!(error.kind, ErrorKind::NoAnswer) {
                lock(seen).silent.insert(id);
            }
            return;
        }
    };
    for mapping in maps.mappings.iter().filter(|mapping| mapping.can_execute) {
        let new = lock(seen).take_new(mapping, own, own_path);
        let Some((file, path)) = new else { continue };
        if is_go_code(pid, &path, file) {
            lock(seen).go_code.insert(path);
        }
    }
}

/// By its sections; what cannot be opened any more is taken for none. Its owner may have put anything in its place: that
/// is not opened, and of a file that is another one only its length is read. Devices are not compared, as some file
/// systems say another one in the map than elsewhere.
fn is_go_code(pid: Pid, path: &Path, mapped: FileId) -> bool {
    let inside =
        PathBuf::from(format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap_or(path));
    let is_mapped = |file: &File| {
        let is_it =
            |metadata: Metadata| metadata.ino() == mapped.inode && metadata.len() <= MAX_BYTES;
        file.metadata().is_ok_and(is_it)
    };
    open_regular(&inside).ok().filter(is_mapped).is_some_and(gobin::is_linked_by_go)
}

#[cfg(test)]
mod tests;
