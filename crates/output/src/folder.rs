//! A folder that is to be filled: opened once, so that it is the same whatever takes its name meanwhile.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};

use crate::owner::is_ours;
use crate::place::{MAX_LINKS, check_way};
use crate::{Error, ErrorKind};

/// Opens a folder. A link under its name is followed when it is this user's or root's, as that of a file is; the link that
/// is looked at is the very one that is followed.
///
/// # Errors
/// When it is none, cannot be opened, or is a link that somebody may have planted.
pub fn open_folder(path: &Path) -> Result<File, Error> {
    find(path).map_err(|kind| Error { path: path.to_owned(), kind })
}

fn find(path: &Path) -> Result<File, ErrorKind> {
    // With a slash at its end the kernel would follow a link.
    let mut here: PathBuf = path.components().collect();
    for _ in 0..=MAX_LINKS {
        check_way(here.parent().unwrap_or(Path::new("")))?;
        let found = open_below(CWD, &here, OFlags::PATH | OFlags::NOFOLLOW)?;
        let metadata = found.metadata().map_err(ErrorKind::Io)?;
        if !metadata.is_symlink() {
            return open_below(&found, Path::new("."), OFlags::RDONLY | OFlags::DIRECTORY);
        }
        let to = follow(&found, &metadata)?;
        here = here.parent().unwrap_or(Path::new("")).join(to).components().collect();
    }
    Err(ErrorKind::LinkLoop)
}

fn open_below(dir: impl AsFd, path: &Path, how: OFlags) -> Result<File, ErrorKind> {
    let file = openat(dir, path, how | OFlags::CLOEXEC, Mode::empty());
    file.map(File::from).map_err(|errno| ErrorKind::Io(errno.into()))
}

/// Where a link leads, when nobody can have planted it.
fn follow(link: &File, metadata: &Metadata) -> Result<PathBuf, ErrorKind> {
    let to = readlinkat(link, "", Vec::new());
    let to = to.map_err(|errno| ErrorKind::Io(io::Error::from(errno)))?;
    let to = PathBuf::from(OsStr::from_bytes(to.as_bytes()));
    if is_ours(metadata) {
        return Ok(to);
    }
    Err(ErrorKind::ForeignLink { uid: metadata.uid(), to })
}
