//! Arena keys need hardly any allocations, and give all memory back.

use flatnest::{Arena, ArenaStr, FlatMap};

use crate::counting;
use crate::random::Random;

#[test]
fn an_insert_takes_less_than_a_tenth_of_an_allocation() {
    for len in [3, 15, 16, 24, 40, 100] {
        let keys: Vec<String> = (0..30_000).map(|i| format!("{i:0len$}")).collect();
        let (counts, map) = counting(|| {
            let mut map = FlatMap::<ArenaStr, ArenaStr, u64>::new();
            for (i, key) in keys.iter().enumerate() {
                *map.entry_ref(keys[i % 1000].as_str(), key.as_str()).or_default() += 1;
            }
            map
        });
        let per_insert = counts.allocations as f64 / map.len() as f64;
        assert!(per_insert < 0.1, "{per_insert} allocations per insert of {len} bytes");
    }
}

#[test]
fn all_memory_is_given_back_once_arena_and_strings_are_gone() {
    let mut random = Random(3);
    let (counts, ()) = counting(|| {
        let mut arenas = [Arena::new(), Arena::new()];
        let mut keys = Vec::new();
        for i in 0..5000 {
            let text = "x".repeat([5, 15, 16, 200, 4096, 4097, 20_000][random.below(7)]);
            keys.push(arenas[i % 2].make(&text));
            if i % 3 == 0 {
                keys.push(keys[random.below(keys.len())].clone());
            }
            if i % 2 == 0 {
                keys.swap_remove(random.below(keys.len()));
            }
            if i % 1000 == 999 {
                arenas[0] = Arena::new();
            }
        }
        drop(arenas);
        keys.drain(..keys.len() / 2);
    });
    assert_eq!(counts.live, 0);
}

#[test]
fn a_clone_takes_no_memory() {
    let keys = ["short", "longer than fifteen bytes"].map(ArenaStr::from);
    let (counts, copies) = counting(|| keys.clone());
    assert_eq!((counts.allocations, copies), (0, keys));
}
