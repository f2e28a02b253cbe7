//! Goroutines: created, started, stopped, blocked and unblocked, in and out of system calls.

use gotrace::format::NONE;
use gotrace::{Ev, GoId, StackId, StrId};

use super::procs::ProcStatus;
use super::{NO_SLOT, Order, Outcome, Seq, Step, event_in};
use crate::error::Contradiction;
use crate::event::{Context, Event, EventKind, GoState};

/// A goroutine.
#[derive(Debug)]
pub(crate) struct Goroutine {
    /// `NONE` once it is gone.
    pub(super) id: u64,
    pub(super) state: GoState,
    pub(super) seq: Seq,
    /// Regions that have begun: task and type. The innermost is last.
    pub(super) regions: Vec<(u64, Box<str>)>,
    /// Reasons, by their ids on the wire, for which it stopped the world.
    pub(super) stops: Vec<u64>,
    pub(super) is_assisting: bool,
}

/// The state by its number on the wire.
fn state_from_wire(number: u64) -> Result<GoState, Contradiction> {
    match number {
        1 => Ok(GoState::Runnable),
        2 => Ok(GoState::Running),
        3 => Ok(GoState::Syscall),
        4 => Ok(GoState::Waiting),
        _ => Err(Contradiction::BadStatus(number)),
    }
}

/// A transition without reason and stack.
fn go(id: u64, from: GoState, to: GoState) -> EventKind {
    go_because(id, from, to, StrId::EMPTY, StackId::NONE)
}

fn go_because(id: u64, from: GoState, to: GoState, reason: StrId, stack: StackId) -> EventKind {
    EventKind::Go { goroutine: GoId(id), from, to, reason, stack }
}

impl Order {
    fn add_goroutine(&mut self, id: u64, state: GoState, seq: Seq) -> u32 {
        let (regions, stops) = (Vec::new(), Vec::new());
        let goroutine = Goroutine { id, state, seq, regions, stops, is_assisting: false };
        let slot = match self.free_slots.pop() {
            Some(slot) => {
                self.goroutines[slot as usize] = goroutine;
                slot
            }
            None => {
                self.goroutines.push(goroutine);
                (self.goroutines.len() - 1) as u32
            }
        };
        self.goroutine_slots.insert(id, slot);
        slot
    }

    fn remove_goroutine(&mut self, slot: u32) {
        let goroutine = &mut self.goroutines[slot as usize];
        self.goroutine_slots.remove(&goroutine.id);
        goroutine.id = NONE;
        self.free_slots.push(slot);
    }

    /// Binds a goroutine to the thread of the event, if it has one.
    #[inline]
    fn run(&mut self, step: &Step, slot: u32) {
        let id = self.goroutines[slot as usize].id;
        if let Some(thread) = self.threads.get_mut(step.thread.0 as usize) {
            (thread.goroutine, thread.goroutine_id) = (slot, id);
        }
    }

    #[inline]
    fn run_none(&mut self, step: &Step) {
        if let Some(thread) = self.threads.get_mut(step.thread.0 as usize) {
            (thread.goroutine, thread.goroutine_id) = (NO_SLOT, NONE);
        }
    }

    /// Fails when the goroutine is in another state.
    #[inline]
    fn check_state(&self, slot: u32, state: GoState) -> Result<u64, Contradiction> {
        let goroutine = &self.goroutines[slot as usize];
        if goroutine.state == state {
            Ok(goroutine.id)
        } else {
            Err(Contradiction::GoroutineState(goroutine.id))
        }
    }

    pub(super) fn go_status(&mut self, step: &mut Step) -> Outcome {
        let [id, thread, number, stack] = step.timed.args();
        let state = state_from_wire(number)?;
        let (slot, from) = self.go_named(step, id, state)?;
        let mut context = self.context(step.thread);
        match state {
            GoState::Running => self.run(step, slot),
            GoState::Syscall => self.go_named_in_syscall(step, slot, thread, &mut context)?,
            _ => {}
        }
        let has_stack = step.timed.ev == Ev::GO_STATUS_STACK;
        let stack = if has_stack { self.stack(step, stack) } else { StackId::NONE };
        let kind = go_because(id, from, state, StrId::EMPTY, stack);
        Ok(Some(Event { stack, ..event_in(context, step, kind) }))
    }

    /// The goroutine of a status event and the state it was in before.
    fn go_named(
        &mut self,
        step: &Step,
        id: u64,
        state: GoState,
    ) -> Result<(u32, GoState), Contradiction> {
        let seq = Seq::start(step.generation);
        if let Some(&slot) = self.goroutine_slots.get(&id) {
            self.check_state(slot, state)?;
            self.goroutines[slot as usize].seq = seq;
            return Ok((slot, state));
        }
        if !self.is_first_generation(step) {
            return Err(Contradiction::UnknownGoroutine(id));
        }
        Ok((self.add_goroutine(id, state, seq), GoState::Undetermined))
    }

