//! Key types, and pools that hold queries one after another as a program reads them from its input.

use std::borrow::Borrow;
use std::hash::Hash;

use flatnest::{ArenaStr, ToKey};

/// A key type together with the form in which it is asked for.
pub trait Key: Hash + Eq + Ord + Borrow<Self::Query> + Sized + 'static {
    type Query: Hash + Eq + Ord + ToKey<Self> + ?Sized;
    type Pool;

    fn pool(ids: impl Iterator<Item = u64>, width: Width) -> Self::Pool;
    fn at(pool: &Self::Pool, width: Width, idx: usize) -> &Self::Query;

    /// What iterating reads of a key: the number itself, or the length of a text.
    fn weight(&self) -> u64;
}

/// Length of a key in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Eight,
    Twelve,
    Sixteen,
    Thirty,
}

impl Width {
    fn bytes(self) -> usize {
        match self {
            Self::Eight => 8,
            Self::Twelve => 12,
            Self::Sixteen => 16,
            Self::Thirty => 30,
        }
    }

    fn text(self, id: u64) -> String {
        let id = mix(id);
        match self {
            Self::Thirty => format!("tenant/{id:016x}/events"),
            Self::Twelve => format!("{:012x}", id >> 16),
            Self::Eight | Self::Sixteen => format!("{id:016x}"),
        }
    }
}

impl Key for u64 {
    type Query = Self;
    type Pool = Vec<Self>;

    fn pool(ids: impl Iterator<Item = u64>, _: Width) -> Vec<Self> {
        ids.map(mix).collect()
    }

    fn at(pool: &Vec<Self>, _: Width, idx: usize) -> &Self {
        &pool[idx]
    }

    fn weight(&self) -> u64 {
        *self
    }
}

/// Texts of one width in one string, so that reading queries streams through memory.
fn text_pool(ids: impl Iterator<Item = u64>, width: Width) -> String {
    ids.map(|id| width.text(id)).collect()
}

fn text_at(pool: &str, width: Width, idx: usize) -> &str {
    &pool[idx * width.bytes()..(idx + 1) * width.bytes()]
}

macro_rules! text_keys {
    ($($key:ty),*) => { $(
        impl Key for $key {
            type Query = str;
            type Pool = String;

            fn pool(ids: impl Iterator<Item = u64>, width: Width) -> String {
                text_pool(ids, width)
            }

            fn at(pool: &String, width: Width, idx: usize) -> &str {
                text_at(pool, width, idx)
            }

            fn weight(&self) -> u64 {
                self.len() as u64
            }
        }
    )* };
}

text_keys!(String, ArenaStr);

/// Calls a function `run::<Key>(name, width, ...)` for every kind of key.
#[macro_export]
macro_rules! for_each_key {
    ($run:ident, $($argument:expr),*) => {{
        use $crate::keys::Width;
        $run::<u64>("u64", Width::Eight, $($argument),*);
        $run::<flatnest::ArenaStr>("ArenaStr 12", Width::Twelve, $($argument),*);
        $run::<flatnest::ArenaStr>("ArenaStr 16", Width::Sixteen, $($argument),*);
        $run::<String>("String 16", Width::Sixteen, $($argument),*);
        $run::<flatnest::ArenaStr>("ArenaStr 30", Width::Thirty, $($argument),*);
        $run::<String>("String 30", Width::Thirty, $($argument),*);
    }};
}

/// A bijection on 64 bits that makes counters look like random numbers (the finaliser of splitmix64).
pub fn mix(id: u64) -> u64 {
    let id = id.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    id ^ (id >> 31)
}

/// Random numbers from a counter: `mix` of 0, 1, 2 and on, from a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(end)) >> 64) as u64
    }

    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A rank below `end`, the k-th with weight ln((k + 2) / (k + 1)), about 1 / (k + 1): Zipf's law with exponent 1.
    pub fn zipf(&mut self, end: u64) -> u64 {
        let rank = ((end + 1) as f64).powf(self.unit()) as u64;
        (rank - 1).min(end - 1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}
