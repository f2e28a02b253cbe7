//! The way to a file or folder, on which each folder is opened before the next name is looked at in it.
//!
//! What is judged is what was opened, never what a name stands for a moment later: whoever renames a folder, or puts a
//! link in its place, does not choose where the way goes on.
//!
//! 1. Each name is opened without following it. A link is read from what was opened, and its target is walked like the
//!    rest of the path.
//! 2. A link of this user or root is followed. One of another user is followed where not everybody may leave one, and
//!    only to what belongs to that user ([`Walk::check_end`]), who could write there anyway.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;

use crate::ErrorKind;
use crate::owner::is_ours;

/// As many links as Linux follows. Source: `MAXSYMLINKS`, include/linux/namei.h.
const MAX_LINKS: usize = 40;
const WRITABLE_FOR_ALL: u32 = 0o002;

/// A way so far.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The folder that it has come to.
    pub(crate) dir: File,
    n_links: usize,
    /// Links of other users that it followed.
    foreign: Vec<ForeignLink>,
}

#[derive(Debug)]
struct ForeignLink {
    uid: u32,
    to: PathBuf,
}

impl ForeignLink {
    fn refused(&self) -> ErrorKind {
        ErrorKind::ForeignLink { uid: self.uid, to: self.to.clone() }
    }
}

impl Walk {
    /// One that begins in the current folder.
    pub(crate) fn start() -> Result<Self, ErrorKind> {
        let dir = look(CWD, OsStr::new("."), OFlags::DIRECTORY).map_err(io)?;
        Ok(Self { dir, n_links: 0, foreign: Vec::new() })
    }

    /// Goes on to a folder, links followed.
    pub(crate) fn enter(&mut self, way: &Path) -> Result<(), ErrorKind> {
        let mut ahead = names_backwards(way);
        while let Some(name) = ahead.pop() {
            match look(&self.dir, name.as_os_str(), OFlags::DIRECTORY) {
                Ok(dir) => self.dir = dir,
                // A link is none, nor is a file.
                Err(Errno::NOTDIR) => ahead.extend(names_backwards(&self.follow_name(&name)?)),
                Err(errno) => return Err(io(errno)),
            }
        }
        Ok(())
    }

    /// What has a name in the folder; a link itself.
    pub(crate) fn look(&self, name: &OsStr) -> Result<File, Errno> {
        look(&self.dir, name, OFlags::empty())
    }

    fn follow_name(&mut self, name: &Path) -> Result<PathBuf, ErrorKind> {
        let found = self.look(name.as_os_str()).map_err(io)?;
        let metadata = found.metadata().map_err(ErrorKind::Io)?;
        if metadata.is_symlink() {
            return self.follow(&found, &metadata);
        }
        Err(io(Errno::NOTDIR))
    }

    /// Where a link in the folder leads, as it says itself.
    pub(crate) fn follow(
        &mut self,
        link: &File,
        metadata: &Metadata,
    ) -> Result<PathBuf, ErrorKind> {
        self.n_links += 1;
        if self.n_links > MAX_LINKS {
            return Err(ErrorKind::LinkLoop);
        }
        let to = readlinkat(link, "", Vec::new()).map_err(io)?;
        let to = PathBuf::from(OsStr::from_bytes(to.as_bytes()));
        if !is_ours(metadata) {
            let foreign = ForeignLink { uid: metadata.uid(), to: self.shown(&to) };
            if self.is_for_all()? {
                return Err(foreign.refused());
            }
            self.foreign.push(foreign);
        }
        Ok(to)
    }

    /// Whether everybody may leave something in the folder.
    pub(crate) fn is_for_all(&self) -> Result<bool, ErrorKind> {
        let metadata = self.dir.metadata().map_err(ErrorKind::Io)?;
        Ok(metadata.mode() & WRITABLE_FOR_ALL != 0)
    }

    /// Refuses an end to which another user's link led, unless it is that user's.
    pub(crate) fn check_end(&self, end: &Metadata) -> Result<(), ErrorKind> {
        match self.foreign.iter().find(|link| link.uid != end.uid()) {
            Some(link) => Err(link.refused()),
            None => Ok(()),
        }
    }

    /// As [`Walk::check_end`], of the folder.
    pub(crate) fn check_folder(&self) -> Result<(), ErrorKind> {
        self.check_end(&self.dir.metadata().map_err(ErrorKind::Io)?)
    }

    /// Refuses a descriptor to which another user's link led, or of another user's process: what it stands for changes
    /// at that user's will, and need not be theirs.
    pub(crate) fn check_descriptor(&self, name: &OsStr) -> Result<(), ErrorKind> {
        if let Some(link) = self.foreign.first() {
            return Err(link.refused());
        }
        let metadata = self.dir.metadata().map_err(ErrorKind::Io)?;
        if is_ours(&metadata) {
            return Ok(());
        }
        Err(ErrorKind::ForeignLink { uid: metadata.uid(), to: self.shown(Path::new(name)) })
    }

    /// A path below the folder, for texts.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        shown(&self.dir).join(path)
    }
}

/// The name under which this process finds what it opened, whatever has its name by now, for as long as it is open: also
/// for a program that it starts to begin in.
pub fn opened_path(file: &impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()))
}

/// The name of what was opened, for texts.
pub(crate) fn shown(file: &File) -> PathBuf {
    let path = opened_path(file);
    fs::read_link(&path).unwrap_or(path)
}

/// Opens a name, and nothing that it leads to, neither to read nor to write.
fn look(dir: impl AsFd, name: &OsStr, how: OFlags) -> Result<File, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC | how;
    openat(dir, name, flags, Mode::empty()).map(File::from)
}

fn names_backwards(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|name| PathBuf::from(name.as_os_str())).collect()
}

pub(crate) fn io(errno: Errno) -> ErrorKind {
    ErrorKind::Io(io::Error::from(errno))
}
