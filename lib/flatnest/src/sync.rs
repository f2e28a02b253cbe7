//! A two-level map that threads share.
//!
//! Owns [`ShardedMap`], a fixed number of [`FlatMap`]s, each behind a lock of its own.
//!
//! 1. The hash of the outer key picks the shard, so a row is never spread: listing or removing it takes one lock, and is
//!    atomic. A single hot row is the price: all of its writers meet at one lock.
//! 2. There are eight shards for each thread that the machine runs at once, so that threads rarely meet at random. Each
//!    shard starts on cache lines of its own, so that taking one lock does not slow its neighbours.
//! 3. A map grows shard by shard, so that growth stops the writers of one shard only.
//! 4. An operation on one entry or one row takes one lock, once. What goes over all shards takes one lock after another
//!    and never two at once; it is no snapshot.
//! 5. No guard leaves this module. What the caller passes in (closures, and `Hash`, `Eq`, `Clone` and `Drop` of keys and
//!    values) runs while the lock is held, and a thread-local flag says so. A thread that has the flag up and calls any
//!    `ShardedMap` panics before it touches a lock.
//!
//! So a thread never waits for a lock while it holds one, of the same map or of another: the locks of these maps alone
//! cannot deadlock. What the flag cannot see is a closure that waits for another *thread* (by a lock, a channel or a
//! join) while that thread waits for the shard: do not wait in closures.
//!
//! A closure that panics unlocks the shard on its way out. Nothing is poisoned: the maps below stay valid under panics,
//! and the value that the closure was changing keeps what was done so far.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use std::cell::Cell;
use std::num::NonZero;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::available_parallelism;
use std::thread_local;
use std::vec::Vec;

use crate::{DefaultHashBuilder, Equivalent, FlatMap, ToKey};

/// Shards for each thread that the machine runs at once.
const SHARDS_PER_THREAD: usize = 8;
const MAX_SHARDS: usize = 1 << 16;

/// A concurrent map from two keys to a value, in which the entries of a row stay together.
///
/// Methods take `&self` and hand out clones or the results of closures, never guards. A closure must not call this or
/// another `ShardedMap`; it panics if it does, instead of deadlocking (see the [module](self)).
///
/// ```
/// use flatnest::sync::ShardedMap;
///
/// let hits: ShardedMap<String, String, u64> = ShardedMap::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| hits.upsert("api", "/login", 1, |n| *n += 1));
///     }
/// });
/// assert_eq!(hits.get("api", "/login"), Some(4));
/// ```
pub struct ShardedMap<K1, K2, V, S = DefaultHashBuilder> {
    shards: Vec<Shard<K1, K2, V, S>>,
    hasher: S,
}

/// Alone on its cache lines; two at once, since processors fetch lines in pairs.
#[repr(align(128))]
struct Shard<K1, K2, V, S>(RwLock<FlatMap<K1, K2, V, S>>);

#[cfg(feature = "default-hasher")]
impl<K1, K2, V> ShardedMap<K1, K2, V> {
    /// An empty map with shards for this machine. O(shards).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::<u32, u32, u32>::new();
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<K1, K2, V, S: Clone + Default> Default for ShardedMap<K1, K2, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K1, K2, V, S> ShardedMap<K1, K2, V, S> {
    /// An empty map that hashes by `hasher`, with shards for this machine. O(shards).
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let map = flatnest::sync::ShardedMap::<u32, u32, u32, _>::with_hasher(RandomState::new());
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn with_hasher(hasher: S) -> Self
    where
        S: Clone,
    {
        let n_threads = available_parallelism().map_or(1, NonZero::get);
        Self::with_shards_and_hasher(n_threads * SHARDS_PER_THREAD, hasher)
    }

    /// An empty map with at least `n_shards` shards: the next power of two, from 1 to 65,536. O(shards).
    ///
    /// ```
    /// use std::hash::RandomState;
    /// let map = flatnest::sync::ShardedMap::<u32, u32, u32, _>::with_shards_and_hasher(100, RandomState::new());
    /// assert_eq!(map.n_shards(), 128);
    /// ```
    #[must_use]
    pub fn with_shards_and_hasher(n_shards: usize, hasher: S) -> Self
    where
        S: Clone,
    {
        let n_shards = n_shards.clamp(1, MAX_SHARDS).next_power_of_two();
        let shard = || Shard(RwLock::new(FlatMap::with_hasher(hasher.clone())));
        Self { shards: core::iter::repeat_with(shard).take(n_shards).collect(), hasher }
    }

    /// How many shards the map has, and so how many writers it takes at once at best. O(1).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::<u32, u32, u32>::new();
    /// assert!(map.n_shards().is_power_of_two());
    /// ```
    #[must_use]
    pub fn n_shards(&self) -> usize {
        self.shards.len()
    }

    /// How many entries there are. O(shards); with writers at work, a number between what it was and what it will be.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 2.5);
    /// assert_eq!(map.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().map.len()).sum()
    }