    /// Binds a goroutine that is in a system call to the thread that the event names. When that is not the thread of
    /// the event, it sat there for a whole generation, and the context is that of the named thread.
    fn go_named_in_syscall(
        &mut self,
        step: &Step,
        slot: u32,
        named: u64,
        context: &mut Context,
    ) -> Result<(), Contradiction> {
        let id = self.goroutines[slot as usize].id;
        if named == NONE {
            return Err(Contradiction::NoThread);
        }
        if named == context.thread {
            // Later on the binding must have been seen.
            if !self.is_first_generation(step) && context.goroutine != id {
                return Err(Contradiction::ThreadBinding(named));
            }
            self.run(step, slot);
            return Ok(());
        }
        let thread = self.thread_slot(named);
        let thread = &mut self.threads[thread.0 as usize];
        if thread.is_seen {
            if thread.goroutine_id != id {
                return Err(Contradiction::ThreadBinding(named));
            }
            context.goroutine = id;
        } else {
            (thread.is_seen, thread.goroutine, thread.goroutine_id) = (true, slot, id);
        }
        context.thread = named;
        Ok(())
    }

    pub(super) fn go_create(&mut self, step: &mut Step) -> Outcome {
        let [id, new_stack, stack, _] = step.timed.args();
        self.need_proc(step)?;
        // A goroutine need not run here, but if one does, it runs.
        if self.need_thread(step)?.goroutine != NO_SLOT
            && let Ok(creator) = self.need_goroutine(step)
        {
            self.check_state(creator, GoState::Running)?;
        }
        if self.goroutine_slots.contains_key(&id) {
            return Err(Contradiction::GoroutineExists(id));
        }
        let is_blocked = step.timed.ev == Ev::GO_CREATE_BLOCKED;
        let state = if is_blocked { GoState::Waiting } else { GoState::Runnable };
        self.add_goroutine(id, state, Seq::start(step.generation));
        let new_stack = self.stack(step, new_stack);
        let kind = go_because(id, GoState::NotExist, state, StrId::EMPTY, new_stack);
        Ok(Some(self.event_with(step, stack, kind)))
    }

    pub(super) fn go_start(&mut self, step: &mut Step) -> Outcome {
        let [id, n, ..] = step.timed.args();
        let seq = Seq { generation: step.generation, n };
        let Some(slot) = self.ready(id, GoState::Runnable, seq) else { return Ok(None) };
        self.need_proc(step)?;
        if self.need_thread(step)?.goroutine != NO_SLOT {
            return Err(Contradiction::HasGoroutine);
        }
        let event = self.event(step, go(id, GoState::Runnable, GoState::Running));
        self.set(slot, GoState::Running, seq);
        self.run(step, slot);
        Ok(Some(event))
    }

    /// The goroutine, if it is in this state and the sequence number is the next one.
    #[inline]
    fn ready(&self, id: u64, state: GoState, seq: Seq) -> Option<u32> {
        let &slot = self.goroutine_slots.get(&id)?;
        let goroutine = &self.goroutines[slot as usize];
        (goroutine.state == state && goroutine.seq.is_followed_by(seq)).then_some(slot)
    }

    #[inline]
    fn set(&mut self, slot: u32, state: GoState, seq: Seq) {
        let goroutine = &mut self.goroutines[slot as usize];
        (goroutine.state, goroutine.seq) = (state, seq);
    }

    /// The running goroutine ends, yields or blocks.
    pub(super) fn go_stop_running(&mut self, step: &mut Step) -> Outcome {
        let (_, slot) = self.need_both(step)?;
        let id = self.check_state(slot, GoState::Running)?;
        let to = match step.timed.ev {
            Ev::GO_STOP => GoState::Runnable,
            Ev::GO_BLOCK => GoState::Waiting,
            _ => GoState::NotExist,
        };
        let event = if to == GoState::NotExist {
            let event = self.event(step, go(id, GoState::Running, to));
            self.remove_goroutine(slot);
            event
        } else {
            let [reason, stack, ..] = step.timed.args();
            let (reason, stack) = (self.string(step, reason), self.stack(step, stack));
            self.goroutines[slot as usize].state = to;
            let kind = go_because(id, GoState::Running, to, reason, stack);
            Event { stack, ..self.event(step, kind) }
        };
        self.run_none(step);
        Ok(Some(event))
    }

    pub(super) fn go_unblock(&mut self, step: &mut Step) -> Outcome {
        let [id, n, stack, _] = step.timed.args();
        let seq = Seq { generation: step.generation, n };
        let Some(slot) = self.ready(id, GoState::Waiting, seq) else { return Ok(None) };
        self.set(slot, GoState::Runnable, seq);
        // Anyone can unblock, also a thread without proc and goroutine.
        let kind = go(id, GoState::Waiting, GoState::Runnable);
        Ok(Some(self.event_with(step, stack, kind)))
    }

