//! The kernel side counts only while it hears of the recorder: a governor that does not run keeps no budget.
//!
//! A recorder may be stopped, or get no CPU time. Hits that come then cost what getting to a probe costs, and are not
//! counted. Windows say nothing of that time, however many there are: counts are lower bounds then. Who knows that it will
//! not run takes the probes away before.

use std::time::Duration;

use super::{Recorder, counting};
use crate::error::Error;
use crate::governor::{Interval, Mode};
use crate::kernel::ProbeLinks;
use crate::windows::Busy;

/// How long after hits have ceased to count the next window may begin, on a machine that is busy otherwise.
pub(super) const LATE: Duration = Duration::from_millis(250);
/// The same where attaching takes longer. As long as the longest gap between windows that is planned.
const MAX_LATE: Duration = Duration::from_secs(2);

impl Recorder {
    /// Takes growth probes away, until `resume`: as long as `poll` is not called, nothing keeps the budget. What the program
    /// does meanwhile is not counted. Without a budget probes stay.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn suspend(&mut self) -> Result<(), Error> {
        if self.max_overhead >= 1.0 {
            return Ok(());
        }
        match self.governor.mode() {
            Mode::Windows => self.end_gap()?,
            _ => self.tick()?,
        }
        // All at one moment: probes go one after the other.
        self.pause()?;
        self.kernel.count_standing_apart(false)?;
        self.growth = ProbeLinks::default();
        self.has_standing = self.standing.links.take().is_some();
        self.detaching.wait();
        Ok(())
    }

    /// Puts the probes back that `suspend` took away.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn resume(&mut self) -> Result<(), Error> {
        if self.max_overhead >= 1.0 {
            return Ok(());
        }
        if let Some(probe) = self.points.standing().filter(|_| self.has_standing) {
            let (path, scopes) = (self.found.file.path.clone(), self.scopes());
            self.standing.links = Some(self.kernel.attach(&path, &scopes, &[probe])?);
            self.part.counts_standing = false;
        }
        let mode = self.governor.mode();
        if mode != Mode::Windows {
            self.growth = self.attach_again(&[])?;
        }
        self.kernel.count_standing_apart(self.standing.links.is_some())?;
        if mode != Mode::Windows {
            self.kernel.control(counting(mode, self.max_frames))?;
        }
        let gap = self.pass()?;
        self.late = Duration::ZERO;
        self.miss(Duration::from_nanos(gap.wall_ns), &gap);
        Ok(())
    }

    /// Says that we run, and takes note of how long we did not.
    pub(super) fn beat(&mut self) -> Result<(), Error> {
        self.late += self.kernel.beat()?;
        Ok(())
    }

    /// Hits did not count for a part of a stretch.
    pub(super) fn miss(&mut self, time: Duration, stretch: &Interval) {
        self.part.frozen += time;
        let part = time.as_nanos() as f64 / stretch.wall_ns.max(1) as f64;
        self.part.windows.add_blind(self.time_ns(stretch) * part.min(1.0));
    }

    /// What windows say something of in a gap in which they were the mode: nothing, where the next one came so late that this
    /// was none of the gaps that are planned. What makes it late may be what the program does. Of one that came a little later
    /// the range tells. `attaching` is what that takes otherwise.
    pub(super) fn gap_before(
        &mut self,
        gap: &Interval,
        late: Duration,
        attaching: Duration,
    ) -> (f64, Busy) {
        if late <= attaching.clamp(LATE, MAX_LATE) {
            return (self.time_ns(gap), Busy::of_gap(gap, self.governor.costs()));
        }
        self.part.frozen += late;
        self.part.windows.add_blind(self.time_ns(gap));
        (0.0, Busy::default())
    }
}
