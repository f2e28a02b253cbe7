//! The seeds of the fuzz target, and what it once found.

use crate::any_bytes;

#[test]
fn seeds_are_refused_or_judged() {
    let mut n_seeds = 0;
    for seed in std::fs::read_dir(xtask::repo_root().join("fuzz/corpus/ingest")).unwrap() {
        any_bytes::check(&std::fs::read(seed.unwrap().path()).unwrap());
        n_seeds += 1;
    }
    assert!(n_seeds > 5);
}
