//! Call sites of map operations, found in the machine code, with the map type each one works on.
//!
//! The compiler passes the map's type descriptor as the first argument of nearly every map
//! function. This module
//! 1. scans the code of all functions for direct calls and jumps to those functions (a byte or
//!    word scan, which is cheap, and may hit inside of other instructions),
//! 2. decodes the functions that have such a candidate from their start, which keeps only the
//!    candidates that are instructions (see [`flow`]),
//! 3. follows the first argument register back from the call to the address put into it,
//! 4. takes the address for a map type only if a map type descriptor stands there,
//! 5. follows the map itself back, to the call that made it, or to that which found it in another map (see [`relate`]).
//!
//! Generic code takes types from a dictionary that its callers pass: see [`dictionaries`].
//!
//! It does not guess: a type that more than one path sets differently, that comes from memory the
//! program can change, or from the caller stays unknown, with the reason.
//! Calls through function values are no sites. Small maps that do not escape are made in the stack frame by instructions of
//! their own: the site is the call that gives them their seed.

mod amd64;
pub(crate) mod arm64;
mod callees;
pub(crate) mod dictionaries;
mod flow;
mod frame;
pub(crate) mod relate;

use std::collections::HashMap;

pub(crate) use callees::is_of_shapes;
use callees::{Role, TypeArgument};
use goabi::MapOp;

use flow::{Loads, Origin, Reg, Root, Routine, Surroundings, Value};

use crate::{Arch, LinkAddr};

/// Code of a function that is looked at: decoded it takes some twenty times the room. Units: bytes.
const MAX_CODE: usize = 16 << 20;

/// Why the map type of a call site is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnknownType {
    /// The called function has no type argument: `makemap_small`, `mapiternext`, `mapIterNext`.
    NoTypeArgument,
    /// Generic code: the type comes from a dictionary, and not all that are passed are known, or they are of several types.
    GenericDictionary,
    /// Generic code: the type is that of a shape, which stands for several types.
    GenericShape,
    /// The caller of the function passed it.
    FromCaller,
    /// Loaded from memory that the program can change.
    FromMemory,
    /// Loaded from the stack frame.
    FromStack,
    /// The result of a call.
    FromCall,
    /// Paths with different types lead to the call.
    PathsDiffer,
    /// The result of an instruction that is not followed.
    Computed,
    /// An address at which no known map type descriptor stands.
    NotAMapType,
}

impl UnknownType {
    /// The reason in words, to stand after "unknown: ".
    pub fn reason(self) -> &'static str {
        match self {
            UnknownType::NoTypeArgument => "the called function has no type argument",
            UnknownType::GenericDictionary => "generic code, the type is in its dictionary",
            UnknownType::GenericShape => "generic code, the type is that of a shape",
            UnknownType::FromCaller => "passed in by the caller",
            UnknownType::FromMemory => "loaded from memory",
            UnknownType::FromStack => "loaded from the stack",
            UnknownType::FromCall => "result of a call",
            UnknownType::PathsDiffer => "different types on different paths",
            UnknownType::Computed => "computed by instructions that are not followed",
            UnknownType::NotAMapType => "no known map type at that address",
        }
    }
}

impl std::fmt::Display for UnknownType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason())
    }
}

/// A function as the scan needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'c> {
    pub(crate) start: LinkAddr,
    pub(crate) code: &'c [u8],
}

/// A call or tail jump to a map function, before names and lines are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) addr: LinkAddr,
    pub(crate) callee: LinkAddr,
    pub(crate) op: MapOp,
    pub(crate) map_type: TypeSource,
    /// Of one that makes a map: whether this stands in the stack frame, so that it does not leave the function.
    pub(crate) is_in_frame: bool,
}

/// What the type argument of a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TypeSource {
    /// An address, not yet checked to be that of a map type.
    At(LinkAddr),
    /// What the dictionary holds that the function is passed.
    Dictionary(Passed),
    Unknown(UnknownType),
}

/// What is behind a pointer that a function is passed in a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Passed {
    register: Reg,
    loads: Loads,
}

