//! The state folder: what was built and measured, so that a run that was interrupted goes on where it stopped.
//!
//! A run of an experiment is one text file, in the Go benchmark text format, that appears whole or not at all. Its name
//! holds what it depends on: the Go version, the size, a hash of the sources, and the number of the run. Whatever changes
//! one of them measures anew.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::experiment::Experiment;
use crate::run::Scale;
use crate::sources::{ALL, BASE};

/// Scratch folders are named so, with the process that uses them behind.
const SCRATCH: &str = "run-";

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
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let pid = name.as_deref().and_then(|name| name.strip_prefix(SCRATCH));
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = fs::remove_dir_all(&path);
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
        let dir = make_folder(&self.dir.join("src"))?;
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
    pub(crate) fn scratch(&self) -> Result<PathBuf, Error> {
        let dir = self.dir.join(format!("{SCRATCH}{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        // One that somebody put there in its place would not be ours.
        let made = DirBuilder::new().mode(PRIVATE).create(&dir);
        made.map_err(Error::io(&dir, "cannot be made"))?;
        Ok(dir)
    }
}

/// Makes a folder whose content is run, if it is not there, and returns its whole path, as children run in folders of their
/// own. Nobody else may have a part in it.
fn make_folder(dir: &Path) -> Result<PathBuf, Error> {
    let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(dir);
    made.map_err(Error::io(dir, "cannot be made"))?;
    let dir = fs::canonicalize(dir).map_err(Error::io(dir, "cannot be opened"))?;
    let metadata = fs::metadata(&dir).map_err(Error::io(&dir, "cannot be opened"))?;
    if output::is_only_ours(&metadata) { Ok(dir) } else { Err(Error::OpenToOthers { dir }) }
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
