//! Inputs, and which of them a number came from.

use std::ops::Index;

/// An input of [`Sources`]. Only these hand ids out, so that none stands for an input that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// Its position among the inputs, from 0.
    pub fn index(self) -> u32 {
        self.0
    }
}

/// An input that evidence came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path or URL as the user gave it.
    pub name: String,
    /// What it turned out to be.
    pub kind: SourceKind,
    /// Facts worth a line on the screen: "94 samples, 10 ms each, 945.88 ms".
    pub summary: String,
}

/// The kinds of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// CPU profile.
    Cpu,
    /// Heap or allocs profile.
    Heap,
    /// Live recording of map growth.
    Recording,
    /// Mutex or block profile: who held locks that others waited for, or who waited.
    Contention,
    /// Execution trace.
    Trace,
    /// Samples taken by `perf`.
    Perf,
    /// Go executable.
    Binary,
}

/// Inputs. Order: as given.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds an input.
    pub fn add(&mut self, source: Source) -> SourceId {
        self.0.push(source);
        SourceId(self.0.len() as u32 - 1)
    }

    /// The inputs.
    pub fn iter(&self) -> std::slice::Iter<'_, Source> {
        self.0.iter()
    }

    /// The inputs with their ids.
    pub fn with_ids(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.0)
    }

    /// Those of a kind; `None` when there is none.
    pub fn of_kind(&self, kind: SourceKind) -> Option<SourceIds> {
        let of_kind = self.with_ids().filter(|(_, source)| source.kind == kind).map(|(id, _)| id);
        SourceIds::of(of_kind)
    }

    /// The input of an id; `None` for ids of other evidence.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.0.get(id.0 as usize)
    }

    pub(crate) fn get_mut(&mut self, id: SourceId) -> Option<&mut Source> {
        self.0.get_mut(id.0 as usize)
    }
}

impl<'s> IntoIterator for &'s Sources {
    type Item = &'s Source;
    type IntoIter = std::slice::Iter<'s, Source>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self(sources.into_iter().collect())
    }
}

impl Index<SourceId> for Sources {
    type Output = Source;

    /// # Panics
    /// When the id is of other evidence.
    fn index(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }
}

/// The inputs that a number came from. Shape: one at least, each once. Sortedness: by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceIds(Vec<SourceId>);

impl SourceIds {
    /// These; `None` of none.
    pub fn of(ids: impl IntoIterator<Item = SourceId>) -> Option<Self> {
        let mut ids: Vec<SourceId> = ids.into_iter().collect();
        ids.sort_unstable();
        ids.dedup();
        (!ids.is_empty()).then_some(Self(ids))
    }

    /// Adds one that contributed as well.
    pub fn add(&mut self, id: SourceId) {
        if let Err(at) = self.0.binary_search(&id) {
            self.0.insert(at, id);
        }
    }

    /// The first of them.
    pub fn first(&self) -> SourceId {
        self.0[0]
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = SourceId> {
        self.0.iter().copied()
    }

    /// Whether this one contributed.
    pub fn contains(&self, id: SourceId) -> bool {
        self.0.binary_search(&id).is_ok()
    }

    /// Whether more than one contributed.
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }
}

impl From<SourceId> for SourceIds {
    fn from(id: SourceId) -> Self {
        Self(vec![id])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributors_are_each_there_once_and_in_order() {
        let source =
            || Source { name: String::new(), kind: SourceKind::Cpu, summary: String::new() };
        let mut sources = Sources::default();
        let [a, b, c] = [(); 3].map(|()| sources.add(source()));
        let mut ids = SourceIds::from(b);
        assert!(!ids.are_several());
        [c, b, a, c].into_iter().for_each(|id| ids.add(id));
        assert_eq!(ids, SourceIds::of([a, b, c]).expect("three"));
        assert_eq!((ids.first(), ids.contains(c)), (a, true));
        assert_eq!(SourceIds::of([]), None);
        assert_eq!(sources.of_kind(SourceKind::Cpu), Some(ids));
        assert_eq!(sources.of_kind(SourceKind::Heap), None);
    }
}
