//! Go code in recorded processes that is not of the recorded executable: plugins, and shared libraries made by Go.
//!
//! Each has functions of the runtime of its own, where there is no probe, and may be loaded at any time. What a process has
//! mapped is of its choosing, and may never answer: looks have a thread of their own, for which nobody waits for long.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use goproc::{ErrorKind, FileId, Mapping, Pid, ProcessId, RunAddr, open_regular};

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
    /// Whether there were files, or memory maps, that could not be looked at.
    has_unread: bool,
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
        let chosen = pids.clone();
        let look = move || {
            for pid in chosen.into_iter().map(Pid) {
                look_at_process(&seen, pid, own, &own_path);
            }
            drop(over);
        };
        self.running = std::thread::Builder::new().spawn(look).ok().map(|_| running);
        if self.running.is_none() {
            // There can be no thread: they have their turn later, if there is one.
            self.seen().put_off(&pids);
        }
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
        is_looking || seen.has_more_processes || seen.has_unread || !seen.silent.is_empty()
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

    /// Processes that were chosen, and not looked at.
    fn put_off(&mut self, pids: &[u32]) {
        self.processes.retain(|pid| !pids.contains(pid));
        self.has_more_processes |= !pids.is_empty();
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
            match error.kind {
                ErrorKind::NoAnswer => {
                    lock(seen).silent.insert(id);
                }
                ErrorKind::NoSuchProcess => {}
                _ => lock(seen).has_unread = true,
            }
            return;
        }
    };
    for mapping in maps.mappings.iter().filter(|mapping| mapping.can_execute) {
        let new = lock(seen).take_new(mapping, own, own_path);
        let Some((file, path)) = new else { continue };
        match is_go_code(pid, &path, mapping, file) {
            Some(true) => {
                lock(seen).go_code.insert(path);
            }
            Some(false) => {}
            // Of one that has ended nothing more is mapped.
            None => lock(seen).has_unread |= id.is_running(),
        }
    }
}

/// By its sections; `None` where it cannot be opened. Its owner may have put anything in its place: that is not opened, and
/// of a file that is another one only its length is read; then the kernel has the one that is mapped, for who has the
/// rights. Devices are not compared, as some file systems say another one in the map than elsewhere.
fn is_go_code(pid: Pid, path: &Path, mapping: &Mapping, mapped: FileId) -> Option<bool> {
    let inside =
        PathBuf::from(format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap_or(path));
    let (RunAddr(start), RunAddr(end)) = (mapping.start, mapping.end);
    let itself = PathBuf::from(format!("/proc/{pid}/map_files/{start:x}-{end:x}"));
    let is_go_code = |file: File| {
        let metadata = file.metadata().ok().filter(|metadata| metadata.ino() == mapped.inode)?;
        Some((metadata.len() <= MAX_BYTES).then(|| gobin::is_linked_by_go(file)))
    };
    if let Some(found) = open_regular(&inside).ok().and_then(is_go_code) {
        return found;
    }
    match open_regular(&itself) {
        Ok(file) => is_go_code(file)?,
        // A device.
        Err(error) => matches!(error.kind, ErrorKind::NotAFile).then_some(false),
    }
}

#[cfg(test)]
mod tests;
