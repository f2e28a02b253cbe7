//! Real traces, made-up ones, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod damage;
mod fixtures;
mod go_format;
mod headers;
mod like_go;
mod raw_forms;
mod seeds;
mod totals;

use std::path::Path;

use gotrace::{Error, Event, Generations, Ordered, parse_trace};

/// The bundled traces, by their paths in `testdata/samples`.
const SAMPLES: [&str; 9] = [
    "nested-1.27.3/trace.out",
    "flat-1.27.3/trace.out",
    "traces-other/go1.22.10-nested.trace",
    "traces-other/go1.23.9-nested.trace",
    "traces-other/go1.24.11-nested.trace",
    "traces-other/go1.25.5-nested.trace",
    "traces-other/go1.26.6-nested.trace",
    "traces-other/go1.27.3-allocfree.trace",
    "traces-other/go1.27.3-flightrecorder.trace",
];

fn sample(name: &str) -> Vec<u8> {
    read(&xtask::testdata("samples").join(name))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn generations(bytes: &[u8]) -> Generations<'_> {
    parse_trace(bytes).unwrap()
}

/// Calls `each` with every event in order and returns what was wrong.
fn each_event(bytes: &[u8], mut each: impl FnMut(&Event, &Ordered)) -> Vec<Error> {
    let mut events = Ordered::new(generations(bytes));
    while let Some(event) = events.next_event() {
        each(&event, &events);
    }
    events.faults()
}
