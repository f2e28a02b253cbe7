//! The state machine of threads, procs and goroutines that says which event can come next.
//!
//! Words: a *status event* names something in the state it is in, once in each generation before anything else says
//! something about it. A *sequence number* counts the events about one goroutine or proc that may come from any thread,
//! from 0 at its status event or creation. A thread *holds* a proc and *runs* a goroutine; both may be none.
//!
//! Rules, for the next event of a thread:
//! 1. It is *not ready* when it names a goroutine, proc or collector cycle that is not in the state, or not at the sequence
//!    number, that the event needs: another thread has to go first.
//! 2. It is a *contradiction* when the thread itself is not in the state that the event needs: no other thread can mend
//!    that.
//! 3. Else it happens: states change, and one event comes out, or up to three where the wire has one for several.
//!
//! Source: `src/internal/trace/order.go` (Go 1.27), which reads the traces of all versions since Go 1.22.

mod annotations;
mod goroutines;
mod procs;
mod ranges;

use std::collections::{HashMap, VecDeque};

use gotrace::format::{IdHashMap, NONE, Timed};
use gotrace::{ErrorKind, Ev, StackId, StrId, Tables};

use crate::error::Contradiction;
use crate::event::{Context, Event, EventKind};

pub(crate) use self::annotations::TaskState;
pub(crate) use self::goroutines::Goroutine;
pub(crate) use self::procs::Proc;

/// Stands for "none" in positions.
const NO_SLOT: u32 = u32::MAX;

/// A thread.
#[derive(Debug, Clone, Copy)]
struct Thread {
    id: u64,
    /// Position of the proc that it holds.
    proc: u32,
    /// Position of the goroutine that it runs.
    goroutine: u32,
    /// Id of that goroutine: the position may have gone to another one.
    goroutine_id: u64,
    /// Whether an event came from it, or named it in a system call.
    is_seen: bool,
}

/// A place in the sequence of events about one goroutine or proc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seq {
    generation: u64,
    n: u64,
}

impl Seq {
    fn start(generation: u64) -> Self {
        Self { generation, n: 0 }
    }

    fn is_followed_by(self, next: Self) -> bool {
        self.generation == next.generation && self.n.wrapping_add(1) == next.n
    }
}

/// What is known of the garbage collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GcState {
    Undetermined,
    Off,
    Marking,
}

/// The next event of a thread, and what it refers to.
pub(crate) struct Step<'s, 'a> {
    pub(crate) timed: &'s Timed,
    /// Position of the thread, or `NO_SLOT`.
    pub(crate) thread: ThreadSlot,
    pub(crate) generation: u64,
    pub(crate) tables: &'s mut Tables<'a>,
}

/// Position of a thread in [`Order`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ThreadSlot(u32);

/// An event that happened, `None` while another thread has to go first, or why it cannot have happened.
type Outcome = Result<Option<Event>, Contradiction>;

/// The states of everything.
#[derive(Debug)]
pub(crate) struct Order {
    /// In it, whatever is named for the first time may be in any state.
    first_generation: Option<u64>,
    threads: Vec<Thread>,
    thread_slots: IdHashMap<u64, u32>,
    procs: Vec<Proc>,
    proc_slots: IdHashMap<u64, u32>,
    goroutines: Vec<Goroutine>,
    goroutine_slots: IdHashMap<u64, u32>,
    /// Positions of goroutines that are gone.
    free_slots: Vec<u32>,
    tasks: IdHashMap<u64, TaskState>,
    gc: GcState,
    gc_seq: u64,
    /// Events after the first one that came out.
    pending: VecDeque<Event>,
    /// A string or stack that does not exist.
    missing: Option<ErrorKind>,
}

impl Order {
    pub(crate) fn new() -> Self {
        Self {
            first_generation: None,
            threads: Vec::new(),
            thread_slots: HashMap::default(),
            procs: Vec::new(),
            proc_slots: HashMap::default(),
            goroutines: Vec::new(),
            goroutine_slots: HashMap::default(),
            free_slots: Vec::new(),
            tasks: HashMap::default(),
            gc: GcState::Undetermined,
            gc_seq: 0,
            pending: VecDeque::new(),
            missing: None,
        }
    }

    /// The position of a thread.
    pub(crate) fn thread_slot(&mut self, id: u64) -> ThreadSlot {
        if id == NONE {
            return ThreadSlot(NO_SLOT);
        }
        let next = self.threads.len() as u32;
        let slot = *self.thread_slots.entry(id).or_insert(next);
        if slot == next {
            let (proc, goroutine, goroutine_id) = (NO_SLOT, NO_SLOT, NONE);
            self.threads.push(Thread { id, proc, goroutine, goroutine_id, is_seen: false });
        }
        ThreadSlot(slot)
    }

    /// An event that came out with the one before.
    #[inline]
    pub(crate) fn take_pending(&mut self) -> Option<Event> {
        self.pending.pop_front()
    }

    /// What the last event referred to and does not exist.
    #[inline]
    pub(crate) fn take_missing(&mut self) -> Option<ErrorKind> {
        if self.missing.is_some() { self.missing.take() } else { None }
    }

