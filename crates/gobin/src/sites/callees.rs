//! The runtime functions that a Go compiler calls for map operations, and the few other functions
//! whose calls matter when registers are followed past them.
//!
//! Source: `cmd/compile/internal/typecheck/_builtin/runtime.go`, `cmd/compile/internal/walk` and
//! `maps/maps.go` of Go 1.21.13, 1.24.11 and 1.27.3. The names are the same for classic and Swiss
//! maps: the Swiss bodies live in `internal/runtime/maps` but keep their `runtime.` symbols.

use goabi::MapOp;

/// Whether the first argument of a map function is the map's type descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeArgument {
    /// The first argument register holds the address of the descriptor. For `maps.clone` it is the
    /// type word of an `any`, which is the same address.
    First,
    /// No argument tells the type.
    Absent,
}

/// What a function is to someone who follows registers past calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A map operation.
    Map(MapOp, TypeArgument),
    /// Never returns to its caller.
    NeverReturns,
    /// Keeps every register except the one in which it returns the buffer (R11, X25).
    WriteBarrier,
    /// Makes a value of the type that it is told.
    NewObject,
    /// Gives the number that hashes of a map begin with.
    Seed,
    /// Code for all types of a shape: its callers pass a dictionary with the types that they mean.
    OfShapes,
}

/// The role of the function called `name`, if it has one.
pub(crate) fn role(name: &str) -> Option<Role> {
    if let Some(op) = map_function(name) {
        return Some(Role::Map(op.0, op.1));
    }
    if is_of_shapes(name) {
        return Some(Role::OfShapes);
    }
    let short = name.strip_prefix("runtime.")?;
    if NEVER_RETURN.contains(&short) {
        return Some(Role::NeverReturns);
    }
    if short == "newobject" {
        return Some(Role::NewObject);
    }
    if SEEDS.contains(&short) {
        return Some(Role::Seed);
    }
    // Source: runtime/asm_amd64.s and asm_arm64.s, gcWriteBarrier1..8 (1.21 and later) and
    // gcWriteBarrier, gcWriteBarrierCX.. (1.20 and before).
    short.starts_with("gcWriteBarrier").then_some(Role::WriteBarrier)
}

/// Whether a function is compiled for shapes of types: its name has them as type arguments.
///
/// Source: `cmd/compile/internal/noder/reader.go`, `shapedName` and `shapify`, Go 1.27.3.
pub(crate) fn is_of_shapes(name: &str) -> bool {
    name.contains("go.shape.")
}

fn map_function(name: &str) -> Option<(MapOp, TypeArgument)> {
    use TypeArgument::{Absent, First};
    if name == "maps.clone" {
        return Some((MapOp::Clone, First));
    }
    // reflect and the packages that link to its helpers call them by these names.
    let short = name.strip_prefix("runtime.").or_else(|| name.strip_prefix("reflect."))?;
    let (stem, variant) = short.split_once('_').unwrap_or((short, ""));
    let is_variant =
        matches!(variant, "" | "fast32" | "fast32ptr" | "fast64" | "fast64ptr" | "faststr" | "fat");
    let found = match stem {
        "mapassign" | "mapassign0" if is_variant => (MapOp::Assign, First),
        "mapaccess" | "mapaccess1" | "mapaccess2" | "mapaccessK" if is_variant => {
            (MapOp::Read, First)
        }
        "mapdelete" if is_variant => (MapOp::Delete, First),
        "makemap" if variant == "small" => (MapOp::Make, Absent),
        "makemap" | "makemap64" if variant.is_empty() => (MapOp::Make, First),
        "mapclear" if variant.is_empty() => (MapOp::Clear, First),
        "mapiterinit" | "mapIterStart" if variant.is_empty() => (MapOp::Iterate, First),
        "mapiternext" | "mapIterNext" if variant.is_empty() => (MapOp::Iterate, Absent),
        "mapclone2" if variant.is_empty() => (MapOp::Clone, First),
        _ => return None,
    };
    Some(found)
}

/// What is called for the seed of a map that is made in the stack frame.
///
/// Source: `cmd/compile/internal/walk/builtin.go`, `walkMakeClassicMap` and `walkMakeSwissMap`, Go 1.21.13, 1.23.9 and 1.27.3.
const SEEDS: &[&str] = &["fastrand", "rand32", "rand"];

/// Names in package `runtime` that the compiler treats as calls that do not return.
///
/// Source: `cmd/compile/internal/ssagen/ssa.go` (`needPanicCleanup`, `rtcall` with
/// `returns == false`) and `cmd/compile/internal/ir/symtab.go`, Go 1.27.3.
const NEVER_RETURN: &[&str] = &[
    "gopanic",
    "panicdivide",
    "panicshift",
    "panicwrap",
    "panicdottypeE",
    "panicdottypeI",
    "panicnildottype",
    "panicoverflow",
    "panicmakeslicelen",
    "panicmakeslicecap",
    "panicunsafeslicelen",
    "panicunsafeslicenilptr",
    "panicunsafestringlen",
    "panicunsafestringnilptr",
    "panicrangestate",
    "panicSimdImm",
    "panicBounds",
    "panicExtend",
    "panicIndex",
    "panicIndexU",
    "panicSliceAlen",
    "panicSliceAlenU",
    "panicSliceAcap",
    "panicSliceAcapU",
    "panicSliceB",
    "panicSliceBU",
    "panicSlice3Alen",
    "panicSlice3AlenU",
    "panicSlice3Acap",
    "panicSlice3AcapU",
    "panicSlice3B",
    "panicSlice3BU",
    "panicSlice3C",
    "panicSlice3CU",
    "panicSliceConvert",
    "goPanicIndex",
    "throwinit",
    "throw",
    "fatal",
    "block",
];
