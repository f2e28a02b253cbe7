//! Any bytes: an error, or records whose faults lie inside the file and whose stacks are no longer than it; fields of
//! tracepoints are those of the record.
#![no_main]

use std::io::Cursor;

use goperf::{PerfFile, Record};
use libfuzzer_sys::fuzz_target;

const NUMBERS: [&str; 5] = ["count", "ret", "bytes", "fd", "rwbs"];

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = PerfFile::open(Cursor::new(bytes)) else { return };
    let tracepoints: Vec<_> = file.events.iter().map(|event| event.tracepoint.clone()).collect();
    let mut n_words = 0;
    let faults = file.read_records(|record| {
        if let Record::Mapping(mapping) = &record {
            // What is not UTF-8 becomes a mark of three bytes.
            assert!(mapping.file.len() <= 3 * bytes.len());
        }
        if let Record::Sample(sample) = record {
            n_words += sample.stack.len();
            if let Some(tracepoint) = &tracepoints[sample.event] {
                for field in NUMBERS {
                    let _ = tracepoint.number(field, sample.raw);
                }
                let text = tracepoint.text("rwbs", sample.raw).unwrap_or_default();
                // What is not UTF-8 becomes a mark of three bytes.
                assert!(text.len() <= 3 * sample.raw.len());
            }
        }
    });
    assert!(8 * n_words <= 2 * bytes.len());
    assert!(faults.iter().all(|fault| fault.offset <= bytes.len() as u64));
});
