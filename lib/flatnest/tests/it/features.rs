//! What features add.

#[cfg(feature = "serde")]
mod serde {
    use flatnest::FlatMap;

    #[test]
    fn json_has_the_nested_form() {
        let mut map = FlatMap::<String, u32, bool>::new();
        *map.entry_ref("a", &1).or_default() = true;
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"a":{"1":true}}"#);
        map.extend((0..500).map(|i| (format!("row {}", i % 9), i, i % 3 == 0)));
        let json = serde_json::to_string(&map).unwrap();
        let back: FlatMap<String, u32, bool> = serde_json::from_str(&json).unwrap();
        assert_eq!(back, map);
        let nested: std::collections::HashMap<String, std::collections::BTreeMap<u32, bool>> =
            serde_json::from_str(&json).unwrap();
        let own: std::collections::HashMap<_, _> = map.into_nested();
        assert_eq!(own, nested);
    }

    #[test]
    fn what_is_not_a_map_of_maps_is_refused() {
        type Map = FlatMap<String, u32, bool>;
        for json in ["[]", r#"{"a":1}"#, r#"{"a":{"1":true,"2":5}}"#, r#"{"a":{"x":true}}"#] {
            assert!(serde_json::from_str::<Map>(json).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<Map>(r#"{"a":{}}"#).unwrap().is_empty());
    }
}

#[cfg(feature = "rayon")]
#[test]
fn threads_meet_each_entry_once() {
    use rayon::iter::ParallelIterator;

    let mut map = flatnest::FlatMap::<u32, u32, u64>::new();
    map.extend((0..20_000).map(|i| (i % 700, i, u64::from(i))));
    map.par_iter_mut().for_each(|(k1, _, v)| *v += u64::from(*k1));
    let sum: u64 = map.iter().map(|(_, _, v)| v).sum();
    assert_eq!(sum, (0..20_000).map(|i| i + i % 700).sum::<u64>());
    assert_eq!(map.par_iter().map(|(_, _, v)| *v).sum::<u64>(), sum);
    assert_eq!(map.par_rows().map(|row| row.len()).sum::<usize>(), 20_000);
}

#[cfg(feature = "meter")]
mod meter {
    use std::cell::Cell;
    use std::collections::HashMap;
    use std::hash::{BuildHasher, Hash, Hasher};

    use flatnest::FlatMap;

    /// The counter agrees with the addresses of all values before and after each insertion.
    #[track_caller]
    fn check_moves<S: BuildHasher>(hasher: S) {
        let mut map = FlatMap::with_hasher(hasher);
        let mut places: HashMap<(u32, u32), usize> = HashMap::new();
        let mut n_moved = 0;
        for i in 0..1500u32 {
            let before = map.growth();
            map.insert(i % 3 * (i % 5), i, u64::from(i));
            let mut moved = 0;
            for (k1, k2, v) in &map {
                let place = std::ptr::from_ref(v).addr();
                let old = places.insert((*k1, *k2), place);
                moved += u64::from(old.is_some_and(|old| old != place));
            }
            let growth = map.growth();
            assert_eq!(growth.moved_entries - before.moved_entries, moved);
            assert_eq!(growth.moved_bytes - before.moved_bytes, moved * 16);
            assert!(moved == 0 || growth.n_grows > before.n_grows);
            n_moved += moved;
        }
        assert!(n_moved > 0);
        let growth = map.growth();
        assert!(growth.allocated_bytes >= 1500 * 16);
        // What is not growth moves nothing that counts.
        map.retain(|_, k2, _| k2 % 2 == 0);
        map.shrink_to_fit();
        assert_eq!(map.growth(), growth);
    }

    /// A key whose hash is another one each time, but the first time.
    #[derive(PartialEq, Eq)]
    struct Fickle(u32);

    thread_local! {
        static N_HASHED: Cell<u32> = const { Cell::new(0) };
    }

    impl Hash for Fickle {
        fn hash<H: Hasher>(&self, state: &mut H) {
            N_HASHED.set(N_HASHED.get() + 1);
            state.write_u32(if N_HASHED.get() == 1 { 0 } else { N_HASHED.get() * 7919 + self.0 });
        }
    }

    #[test]
    fn memory_stays_bounded_when_hashes_change() {
        let mut map = FlatMap::with_hasher(crate::model::Spread);
        for i in 0..3000u32 {
            N_HASHED.set(0);
            map.insert(0, Fickle(i), i);
        }
        map.check_invariants();
        assert_eq!(map.iter().map(|(_, _, v)| u64::from(*v)).sum::<u64>(), 2999 * 1500);
        let bytes = map.growth().allocated_bytes;
        assert!(bytes < 1 << 20, "{bytes} bytes");
    }

    #[test]
    fn moved_entries_are_those_whose_address_changes() {
        check_moves(crate::model::Spread);
        check_moves(crate::model::Constant);
        check_moves(crate::model::FewBits);
        check_moves(crate::model::Identity);
    }
}
