//! Any bytes: an error, or a valid profile that reads back equal after writing.
#![no_main]

use gopprof::{Limits, count_samples, has_sample_type, merge, parse_profile, write_profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Small, so that gzip inputs do not spend the time on inflating.
    let limits = Limits { max_inflated_bytes: 1 << 20 };
    let _ = count_samples(bytes, &limits);
    let _ = has_sample_type(bytes, "map_grows", &limits);
    let Ok(parsed) = parse_profile(bytes, &limits) else { return };
    let profile = parsed.value;
    profile.check_valid().expect("what was read is valid");
    for sample in profile.samples() {
        assert_eq!(sample.values().count(), profile.sample_types.len());
        assert!(sample.locations().all(|l| l.index() < profile.locations.len()));
        sample.labels().for_each(drop);
    }
    let mut written = Vec::new();
    write_profile(&profile, &mut written).expect("a Vec takes everything");
    let again = parse_profile(&written, &Limits::default()).expect("what was written is read");
    assert_eq!(again.faults, []);
    assert!(again.value == profile);
    let merged = merge(&[profile.clone(), profile]).expect("a profile goes with itself");
    merged.check_valid().expect("what was merged is valid");
});
