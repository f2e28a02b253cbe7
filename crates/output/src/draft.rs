//! A file that gets its name when it is whole.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid, fchown};
use tempfile::{Builder, NamedTempFile};

use crate::ErrorKind;

/// Read and write for all, less the umask, as programs usually make files.
const USUAL: u32 = 0o666;
/// Read and write for the owner.
const PRIVATE: u32 = 0o600;
/// Of a mode, what says who may read, write and run: a new file is never setuid.
const RIGHTS: u32 = 0o777;
/// Characters that are left to chance: 62 to the power of this many names.
const N_RANDOM: usize = 16;

/// A file without its name yet, in the folder of its name. Dropped before [`Draft::keep`], nothing is left of it.
///
/// It is made under a random name that does not exist (O_EXCL, which follows no link), so that a file or link that
/// somebody puts there is neither written to nor followed.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
    path: PathBuf,
}

impl Draft {
    /// One that others may read as far as the umask lets them.
    ///
    /// # Errors
    /// When no file can be made in the folder.
    pub fn new(path: &Path) -> io::Result<Self> {
        Self::with_mode(path, USUAL)
    }

    /// One that only this user may read.
    ///
    /// # Errors
    /// When no file can be made in the folder.
    pub fn private(path: &Path) -> io::Result<Self> {
        Self::with_mode(path, PRIVATE)
    }

    fn with_mode(path: &Path, mode: u32) -> io::Result<Self> {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let file = Builder::new()
            .prefix(".mapscope-")
            .rand_bytes(N_RANDOM)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(dir)
            .map_err(plain)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// What was written so far, from its beginning; what is written next follows behind what was read.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_back(&mut self) -> io::Result<&File> {
        self.file.as_file_mut().rewind()?;
        Ok(self.file.as_file())
    }

    /// As it is so far.
    pub(crate) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives it its name, in the place of what has it now.
    ///
    /// # Errors
    /// When the disk does not take it, or the name cannot be given.
    pub fn keep(self) -> io::Result<()> {
        sync(self.file.as_file())?;
        self.file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Gives a file owner, group and mode of the one whose place it takes.
pub(crate) fn take_after(file: &File, other: &Metadata) -> Result<(), ErrorKind> {
    let own = file.metadata().map_err(ErrorKind::Io)?;
    if (own.uid(), own.gid()) != (other.uid(), other.gid()) {
        let (owner, group) = (Uid::from_raw(other.uid()), Gid::from_raw(other.gid()));
        fchown(file, Some(owner), Some(group))
            .map_err(|_| ErrorKind::OwnerLost { uid: other.uid() })?;
    }
    file.set_permissions(Permissions::from_mode(other.mode() & RIGHTS)).map_err(ErrorKind::Io)
}

/// A name that survives a crash must not stand for a file that does not. Some file systems cannot promise it.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// `tempfile` names the file that it could not make, which would only confuse.
pub(crate) fn plain(error: io::Error) -> io::Error {
    let errno = std::error::Error::source(&error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .and_then(io::Error::raw_os_error);
    errno.or(error.raw_os_error()).map_or(error, io::Error::from_raw_os_error)
}

/// Writes a file of the program's own, in the place of what is there.
///
/// # Errors
/// When it cannot be written; then it is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_to(Draft::new(path)?, bytes)
}

/// As [`write_whole`], readable for this user only.
///
/// # Errors
/// As [`write_whole`].
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_to(Draft::private(path)?, bytes)
}

fn write_to(mut draft: Draft, bytes: &[u8]) -> io::Result<()> {
    draft.write_all(bytes)?;
    draft.keep()
}

/// Writes to a new file in the folder for temporary files, readable for this user only, what could not be written where it
/// belongs. Returns its path.
///
/// # Errors
/// When it cannot be written there either; nothing is left then.
pub fn write_elsewhere(suffix: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut file = Builder::new()
        .prefix("mapscope-")
        .rand_bytes(N_RANDOM)
        .suffix(suffix)
        .permissions(Permissions::from_mode(PRIVATE))
        .tempfile()
        .map_err(plain)?;
    file.write_all(bytes)?;
    sync(file.as_file())?;
    file.keep().map(|(_, path)| path).map_err(|error| error.error)
}
