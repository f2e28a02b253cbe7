//! Unusual types of keys and values, and what each type can do.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, Hasher};
use std::rc::Rc;

use flatnest::{DefaultHashBuilder, Equivalent, FlatMap};

#[test]
fn keys_and_values_may_have_no_size() {
    let mut map = FlatMap::<(), (), (), _>::with_hasher(crate::model::Spread);
    assert_eq!(map.insert((), (), ()), None);
    assert_eq!(map.insert((), (), ()), Some(()));
    assert_eq!((map.len(), map.iter().count()), (1, 1));
    assert_eq!(map.remove(&(), &()), Some(()));
    map.check_invariants();

    let mut set = FlatMap::<u8, u16, ()>::new();
    set.extend((0..4000).map(|i| ((i % 3) as u8, i, ())));
    assert_eq!(set.iter().map(|(_, k2, ())| u64::from(*k2)).sum::<u64>(), 3999 * 2000);
    set.check_invariants();

    let mut column = FlatMap::<u32, (), String>::new();
    column.extend((0..2000).map(|i| (i, (), i.to_string())));
    assert_eq!(column.get(&1234, &()).unwrap(), "1234");
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(align(256))]
struct Aligned(u16);

#[test]
fn entries_are_aligned_and_may_be_large() {
    let mut map = FlatMap::<Aligned, Aligned, [u64; 300]>::new();
    for i in 0..500 {
        map.insert(Aligned(i % 2), Aligned(i), [u64::from(i); 300]);
    }
    for (k1, k2, v) in &map {
        assert!(std::ptr::from_ref(k1).addr() % 256 == 0);
        assert!(std::ptr::from_ref(k2).addr() % 256 == 0);
        assert!(k2.0 % 2 == k1.0 && v.iter().all(|&x| x == u64::from(k2.0)));
    }
    map.check_invariants();
    assert_eq!(map.remove_row(&Aligned(0)), 250);
    assert_eq!(map.len(), 250);
}

/// A pair of borrowed strings that stands for one of owned ones.
struct PairRef<'a>(&'a str, &'a str);

impl Hash for PairRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl Equivalent<(String, String)> for PairRef<'_> {
    fn equivalent(&self, key: &(String, String)) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

#[test]
fn tuples_of_borrowed_keys_find_owned_ones() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let mut map = FlatMap::<(String, String), (String, String), u32>::new();
    map.insert(pair("a", "b"), pair("c", "d"), 1);
    assert_eq!(map.get(&PairRef("a", "b"), &PairRef("c", "d")), Some(&1));
    assert_eq!(map.get(&PairRef("a", "b"), &PairRef("c", "x")), None);
    assert_eq!(map.remove(&PairRef("a", "b"), &PairRef("c", "d")), Some(1));
    assert!(map.is_empty());
}

/// A key of one's own that is looked up by `str` and made of it.
#[derive(PartialEq, Eq)]
struct Name(Box<str>);

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

#[test]
fn keys_of_ones_own_are_made_of_borrowed_ones() {
    let mut map = FlatMap::<Name, Name, u32>::new();
    *map.entry_ref("a", "b").or_default() += 1;
    map.upsert_many([("a", "b", 5), ("a", "c", 7)], |value, n| *value += n);
    assert_eq!((map.get("a", "b"), map.get("a", "c")), (Some(&6), Some(&7)));

    let mut bytes = FlatMap::<Vec<u8>, u64, u32>::new();
    *bytes.entry_ref(&b"a"[..], &1).or_default() += 1;
    assert_eq!(bytes.get(&b"a"[..], &1), Some(&1));
}

/// Compiles only where `T` may be sent and shared.
fn assert_send_and_sync<T: Send + Sync>(_: &T) {}

#[test]
fn what_may_be_sent_and_shared_may_be() {
    let mut map = FlatMap::<String, String, u32>::new();
    assert_send_and_sync(&map);
    assert_send_and_sync(&map.iter());
    assert_send_and_sync(&map.rows());
    assert_send_and_sync(&map.iter_mut());
    assert_send_and_sync(&map.entry(String::new(), String::new()));
    assert_send_and_sync(&map.drain());
    let map = std::thread::spawn(move || {
        map.insert("a".to_owned(), "b".to_owned(), 1);
        map
    });
    assert_eq!(map.join().unwrap()[("a", "b")], 1);
}

/// `impl_count!(T: Send)` is 2 where `T` is `Send`, and 1 elsewhere.
macro_rules! impl_count {
    ($type:ty: $auto:ident) => {{
        // Only one of the two constants is used.
        #[allow(dead_code)]
        trait Count {
            const N: usize = 1;
        }
        impl<T: ?Sized> Count for T {}
        struct Of<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: $auto + ?Sized> Of<T> {
            const N: usize = 2;
        }
        <Of<$type>>::N
    }};
}

