//! Which program a profile was taken from, and whether a binary is that program.

use std::collections::BTreeSet;

use evidence::words::base_name;
use evidence::{Stated, printable};
use goabi::MapImpl;
use gobin::{Binary, FileOffset, LinkAddr};
use gopprof::{Location, Profile};

use crate::error::Error;
use crate::judge::is_of_every_program;

/// What a profile says about the program it was taken from.
#[derive(Debug)]
pub(crate) struct ProgramOfProfile {
    pub(crate) profile: String,
    pub(crate) file: Option<String>,
    pub(crate) build_id: Option<String>,
    /// Of all files that it mapped: plugins and libraries have their own.
    pub(crate) build_ids: BTreeSet<String>,
    /// Addresses inside the main binary with the name of the function there, a few of them.
    pub(crate) known_addresses: Vec<KnownAddress>,
    /// Functions of the program, a few of them, where addresses are not known.
    pub(crate) known_functions: BTreeSet<String>,
    /// Lines of functions that are not the runtime's, a few of them.
    pub(crate) known_lines: BTreeSet<(String, u32)>,
}

/// A function's name at an address, according to a profile.
#[derive(Debug)]
pub(crate) struct KnownAddress {
    /// Offset in the executable file.
    pub(crate) file_offset: u64,
    pub(crate) function: String,
}

impl ProgramOfProfile {
    /// Names the program.
    pub(crate) fn stated(&self) -> Stated {
        Stated {
            name: self.file.as_ref().map(|path| base_name(path).to_owned()),
            build_id: self.build_id.clone(),
            ..Stated::default()
        }
    }

    /// Whether both are known, and not the same. One program may have several builds, and one build several names.
    pub(crate) fn is_other_than(&self, other: &Self) -> bool {
        let is_same = |one: &Option<String>, other: &Option<String>| {
            one.as_ref().zip(other.as_ref()).map(|(one, other)| base_name(one) == base_name(other))
        };
        // Libraries, and what is in brackets, are no program, whatever stands first.
        let is_program = |of: &Self| {
            let file = of.file.as_deref().map_or("", base_name);
            !file.starts_with('[') && !file.contains(".so")
        };
        if !is_program(self) || !is_program(other) {
            return false;
        }
        let is_same_build = is_same(&self.build_id, &other.build_id) == Some(true);
        is_same(&self.file, &other.file) == Some(false) && !is_same_build
    }

    /// Enough to tell one program from another.
    const MAX_KNOWN: usize = 64;
    /// Functions that are not the runtime's which tell more than those that are.
    const ENOUGH_OWN: usize = 4;
    /// Locations whose names are looked at where addresses are not known.
    const MAX_LOOKED_AT: usize = 1024;
    /// Lines that tell one build from another.
    const MAX_LINES: usize = 32;

    pub(crate) fn of(profile: &Profile, name: &str) -> Self {
        let main = profile.mappings.first();
        let text = |id| Some(profile.str(id)).filter(|s| !s.is_empty()).map(printable);
        let known_address = |location: &Location| {
            let mapping = &profile.mappings[location.mapping?.index()];
            let is_main = std::ptr::eq(mapping, main?);
            let file_offset = location
                .address
                .checked_sub(mapping.memory_start)?
                .checked_add(mapping.file_offset)?;
            let function = printable(outermost(location, profile)?);
            is_main.then_some(KnownAddress { file_offset, function })
        };
        let known: Vec<KnownAddress> = profile.locations.iter().filter_map(known_address).collect();
        // All programs of a release have the runtime's: the others tell them apart.
        let (of_runtime, own): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|of| is_of_every_program(&of.function));
        let most = if own.len() >= Self::ENOUGH_OWN {
            own
        } else {
            [own, of_runtime].into_iter().flatten().collect()
        };
        let known_addresses: Vec<KnownAddress> = most.into_iter().take(Self::MAX_KNOWN).collect();
        let known_lines =
            profile.locations.iter().filter_map(|location| own_line(location, profile));
        let known_lines = known_lines.take(Self::MAX_LINES).collect();
        let mut known_functions = BTreeSet::new();
        if known_addresses.is_empty() {
            let names =
                profile.locations.iter().filter_map(|location| outermost(location, profile));
            let own = names.filter(|name| is_function_of_go(name) && !is_of_every_program(name));
            known_functions.extend(own.take(Self::MAX_LOOKED_AT).map(printable));
        }
        Self {
            profile: name.to_owned(),
            file: main.and_then(|m| text(m.filename)),
            build_id: main.and_then(|m| text(m.build_id)),
            build_ids: profile.mappings.iter().filter_map(|m| text(m.build_id)).collect(),
            known_addresses,
            known_functions,
            known_lines,
        }
    }

    /// The program of an input that only names functions.
    pub(crate) fn of_functions<'f>(name: &str, functions: impl Iterator<Item = &'f str>) -> Self {
        let mut known_functions = BTreeSet::new();
        for function in functions.filter(|name| !is_of_every_program(name)) {
            if known_functions.len() == Self::MAX_KNOWN {
                break;
            }
            known_functions.insert(printable(function));
        }
        let (profile, known_addresses) = (name.to_owned(), Vec::new());
        let (file, build_id, build_ids) = (None, None, BTreeSet::new());
        let known_lines = BTreeSet::new();
        Self { profile, file, build_id, build_ids, known_addresses, known_functions, known_lines }
    }
}

/// The function that has the address, not one that is inlined there.
fn outermost<'p>(location: &Location, profile: &'p Profile) -> Option<&'p str> {
    let function = location.lines.last()?.function?;
    Some(profile.str(profile.functions[function.index()].name))
}

