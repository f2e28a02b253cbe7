//! Where a register's value comes from: reaching definitions over the control flow of one function.
//!
//! 1. Decode the function once into [`Step`]s: where each instruction starts and where it leads.
//! 2. From the jumps make the edges of the control flow, jump tables included. Calls that never
//!    return have no way on.
//! 3. To ask for a register's value before a step, walk backwards along all paths to the
//!    instruction that wrote it, and through copies to the one before, also when they are kept in
//!    the stack frame in between. Of a type all paths must agree.
//!
//! The answer errs to one side only: an instruction, a call or a jump that is not understood makes
//! the value unknown. A path that leads back to a place already passed adds nothing, which is right
//! because between the two visits the value was only copied.
//!
//! What is kept in the stack frame is followed on the premise that nothing else writes there: the
//! compiler gives the values that it puts aside no address. Variables of the program may have one;
//! where the answer is not checked otherwise, slots near an address that is taken are unknown.

use std::cell::Cell;
use std::ops::ControlFlow;

use foldhash::{HashSet, HashSetExt};

use super::{UnknownType, amd64, arm64, callees::Role};
use crate::Arch;

/// Number of a general purpose register: 0 to 15 on amd64 in encoding order, 0 to 30 on arm64.
pub(super) type Reg = u8;

/// How deep loads through registers are followed: a dictionary, and one behind it.
const MAX_LOADS: u32 = 3;
/// Loads that a value is known by, those of callers included.
const MAX_ALL_LOADS: usize = 6;
/// Origins told of one value at most.
const MAX_ORIGINS: usize = 8;
/// Steps followed for one question about a map, and for all of a function in times its own: types are what matters more.
const MAX_MAP_STEPS: u64 = 2048;
const MAX_MAP_STEPS_TIMES: u64 = 16;
/// Steps in which a map that is put into another one is stored after the call that finds its place.
const NEAR: usize = 48;
/// Steps behind a call in which its result is put into the stack frame.
const NEAR_RESULT: usize = 6;
/// A map may stand in a variable so far above an address that is taken: behind a lock, for one. Units: bytes.
const TAKEN_BYTES: i64 = 32;
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
    /// What it may write, so that most instructions on a path need not be looked at.
    pub(super) writes: Places,
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

/// Where a value stands between two instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Reg(Reg),
    /// Eight bytes of the stack frame, by their distance from the stack pointer.
    Slot(i64),
}

/// Registers, and the stack frame as one. Shape: a bit for each register, the highest for the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Places(u32);

impl Places {
    pub(super) const NONE: Self = Places(0);
    pub(super) const ALL: Self = Places(u32::MAX);
    const REGISTERS: Self = Places(!Self::FRAME);
    const FRAME: u32 = 1 << 31;

    pub(super) fn with_register(self, reg: Reg) -> Self {
        Places(self.0 | 1 << reg)
    }

    /// These, and all slots of the frame, by a store or because the frame moves.
    pub(super) fn with_frame(self) -> Self {
        Places(self.0 | Self::FRAME)
    }

    pub(super) fn and(self, others: Self) -> Self {
        Places(self.0 | others.0)
    }

    pub(super) fn may_have(self, place: Place) -> bool {
        let wanted = match place {
            Place::Reg(reg) => 1 << reg,
            Place::Slot(_) => Self::FRAME,
        };
        self.0 & wanted != 0
    }
}

/// What one instruction leaves in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Def {
    /// The place keeps its value.
    Kept,
    /// The value of another place before the instruction.
    Copy(Place),
    /// An address or number in the instruction itself.
    Address(u64),
    /// The address of a slot of the stack frame.
    Frame(i64),
    /// Eight bytes from a fixed address.
    LoadAt(u64),
    /// Eight bytes from `[base + disp]`.
    LoadVia(Reg, i64),
    /// Eight bytes of the stack that are not followed.
    LoadStack,
    Other,
}

/// An instruction that stores eight bytes at `[base + disp]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Store {
    pub(super) base: Reg,
    pub(super) disp: i64,
    pub(super) value: Reg,
}

/// What a register holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Known(Origin),
    Unknown(UnknownType),
}

/// Where a value begins, as far as its function shows it, and the loads that lead from there to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) root: Root,
    pub(super) loads: Loads,
}

/// Where a value may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origins {
    pub(super) known: Vec<Origin>,
    /// Whether it is known on all paths.
    pub(super) are_all: bool,
}

