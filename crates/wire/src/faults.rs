//! What could be read, together with what was wrong.

/// A value with the defects met while reading it; what was defective is not in the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T, E> {
    /// What could be read.
    pub value: T,
    /// What was wrong; empty for a sound input.
    pub faults: Vec<E>,
}

/// A defect that can stand for many.
pub trait Fault: Sized {
    /// So many more that are not told one by one.
    fn more(n: u64) -> Self;

    /// How many this one stands for, when it is what [`Self::more`] makes.
    fn n_more(&self) -> Option<u64>;
}

/// Defects listed one by one; the rest is counted.
const MAX_LISTED: usize = 20;

/// Collects defects: a damaged input must not fill the memory with them.
#[derive(Debug, Clone)]
pub struct Faults<E> {
    listed: Vec<E>,
    n_more: u64,
}

impl<E> Default for Faults<E> {
    fn default() -> Self {
        Self { listed: Vec::new(), n_more: 0 }
    }
}

impl<E: Fault> Faults<E> {
    /// Adds a defect.
    #[cold]
    pub fn add(&mut self, fault: E) {
        match fault.n_more() {
            Some(n) => self.n_more = self.n_more.saturating_add(n),
            None if self.listed.len() < MAX_LISTED => self.listed.push(fault),
            None => self.n_more = self.n_more.saturating_add(1),
        }
    }

    /// All of them. Shape: at most 20, and one that stands for the rest.
    pub fn into_vec(mut self) -> Vec<E> {
        if self.n_more > 0 {
            self.listed.push(E::more(self.n_more));
        }
        self.listed
    }
}

impl<E: Fault> Extend<E> for Faults<E> {
    fn extend<I: IntoIterator<Item = E>>(&mut self, faults: I) {
        faults.into_iter().for_each(|fault| self.add(fault));
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults};

    #[derive(Debug, PartialEq)]
    enum Damage {
        At(u64),
        More(u64),
    }

    impl Fault for Damage {
        fn more(n: u64) -> Self {
            Self::More(n)
        }

        fn n_more(&self) -> Option<u64> {
            if let Self::More(n) = self { Some(*n) } else { None }
        }
    }

    fn collected(n: u64) -> Faults<Damage> {
        let mut faults = Faults::default();
        faults.extend((0..n).map(Damage::At));
        faults
    }

    #[test]
    fn what_is_beyond_the_list_is_counted() {
        assert_eq!(collected(2).into_vec(), [Damage::At(0), Damage::At(1)]);
        assert_eq!(collected(20).into_vec().len(), 20);
        let faults = collected(23).into_vec();
        assert_eq!((faults.len(), &faults[20]), (21, &Damage::More(3)));
    }

    #[test]
    fn collections_add_up() {
        let mut faults = collected(1);
        faults.extend(collected(25).into_vec());
        assert_eq!(faults.into_vec().last(), Some(&Damage::More(6)));
    }
}
