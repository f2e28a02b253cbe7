//! Samples of misses, taken by `perf`, to the misses in map operations of each line.

use std::collections::HashMap;

use evidence::{Builder, LineId, Misses, ProcessMisses, SiteMisses, SourceId};
use gomap::{FrameClass, classify_stack};
use gopprof::{Profile, Sample};

use crate::lines::{FrameInfo, Lines, user_of};

/// Misses of one event of one file.
#[derive(Debug)]
pub(crate) struct MissSums {
    lines: Lines,
    process: ProcessMisses,
    sites: HashMap<LineId, SiteMisses>,
}

impl MissSums {
    /// Sums samples of which [`misses_of`] says what they stand for.
    pub(crate) fn of(profile: &Profile, source: SourceId, event: &str) -> Self {
        let mut lines = Lines::default();
        let locations = lines.add_profile(profile);
        let (event, total) = (event.into(), Misses::default());
        let mut process = ProcessMisses { source, event, total };
        let mut sites: HashMap<LineId, SiteMisses> = HashMap::new();
        let mut frames: Vec<FrameInfo> = Vec::new();
        let mut classes: Vec<FrameClass> = Vec::new();
        for sample in profile.samples() {
            let misses = misses_of(&sample);
            process.total += misses;
            frames.clear();
            frames.extend(sample.locations().flat_map(|location| locations.of(location)));
            classes.clear();
            classes.extend(frames.iter().map(|frame| frame.class));
            let class = classify_stack(&classes);
            let Some(user_at) = user_of(&class, &frames) else { continue };
            let line = frames[user_at].line;
            let site = sites.entry(line).or_insert_with(|| SiteMisses::none(&process));
            site.map += misses;
            if let Some(work) = class.work() {
                site.by_work[work as usize] += misses;
            }
        }
        Self { lines, process, sites }
    }

    /// Says where the misses were.
    pub(crate) fn tell(self, builder: &mut Builder) {
        for (line, misses) in self.sites {
            builder.line(&self.lines.frame(line)).misses.push(misses);
        }
        builder.misses(self.process);
    }
}

/// The values of a sample of an event that counts misses: the number of samples, and of misses that they stand for.
pub(crate) fn misses_of(sample: &Sample<'_>) -> Misses {
    let value = |column| u64::try_from(sample.value(column)).unwrap_or(0);
    Misses { samples: value(0), events: value(1) }
}
