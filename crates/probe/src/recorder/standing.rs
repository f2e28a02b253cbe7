//! The probe that stays in the gaps between windows, as long as that is cheap.
//!
//! Programs may split the tables of large maps, or make such maps, all the time. No window limits what that costs, so the
//! probe goes for good when it has cost more than its part of what hits may cost. From then on such growths are counted as all
//! others are.

use super::Recorder;
use super::part::{Mark, between};
use crate::error::Error;
use crate::governor::{FOR_HITS, SETTLED_NS};
use crate::kernel::ProbeLinks;

/// What it may cost, as a part of what all hits may cost while there are windows. The rest is for the windows.
const PART: f64 = 0.5;

/// The probe, and what it may cost.
pub(super) struct Standing {
    /// `None` where there is none, or no longer.
    pub(super) links: Option<ProbeLinks>,
    /// Up to where its cost is charged.
    pub(super) seen: Mark,
    credit: Credit,
}

impl Standing {
    pub(super) fn new(links: Option<ProbeLinks>, budget: f64, start: Mark) -> Self {
        Self { links, seen: start, credit: Credit::new(budget * FOR_HITS * PART) }
    }
}

/// What may be spent: a part of the program's own CPU time. What is not spent is kept, up to that of two seconds, which is
/// there from the start.
#[derive(Debug)]
struct Credit {
    part: f64,
    /// Units: nanoseconds.
    left_ns: f64,
}

impl Credit {
    fn new(part: f64) -> Self {
        Self { part, left_ns: part * SETTLED_NS }
    }

    /// Whether as much could be spent.
    fn spend(&mut self, own_cpu_ns: f64, spent_ns: f64) -> bool {
        let left_ns = self.left_ns + self.part * own_cpu_ns - spent_ns;
        self.left_ns = left_ns.min(self.part * SETTLED_NS);
        self.left_ns >= 0.0
    }
}

impl Recorder {
    /// Takes the probe away where it costs too much.
    pub(super) fn look_after_standing(&mut self) -> Result<(), Error> {
        let costs = self.governor.costs();
        let stretch = between(&self.standing.seen, &self.last);
        self.standing.seen = self.last;
        let spent_ns = stretch.standing_ns(costs);
        let is_cheap = self.standing.credit.spend(stretch.own_cpu_ns(costs), spent_ns);
        if is_cheap || self.max_overhead >= 1.0 {
            return Ok(());
        }
        if let Some(links) = self.standing.links.take() {
            self.kernel.count_standing_apart(false)?;
            self.detaching.begin(links);
            self.part.counts_standing = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_spent_is_kept_for_two_seconds_and_no_longer() {
        let mut credit = Credit::new(0.01);
        assert!(credit.spend(1e9, 9e6));
        assert!(credit.spend(1e9, 29e6), "20 ms from the start, and 20 earned");
        assert!(!credit.spend(1e9, 13e6));
        // A day in which nothing was spent.
        assert!(credit.spend(86_400e9, 0.0));
        assert!(!credit.spend(0.0, 21e6));
    }
}
