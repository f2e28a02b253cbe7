//! Names for profiles that have addresses alone, as profilers outside the program write them.
//!
//! 1. Only addresses in the executable get names: in the mappings of its build id, or else in those of the first file.
//! 2. Callers stand in a stack by an address inside of their call, as in profiles that Go writes, or by the one that it
//!    returns to. Which of them is told by the machine code: where there are calls at neither, it is another program.

use gobin::{Binary, FileOffset, LinkAddr};
use gopprof::{Location, Mapping, MappingIdx, Named, Profile};

use crate::nameless::is_of_kernel;

/// Callers that tell whether they stand at calls of an executable that no build id names. Basis: in code of Go every tenth
/// place or so is inside of a call, so that more than half of so many are there by chance once in a thousand.
pub(crate) const ENOUGH_CALLERS: u64 = 6;
/// Build ids that are cut are no shorter. Units: characters.
const SHORTEST_ID: usize = 16;

/// Whether some address has no name.
pub(crate) fn are_missing(profile: &Profile) -> bool {
    profile.locations.iter().any(|location| location.lines.is_empty())
}

/// Names the addresses that are in this executable, unless their callers are not at its calls.
pub(crate) fn fill(profile: &mut Profile, binary: &Binary<'_>) {
    let is_caller = callers_of(profile);
    let in_binary = Addresses::of(profile, binary);
    let addresses: Vec<Option<LinkAddr>> =
        profile.locations.iter().map(|location| in_binary.address_of(location, profile)).collect();
    let callers = addresses.iter().zip(&is_caller).filter(|(_, is_caller)| **is_caller);
    let callers = callers.filter_map(|(address, _)| *address);
    let n_enough = if in_binary.is_by_build_id { 1 } else { ENOUGH_CALLERS };
    let Some(back) = back_to_call(callers, binary, n_enough) else { return };
    let named = |idx: usize| {
        let Some(LinkAddr(address)) = addresses[idx] else { return Vec::new() };
        let address = if is_caller[idx] { address.wrapping_sub(back) } else { address };
        let frames = binary.frames(LinkAddr(address));
        let named = frames.iter().map(|of| Named {
            function: of.function,
            file: of.file,
            line: of.line.into(),
        });
        named.collect()
    };
    // Tables that are full leave the others without a name, which is told of all.
    let _is_full = profile.resolve(named);
}

/// How many bytes before the addresses of callers their calls are: 0 where they stand inside of them, 1 where they stand behind.
/// `None` where most are at no call, or there are fewer callers than this.
pub(crate) fn back_to_call(
    callers: impl Iterator<Item = LinkAddr>,
    binary: &Binary<'_>,
    n_enough: u64,
) -> Option<u64> {
    let (mut n, mut n_inside, mut n_behind) = (0_u64, 0_u64, 0_u64);
    for caller in callers {
        n += 1;
        n_inside += u64::from(binary.is_inside_call(caller));
        n_behind += u64::from(binary.is_behind_call(caller));
    }
    let (most, back) = if n_inside >= n_behind { (n_inside, 0) } else { (n_behind, 1) };
    (most * 2 > n && n >= n_enough).then_some(back)
}

/// By location: whether it calls another in some stack. What the kernel interrupted calls nothing.
fn callers_of(profile: &Profile) -> Vec<bool> {
    let is_of_kernel: Vec<bool> =
        profile.locations.iter().map(|location| is_of_kernel(location, profile)).collect();
    let mut is_caller = vec![false; profile.locations.len()];
    for sample in profile.samples() {
        for (below, caller) in sample.locations().zip(sample.locations().skip(1)) {
            is_caller[caller.index()] |= !is_of_kernel[below.index()];
        }
    }
    is_caller
}

/// Addresses of a profile in an executable.
struct Addresses<'b> {
    binary: &'b Binary<'b>,
    /// By mapping of the profile: whether it is of the executable.
    is_its: Vec<bool>,
    /// Whether a build id says so.
    is_by_build_id: bool,
}

impl<'b> Addresses<'b> {
    fn of(profile: &Profile, binary: &'b Binary<'b>) -> Self {
        let ids = [binary.gnu_build_id(), binary.go_build_id()];
        let has_its_id = |mapping: &Mapping| {
            let id = profile.str(mapping.build_id);
            ids.iter().flatten().any(|of_binary| is_same_id(id, of_binary))
        };
        let mut is_its: Vec<bool> = profile.mappings.iter().map(has_its_id).collect();
        let is_by_build_id = is_its.contains(&true);
        if !is_by_build_id {
            let names = || profile.mappings.iter().map(|mapping| profile.str(mapping.filename));
            let first = names().position(|name| !name.starts_with('['));
            let first_name = first.and_then(|at| names().nth(at)).filter(|name| !name.is_empty());
            let is_of_first = |(at, name)| Some(at) == first || Some(name) == first_name;
            is_its = names().enumerate().map(is_of_first).collect();
        }
        Self { binary, is_its, is_by_build_id }
    }

    fn address_of(&self, location: &Location, profile: &Profile) -> Option<LinkAddr> {
        let address = location.address;
        let holds =
            |mapping: &Mapping| (mapping.memory_start..mapping.memory_limit).contains(&address);
        let stated = location.mapping.map(MappingIdx::index);
        let mapping = stated.or_else(|| profile.mappings.iter().position(holds));
        match mapping {
            Some(of) if !*self.is_its.get(of)? => None,
            Some(of) if holds(profile.mappings.get(of)?) => {
                let mapping = profile.mappings.get(of)?;
                let offset = (address - mapping.memory_start).checked_add(mapping.file_offset)?;
                self.binary.link_addr(FileOffset(offset))
            }
            None if !self.is_its.is_empty() => None,
            // Addresses as in the file: without a mapping, and from profilers that have translated them.
            _ => Some(LinkAddr(address)),
        }
    }
}

/// Whether two build ids are the same: profilers write hexadecimal in either case, and some cut it.
pub(crate) fn is_same_id(a: &str, b: &str) -> bool {
    let n = a.len().min(b.len());
    let is_long = n >= SHORTEST_ID || a.len() == b.len() && n > 0;
    let starts = a.as_bytes().iter().zip(b.as_bytes());
    is_long && starts.take(n).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_ids_are_the_same_in_either_case_and_when_cut() {
        assert!(is_same_id("ABCDEF0123456789", "abcdef0123456789abcd"));
        assert!(is_same_id("abc", "ABC"));
        for (a, b) in [("", ""), ("abc", "abcd"), ("abcdef0123456780", "abcdef0123456789abcd")] {
            assert!(!is_same_id(a, b), "{a} {b}");
        }
    }
}
