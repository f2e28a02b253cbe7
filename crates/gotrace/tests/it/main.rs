//! Real traces, made-up ones, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod damage;
mod faults;
mod fixtures;
mod go_format;
mod headers;
mod like_go;
mod made_now;
mod old;
mod pieces;
mod raw_forms;
mod seeds;
mod totals;

use std::path::{Path, PathBuf};

use gotrace::{Ev, Generations, parse_trace};
use gotrace_oracle::{Error, Event, Ordered, RawEvent, parse_text, write_raw};

/// The trace of the nested program.
const NESTED: &str = SAMPLES[0];

/// The bundled traces, by their paths in `testdata/samples`.
const SAMPLES: [&str; 9] = [
    "nested-1.27.3/nested-1.27.3.trace.xz",
    "flat-1.27.3/flat-1.27.3.trace.xz",
    "traces-other/go1.22.10-nested.trace",
    "traces-other/go1.23.9-nested.trace",
    "traces-other/go1.24.11-nested.trace",
    "traces-other/go1.25.5-nested.trace",
    "traces-other/go1.26.6-nested.trace",
    "traces-other/go1.27.3-allocfree.trace",
    "traces-other/go1.27.3-flightrecorder.trace",
];

fn sample_path(name: &str) -> PathBuf {
    let path = xtask::testdata("samples").join(name);
    if name.ends_with(".xz") { xtask::unpack_xz(&path).unwrap() } else { path }
}

fn sample(name: &str) -> Vec<u8> {
    read(&sample_path(name))
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

/// The bytes of a trace in text form. The sizes of batches are corrected, so that tests need not count bytes.
fn bytes_of(text: &str) -> Vec<u8> {
    let (version, mut events) = parse_text(text).unwrap();
    let len = |event: &RawEvent| write_raw(version, std::slice::from_ref(event)).len() - 16;
    let mut size = 0;
    for event in events.iter_mut().rev() {
        if event.ev == Ev::EVENT_BATCH {
            event.args[3] = size as u64;
            size = 0;
        } else if !matches!(event.ev, Ev::EXPERIMENTAL_BATCH | Ev::END_OF_GENERATION) {
            size += len(event);
        }
    }
    write_raw(version, &events)
}
