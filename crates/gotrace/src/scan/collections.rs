//! Collections, paired by their sequence numbers: they begin and end on any threads.

use super::observe::{GcCycle, Observer};
use crate::ids::{GoId, Time};
use crate::symbols::StackKey;

#[derive(Debug, Clone, Copy)]
enum What {
    GoesOn,
    Begins(StackKey, Option<GoId>),
    Ends,
}

/// Collections of the current generation, and one that goes on from the last.
#[derive(Debug, Default)]
pub(super) struct Collections {
    marks: Vec<(u64, Time, What)>,
    open: Option<GcCycle>,
}

impl Collections {
    pub(super) fn goes_on(&mut self, seq: u64, time: Time) {
        self.marks.push((seq, time, What::GoesOn));
    }

    pub(super) fn begins(
        &mut self,
        seq: u64,
        time: Time,
        stack: StackKey,
        goroutine: Option<GoId>,
    ) {
        self.marks.push((seq, time, What::Begins(stack, goroutine)));
    }

    pub(super) fn ends(&mut self, seq: u64, time: Time) {
        self.marks.push((seq, time, What::Ends));
    }

    /// Pairs what the generation had.
    pub(super) fn pair(&mut self, observer: &mut impl Observer) {
        self.marks.sort_by_key(|&(seq, ..)| seq);
        for (_, time, what) in self.marks.drain(..) {
            let (start, end) = (time, time);
            match what {
                What::GoesOn => {
                    let (goroutine, stack) = (None, StackKey::NONE);
                    let is_start_known = false;
                    self.open.get_or_insert(GcCycle {
                        start,
                        is_start_known,
                        end,
                        goroutine,
                        stack,
                    });
                }
                What::Begins(stack, goroutine) => {
                    let is_start_known = true;
                    self.open = Some(GcCycle { start, is_start_known, end, goroutine, stack });
                }
                What::Ends => {
                    if let Some(cycle) = self.open.take() {
                        observer.gc_cycle(&GcCycle { end, ..cycle });
                    }
                }
            }
        }
    }
}
