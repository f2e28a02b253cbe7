//! Where a register's value comes from: reaching definitions over the control flow of one function.
//!
//! 1. Decode the function once into [`Step`]s: where each instruction starts and where it leads.
//! 2. From the jumps make the edges of the control flow, jump tables included. Calls that never
//!    return have no way on.
//! 3. To ask for a register's value before a step, walk backwards along all paths to the
//!    instruction that wrote it, and through copies to the one before. All paths must agree.
//!
//! The answer errs to one side only: an instruction, a call or a jump that is not understood makes
//! the value unknown. A path that leads back to a place already passed adds nothing, which is right
//! because between the two visits the register was only copied.

use std::cell::Cell;
use std::collections::HashSet;

use super::{UnknownType, amd64, arm64, callees::Role};
use crate::Arch;

/// Number of a general purpose register: 0 to 15 on amd64 in encoding order, 0 to 30 on arm64.
pub(super) type Reg = u8;

/// How deep loads through registers are followed: a dictionary, and one behind it.
const MAX_LOADS: u32 = 3;
/// Steps followed for one question. Real functions need some hundred; a damaged table can make a function of all code.
const MAX_STEPS: u64 = 1 << 12;
/// Steps followed for all questions of a function, in times its own: each map operation needs some ten.
const MAX_STEPS_TIMES: u64 = 64;
/// Entries read from one jump table at most.
const MAX_TABLE: usize = 4096;

/// One instruction: its offset in the function and what it does to control flow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) offset: u32,
    pub(super) flow: Flow,
}

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    /// A conditional jump to an address.
    Branch(u64),
    Jump(u64),
    /// A jump to where a register or memory says.
    JumpIndirect,
    Call(u64),
    CallIndirect,
    /// Return, trap, or bytes that are no instruction.
    Stop,
}

/// What one instruction leaves in one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Def {
    /// The register keeps its value.
    Kept,
    /// The value of another register before the instruction.
    Copy(Reg),
    /// An address or number in the instruction itself.
    Address(u64),
    /// Eight bytes from a fixed address.
    LoadAt(u64),
    /// Eight bytes from `[base + disp]`.
    LoadVia(Reg, i64),
    /// Eight bytes from the stack frame.
    LoadStack,
    Other,
}

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Address(u64),
    Unknown(UnknownType),
}

/// What the walk has to know about the rest of the program.
pub(super) struct Surroundings<'s> {
    /// The role of the function that starts at an address.
    pub(super) role_at: &'s dyn Fn(u64) -> Option<Role>,
    /// Eight bytes of memory that the running program cannot change.
    pub(super) constant_at: &'s dyn Fn(u64) -> Option<u64>,
}

/// One function, decoded, with its control flow.
pub(super) struct Routine<'c> {
    arch: Arch,
    code: &'c [u8],
    start: u64,
    steps: Vec<Step>,
    /// (target step, source step), sorted.
    jumps: Vec<(u32, u32)>,
    /// A jump whose targets could not be found: any block may be one.
    has_unknown_jump: bool,
    /// Steps that may still be followed for the question at hand.
    steps_left: Cell<u64>,
    /// Steps that may still be followed for others.
    reserve: Cell<u64>,
}

impl<'c> Routine<'c> {
    /// Decodes `code`, which starts at address `start`, and finds its control flow.
    pub(super) fn decode(arch: Arch, code: &'c [u8], start: u64, around: &Surroundings) -> Self {
        let mut steps = match arch {
            Arch::Amd64 => amd64::decode_steps(code, start),
            Arch::Arm64 => arm64::decode_steps(code, start),
        };
        for step in &mut steps {
            if let Flow::Call(target) = step.flow
                && (around.role_at)(target) == Some(Role::NeverReturns)
            {
                step.flow = Flow::Stop;
            }
        }
        let reserve = MAX_STEPS + MAX_STEPS_TIMES * steps.len() as u64;
        let mut routine = Routine {
            arch,
            code,
            start,
            steps,
            jumps: Vec::new(),
            has_unknown_jump: false,
            steps_left: Cell::new(0),
            reserve: Cell::new(reserve),
        };
        routine.find_jumps(around);
        routine
    }

    /// The step at `addr` if it calls `callee` or jumps there.
    pub(super) fn step_calling(&self, addr: u64, callee: u64) -> Option<usize> {
        let idx = self.step_at(addr)?;
        let leads = matches!(
            self.steps.get(idx)?.flow,
            Flow::Call(target) | Flow::Jump(target) if target == callee
        );
        leads.then_some(idx)
    }