/// Where a value begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Root {
    /// An address or number in the code, or in memory that the program cannot change.
    Constant(u64),
    /// What the caller left in this register.
    Parameter(Reg),
    /// What the call at this address left in this register.
    Result(u64, Reg),
    /// The address of this slot of the stack frame.
    Frame(i64),
    /// What stands at this address, in memory that the program can change: a variable of a package.
    Global(u64),
    /// What stands in this slot, which others may write: it is another value each time.
    Slot(i64),
}

/// The offsets of loads, the first load first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Loads {
    offsets: [i64; MAX_ALL_LOADS],
    len: u8,
}

impl Loads {
    pub(crate) fn as_slice(&self) -> &[i64] {
        self.offsets.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// These and one more behind them; `None` where that is too deep.
    fn then(mut self, offset: i64) -> Option<Self> {
        *self.offsets.get_mut(usize::from(self.len))? = offset;
        self.len += 1;
        Some(self)
    }

    /// These and others behind them; `None` where that is too deep.
    pub(crate) fn then_all(self, others: &Self) -> Option<Self> {
        others.as_slice().iter().try_fold(self, |loads, &offset| loads.then(offset))
    }
}

impl Root {
    fn at_once(self) -> Value {
        Value::Known(Origin { root: self, loads: Loads::default() })
    }
}

/// What the walk has to know about the rest of the program.
pub(super) struct Surroundings<'s> {
    /// The role of the function that starts at an address.
    pub(super) role_at: &'s dyn Fn(u64) -> Option<Role>,
    /// Eight bytes of memory that the running program cannot change.
    pub(super) constant_at: &'s dyn Fn(u64) -> Option<u64>,
}

/// A question about a value.
#[derive(Clone, Copy)]
struct Question<'q, 's> {
    around: &'q Surroundings<'s>,
    /// Whether the asker sees if the answer is right: at an address of a type stands a type.
    is_checked: bool,
}

/// The instructions of a function.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) steps: Vec<Step>,
    /// By step. Sortedness: by step.
    pub(super) stores: Vec<(usize, Store)>,
    /// Slots whose address is taken.
    pub(super) taken: Vec<i64>,
}

/// What stands in a basic block before a step.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The first step of the block.
    leader: u32,
    /// What the steps from there on may write.
    writes: Places,
}

/// One function, decoded, with its control flow.
pub(super) struct Routine<'c> {
    arch: Arch,
    code: &'c [u8],
    start: u64,
    steps: Vec<Step>,
    /// (target step, source step), sorted.
    jumps: Vec<(u32, u32)>,
    /// Shape: as long as `steps`.
    blocks: Vec<Block>,
    stores: Vec<(usize, Store)>,
    /// A jump whose targets could not be found: any block may be one.
    has_unknown_jump: bool,
    /// Steps that may still be followed for the question at hand.
    steps_left: Cell<u64>,
    /// Steps that may be followed for one question.
    most: Cell<u64>,
    /// Steps that may still be followed for others.
    reserve: Cell<u64>,
    /// Slots whose address some instruction takes. Shape: sorted.
    taken: Vec<i64>,
}

