//! Finds the processes to record and their executable, also when it was deleted or replaced, or is in a container.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::JoinHandle;

use gobin::Binary;

use crate::error::Error;
use crate::kernel::Scope;
use crate::recording::Target;

/// What to record, found.
pub(crate) struct Found {
    /// Path by which the kernel and we open the executable.
    pub(crate) path: PathBuf,
    /// File name of the executable.
    pub(crate) name: String,
    /// Where to attach.
    pub(crate) scopes: Vec<Scope>,
    /// Processes that run already.
    pub(crate) pids: Vec<u32>,
    /// A command that waits to be started.
    pub(crate) command: Option<Waiting>,
}

/// Finds the processes and the executable of a target.
pub(crate) fn find(target: &Target) -> Result<Found, Error> {
    match target {
        Target::Pids(pids) => of_processes(pids.clone()),
        Target::Name(name) => of_processes(pids_named(name)?),
        Target::Exe(path) => of_executable(path, None),
        Target::Command { argv, exe: Some(exe) } => {
            of_executable(exe, Some(Waiting::prepare(argv)?))
        }
        Target::Command { argv, exe: None } => {
            let path = which(&argv[0])?;
            let command = Waiting::prepare(argv)?;
            let scopes = vec![Scope::Process(command.pid)];
            let pids = vec![command.pid];
            Ok(Found { name: file_name(&path), path, scopes, pids, command: Some(command) })
        }
    }
}

fn of_processes(pids: Vec<u32>) -> Result<Found, Error> {
    let first = pids[0];
    let id_of_first = exe_id(first)?;
    for &other in &pids[1..] {
        if exe_id(other)? != id_of_first {
            return Err(Error::SeveralPrograms { first, other });
        }
    }
    Ok(Found {
        path: exe_of(first),
        name: exe_name(first),
        scopes: pids.iter().map(|&pid| Scope::Process(pid)).collect(),
        pids,
        command: None,
    })
}

fn of_executable(path: &Path, command: Option<Waiting>) -> Result<Found, Error> {
    let path = which(path.as_os_str())?;
    let id = file_id(&path).map_err(|source| Error::Open { path: path.clone(), source })?;
    let pids = all_pids().filter(|&pid| exe_id(pid).is_ok_and(|other| other == id)).collect();
    Ok(Found { name: file_name(&path), path, scopes: vec![Scope::All], pids, command })
}

/// The executable of a process, as the process sees it: also when the file is gone from the directory.
pub(crate) fn exe_of(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/exe"))
}

fn exe_id(pid: u32) -> Result<(u64, u64), Error> {
    file_id(&exe_of(pid)).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::NoSuchProcess { pid },
        io::ErrorKind::PermissionDenied => Error::NotPermittedToRead { path: exe_of(pid) },
        _ => Error::Open { path: exe_of(pid), source },
    })
}

fn file_id(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

fn exe_name(pid: u32) -> String {
    let link = fs::read_link(exe_of(pid)).unwrap_or_default();
    file_name(&link).trim_end_matches(" (deleted)").to_owned()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn all_pids() -> impl Iterator<Item = u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |&pid| pid != own)
}

/// Processes by the name of their executable or their command name.
fn pids_named(name: &str) -> Result<Vec<u32>, Error> {
    let comm = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let pids: Vec<u32> =
        all_pids().filter(|&pid| exe_name(pid) == name || comm(pid).trim_end() == name).collect();
    if pids.is_empty() { Err(Error::NoProcessNamed { name: name.to_owned() }) } else { Ok(pids) }
}

/// The file that a shell would start.
fn which(command: &OsStr) -> Result<PathBuf, Error> {
    let no_such = || Error::NoSuchCommand { command: command.to_string_lossy().into_owned() };
    let path = Path::new(command);
    if path.components().count() > 1 || path.is_absolute() {
        return path.canonicalize().map_err(|_| no_such());
    }
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&directories)
        .map(|directory| directory.join(path))
        .find(|path| path.is_file());
    found
        .or_else(|| path.is_file().then(|| path.to_owned()))
        .and_then(|path| path.canonicalize().ok())
        .ok_or_else(no_such)
}

/// A command in a process of its own that waits before it becomes the program, so that probes are there first.
pub(crate) struct Waiting {
    pub(crate) pid: u32,
    go: io::PipeWriter,
    spawner: JoinHandle<io::Result<Child>>,
    name: String,
}

impl Waiting {
    fn prepare(argv: &[std::ffi::OsString]) -> Result<Self, Error> {
        let name = argv[0].to_string_lossy().into_owned();
        let fail = |source| Error::Open { path: PathBuf::from(&name), source };
        let mut command = Command::new(which(&argv[0])?);
        command.arg0(&argv[0]).args(&argv[1..]);
        let (mut pid_reader, pid_writer) = io::pipe().map_err(fail)?;
        let (go_reader, go) = io::pipe().map_err(fail)?;
        hold_back(&mut command, pid_writer, go_reader, go.as_raw_fd());
        // `spawn` returns when the program has started, so it waits in a thread of its own.
        let spawner = std::thread::spawn(move || command.spawn());
        let mut pid = [0; 4];
        if let Err(source) = pid_reader.read_exact(&mut pid) {
            let source = match spawner.join() {
                Ok(Err(error)) => error,
                _ => source,
            };
            return Err(fail(source));
        }
        Ok(Self { pid: u32::from_ne_bytes(pid), go, spawner, name })
    }

    /// Lets the program begin.
    pub(crate) fn start(mut self) -> Result<Child, Error> {
        let fail = |source| Error::Open { path: PathBuf::from(&self.name), source };
        self.go.write_all(&[1]).map_err(fail)?;
        drop(self.go);
        match self.spawner.join() {
            Ok(child) => {
                child.map_err(|source| Error::Open { path: PathBuf::from(&self.name), source })
            }
            Err(_) => Err(Error::NoSuchCommand { command: self.name }),
        }
    }
}

/// Makes the child say its process id and wait for a byte before it becomes the program. When the recorder goes away
/// first, so does the child.
#[allow(unsafe_code)]
fn hold_back(
    command: &mut Command,
    mut pid_writer: io::PipeWriter,
    mut go_reader: io::PipeReader,
    go: RawFd,
) {
    let wait = move || {
        // The child's copy of the end that is written to: while it is open, the child waits for itself.
        // SAFETY: nothing in the child uses it.
        drop(unsafe { OwnedFd::from_raw_fd(go) });
        pid_writer.write_all(&std::process::id().to_ne_bytes())?;
        go_reader.read_exact(&mut [0])
    };
    // SAFETY: between fork and exec only getpid, close, write and read are called, on descriptors opened before.
    unsafe { command.pre_exec(wait) };
}

/// Difference between addresses in a process and in the ELF file; `None` when the process has not mapped it yet.
pub(crate) fn bias_of(pid: u32, path: &Path, binary: &Binary<'_>) -> Option<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let exe = fs::read_link(exe_of(pid)).ok().or_else(|| Some(path.to_owned()))?;
    let exe = exe.to_string_lossy().into_owned();
    maps.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, _) = fields.next()?.split_once('-')?;
        let permissions = fields.next()?;
        let offset = fields.next()?;
        // Device, inode, then the path, which may have spaces.
        let at = line.find('/')?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        if !permissions.contains('x') || line[at..] != exe {
            return None;
        }
        let link = binary.link_addr(gobin::FileOffset(hex(offset)?))?;
        Some(hex(start)?.wrapping_sub(link.0))
    })
}