    fn step_at(&self, addr: u64) -> Option<usize> {
        let offset = u32::try_from(addr.checked_sub(self.start)?).ok()?;
        self.steps.binary_search_by_key(&offset, |step| step.offset).ok()
    }

    fn find_jumps(&mut self, around: &Surroundings) {
        let mut jumps = Vec::new();
        for (idx, step) in self.steps.iter().enumerate() {
            if let Flow::Jump(target) | Flow::Branch(target) = step.flow
                && let Some(to) = self.step_at(target)
            {
                jumps.push((to as u32, idx as u32));
            }
        }
        jumps.sort_unstable();
        self.jumps = jumps;
        let indirect: Vec<usize> = (0..self.steps.len())
            .filter(|&idx| self.steps[idx].flow == Flow::JumpIndirect)
            .collect();
        let mut more = Vec::new();
        // Each case of a switch has code of its own, but for those that do the same as others.
        let most = MAX_TABLE + self.steps.len();
        for idx in indirect {
            match self.table_targets(idx, around) {
                Some(targets) if more.len() + targets.len() <= most => {
                    more.extend(targets.into_iter().map(|to| (to, idx as u32)));
                }
                _ => {
                    self.has_unknown_jump = true;
                    break;
                }
            }
        }
        self.jumps.extend(more);
        self.jumps.sort_unstable();
        self.jumps.dedup();
    }

    /// The steps that the jump table behind an indirect jump leads to.
    fn table_targets(&self, idx: usize, around: &Surroundings) -> Option<Vec<u32>> {
        let (at, base) = match self.arch {
            Arch::Amd64 => (idx, amd64::table_base(self.bytes_at(idx))?),
            Arch::Arm64 => {
                let load = idx.checked_sub(1)?;
                (load, arm64::table_base(self.word(load)?, self.word(idx)?)?)
            }
        };
        let Value::Address(table) = self.value_before(at, base, around) else {
            return None;
        };
        let mut targets: Vec<u32> = (0..MAX_TABLE as u64)
            .map_while(|entry| {
                self.take_step()?;
                let target = (around.constant_at)(table.checked_add(entry * 8)?)?;
                Some(self.step_at(target)? as u32)
            })
            .collect();
        targets.sort_unstable();
        targets.dedup();
        (!targets.is_empty()).then_some(targets)
    }

    /// One of those that may still be followed.
    fn take_step(&self) -> Option<()> {
        self.steps_left.set(self.steps_left.get().checked_sub(1)?);
        Some(())
    }

    /// What `reg` holds when step `idx` is about to run.
    ///
    /// Complexity: linear in the steps between the call and the definitions that reach it.
    pub(super) fn value_before(&self, idx: usize, reg: Reg, around: &Surroundings) -> Value {
        self.reserve.update(|reserve| reserve + self.steps_left.take());
        let steps = self.reserve.get().min(MAX_STEPS);
        self.reserve.update(|reserve| reserve - steps);
        self.steps_left.set(steps);
        self.value_with(idx, reg, around, MAX_LOADS)
    }

    fn value_with(&self, idx: usize, reg: Reg, around: &Surroundings, loads: u32) -> Value {
        let mut found: Option<Value> = None;
        let mut visited = HashSet::new();
        let mut pending = vec![(idx, reg)];
        while let Some((idx, reg)) = pending.pop() {
            let is_leader = self.is_leader(idx);
            if is_leader && !visited.insert((idx, reg)) {
                continue;
            }
            if is_leader && let Some(why) = self.other_ways_in(idx) {
                return Value::Unknown(why);
            }
            let falls = idx.checked_sub(1).filter(|_| self.falls_into(idx));
            for source in self.jumps_to(idx).chain(falls) {
                if self.take_step().is_none() {
                    return Value::Unknown(UnknownType::Computed);
                }
                let value = match self.after(source, reg, around) {
                    After::Before(reg) => {
                        pending.push((source, reg));
                        continue;
                    }
                    After::Value(value) => value,
                    After::Load(base, disp) => self.load(source, base, disp, around, loads),
                };
                match (found, value) {
                    (_, Value::Unknown(why)) => return Value::Unknown(why),
                    (Some(before), value) if before != value => {
                        return Value::Unknown(UnknownType::PathsDiffer);
                    }
                    _ => found = Some(value),
                }
            }
        }
        // Nothing is found only in code that no path reaches.
        found.unwrap_or(Value::Unknown(UnknownType::Computed))
    }

