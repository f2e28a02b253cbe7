//! Until when the kernel side counts without hearing of the recorder, and how long it did not.
//!
//! Whatever is said to the kernel side lets it go on counting, not only that which is said for that. So the time in which
//! it did not count is summed wherever something is said, and is kept until somebody asks for it.

use std::time::Duration;

/// How long hits are counted after the last that was heard of the recorder.
const BEAT: Duration = Duration::from_secs(1);

/// By the kernel side's clock. Units: nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    valid_until: u64,
    late_ns: u64,
}

impl Beat {
    /// Before it is the first time that something is to be heard.
    pub(crate) fn new() -> Self {
        Self { valid_until: u64::MAX, late_ns: 0 }
    }

    /// Something is said at this time. Returns until when hits count.
    pub(crate) fn renew(&mut self, now_ns: u64) -> u64 {
        self.late_ns += now_ns.saturating_sub(self.valid_until);
        self.valid_until = now_ns.saturating_add(BEAT.as_nanos() as u64);
        self.valid_until
    }

    /// How long hits did not count, since the last time that this was asked.
    pub(crate) fn take_late(&mut self) -> Duration {
        Duration::from_nanos(std::mem::take(&mut self.late_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_renews_first_does_not_make_what_was_late_forgotten() {
        let second = BEAT.as_nanos() as u64;
        let mut beat = Beat::new();
        assert_eq!(beat.renew(100), 100 + second);
        assert_eq!(beat.renew(100 + second), 100 + 2 * second);
        assert_eq!(beat.take_late(), Duration::ZERO);
        // Ten seconds later the mode changes, then the epoch, then it is asked.
        let late = 100 + 2 * second + 10 * second;
        assert_eq!(beat.renew(late), late + second);
        beat.renew(late + 5);
        beat.renew(late + 5 + second + 7);
        assert_eq!(beat.take_late(), Duration::from_nanos(10 * second + 7));
        assert_eq!(beat.take_late(), Duration::ZERO, "it was told");
    }
}
