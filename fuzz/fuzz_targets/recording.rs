//! Any profile as a recording: what is read of it is valid when it is written again, and from then on stays as it is.
#![no_main]

#[path = "../../crates/recording/tests/it/rewrite.rs"]
mod rewrite;

use gopprof::{Limits, parse_profile};
use libfuzzer_sys::fuzz_target;
use rewrite::rewritten;

fuzz_target!(|bytes: &[u8]| {
    // Small, so that gzip inputs do not spend the time on inflating.
    let limits = Limits { max_inflated_bytes: 1 << 20 };
    let Ok(parsed) = parse_profile(bytes, &limits) else { return };
    // A row of several kinds at once becomes one of a single kind the second time.
    let settled = rewritten(&rewritten(&parsed.value));
    settled.check_valid().expect("what was written is valid");
    assert!(rewritten(&settled) == settled);
});