    /// Whether there are no entries. O(shards).
    ///
    /// ```
    /// assert!(flatnest::sync::ShardedMap::<u32, u32, u32>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes all entries, shard by shard. O(entries).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 2.5);
    /// map.clear();
    /// assert!(map.is_empty());
    /// ```
    pub fn clear(&self) {
        for shard in &self.shards {
            shard.write().map.clear();
        }
    }

    /// Calls `visit` with each entry, in no particular order. O(entries).
    ///
    /// One shard at a time is locked for reading. An entry that is there all along is visited once; one that comes or
    /// goes meanwhile may be or not.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// map.insert("b", 1, 30);
    /// let mut sum = 0;
    /// map.for_each(|_, _, value| sum += value);
    /// assert_eq!(sum, 50);
    /// ```
    pub fn for_each(&self, mut visit: impl FnMut(&K1, &K2, &V)) {
        for shard in &self.shards {
            shard.read().map.iter().for_each(|(k1, k2, value)| visit(k1, k2, value));
        }
    }
}

impl<K1: Eq + Hash, K2: Eq + Hash, V, S: BuildHasher> ShardedMap<K1, K2, V, S> {
    /// A clone of the value. O(1).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// assert_eq!(map.get("a", &1), Some(20));
    /// ```
    pub fn get<Q1, Q2>(&self, k1: &Q1, k2: &Q2) -> Option<V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
        V: Clone,
    {
        self.with(k1, k2, V::clone)
    }

