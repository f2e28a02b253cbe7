//! A file that gets its name when it is whole.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, SeekFrom, Uid, fchown, seek};
use rustix::io::Errno;
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

/// What is copied at a time. Units: bytes.
const PIECE: u64 = 1 << 20;

/// As [`write_private`], of what is in another file. Its holes are holes of the copy too. Returns its length, or `None` when
/// it was not to go on: then nothing is left.
///
/// # Errors
/// As [`write_private`], and when the other file cannot be read.
pub fn copy_private(
    path: &Path,
    from: &File,
    goes_on: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let len = from.metadata()?.len();
    let draft = Draft::private(path)?;
    let mut piece = Vec::new();
    let mut at = 0;
    while let Some((data, end)) = next_data(from, at, len)? {
        if !goes_on() {
            return Ok(None);
        }
        at = end.min(data + PIECE);
        piece.resize((at - data) as usize, 0);
        from.read_exact_at(&mut piece, data)?;
        draft.file().write_all_at(&piece, data)?;
    }
    draft.file().set_len(len)?;
    draft.keep()?;
    Ok(Some(len))
}

/// From where to where a file has data next. File systems that do not know of holes have data everywhere.
fn next_data(file: &File, at: u64, len: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= len {
        return Ok(None);
    }
    let data = match seek(file, SeekFrom::Data(at)) {
        Ok(data) => data,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL) => return Ok(Some((at, len))),
        Err(errno) => return Err(errno.into()),
    };
    let end = seek(file, SeekFrom::Hole(data))?.min(len);
    Ok((data < end).then_some((data, end)))
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
    file.as_file_mut().write_all(bytes)?;
    sync(file.as_file())?;
    file.keep().map(|(_, path)| path).map_err(|error| error.error)
}

/// As [`write_elsewhere`], of what would be lost: says where it is now, or that it is lost, as what follows its name.
pub fn keep_elsewhere(suffix: &str, bytes: &[u8]) -> String {
    match write_elsewhere(suffix, bytes) {
        Ok(path) => format!("is kept in {}", path.display()),
        Err(error) => {
            format!("is lost: nor can it be kept in the folder for temporary files: {error}")
        }
    }
}
