//! Ranges of time: the world is stopped, the collector marks, a proc sweeps, a goroutine assists.

use gotrace::{Ev, GoId, ProcId};

use super::{GcState, Order, Outcome, Step};
use crate::error::Contradiction;
use crate::event::{EventKind, Range};

/// Notes that a range begins, which must not have begun already.
fn open(is_open: &mut bool) -> Result<(), Contradiction> {
    if std::mem::replace(is_open, true) { Err(Contradiction::RangeOpen) } else { Ok(()) }
}

/// Notes that a range ends, which must have begun.
fn close(is_open: &mut bool) -> Result<(), Contradiction> {
    if std::mem::replace(is_open, false) { Ok(()) } else { Err(Contradiction::RangeNotOpen) }
}

/// Notes that a range goes on: news in the first generation, later it must have begun.
fn go_on(is_open: &mut bool, is_first_generation: bool) -> Result<(), Contradiction> {
    match (is_first_generation, *is_open) {
        (true, _) => open(is_open),
        (false, true) => Ok(()),
        (false, false) => Err(Contradiction::RangeNotOpen),
    }
}

fn assist_of(id: u64) -> Range {
    Range::MarkAssist { goroutine: Some(GoId(id)) }
}

impl Order {
    pub(super) fn stop_the_world(&mut self, step: &mut Step) -> Outcome {
        let (_, slot) = self.need_both(step)?;
        let [reason, stack, ..] = step.timed.args();
        let is_begin = step.timed.ev == Ev::STW_BEGIN;
        let goroutine = &mut self.goroutines[slot as usize];
        let id = Some(GoId(goroutine.id));
        if !is_begin {
            if goroutine.stops.is_empty() {
                return Err(Contradiction::RangeNotOpen);
            }
            let reason = goroutine.stops.swap_remove(0);
            let range = Range::StopTheWorld { goroutine: id, reason: self.string(step, reason) };
            return Ok(Some(self.event(step, EventKind::RangeEnd(range))));
        }
        if goroutine.stops.contains(&reason) {
            return Err(Contradiction::RangeOpen);
        }
        goroutine.stops.push(reason);
        let range = Range::StopTheWorld { goroutine: id, reason: self.string(step, reason) };
        Ok(Some(self.event_with(step, stack, EventKind::RangeBegin(range))))
    }

    pub(super) fn gc_active(&mut self, step: &mut Step) -> Outcome {
        let [seq, ..] = step.timed.args();
        if self.is_first_generation(step) {
            if self.gc != GcState::Undetermined {
                return Err(Contradiction::GcState);
            }
        } else {
            if seq != self.gc_seq.wrapping_add(1) {
                return Ok(None);
            }
            if self.gc != GcState::Marking {
                return Err(Contradiction::GcState);
            }
            self.need_both(step)?;
        }
        (self.gc, self.gc_seq) = (GcState::Marking, seq);
        Ok(Some(self.event(step, EventKind::RangeActive(Range::GcMark))))
    }

    pub(super) fn gc_begin(&mut self, step: &mut Step) -> Outcome {
        let [seq, stack, ..] = step.timed.args();
        if self.gc != GcState::Undetermined {
            if seq != self.gc_seq.wrapping_add(1) {
                return Ok(None);
            }
            if self.gc == GcState::Marking {
                return Err(Contradiction::GcState);
            }
            self.need_both(step)?;
        }
        (self.gc, self.gc_seq) = (GcState::Marking, seq);
        Ok(Some(self.event_with(step, stack, EventKind::RangeBegin(Range::GcMark))))
    }

    pub(super) fn gc_end(&mut self, step: &mut Step) -> Outcome {
        let [seq, ..] = step.timed.args();
        if seq != self.gc_seq.wrapping_add(1) {
            return Ok(None);
        }
        if self.gc != GcState::Marking {
            return Err(Contradiction::GcState);
        }
        self.need_both(step)?;
        (self.gc, self.gc_seq) = (GcState::Off, seq);
        Ok(Some(self.event(step, EventKind::RangeEnd(Range::GcMark))))
    }

    pub(super) fn sweep(&mut self, step: &mut Step) -> Outcome {
        let slot = self.need_proc(step)?;
        let proc = &mut self.procs[slot as usize];
        let id = Some(ProcId(proc.id));
        let [first, second, ..] = step.timed.args();
        if step.timed.ev == Ev::GC_SWEEP_BEGIN {
            open(&mut proc.is_sweeping)?;
            let range = Range::Sweep { proc: id, swept_bytes: 0, reclaimed_bytes: 0 };
            return Ok(Some(self.event_with(step, first, EventKind::RangeBegin(range))));
        }
        close(&mut proc.is_sweeping)?;
        let range = Range::Sweep { proc: id, swept_bytes: first, reclaimed_bytes: second };
        Ok(Some(self.event(step, EventKind::RangeEnd(range))))
    }

    /// The proc need not be the one of the thread.
    pub(super) fn sweep_active(&mut self, step: &mut Step) -> Outcome {
        let [id, ..] = step.timed.args();
        let is_first = self.is_first_generation(step);
        let &slot = self.proc_slots.get(&id).ok_or(Contradiction::UnknownProc(id))?;
        go_on(&mut self.procs[slot as usize].is_sweeping, is_first)?;
        let range = Range::Sweep { proc: Some(ProcId(id)), swept_bytes: 0, reclaimed_bytes: 0 };
        Ok(Some(self.event(step, EventKind::RangeActive(range))))
    }

    pub(super) fn assist(&mut self, step: &mut Step) -> Outcome {
        let (_, slot) = self.need_both(step)?;
        let goroutine = &mut self.goroutines[slot as usize];
        let range = assist_of(goroutine.id);
        if step.timed.ev == Ev::GC_MARK_ASSIST_BEGIN {
            open(&mut goroutine.is_assisting)?;
            let [stack, ..] = step.timed.args();
            return Ok(Some(self.event_with(step, stack, EventKind::RangeBegin(range))));
        }
        close(&mut goroutine.is_assisting)?;
        Ok(Some(self.event(step, EventKind::RangeEnd(range))))
    }

    /// The goroutine need not run.
    pub(super) fn assist_active(&mut self, step: &mut Step) -> Outcome {
        let [id, ..] = step.timed.args();
        let is_first = self.is_first_generation(step);
        let &slot = self.goroutine_slots.get(&id).ok_or(Contradiction::UnknownGoroutine(id))?;
        go_on(&mut self.goroutines[slot as usize].is_assisting, is_first)?;
        Ok(Some(self.event(step, EventKind::RangeActive(assist_of(id)))))
    }
}
