//! Output files: whole or not at all.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Writes `bytes` beside `path` and moves the result there, so that nobody sees half a file.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().with_context(|| format!("{}: not a file name", path.display()))?;
    let mut partial_name = std::ffi::OsString::from(".");
    partial_name.push(name);
    partial_name.push(format!(".{}", std::process::id()));
    let partial = path.with_file_name(partial_name);
    fs::write(&partial, bytes)
        .and_then(|()| fs::rename(&partial, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&partial);
        })
        .with_context(|| format!("{}: cannot be written", path.display()))
}
