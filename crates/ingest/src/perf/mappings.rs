//! What a process mapped, by address.

use std::collections::BinaryHeap;

use goperf::Mapping;

/// Mappings of one image, to be asked for each address of each stack.
pub(super) struct ByAddress<'s> {
    /// From where on which mapping is seen. Order: by address; at most two for each mapping.
    parts: Vec<(u64, Option<&'s Mapping>)>,
}

impl<'s> ByAddress<'s> {
    /// Where several are at an address the last of them counts. Complexity: O(n log n).
    pub(super) fn of(mappings: impl IntoIterator<Item = &'s Mapping>) -> Self {
        let mappings: Vec<&Mapping> = mappings.into_iter().filter(|of| of.len > 0).collect();
        let mut starts: Vec<usize> = (0..mappings.len()).collect();
        starts.sort_by_key(|&at| mappings[at].start);
        let behind = mappings.iter().filter_map(|mapping| last(mapping).checked_add(1));
        let mut edges: Vec<u64> = mappings.iter().map(|of| of.start).chain(behind).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut starts = starts.into_iter().peekable();
        // Mappings that began; those that ended are taken away when they come to the top.
        let mut begun: BinaryHeap<usize> = BinaryHeap::new();
        let part = |edge: u64| {
            while let Some(at) = starts.next_if(|&at| mappings[at].start == edge) {
                begun.push(at);
            }
            while begun.peek().is_some_and(|&at| last(mappings[at]) < edge) {
                begun.pop();
            }
            (edge, begun.peek().map(|&at| mappings[at]))
        };
        Self { parts: edges.into_iter().map(part).collect() }
    }

    /// The mapping at an address. Complexity: O(log n).
    pub(super) fn at(&self, address: u64) -> Option<&'s Mapping> {
        let n = self.parts.partition_point(|&(start, _)| start <= address);
        self.parts[..n].last()?.1
    }
}

/// Where an address of a mapping is in its file.
pub(super) fn file_offset(mapping: &Mapping, address: u64) -> u64 {
    (address - mapping.start).wrapping_add(mapping.file_offset)
}

/// The last address of a mapping that is not empty.
fn last(mapping: &Mapping) -> u64 {
    mapping.start.saturating_add(mapping.len - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(start: u64, len: u64) -> Mapping {
        let (file, build_id, time) = (String::new(), None, None);
        Mapping { pid: 1, start, len, file_offset: 0, file, build_id, time }
    }

    fn starts(mappings: &[Mapping], addresses: &[u64]) -> Vec<Option<u64>> {
        let by_address = ByAddress::of(mappings);
        addresses.iter().map(|&at| by_address.at(at).map(|mapping| mapping.start)).collect()
    }

    #[test]
    fn the_last_of_several_mappings_at_an_address_counts() {
        let around = [mapping(10, 100), mapping(20, 10), mapping(25, 10), mapping(7, 0)];
        let expected = [None, Some(10), Some(20), Some(25), Some(25), Some(10), Some(10), None];
        assert_eq!(starts(&around, &[9, 10, 24, 25, 34, 35, 109, 110]), expected);
        let replaced = [mapping(20, 10), mapping(10, 100)];
        assert_eq!(starts(&replaced, &[20, 109, 110]), [Some(10), Some(10), None]);
        let to_the_end = [mapping(u64::MAX - 1, 9), mapping(0, 1)];
        assert_eq!(starts(&to_the_end, &[0, 1, u64::MAX]), [Some(0), None, Some(u64::MAX - 1)]);
    }

    #[test]
    fn parts_are_at_most_two_for_each_mapping() {
        // Each lies within the one before, and is seen on both sides of the next.
        let nested: Vec<Mapping> = (0..10_000).map(|at| mapping(at, 2 * (10_000 - at))).collect();
        let by_address = ByAddress::of(&nested);
        assert_eq!(by_address.parts.len(), 20_000);
        let seen =
            [0, 9_999, 10_000, 10_001, 19_999].map(|at| by_address.at(at).map(|of| of.start));
        assert_eq!(seen, [Some(0), Some(9_999), Some(9_999), Some(9_998), Some(0)]);
    }
}
