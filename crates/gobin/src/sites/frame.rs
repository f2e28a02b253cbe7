//! Maps that are made in the stack frame of a function, since they do not leave it: there is no call that makes them, but one
//! that gives them their seed.
//!
//! Source: `cmd/compile/internal/walk/builtin.go`, `walkMakeClassicMap` and `walkMakeSwissMap`, Go 1.21.13, 1.23.9 and 1.27.3.

use std::collections::{HashMap, HashSet};

use goabi::MapOp;

use super::callees::Role;
use super::flow::{Origin, Root, Routine, Surroundings, Value};
use super::{Call, TypeSource, UnknownType, relate};
use crate::{Arch, LinkAddr};

/// Where the seed stands in a map, by its size: four bytes in classic maps, eight in Swiss ones. Units: bytes.
///
/// Source: runtime/map.go, `hmap`, Go 1.23; internal/runtime/maps/map.go, `Map`, Go 1.27.3.
const SEED_AT: [(usize, i64); 2] = [(4, 12), (8, 8)];

/// A map in the stack frame.
#[derive(Debug)]
pub(super) struct Make {
    pub(super) step: usize,
    pub(super) call: Call,
    slot: i64,
}

/// The slot that a value is the address of.
pub(super) fn slot(value: Value) -> Option<i64> {
    match value {
        Value::Known(Origin { root: Root::Frame(slot), loads }) if loads.as_slice().is_empty() => {
            Some(slot)
        }
        _ => None,
    }
}

/// Those that calls are passed.
pub(super) fn makes(
    arch: Arch,
    routine: &Routine<'_>,
    calls: &[(usize, Call)],
    around: &Surroundings<'_>,
) -> Vec<Make> {
    let told = calls.iter().filter(|(_, call)| call.op != MapOp::Make && relate::is_told_map(call));
    let argument = relate::map_argument(arch);
    let slots: HashSet<i64> =
        told.filter_map(|(step, _)| slot(routine.value_before(*step, argument, around))).collect();
    if slots.is_empty() {
        return Vec::new();
    }
    let seeds = routine.calls_of(Role::Seed, around).into_iter();
    let make = |(step, callee): (usize, u64)| {
        let (at, size) = routine.result_stored_at(step)?;
        let (_, offset) = SEED_AT.into_iter().find(|(of, _)| *of == size)?;
        let slot = at.checked_sub(offset).filter(|slot| slots.contains(slot))?;
        let call = Call {
            addr: LinkAddr(routine.addr(step)),
            callee: LinkAddr(callee),
            op: MapOp::Make,
            map_type: TypeSource::Unknown(UnknownType::NoTypeArgument),
            is_in_frame: true,
        };
        Some(Make { step, call, slot })
    };
    seeds.filter_map(make).collect()
}

/// By slot, the calls that make a map there, as indices of the sorted steps of all calls.
pub(super) fn by_slot(makes: &[Make], steps: &[usize]) -> HashMap<i64, Vec<usize>> {
    let mut by_slot: HashMap<i64, Vec<usize>> = HashMap::new();
    for make in makes {
        by_slot.entry(make.slot).or_default().extend(steps.binary_search(&make.step));
    }
    by_slot
}
