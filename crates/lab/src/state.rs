//! The state folder: what was built and measured, so that a run that was interrupted goes on where it stopped.
//!
//! A run of an experiment is one text file, in the Go benchmark text format, that appears whole or not at all. Its name
//! holds what it depends on: the Go version, the size, a hash of the sources, and the number of the run. Whatever changes
//! one of them measures anew.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::error::Error;
use crate::experiment::{Experiment, Scale};
use crate::sources::{ALL, BASE};

/// Scratch folders are named so, with the process that uses them behind: as no folder of a user is, who may name any for
/// the state.
const SCRATCH: &str = ".mapscope-run-";
/// The folder of the Go sources, whose files are written over.
const SOURCES: &str = ".mapscope-src";

/// Of a folder: for this user only, whatever the umask.
const PRIVATE: u32 = 0o700;

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct State {
    dir: PathBuf,
}

impl State {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let dir = make_folder(dir)?;
        let state = Self { dir };
        state.remove_leftovers();
        Ok(state)
    }

    /// Removes the scratch folders of calls that were interrupted.
    fn remove_leftovers(&self) {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str());
            let pid = name.and_then(|name| name.strip_prefix(SCRATCH));
            let pid = pid.and_then(|pid| pid.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
                remove_unused(&path);
            }
        }
    }

    pub(crate) fn binary(&self, version: &str) -> PathBuf {
        self.dir.join(format!("lab-{}-{:016x}", file_name(version), hash(ALL.iter().copied())))
    }

    /// Whether it was built before, by nobody else.
    pub(crate) fn has_binary(&self, version: &str) -> bool {
        let metadata = fs::symlink_metadata(self.binary(version));
        metadata.is_ok_and(|metadata| metadata.is_file() && output::is_only_ours(&metadata))
    }

    /// Writes the Go sources out and returns their folder.
    pub(crate) fn write_sources(&self) -> Result<PathBuf, Error> {
        let dir = make_folder(&self.dir.join(SOURCES))?;
        for (name, text) in ALL {
            let path = dir.join(name);
            output::write_private(&path, text.as_bytes())
                .map_err(Error::io(&path, "cannot be written"))?;
        }
        Ok(dir)
    }

    /// The file of one run.
    pub(crate) fn output(
        &self,
        version: &str,
        experiment: &Experiment,
        scale: Scale,
        run: usize,
    ) -> PathBuf {
        let sources = BASE.iter().chain(experiment.sources).copied();
        self.dir.join(format!(
            "{}-{}-{}-{:016x}.{run}.txt",
            experiment.name,
            file_name(version),
            scale.name(),
            hash(sources)
        ))
    }

    /// A folder for one run, empty.
    pub(crate) fn scratch(&self) -> Result<Scratch, Error> {
        let dir = self.dir.join(format!("{SCRATCH}{}", std::process::id()));
        // Of a process that had this number.
        remove_unused(&dir);
        let made = DirBuilder::new().mode(PRIVATE).create(&dir);
        made.map_err(Error::io(&dir, "cannot be made"))?;
        let lock = File::open(&dir).map_err(Error::io(&dir, "cannot be opened"))?;
        // Where folders cannot be locked, leftovers stay.
        let _ = try_lock(&lock);
        Ok(Scratch { dir, _lock: lock })
    }
}

/// A folder for one run, which ends with it. While it is locked no other call takes it for a leftover: numbers of processes
/// are those of a container.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) dir: PathBuf,
    _lock: File,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Locks a folder, unless somebody else holds it.
fn try_lock(folder: &File) -> rustix::io::Result<()> {
    flock(folder, FlockOperation::NonBlockingLockExclusive)
}

/// Removes a scratch folder that nobody holds.
fn remove_unused(dir: &Path) {
    let is_folder = fs::symlink_metadata(dir).is_ok_and(|metadata| metadata.is_dir());
    if is_folder && File::open(dir).is_ok_and(|folder| try_lock(&folder).is_ok()) {
        let _ = fs::remove_dir_all(dir);
    }
}

/// Makes a folder whose content is run, if it is not there, and returns its whole path, as children run in folders of their
/// own. Nobody else may have a part in it, or in a folder above it.
fn make_folder(dir: &Path) -> Result<PathBuf, Error> {
    let made = output::make_folder(dir)?;
    let fail = || Error::io(dir, "cannot be opened");
    let dir = fs::canonicalize(output::opened_path(&made.file)).map_err(fail())?;
    match output::open_to_others(&dir).map_err(fail())? {
        Some(open) => Err(Error::OpenToOthers { dir: open }),
        None => Ok(dir),
    }
}

/// A version as part of a file name: `go1.26.6 X:nogreenteagc` has characters that do not belong there.
fn file_name(version: &str) -> String {
    version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect()
}

/// FNV-1a of names and texts: the same in every build of mapscope.
fn hash<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    let bytes =
        sources.flat_map(|(name, text)| name.bytes().chain([0]).chain(text.bytes()).chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// No process has this number.
    const NONE: u32 = u32::MAX;

    #[test]
    fn leftovers_go_and_folders_of_the_user_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let leftover = format!("{SCRATCH}{NONE}");
        let stay = ["run-1", "run-notes", &format!("{SCRATCH}notes"), &format!("{SCRATCH}1")];
        for name in stay.into_iter().chain([&*leftover]) {
            fs::create_dir(path(name)).unwrap();
            fs::write(path(name).join("file"), "").unwrap();
        }
        let held = File::open(path(&leftover)).unwrap();
        held.lock().unwrap();
        // Of a process that another PID namespace shows.
        State::open(dir.path()).unwrap();
        assert!(path(&leftover).exists());
        drop(held);
        let state = State::open(dir.path()).unwrap();
        assert!(!path(&leftover).exists());
        assert!(stay.iter().all(|name| path(name).join("file").exists()));
        let scratch = state.scratch().unwrap();
        let second = state.scratch();
        assert!(second.is_err() && scratch.dir.is_dir());
        drop(scratch);
        let left = state.scratch().unwrap().dir.clone();
        fs::create_dir(left).unwrap();
        assert!(state.scratch().is_ok(), "one that an earlier process of this number left");
    }

    #[test]
    fn sources_are_written_over_in_a_folder_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/main.go"), "of the user").unwrap();
        State::open(dir.path()).unwrap().write_sources().unwrap();
        assert_eq!(fs::read(dir.path().join("src/main.go")).unwrap(), b"of the user");
    }
}
