//! The files that commands write, and the one way in which they are written.
//!
//! 1. [`Output::check`] says before the work whether the output can be written, and leaves no trace of having looked:
//!    nothing is cut short, no pipe is opened, no file is made.
//! 2. [`Output::write`] looks again, and writes. What is not a regular file (a device, a pipe, a socket, a descriptor
//!    under `/dev/fd`) is written to in place. A regular file is written beside the old one, under a random name that
//!    must not exist, and takes its place when it is whole; it keeps mode and owner of the old one. A file that something
//!    is mounted on, as containers are given single files, cannot be replaced: it is written to in place too.
//! 3. An input of the command is never written over, whatever its name (device and inode are compared), nor is what may be
//!    a program: by its first bytes, by its mode where it is not of the [`Kind`] that the command writes, or because it
//!    cannot be read. What else is not of that kind is written over only with [`Over::Anything`].
//! 4. A link is followed when nobody can have planted it: see `place`.
//!
//! 5. What was looked at stays open, and only that is written to (`walk`).
//!
//! A file that grows beyond the limit on its size fails as on a full disk, where [`outlive_size_limit`] was called.
//!
//! [`Draft`] is the part of 2 that captures and caches use for files of their own; [`make_folder`] opens the folder that a
//! capture fills, and [`is_only_ours`] says whether somebody else could have a part in what is in it.

mod draft;
mod error;
mod folder;
mod limit;
mod owner;
mod place;
mod stream;
mod walk;

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, statx};

pub use draft::{Draft, copy_private, keep_elsewhere, write_elsewhere, write_private, write_whole};
pub use error::{Error, ErrorKind};
pub use folder::{Folder, make_folder};
pub use limit::outlive_size_limit;
pub use owner::{is_only_ours, open_to_others};
use place::{Existing, Place};
use stream::{Patience, Stream, may_write, reopen};
pub use walk::opened_path;

/// What a command writes, and how to know it again.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// With its article: "a recording of mapscope".
    pub what: &'static str,
    /// Whether a file, read from its beginning, is one.
    pub is_one: fn(&mut dyn Read) -> bool,
}

/// What an output may take the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// An earlier output of the same kind, or an empty file.
    SameKind,
    /// Whatever is there, but for inputs, executables, and what cannot be read and may be one.
    Anything,
}

/// Which files an output must not be. Files are told apart by device and inode, so that links and other names of the
/// same file count too.
#[derive(Debug, Clone, Default)]
pub struct Inputs(Vec<(u64, u64)>);

impl Inputs {
    /// Those of these names that are there; of a folder the files in it. A URL is no file.
    pub fn of<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            inputs.add(path);
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                inputs.add(&entry.path());
            }
        }
        inputs
    }

    fn add(&mut self, path: &Path) {
        if let Ok(metadata) = fs::metadata(path)
            && metadata.is_file()
        {
            self.0.push(id(&metadata));
        }
    }

    fn holds(&self, file: &Metadata) -> bool {
        self.0.contains(&id(file))
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// One output of a command.
#[derive(Debug, Clone)]
pub struct Output<'a> {
    /// As the user named it.
    pub path: &'a Path,
    /// What will be written.
    pub kind: Kind,
    /// What must stay.
    pub inputs: &'a Inputs,
    /// What may go.
    pub over: Over,
}

