//! The corpus of the fuzz target, replayed.

use gopprof::{Limits, count_samples, has_sample_type, parse_profile};

use crate::dump::dump;
use crate::round_trip::written;

#[test]
fn the_fuzz_corpus_replays() {
    let mut n_seeds = 0;
    for seed in std::fs::read_dir(xtask::repo_root().join("fuzz/corpus/gopprof")).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        n_seeds += 1;
        let _ = count_samples(&bytes[..], &Limits::default());
        let _ = has_sample_type(&bytes[..], "map_grows", &Limits::default());
        let Ok(parsed) = parse_profile(&bytes, &Limits::default()) else { continue };
        parsed.value.check_valid().unwrap();
        dump(&parsed.value);
        let again = parse_profile(&written(&parsed.value), &Limits::default()).unwrap();
        assert_eq!(again.faults, []);
        assert_eq!(again.value, parsed.value);
    }
    assert!(n_seeds > 0);
}
