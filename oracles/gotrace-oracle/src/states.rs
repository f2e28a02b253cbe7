//! How long goroutines are in which state, and why they wait, from ordered events.

use gotrace::format::IdHashMap;
use gotrace::{GoId, Name, StackKey, Symbols, Tables, Time};

use crate::event::{Event, EventKind, GoState};

/// A goroutine in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Goroutine.
    pub goroutine: GoId,
    /// State.
    pub state: GoState,
    /// When it began; when it was named, if that was later.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// Why the goroutine waits, or stopped, in Go's words; empty where the trace began in this state.
    pub reason: Name,
    /// Where it was then.
    pub stack: StackKey,
}

impl Span {
    /// Units: nanoseconds.
    pub fn ns(&self) -> u64 {
        self.end.ns_since(self.start)
    }
}

/// Follows goroutines from state to state. Each event is told once; what ends with it is returned.
#[derive(Debug, Default)]
pub struct GoroutineStates {
    symbols: Symbols,
    generation: u64,
    open: IdHashMap<u64, Span>,
}

impl GoroutineStates {
    /// Strings and stacks of the spans.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Takes in an event and returns the span that it ends. An event that names a goroutine in the state that it is in
    /// ends nothing.
    pub fn observe(&mut self, event: &Event, tables: &Tables, generation: u64) -> Option<Span> {
        if self.generation != generation {
            self.generation = generation;
            self.symbols.begin_generation();
        }
        let EventKind::Go { goroutine, from, to, reason, stack } = event.kind else { return None };
        if from == to {
            return None;
        }
        let time = event.recorded;
        let ended = self.open.remove(&goroutine.0);
        if to != GoState::NotExist {
            let reason = self.symbols.name(tables, reason);
            let stack = self.symbols.stack(tables, stack);
            let span = Span { goroutine, state: to, start: time, end: time, reason, stack };
            self.open.insert(goroutine.0, span);
        }
        ended.map(|span| Span { end: time, ..span })
    }

    /// The spans that have not ended, as of a time.
    pub fn open_spans(&self, end: Time) -> impl Iterator<Item = Span> {
        self.open.values().map(move |span| Span { end, ..*span })
    }
}
