//! Toolchains and fixtures for tests, and the rules of the house as tests. Only ever a dev-dependency.

pub mod go;
pub mod samples;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

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
///
/// Writes past the test harness, which hides what passing tests print: a skip that nobody sees is a test that nobody
/// runs.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // A closed stderr is no reason to fail.
    let _ = writeln!(io::stderr(), "skipped: {test}: {reason}");
}

/// A name beside `path` that no other thread or test process uses: results appear by rename, whole or not at all.
fn partial_name(path: &Path) -> PathBuf {
    static N_PARTIALS: AtomicUsize = AtomicUsize::new(0);
    let n = N_PARTIALS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{n}.partial", std::process::id()));
    name.into()
}

/// Copies a file that is to be run, with its mode.
///
/// By another process: while a descriptor for writing is open here, a child that another test forks has it too, and the
/// file cannot be run ("Text file busy").
///
/// # Panics
/// When it cannot be copied.
pub fn copy_program(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("--").arg(from).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{}: cannot be copied", from.display());
}

/// Writes a script that is to be run.
///
/// # Panics
/// When it cannot be written.
pub fn write_script(path: &Path, text: &str) {
    let draft = partial_name(path);
    std::fs::write(&draft, text).and_then(|()| make_executable(&draft)).expect("a script");
    copy_program(&draft, path);
    std::fs::remove_file(&draft).expect("a script");
}

/// Where tests keep what they build, from one run to the next: a folder under `target`.
///
/// # Errors
/// When it cannot be made.
pub fn cache_dir(name: &str) -> anyhow::Result<PathBuf> {
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
    let partial = partial_name(&target);
    let script = "import lzma, sys; open(sys.argv[2], 'wb').write(lzma.open(sys.argv[1]).read())";
    let status = Command::new("python3").args(["-c", script]).arg(packed).arg(&partial).status()?;
    ensure!(status.success(), "{}: cannot be unpacked", packed.display());
    make_executable(&partial)?;
    std::fs::rename(&partial, &target)?;
    Ok(target)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
