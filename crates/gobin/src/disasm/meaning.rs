//! What the instructions of Go's map functions are for.
//!
//! 1. The function's name tells what the argument registers hold when it starts ([`Role`]).
//! 2. Roles are followed forwards through moves, loads, additions and stack slots, over all jumps,
//!    until nothing changes. Where two paths disagree a register has no role.
//! 3. A memory operand whose base has a role is named by the field at its offset; a call by what
//!    the called function does; the check before a write barrier by the call that it guards.
//! 4. Where these say nothing, the function that the compiler inlined there may
//!    ([`of_inlined`]): Go's own line tables say which instruction belongs to `matchH2`.
//!
//! An instruction that none of this explains has no meaning. Nothing is guessed from its looks.
//!
//! Source: for classic maps runtime/map.go (`hmap`, `bmap`) of Go 1.21.13 and 1.23.9 and
//! internal/abi/map_noswiss.go of 1.24.11; for Swiss maps internal/runtime/maps/map.go (`Map`),
//! table.go (`table`), group.go and internal/abi/map_swiss.go of Go 1.24.11 and 1.25.5,
//! internal/abi/map.go of 1.26.6 and 1.27.3; offsets checked against DWARF of all these.

mod roles;

use std::collections::HashMap;

use super::{Access, Instruction, TargetKind};
use goabi::{MapAbi, MapImpl};

use crate::Arch;
use roles::Role;
pub(super) use roles::{Effect, Operand, Reg, What};

/// What an instruction is for, in a function that works on a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[rustfmt::skip]
pub enum Meaning {
    /// Compares the stack pointer with the goroutine's limit.
    StackCheck,
    /// Enlarges the stack.
    StackGrowth,
    /// Tests whether the garbage collector is marking.
    WriteBarrierCheck,
    /// Records a pointer for the garbage collector.
    WriteBarrier,
    /// Tests the map for nil.
    NilCheck,
    /// Calls the hash function of the key type.
    Hash,
    /// Reads the map's seed for the hash.
    Seed,
    /// Splits the hash into its parts.
    HashSplit,
    /// Compares keys, or the lengths of string keys.
    KeyCompare,
    /// Copies or clears a key or an element.
    Copy,
    /// Starts or carries on growth, or moves entries.
    Growth,
    /// Allocates memory.
    Allocate,
    /// Reports misuse and ends the program.
    Fail,
    /// Reads or writes the number of entries.
    Count,
    /// Reads or writes the mark of a writer, which detects concurrent writes.
    WriterMark,
    /// Reads a field of the map's type: sizes, flags.
    TypeField,
    /// Loads the hash function from the map's type.
    LoadHasher,
    /// Classic: reads log2 of the number of buckets.
    LogBuckets,
    /// Classic: loads the pointer to the buckets.
    Buckets,
    /// Classic: loads the pointer to the old buckets, which is nil unless the map grows.
    OldBuckets,
    /// Classic: how far evacuation is, or the overflow bookkeeping.
    GrowthState,
    /// Classic: reads, compares or sets the hash's top byte in a bucket.
    TopHash,
    /// Classic: follows a bucket's pointer to its overflow bucket.
    Overflow,
    /// Swiss: loads the pointer to the directory, or in a small map to its one group.
    Directory,
    /// Swiss: reads the length of the directory, 0 in a small map, or its depth.
    DirectoryShape,
    /// Swiss: loads a table from the directory.
    Table,
    /// Swiss: reads or writes a table's used count, capacity or growth budget.
    TableCounts,
    /// Swiss: loads the pointer to a table's groups, or their count.
    Groups,
    /// Swiss: loads or stores the control word of a group.
    ControlWord,
    /// Swiss: compares the control word with seven bits of the hash.
    ControlMatch,
    /// Swiss: looks for empty or deleted slots in the control word.
    ControlEmpty,
    /// Swiss: steps along the sequence of groups, or picks a slot.
    Probe,
    /// Computes the address of a bucket, group or slot.
    SlotAddress,
}

