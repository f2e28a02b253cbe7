//! Several runs of one program: the inputs of a comparison.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::Path;

use evidence::Evidence;
use gobench::File;

use crate::error::Error;
use crate::folder::{self, Named};
use crate::open::read_head;
use crate::regular::open_regular;
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
    let mut known: HashMap<u64, String> = HashMap::new();
    for Named { name, is_listed } in inputs.profiles {
        // Copies of one run would make chance look like certainty.
        if let Some(first) = digest(&name).and_then(|digest| known.insert(digest, name.clone())) {
            let (name, first) = (shown(&name), shown(&first));
            progress(&format!("{name}: not used: it is the same file as {first}"));
            continue;
        }
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

/// Of what a regular file has in it; `None` of what can be read once only.
fn digest(name: &str) -> Option<u64> {
    let mut file = open_regular(Path::new(name))?;
    let (mut hasher, mut part) = (DefaultHasher::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part).ok()? {
            0 => return Some(hasher.finish()),
            n => hasher.write(&part[..n]),
        }
    }
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
            // What is read from a pipe to look at it is gone.
            let path = Path::new(&named.name);
            let is_once = path.exists() && open_regular(path).is_none();
            let head = match is_once || is_url(&named.name) {
                true => Vec::new(),
                false => read_head(&named.name)?,
            };
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
