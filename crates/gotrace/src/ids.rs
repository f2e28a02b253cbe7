//! Ids of the trace and the map from ids on the wire to positions.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Nanoseconds on the clock of the trace: CLOCK_MONOTONIC on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub i64);

impl Time {
    /// Nanoseconds since an earlier time; 0 when it is not earlier, which clocks of several processors allow.
    pub fn ns_since(self, earlier: Time) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// A goroutine, by Go's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoId(pub u64);

/// A proc: one of GOMAXPROCS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcId(pub u64);

/// A thread of the system; on Linux what `gettid` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThreadId(pub u64);

/// Stands for "none" in ids on the wire.
pub const NONE: u64 = u64::MAX;

/// `None` for the id that stands for none.
pub fn some_id(id: u64) -> Option<u64> {
    (id != NONE).then_some(id)
}

/// Hashes one integer by a folded multiplication: ids come by the million, and SipHash would be half of the time.
#[derive(Debug, Default, Clone, Copy)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u32(&mut self, id: u32) {
        self.write_u64(u64::from(id));
    }

    #[inline]
    fn write_u64(&mut self, id: u64) {
        // Odd digits of pi and of the golden ratio.
        let mixed = self.0.rotate_left(23) ^ id ^ 0x243f_6a88_85a3_08d3;
        let product = u128::from(mixed) * 0x9e37_79b9_7f4a_7c15;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

/// A map keyed by goroutines.
pub type ByGoroutine<V> = HashMap<GoId, V, BuildHasherDefault<IdHasher>>;

/// A map keyed by ids.
pub type IdHashMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// From ids on the wire to positions. Ids are small and dense in traces of the runtime, and anything at all in others.
#[derive(Debug, Default)]
pub(crate) struct IdMap {
    /// By id; `ABSENT` where there is none.
    dense: Vec<u32>,
    sparse: IdHashMap<u64, u32>,
    n_ids: usize,
}

const ABSENT: u32 = u32::MAX;

impl IdMap {
    /// Adds an id that is not there yet; false when it is.
    pub(crate) fn insert(&mut self, id: u64, position: u32) -> bool {
        if self.get(id).is_some() {
            return false;
        }
        self.n_ids += 1;
        // The table stays in proportion to what is in it.
        let limit = self.n_ids * 4 + 1024;
        match usize::try_from(id) {
            Ok(at) if at < limit.max(self.dense.len()) => {
                if at >= self.dense.len() {
                    self.dense.resize(at + 1, ABSENT);
                }
                self.dense[at] = position;
            }
            _ => {
                self.sparse.insert(id, position);
            }
        }
        true
    }

    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        let dense = usize::try_from(id).ok().and_then(|at| self.dense.get(at));
        match dense {
            Some(&position) if position != ABSENT => Some(position),
            _ if self.sparse.is_empty() => None,
            _ => self.sparse.get(&id).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::IdMap;

    #[test]
    fn dense_and_huge_ids_are_found() {
        let mut map = IdMap::default();
        let ids = [5, 1, u64::MAX, 1 << 40, 2000, 0];
        for (position, &id) in ids.iter().enumerate() {
            assert!(map.insert(id, position as u32));
            assert!(!map.insert(id, 9));
        }
        for (position, &id) in ids.iter().enumerate() {
            assert_eq!(map.get(id), Some(position as u32), "{id}");
        }
        assert_eq!(map.get(7), None);
        assert!(map.dense.len() < 2048);
    }
}
