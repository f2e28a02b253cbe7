//! The kernel side counts only while it hears of the recorder: a governor that does not run keeps no budget.
//!
//! A recorder may be stopped, or get no CPU time. Hits that come then cost what getting to a probe costs, and are not
//! counted; the time counts as a gap that no window ends. Who knows that it will not run takes the probes away before.

use super::Recorder;
use crate::error::Error;
use crate::governor::Mode;
use crate::kernel::ProbeLinks;
use crate::record_layout::COUNT_FROZEN;
use crate::windows::Busy;

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
        self.growth = ProbeLinks::default();
        self.has_standing = self.standing.links.take().is_some();
        self.kernel.count_standing_apart(false)?;
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
            self.kernel.count_standing_apart(true)?;
            self.part.counts_standing = false;
        }
        if self.governor.mode() != Mode::Windows {
            self.growth = self.attach_again(&[])?;
        }
        self.kernel.beat()?;
        self.n_frozen = self.kernel.counters()?[COUNT_FROZEN as usize];
        let time = self.skip()?;
        self.part.frozen += time;
        Ok(())
    }

    /// Says that we run, and takes note of what was not counted since we last did.
    pub(super) fn beat(&mut self) -> Result<(), Error> {
        let late = self.kernel.beat()?;
        if late.is_zero() {
            return Ok(());
        }
        let n_frozen = self.kernel.counters()?[COUNT_FROZEN as usize];
        if std::mem::replace(&mut self.n_frozen, n_frozen) != n_frozen {
            self.part.frozen += late;
            self.part.counts_standing = false;
            // Of windows the time is a gap anyhow, or the window is cut short.
            if self.governor.mode() != Mode::Windows {
                self.part.windows.add_gap(late.as_nanos() as f64, &Busy::default());
            }
        }
        Ok(())
    }
}
