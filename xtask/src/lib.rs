//! Toolchains and fixtures for tests, and the rules of the house as tests. Only ever a dev-dependency.

pub mod go;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// Root of the repository.
///
/// # Panics
/// When this crate is not inside it.
pub fn repo_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ is in the root").to_owned()
}

/// A file or directory under `testdata/`.
pub fn testdata(path: &str) -> PathBuf {
    repo_root().join("testdata").join(path)
}

/// Says why a test did nothing. Tests that need Go or root pass where they are missing.
#[allow(clippy::print_stderr)]
pub fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

/// Where tests keep what they build, from one run to the next.
fn cache_dir(name: &str) -> anyhow::Result<PathBuf> {
    let dir = repo_root().join("target").join(name);
    std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
    Ok(dir)
}

/// Unpacks a bundled `.xz` file once and returns the path of the result.
///
/// # Errors
/// When Python, which does the unpacking, is missing or the file is damaged.
pub fn unpack_xz(packed: &Path) -> anyhow::Result<PathBuf> {
    let name = packed.file_stem().context("no file name")?;
    let target = cache_dir("unpacked")?.join(name);
    if target.exists() {
        return Ok(target);
    }
    let partial = target.with_extension(std::process::id().to_string());
    let script = "import lzma, sys; open(sys.argv[2], 'wb').write(lzma.open(sys.argv[1]).read())";
    let status = Command::new("python3").args(["-c", script]).arg(packed).arg(&partial).status()?;
    ensure!(status.success(), "{}: cannot be unpacked", packed.display());
    std::fs::rename(&partial, &target)?;
    Ok(target)
}