impl Meaning {
    /// The meaning in a few words.
    pub fn text(self) -> &'static str {
        match self {
            Meaning::StackCheck => "stack check",
            Meaning::StackGrowth => "stack growth",
            Meaning::WriteBarrierCheck => "write barrier on?",
            Meaning::WriteBarrier => "write barrier",
            Meaning::NilCheck => "map nil?",
            Meaning::Hash => "hash the key",
            Meaning::Seed => "hash seed",
            Meaning::HashSplit => "split the hash",
            Meaning::KeyCompare => "key compare",
            Meaning::Copy => "copy or clear key/element",
            Meaning::Growth => "growth",
            Meaning::Allocate => "allocate",
            Meaning::Fail => "fatal error or panic",
            Meaning::Count => "entry count",
            Meaning::WriterMark => "concurrent-write mark",
            Meaning::TypeField => "map type field",
            Meaning::LoadHasher => "load hash function",
            Meaning::LogBuckets => "log2 of bucket count (B)",
            Meaning::Buckets => "load buckets pointer",
            Meaning::OldBuckets => "old buckets: growing?",
            Meaning::GrowthState => "growth bookkeeping",
            Meaning::TopHash => "tophash",
            Meaning::Overflow => "overflow bucket pointer",
            Meaning::Directory => "load directory or small group",
            Meaning::DirectoryShape => "directory length or depth",
            Meaning::Table => "load table from directory",
            Meaning::TableCounts => "table used/capacity/growth left",
            Meaning::Groups => "table's groups",
            Meaning::ControlWord => "control word",
            Meaning::ControlMatch => "control word compare (H2)",
            Meaning::ControlEmpty => "control word: empty/deleted?",
            Meaning::Probe => "probe sequence, slot pick",
            Meaning::SlotAddress => "slot address",
        }
    }
}

/// Which layouts apply to a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) arch: Arch,
    pub(crate) map: &'static MapAbi,
}

