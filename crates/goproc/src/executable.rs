//! Executables: of a process, also when the file was deleted or replaced or is in a container, and of a command.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use gobin::MAX_FILE_BYTES;
use rustix::fs::{Access, Mode, OFlags, access, open};

use crate::{Error, ErrorKind, Pid, Place};

/// What Linux appends to the path of a file that is no longer in its directory.
pub(crate) const DELETED: &[u8] = b" (deleted)";

/// A file, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId {
    /// The device, as `stat` has it.
    pub device: u64,
    /// The inode.
    pub inode: u64,
}

impl FileId {
    /// Of the file that a path leads to.
    ///
    /// # Errors
    /// When it leads to none that may be looked at.
    pub fn of(path: &Path) -> Result<Self, Error> {
        fs::metadata(path)
            .map(|metadata| Self::from_metadata(&metadata))
            .map_err(|error| Error::of_file(path, error))
    }

    /// Of a file that is open, or was looked at.
    pub fn from_metadata(metadata: &fs::Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// A file that is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// Path by which the kernel and we open it: of a process `/proc/PID/exe`, also when the file has no other any more.
    pub path: PathBuf,
    /// Path where the process found it, without " (deleted)": to show. Another file may be there now, or none.
    pub shown: PathBuf,
    /// The file name in it.
    pub name: OsString,
    /// Which file it is.
    pub id: FileId,
    /// Whether it is no longer in its directory: deleted or replaced.
    pub is_deleted: bool,
}

impl Executable {
    /// A file by its path, symbolic links followed.
    ///
    /// # Errors
    /// When it is not there, not to be looked at, or not a regular file.
    pub fn at(path: &Path) -> Result<Self, Error> {
        let fail = |error| Error::of_file(path, error);
        let path = path.canonicalize().map_err(fail)?;
        let metadata = fs::metadata(&path).map_err(fail)?;
        ensure_regular(&path, &metadata)?;
        let id = FileId::from_metadata(&metadata);
        Ok(Self { name: file_name(&path), shown: path.clone(), path, id, is_deleted: false })
    }

    /// Whether a process runs it; no where that cannot be seen.
    pub fn is_run_by(&self, pid: Pid) -> bool {
        FileId::of(&pid.exe_path()).is_ok_and(|id| id == self.id)
    }

