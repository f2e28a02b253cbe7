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

type Map = FlatMap<u32, ArenaStr, u64>;

/// A map of keys that own memory and keys that do not, in rows of 3, 30 and 1200 entries, and the bytes of its keys.
fn map_of_mixed_keys() -> (Map, i64) {
    let mut map = FlatMap::new();
    let (row_lens, mut arena, mut n_bytes) = ([3, 30, 1200], Arena::new(), 0);
    for row in 0..180u32 {
        for i in 0..row_lens[row as usize % 3] {
            let width = if i % 7 == 0 || row % 4 == 0 { 40 } else { 12 };
            map.insert(row, arena.make(&format!("{row:0width$}-{i}")), 1);
            n_bytes += if width == 40 { width as i64 } else { 0 };
        }
    }
    (map, n_bytes)
}

#[test]
fn a_dropped_map_gives_its_keys_back() {
    let (counts, ()) = counting(|| drop(map_of_mixed_keys()));
    assert_eq!(counts.live, 0);
}

#[test]
fn an_emptied_map_gives_its_keys_back() {
    let remove_rows = |map: &mut Map| {
        (0..180).for_each(|row| assert!(map.remove_row(&row) > 0));
    };
    let empty: [&dyn Fn(&mut Map); 2] = [&FlatMap::clear, &remove_rows];
    for empty in empty {
        let (mut map, n_bytes) = map_of_mixed_keys();
        let (counts, ()) = counting(|| empty(&mut map));
        assert!(map.is_empty() && -counts.live > n_bytes, "{} of {n_bytes}", -counts.live);
    }
}

#[test]
fn removed_keys_keep_few_chunks_alive() {
    let (mut map, n_bytes) = map_of_mixed_keys();
    let (counts, _) = counting(|| (0..160).map(|row| map.remove_row(&row)).sum::<usize>());
    assert!(-counts.live > n_bytes / 2, "{} of {n_bytes}", -counts.live);
}
