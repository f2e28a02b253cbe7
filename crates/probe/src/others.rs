//! Go code in recorded processes that is not of the recorded executable: plugins, and shared libraries made by Go.
//!
//! Each has functions of the runtime of its own, where there is no probe, and may be loaded at any time.

use std::collections::{BTreeSet, HashSet};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use goproc::{ErrorKind, FileId, Mapping, Pid, open_regular};

/// Processes of which the memory map is looked at, of all that run: the others are of the same executable.
const MAX_PROCESSES: usize = 16;
/// Files that are opened, of all processes together.
pub(crate) const MAX_FILES: usize = 1024;
/// Larger files are not looked at. Units: bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Others {
    looked_at: HashSet<FileId>,
    has_more: bool,
    /// Processes that keep their memory map locked: each look takes seconds.
    silent: HashSet<Pid>,
    /// As the processes name them.
    go_code: BTreeSet<PathBuf>,
}

impl Others {
    /// Looks for what was loaded since the last time; `own` is the recorded executable.
    pub(crate) fn look(&mut self, pids: &[u32], own: FileId, own_path: &Path) {
        for pid in pids.iter().take(MAX_PROCESSES).copied().map(Pid) {
            if self.silent.contains(&pid) {
                continue;
            }
            let maps = match pid.maps() {
                Ok(maps) => maps,
                Err(error) => {
                    if matches!(error.kind, ErrorKind::NoAnswer) {
                        self.silent.insert(pid);
                    }
                    continue;
                }
            };
            for mapping in maps.mappings.iter().filter(|mapping| mapping.permissions.can_execute) {
                self.look_at(pid, mapping, own, own_path);
            }
        }
    }

    fn look_at(&mut self, pid: Pid, mapping: &Mapping, own: FileId, own_path: &Path) {
        let (Some(file), Some(path)) = (mapping.file, mapping.path()) else { return };
        // Some file systems say another device here than elsewhere.
        if file == own || path == own_path || self.looked_at.contains(&file) {
            return;
        }
        if self.looked_at.len() >= MAX_FILES {
            self.has_more = true;
            return;
        }
        self.looked_at.insert(file);
        if is_go_code(pid, &path, file) {
            self.go_code.insert(path);
        }
    }

    /// Whether there were more than `MAX_FILES`, which were not opened.
    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Files with Go code, by name.
    pub(crate) fn go_code(&self) -> impl Iterator<Item = &Path> {
        self.go_code.iter().map(PathBuf::as_path)
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
