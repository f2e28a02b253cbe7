//! The types that generic code works on: those in the dictionaries that its callers pass.
//!
//! The compiler makes one function for all types of a shape, and a dictionary for each list of type arguments, which
//! holds their descriptors, and the dictionaries of the functions that are called with them. Whoever calls such a function
//! passes a dictionary; code that is not generic itself knows which, and it stands in the file. So
//! 1. all calls of functions for shapes are known from the scan for map calls,
//! 2. where a type is loaded from what a function is passed, the same register is followed at each of its calls,
//! 3. through callers that are generic themselves, to their callers.
//!
//! Functions for shapes are called directly only: function values and interfaces hold wrappers, which know the dictionary.

use std::collections::{HashMap, HashSet};

use super::callees::Role;
use super::flow::{Origin, Root, Routine, Surroundings, Value};
use super::{Body, Landmarks, MAX_CODE, Passed, ShapedCall};
use crate::{Arch, LinkAddr};

/// Calls of functions for shapes that are kept; programs of hundred megabytes have some ten thousand.
const MAX_CALLS: usize = 1 << 20;
/// Calls looked at for one question.
const MAX_LOOKED_AT: usize = 1 << 12;
/// Calls looked at for all questions.
const MAX_LOOKED_AT_IN_ALL: usize = 1 << 17;
/// Types told of one call.
const MAX_TYPES: usize = 16;
/// Calls told of one place.
const MAX_KEPT_CALLS: usize = 64;
/// Code that is decoded at a time. Units: bytes.
const MAX_DECODED: usize = 4 << 20;

/// The program around calls.
pub(crate) struct Program<'p, 'c> {
    pub(crate) arch: Arch,
    pub(crate) landmarks: &'p Landmarks,
    pub(crate) constant_at: &'p dyn Fn(u64) -> Option<u64>,
    /// The function that holds an address.
    pub(crate) body_at: &'p dyn Fn(LinkAddr) -> Option<Body<'c>>,
}

/// What dictionaries hold at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// Addresses, not checked to be those of types. Sortedness: by address.
    pub(crate) addrs: Vec<LinkAddr>,
    /// Whether these are all that can be there.
    pub(crate) is_complete: bool,
    /// Each with a call, by code that is not generic, which leads to it being there; none where there are many.
    pub(crate) calls: Vec<(LinkAddr, LinkAddr)>,
}

/// All calls of functions for shapes.
#[derive(Debug, Default)]
pub(crate) struct ShapedCalls {
    by_callee: HashMap<LinkAddr, Vec<LinkAddr>>,
    n: usize,
    /// Whether some were left out.
    is_cut: bool,
}

impl ShapedCalls {
    pub(crate) fn add(&mut self, calls: &[ShapedCall]) {
        for call in calls {
            if self.n == MAX_CALLS {
                self.is_cut = true;
                return;
            }
            self.n += 1;
            self.by_callee.entry(call.callee).or_default().push(call.addr);
        }
    }

    /// That not all of the program was seen.
    pub(crate) fn cut(&mut self) {
        self.is_cut = true;
    }
}

/// Answers what is passed to functions.
pub(crate) struct Dictionaries<'p, 'c> {
    program: Program<'p, 'c>,
    calls: ShapedCalls,
    known: HashMap<(LinkAddr, Passed), Held>,
    /// By start of the function.
    decoded: HashMap<LinkAddr, Routine<'c>>,
    n_decoded: usize,
    n_left: usize,
}

impl<'p, 'c> Dictionaries<'p, 'c> {
    pub(crate) fn new(program: Program<'p, 'c>, calls: ShapedCalls) -> Self {
        let (known, decoded) = (HashMap::new(), HashMap::new());
        Self { program, calls, known, decoded, n_decoded: 0, n_left: MAX_LOOKED_AT_IN_ALL }
    }