    /// Three events in one: the next goroutine is unblocked, the current one blocks or ends, the next one starts.
    pub(super) fn go_switch(&mut self, step: &mut Step) -> Outcome {
        let [next_id, n, ..] = step.timed.args();
        let seq = Seq { generation: step.generation, n };
        let (_, slot) = self.need_both(step)?;
        let id = self.check_state(slot, GoState::Running)?;
        let Some(next) = self.ready(next_id, GoState::Waiting, seq) else { return Ok(None) };
        let unblock = self.event(step, go(next_id, GoState::Waiting, GoState::Runnable));
        let is_end = step.timed.ev == Ev::GO_SWITCH_DESTROY;
        let to = if is_end { GoState::NotExist } else { GoState::Waiting };
        self.pending.push_back(self.event(step, go(id, GoState::Running, to)));
        if is_end {
            self.remove_goroutine(slot);
        } else {
            self.goroutines[slot as usize].state = GoState::Waiting;
        }
        self.run_none(step);
        let start = self.event(step, go(next_id, GoState::Runnable, GoState::Running));
        self.pending.push_back(start);
        self.set(next, GoState::Running, seq);
        self.run(step, next);
        Ok(Some(unblock))
    }

    pub(super) fn go_syscall_begin(&mut self, step: &mut Step) -> Outcome {
        let [n, stack, ..] = step.timed.args();
        let (proc, slot) = self.need_both(step)?;
        let id = self.check_state(slot, GoState::Running)?;
        let seq = Seq { generation: step.generation, n };
        let proc = &mut self.procs[proc as usize];
        // The sequence number tells the system calls of one proc apart for those who steal it. The proc is held, so no
        // other thread has to go first.
        if !proc.seq.is_followed_by(seq) {
            return Err(Contradiction::ProcSequence(proc.id));
        }
        (proc.status, proc.seq) = (ProcStatus::Syscall, seq);
        self.goroutines[slot as usize].state = GoState::Syscall;
        let stack = self.stack(step, stack);
        let kind = go_because(id, GoState::Running, GoState::Syscall, StrId::EMPTY, stack);
        Ok(Some(Event { stack, ..self.event(step, kind) }))
    }

    pub(super) fn go_syscall_end(&mut self, step: &mut Step) -> Outcome {
        let (proc, slot) = self.need_both(step)?;
        let id = self.check_state(slot, GoState::Syscall)?;
        let proc = &mut self.procs[proc as usize];
        if proc.status != ProcStatus::Syscall {
            return Err(Contradiction::ProcState(proc.id));
        }
        proc.status = ProcStatus::Running;
        self.goroutines[slot as usize].state = GoState::Running;
        Ok(Some(self.event(step, go(id, GoState::Syscall, GoState::Running))))
    }

    pub(super) fn go_syscall_end_blocked(&mut self, step: &mut Step) -> Outcome {
        let thread = *self.need_thread(step)?;
        // The proc is lost during such a call; until it is, the call goes on. One that was got anew is not in a call.
        let proc = self.procs.get(thread.proc as usize);
        if proc.is_some_and(|proc| proc.status == ProcStatus::Syscall) {
            return Ok(None);
        }
        let slot = self.need_goroutine(step)?;
        let id = self.check_state(slot, GoState::Syscall)?;
        let event = self.event(step, go(id, GoState::Syscall, GoState::Runnable));
        self.goroutines[slot as usize].state = GoState::Runnable;
        self.run_none(step);
        Ok(Some(event))
    }

    /// A thread of C calls into Go.
    pub(super) fn go_create_syscall(&mut self, step: &mut Step) -> Outcome {
        let [id, ..] = step.timed.args();
        if self.need_thread(step)?.goroutine != NO_SLOT {
            return Err(Contradiction::HasGoroutine);
        }
        if self.goroutine_slots.contains_key(&id) {
            return Err(Contradiction::GoroutineExists(id));
        }
        let event = self.event(step, go(id, GoState::NotExist, GoState::Syscall));
        let slot = self.add_goroutine(id, GoState::Syscall, Seq::start(step.generation));
        self.run(step, slot);
        Ok(Some(event))
    }

    /// A thread of C is done with Go. A proc that it still holds is left behind: the id of the thread may be used again,
    /// and who then steals the proc would seem to steal from that one.
    pub(super) fn go_destroy_syscall(&mut self, step: &mut Step) -> Outcome {
        let slot = self.need_goroutine(step)?;
        let id = self.check_state(slot, GoState::Syscall)?;
        let destroy = self.event(step, go(id, GoState::Syscall, GoState::NotExist));
        let held = self.need_thread(step)?.proc;
        self.remove_goroutine(slot);
        self.run_none(step);
        let Some(proc) = self.procs.get_mut(held as usize) else { return Ok(Some(destroy)) };
        if proc.status != ProcStatus::Syscall {
            return Err(Contradiction::ProcState(proc.id));
        }
        proc.status = ProcStatus::Abandoned;
        let proc_id = proc.id;
        let steal = self.steal_event(step, proc_id, ProcStatus::Syscall);
        self.need_thread(step)?.proc = NO_SLOT;
        self.pending.push_back(destroy);
        // Still in the context of the goroutine.
        Ok(Some(Event { context: destroy.context, ..steal }))
    }
}