/// A line of a function that is not the runtime's.
fn own_line(location: &Location, profile: &Profile) -> Option<(String, u32)> {
    let name = outermost(location, profile)?;
    let line = u32::try_from(location.lines.last()?.line).ok().filter(|&line| line > 0)?;
    let is_own = is_function_of_go(name) && !is_of_every_program(name);
    is_own.then(|| (printable(name), line))
}

/// Names with a package; code of C and placeholders have none.
fn is_function_of_go(name: &str) -> bool {
    name.contains('.') && !name.contains("::") && !name.starts_with('[') && !name.contains(' ')
}

/// Refuses a binary whose Go has other maps than a profile, whose name is given with them.
pub(crate) fn check_has_maps_of(
    binary: &Binary<'_>,
    binary_name: &str,
    profiled: Option<(MapImpl, &str)>,
) -> Result<(), Error> {
    let (Some((profiled, profile)), Some(given)) = (profiled, binary.map_impl()) else {
        return Ok(());
    };
    if profiled == given {
        return Ok(());
    }
    let word = |of| match of {
        MapImpl::Classic => "classic maps (Go up to 1.23)",
        MapImpl::Swiss => "Swiss maps (Go from 1.24 on)",
    };
    let reason = format!("the profile has {}, the binary {}", word(profiled), word(given));
    Err(Error::OtherProgram { profile: profile.to_owned(), binary: binary_name.to_owned(), reason })
}

/// Refuses a binary that is not the program of every profile.
///
/// 1. Build ids on both sides decide: it is the program, or a plugin or library of it. Go's own linker writes one from 1.24 on.
/// 2. Without them, the functions that the profile names at addresses of the main mapping have to be there.
/// 3. Where addresses are not known, as in traces, functions of these names have to be somewhere.
/// 4. The lines of the program's own functions have to be lines of these.
pub(crate) fn check_is_program_of<'p>(
    binary: &Binary<'_>,
    binary_name: &str,
    programs: impl IntoIterator<Item = &'p ProgramOfProfile>,
) -> Result<(), Error> {
    let build_id = binary.gnu_build_id();
    for program in programs {
        let reason = match (&program.build_id, &build_id) {
            (_, Some(given)) if program.build_ids.contains(given) => None,
            (Some(profiled), Some(given)) => {
                Some(format!("the profile is of build id {profiled}, the binary has {given}"))
            }
            _ => functions_elsewhere(binary, &program.known_addresses)
                .or_else(|| functions_missing(binary, &program.known_functions))
                .or_else(|| lines_missing(binary, &program.known_lines)),
        };
        if let Some(reason) = reason {
            return Err(Error::OtherProgram {
                profile: program.profile.clone(),
                binary: binary_name.to_owned(),
                reason,
            });
        }
    }
    Ok(())
}

/// Says so when the binary lacks half of these functions or more.
fn functions_missing(binary: &Binary<'_>, known: &BTreeSet<String>) -> Option<String> {
    let functions = binary.functions();
    let missing: Vec<&String> =
        known.iter().filter(|name| functions.by_name(name).is_none()).collect();
    let example = missing.first()?;
    (missing.len() * 2 >= known.len()).then(|| {
        format!(
            "{} of {} functions on its stacks are not in the binary, {example} among them",
            missing.len(),
            known.len()
        )
    })
}

/// Fewer lines may be missing since a debugger or a tool has other ones for them.
const ENOUGH_LINES: usize = 3;
/// Code whose lines are looked up, of all functions together. Units: bytes.
const MAX_CODE: u64 = 64 << 10;

/// Says so when most lines of the program's own functions are no lines of these in the binary: it is another build.
fn lines_missing(binary: &Binary<'_>, known: &BTreeSet<(String, u32)>) -> Option<String> {
    let (mut n, mut missing, mut left) = (0, Vec::new(), MAX_CODE);
    for of_function in known.iter().collect::<Vec<_>>().chunk_by(|a, b| a.0 == b.0) {
        let name = &of_function.first()?.0;
        let Some(func) = binary.functions().by_name(name) else { continue };
        // Of a part of a function most lines would be missing.
        let Some(rest) = left.checked_sub(func.end.0.saturating_sub(func.entry.0)) else {
            continue;
        };
        left = rest;
        let lines = (func.entry.0..func.end.0).step_by(2);
        let lines = lines.filter_map(|at| Some(binary.frames(LinkAddr(at)).last()?.line));
        let lines: BTreeSet<u32> = lines.collect();
        n += of_function.len();
        missing.extend(of_function.iter().copied().filter(|(_, line)| !lines.contains(line)));
    }
    let (name, line) = missing.first()?;
    (n >= ENOUGH_LINES && missing.len() * 2 > n).then(|| {
        format!(
            "{} of {n} lines looked up are not in its functions, line {line} of {name} among them: it is another build",
            missing.len()
        )
    })
}

/// Says so when most of the functions of a profile are not where the profile has them.
fn functions_elsewhere(binary: &Binary<'_>, known: &[KnownAddress]) -> Option<String> {
    let is_elsewhere = |address: &&KnownAddress| {
        let found = binary
            .link_addr(FileOffset(address.file_offset))
            .and_then(|addr| binary.functions().find(addr));
        found.is_none_or(|function| printable(function.name) != address.function)
    };
    let n_elsewhere = known.iter().filter(is_elsewhere).count();
    let example = known.iter().find(is_elsewhere)?;
    (n_elsewhere * 2 > known.len()).then(|| {
        format!(
            "{n_elsewhere} of {} functions looked up are not where the profile has them, {} among them",
            known.len(),
            example.function
        )
    })
}