/// A call of a function that takes a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShapedCall {
    pub(crate) addr: LinkAddr,
    pub(crate) callee: LinkAddr,
}

/// What the code of one function does with maps.
#[derive(Debug, Default)]
pub(crate) struct InFunction {
    /// Calls of map functions. Sortedness: by address.
    pub(crate) calls: Vec<Call>,
    /// By call: how its map is related to others. Shape: as long as `calls`.
    pub(crate) relations: Vec<Relations>,
    /// Calls, as far as the bytes look like some, of functions that take a dictionary.
    pub(crate) shaped: Vec<ShapedCall>,
}

/// How the map of a call is related to other calls of the same function, as indices of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Relations {
    /// Calls that may have made it.
    pub(crate) made: Vec<usize>,
    /// Whether one of them made it, on all paths.
    pub(crate) is_new: bool,
    /// Whether each way that it may have come is known: from one of them, or out of another map.
    pub(crate) is_traced: bool,
    /// Of a call that reads: calls near it that write, and may be on the same map.
    pub(crate) written: Vec<usize>,
    /// Calls on maps that hold it: it is what they found, or is put where they point to.
    pub(crate) held: Vec<usize>,
    /// Fields of structs that it is taken out of; of a map that is made here, those that it is put into.
    pub(crate) fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Field {
    pub(crate) of: Struct,
    /// Units: bytes from the start of the struct.
    pub(crate) offset: i64,
}

/// A struct that a function has a pointer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Struct {
    /// That which the first argument points to.
    Receiver,
    /// One that it makes, of this type.
    New(TypeSource),
}

/// The functions with a [`Role`], by entry address.
pub(crate) struct Landmarks {
    roles: HashMap<u64, Role>,
    /// The entries of functions whose calls are looked for. Shape: sorted.
    entries: Vec<u64>,
}

impl Landmarks {
    /// Picks the functions that have a role from all names and entries of a binary.
    pub(crate) fn collect<'n>(functions: impl Iterator<Item = (&'n str, LinkAddr)>) -> Self {
        let roles: HashMap<u64, Role> =
            functions.filter_map(|(name, entry)| Some((entry.0, callees::role(name)?))).collect();
        let is_looked_for = |role: &Role| matches!(role, Role::Map(..) | Role::OfShapes);
        let looked_for = roles.iter().filter(|(_, role)| is_looked_for(role));
        let mut entries: Vec<u64> = looked_for.map(|(&entry, _)| entry).collect();
        entries.sort_unstable();
        Landmarks { roles, entries }
    }

    fn is_entry(&self, addr: u64) -> bool {
        match self.entries.as_slice() {
            [first, .., last] if addr < *first || addr > *last => false,
            entries => entries.binary_search(&addr).is_ok(),
        }
    }

    fn role_at(&self, addr: u64) -> Option<Role> {
        self.roles.get(&addr).copied()
    }
}

/// What one function does with maps.
///
/// `constant_at` reads eight bytes that the running program cannot change, `holds_maps` says whether the elements of a map
/// type may be maps.
pub(crate) fn calls_in(
    arch: Arch,
    body: Body<'_>,
    landmarks: &Landmarks,
    constant_at: &dyn Fn(u64) -> Option<u64>,
    holds_maps: &dyn Fn(TypeSource) -> bool,
) -> InFunction {
    let body = Body { code: &body.code[..body.code.len().min(MAX_CODE)], ..body };
    let candidates = match arch {
        Arch::Amd64 => amd64_candidates(body, landmarks),
        Arch::Arm64 => arm64_candidates(body, landmarks),
    };
    let is_shaped = |&(_, callee): &(u64, u64)| landmarks.role_at(callee) == Some(Role::OfShapes);
    let (shaped, of_maps): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_shaped);
    let shaped = shaped
        .into_iter()
        .map(|(addr, callee)| ShapedCall { addr: LinkAddr(addr), callee: LinkAddr(callee) })
        .collect();
    if of_maps.is_empty() {
        return InFunction { shaped, ..InFunction::default() };
    }
    let around = Surroundings { role_at: &|addr| landmarks.role_at(addr), constant_at };
    let routine = Routine::decode(arch, body.code, body.start.0, &around);
    let routine = &routine;
    let found = of_maps.into_iter();
    let mut found: Vec<(usize, Call)> =
        found.filter_map(|(addr, callee)| resolve(arch, routine, addr, callee, &around)).collect();
    let in_frame = frame::makes(arch, routine, &found, &around);
    found.extend(in_frame.iter().map(|make| (make.step, make.call)));
    found.sort_by_key(|(step, _)| *step);
    let (steps, calls): (Vec<usize>, Vec<Call>) = found.into_iter().unzip();
    let in_frame = frame::by_slot(&in_frame, &steps);
    let function =
        relate::Function { arch, routine, steps: &steps, calls: &calls, in_frame: &in_frame };
    let relations = function.relate(holds_maps, &around);
    InFunction { calls, relations, shaped }
}

