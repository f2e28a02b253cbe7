//! Several runs of one program: the inputs of a comparison.

use std::fs;

use evidence::Evidence;
use gobench::File;

use crate::error::Error;
use crate::folder::{self, Named};
use crate::open::read_head;
use crate::server::is_url;
use crate::{Options, collect, shown};

/// What the inputs of one side of a comparison are.
#[derive(Debug)]
pub enum Runs {
    /// Profiles and recordings, each an own run, each with the binary of the side if there is one.
    Evidence(Vec<Evidence>),
    /// Outputs of `go test -bench`.
    Benchmarks(Vec<File>),
}

/// Reads the runs of one side. A folder stands for the files in it; those of no use are passed over with a word.
///
/// # Errors
/// An input that cannot be opened or read; benchmark results among profiles; several binaries.
pub fn collect_runs(
    names: &[String],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Runs, Error> {
    let inputs = Inputs::sort(names)?;
    if !inputs.benchmarks.is_empty() {
        let files: Result<_, _> =
            inputs.benchmarks.iter().map(|name| read_benchmarks(name)).collect();
        return files.map(Runs::Benchmarks);
    }
    let mut runs = Vec::new();
    for Named { name, is_listed } in inputs.profiles {
        let with_binary: Vec<String> = [name].into_iter().chain(inputs.binary.clone()).collect();
        match collect(&with_binary, options, progress) {
            Ok(run) => runs.push(run),
            Err(error @ (Error::NotRecognised { .. } | Error::NoProfile { .. })) if is_listed => {
                progress(&format!("{}: not used: {error}", shown(&with_binary[0])));
            }
            Err(error) => return Err(error),
        }
    }
    if runs.is_empty() {
        return Err(Error::NoProfile {
            only_binary: inputs.binary.map(|name| shown(&name).into_owned()),
            unused: Vec::new(),
        });
    }
    Ok(Runs::Evidence(runs))
}

#[derive(Default)]
struct Inputs {
    binary: Option<String>,
    benchmarks: Vec<String>,
    profiles: Vec<Named>,
}

impl Inputs {
    fn sort(names: &[String]) -> Result<Self, Error> {
        let mut inputs = Self::default();
        for named in folder::expand(names)? {
            let head = if is_url(&named.name) { Vec::new() } else { read_head(&named.name)? };
            if head.starts_with(b"\x7fELF") {
                if inputs.binary.is_some() {
                    return Err(Error::SecondBinary { name: shown(&named.name).into_owned() });
                }
                inputs.binary = Some(named.name);
            } else if gobench::is_benchmark_text(&head) {
                inputs.benchmarks.push(named.name);
            } else {
                inputs.profiles.push(named);
            }
        }
        if let ([benchmark, ..], [other, ..]) = (&*inputs.benchmarks, &*inputs.profiles) {
            let [benchmark, other] = [benchmark, &other.name].map(|name| shown(name).into_owned());
            return Err(Error::MixedRuns { benchmark, other });
        }
        Ok(inputs)
    }
}

fn read_benchmarks(name: &str) -> Result<File, Error> {
    let bytes =
        fs::read(name).map_err(|source| Error::Io { name: shown(name).into_owned(), source })?;
    Ok(gobench::read(&String::from_utf8_lossy(&bytes)))
}
