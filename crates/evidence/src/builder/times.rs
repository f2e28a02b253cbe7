//! When inputs were taken, so that what belongs to different times is not taken for one.

use crate::{Notice, SourceId, Sources};

/// Spans of the time of day, of those inputs that say.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<(SourceId, Span)>);

/// Units: nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: i128,
    end: i128,
}

impl Times {
    /// Adds an input that covers a time. One of no length says nothing: it counts from the start of the program.
    pub(super) fn add(&mut self, source: SourceId, start_ns: i128, duration_ns: u64) {
        if start_ns > 0 && duration_ns > 0 {
            let span = Span { start: start_ns, end: start_ns + i128::from(duration_ns) };
            self.0.push((source, span));
        }
    }

    /// Says which inputs do not overlap with the first: their shares may be compared, their times not.
    pub(super) fn notices(mut self, sources: &Sources) -> Vec<Notice> {
        self.0.sort_by_key(|&(source, _)| source);
        let Some((&(first, span), others)) = self.0.split_first() else { return Vec::new() };
        let apart = |&(source, other): &(SourceId, Span)| {
            let (gap_ns, when) = if other.start >= span.end {
                (other.start - span.end, "after")
            } else if other.end <= span.start {
                (span.start - other.end, "before")
            } else {
                return None;
            };
            let text = format!(
                "taken {:.1} s {when} {}: compared by shares, times are not aligned",
                gap_ns as f64 / 1e9,
                sources[first].name
            );
            Some(Notice { source: Some(source), text })
        };
        others.iter().filter_map(apart).collect()
    }
}