#[test]
fn what_must_not_be_sent_or_shared_is_not() {
    type Unsent = FlatMap<u8, u8, Rc<u8>>;
    assert_eq!((impl_count!(Unsent: Send), impl_count!(Unsent: Sync)), (1, 1));
    type Unshared = FlatMap<u8, u8, std::cell::Cell<u8>>;
    assert_eq!((impl_count!(Unshared: Send), impl_count!(Unshared: Sync)), (2, 1));
    type Iter<'a> = flatnest::Iter<'a, u8, u8, std::cell::Cell<u8>>;
    type Into = flatnest::IntoIter<u8, u8, Rc<u8>>;
    assert_eq!((impl_count!(Iter<'static>: Send), impl_count!(Into: Send)), (1, 1));
}

#[test]
fn a_nested_map_goes_in_and_comes_out() {
    let nested: BTreeMap<u32, HashMap<u32, String>> =
        (0..50).map(|i| (i, (0..i).map(|j| (j, format!("{i} {j}"))).collect())).collect();
    let map: FlatMap<u32, u32, String> = nested.clone().into_iter().collect();
    assert_eq!((map.n_rows(), map.len()), (49, 49 * 50 / 2));
    let mut back: BTreeMap<u32, HashMap<u32, String>> = map.into_nested();
    // A row without entries is no row.
    back.insert(0, HashMap::new());
    assert_eq!(back, nested);
}

#[test]
fn maps_are_equal_whatever_their_hasher_and_history() {
    let entries = (0..1000).map(|i| (i % 7, i, i * i));
    let map: FlatMap<i32, i32, i32> = entries.clone().collect();
    let mut other = FlatMap::with_hasher(crate::model::Identity);
    other.extend(entries.rev());
    assert_eq!(map, other);
    let copy = map.clone();
    *other.get_mut(&3, &3).unwrap() += 1;
    assert_ne!(map, other);
    other.remove(&3, &3);
    assert_ne!(map, other);
    assert_eq!(map, copy);
}

#[test]
fn debug_shows_the_nested_form() {
    let mut map = FlatMap::<_, _, _>::from_iter([(1, "a", 'x')]);
    assert_eq!(format!("{map:?}"), r#"{1: {"a": 'x'}}"#);
    assert_eq!(format!("{:?}", map.row(&1).unwrap()), r#"{"a": 'x'}"#);
    assert_eq!(format!("{:?}", map.entry(1, "a")), r#"OccupiedEntry(1, "a", 'x')"#);
    assert_eq!(format!("{:?}", map.entry(2, "b")), r#"VacantEntry(2, "b")"#);
}

#[test]
#[should_panic(expected = "no entry for these keys")]
fn indexing_panics_where_there_is_no_entry() {
    let map = FlatMap::<_, _, _>::from_iter([(1, 2, 3)]);
    let _ = map[(&1, &3)];
}

#[test]
fn iterators_know_their_length_and_walk_alike_from_inside_and_outside() {
    let mut map = FlatMap::<_, _, _>::from_iter((0..3000u32).map(|i| (i % 7 * (i % 11), i, i)));
    let sum = map.values().map(|v| u64::from(*v)).sum::<u64>();
    let (mut iter, mut n_left, mut stepped) = (map.iter(), map.len(), 0);
    while let Some((_, _, v)) = iter.next() {
        n_left -= 1;
        assert_eq!(iter.len(), n_left);
        assert_eq!(iter.clone().count(), n_left);
        stepped += u64::from(*v);
    }
    assert_eq!((stepped, n_left), (sum, 0));
    assert_eq!(map.iter_mut().map(|(_, _, v)| u64::from(*v)).sum::<u64>(), sum);
    for row in map.rows() {
        assert_eq!(row.iter().len(), row.len());
        assert_eq!(row.iter().count(), row.len());
        assert!(row.iter().all(|(k2, v)| k2 == v && row.get(k2) == Some(v)));
    }
    assert_eq!(map.into_iter().map(|(_, _, v)| u64::from(v)).sum::<u64>(), sum);
}

/// Places for entries stay within a few times their number, when hashes cannot be told apart.
#[track_caller]
fn check_capacity<S: BuildHasher>(hasher: S) {
    let mut map = FlatMap::with_hasher(hasher);
    for i in 0..6000u32 {
        map.insert(i % 2, i, i);
    }
    map.check_invariants();
    assert!(map.capacity() < 3 * map.len(), "{} places", map.capacity());
}

#[test]
fn memory_stays_bounded_when_all_keys_collide() {
    check_capacity(crate::model::Constant);
}

#[test]
fn memory_stays_bounded_when_hashes_have_few_bits() {
    check_capacity(crate::model::FewBits);
}

#[test]
fn many_rows_that_collide_are_found() {
    let mut map = FlatMap::with_hasher(crate::model::Constant);
    map.extend((0..3000u32).map(|i| (i, 0, i)));
    map.check_invariants();
    assert_eq!(map.get(&2999, &0), Some(&2999));
    assert!((0..3000).all(|i| map.remove_row(&i) == 1));
    map.check_invariants();
}

#[test]
fn room_made_ahead_is_used() {
    let mut map = FlatMap::<u32, u32, u64, DefaultHashBuilder>::with_capacity(2000, 16_000);
    let capacity = map.capacity();
    assert!(capacity >= 16_000);
    map.extend((0..2000).map(|i| (i, i, 1)));
    map.check_invariants();
    assert_eq!(map.n_rows(), 2000);
    map.clear();
    assert!(map.try_reserve(usize::MAX / 2, 0).is_err());
    map.extend((0..2000).map(|i| (i, i, 1)));
    map.check_invariants();
}
