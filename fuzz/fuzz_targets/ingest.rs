//! Any bytes as an input beside a real executable: an error, or evidence that the rules can judge.
#![no_main]

#[path = "../../crates/ingest/tests/it/any_bytes.rs"]
mod any_bytes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| any_bytes::check(bytes));
