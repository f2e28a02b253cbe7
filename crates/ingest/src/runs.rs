//! Several runs of one program: the inputs of a comparison.

use std::fs;
use std::path::{Path, PathBuf};

use diagnosis::Evidence;
use gobench::File;

use crate::error::Error;
use crate::open::read_head;
use crate::{Options, collect};

/// What the inputs of one side of a comparison are.
#[derive(Debug)]
pub enum Runs {
    /// Profiles and recordings, each an own run, each with the binary of the side if there is one.
    Evidence(Vec<Evidence>),
    /// Outputs of `go test -bench`.
    Benchmarks(Vec<File>),
}

/// Reads the runs of one side. A folder stands for the files in it.
///
/// # Errors
/// An input that cannot be opened or read; benchmark results among profiles; several binaries.
pub fn collect_runs(
    names: &[String],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Runs, Error> {
    let mut inputs = Vec::new();
    for name in names {
        inputs.extend(files(name)?);
    }
    let mut binaries = Vec::new();
    let mut benchmarks = Vec::new();
    let mut profiles = Vec::new();
    for name in inputs {
        let head = if is_url(&name) { Vec::new() } else { read_head(&name)? };
        if head.starts_with(b"\x7fELF") {
            binaries.push(name);
        } else if gobench::is_benchmark_text(&head) {
            benchmarks.push(name);
        } else {
            profiles.push(name);
        }
    }
    if let [_, second, ..] = &*binaries {
        return Err(Error::SecondBinary { name: second.clone() });
    }
    if let ([benchmark, ..], [other, ..]) = (&*benchmarks, &*profiles) {
        return Err(Error::MixedRuns { benchmark: benchmark.clone(), other: other.clone() });
    }
    if !benchmarks.is_empty() {
        return benchmarks
            .iter()
            .map(|name| read_benchmarks(name))
            .collect::<Result<_, _>>()
            .map(Runs::Benchmarks);
    }
    let mut runs = Vec::new();
    for profile in profiles {
        let inputs: Vec<String> = [profile].into_iter().chain(binaries.iter().cloned()).collect();
        runs.push(collect(&inputs, options, progress)?);
    }
    if runs.is_empty() {
        return Err(Error::NoProfile { only_binary: binaries.pop() });
    }
    Ok(Runs::Evidence(runs))
}

fn is_url(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// The file itself, or the files of a folder by name; those that are hidden, and folders in it, are passed over.
fn files(name: &str) -> Result<Vec<String>, Error> {
    let path = Path::new(name);
    if is_url(name) || !path.is_dir() {
        return Ok(vec![name.to_owned()]);
    }
    let io_error = |source| Error::Io { name: name.to_owned(), source };
    let entries = fs::read_dir(path).map_err(io_error)?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut files = paths.map_err(io_error)?;
    files.retain(|file| file.is_file() && !is_hidden(file));
    files.sort();
    if files.is_empty() {
        let what = "the folder has no files".to_owned();
        return Err(Error::NotRecognised { name: name.to_owned(), what });
    }
    Ok(files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect())
}

fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

fn read_benchmarks(name: &str) -> Result<File, Error> {
    let bytes = fs::read(name).map_err(|source| Error::Io { name: name.to_owned(), source })?;
    Ok(gobench::read(&String::from_utf8_lossy(&bytes)))
}
