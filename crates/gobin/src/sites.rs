//! Call sites of map operations, found in the machine code, with the map type each one works on.
//!
//! The compiler passes the map's type descriptor as the first argument of nearly every map
//! function. This module
//! 1. scans the code of all functions for direct calls and jumps to those functions (a byte or
//!    word scan, which is cheap, and may hit inside of other instructions),
//! 2. decodes the functions that have such a candidate from their start, which keeps only the
//!    candidates that are instructions (see [`flow`]),
//! 3. follows the first argument register back from the call to the address put into it,
//! 4. takes the address for a map type only if a map type descriptor stands there.
//!
//! It does not guess: a type that more than one path sets differently, that comes from memory the
//! program can change, from a dictionary or from the caller stays unknown, with the reason.
//! Calls through function values are no sites. `make` without a call is none either: small maps
//! that do not escape are made in the caller's frame by instructions of their own.

mod amd64;
pub(crate) mod arm64;
mod callees;
mod flow;

use std::collections::HashMap;

use callees::{Role, TypeArgument};
use goabi::MapOp;

use flow::{Routine, Surroundings, Value};

use crate::{Arch, LinkAddr};

/// Code of a function that is looked at: decoded it takes some twenty times the room. Units: bytes.
const MAX_CODE: usize = 16 << 20;

/// Why the map type of a call site is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnknownType {
    /// The called function has no type argument: `makemap_small`, `mapiternext`, `mapIterNext`.
    NoTypeArgument,
    /// Generic code: the type comes from the dictionary of the instantiation.
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
    /// The address in the type argument, not yet checked to be a map type.
    pub(crate) map_type: Result<LinkAddr, UnknownType>,
}

/// The functions with a [`Role`], by entry address.
pub(crate) struct Landmarks {
    roles: HashMap<u64, Role>,
    /// The entries of map functions. Shape: sorted.
    map_entries: Vec<u64>,
}

impl Landmarks {
    /// Picks the functions that have a role from all names and entries of a binary.
    pub(crate) fn collect<'n>(functions: impl Iterator<Item = (&'n str, LinkAddr)>) -> Self {
        let roles: HashMap<u64, Role> =
            functions.filter_map(|(name, entry)| Some((entry.0, callees::role(name)?))).collect();
        let mut map_entries: Vec<u64> = roles
            .iter()
            .filter(|(_, role)| matches!(role, Role::Map(..)))
            .map(|(&entry, _)| entry)
            .collect();
        map_entries.sort_unstable();
        Landmarks { roles, map_entries }
    }

    fn is_map_entry(&self, addr: u64) -> bool {
        match self.map_entries.as_slice() {
            [first, .., last] if addr < *first || addr > *last => false,
            entries => entries.binary_search(&addr).is_ok(),
        }
    }
}

/// The map calls of one function, in the order of their addresses.
///
/// `constant_at` reads eight bytes that the running program cannot change.
pub(crate) fn calls_in(
    arch: Arch,
    body: Body<'_>,
    landmarks: &Landmarks,
    constant_at: &dyn Fn(u64) -> Option<u64>,
) -> Vec<Call> {
    let body = Body { code: &body.code[..body.code.len().min(MAX_CODE)], ..body };
    let candidates = match arch {
        Arch::Amd64 => amd64_candidates(body, landmarks),
        Arch::Arm64 => arm64_candidates(body, landmarks),
    };
    if candidates.is_empty() {
        return Vec::new();
    }
    let around = Surroundings { role_at: &|addr| landmarks.roles.get(&addr).copied(), constant_at };
    let routine = Routine::decode(arch, body.code, body.start.0, &around);
    candidates
        .into_iter()
        .filter_map(|(addr, callee)| resolve(&routine, addr, callee, &around))
        .collect()
}

fn resolve(routine: &Routine, addr: u64, callee: u64, around: &Surroundings) -> Option<Call> {
    let Some(Role::Map(op, argument)) = (around.role_at)(callee) else {
        return None;
    };
    // A candidate in the middle of an instruction is none.
    let idx = routine.step_calling(addr, callee)?;
    let map_type = match argument {
        TypeArgument::Absent => Err(UnknownType::NoTypeArgument),
        TypeArgument::First => match routine.value_before(idx, FIRST_ARGUMENT, around) {
            Value::Address(addr) => Ok(LinkAddr(addr)),
            Value::Unknown(why) => Err(why),
        },
    };
    Some(Call { addr: LinkAddr(addr), callee: LinkAddr(callee), op, map_type })
}

/// RAX and X0: number 0 on both architectures.
const FIRST_ARGUMENT: flow::Reg = 0;

/// E8 (call) and E9 (jump) with a 32-bit displacement that lead to a map function.
fn amd64_candidates(body: Body<'_>, landmarks: &Landmarks) -> Vec<(u64, u64)> {
    memchr::memchr2_iter(0xe8, 0xe9, body.code)
        .filter_map(|at| {
            let rel = body.code.get(at + 1..at + 5)?;
            let rel = i32::from_le_bytes(rel.try_into().ok()?);
            let addr = body.start.0.wrapping_add(at as u64);
            let target = addr.wrapping_add(5).wrapping_add_signed(i64::from(rel));
            landmarks.is_map_entry(target).then_some((addr, target))
        })
        .collect()
}

/// BL and B that lead to a map function.
fn arm64_candidates(body: Body<'_>, landmarks: &Landmarks) -> Vec<(u64, u64)> {
    let words = body.code.chunks_exact(4);
    (0u64..)
        .step_by(4)
        .zip(words)
        .filter_map(|(at, bytes)| {
            let addr = body.start.0.wrapping_add(at);
            let word = u32::from_le_bytes(bytes.try_into().ok()?);
            let target = arm64::direct_target(word, addr)?;
            landmarks.is_map_entry(target).then_some((addr, target))
        })
        .collect()
}
