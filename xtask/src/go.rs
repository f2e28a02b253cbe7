//! Go toolchains under `.toolchains/`, and Go programs built with them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs};

use anyhow::{Context, ensure};

/// A test for each of these versions, which calls the function with the toolchain: each builds for itself what it needs, and
/// none waits for what the others need. The module around it is named by the sentence that they test.
///
/// `tests_of!(check, go1_21 = "1.21.13", go1_27 = "1.27.3");`
#[macro_export]
macro_rules! tests_of {
    ($check:expr, $($name:ident = $version:literal),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                match $crate::go::toolchain($version) {
                    Some(go) => $check(&go),
                    None => $crate::skip(concat!("no Go ", $version)),
                }
            }
        )+
    };
}

/// [`tests_of!`] the versions at the two ends of each map implementation.
#[macro_export]
macro_rules! tests_of_versions {
    ($check:expr) => {
        $crate::tests_of!(
            $check,
            go1_21 = "1.21.13",
            go1_23 = "1.23.9",
            go1_24 = "1.24.11",
            go1_27 = "1.27.3",
        );
    };
}

/// [`tests_of!`] the versions that live recordings are tested with: one of each layout that is probed.
#[macro_export]
macro_rules! tests_of_live_versions {
    ($check:expr) => {
        $crate::tests_of!(
            $check,
            go1_21 = "1.21.13",
            go1_22 = "1.22.10",
            go1_23 = "1.23.9",
            go1_24 = "1.24.11",
            go1_25 = "1.25.5",
            go1_26 = "1.26.6",
            go1_27 = "1.27.3",
        );
    };
}

/// An installed Go.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// `1.27.3`.
    pub version: String,
    /// The `go` command.
    pub go: PathBuf,
}

/// How to build a program.
#[derive(Debug, Clone, Default, Hash)]
pub struct BuildOptions {
    /// Leave out symbol table and DWARF: `-ldflags="-s -w"`.
    pub stripped: bool,
    /// `-buildmode=pie`.
    pub pie: bool,
    /// GOARCH; empty is that of this machine.
    pub arch: &'static str,
    /// CGO_ENABLED=1.
    pub cgo: bool,
    /// More arguments of `go build`.
    pub args: Vec<String>,
}

/// The Go of this version, if `make test` or `make demo` could install it.
pub fn toolchain(version: &str) -> Option<Toolchain> {
    let go = crate::repo_root().join(format!(".toolchains/go-{version}/bin/go"));
    go.exists().then(|| Toolchain { version: version.to_owned(), go })
}

impl Toolchain {
    /// The `go` command, cut off from the user's settings and from the network.
    pub fn command(&self) -> Command {
        let cache = crate::repo_root().join("target/go-cache");
        let mut command = Command::new(&self.go);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GO"))
        {
            command.env_remove(name);
        }
        command
            .env("GOTOOLCHAIN", "local")
            .env("GOENV", "off")
            .env("GOPROXY", "off")
            .env("GOFLAGS", "")
            .env("GOCACHE", cache.join("build"))
            .env("GOPATH", cache.join("path"))
            .env("CGO_ENABLED", "0");
        command
    }

    /// Builds the program in a package directory; unchanged sources are not built again.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn build(&self, package: &Path, options: &BuildOptions) -> anyhow::Result<PathBuf> {
        let target = self.target_of(package, options)?;
        if target.exists() {
            return Ok(target);
        }
        let lock = lock_of(&self.version);
        let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if target.exists() {
            return Ok(target);
        }
        let partial = crate::partial_name(&target);
        let output =
            self.build_command(package, options).arg("-o").arg(&partial).arg(".").output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(&partial, &target)?;
        Ok(target)
    }

    /// Where the program is kept: the name follows from sources, options and version.
    fn target_of(&self, package: &Path, options: &BuildOptions) -> anyhow::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        (&self.version, options).hash(&mut hasher);
        hash_sources(module_root(package), &mut hasher)?;
        let name = package.file_name().context("package has no name")?.to_string_lossy();
        let file = format!("{name}-{}-{:016x}", self.version, hasher.finish());
        Ok(crate::cache_dir("go-fixtures")?.join(file))
    }

    fn build_command(&self, package: &Path, options: &BuildOptions) -> Command {
        let mut command = self.command();
        command.current_dir(package).arg("build").args(&options.args);
        if options.stripped {
            command.arg("-ldflags=-s -w");
        }
        if options.pie {
            command.arg("-buildmode=pie");
        }
        if !options.arch.is_empty() {
            command.env("GOARCH", options.arch);
        }
        if options.cgo {
            command.env("CGO_ENABLED", "1");
        }
        command
    }
}

/// Held while a Go of this version builds: tests that need the same program, or the same packages of its standard library,
/// wait for them and do not build them a second time. Other processes may; what they put in place is whole.
fn lock_of(version: &str) -> Arc<Mutex<()>> {
    static LOCKS: Mutex<BTreeMap<String, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
    let mut locks = LOCKS.lock().unwrap_or_else(PoisonError::into_inner);
    locks.entry(version.to_owned()).or_default().clone()
}

/// The directory of go.mod: a program is its whole module.
fn module_root(package: &Path) -> &Path {
    package.ancestors().find(|dir| dir.join("go.mod").exists()).unwrap_or(package)
}

fn hash_sources(dir: &Path, hasher: &mut DefaultHasher) -> anyhow::Result<()> {
    let mut paths: Vec<_> =
        fs::read_dir(dir)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            hash_sources(&path, hasher)?;
        } else {
            (path.file_name(), fs::read(&path)?).hash(hasher);
        }
    }
    Ok(())
}

/// Makes a binary say that another version of Go made it. Shape: both versions have the same length.
pub fn stamp(binary: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let is_version = |at: &usize| binary[*at..].starts_with(from.as_bytes());
    let found: Vec<usize> = (0..binary.len()).filter(is_version).collect();
    assert!(!found.is_empty(), "{from} is nowhere");
    for at in found {
        binary[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
}
