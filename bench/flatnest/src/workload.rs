//! Workloads: a shape, what keys it has, and the orders in which they are asked for.

use crate::keys::{Key, Random, Width, mix};

/// Rows, and entries in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub rows: usize,
    pub inner: usize,
}

impl Shape {
    pub fn entries(self) -> usize {
        self.rows * self.inner
    }
}

/// Whether rows have the same inner keys or each its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InnerKeys {
    Repeated,
    Distinct,
}

impl InnerKeys {
    pub fn name(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Distinct => "distinct",
        }
    }

    /// Number of the inner key at `col` of `row`; columns from `inner` on are absent everywhere.
    fn id(self, shape: Shape, row: usize, col: usize) -> u64 {
        let base = 1 << 40;
        match self {
            Self::Repeated => base + col as u64,
            Self::Distinct => base + (row * 2 * shape.inner + col) as u64,
        }
    }
}

/// Queries by pair, outer and inner key side by side.
pub struct Pairs<K: Key> {
    pool: K::Pool,
    width: Width,
    len: usize,
}

impl<K: Key> Pairs<K> {
    fn new(width: Width, ids: impl ExactSizeIterator<Item = (u64, u64)>) -> Self {
        let len = ids.len();
        Self { pool: K::pool(ids.flat_map(|(k1, k2)| [k1, k2]), width), width, len }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K::Query, &K::Query)> {
        (0..self.len).map(|idx| {
            (K::at(&self.pool, self.width, 2 * idx), K::at(&self.pool, self.width, 2 * idx + 1))
        })
    }
}

/// Everything that is asked of a map of one shape.
pub struct Workload<K: Key> {
    pub shape: Shape,
    /// Every pair once, in random order.
    pub shuffled: Pairs<K>,
    /// Every pair once, row by row.
    pub grouped: Pairs<K>,
    pub uniform: Pairs<K>,
    pub zipf: Pairs<K>,
    /// In turns an absent inner key of a row that exists, and an absent row.
    pub absent: Pairs<K>,
    /// Every outer key once, in random order.
    rows: K::Pool,
    width: Width,
}

impl<K: Key> Workload<K> {
    pub fn new(shape: Shape, width: Width, inner: InnerKeys, n_accesses: usize) -> Self {
        let pair = |row: usize, col: usize| (row as u64, inner.id(shape, row, col));
        let nth = |n: usize| pair(n / shape.inner, n % shape.inner);
        let mut order: Vec<u32> = (0..shape.entries() as u32).collect();
        let grouped = Pairs::new(width, order.iter().map(|&n| nth(n as usize)));
        Random::new(1).shuffle(&mut order);
        let shuffled = Pairs::new(width, order.iter().map(|&n| nth(n as usize)));

        let mut random = Random::new(2);
        let uniform = (0..n_accesses).map(|_| nth(random.below(shape.entries() as u64) as usize));
        let uniform = Pairs::new(width, uniform);
        let zipf = (0..n_accesses)
            .map(|_| nth(order[random.zipf(shape.entries() as u64) as usize] as usize));
        let zipf = Pairs::new(width, zipf);
        let absent = (0..n_accesses).map(|n| {
            let (row, col) = (
                random.below(shape.rows as u64) as usize,
                random.below(shape.inner as u64) as usize,
            );
            if n % 2 == 0 { pair(row, shape.inner + col) } else { pair(shape.rows + row, col) }
        });
        let absent = Pairs::new(width, absent);

        let mut rows: Vec<u64> = (0..shape.rows as u64).collect();
        Random::new(3).shuffle(&mut rows);
        let rows = K::pool(rows.into_iter(), width);
        Self { shape, shuffled, grouped, uniform, zipf, absent, rows, width }
    }

    pub fn row(&self, idx: usize) -> &K::Query {
        K::at(&self.rows, self.width, idx)
    }
}

/// Pairs of integers for the concurrent benchmarks: row and inner key of the n-th entry.
pub fn int_pair(n: u64, inner: u64) -> (u64, u64) {
    (mix(n / inner), mix((1 << 40) + n % inner))
}
