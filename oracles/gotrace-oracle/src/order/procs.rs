//! Procs: held by a thread, idle, or left behind in a system call, where others may steal them.

use gotrace::ProcId;

use super::{NO_SLOT, Order, Outcome, Seq, Step, ThreadSlot, event_in};
use crate::error::Contradiction;
use crate::event::{Context, Event, EventKind, ProcState};

/// Status of a proc, with its number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProcStatus {
    Running = 1,
    Idle = 2,
    /// Its thread is in a system call: others may steal it.
    Syscall = 3,
    /// As `Syscall`, but which thread it is has been lost.
    Abandoned = 4,
}

impl ProcStatus {
    fn from_wire(number: u64) -> Result<Self, Contradiction> {
        match number {
            1 => Ok(Self::Running),
            2 => Ok(Self::Idle),
            3 => Ok(Self::Syscall),
            4 => Ok(Self::Abandoned),
            _ => Err(Contradiction::BadStatus(number)),
        }
    }

    fn state(self) -> ProcState {
        match self {
            Self::Running | Self::Syscall => ProcState::Running,
            Self::Idle | Self::Abandoned => ProcState::Idle,
        }
    }
}

/// A proc.
#[derive(Debug)]
pub(crate) struct Proc {
    pub(super) id: u64,
    pub(super) status: ProcStatus,
    pub(super) seq: Seq,
    /// Whether it sweeps.
    pub(super) is_sweeping: bool,
}

impl Order {
    pub(super) fn proc_status(&mut self, step: &mut Step) -> Outcome {
        let [id, number, ..] = step.timed.args();
        let status = ProcStatus::from_wire(number)?;
        let seq = Seq::start(step.generation);
        let kind = |from, to| EventKind::Proc { proc: ProcId(id), from, to };
        let (slot, from) = match self.proc_slots.get(&id) {
            Some(&slot) => {
                let proc = &mut self.procs[slot as usize];
                proc.seq = seq;
                let was = proc.status;
                if status == ProcStatus::Abandoned && was == ProcStatus::Syscall {
                    // Nothing is lost: it is known who holds it. The event belongs to that thread, not to the one that
                    // is about to steal it.
                    let context = self.context_of_holder(slot, id)?;
                    let kind = kind(ProcState::Running, ProcState::Running);
                    return Ok(Some(event_in(context, step, kind)));
                }
                if was != status {
                    return Err(Contradiction::ProcState(id));
                }
                (slot, status.state())
            }
            None => {
                let is_first = self.is_first_generation(step);
                let slot = self.add_proc(Proc { id, status, seq, is_sweeping: false });
                (slot, if is_first { ProcState::Undetermined } else { ProcState::NotExist })
            }
        };
        let event = self.event(step, kind(from, status.state()));
        if matches!(status, ProcStatus::Running | ProcStatus::Syscall) {
            self.hold(step, slot);
        }
        Ok(Some(event))
    }

    fn add_proc(&mut self, proc: Proc) -> u32 {
        let slot = self.procs.len() as u32;
        self.proc_slots.insert(proc.id, slot);
        self.procs.push(proc);
        slot
    }

    /// Binds a proc to the thread of the event, if it has one.
    fn hold(&mut self, step: &Step, proc: u32) {
        if let Some(thread) = self.threads.get_mut(step.thread.0 as usize) {
            thread.proc = proc;
        }
    }

    fn context_of_holder(&self, proc: u32, id: u64) -> Result<Context, Contradiction> {
        let holder = self.threads.iter().position(|thread| thread.is_seen && thread.proc == proc);
        let holder = holder.ok_or(Contradiction::ProcState(id))?;
        Ok(self.context(ThreadSlot(holder as u32)))
    }

    pub(super) fn proc_start(&mut self, step: &mut Step) -> Outcome {
        let [id, n, ..] = step.timed.args();
        let seq = Seq { generation: step.generation, n };
        let Some(&slot) = self.proc_slots.get(&id) else { return Ok(None) };
        let proc = &self.procs[slot as usize];
        // A thread that still holds a proc is in a system call, and has not been stolen from yet.
        let has_proc =
            self.threads.get(step.thread.0 as usize).is_some_and(|thread| thread.proc != NO_SLOT);
        if proc.status != ProcStatus::Idle || !proc.seq.is_followed_by(seq) || has_proc {
            return Ok(None);
        }
        self.need_thread(step)?;
        let kind =
            EventKind::Proc { proc: ProcId(id), from: ProcState::Idle, to: ProcState::Running };
        let event = self.event(step, kind);
        let proc = &mut self.procs[slot as usize];
        (proc.status, proc.seq) = (ProcStatus::Running, seq);
        self.hold(step, slot);
        Ok(Some(event))
    }

    pub(super) fn proc_stop(&mut self, step: &mut Step) -> Outcome {
        let slot = self.need_proc(step)?;
        let id = self.procs[slot as usize].id;
        let kind =
            EventKind::Proc { proc: ProcId(id), from: ProcState::Running, to: ProcState::Idle };
        let event = self.event(step, kind);
        let proc = &mut self.procs[slot as usize];
        if !matches!(proc.status, ProcStatus::Running | ProcStatus::Syscall) {
            return Err(Contradiction::ProcState(id));
        }
        proc.status = ProcStatus::Idle;
        self.need_thread(step)?.proc = NO_SLOT;
        Ok(Some(event))
    }

    pub(super) fn proc_steal(&mut self, step: &mut Step) -> Outcome {
        let [id, n, victim, ..] = step.timed.args();
        let seq = Seq { generation: step.generation, n };
        let Some(&slot) = self.proc_slots.get(&id) else { return Ok(None) };
        let proc = &mut self.procs[slot as usize];
        let was = proc.status;
        let can_be_stolen = matches!(was, ProcStatus::Syscall | ProcStatus::Abandoned);
        if !can_be_stolen || !proc.seq.is_followed_by(seq) {
            return Ok(None);
        }
        (proc.status, proc.seq) = (ProcStatus::Idle, seq);
        self.need_thread(step)?;
        let event = self.steal_event(step, id, was);
        // Who held an abandoned proc may have gone on with something else.
        if was == ProcStatus::Syscall {
            self.take_from(victim, slot)?;
        }
        Ok(Some(event))
    }

    /// The event of a proc that is stolen; `was` is its status before.
    pub(super) fn steal_event(&self, step: &Step, id: u64, was: ProcStatus) -> Event {
        let kind = EventKind::Proc { proc: ProcId(id), from: was.state(), to: ProcState::Idle };
        self.event(step, kind)
    }

    fn take_from(&mut self, victim: u64, proc: u32) -> Result<(), Contradiction> {
        let slot = self.thread_slots.get(&victim).copied().unwrap_or(NO_SLOT);
        match self.threads.get_mut(slot as usize) {
            Some(thread) if thread.proc == proc => {
                // It can leave the system call now.
                thread.proc = NO_SLOT;
                Ok(())
            }
            _ => Err(Contradiction::ThreadBinding(victim)),
        }
    }
}
