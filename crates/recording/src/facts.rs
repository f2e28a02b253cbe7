//! What holds for a recording as a whole: one table of comment keys.

use goabi::{GoVersion, MapImpl};

use crate::FORMAT;
use crate::value::{Ending, Fixed, LinkKind, Value};

/// Widest range of an old recording, as a fraction of its number.
const MAX_OLD_RANGE: f64 = 10.0;

/// Makes the struct, what writes it and what reads it from one table. Order: that of the comments in the file.
macro_rules! facts {
    ($($(#[$doc:meta])* $key:literal => $field:ident: $value:ty,)*) => {
        /// What a recording says of itself; `None` is not said.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Facts {
            $($(#[$doc])* pub $field: Option<$value>,)*
        }

        impl Facts {
            /// The comments that say this. Shape: `key=value`.
            pub fn comments(&self) -> impl Iterator<Item = String> {
                let texts = [$(($key, self.$field.as_ref().map(Value::text))),*];
                texts.into_iter().filter_map(|(key, text)| Some(format!("{key}={}", text?)))
            }

            fn set(&mut self, key: &str, text: &str) {
                match key {
                    $($key => self.$field = Value::parse(text),)*
                    _ => {}
                }
            }
        }
    };
}

facts! {
    /// Version of labels and comments.
    "mapscope.format" => format: u64,
    /// Name of the program.
    "program" => program: String,
    /// Release of Go that built it, where it is known.
    "go_version" => go_version: Option<GoVersion>,
    /// Its implementation of maps.
    "map_impl" => map_impl: MapImpl,
    /// Processes recorded.
    "processes" => processes: u64,
    /// Those that executed another program in the time of the recording, and were recorded until they did.
    "elsewhere" => elsewhere: u64,
    /// Files with Go code in the processes beside the executable. Shape: paths with ", " between them.
    "other_go_code" => other_go_code: String,
    /// Time recorded.
    "duration_s" => duration_s: Fixed<3>,
    /// Why it ended.
    "end" => end: Ending,
    /// Growths and makes that the kernel side counted, before scaling.
    "events" => events: u64,
    /// Those that are missing from the counts.
    "lost_events" => lost_events: u64,
    /// Growths and CPU samples counted without a line or a type.
    "lost_stacks" => lost_stacks: u64,
    /// Stacks deeper than what is kept of them.
    "cut_stacks" => cut_stacks: u64,
    /// CPU samples that are missing.
    "lost_samples" => lost_samples: u64,
    /// CPU samples per second and core; 0 is none.
    "sample_hz" => sample_hz: u64,
    /// Garbage collections.
    "gc_cycles" => gc_cycles: u64,
    /// Growth functions probed.
    "probes" => probes: u64,
    /// Copies of them by profile-guided builds.
    "inlined_copies" => inlined_copies: u64,
    /// Copies that could not be probed.
    "unprobed_copies" => unprobed_copies: u64,
    /// How probes were attached.
    "links" => links: LinkKind,
    /// What probes cost. Units: percent of the program's own CPU time.
    "overhead_pct" => overhead_pct: Fixed<2>,
    /// What they may cost at most, in the same unit.
    "max_overhead_pct" => max_overhead_pct: Fixed<2>,
    /// Getting to a probe and back, as calibrated.
    "trap_cost_ns" => trap_cost_ns: Fixed<0>,
    /// Counting an event, in the mean, as measured.
    "event_cost_ns" => event_cost_ns: Fixed<0>,
    /// Time in which everything was counted with its stack.
    "exact_s" => exact_s: Fixed<3>,
    /// Time in which stacks were taken of a part of the growths.
    "sampled_stacks_s" => sampled_stacks_s: Fixed<3>,
    /// Time in which growths were counted in windows.
    "windows_s" => windows_s: Fixed<3>,
    /// Present if more files than this were mapped in the processes: the rest was not looked at.
    "other_files_above" => other_files_above: u64,
    /// Whether not all that the processes had mapped was looked at for other Go code.
    "other_go_code_partly" => other_go_code_partly: bool,
    /// Time in which growths were not counted as nothing was heard of the recorder.
    "frozen_s" => frozen_s: Fixed<3>,
    /// Processes of the same file that were seen beside the command.
    "not_recorded_processes" => not_recorded_processes: u64,
    /// Processes that were started from the file and do not run its code, or were seen without probes later.
    "unprobed_processes" => unprobed_processes: u64,
    /// When the path that was given was found to lead to another file.
    "exe_replaced_s" => exe_replaced_s: Fixed<3>,
    /// The only user whose processes are in it.
    "only_user" => only_user: u64,
    /// Times that the program had to help the collector; not said of windows.
    "gc_assists" => gc_assists: u64,
    /// Whether clocks said how much threads were slowed down in windows; said where they did not.
    "thread_clocks" => thread_clocks: bool,
    /// Number of windows.
    "windows" => windows: Option<u64>,
    /// Growths estimated for each that was seen, in the mean.
    "window_scale" => window_scale: Fixed<2>,
    /// Half the width of the range of growths, of old recordings. Units: percent of their number.
    "estimate_range_pct" => estimate_range_pct: Fixed<1>,
    /// CPU time that the windows of each group stand for. Units: seconds.
    "window_group_cpu_s" => window_group_cpu_s: Vec<Fixed<6>>,
    /// Part of the probes' time in windows by which the program was held up.
    "held_up_pct" => held_up_pct: Fixed<0>,
    /// Part of the time in which the program's threads could have run, that they waited for a CPU.
    "waited_pct" => waited_pct: Fixed<0>,
    /// How far everything estimated may be off in one direction.
    "scale_error_pct" => scale_error_pct: Fixed<1>,
    /// Growths in bursts that no window may have met, of those estimated.
    "unmet_bursts_pct" => unmet_bursts_pct: Fixed<1>,
    /// CPU time in which nothing was counted and that no window stands for.
    "uncounted_s" => uncounted_s: Fixed<3>,
    /// Whether splits of Swiss tables were counted in the gaps between windows too.
    "every_split" => every_split: bool,
    /// The least number of growths in 19 of 20 cases.
    "grows_low" => grows_low: u64,
    /// The greatest, where that is known; where it is not, no line has an upper end.
    "grows_high" => grows_high: Option<u64>,
}

/// What holds the true number of growths in 19 of 20 cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrowsRange {
    /// At least.
    pub low: u64,
    /// At most; `None` when too little was seen to say.
    pub high: Option<u64>,
}

impl Facts {
    /// Reads comments; of two with the same key the last counts.
    pub fn read<'c>(comments: impl Iterator<Item = &'c str>) -> Self {
        let mut facts = Self::default();
        for (key, text) in comments.filter_map(|comment| comment.split_once('=')) {
            facts.set(key, text);
        }
        facts
    }

    /// Whether it was written by this version of labels and comments.
    pub fn is_of_this_format(&self) -> bool {
        self.format == Some(FORMAT)
    }

    /// Whether a part was counted in windows; an unknown number of them is some.
    pub fn has_windows(&self) -> bool {
        self.windows.is_some_and(|n| n != Some(0))
    }

    /// Whether no clock says how much threads were slowed down in windows.
    pub fn lacks_clocks(&self) -> bool {
        self.thread_clocks == Some(false)
    }

    /// CPU time in which nothing was counted and that no window stands for. Units: nanoseconds.
    pub fn uncounted_ns(&self) -> u64 {
        self.uncounted_s.map_or(0, Fixed::seconds_as_ns)
    }

    /// The range around the number of growths that the rows add up to. Old recordings have half its width.
    pub fn grows_range(&self, grows: u64) -> Option<GrowsRange> {
        if let Some(low) = self.grows_low {
            let high = self.grows_high.flatten();
            // A range that the number is not in is of something else.
            let is_around = low <= grows && high.is_none_or(|high| grows <= high);
            return is_around.then_some(GrowsRange { low, high });
        }
        let part = self.estimate_range_pct?.value() / 100.0;
        if !(0.0..=MAX_OLD_RANGE).contains(&part) {
            return None;
        }
        let end = |factor: f64| (grows as f64 * factor.max(0.0)).round() as u64;
        Some(GrowsRange { low: end(1.0 - part), high: Some(end(1.0 + part)) })
    }
}
