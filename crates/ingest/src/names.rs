//! Names for profiles that have addresses alone, as profilers outside the program write them.
//!
//! 1. Only addresses in the executable get names: in the mapping of its build id, or else in the first.
//! 2. Callers stand in a stack by an address inside of their call, as in profiles that Go writes, or by the one that it
//!    returns to. Which of them is told by the machine code: where there are calls at neither, it is another program.

use gobin::{Binary, FileOffset, LinkAddr};
use gopprof::{Location, Mapping, MappingIdx, Named, Profile};

/// Whether some address has no name.
pub(crate) fn are_missing(profile: &Profile) -> bool {
    profile.locations.iter().any(|location| location.lines.is_empty())
}

/// Names the addresses that are in this executable, unless their callers are not at its calls.
pub(crate) fn fill(profile: &mut Profile, binary: &Binary<'_>) {
    let is_caller = callers_of(profile);
    let in_binary = Addresses { binary, main: main_mapping(profile, binary) };
    let addresses: Vec<Option<LinkAddr>> =
        profile.locations.iter().map(|location| in_binary.address_of(location, profile)).collect();
    let callers = addresses.iter().zip(&is_caller).filter(|(_, is_caller)| **is_caller);
    let callers = callers.filter_map(|(address, _)| *address);
    let Some(back) = back_to_call(callers, binary) else { return };
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
/// `None` where most are at no call, or there is none.
fn back_to_call(callers: impl Iterator<Item = LinkAddr>, binary: &Binary<'_>) -> Option<u64> {
    let (mut n, mut n_inside, mut n_behind) = (0_u64, 0_u64, 0_u64);
    for caller in callers {
        n += 1;
        n_inside += u64::from(binary.is_inside_call(caller));
        n_behind += u64::from(binary.is_behind_call(caller));
    }
    let (most, back) = if n_inside >= n_behind { (n_inside, 0) } else { (n_behind, 1) };
    (most * 2 > n).then_some(back)
}

/// By location: whether it calls another in some stack.
fn callers_of(profile: &Profile) -> Vec<bool> {
    let mut is_caller = vec![false; profile.locations.len()];
    for sample in profile.samples() {
        for location in sample.locations().skip(1) {
            is_caller[location.index()] = true;
        }
    }
    is_caller
}

/// The mapping of the executable.
fn main_mapping(profile: &Profile, binary: &Binary<'_>) -> Option<usize> {
    let ids = [binary.gnu_build_id(), binary.go_build_id()];
    let is_its = |mapping: &Mapping| {
        let id = profile.str(mapping.build_id);
        !id.is_empty() && ids.iter().flatten().any(|of_binary| of_binary == id)
    };
    profile.mappings.iter().position(is_its).or((!profile.mappings.is_empty()).then_some(0))
}

/// Addresses of a profile in an executable.
struct Addresses<'b> {
    binary: &'b Binary<'b>,
    /// The mapping of the executable; `None` where the profile has no mappings.
    main: Option<usize>,
}

impl Addresses<'_> {
    fn address_of(&self, location: &Location, profile: &Profile) -> Option<LinkAddr> {
        let address = location.address;
        if location.mapping.map(MappingIdx::index) != self.main {
            return None;
        }
        match self.main.and_then(|main| profile.mappings.get(main)) {
            Some(main) if (main.memory_start..main.memory_limit).contains(&address) => {
                let offset = (address - main.memory_start).checked_add(main.file_offset)?;
                self.binary.link_addr(FileOffset(offset))
            }
            // Addresses as in the file: without a mapping, and from profilers that have translated them.
            _ => Some(LinkAddr(address)),
        }
    }
}
