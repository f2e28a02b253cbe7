//! Files and URLs to evidence: the only place that opens inputs.
//!
//! 1. Each input is read and recognised by its content ([`open_input`]), never by its name.
//! 2. Profiles are summed into sites: a site is the user's frame nearest the runtime's map function.
//! 3. The binary, if given, tells the map types at each site, after a check that the profiles are of it.
//!
//! It draws no conclusions: those are rules of the crate `diagnosis`.

mod asm;
mod binary;
mod callers;
mod collectors;
mod converted;
mod cpu;
mod error;
mod folded;
mod folder;
mod growth;
mod heap;
mod images;
mod jit_map;
mod judge;
mod lines;
mod locks;
mod misses;
mod nameless;
mod names;
mod open;
mod perf;
mod program;
mod regular;
mod runs;
mod scan;
mod server;
mod stacks;
mod storage;
mod stranger;
mod timeline;
mod trace;
mod trace_input;

use std::borrow::Cow;

use evidence::words::plural;
use evidence::{Builder, Evidence, OfSource};

pub use asm::list_instructions;
pub use error::{Error, seconds_text};
pub use open::{Input, OpenOptions, open_input};
pub use perf::CAPTURED_BINARY;
pub use runs::{Runs, collect_runs};
pub use scan::scan;
pub use server::{Answer, AnswerLimits, Server, shown};
pub use trace_input::TraceInput;

use collectors::{Collectors, Known};
use folder::Named;
use open::first_executable;

/// How to collect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Limits on what is read.
    pub open: OpenOptions,
    /// Whether to keep the call tree for a flame graph; it takes memory in proportion to the number of distinct stacks.
    pub stacks: bool,
}

/// Reads all inputs, in any order, and says together what they measured.
///
/// `progress` gets a line before anything that takes longer than a moment.
///
/// # Errors
/// An input that cannot be opened, read or recognised; a binary that is not the program of the profiles; no profile at
/// all among the inputs.
pub fn collect(
    names: &[String],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Evidence, Error> {
    let mut builder = Builder::default();
    let inputs = folder::expand(names)?;
    // The executable is read first: the module of the program decides which frames are the user's, and addresses without
    // names get them from it.
    let executable = first_executable(&inputs);
    let named = executable.as_ref().map(|(at, bytes)| (&*inputs[*at].name, &**bytes));
    let known = Known::of(named);
    let mut collectors = Collectors::new(options, &known);
    for (at, Named { name, is_listed }) in inputs.iter().enumerate() {
        if let Some((_, bytes)) = executable.as_ref().filter(|(of, _)| *of == at) {
            collectors.add_executable(&shown(name), Cow::Borrowed(bytes), &mut builder)?;
            continue;
        }
        match open_input(name, &options.open, progress) {
            // A folder may hold anything.
            Err(error) if *is_listed && error.is_about_content() => {
                builder.notice(None, &format!("not used: {}", error.with_cause()));
            }
            input => match collectors.add(input?, &shown(name), &mut builder) {
                Err(error) if *is_listed && error.is_about_content() => {
                    builder.notice(None, &format!("not used: {}", error.with_cause()));
                }
                added => added?,
            },
        }
    }
    collectors.tell(&mut builder)?;
    Ok(builder.finish())
}

/// What a reader had to skip becomes a notice: a loss is never silent.
fn add_faults<F: std::fmt::Display>(source: &mut OfSource<'_>, faults: &[F]) {
    const SHOWN: usize = 3;
    for fault in faults.iter().take(SHOWN) {
        source.notice(&format!("partly unreadable: {fault}"));
    }
    if faults.len() > SHOWN {
        let n = faults.len() - SHOWN;
        source.notice(&format!("and {n} more {}", plural(n as u64, "fault")));
    }
}
