//! Any text: results whose lines are all read or named as faults, and that read back equal after writing.
#![no_main]

use gobench::{compare, read, write};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    gobench::is_benchmark_text(bytes);
    let file = read(&text);
    assert!(file.results.len().max(file.faults.len()) <= text.lines().count());
    let mut written = String::new();
    write(&mut written, &file.results).expect("a String takes everything");
    let again = read(&written);
    assert!(again.faults.is_empty());
    assert_eq!(again.results.len(), file.results.len());
    let (rows, alone) = compare(&[file.clone()], &[file]);
    assert!(alone.is_empty() && rows.iter().all(|row| row.change.p > 0.0));
});