impl<'c> Routine<'c> {
    /// Decodes `code`, which starts at address `start`, and finds its control flow.
    pub(super) fn decode(arch: Arch, code: &'c [u8], start: u64, around: &Surroundings) -> Self {
        let Decoded { mut steps, stores, mut taken } = match arch {
            Arch::Amd64 => amd64::decode(code, start),
            Arch::Arm64 => arm64::decode(code, start),
        };
        for step in &mut steps {
            if let Flow::Call(target) = step.flow
                && (around.role_at)(target) == Some(Role::NeverReturns)
            {
                step.flow = Flow::Stop;
            }
        }
        taken.sort_unstable();
        taken.dedup();
        let reserve = MAX_STEPS + MAX_STEPS_TIMES * steps.len() as u64;
        let mut routine = Routine {
            arch,
            code,
            start,
            steps,
            jumps: Vec::new(),
            blocks: Vec::new(),
            stores,
            has_unknown_jump: false,
            steps_left: Cell::new(0),
            most: Cell::new(MAX_STEPS),
            reserve: Cell::new(reserve),
            taken,
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
        self.set_jumps(jumps);
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
        if !more.is_empty() {
            more.append(&mut self.jumps);
            self.set_jumps(more);
        }
    }

    fn set_jumps(&mut self, mut jumps: Vec<(u32, u32)>) {
        jumps.sort_unstable();
        jumps.dedup();
        self.jumps = jumps;
        let mut block = Block { leader: 0, writes: Places::NONE };
        self.blocks.clear();
        for (idx, step) in self.steps.iter().enumerate() {
            if !self.falls_into(idx) || self.is_jumped_to(idx) {
                block = Block { leader: idx as u32, writes: Places::NONE };
            }
            self.blocks.push(block);
            block.writes = block.writes.and(match step.flow {
                Flow::Call(_) | Flow::CallIndirect => Places::REGISTERS,
                _ => step.writes,
            });
        }
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
        let value = self.value_before(at, base, around);
        let Value::Known(Origin { root: Root::Constant(table), .. }) = value else {
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

    /// What `reg` holds when step `idx` is about to run, if all paths agree.
    ///
    /// Complexity: linear in the steps between the call and the definitions that reach it.
    pub(super) fn value_before(&self, idx: usize, reg: Reg, around: &Surroundings) -> Value {
        self.begin();
        self.value_with((idx, Place::Reg(reg)), Question { around, is_checked: true }, MAX_LOADS)
    }

    /// Where the map in `reg` may come from when step `idx` is about to run: what is known of it on any path.
    pub(super) fn origins_before(&self, idx: usize, reg: Reg, around: &Surroundings) -> Origins {
        self.begin();
        let mut origins = Origins { known: Vec::new(), are_all: true };
        let question = Question { around, is_checked: false };
        self.walk((idx, Place::Reg(reg)), question, MAX_LOADS, &mut |value| {
            match value {
                Value::Known(origin) if origins.known.contains(&origin) => {}
                Value::Known(origin) if origins.known.len() < MAX_ORIGINS => {
                    origins.known.push(origin);
                }
                _ => origins.are_all = false,
            }
            match origins.known.len() {
                MAX_ORIGINS if !origins.are_all => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        origins
    }

    /// From now on questions are about maps, which may take steps of their own.
    pub(super) fn begin_maps(&self) {
        self.steps_left.set(0);
        self.most.set(MAX_MAP_STEPS);
        self.reserve.set(MAX_MAP_STEPS_TIMES * self.steps.len() as u64);
    }

    /// What is stored, soon after the call at step `call`, where the pointer in its result points to.
    pub(super) fn stored_at_result(
        &self,
        call: usize,
        result: Reg,
        around: &Surroundings,
    ) -> Vec<Origin> {
        let place = Value::Known(Origin {
            root: Root::Result(self.addr(call), result),
            loads: Loads::default(),
        });
        let mut stored = Vec::new();
        let mut visited = HashSet::new();
        let mut pending = vec![call + 1];
        while let Some(idx) = pending.pop() {
            if visited.len() == NEAR || !visited.insert(idx) {
                continue;
            }
            if let Some(Store { base, disp: 0, value }) = self.store(idx)
                && self.value_before(idx, base, around) == place
            {
                stored.extend(self.origins_before(idx, value, around).known);
                continue;
            }
            pending.extend(self.next_of(idx, around));
        }
        stored
    }

    /// Where control may go after a step, not past calls other than those of the write barrier.
    fn next_of(&self, idx: usize, around: &Surroundings) -> impl Iterator<Item = usize> {
        let next = Some(idx + 1);
        let (falls, jumps) = match self.steps.get(idx).map(|step| step.flow) {
            Some(Flow::Next) => (next, None),
            Some(Flow::Branch(target)) => (next, self.step_at(target)),
            Some(Flow::Jump(target)) => (None, self.step_at(target)),
            Some(Flow::Call(target)) if (around.role_at)(target) == Some(Role::WriteBarrier) => {
                (next, None)
            }
            _ => (None, None),
        };
        falls.into_iter().chain(jumps)
    }

    /// All stores through registers, by step.
    pub(super) fn stores(&self) -> &[(usize, Store)] {
        &self.stores
    }

    /// The step at `addr` and the function that it calls.
    pub(super) fn call_at(&self, addr: u64) -> Option<(usize, u64)> {
        let idx = self.step_at(addr)?;
        match self.steps.get(idx)?.flow {
            Flow::Call(target) => Some((idx, target)),
            _ => None,
        }
    }

    /// Calls of functions with a role, by step.
    pub(super) fn calls_of(&self, role: Role, around: &Surroundings) -> Vec<(usize, u64)> {
        let called = self.steps.iter().enumerate().filter_map(|(idx, step)| match step.flow {
            Flow::Call(target) if (around.role_at)(target) == Some(role) => Some((idx, target)),
            _ => None,
        });
        called.collect()
    }

    /// Where in the stack frame, and how many bytes of, the result of the call at a step is stored right behind it.
    pub(super) fn result_stored_at(&self, call: usize) -> Option<(i64, usize)> {
        let behind = (call + 1..self.steps.len()).take(NEAR_RESULT);
        let mut behind = behind.take_while(|&idx| self.steps[idx].flow == Flow::Next);
        behind.find_map(|idx| match self.arch {
            Arch::Amd64 => amd64::result_stored_at(self.bytes_at(idx)),
            Arch::Arm64 => arm64::result_stored_at(self.word(idx)?),
        })
    }

    fn store(&self, idx: usize) -> Option<Store> {
        let found = self.stores.binary_search_by_key(&idx, |store| store.0).ok()?;
        Some(self.stores.get(found)?.1)
    }

    /// Gives the next question steps.
    fn begin(&self) {
        self.reserve.update(|reserve| reserve + self.steps_left.take());
        let steps = self.reserve.get().min(self.most.get());
        self.reserve.update(|reserve| reserve - steps);
        self.steps_left.set(steps);
    }

    fn value_with(&self, at: (usize, Place), question: Question<'_, '_>, loads: u32) -> Value {
        let mut found: Option<Value> = None;
        self.walk(at, question, loads, &mut |value| {
            let agreed = match (found, value) {
                (Some(before), Value::Known(_)) if before != value => {
                    Value::Unknown(UnknownType::PathsDiffer)
                }
                _ => value,
            };
            found = Some(agreed);
            match agreed {
                Value::Known(_) => ControlFlow::Continue(()),
                Value::Unknown(_) => ControlFlow::Break(()),
            }
        });
        // Nothing is found only in code that no path reaches.
        found.unwrap_or(Value::Unknown(UnknownType::Computed))
    }

    /// Tells what a place may hold when a step is about to run, once for each path on which that is known, or is known to be
    /// unknown.
    fn walk(
        &self,
        at: (usize, Place),
        question: Question<'_, '_>,
        loads: u32,
        tell: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) {
        if let After::Value(value) = self.before(at.1, question) {
            let _ = tell(value);
            return;
        }
        let mut visited = HashSet::new();
        let mut pending = vec![at];
        while let Some((idx, place)) = pending.pop() {
            let Some(&Block { leader, writes }) = self.blocks.get(idx) else { continue };
            let leader = leader as usize;
            let idx = if writes.may_have(place) { idx } else { leader };
            if idx == leader {
                if !visited.insert((idx, place)) || self.is_padding(idx) {
                    continue;
                }
                if let Some(value) = self.held_on_entry(idx, place) {
                    if tell(value).is_break() {
                        return;
                    }
                    continue;
                }
            }
            let falls = idx.checked_sub(1).filter(|_| self.falls_into(idx));
            let jumps = (idx == leader).then(|| self.jumps_to(idx));
            for source in jumps.into_iter().flatten().chain(falls) {
                let value = match self.take_step() {
                    None => Value::Unknown(UnknownType::Computed),
                    Some(()) => match self.after(source, place, question) {
                        After::Before(place) => {
                            pending.push((source, place));
                            continue;
                        }
                        After::Value(value) => value,
                        After::Load(base, disp) => self.load(source, base, disp, question, loads),
                    },
                };
                if tell(value).is_break() {
                    return;
                }
            }
        }
    }

    /// Where the value of a place after step `idx` comes from.
    fn after(&self, idx: usize, place: Place, question: Question<'_, '_>) -> After {
        let unknown = |why| After::Value(Value::Unknown(why));
        let Some(step) = self.steps.get(idx) else { return unknown(UnknownType::FromCall) };
        match (step.flow, place) {
            // What is called has a frame of its own.
            (Flow::Call(_) | Flow::CallIndirect, Place::Slot(_)) => {
                return After::Before(place);
            }
            (Flow::Call(target), Place::Reg(reg)) => {
                let keeps = (question.around.role_at)(target) == Some(Role::WriteBarrier)
                    && reg != self.write_barrier_result();
                return match keeps {
                    true => After::Before(place),
                    false => After::Value(Root::Result(self.addr(idx), reg).at_once()),
                };
            }
            (Flow::CallIndirect, Place::Reg(reg)) => {
                return After::Value(Root::Result(self.addr(idx), reg).at_once());
            }
            _ if !step.writes.may_have(place) => return After::Before(place),
            _ => {}
        }
        match self.definition(idx, place) {
            Def::Kept => After::Before(place),
            Def::Copy(from) => self.before(from, question),
            Def::Address(addr) => After::Value(Root::Constant(addr).at_once()),
            Def::Frame(slot) => After::Value(Root::Frame(slot).at_once()),
            Def::LoadAt(addr) => After::Value(load_constant(addr, question.around)),
            Def::LoadVia(base, disp) => After::Load(base, disp),
            Def::LoadStack => unknown(UnknownType::FromStack),
            Def::Other => unknown(UnknownType::Computed),
        }
    }

    /// Looks in a place, unless it may be of a variable whose address is taken, so that others may write it, and nobody checks
    /// the answer.
    fn before(&self, place: Place, question: Question<'_, '_>) -> After {
        let is_taken = |slot| {
            let below = self.taken.partition_point(|&from| from <= slot);
            let nearest = self.taken.get(..below).and_then(|taken| taken.last());
            nearest.is_some_and(|nearest| slot - nearest < TAKEN_BYTES)
        };
        match place {
            Place::Slot(slot) if !question.is_checked && is_taken(slot) => {
                After::Value(Root::Slot(slot).at_once())
            }
            _ => After::Before(place),
        }
    }

    fn definition(&self, idx: usize, place: Place) -> Def {
        match self.arch {
            Arch::Amd64 => amd64::definition(self.bytes_at(idx), self.addr(idx), place),
            Arch::Arm64 => {
                let before = idx.checked_sub(1).and_then(|prev| self.word(prev));
                let of = |word| arm64::definition(before, word, self.addr(idx), place);
                self.word(idx).map_or(Def::Other, of)
            }
        }
    }

    fn load(
        &self,
        idx: usize,
        base: Reg,
        disp: i64,
        question: Question<'_, '_>,
        loads: u32,
    ) -> Value {
        let from_memory = Value::Unknown(UnknownType::FromMemory);
        let Some(loads) = loads.checked_sub(1) else { return from_memory };
        // The base is asked for on its own: a path that leads back here is followed again, up to
        // the limit, because the value behind the base differs each time round.
        match self.value_with((idx, Place::Reg(base)), question, loads) {
            Value::Known(Origin { root: Root::Constant(addr), .. }) => {
                load_constant(addr.wrapping_add_signed(disp), question.around)
            }
            // What is loaded through the address of a slot is not followed.
            Value::Known(Origin { root: Root::Frame(_), .. }) => from_memory,
            Value::Known(Origin { root, loads }) => {
                let loads = loads.then(disp);
                loads.map_or(from_memory, |loads| Value::Known(Origin { root, loads }))
            }
            Value::Unknown(_) => from_memory,
        }
    }

    fn write_barrier_result(&self) -> Reg {
        match self.arch {
            Arch::Amd64 => 11,
            Arch::Arm64 => 25,
        }
    }

    /// Whether a block that no jump leads to is there to align the next one: nothing comes through it.
    fn is_padding(&self, idx: usize) -> bool {
        let does_nothing = || match self.arch {
            Arch::Amd64 => amd64::does_nothing(self.bytes_at(idx)),
            Arch::Arm64 => self.word(idx) == Some(arm64::NOP),
        };
        idx != 0 && !self.has_edge(idx) && !self.has_unknown_jump && does_nothing()
    }

    /// What a place holds at the start of a block that can be entered in ways that the edges do not tell.
    fn held_on_entry(&self, idx: usize, place: Place) -> Option<Value> {
        if idx == 0 {
            // What leads back here has put the parameters where they were: it made the stack larger.
            return Some(match place {
                Place::Reg(reg) => Root::Parameter(reg).at_once(),
                Place::Slot(_) => Value::Unknown(UnknownType::FromCaller),
            });
        }
        let is_unknown = self.has_unknown_jump || !self.has_edge(idx);
        is_unknown.then_some(Value::Unknown(UnknownType::Computed))
    }

    /// Whether some step that is known leads to step `idx`.
    fn has_edge(&self, idx: usize) -> bool {
        self.falls_into(idx) || self.is_jumped_to(idx)
    }

    fn is_jumped_to(&self, idx: usize) -> bool {
        self.jumps_to(idx).next().is_some()
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

    /// The address of a step.
    pub(super) fn addr(&self, idx: usize) -> u64 {
        let offset = self.steps.get(idx).map_or(0, |step| step.offset);
        self.start.wrapping_add(u64::from(offset))
    }
}

/// Where to look for a value that a register holds after a step.
enum After {
    /// In this place before the step.
    Before(Place),
    Value(Value),
    /// In memory behind this register.
    Load(Reg, i64),
}

fn load_constant(addr: u64, around: &Surroundings) -> Value {
    match (around.constant_at)(addr) {
        Some(value) => Root::Constant(value).at_once(),
        None => Root::Global(addr).at_once(),
    }
}

#[cfg(test)]
mod tests;