/// Fills in the meaning of every instruction of the function `name`.
///
/// `effects` belongs to `instructions`, one each. `inlined_at` names the innermost function at an
/// instruction.
pub(super) fn explain(
    name: &str,
    instructions: &mut [Instruction<'_>],
    effects: &mut [Effect],
    layout: Layout,
    inlined_at: &dyn Fn(crate::LinkAddr) -> Option<String>,
) {
    let Some(entry) = entry_roles(name) else {
        return;
    };
    for (instruction, effect) in instructions.iter().zip(effects.iter_mut()) {
        refine(instruction, effect, layout.arch);
    }
    let states = roles::follow(instructions, effects, &entry, layout);
    let barrier_checks = barrier_checks(instructions);
    for (idx, instruction) in instructions.iter_mut().enumerate() {
        let Some(effect) = effects.get(idx) else {
            break;
        };
        let state = states.get(idx).and_then(Option::as_ref);
        instruction.meaning = stack_check(instruction)
            .or_else(|| of_call(instruction))
            .or_else(|| barrier_checks.get(&idx).copied())
            .or_else(|| state.and_then(|state| of_operands(instruction, effect, state, layout)))
            .or_else(|| inlined_at(instruction.addr).and_then(|name| of_inlined(&name)));
    }
}

/// Adds to an effect what the name of the called function tells.
fn refine(instruction: &Instruction<'_>, effect: &mut Effect, arch: Arch) {
    match of_call(instruction) {
        // The way back from the stack check restores the arguments and starts again.
        Some(Meaning::Fail | Meaning::StackGrowth) => effect.what = What::End,
        // It keeps every register but the one in which it returns the buffer.
        Some(Meaning::WriteBarrier) => {
            effect.writes = match arch {
                Arch::Amd64 => 1 << 11,
                Arch::Arm64 => 1 << 25,
            };
        }
        _ => {}
    }
}

/// What the argument registers hold when the function starts, first to last.
///
/// Source: the signatures in runtime/map*.go and internal/runtime/maps/*.go, Go 1.21.13 to 1.27.3.
fn entry_roles(name: &str) -> Option<Vec<Role>> {
    use Role::{Bucket, Key, KeyLen, Map, MapType, Table, Unknown};
    if let Some(method) = name.strip_prefix("internal/runtime/maps.(*Map).") {
        return Some(match method {
            "directoryAt" | "directoryIndex" | "directorySet" | "Used" => vec![Map],
            "installTableSplit" => vec![Map, Table, Table, Table],
            "replaceTable" => vec![Map, Table],
            _ => vec![Map, MapType],
        });
    }
    if let Some(method) = name.strip_prefix("internal/runtime/maps.(*table).") {
        return Some(match method {
            "Delete" | "Get" | "PutSlot" | "grow" | "pruneTombstones" | "rehash" | "split" => {
                vec![Table, MapType, Map]
            }
            "tombstones" | "maxGrowthLeft" | "Used" => vec![Table],
            _ => vec![Table, MapType],
        });
    }
    if name == "runtime.(*hmap).newoverflow" {
        return Some(vec![Map, MapType, Bucket]);
    }
    let short = name
        .strip_prefix("runtime.")
        .or_else(|| name.strip_prefix("internal/runtime/maps.runtime_"))?;
    let (stem, variant) = short.split_once('_').unwrap_or((short, ""));
    match stem {
        "mapassign" | "mapaccess1" | "mapaccess2" | "mapdelete" => Some(match variant {
            "faststr" => vec![MapType, Map, Key, KeyLen],
            _ if variant.starts_with("fast") => vec![MapType, Map, Key],
            _ => vec![MapType, Map, Unknown],
        }),
        "mapaccessK"
        | "mapclear"
        | "mapiterinit"
        | "hashGrow"
        | "growWork"
        | "evacuate"
        | "advanceEvacuationMark"
        | "mapIterStart" => {
            let is_free = short == "advanceEvacuationMark";
            Some(vec![if is_free { Unknown } else { MapType }, Map])
        }
        _ => None,
    }
}

fn stack_check(instruction: &Instruction<'_>) -> Option<Meaning> {
    let memory = instruction.memory?;
    let is_guard = matches!(memory.base, Some("r14" | "x28")) && matches!(memory.disp, 0x10 | 0x18);
    is_guard.then_some(Meaning::StackCheck)
}

/// The meaning of a call by the name of what it calls.
fn of_call(instruction: &Instruction<'_>) -> Option<Meaning> {
    let target = instruction.target?;
    let name = target.symbol?;
    if target.kind == TargetKind::Jump && instruction.addr.0 >= target.addr.0 {
        // The jump back to the start after the stack has grown.
        return None;
    }
    let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
    Some(match short {
        _ if short.starts_with("morestack") => Meaning::StackGrowth,
        _ if short.starts_with("gcWriteBarrier") => Meaning::WriteBarrier,
        "memequal" | "memequal_varlen" | "strequal" | "efaceeq" | "ifaceeq" | "nilinterequal"
        | "interequal" => Meaning::KeyCompare,
        _ if short.starts_with("memequal") => Meaning::KeyCompare,
        // memhash64, strhash; from Go 1.27 on memHashAES, MemHash, StrHash.
        _ if short.to_ascii_lowercase().starts_with("memhash") => Meaning::Hash,
        _ if short.to_ascii_lowercase().starts_with("strhash") => Meaning::Hash,
        "typehash" | "interhash" | "nilinterhash" | "f64hash" | "f32hash" => Meaning::Hash,
        "rand" | "fastrand" | "rand32" | "fastrand64" => Meaning::Seed,
        "typedmemmove"
        | "memmove"
        | "typedmemclr"
        | "memclrHasPointers"
        | "memclrNoHeapPointers" => Meaning::Copy,
        "newobject" | "newarray" | "mallocgc" => Meaning::Allocate,
        "hashGrow"
        | "growToTable"
        | "growToSmall"
        | "rehash"
        | "grow"
        | "split"
        | "newoverflow"
        | "makeBucketArray"
        | "newTable"
        | "installTableSplit"
        | "pruneTombstones"
        | "uncheckedPutSlot"
        | "replaceTable"
        | "advanceEvacuationMark" => Meaning::Growth,
        _ if short.starts_with("growWork")
            || short.starts_with("evacuate")
            || short.starts_with("uncheckedPutSlotForAssign") =>
        {
            Meaning::Growth
        }
        _ if short.starts_with("panic") || short.starts_with("goPanic") => Meaning::Fail,
        "throw" | "fatal" | "gopanic" => Meaning::Fail,
        _ => return None,
    })
}

/// The test instructions in front of the branch that skips or enters a write barrier.
fn barrier_checks(instructions: &[Instruction<'_>]) -> HashMap<usize, Meaning> {
    let mut found = HashMap::new();
    let is_barrier =
        |idx: usize| instructions.get(idx).and_then(of_call) == Some(Meaning::WriteBarrier);
    for idx in (0..instructions.len()).filter(|&idx| is_barrier(idx)) {
        // The guarding branch either stands shortly before the call and skips it, or far away
        // and leads to the first instruction of the block.
        let block = block_start(instructions, idx);
        let is_guard = |from: usize, instruction: &Instruction<'_>| {
            instruction.target.is_some_and(|target| {
                target.kind == TargetKind::Jump
                    && (instructions.get(block).is_some_and(|to| to.addr == target.addr)
                        || (from + 1 == block && target.addr > instruction.addr))
            })
        };
        for (from, instruction) in instructions.iter().enumerate() {
            if is_guard(from, instruction) {
                mark_check(instructions, from, &mut found);
            }
        }
    }
    found
}

fn block_start(instructions: &[Instruction<'_>], idx: usize) -> usize {
    let ends_block = |instruction: &Instruction<'_>| {
        instruction.target.is_some_and(|target| target.kind == TargetKind::Jump)
            || matches!(instruction.text.as_str(), "ret" | "ud2")
    };
    (0..idx)
        .rev()
        .find(|&before| instructions.get(before).is_some_and(ends_block))
        .map_or(0, |before| before + 1)
}

/// Marks a branch and the load of `runtime.writeBarrier` before it, which has a fixed address.
fn mark_check(
    instructions: &[Instruction<'_>],
    branch: usize,
    found: &mut HashMap<usize, Meaning>,
) {
    let first = branch.saturating_sub(3);
    let is_load = |instruction: &Instruction<'_>| {
        instruction.memory.is_some_and(|memory| {
            let fixed = memory.base.is_none() || memory.base == Some("x27");
            fixed && memory.access == Access::Load && memory.width == 4
        })
    };
    let load = (first..branch).rev().find(|&idx| instructions.get(idx).is_some_and(is_load));
    if let Some(load) = load {
        found.insert(load, Meaning::WriteBarrierCheck);
        found.insert(branch, Meaning::WriteBarrierCheck);
    }
}

/// The meaning by what the operands hold.
fn of_operands(
    instruction: &Instruction<'_>,
    effect: &Effect,
    state: &roles::State,
    layout: Layout,
) -> Option<Meaning> {
    if let Some(meaning) = of_registers(effect, state) {
        return Some(meaning);
    }
    let memory = instruction.memory?;
    if memory.access == Access::Address {
        return None;
    }
    let operand = effect.memory?;
    let base = state.role(operand.base);
    match base {
        Role::MapType => Some(match memory.disp {
            72 => Meaning::LoadHasher,
            _ => Meaning::TypeField,
        }),
        Role::Map => of_map_field(memory.disp, layout),
        Role::Bucket | Role::InBucket if memory.width == 1 => Some(Meaning::TopHash),
        Role::Bucket | Role::InBucket if roles::is_overflow(operand, memory.width, base) => {
            Some(Meaning::Overflow)
        }
        Role::Directory if operand.index.is_some() => Some(Meaning::Table),
        Role::Directory if memory.disp == 0 && memory.width == 8 => Some(Meaning::ControlWord),
        Role::Table => Some(match memory.disp {
            0..=6 => Meaning::TableCounts,
            8 => Meaning::DirectoryShape,
            16 | 24 => Meaning::Groups,
            _ => return None,
        }),
        Role::Group if memory.disp == 0 && operand.index.is_none() => Some(Meaning::ControlWord),
        Role::Group if memory.width == 1 && memory.disp == 0 => Some(Meaning::ControlWord),
        Role::Hasher => Some(Meaning::Hash),
        Role::KeyType if memory.disp == 24 => Some(Meaning::KeyCompare),
        Role::Equal => Some(Meaning::KeyCompare),
        _ => None,
    }
}

/// The meaning of compares and indirect calls whose registers have a role.
fn of_registers(effect: &Effect, state: &roles::State) -> Option<Meaning> {
    match effect.what {
        What::Test(reg) if state.role(reg) == Role::Map => Some(Meaning::NilCheck),
        What::Compare(a, b) => {
            let is_key = |reg: Option<Reg>| {
                reg.is_some_and(|reg| matches!(state.role(reg), Role::Key | Role::KeyLen))
            };
            (is_key(a) || is_key(b)).then_some(Meaning::KeyCompare)
        }
        What::CallRegister(reg) => match state.role(reg) {
            Role::Hasher | Role::HasherCode => Some(Meaning::Hash),
            Role::Equal | Role::EqualCode => Some(Meaning::KeyCompare),
            _ => None,
        },
        _ => None,
    }
}

fn of_map_field(disp: i64, layout: Layout) -> Option<Meaning> {
    Some(match (layout.map.map_impl, disp) {
        (_, 0) => Meaning::Count,
        (MapImpl::Classic, 8) => Meaning::WriterMark,
        (MapImpl::Classic, 9) => Meaning::LogBuckets,
        (MapImpl::Classic, 12) => Meaning::Seed,
        (MapImpl::Classic, 16) => Meaning::Buckets,
        (MapImpl::Classic, 24) => Meaning::OldBuckets,
        (MapImpl::Classic, 10 | 32 | 40) => Meaning::GrowthState,
        // Where it is longer it has clearSeq at 40 and extra at 48.
        (MapImpl::Classic, 48) if layout.map.header_bytes > 48 => Meaning::GrowthState,
        (MapImpl::Swiss, 8) => Meaning::Seed,
        (MapImpl::Swiss, 16) => Meaning::Directory,
        (MapImpl::Swiss, 24 | 32 | 33) => Meaning::DirectoryShape,
        (MapImpl::Swiss, 34) => Meaning::WriterMark,
        _ => return None,
    })
}

/// The meaning of code that the compiler inlined from a small function.
fn of_inlined(name: &str) -> Option<Meaning> {
    let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
    let is_swiss = name.starts_with("internal/runtime/maps.");
    Some(match short {
        "matchH2" | "ctrlGroupMatchH2" if is_swiss => Meaning::ControlMatch,
        "matchEmpty"
        | "matchEmptyOrDeleted"
        | "matchFull"
        | "ctrlGroupMatchEmpty"
        | "ctrlGroupMatchEmptyOrDeleted"
        | "ctrlGroupMatchFull"
            if is_swiss =>
        {
            Meaning::ControlEmpty
        }
        "h1" | "h2" if is_swiss => Meaning::HashSplit,
        "first"
        | "removeFirst"
        | "bitsetFirst"
        | "next"
        | "makeProbeSeq"
        | "lowestSet"
        | "shiftOutLowest"
        | "bitsetLowestSet"
        | "bitsetShiftOutLowest"
            if is_swiss =>
        {
            Meaning::Probe
        }
        "key" | "elem" | "group" if is_swiss => Meaning::SlotAddress,
        "directoryIndex" if is_swiss => Meaning::HashSplit,
        "directoryAt" if is_swiss => Meaning::Table,
        "ctrls" | "setCtrl" if is_swiss => Meaning::ControlWord,
        "tophash" if name == "runtime.tophash" => Meaning::HashSplit,
        "isEmpty" | "evacuated" if name.starts_with("runtime.") => Meaning::TopHash,
        "overflow" | "setoverflow" if name.starts_with("runtime.(*bmap).") => Meaning::Overflow,
        "keys" if name.starts_with("runtime.(*bmap).") => Meaning::SlotAddress,
        "overLoadFactor"
        | "tooManyOverflowBuckets"
        | "growing"
        | "sameSizeGrow"
        | "noldbuckets"
        | "oldbucketmask"
        | "incrnoverflow"
            if name.starts_with("runtime.") =>
        {
            Meaning::GrowthState
        }
        _ => return None,
    })
}
