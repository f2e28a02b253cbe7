//! How long goroutines waited for locks, by stack, without ordering.
//!
//! A goroutine blocks on the thread on which it ran, and is unblocked by another: the two are paired by time for each
//! goroutine at the end of each generation. Other waits are left out, since a trace may have tens of millions of them:
//! only those are kept that begin below a lock of package sync and end below an unlock.

use std::collections::HashMap;

use crate::ids::{GoId, IdHashMap, Time};
use crate::scan::Observer;
use crate::symbols::StackKey;
use crate::totals::Sum;

/// Sums of the times from blocking to being unblocked; the wait for a processor after that is left out.
///
/// Those that the trace does not see the end of are left out too: [`LockWaits::n_open`].
#[derive(Debug, Default)]
pub struct LockWaits {
    /// By stack of the goroutine that waits.
    pub by_stack: HashMap<StackKey, Sum>,
    marks: Vec<Mark>,
    open: IdHashMap<u64, (Time, StackKey)>,
}

#[derive(Debug)]
struct Mark {
    goroutine: u64,
    time: Time,
    /// Where a goroutine begins to wait; `None` when it is unblocked.
    begins: Option<StackKey>,
}

impl LockWaits {
    /// Goroutines that still waited when the trace ended.
    pub fn n_open(&self) -> usize {
        self.open.len()
    }
}

impl Observer for LockWaits {
    fn lock_wait_begins(&mut self, time: Time, goroutine: GoId, stack: StackKey) {
        self.marks.push(Mark { goroutine: goroutine.0, time, begins: Some(stack) });
    }

    fn lock_wait_ends(&mut self, time: Time, goroutine: GoId) {
        self.marks.push(Mark { goroutine: goroutine.0, time, begins: None });
    }

    fn generation_ends(&mut self) {
        self.marks.sort_by_key(|mark| (mark.goroutine, mark.time, mark.begins.is_none()));
        for mark in self.marks.drain(..) {
            match mark.begins {
                Some(stack) => {
                    self.open.insert(mark.goroutine, (mark.time, stack));
                }
                None => {
                    if let Some((start, stack)) = self.open.remove(&mark.goroutine) {
                        self.by_stack.entry(stack).or_default().add(mark.time.ns_since(start), 0);
                    }
                }
            }
        }
    }
}