    /// Where the value of `reg` after step `idx` comes from.
    fn after(&self, idx: usize, reg: Reg, around: &Surroundings) -> After {
        let unknown = |why| After::Value(Value::Unknown(why));
        match self.steps.get(idx).map(|step| step.flow) {
            Some(Flow::Call(target)) => {
                let keeps = (around.role_at)(target) == Some(Role::WriteBarrier)
                    && reg != self.write_barrier_result();
                return if keeps { After::Before(reg) } else { unknown(UnknownType::FromCall) };
            }
            Some(Flow::CallIndirect) | None => return unknown(UnknownType::FromCall),
            _ => {}
        }
        match self.definition(idx, reg) {
            Def::Kept => After::Before(reg),
            Def::Copy(from) => After::Before(from),
            Def::Address(addr) => After::Value(Value::Address(addr)),
            Def::LoadAt(addr) => After::Value(load_constant(addr, around)),
            Def::LoadVia(base, disp) => After::Load(base, disp),
            Def::LoadStack => unknown(UnknownType::FromStack),
            Def::Other => unknown(UnknownType::Computed),
        }
    }

    fn definition(&self, idx: usize, reg: Reg) -> Def {
        match self.arch {
            Arch::Amd64 => amd64::definition(self.bytes_at(idx), self.addr(idx), reg),
            Arch::Arm64 => {
                let before = idx.checked_sub(1).and_then(|prev| self.word(prev));
                self.word(idx)
                    .map_or(Def::Other, |word| arm64::definition(before, word, self.addr(idx), reg))
            }
        }
    }

    fn load(&self, idx: usize, base: Reg, disp: i64, around: &Surroundings, loads: u32) -> Value {
        let Some(loads) = loads.checked_sub(1) else {
            return Value::Unknown(UnknownType::FromMemory);
        };
        // The base is asked for on its own: a path that leads back here is followed again, up to
        // the limit, because the value behind the base differs each time round.
        match self.value_with(idx, base, around, loads) {
            Value::Address(addr) => load_constant(addr.wrapping_add_signed(disp), around),
            Value::Unknown(_) => Value::Unknown(UnknownType::FromMemory),
        }
    }

    fn write_barrier_result(&self) -> Reg {
        match self.arch {
            Arch::Amd64 => 11,
            Arch::Arm64 => 25,
        }
    }

    fn is_leader(&self, idx: usize) -> bool {
        !self.falls_into(idx) || self.jumps_to(idx).next().is_some()
    }

    /// Why a block can be entered in ways that the edges do not tell.
    fn other_ways_in(&self, idx: usize) -> Option<UnknownType> {
        if idx == 0 {
            return Some(UnknownType::FromCaller);
        }
        let has_edge = self.falls_into(idx) || self.jumps_to(idx).next().is_some();
        (self.has_unknown_jump || !has_edge).then_some(UnknownType::Computed)
    }

    /// Whether control can come to step `idx` from the step before it.
    fn falls_into(&self, idx: usize) -> bool {
        let before = idx.checked_sub(1).and_then(|prev| self.steps.get(prev));
        before.is_some_and(|step| {
            !matches!(step.flow, Flow::Jump(_) | Flow::JumpIndirect | Flow::Stop)
        })
    }

    fn jumps_to(&self, idx: usize) -> impl Iterator<Item = usize> + '_ {
        let from = self.jumps.partition_point(|jump| (jump.0 as usize) < idx);
        self.jumps
            .iter()
            .skip(from)
            .take_while(move |jump| jump.0 as usize == idx)
            .map(|jump| jump.1 as usize)
    }

    fn bytes_at(&self, idx: usize) -> &'c [u8] {
        let offset = self.steps.get(idx).map_or(0, |step| step.offset as usize);
        self.code.get(offset..).unwrap_or_default()
    }

    fn word(&self, idx: usize) -> Option<u32> {
        arm64::word_at(self.code, self.steps.get(idx)?.offset as usize)
    }

    fn addr(&self, idx: usize) -> u64 {
        let offset = self.steps.get(idx).map_or(0, |step| step.offset);
        self.start.wrapping_add(u64::from(offset))
    }
}

/// Where to look for a value that a register holds after a step.
enum After {
    /// In this register before the step.
    Before(Reg),
    Value(Value),
    /// In memory behind this register.
    Load(Reg, i64),
}

fn load_constant(addr: u64, around: &Surroundings) -> Value {
    match (around.constant_at)(addr) {
        Some(value) => Value::Address(value),
        None => Value::Unknown(UnknownType::FromMemory),
    }
}

#[cfg(test)]
mod tests;