    /// The file, up to where the last part ends that its headers name, or all of it where it has none that can be read. It
    /// is read, not mapped: who changes the file meanwhile does not end this program.
    ///
    /// # Errors
    /// When it cannot be opened, is no regular file any more, has more than [`MAX_FILE_BYTES`], or is too large for
    /// memory.
    pub fn read(&self) -> Result<Vec<u8>, Error> {
        let fail = |error| Error::of_file(&self.path, error);
        let mut file = open_regular(&self.path)?;
        let len = file.metadata().map_err(fail)?.len();
        if len > MAX_FILE_BYTES {
            return Err(Error {
                place: Place::File(self.shown.clone()),
                kind: ErrorKind::TooLarge(len),
            });
        }
        let len = gobin::end_of_named_parts(&file).map_or(len, |end| end.min(len));
        file.rewind().map_err(fail)?;
        let mut bytes = Vec::new();
        let n_bytes = usize::try_from(len).map_err(|_| fail(io::ErrorKind::OutOfMemory.into()))?;
        bytes.try_reserve_exact(n_bytes).map_err(|_| fail(io::ErrorKind::OutOfMemory.into()))?;
        file.take(len).read_to_end(&mut bytes).map_err(fail)?;
        Ok(bytes)
    }
}

/// Opens a regular file for reading, and nothing else, whatever is put in its place meanwhile: to open a pipe waits for a
/// writer, and to open a device may do what it does.
///
/// # Errors
/// When it is not there, not to be read, or not a regular file.
pub fn open_regular(path: &Path) -> Result<File, Error> {
    let fail = |error: io::Error| Error::of_file(path, error);
    let found = open(path, TO_LOOK_AT | OFlags::CLOEXEC, Mode::empty());
    let found = File::from(found.map_err(|errno| fail(errno.into()))?);
    ensure_regular(path, &found.metadata().map_err(fail)?)?;
    readable(found).map_err(fail)
}

/// Finds a file without opening it.
#[cfg(target_os = "linux")]
const TO_LOOK_AT: OFlags = OFlags::PATH;
/// Does not wait.
#[cfg(not(target_os = "linux"))]
const TO_LOOK_AT: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn readable(found: File) -> io::Result<File> {
    File::open(format!("/proc/self/fd/{}", found.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
fn readable(found: File) -> io::Result<File> {
    Ok(found)
}

fn ensure_regular(path: &Path, metadata: &fs::Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        Ok(())
    } else {
        Err(Error { place: Place::File(path.to_owned()), kind: ErrorKind::NotAFile })
    }
}

fn file_name(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

impl Pid {
    /// Path by which its executable can be opened, also when the file is gone from its directory.
    pub fn exe_path(self) -> PathBuf {
        PathBuf::from(format!("/proc/{self}/exe"))
    }

    /// The file it runs.
    ///
    /// # Errors
    /// When the process is gone, of another user, or a thread of the kernel.
    pub fn executable(self) -> Result<Executable, Error> {
        let path = self.exe_path();
        let link = self.exe_link()?;
        let metadata = fs::metadata(&path).map_err(|error| self.exe_error(error))?;
        let id = FileId::from_metadata(&metadata);
        let undeleted = link.as_os_str().as_bytes().strip_suffix(DELETED);
        // A file may also be called so: then it is there, as the process sees its directories.
        let undeleted = undeleted.filter(|_| {
            let seen = Path::new(&format!("/proc/{self}/root")).join(relative(&link));
            FileId::of(&seen).map_or(true, |other| other != id)
        });
        let is_deleted = undeleted.is_some();
        let shown = undeleted.map_or(link.as_path(), |bytes| Path::new(OsStr::from_bytes(bytes)));
        Ok(Executable { path, name: file_name(shown), shown: shown.to_owned(), id, is_deleted })
    }

    /// The text of the link, " (deleted)" included.
    pub(crate) fn exe_link(self) -> Result<PathBuf, Error> {
        fs::read_link(self.exe_path()).map_err(|error| self.exe_error(error))
    }

    fn exe_error(self, error: io::Error) -> Error {
        let is_there = || Path::new(&format!("/proc/{self}")).exists();
        if error.kind() == io::ErrorKind::NotFound && is_there() {
            return Error::of_process(self, ErrorKind::NoExecutable);
        }
        Error::of_process_io(self, error)
    }
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// The file that a shell would start: of a name without directory, the first on PATH that may be run. Symbolic links are
/// followed.
///
/// # Errors
/// When there is none.
pub fn which(command: &OsStr) -> Result<PathBuf, Error> {
    // Where execvp(3) looks without PATH.
    let directories = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    which_in(command, &directories)
}

fn which_in(command: &OsStr, directories: &OsStr) -> Result<PathBuf, Error> {
    let no_such = || Error::of_command(&command.to_string_lossy(), ErrorKind::NoSuchCommand);
    if command.as_bytes().contains(&b'/') {
        return Path::new(command).canonicalize().map_err(|_| no_such());
    }
    let name = (!command.is_empty()).then_some(Path::new(command)).ok_or_else(no_such)?;
    let can_run = |path: &PathBuf| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    std::env::split_paths(directories)
        .map(|directory| directory.join(name))
        .find(can_run)
        .and_then(|path| path.canonicalize().ok())
        .ok_or_else(no_such)
}

/// A path without " (deleted)". A file that is called so looks like one that is gone.
pub(crate) fn without_deleted(path: &[u8]) -> PathBuf {
    let undeleted = path.strip_suffix(DELETED).unwrap_or(path);
    PathBuf::from(OsString::from_vec(undeleted.to_vec()))
}

#[cfg(test)]
mod tests;
