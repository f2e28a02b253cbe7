//! What an execution trace says, in words.

use evidence::{ProcessTrace, Ranges};

use crate::numbers::{NOT_MEASURED, bytes, count, duration, time_share};

/// Reasons of stopped worlds that are named.
const MAX_REASONS: usize = 4;

/// "12 collections in 0.9 s; ...": a sentence per line.
pub(crate) fn process_lines(trace: &ProcessTrace) -> Vec<String> {
    vec![collections(trace), stops(trace), assists(trace)]
}

fn collections(trace: &ProcessTrace) -> String {
    format!(
        "{} in {}, which marked for {} together; largest heap {}; {}",
        plural(trace.gc_cycles.n, "collection"),
        duration(trace.duration_ns),
        duration(trace.gc_cycles.wall_ns),
        trace.heap_max_bytes.map_or(NOT_MEASURED.to_owned(), bytes),
        n_times(trace.sweeps, "an allocation had to sweep first"),
    )
}

fn stops(trace: &ProcessTrace) -> String {
    let mut all = Ranges::default();
    trace.stops.iter().for_each(|(_, stops)| all += *stops);
    let reasons: Vec<String> = trace
        .stops
        .iter()
        .take(MAX_REASONS)
        .map(|(reason, stops)| {
            format!(
                "{reason} {} in {}, longest {}",
                count(stops.n),
                duration(stops.wall_ns),
                duration(stops.longest_ns)
            )
        })
        .collect();
    format!(
        "{}: {}",
        n_times(all, "all goroutines were stopped"),
        if reasons.is_empty() { "never".to_owned() } else { reasons.join("; ") }
    )
}

fn assists(trace: &ProcessTrace) -> String {
    if trace.assists.n == 0 {
        return "no goroutine had to help the collector (mark assist)".to_owned();
    }
    let at_least = if trace.is_on_cpu_lower_bound { "at least " } else { "" };
    format!(
        "{}, of it {at_least}{} on a CPU, longest {}; inside map operations {}",
        n_times(trace.assists, "a goroutine had to help the collector (mark assist)"),
        trace.assists.on_cpu_ns.map_or(NOT_MEASURED.to_owned(), duration),
        duration(trace.assists.longest_ns),
        time_share(trace.assists_in_maps.wall_ns, trace.assists.wall_ns),
    )
}

/// "24 times, 1.2 ms together, all goroutines were stopped".
fn n_times(ranges: Ranges, what: &str) -> String {
    format!("{}, {} together, {what}", plural(ranges.n, "time"), duration(ranges.wall_ns))
}

fn plural(n: u64, what: &str) -> String {
    format!("{} {what}{}", count(n), if n == 1 { "" } else { "s" })
}
