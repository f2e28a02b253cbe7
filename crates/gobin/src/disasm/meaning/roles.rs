//! What registers and stack slots hold, followed forwards through one function.

use std::collections::{BTreeMap, HashMap};

use super::Layout;
use crate::disasm::{Instruction, TargetKind};
use goabi::MapImpl;

use crate::Arch;

/// Number of a general purpose register: 0 to 15 on amd64 in encoding order, 0 to 30 on arm64.
pub(crate) type Reg = u8;

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Role {
    #[default]
    Unknown,
    /// `*abi.MapType`.
    MapType,
    /// `*hmap` or `*maps.Map`.
    Map,
    /// The array of buckets, old or new.
    Buckets,
    /// A bucket.
    Bucket,
    /// Somewhere in or behind a bucket.
    InBucket,
    /// `Map.dirPtr`: the directory, or the one group of a small map.
    Directory,
    /// `*maps.table`.
    Table,
    /// The array of groups of a table.
    Groups,
    /// A group.
    Group,
    /// The type of the keys.
    KeyType,
    /// The hash function's closure and code.
    Hasher,
    HasherCode,
    /// The key type's equality closure and code.
    Equal,
    EqualCode,
    /// The key, where it is a number or pointer; of a string its pointer.
    Key,
    /// The length of a string key.
    KeyLen,
}

/// A memory operand by register numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand {
    pub(crate) base: Reg,
    pub(crate) index: Option<Reg>,
    pub(crate) disp: i64,
}

/// What an instruction does to registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Effect {
    /// The registers it writes, one bit each.
    pub(crate) writes: u32,
    /// Its memory operand if that has a base and is not in the stack frame.
    pub(crate) memory: Option<Operand>,
    pub(crate) what: What,
}

/// The forms of instruction that hand roles on, or tell one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Other,
    Copy {
        to: Reg,
        from: Reg,
    },
    /// Eight bytes from the memory operand.
    Load {
        to: Reg,
    },
    /// The sum of one or two registers and perhaps a number.
    Sum {
        to: Reg,
        a: Reg,
        b: Option<Reg>,
    },
    /// One or two registers to stack slots, by distance from the stack pointer.
    Spill {
        slot: i64,
        from: Reg,
        second: Option<Reg>,
    },
    /// And back.
    Reload {
        slot: i64,
        to: Reg,
        second: Option<Reg>,
    },
    /// Any other write to the stack frame.
    Overwrite {
        slot: i64,
    },
    /// Moves the stack pointer.
    MoveStack,
    /// Compares a register with nil.
    Test(Reg),
    Compare(Option<Reg>, Option<Reg>),
    /// Calls code whose address is in a register, or in memory behind it.
    CallRegister(Reg),
    Call,
    /// Ends a path: return, trap, jump to where a register says.
    End,
    /// A jump without a condition.
    Jump,
}

/// Roles at one place of the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    registers: [Role; 32],
    slots: BTreeMap<i64, Role>,
}

impl State {
    fn at_entry(arguments: &[Role], argument_registers: &[Reg]) -> State {
        let mut state = State { registers: [Role::Unknown; 32], slots: BTreeMap::new() };
        for (&role, &reg) in arguments.iter().zip(argument_registers) {
            state.set(reg, role);
        }
        state
    }

    /// What a register holds.
    pub(crate) fn role(&self, reg: Reg) -> Role {
        self.registers.get(usize::from(reg)).copied().unwrap_or_default()
    }

    fn set(&mut self, reg: Reg, role: Role) {
        if let Some(held) = self.registers.get_mut(usize::from(reg)) {
            *held = role;
        }
    }

    /// Keeps what both agree on. Returns whether anything changed.
    fn join(&mut self, other: &State) -> bool {
        let before = self.clone();
        for (held, &role) in self.registers.iter_mut().zip(&other.registers) {
            if *held != role {
                *held = Role::Unknown;
            }
        }
        self.slots.retain(|slot, role| other.slots.get(slot) == Some(role));
        *self != before
    }

    fn apply(&mut self, effect: &Effect, width: u8, layout: Layout) {
        let results = match effect.what {
            What::Copy { to, from } => [Some((to, self.role(from))), None],
            What::Load { to } => [
                effect
                    .memory
                    .map(|operand| (to, loaded(operand, width, self.role(operand.base), layout))),
                None,
            ],
            What::Sum { to, a, b } => [Some((to, self.sum(a, b))), None],
            What::Reload { slot, to, second } => {
                [Some((to, self.slot(slot))), second.map(|second| (second, self.slot(slot + 8)))]
            }
            _ => [None, None],
        };
        self.apply_to_stack(effect.what);
        for reg in (0..32).filter(|reg| effect.writes & (1 << reg) != 0) {
            self.set(reg, Role::Unknown);
        }
        for (to, role) in results.into_iter().flatten() {
            self.set(to, role);
        }
    }

