//! Operations that lead tables of `std` and `hashbrown` through all their kinds of growth.

use std::hash::Hasher;

use crate::random::Random;

/// A hasher whose hash is the number itself, so that numbers in a row lie in a row.
#[derive(Default)]
pub(crate) struct Identity(pub(crate) u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 << 8) ^ n;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// An operation on a map of one level.
pub(crate) enum Op {
    Insert(u64),
    Remove(u64),
    Reserve(usize),
    Shrink,
    Retain(u64),
    Clear,
}

/// The operation of a step: every fourth thousand of steps moves a window of keys along, which leaves a trail of
/// tombstones behind it until the table re-hashes in place; the others insert and remove at random.
pub(crate) fn random_op(random: &mut Random, step: usize) -> Op {
    let inserts = match step / 1000 % 4 {
        0 => 600,
        1 => 490,
        2 => 350,
        _ => {
            let key = step as u64 / 2;
            return match step % 1000 {
                0 => Op::Clear,
                1 => Op::Shrink,
                n if n % 2 == 0 => Op::Insert(key),
                _ => Op::Remove(key - 26),
            };
        }
    };
    let n_keys = [40, 2000, 300][step / 4000 % 3];
    let key = random.below(n_keys) as u64;
    match random.below(1000) {
        0 => Op::Reserve(random.below(100)),
        1 => Op::Shrink,
        2 => Op::Retain(random.below(8) as u64),
        3 => Op::Clear,
        n if n < inserts => Op::Insert(key),
        _ => Op::Remove(key),
    }
}

/// The row of a step in a nested map: always the same while the window moves.
pub(crate) fn random_row(random: &mut Random, step: usize) -> u64 {
    match step / 1000 % 4 {
        3 => 1000,
        _ => random.below(60) as u64,
    }
}
