//! The corpus of the fuzz target, replayed.

use gopprof::{Limits, parse_profile};

use crate::rewrite::rewritten;

#[test]
fn the_fuzz_corpus_replays() {
    let mut n_seeds = 0;
    for seed in std::fs::read_dir(xtask::repo_root().join("fuzz/corpus/recording")).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        let profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
        n_seeds += 1;
        let settled = rewritten(&rewritten(&profile));
        settled.check_valid().unwrap();
        assert!(rewritten(&settled) == settled);
    }
    assert!(n_seeds > 0);
}
