//! How long goroutines waited, by reason and stack, without ordering.
//!
//! A goroutine blocks on the thread on which it ran, and is unblocked by another: the two are paired by time for each
//! goroutine at the end of each generation.

use std::collections::HashMap;

use crate::ids::{GoId, IdHashMap, Time};
use crate::scan::{Observer, Run, RunEnd};
use crate::symbols::{Name, StackKey};
use crate::totals::Sum;

/// Sums of the times from blocking to being unblocked; the wait for a processor after that is left out.
///
/// Those that the trace does not see the end of are left out too: [`Waits::n_open`].
#[derive(Debug, Default)]
pub struct Waits {
    /// By reason, in Go's words, and stack of the goroutine that waits.
    pub by_stack: HashMap<(Name, StackKey), Sum>,
    marks: Vec<Mark>,
    open: IdHashMap<u64, (Time, Name, StackKey)>,
}

/// Why and where a goroutine begins to wait; `None` when it is unblocked.
type Begins = Option<(Name, StackKey)>;

#[derive(Debug)]
struct Mark {
    goroutine: u64,
    time: Time,
    begins: Begins,
}

impl Waits {
    /// Goroutines that still waited when the trace ended.
    pub fn n_open(&self) -> usize {
        self.open.len()
    }
}

impl Observer for Waits {
    fn run(&mut self, run: &Run, end: RunEnd<'_, '_>) {
        if let RunEnd::Blocked(mut why) = end {
            let begins = Some((why.reason(), why.stack()));
            self.marks.push(Mark { goroutine: run.goroutine.0, time: run.end, begins });
        }
    }

    fn unblock(&mut self, time: Time, goroutine: GoId) {
        self.marks.push(Mark { goroutine: goroutine.0, time, begins: None });
    }

    fn generation_ends(&mut self) {
        self.marks.sort_by_key(|mark| (mark.goroutine, mark.time, mark.begins.is_none()));
        for mark in self.marks.drain(..) {
            match mark.begins {
                Some((reason, stack)) => {
                    self.open.insert(mark.goroutine, (mark.time, reason, stack));
                }
                None => {
                    if let Some((start, reason, stack)) = self.open.remove(&mark.goroutine) {
                        let sum = self.by_stack.entry((reason, stack)).or_default();
                        sum.add(mark.time.ns_since(start), 0);
                    }
                }
            }
        }
    }
}
