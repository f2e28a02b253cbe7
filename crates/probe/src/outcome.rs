//! What comes of recording.

use std::path::PathBuf;
use std::time::Duration;

use evidence::Bounds;
use evidence::words::{counted, thousands};
use gopprof::Profile;
use recording::Ending;

/// What probes were put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Name of the program.
    pub program: String,
    /// Processes recorded; none when they are still to come.
    pub pids: Vec<u32>,
    /// Probes on growth functions.
    pub n_probes: usize,
    /// The only user whose processes are recorded, where others are not to be looked at.
    pub only_user: Option<u32>,
    /// Inlined copies of growth functions, as profile-guided builds have them.
    pub n_inlined: usize,
    /// Time from the start until the probes were in place.
    pub took: Duration,
    /// Processes that a debugger is attached to, each with that of the debugger.
    pub debugged: Vec<(u32, u32)>,
}

/// State of a recorder, of everything since it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Since the probes were in place, or the command began.
    pub elapsed: Duration,
    /// Growths, estimated ones included.
    pub n_grows: u64,
    /// Whether some are.
    pub is_estimated: bool,
    /// CPU samples.
    pub n_samples: u64,
    /// Events and samples lost.
    pub n_lost: u64,
    /// Units: fraction of the program's own CPU time that probes took; `None` while that is not known.
    pub overhead: Option<f64>,
    /// Whether that cannot be held against the budget yet.
    pub is_settling: bool,
    /// What the governor does at the moment.
    pub mode: &'static str,
    /// Whether estimates are lower bounds, as the kernel does not say how much probes slow threads down in windows.
    pub lacks_clocks: bool,
    /// Whether the program has ended.
    pub has_ended: bool,
}

/// A recording; by default one of nothing.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// The profile to write.
    pub profile: Profile,
    /// Why it ended.
    pub ending: Ending,
    /// Growths; estimated ones included.
    pub n_grows: u64,
    /// What holds their true number in 19 of 20 cases; `None` when each was counted.
    pub grows_range: Option<Bounds>,
    /// CPU samples.
    pub n_samples: u64,
    /// Events and samples lost.
    pub n_lost: u64,
    /// Processes that execute another program by now; they were recorded until they did.
    pub n_elsewhere: u64,
    /// Processes of the recorded file that were seen beside the command, and not recorded.
    pub n_beside: u64,
    /// When the path that was given was found to lead to another file, whose processes were not recorded; since the
    /// recorder began.
    pub replaced_after: Option<Duration>,
    /// Processes that run the recorded file, and in whose code there are no probes: their growths were not counted.
    pub unprobed: Vec<u32>,
    /// Files with other Go code than that of the executable, in its processes: plugins and libraries.
    pub other_code: Vec<PathBuf>,
    /// Time recorded.
    pub elapsed: Duration,
    /// What probes took, as a fraction of the program's own CPU time; `None` where that is not known.
    pub overhead: Option<f64>,
    /// What they were to take at most; 1 or more is no limit.
    pub max_overhead: f64,
    /// Whether the program ran too short for that limit to hold.
    pub is_settling: bool,
}

impl Recording {
    /// How many growths, and how sure that is: "1,621 growths", or "664 growths (estimated, between 620 and 731)".
    pub fn grows_text(&self) -> String {
        let text = counted(self.n_grows, "growth");
        match self.grows_range.map(|range| (range.low, range.high)) {
            None => text,
            Some((low, Some(high))) => {
                format!("{text} (estimated, between {} and {})", thousands(low), thousands(high))
            }
            Some((low, None)) => {
                let estimate = match self.n_grows > low {
                    true => format!("the estimate is {}; ", thousands(self.n_grows)),
                    false => String::new(),
                };
                format!(
                    "at least {} ({estimate}not everything was counted or measured, and how many more there were is not known)",
                    counted(low, "growth"),
                )
            }
        }
    }

    /// Why probes took more than they were to take; `None` when they did not, or there was no limit.
    pub fn why_over_limit(&self) -> Option<&'static str> {
        // What is said is rounded to a tenth of a percent.
        let is_over = self.max_overhead < 1.0
            && self.overhead.is_some_and(|part| part >= self.max_overhead + 0.0005);
        is_over.then_some(if self.is_settling {
            "the program used less than 2 s of CPU time, and the limit holds from then on"
        } else {
            "growths came faster at times than could be foreseen"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_told_as_one() {
        let text = |grows_range| {
            let recording = Recording { n_grows: 664, grows_range, ..Recording::default() };
            recording.grows_text()
        };
        assert_eq!(text(None), "664 growths");
        let range = Bounds { low: 620, high: Some(731) };
        assert_eq!(text(Some(range)), "664 growths (estimated, between 620 and 731)");
        let bound = Bounds { low: 620, high: None };
        assert!(text(Some(bound)).starts_with("at least 620 growths (the estimate is 664; "));
        let least = Bounds { low: 664, high: None };
        assert!(text(Some(least)).starts_with("at least 664 growths (not everything "));
        let many = Recording { n_grows: 27_510, ..Recording::default() };
        assert_eq!(many.grows_text(), "27,510 growths");
    }

    #[test]
    fn what_takes_more_than_the_limit_says_why() {
        let why = |overhead, max_overhead, is_settling| {
            let recording = Recording {
                overhead: Some(overhead),
                max_overhead,
                is_settling,
                ..Recording::default()
            };
            recording.why_over_limit().unwrap_or("")
        };
        assert_eq!([why(0.03, 0.03, true), why(0.0304, 0.03, false), why(1.3, 1.0, true)], [""; 3]);
        assert!(why(0.05, 0.03, true).contains("less than 2 s of CPU time"));
        assert!(why(0.05, 0.03, false).contains("foreseen"));
    }
}