    /// Whether there is such an entry. O(1).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// assert!(map.contains("a", &1) && !map.contains("a", &2));
    /// ```
    pub fn contains<Q1, Q2>(&self, k1: &Q1, k2: &Q2) -> bool
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.with(k1, k2, |_| ()).is_some()
    }

    /// What `read` makes of the value. O(1), and the time of `read`, for which writers of the shard wait.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, vec![7; 1000]);
    /// assert_eq!(map.with("a", &1, |list| list.len()), Some(1000));
    /// ```
    ///
    /// # Panics
    /// Panics if `read` calls a `ShardedMap`.
    pub fn with<Q1, Q2, R>(&self, k1: &Q1, k2: &Q2, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.shard_of(k1).read().map.get(k1, k2).map(read)
    }

    /// Puts an entry in and returns the value that it replaces. O(1) amortised.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// assert_eq!(map.insert("a", 1, 20), None);
    /// assert_eq!(map.insert("a", 1, 30), Some(20));
    /// ```
    pub fn insert(&self, k1: K1, k2: K2, value: V) -> Option<V> {
        self.shard_of(&k1).write().map.insert(k1, k2, value)
    }

    /// Changes the value that is there, or puts `value` in. Keys to store are made only for a new entry. O(1), and the
    /// time of `change`.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::<usize, String, u32>::new();
    /// for word in ["to", "be", "or", "not", "to", "be"] {
    ///     map.upsert(&word.len(), word, 1, |n| *n += 1);
    /// }
    /// assert_eq!(map.get(&2, "be"), Some(2));
    /// ```
    ///
    /// # Panics
    /// Panics if `change` calls a `ShardedMap`.
    pub fn upsert<Q1, Q2>(&self, k1: &Q1, k2: &Q2, value: V, change: impl FnOnce(&mut V))
    where
        Q1: Hash + Equivalent<K1> + ToKey<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ToKey<K2> + ?Sized,
    {
        self.shard_of(k1).write().map.entry_ref(k1, k2).and_modify(change).or_insert(value);
    }

    /// What `change` returns of the value, which it may change; nothing where there is no entry. O(1), and the time of
    /// `change`.
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// let before = map.update("a", &1, |value| std::mem::replace(value, 50));
    /// assert_eq!((before, map.get("a", &1)), (Some(20), Some(50)));
    /// ```
    ///
    /// # Panics
    /// Panics if `change` calls a `ShardedMap`.
    pub fn update<Q1, Q2, R>(&self, k1: &Q1, k2: &Q2, change: impl FnOnce(&mut V) -> R) -> Option<R>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.shard_of(k1).write().map.get_mut(k1, k2).map(change)
    }

    /// Takes an entry out. O(1).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// assert_eq!(map.remove("a", &1), Some(20));
    /// assert_eq!(map.remove("a", &1), None);
    /// ```
    pub fn remove<Q1, Q2>(&self, k1: &Q1, k2: &Q2) -> Option<V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.shard_of(k1).write().map.remove(k1, k2)
    }

    /// Clones of all entries of a row as they are at one moment, in no particular order. O(row).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// assert_eq!(map.row_snapshot("a"), [(1, 20)]);
    /// assert!(map.row_snapshot("b").is_empty());
    /// ```
    pub fn row_snapshot<Q1>(&self, k1: &Q1) -> Vec<(K2, V)>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        K2: Clone,
        V: Clone,
    {
        let shard = self.shard_of(k1).read();
        let row = shard.map.row(k1);
        row.map_or_else(Vec::new, |row| {
            row.iter().map(|(k2, value)| (k2.clone(), value.clone())).collect()
        })
    }

    /// Removes all entries of a row at one moment and returns how many there were. O(row).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// map.insert("a", 2, 30);
    /// assert_eq!(map.remove_row("a"), 2);
    /// ```
    pub fn remove_row<Q1>(&self, k1: &Q1) -> usize
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
    {
        self.shard_of(k1).write().map.remove_row(k1)
    }

    /// Keeps the entries for which `keep` is true, shard by shard. O(entries).
    ///
    /// ```
    /// let map = flatnest::sync::ShardedMap::new();
    /// map.insert("a", 1, 20);
    /// map.insert("a", 2, 30);
    /// map.retain(|_, _, value| *value > 20);
    /// assert_eq!(map.len(), 1);
    /// ```
    ///
    /// # Panics
    /// Panics if `keep` calls a `ShardedMap`.
    pub fn retain(&self, mut keep: impl FnMut(&K1, &K2, &mut V) -> bool) {
        for shard in &self.shards {
            shard.write().map.retain(|k1, k2, value| keep(k1, k2, value));
        }
    }

    fn shard_of<Q1: Hash + ?Sized>(&self, k1: &Q1) -> &Shard<K1, K2, V, S> {
        // By another product than the shard's map uses, so that there the hashes of a shard still differ in all bits.
        let mixed = self.hasher.hash_one(k1).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32;
        &self.shards[mixed as usize & (self.shards.len() - 1)]
    }
}

impl<K1, K2, V, S> Shard<K1, K2, V, S> {
    fn read(&self) -> Locked<RwLockReadGuard<'_, FlatMap<K1, K2, V, S>>> {
        let inside = Inside::enter();
        Locked { map: self.0.read().unwrap_or_else(PoisonError::into_inner), _inside: inside }
    }

    fn write(&self) -> Locked<RwLockWriteGuard<'_, FlatMap<K1, K2, V, S>>> {
        let inside = Inside::enter();
        Locked { map: self.0.write().unwrap_or_else(PoisonError::into_inner), _inside: inside }
    }
}

/// A locked shard; unlocks before it takes the flag down.
struct Locked<G> {
    map: G,
    _inside: Inside,
}

thread_local! {
    /// Whether this thread holds the lock of a shard, of whichever map.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The flag of this thread, up while this lives.
struct Inside;

impl Inside {
    fn enter() -> Self {
        let was_inside = IS_INSIDE.replace(true);
        assert!(
            !was_inside,
            "a closure (or Hash, Eq, Clone or Drop) called by a ShardedMap must not call a ShardedMap"
        );
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IS_INSIDE.set(false);
    }
}

impl<K1: fmt::Debug, K2: fmt::Debug, V: fmt::Debug, S> fmt::Debug for ShardedMap<K1, K2, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.for_each(|k1, k2, value| {
            map.entry(&(k1, k2), value);
        });
        map.finish()
    }
}
