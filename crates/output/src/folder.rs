//! A folder that is to be filled: opened once, so that it is the same whatever takes its name meanwhile.

use std::fs::File;
use std::path::Path;

use rustix::fs::{Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;

use crate::walk::{Walk, io};
use crate::{Error, ErrorKind};

/// Of a folder: for this user only.
const PRIVATE: Mode = Mode::RWXU;

/// A folder, open to be read.
#[derive(Debug)]
pub struct Folder {
    /// The folder.
    pub file: File,
    /// Whether it was made just now.
    pub is_new: bool,
}

/// Opens a folder, and makes it, and those above it, for this user only where they are not there. Links are followed as
/// those on the way to a file are; none is made at the end of a link that leads nowhere, or that another user may have
/// planted.
///
/// # Errors
/// When it is none, cannot be made or opened, or such a link leads there.
pub fn make_folder(path: &Path) -> Result<Folder, Error> {
    make(path).map_err(|kind| Error { path: path.to_owned(), kind })
}

fn make(path: &Path) -> Result<Folder, ErrorKind> {
    if path.as_os_str().is_empty() {
        return Err(ErrorKind::NotAName);
    }
    let mut walk = Walk::start()?;
    let mut is_new = false;
    for name in path.components().map(|name| Path::new(name.as_os_str())) {
        is_new = make_missing(&walk, name)?;
        walk.enter(name)?;
    }
    walk.check_folder()?;
    let file = openat(&walk.dir, ".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    Ok(Folder { file: File::from(file.map_err(io)?), is_new })
}

/// Makes a folder where there is nothing under its name.
fn make_missing(walk: &Walk, name: &Path) -> Result<bool, ErrorKind> {
    if !matches!(walk.look(name.as_os_str()), Err(Errno::NOENT)) {
        return Ok(false);
    }
    walk.check_folder()?;
    match mkdirat(&walk.dir, name, PRIVATE) {
        Ok(()) => Ok(true),
        // Somebody was quicker; what it is will be seen.
        Err(Errno::EXIST) => Ok(false),
        Err(errno) => Err(io(errno)),
    }
}