    /// What the function that starts at `entry` finds behind what it is passed.
    pub(crate) fn held(&mut self, entry: LinkAddr, passed: Passed) -> Held {
        if let Some(known) = self.known.get(&(entry, passed)) {
            return known.clone();
        }
        let held = self.look_up(entry, passed);
        self.known.insert((entry, passed), held.clone());
        held
    }

    fn look_up(&mut self, entry: LinkAddr, passed: Passed) -> Held {
        let mut held = Held { is_complete: !self.calls.is_cut, ..Held::default() };
        let mut has_many = false;
        let mut visited = HashSet::from([(entry, passed)]);
        let mut pending = vec![(entry, passed)];
        let mut n_left = MAX_LOOKED_AT.min(self.n_left);
        while let Some((entry, passed)) = pending.pop() {
            let calls = self.calls.by_callee.get(&entry).cloned().unwrap_or_default();
            // What nobody is seen to call may be called in ways that are not seen.
            held.is_complete &= !calls.is_empty();
            for call in calls {
                if n_left == 0 || held.addrs.len() > MAX_TYPES {
                    held.is_complete = false;
                    pending.clear();
                    break;
                }
                n_left -= 1;
                self.n_left -= 1;
                match self.passed_at(call, entry, passed) {
                    At::NoCall => {}
                    At::Address(addr) => {
                        held.addrs.push(addr);
                        has_many |= held.calls.len() == MAX_KEPT_CALLS;
                        if !has_many {
                            held.calls.push((addr, call));
                        }
                    }
                    At::Caller(caller, passed) => {
                        if visited.insert((caller, passed)) {
                            pending.push((caller, passed));
                        }
                    }
                    At::Unknown => held.is_complete = false,
                }
            }
            held.addrs.sort_unstable();
            held.addrs.dedup();
        }
        if has_many {
            held.calls.clear();
        }
        held
    }

    /// What a call passes.
    fn passed_at(&mut self, call: LinkAddr, callee: LinkAddr, passed: Passed) -> At {
        let Some(body) = (self.program.body_at)(call) else { return At::Unknown };
        let Program { arch, landmarks, constant_at, .. } = self.program;
        let role_at = |addr| landmarks.role_at(addr);
        let around = Surroundings { role_at: &role_at, constant_at };
        let routine = self.routine(arch, body, &around);
        let Some(step) = routine.step_calling(call.0, callee.0) else { return At::NoCall };
        let Value::Known(Origin { root, loads }) =
            routine.value_before(step, passed.register, &around)
        else {
            return At::Unknown;
        };
        match root {
            Root::Constant(addr) => {
                let next = |addr: u64, &offset: &i64| constant_at(addr.wrapping_add_signed(offset));
                let held = passed.loads.as_slice().iter().try_fold(addr, next);
                held.map_or(At::Unknown, |addr| At::Address(LinkAddr(addr)))
            }
            // Only from a dictionary can others be loaded.
            Root::Parameter(register)
                if landmarks.role_at(body.start.0) == Some(Role::OfShapes) =>
            {
                let loads = loads.then_all(&passed.loads);
                loads
                    .map_or(At::Unknown, |loads| At::Caller(body.start, Passed { register, loads }))
            }
            _ => At::Unknown,
        }
    }

    /// The function, decoded; a few are kept.
    fn routine(&mut self, arch: Arch, body: Body<'c>, around: &Surroundings<'_>) -> &Routine<'c> {
        let code = &body.code[..body.code.len().min(MAX_CODE)];
        if !self.decoded.contains_key(&body.start) {
            if self.n_decoded.saturating_add(code.len()) > MAX_DECODED {
                self.decoded.clear();
                self.n_decoded = 0;
            }
            self.n_decoded += code.len();
        }
        let decode = || Routine::decode(arch, code, body.start.0, around);
        self.decoded.entry(body.start).or_insert_with(decode)
    }
}

/// What stands in a register at a call.
enum At {
    /// No instruction begins there.
    NoCall,
    /// What is behind it is at this address.
    Address(LinkAddr),
    /// It is behind what that function is passed.
    Caller(LinkAddr, Passed),
    Unknown,
}