impl Output<'_> {
    /// Whether it can be written, as far as that can be said without writing.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Error> {
        match self.place()? {
            Place::Stream(stream) => stream.check().map_err(ErrorKind::Io),
            Place::File { dir, existing: Some(existing), .. } if existing.is_mounted(&dir) => {
                Ok(())
            }
            Place::File { dir, existing, .. } => try_folder(&dir, existing.as_deref()),
        }
        .map_err(|kind| self.error(kind))
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// When that cannot be, or must not. A regular file is then as it was.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.write_until(bytes, &|| false)
    }

    /// As [`Output::write`]; once `is_over`, the reader of a pipe is waited for no longer than a second.
    ///
    /// # Errors
    /// When that cannot be, or must not. A regular file is then as it was.
    pub fn write_until(&self, bytes: &[u8], is_over: &dyn Fn() -> bool) -> Result<(), Error> {
        match self.place()? {
            Place::Stream(stream) => {
                stream.write(bytes, &mut Patience::until(is_over)).map_err(ErrorKind::Io)
            }
            Place::File { dir, existing: Some(existing), .. } if existing.is_mounted(&dir) => {
                write_over(&existing, bytes).map_err(ErrorKind::Io)
            }
            Place::File { dir, name, existing } => {
                replace(&opened_path(&dir).join(name), existing.as_deref(), bytes)
            }
        }
        .map_err(|kind| self.error(kind))
    }

    /// The regular file that it will be, links followed; `None` for what is written to in place.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn file(&self) -> Result<Option<PathBuf>, Error> {
        Ok(match self.place()? {
            Place::File { dir, name, .. } => Some(walk::shown(&dir).join(name)),
            Place::Stream(_) => None,
        })
    }

    /// Whether it is this program's standard output.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn is_stdout(&self) -> Result<bool, Error> {
        Ok(matches!(self.place()?, Place::Stream(Stream::Stdout)))
    }

    /// The other user to whom the pipe belongs that it is written to: who owns it decides who reads it.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn pipe_of_other(&self) -> Result<Option<u32>, Error> {
        Ok(match self.place()? {
            Place::Stream(stream) => stream.pipe_of_other(),
            Place::File { .. } => None,
        })
    }

    /// Where it goes, when it may.
    fn place(&self) -> Result<Place, Error> {
        let place = place::find(self.path).map_err(|kind| self.error(kind))?;
        match &place {
            Place::File { existing: Some(existing), .. } => self.allow(existing),
            Place::Stream(stream) => match stream.regular_file() {
                Some(metadata) if self.inputs.holds(&metadata) => Err(ErrorKind::Input),
                _ => Ok(()),
            },
            Place::File { .. } => Ok(()),
        }
        .map_err(|kind| self.error(kind))?;
        Ok(place)
    }

    /// Whether an existing file may be written over.
    fn allow(&self, existing: &Existing) -> Result<(), ErrorKind> {
        if self.inputs.holds(&existing.metadata) {
            return Err(ErrorKind::Input);
        }
        // A file that was made unwritable is not to change, though its folder would let us.
        may_write(&existing.node).map_err(ErrorKind::Io)?;
        if existing.metadata.len() == 0 {
            return Ok(());
        }
        let mut file = existing.open_to_look().map_err(ErrorKind::Unreadable)?;
        let mut head = Vec::new();
        let read = Read::by_ref(&mut file).take(HEAD).read_to_end(&mut head);
        read.map_err(ErrorKind::Unreadable)?;
        let may_run = existing.metadata.mode() & MAY_RUN != 0;
        match self.over {
            _ if is_executable(&head) => Err(ErrorKind::Executable),
            Over::Anything if !may_run => Ok(()),
            _ if (self.kind.is_one)(&mut head.chain(file)) => Ok(()),
            _ if may_run => Err(ErrorKind::Runnable),
            _ => Err(ErrorKind::OtherKind { what: self.kind.what }),
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error { path: PathBuf::from(self.path), kind }
    }
}

impl Existing {
    /// Whether something is mounted on the file itself: it is on another mount than its folder.
    fn is_mounted(&self, dir: &File) -> bool {
        let mount = |file: &File| {
            let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
            (found.stx_mask & StatxFlags::MNT_ID.bits() != 0).then_some(found.stx_mnt_id)
        };
        mount(dir).zip(mount(&self.node)).is_some_and(|(of_dir, of_file)| of_dir != of_file)
    }

    fn open_to_look(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(File::from(open(opened_path(&self.node), flags, Mode::empty())?))
    }
}

/// Makes a file in the folder that has no name, so that nothing is left even if this is the last moment.
fn try_folder(dir: &File, existing: Option<&Existing>) -> Result<(), ErrorKind> {
    let file = tempfile::tempfile_in(opened_path(dir));
    let file = file.map_err(|error| ErrorKind::Io(draft::plain(error)))?;
    existing.map_or(Ok(()), |existing| draft::take_after(&file, &existing.metadata))
}

fn replace(path: &Path, existing: Option<&Existing>, bytes: &[u8]) -> Result<(), ErrorKind> {
    let draft = if existing.is_some() { Draft::private(path) } else { Draft::new(path) };
    let mut draft = draft.map_err(ErrorKind::Io)?;
    draft.write_all(bytes).map_err(ErrorKind::Io)?;
    if let Some(existing) = existing {
        draft::take_after(draft.file(), &existing.metadata)?;
    }
    draft.keep().map_err(ErrorKind::Io)
}

/// Writes a file in place. Nobody finds half of it later but where the disk is full.
fn write_over(existing: &Existing, bytes: &[u8]) -> io::Result<()> {
    let mut file = reopen(&existing.node, OFlags::empty())?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Of a mode: the owner, the group or others may run it.
const MAY_RUN: u32 = 0o111;
/// Bytes that tell an executable.
const HEAD: u64 = 4;

/// ELF, a script, PE, and Mach-O in its byte orders and as several in one.
fn is_executable(head: &[u8]) -> bool {
    const HEADS: [&[u8]; 8] = [
        b"\x7fELF",
        b"#!",
        b"MZ",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
    ];
    HEADS.iter().any(|known| head.starts_with(known))
}
