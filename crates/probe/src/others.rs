//! Go code in recorded processes that is not of the recorded executable: plugins, and shared libraries made by Go.
//!
//! Each has functions of the runtime of its own, where there is no probe, and may be loaded at any time.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use goproc::{FileId, Mapping, Pid};

/// Processes of which the memory map is looked at, of all that run: the others are of the same executable.
const MAX_PROCESSES: usize = 16;
/// Files that are opened, of all processes together.
const MAX_FILES: usize = 1024;
/// Larger files are not looked at. Units: bytes.
const MAX_BYTES: u64 = 1 << 30;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Others {
    looked_at: HashSet<FileId>,
    /// As the processes name them.
    go_code: BTreeSet<PathBuf>,
}

impl Others {
    /// Looks for what was loaded since the last time; `own` is the recorded executable.
    pub(crate) fn look(&mut self, pids: &[u32], own: FileId, own_path: &Path) {
        for pid in pids.iter().take(MAX_PROCESSES).copied().map(Pid) {
            let Ok(maps) = pid.maps() else { continue };
            for mapping in maps.mappings.iter().filter(|mapping| mapping.permissions.can_execute) {
                self.look_at(pid, mapping, own, own_path);
            }
        }
    }

    fn look_at(&mut self, pid: Pid, mapping: &Mapping, own: FileId, own_path: &Path) {
        let (Some(file), Some(path)) = (mapping.file, mapping.path()) else { return };
        // Some file systems say another device here than elsewhere.
        if file == own || path == own_path || self.looked_at.len() >= MAX_FILES {
            return;
        }
        if self.looked_at.insert(file) && is_go_code(pid, &path) {
            self.go_code.insert(path);
        }
    }

    /// Files with Go code, by name.
    pub(crate) fn go_code(&self) -> impl Iterator<Item = &Path> {
        self.go_code.iter().map(PathBuf::as_path)
    }
}

/// By its sections; what cannot be opened any more is taken for none. Its owner may have put a pipe in its place: to open
/// that must not wait.
fn is_go_code(pid: Pid, path: &Path) -> bool {
    let inside =
        PathBuf::from(format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap_or(path));
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(inside);
    let is_small_file = |file: &File| {
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_BYTES)
    };
    opened.ok().filter(is_small_file).is_some_and(gobin::is_linked_by_go)
}
