//! The instructions of a function, with samples and meaning.

use std::collections::HashMap;
use std::ops::AddAssign;

use diagnosis::binary::{ListedInstruction, ListedProfile, Listing, Weight};
use evidence::{Cost, CpuUnit, Frame, Misses, printable};
use gobin::{Access, Binary, FileOffset, Func, Instruction, LinkAddr, Memory};
use gopprof::{Profile, Sample};

use crate::binary::FrameNames;
use crate::converted::{Converted, of_one_program};
use crate::cpu::Values;
use crate::error::Error;
use crate::misses::misses_of;
use crate::open::{Input, OpenOptions, open_input};
use crate::perf::{self, EventProfile};
use crate::program::{ProgramOfProfile, check_is_program_of};
use crate::scan::{faults, parse, read};
use crate::server::shown;

/// Names suggested when a function is not found.
const MAX_SUGGESTIONS: usize = 5;

/// Lists a function of a binary, with the samples of a CPU profile or `perf.data` where one is given; `event` is one of perf's,
/// time on a CPU where it is not given.
///
/// # Errors
/// When an input cannot be read, the profile is of another binary, or there is no such function.
pub fn list_instructions(
    binary_name: &str,
    function: &str,
    profile: Option<&str>,
    event: Option<&str>,
    options: &OpenOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Listing, Error> {
    let bytes = read(binary_name)?;
    let parsed = parse(binary_name, &bytes)?;
    let faults = faults(&parsed);
    let binary = parsed.value;
    let func = binary
        .functions()
        .by_name(function)
        .ok_or_else(|| no_such_function(&binary, binary_name, function))?;
    let samples = match profile {
        Some(name) => Some(samples_of(&binary, binary_name, name, event, options, progress)?),
        None => None,
    };
    let instructions = binary.instructions(func);
    let mut names = FrameNames::default();
    let rows = instructions.iter().map(|i| {
        let frame = binary.frames(i.addr).first().map(|frame| names.frame(frame));
        listed(i, frame, samples.as_ref().map(|samples| samples.at(i.addr)))
    });
    Ok(Listing {
        function: printable(func.name),
        instructions: rows.collect(),
        profile: samples.map(|samples| ListedProfile {
            event: event.map(str::to_owned),
            own: samples.own(&instructions),
            total: samples.total(),
        }),
        faults,
    })
}

fn no_such_function(binary: &Binary<'_>, name: &str, function: &str) -> Error {
    let last = function.rsplit(['.', '/']).next().unwrap_or(function);
    let is_like = |func: &Func<'_>| !last.is_empty() && func.name.contains(last);
    let like: Vec<_> = binary
        .functions()
        .iter()
        .filter(is_like)
        .map(|f| printable(f.name))
        .take(MAX_SUGGESTIONS)
        .collect();
    let hint = if like.is_empty() {
        String::new()
    } else {
        format!("; did you mean {}?", like.join(", "))
    };
    Error::Unusable { name: name.to_owned(), reason: format!("no function {function}{hint}") }
}

/// Samples by the address of their leaf, and what they stand for.
enum Samples {
    Cpu(ByAddr<Cost>),
    Misses(ByAddr<Misses>),
}

/// What samples stand for, by the address of their leaf.
struct ByAddr<T> {
    by_addr: HashMap<LinkAddr, T>,
    total: T,
}

impl Samples {
    fn at(&self, addr: LinkAddr) -> Weight {
        match self {
            Self::Cpu(samples) => Weight::Cpu(samples.at(addr)),
            Self::Misses(samples) => Weight::Misses(samples.at(addr)),
        }
    }

    /// Of all these.
    fn own(&self, instructions: &[Instruction<'_>]) -> Weight {
        match self {
            Self::Cpu(samples) => Weight::Cpu(samples.own(instructions)),
            Self::Misses(samples) => Weight::Misses(samples.own(instructions)),
        }
    }

    fn total(&self) -> Weight {
        match self {
            Self::Cpu(samples) => Weight::Cpu(samples.total),
            Self::Misses(samples) => Weight::Misses(samples.total),
        }
    }
}

impl<T: AddAssign + Copy + Default> ByAddr<T> {
    /// Sums the samples of a profile, of which `value_of` says what they stand for.
    fn of(profile: &Profile, binary: &Binary<'_>, value_of: impl Fn(&Sample<'_>) -> T) -> Self {
        let mut sums = Self { by_addr: HashMap::new(), total: T::default() };
        for sample in profile.samples() {
            let value = value_of(&sample);
            sums.total += value;
            let leaf = sample.locations().next();
            if let Some(addr) = leaf.and_then(|leaf| link_addr(binary, profile, leaf)) {
                *sums.by_addr.entry(addr).or_default() += value;
            }
        }
        sums
    }

    fn at(&self, addr: LinkAddr) -> T {
        self.by_addr.get(&addr).copied().unwrap_or_default()
    }

    fn own(&self, instructions: &[Instruction<'_>]) -> T {
        let mut own = T::default();
        instructions.iter().for_each(|instruction| own += self.at(instruction.addr));
        own
    }
}

fn samples_of(
    binary: &Binary<'_>,
    binary_name: &str,
    name: &str,
    event: Option<&str>,
    options: &OpenOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Samples, Error> {
    let opened = open_input(name, options, progress)?;
    let name = &*shown(name);
    let unusable =
        |reason: &str| Error::Unusable { name: name.to_owned(), reason: reason.to_owned() };
    let of_event = match (opened, event) {
        (Input::Perf(file), _) => perf::profile_of(file, name, event, binary, binary_name)?,
        (Input::Cpu(parsed) | Input::Recording(parsed), None) => EventProfile::Cpu(parsed.value),
        (Input::Converted(profiles, _), None) => {
            let of_it = of_one_program(profiles, Some((binary_name, binary)), name)?;
            let cpu = of_it.into_iter().find_map(Converted::into_cpu);
            EventProfile::Cpu(cpu.ok_or_else(|| unusable("no CPU profile is in it"))?)
        }
        (_, None) => return Err(unusable("neither a CPU profile nor perf.data")),
        (_, Some(_)) => return Err(unusable("not perf.data: only that has events")),
    };
    let (EventProfile::Cpu(profile) | EventProfile::Misses(profile)) = &of_event;
    check_is_program_of(binary, binary_name, [&ProgramOfProfile::of(profile, name)])?;
    Ok(match &of_event {
        EventProfile::Cpu(profile) => {
            let values = Values::of(profile).map_err(unusable)?;
            if values.unit() != CpuUnit::Nanoseconds {
                return Err(unusable(
                    "it counts samples and does not say what CPU time they stand for",
                ));
            }
            Samples::Cpu(ByAddr::of(profile, binary, |sample| values.cost(sample)))
        }
        EventProfile::Misses(profile) => Samples::Misses(ByAddr::of(profile, binary, misses_of)),
    })
}

/// Address of a location as in the ELF file.
fn link_addr(
    binary: &Binary<'_>,
    profile: &Profile,
    location: gopprof::LocationIdx,
) -> Option<LinkAddr> {
    let location = &profile.locations[location.index()];
    let mapping = &profile.mappings[location.mapping?.index()];
    let offset =
        location.address.checked_sub(mapping.memory_start)?.checked_add(mapping.file_offset)?;
    binary.link_addr(FileOffset(offset))
}

fn listed(
    instruction: &Instruction<'_>,
    frame: Option<Frame>,
    weight: Option<Weight>,
) -> ListedInstruction {
    let target = instruction
        .target
        .and_then(|target| target.symbol)
        .map(|symbol| format!("-> {}", printable(symbol)));
    ListedInstruction {
        addr: instruction.addr.0,
        text: instruction.text.clone(),
        operand: target.or_else(|| instruction.memory.map(memory_text)),
        meaning: instruction.meaning.map(gobin::Meaning::text),
        frame,
        weight,
    }
}

/// "load 8 B rax+rcx*8+0x10".
fn memory_text(memory: Memory) -> String {
    let access = match memory.access {
        Access::Load => "load",
        Access::Store => "store",
        Access::Address => "address",
    };
    let width = if memory.width == 0 { String::new() } else { format!(" {} B", memory.width) };
    let mut parts: Vec<String> = memory.base.iter().map(|&base| base.to_owned()).collect();
    parts.extend(memory.index.map(|index| format!("{index}*{}", memory.scale)));
    let place = match (parts.is_empty(), memory.disp) {
        (true, disp) => format!("{disp:#x}"),
        (false, 0) => parts.join("+"),
        (false, disp) if disp < 0 => format!("{}-{:#x}", parts.join("+"), disp.unsigned_abs()),
        (false, disp) => format!("{}+{disp:#x}", parts.join("+")),
    };
    format!("{access}{width} {place}")
}
