//! `ArenaStr` behaves as `String` does, and its chunks live exactly as long as needed.

use core::hash::BuildHasher;
use std::collections::{BTreeMap, HashMap, VecDeque};

use flatnest::{Arena, ArenaStr, FlatMap};

use crate::random::Random;

fn text_of(random: &mut Random, len: usize) -> String {
    (0..len).map(|_| char::from(b'a' + random.below(26) as u8)).collect()
}

/// Texts around each limit: of the short form, of sharing a chunk, and of a chunk.
fn texts() -> Vec<String> {
    let mut random = Random(1);
    let lens = (0..100).chain([4095, 4096, 4097, 16_367, 16_368, 16_369, 16_384, 100_000]);
    lens.map(|len| text_of(&mut random, len)).collect()
}

#[test]
fn keeps_texts_of_all_lengths() {
    let mut arena = Arena::new();
    let made: Vec<_> = texts().into_iter().map(|text| (arena.make(&text), text)).collect();
    for (key, text) in &made {
        assert_eq!(key.as_str(), text);
        assert_eq!(ArenaStr::from(text.as_str()), *key);
        assert_eq!(ArenaStr::from(text), *key);
        assert_eq!(String::from(key.clone()), *text);
    }
}

#[test]
fn keeps_text_beyond_ascii() {
    for text in
        ["ä", "häufig", "日本", "日本語日本", "日本語日本語", "🦀🦀🦀", "🦀🦀🦀🦀", "\0", "a\0b"]
    {
        assert_eq!(ArenaStr::from(text), text);
    }
    assert_eq!(ArenaStr::default(), "");
}

#[test]
fn hashes_compares_and_orders_as_its_text() {
    let hasher = std::hash::RandomState::new();
    let mut texts = texts();
    // Equal ends, equal starts, and one byte of difference at each place.
    texts.extend((0..40).map(|at| format!("{}b{}", "a".repeat(at), "a".repeat(39 - at))));
    texts.extend((0..15).map(|at| format!("{}b{}", "a".repeat(at), "a".repeat(14 - at))));
    let keys: Vec<_> = texts.iter().map(ArenaStr::from).collect();
    for (a, text_a) in keys.iter().zip(&texts) {
        assert_eq!(hasher.hash_one(a), hasher.hash_one(text_a.as_str()));
        assert_eq!(format!("{a} {a:?}"), format!("{text_a} {text_a:?}"));
        for (b, text_b) in keys.iter().zip(&texts) {
            assert_eq!(a == b, text_a == text_b);
            assert_eq!(a.cmp(b), text_a.cmp(text_b));
        }
    }
}

#[test]
fn equal_texts_of_different_arenas_are_equal() {
    for text in texts() {
        let (a, b) = (Arena::new().make(&text), Arena::new().make(&text));
        assert_eq!(a, b);
        assert_eq!(a, text.as_str());
    }
}

#[test]
fn is_found_by_borrowed_text() {
    let texts = texts();
    let map: HashMap<ArenaStr, usize> = texts.iter().map(ArenaStr::from).zip(0..).collect();
    let ordered: BTreeMap<ArenaStr, usize> = texts.iter().map(ArenaStr::from).zip(0..).collect();
    for (i, text) in texts.iter().enumerate() {
        assert_eq!(map.get(text.as_str()), Some(&i));
        assert_eq!(ordered.get(text.as_str()), Some(&i));
    }
}

#[test]
fn strings_survive_any_order_of_clones_and_drops() {
    let mut random = Random(7);
    let mut arenas = VecDeque::from([Arena::new(), Arena::new()]);
    let mut live: Vec<(ArenaStr, String)> = Vec::new();
    for _ in 0..20_000 {
        match random.below(100) {
            0 => drop(core::mem::take(&mut arenas[0])),
            1 => arenas.rotate_left(1),
            2..50 => {
                let len = [3, 15, 16, 40, 300, 4000, 5000][random.below(7)];
                let text = text_of(&mut random, len);
                live.push((arenas[0].make(&text), text));
            }
            50..60 if !live.is_empty() => {
                let of = random.below(live.len());
                let copy = live[of].clone();
                live.push(copy);
            }
            _ if !live.is_empty() => drop(live.swap_remove(random.below(live.len()))),
            _ => {}
        }
        if let Some((key, text)) = live.last() {
            assert_eq!(key, text.as_str());
        }
    }
    drop(arenas);
    assert!(live.iter().all(|(key, text)| key == text.as_str()));
}

#[test]
fn strings_go_between_threads_and_outlive_them() {
    let make = |thread: usize| {
        let text = move |i| format!("key number {i} of thread {thread}");
        move || (0..2000).map(|i| (ArenaStr::from(text(i)), text(i))).collect::<Vec<_>>()
    };
    let threads: Vec<_> = (0..4).map(|thread| std::thread::spawn(make(thread))).collect();
    let keys: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    std::thread::scope(|scope| {
        for part in 0..4 {
            let keys = &keys;
            scope.spawn(move || {
                let mut copies = keys.clone();
                copies.rotate_left(part * 1000);
                assert!(copies.iter().all(|(key, text)| key == text.as_str()));
            });
        }
    });
    let (even, odd): (Vec<_>, Vec<_>) = keys.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
    let thread = std::thread::spawn(move || drop(even));
    assert!(odd.iter().all(|(_, (key, text))| key == text.as_str()));
    thread.join().unwrap();
}

#[test]
fn strings_can_be_made_while_their_thread_ends() {
    struct Last(std::sync::mpsc::Sender<ArenaStr>);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(ArenaStr::from("made when the thread's arena may be gone")).unwrap();
        }
    }

    thread_local!(static LAST: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) });
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        LAST.set(Some(Last(sender)));
        drop(ArenaStr::from("makes the arena of the thread, which is dropped first"));
    })
    .join()
    .unwrap();
    assert_eq!(receiver.recv().unwrap(), "made when the thread's arena may be gone");
}

#[cfg(feature = "serde")]
#[test]
fn goes_through_serde_as_a_string() {
    let keys: Vec<ArenaStr> =
        ["short", "longer than fifteen bytes", "with \"quotes\" in it"].map(ArenaStr::from).into();
    let json = serde_json::to_string(&keys).unwrap();
    assert_eq!(json, r#"["short","longer than fifteen bytes","with \"quotes\" in it"]"#);
    assert_eq!(serde_json::from_str::<Vec<ArenaStr>>(&json).unwrap(), keys);
}

#[test]
fn maps_make_it_of_borrowed_text_when_an_entry_is_new() {
    let mut map = FlatMap::<ArenaStr, ArenaStr, u32>::new();
    for (key1, key2) in [("a", "short"), ("a", "longer than fifteen bytes"), ("a", "short")] {
        *map.entry_ref(key1, key2).or_default() += 1;
    }
    assert_eq!(map.get("a", "short"), Some(&2));
    assert_eq!(map.get("a", "longer than fifteen bytes"), Some(&1));
}
