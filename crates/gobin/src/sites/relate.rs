//! Which calls of a function work on maps that belong together.
//!
//! 1. The map argument of each call is followed back: to the call that made the map, to the element that a call on another
//!    map found, to the element that an iterator stands at, or to what the caller passed.
//! 2. Of a map that is made it is looked where it is stored: maps are mostly used through a field of a struct.
//! 3. Of each assignment to a map it is followed what is stored in the element: a map that goes there is held by the other.
//!
//! What is not found on any path is not said; that a map is not held by another follows from nothing here.

use std::collections::HashMap;

use goabi::MapOp;

use super::callees::Role;
use super::flow::{Loads, Origin, Origins, Reg, Root, Routine, Store, Surroundings, Value};
use super::{Call, FIRST_ARGUMENT, Field, Relations, Struct, TypeSource, UnknownType, type_source};
use crate::Arch;

/// Calls that one map is related to in one way: types and lines repeat.
pub(crate) const MAX_RELATED: usize = 8;
/// RAX and X0.
const RESULT: Reg = 0;
/// Where an iterator has the pointer to the element that it stands at. Units: bytes.
///
/// Source: runtime/map.go, `hiter`, Go 1.23; internal/runtime/maps/table.go, `Iter`, Go 1.27.3.
const ITERATOR_ELEM: i64 = 8;

/// RBX and X1: behind the type.
pub(super) fn map_argument(arch: Arch) -> Reg {
    match arch {
        Arch::Amd64 => 3,
        Arch::Arm64 => 1,
    }
}

/// RCX and X2: the iterator behind the map, where a loop begins; the header behind the hint, where a map is made.
pub(super) fn third_argument(arch: Arch) -> Reg {
    match arch {
        Arch::Amd64 => 1,
        Arch::Arm64 => 2,
    }
}

/// A function whose calls are to be related.
pub(super) struct Function<'f, 'c> {
    pub(super) arch: Arch,
    pub(super) routine: &'f Routine<'c>,
    /// By call: its step.
    pub(super) steps: &'f [usize],
    pub(super) calls: &'f [Call],
    /// By slot of the stack frame: the calls that make a map there.
    pub(super) in_frame: &'f HashMap<i64, Vec<usize>>,
}

impl Function<'_, '_> {
    /// By call, how its map is related to those of others.
    pub(super) fn relate(
        &self,
        holds_maps: &dyn Fn(TypeSource) -> bool,
        around: &Surroundings<'_>,
    ) -> Vec<Relations> {
        self.routine.begin_maps();
        let maps = Maps::of(self, holds_maps, around);
        let origins = self.steps.iter().zip(self.calls).map(|(&step, call)| {
            if makes(call) {
                Origins { known: vec![result_of(call)], are_all: true }
            } else if is_told_map(call) {
                self.routine.origins_before(step, map_argument(self.arch), around)
            } else {
                Origins { known: Vec::new(), are_all: false }
            }
        });
        let origins: Vec<Origins> = origins.collect();
        let relations = origins.iter().map(|origins| {
            let mut relations = Relations::default();
            let (mut are_traced, mut n_new) = (origins.are_all, 0);
            for origin in &origins.known {
                let n_before = relations.made.len();
                are_traced &= maps.add(origin, &mut relations);
                n_new += usize::from(relations.made.len() > n_before);
                relations.fields.extend(field(origin, self.routine, around));
            }
            relations.is_new = origins.are_all && n_new == origins.known.len();
            relations.is_traced = are_traced && !relations.made.is_empty();
            relations
        });
        let mut relations: Vec<Relations> = relations.collect();
        relate_writes(self.calls, &origins, &mut relations);
        if self.calls.iter().any(makes) {
            store_fields(self.routine, self.calls, around, &mut relations);
        }
        relations
    }
}

/// Finds calls near those that read which write to a map of the same origin.
fn relate_writes(calls: &[Call], origins: &[Origins], relations: &mut [Relations]) {
    let may_be_a_map = |origin: &&Origin| !matches!(origin.root, Root::Constant(_));
    let mut writes: HashMap<Origin, Vec<usize>> = HashMap::new();
    for (idx, (call, origins)) in calls.iter().zip(origins).enumerate() {
        for origin in origins.known.iter().filter(may_be_a_map).filter(|_| call.op == MapOp::Assign)
        {
            writes.entry(*origin).or_default().push(idx);
        }
    }
    for (idx, ((call, origins), of)) in calls.iter().zip(origins).zip(relations).enumerate() {
        if call.op != MapOp::Read {
            continue;
        }
        let known = origins.known.iter().filter(may_be_a_map);
        for writes in known.filter_map(|origin| writes.get(origin)) {
            let behind = writes.partition_point(|&write| write < idx);
            let from = behind.saturating_sub(MAX_RELATED / 2);
            of.written.extend(writes.iter().skip(from).take(MAX_RELATED));
        }
        of.written.sort_unstable();
        of.written.dedup();
    }
}

/// The map that a call makes.
fn result_of(call: &Call) -> Origin {
    Origin { root: Root::Result(call.addr.0, RESULT), loads: Loads::default() }
}

fn makes(call: &Call) -> bool {
    call.op == MapOp::Make
}

/// Whether a call is passed the map, behind its type: what goes on with a loop is not.
pub(super) fn is_told_map(call: &Call) -> bool {
    call.map_type != TypeSource::Unknown(UnknownType::NoTypeArgument)
}