    /// Lets the event happen, if it is its turn.
    #[inline]
    pub(crate) fn advance(&mut self, step: &mut Step) -> Outcome {
        self.first_generation.get_or_insert(step.generation);
        if let Some(thread) = self.threads.get_mut(step.thread.0 as usize) {
            thread.is_seen = true;
        }
        match step.timed.ev {
            Ev::PROC_START => self.proc_start(step),
            Ev::PROC_STOP => self.proc_stop(step),
            Ev::PROC_STEAL => self.proc_steal(step),
            Ev::PROC_STATUS => self.proc_status(step),
            Ev::GO_CREATE | Ev::GO_CREATE_BLOCKED => self.go_create(step),
            Ev::GO_CREATE_SYSCALL => self.go_create_syscall(step),
            Ev::GO_START => self.go_start(step),
            Ev::GO_DESTROY | Ev::GO_STOP | Ev::GO_BLOCK => self.go_stop_running(step),
            Ev::GO_DESTROY_SYSCALL => self.go_destroy_syscall(step),
            Ev::GO_UNBLOCK => self.go_unblock(step),
            Ev::GO_SWITCH | Ev::GO_SWITCH_DESTROY => self.go_switch(step),
            Ev::GO_SYSCALL_BEGIN => self.go_syscall_begin(step),
            Ev::GO_SYSCALL_END => self.go_syscall_end(step),
            Ev::GO_SYSCALL_END_BLOCKED => self.go_syscall_end_blocked(step),
            Ev::GO_STATUS | Ev::GO_STATUS_STACK => self.go_status(step),
            Ev::STW_BEGIN | Ev::STW_END => self.stop_the_world(step),
            Ev::GC_ACTIVE => self.gc_active(step),
            Ev::GC_BEGIN => self.gc_begin(step),
            Ev::GC_END => self.gc_end(step),
            Ev::GC_SWEEP_ACTIVE => self.sweep_active(step),
            Ev::GC_SWEEP_BEGIN | Ev::GC_SWEEP_END => self.sweep(step),
            Ev::GC_MARK_ASSIST_ACTIVE => self.assist_active(step),
            Ev::GC_MARK_ASSIST_BEGIN | Ev::GC_MARK_ASSIST_END => self.assist(step),
            Ev::HEAP_ALLOC | Ev::HEAP_GOAL | Ev::PROCS_CHANGE => self.metric(step),
            Ev::GO_LABEL => self.label(step),
            Ev::USER_TASK_BEGIN => self.task_begin(step),
            Ev::USER_TASK_END => self.task_end(step),
            Ev::USER_REGION_BEGIN | Ev::USER_REGION_END => self.region(step),
            Ev::USER_LOG => self.log(step),
            _ => self.experimental(step),
        }
    }

    fn is_first_generation(&self, step: &Step) -> bool {
        self.first_generation == Some(step.generation)
    }

    /// The thread of the event.
    #[inline]
    fn need_thread(&mut self, step: &Step) -> Result<&mut Thread, Contradiction> {
        self.threads.get_mut(step.thread.0 as usize).ok_or(Contradiction::NoThread)
    }

    /// The proc that the thread holds.
    #[inline]
    fn need_proc(&mut self, step: &Step) -> Result<u32, Contradiction> {
        let proc = self.need_thread(step)?.proc;
        if proc == NO_SLOT { Err(Contradiction::NoProc) } else { Ok(proc) }
    }

    /// The goroutine that the thread runs, with a proc or without.
    #[inline]
    fn need_goroutine(&mut self, step: &Step) -> Result<u32, Contradiction> {
        let thread = *self.need_thread(step)?;
        if thread.goroutine == NO_SLOT {
            return Err(Contradiction::NoGoroutine);
        }
        let is_there = self.goroutines[thread.goroutine as usize].id == thread.goroutine_id;
        if is_there {
            Ok(thread.goroutine)
        } else {
            Err(Contradiction::UnknownGoroutine(thread.goroutine_id))
        }
    }

    /// The proc and the goroutine of a thread that runs user code, or is close to it.
    #[inline]
    fn need_both(&mut self, step: &Step) -> Result<(u32, u32), Contradiction> {
        Ok((self.need_proc(step)?, self.need_goroutine(step)?))
    }

    /// Thread, proc and goroutine before the event.
    #[inline]
    fn context(&self, slot: ThreadSlot) -> Context {
        let Some(thread) = self.threads.get(slot.0 as usize) else { return Context::NONE };
        let proc = self.procs.get(thread.proc as usize);
        Context {
            thread: thread.id,
            proc: proc.map_or(NONE, |proc| proc.id),
            goroutine: thread.goroutine_id,
        }
    }

    /// An event without a stack, in the context that its thread is in now.
    #[inline]
    fn event(&self, step: &Step, kind: EventKind) -> Event {
        event_in(self.context(step.thread), step, kind)
    }

    /// As [`Self::event`], with a stack.
    #[inline]
    fn event_with(&mut self, step: &Step, stack: u64, kind: EventKind) -> Event {
        let stack = self.stack(step, stack);
        Event { stack, ..self.event(step, kind) }
    }

    #[inline]
    fn stack(&mut self, step: &Step, id: u64) -> StackId {
        step.tables.stack(id).unwrap_or_else(|| {
            self.missing = Some(ErrorKind::NoSuchStack { id });
            StackId::NONE
        })
    }

    #[inline]
    fn string(&mut self, step: &Step, id: u64) -> StrId {
        step.tables.string(id).unwrap_or_else(|| {
            self.missing = Some(ErrorKind::NoSuchString { id });
            StrId::EMPTY
        })
    }
}

#[inline]
fn event_in(context: Context, step: &Step, kind: EventKind) -> Event {
    let time = step.timed.time;
    Event { time, recorded: time, context, stack: StackId::NONE, kind }
}
