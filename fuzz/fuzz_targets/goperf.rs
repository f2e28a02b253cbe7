//! Any bytes: an error, or records whose faults lie inside the file and whose stacks are no longer than it.
#![no_main]

use std::io::Cursor;

use goperf::{PerfFile, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = PerfFile::open(Cursor::new(bytes)) else { return };
    let n_events = file.events.len();
    let mut n_words = 0;
    let faults = file.read_records(|record| {
        if let Record::Sample(sample) = record {
            assert!(sample.event < n_events);
            n_words += sample.stack.len();
        }
    });
    assert!(8 * n_words <= 2 * bytes.len());
    assert!(faults.iter().all(|fault| fault.offset <= bytes.len() as u64));
});