/// The field that a map is loaded from.
fn field(origin: &Origin, routine: &Routine<'_>, around: &Surroundings<'_>) -> Option<Field> {
    let &[offset] = origin.loads.as_slice() else { return None };
    Some(Field { of: pointed_to(origin.root, routine, around)?, offset })
}

fn pointed_to(root: Root, routine: &Routine<'_>, around: &Surroundings<'_>) -> Option<Struct> {
    match root {
        Root::Parameter(RESULT) => Some(Struct::Receiver),
        Root::Result(addr, RESULT) => {
            let (step, callee) = routine.call_at(addr)?;
            let makes_it = (around.role_at)(callee) == Some(Role::NewObject);
            let map_type = || type_source(routine.value_before(step, FIRST_ARGUMENT, around));
            makes_it.then(|| Struct::New(map_type()))
        }
        _ => None,
    }
}

/// Finds the fields into which maps are put that are made here.
fn store_fields(
    routine: &Routine<'_>,
    calls: &[Call],
    around: &Surroundings<'_>,
    relations: &mut [Relations],
) {
    let by_result: HashMap<Origin, usize> = calls
        .iter()
        .enumerate()
        .filter(|(_, call)| makes(call))
        .map(|(idx, call)| (result_of(call), idx))
        .collect();
    for &(step, Store { base, disp, value }) in routine.stores() {
        for origin in routine.origins_before(step, value, around).known {
            let Some(made) = by_result.get(&origin).and_then(|&idx| relations.get_mut(idx)) else {
                continue;
            };
            let base = routine.origins_before(step, base, around);
            if let [Origin { root, loads }] = base.known.as_slice()
                && base.are_all
                && loads.as_slice().is_empty()
                && let Some(of) = pointed_to(*root, routine, around)
            {
                made.fields.push(Field { of, offset: disp });
            }
        }
    }
}

/// Where maps come from and go to.
struct Maps<'c> {
    calls: &'c [Call],
    by_addr: HashMap<u64, usize>,
    /// By what is stored: the assignments that store it in an element.
    stored: HashMap<Origin, Vec<usize>>,
    /// By place in the stack frame: the calls that begin a loop with the iterator there.
    iterators: HashMap<i64, Vec<usize>>,
    /// By place in the stack frame: the calls that make a map there.
    in_frame: &'c HashMap<i64, Vec<usize>>,
}

impl<'c> Maps<'c> {
    fn of(
        function: &Function<'c, '_>,
        holds_maps: &dyn Fn(TypeSource) -> bool,
        around: &Surroundings<'_>,
    ) -> Self {
        let &Function { arch, routine, steps, calls, in_frame } = function;
        let by_addr = calls.iter().enumerate().map(|(idx, call)| (call.addr.0, idx)).collect();
        let (stored, iterators) = (HashMap::new(), HashMap::new());
        let mut maps = Self { calls, by_addr, stored, iterators, in_frame };
        let outer = steps.iter().zip(calls).enumerate();
        for (idx, (&step, call)) in outer.filter(|(_, (_, call))| holds_maps(call.map_type)) {
            match call.op {
                MapOp::Assign => {
                    for origin in routine.stored_at_result(step, RESULT, around) {
                        push_some(maps.stored.entry(origin).or_default(), idx);
                    }
                }
                MapOp::Iterate => {
                    let iterator = routine.value_before(step, third_argument(arch), around);
                    if let Value::Known(Origin { root: Root::Frame(slot), .. }) = iterator {
                        push_some(maps.iterators.entry(slot).or_default(), idx);
                    }
                }
                _ => {}
            }
        }
        maps
    }

    /// That the map of a call may come from there. Says whether that is a call that made it, another map, or nil.
    fn add(&self, origin: &Origin, relations: &mut Relations) -> bool {
        match origin.root {
            Root::Constant(_) => true,
            Root::Global(_) => false,
            Root::Frame(slot) => {
                let made = self.in_frame.get(&slot).filter(|_| origin.loads.as_slice().is_empty());
                relations.made.extend(made.into_iter().flatten().take(MAX_RELATED));
                made.is_some()
            }
            // What stands in a slot is another value each time.
            Root::Slot(slot) => {
                let place = slot.wrapping_sub(ITERATOR_ELEM);
                // Loops one after the other may have their iterators in one place.
                match (self.iterators.get(&place).map(Vec::as_slice), origin.loads.as_slice()) {
                    (Some([only]), [0]) => relations.held.push(*only),
                    _ => return false,
                }
                true
            }
            Root::Parameter(_) => {
                self.add_stored(origin, relations);
                false
            }
            Root::Result(addr, result) => {
                self.add_stored(origin, relations);
                let from = self.by_addr.get(&addr).copied().filter(|_| result == RESULT);
                let call = from.and_then(|from| self.calls.get(from));
                let (Some(from), Some(call)) = (from, call) else { return false };
                match (call.op, origin.loads.as_slice()) {
                    (MapOp::Make, []) => relations.made.push(from),
                    // The result points to the element.
                    (MapOp::Read | MapOp::Assign, [0]) => relations.held.push(from),
                    _ => return false,
                }
                true
            }
        }
    }

    fn add_stored(&self, origin: &Origin, relations: &mut Relations) {
        relations.held.extend(self.stored.get(origin).into_iter().flatten());
    }
}

/// Adds one, unless there are many.
fn push_some(calls: &mut Vec<usize>, call: usize) {
    if calls.len() < MAX_RELATED {
        calls.push(call);
    }
}