    fn apply_to_stack(&mut self, what: What) {
        match what {
            What::Spill { slot, from, second } => {
                self.slots.insert(slot, self.role(from));
                if let Some(second) = second {
                    self.slots.insert(slot.wrapping_add(8), self.role(second));
                }
            }
            What::Overwrite { slot } => {
                // The widest store has 64 bytes.
                self.slots.retain(|&held, _| {
                    held.wrapping_add(8) <= slot || held >= slot.wrapping_add(64)
                });
            }
            What::MoveStack => self.slots.clear(),
            _ => {}
        }
    }

    fn slot(&self, slot: i64) -> Role {
        self.slots.get(&slot).copied().unwrap_or_default()
    }

    fn sum(&self, a: Reg, b: Option<Reg>) -> Role {
        let second = b.map_or(Role::Unknown, |b| self.role(b));
        match (self.role(a), second) {
            (Role::Buckets, _) | (_, Role::Buckets) => Role::Bucket,
            (Role::Groups, _) | (_, Role::Groups) => Role::Group,
            (Role::Bucket | Role::InBucket, _) | (_, Role::Bucket | Role::InBucket) => {
                Role::InBucket
            }
            _ => Role::Unknown,
        }
    }
}

/// The role of eight bytes loaded from an operand whose base has a role.
fn loaded(operand: Operand, width: u8, base: Role, layout: Layout) -> Role {
    if width != 8 {
        return Role::Unknown;
    }
    if operand.index.is_some() {
        return match base {
            Role::Directory => Role::Table,
            _ if is_overflow(operand, width, base) => Role::Bucket,
            _ => Role::Unknown,
        };
    }
    match (base, layout.map.map_impl, operand.disp) {
        (Role::MapType, _, 48) => Role::KeyType,
        (Role::MapType, _, 72) => Role::Hasher,
        (Role::Hasher, _, 0) => Role::HasherCode,
        (Role::KeyType, _, 24) => Role::Equal,
        (Role::Equal, _, 0) => Role::EqualCode,
        (Role::Map, MapImpl::Classic, 16 | 24) => Role::Buckets,
        (Role::Map, MapImpl::Swiss, 16) => Role::Directory,
        (Role::Table, _, 16) => Role::Groups,
        (base, _, _) if is_overflow(operand, width, base) => Role::Bucket,
        _ => Role::Unknown,
    }
}

/// Whether an operand is the last word of a bucket: the pointer to its overflow bucket.
pub(super) fn is_overflow(operand: Operand, width: u8, base: Role) -> bool {
    let is_behind = match base {
        Role::Bucket => operand.index.is_some(),
        Role::InBucket => operand.index.is_none(),
        _ => false,
    };
    is_behind && width == 8 && operand.disp == -8
}

/// The state before each instruction that a path from the start leads to.
///
/// Complexity: each block is visited at most once per role it can lose.
pub(super) fn follow(
    instructions: &[Instruction<'_>],
    effects: &[Effect],
    arguments: &[Role],
    layout: Layout,
) -> Vec<Option<State>> {
    let positions: HashMap<u64, usize> = instructions
        .iter()
        .enumerate()
        .map(|(idx, instruction)| (instruction.addr.0, idx))
        .collect();
    let mut states: Vec<Option<State>> = vec![None; instructions.len()];
    let mut pending = Vec::new();
    let entry = State::at_entry(arguments, argument_registers(layout.arch));
    arrive(&mut states, 0, &entry, &mut pending);
    while let Some(idx) = pending.pop() {
        let (Some(instruction), Some(effect)) = (instructions.get(idx), effects.get(idx)) else {
            continue;
        };
        let Some(mut state) = states.get(idx).cloned().flatten() else {
            continue;
        };
        let width = instruction.memory.map_or(0, |memory| memory.width);
        state.apply(effect, width, layout);
        let jump = instruction
            .target
            .filter(|target| target.kind == TargetKind::Jump)
            .and_then(|target| positions.get(&target.addr.0).copied());
        if let Some(to) = jump {
            arrive(&mut states, to, &state, &mut pending);
        }
        if !matches!(effect.what, What::End | What::Jump) {
            arrive(&mut states, idx + 1, &state, &mut pending);
        }
    }
    states
}

/// Joins a state into the one before an instruction, and asks for another visit if it changed.
fn arrive(states: &mut [Option<State>], idx: usize, state: &State, pending: &mut Vec<usize>) {
    let Some(before) = states.get_mut(idx) else { return };
    let is_new = match before {
        Some(known) => known.join(state),
        None => {
            *before = Some(state.clone());
            true
        }
    };
    if is_new {
        pending.push(idx);
    }
}

/// Source: src/cmd/compile/abi-internal.md, Go 1.27.3.
fn argument_registers(arch: Arch) -> &'static [Reg] {
    match arch {
        Arch::Amd64 => &[0, 3, 1, 7, 6],
        Arch::Arm64 => &[0, 1, 2, 3, 4],
    }
}