/// The step of a call and what it does; `None` where bytes only look like one.
fn resolve(
    arch: Arch,
    routine: &Routine,
    addr: u64,
    callee: u64,
    around: &Surroundings,
) -> Option<(usize, Call)> {
    let Some(Role::Map(op, argument)) = (around.role_at)(callee) else {
        return None;
    };
    // A candidate in the middle of an instruction is none.
    let idx = routine.step_calling(addr, callee)?;
    let map_type = match argument {
        TypeArgument::Absent => TypeSource::Unknown(UnknownType::NoTypeArgument),
        TypeArgument::First => type_source(routine.value_before(idx, FIRST_ARGUMENT, around)),
    };
    let is_in_frame = op == MapOp::Make
        && argument == TypeArgument::First
        && frame::slot(routine.value_before(idx, relate::third_argument(arch), around)).is_some();
    Some((idx, Call { addr: LinkAddr(addr), callee: LinkAddr(callee), op, map_type, is_in_frame }))
}

fn type_source(value: Value) -> TypeSource {
    let Origin { root, loads } = match value {
        Value::Known(origin) => origin,
        Value::Unknown(why) => return TypeSource::Unknown(why),
    };
    match (root, loads.as_slice()) {
        (Root::Constant(addr), _) => TypeSource::At(LinkAddr(addr)),
        (Root::Parameter(_), []) => TypeSource::Unknown(UnknownType::FromCaller),
        (Root::Parameter(register), _) => TypeSource::Dictionary(Passed { register, loads }),
        (Root::Result(..), []) => TypeSource::Unknown(UnknownType::FromCall),
        (Root::Frame(_) | Root::Slot(_), []) => TypeSource::Unknown(UnknownType::FromStack),
        _ => TypeSource::Unknown(UnknownType::FromMemory),
    }
}

/// RAX and X0: number 0 on both architectures.
const FIRST_ARGUMENT: flow::Reg = 0;

/// E8 (call) and E9 (jump) with a 32-bit displacement that lead to a function that is looked for.
fn amd64_candidates(body: Body<'_>, landmarks: &Landmarks) -> Vec<(u64, u64)> {
    memchr::memchr2_iter(0xe8, 0xe9, body.code)
        .filter_map(|at| {
            let rel = body.code.get(at + 1..at + 5)?;
            let rel = i32::from_le_bytes(rel.try_into().ok()?);
            let addr = body.start.0.wrapping_add(at as u64);
            let target = addr.wrapping_add(5).wrapping_add_signed(i64::from(rel));
            landmarks.is_entry(target).then_some((addr, target))
        })
        .collect()
}

/// BL and B that lead to a function that is looked for.
fn arm64_candidates(body: Body<'_>, landmarks: &Landmarks) -> Vec<(u64, u64)> {
    let words = body.code.chunks_exact(4);
    (0u64..)
        .step_by(4)
        .zip(words)
        .filter_map(|(at, bytes)| {
            let addr = body.start.0.wrapping_add(at);
            let word = u32::from_le_bytes(bytes.try_into().ok()?);
            let target = arm64::direct_target(word, addr)?;
            landmarks.is_entry(target).then_some((addr, target))
        })
        .collect()
}
