//! Finding a Go, and building the experiments with it.

use goabi::GoVersion;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::error::Error;
use crate::state::State;

/// The first release that the experiments compile with.
const OLDEST: GoVersion = GoVersion { major: 1, minor: 21, patch: 0 };

/// Of a mode: only its user may write and run it, whatever the umask.
const PROGRAM: u32 = 0o700;

/// A Go to run the experiments on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Go {
    /// The `go` command.
    pub command: PathBuf,
    /// What it says it is: `go1.27.3`, `go1.26.6 X:nogreenteagc`.
    pub version: String,
}

impl Go {
    /// The Go of a path, or of a version: `goVERSION` on the PATH, `~/sdk/goVERSION` (both as golang.org/dl installs
    /// them), or `.toolchains/go-VERSION` of this folder. The last two are run only if nobody else can have put them there.
    ///
    /// # Errors
    /// When there is none, it does not run, it is too old, or somebody else has a part in it.
    pub fn find(asked: &str) -> Result<Self, Error> {
        let path = Path::new(asked);
        if path.components().count() > 1 || asked == "go" {
            return Self::at(path);
        }
        let version = asked.trim_start_matches("go");
        let on_path = PathBuf::from(format!("go{version}"));
        if is_on_path(on_path.as_os_str()) {
            return Self::at(&on_path);
        }
        let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let places = [
            home.map(|home| (home.join("sdk"), format!("go{version}"))),
            Some((PathBuf::from(".toolchains"), format!("go-{version}"))),
        ];
        let go = |(folder, name): &(PathBuf, String)| folder.join(name).join("bin/go");
        let found = places.into_iter().flatten().find(|place| go(place).is_file());
        let Some(found) = found else {
            let tried =
                format!("go{version} on the PATH, ~/sdk/go{version} or .toolchains/go-{version}");
            return Err(Error::NoGo { asked: asked.to_owned(), tried });
        };
        let go = go(&found);
        check_only_ours(&go, &found.0)?;
        Self::at(&go)
    }

    fn at(command: &Path) -> Result<Self, Error> {
        let fail = |reason: String| Error::NotGo { go: command.to_owned(), reason };
        // A relative path would be taken from the folder of the sources later on.
        let command = if command.components().count() > 1 {
            fs::canonicalize(command).map_err(|error| fail(error.to_string()))?
        } else {
            command.to_owned()
        };
        let output = go(&command)
            .args(["env", "GOVERSION"])
            .output()
            .map_err(|error| fail(error.to_string()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || version.is_empty() {
            return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        // A development version says no number, and is newer than all of them.
        if GoVersion::parse(&version).is_some_and(|known| known < OLDEST) {
            return Err(Error::TooOld { go: command, version });
        }
        Ok(Self { command, version })
    }

    /// Builds the experiments into the state folder, once per version and source.
    pub(crate) fn build(&self, state: &State) -> Result<PathBuf, Error> {
        let target = state.binary(&self.version);
        if state.has_binary(&self.version) {
            return Ok(target);
        }
        let sources = state.write_sources()?;
        let scratch = state.scratch()?;
        self.build_into(&scratch.dir.join("lab"), &sources, &target)?;
        Ok(target)
    }

    /// Builds as `partial`, which becomes `target` when it is whole.
    fn build_into(&self, partial: &Path, sources: &Path, target: &Path) -> Result<(), Error> {
        let fail = |reason: String| Error::Build { version: self.version.clone(), reason };
        let output = go(&self.command)
            .args(["build", "-o"])
            .arg(partial)
            .arg(".")
            .current_dir(sources)
            .output()
            .map_err(|error| fail(error.to_string()))?;
        if !output.status.success() {
            return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        fs::set_permissions(partial, Permissions::from_mode(PROGRAM))
            .and_then(|()| fs::rename(partial, target))
            .map_err(Error::io(target, "cannot be written"))
    }
}

/// The `go` command without the user's settings that would change what is measured, or fetch another Go.
fn go(command: &Path) -> Command {
    let mut go = Command::new(command);
    for name in ["GOEXPERIMENT", "GODEBUG", "GOAMD64", "GOARCH", "GOOS"] {
        go.env_remove(name);
    }
    go.env("GOTOOLCHAIN", "local")
        .env("GOENV", "off")
        .env("GOFLAGS", "")
        .env("GOWORK", "off")
        .env("GOPROXY", "off")
        .env("CGO_ENABLED", "0");
    go
}

/// Refuses a program that somebody else could have put there, or in the folder in which it was looked for.
fn check_only_ours(go: &Path, folder: &Path) -> Result<(), Error> {
    for path in [folder, go] {
        let open = fs::canonicalize(path).and_then(|path| output::open_to_others(&path));
        if let Some(open) = open.map_err(Error::io(path, "cannot be looked at"))? {
            return Err(Error::GoOpenToOthers { go: go.to_owned(), open });
        }
    }
    Ok(())
}

fn is_on_path(name: &OsStr) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(name).is_file())
}
