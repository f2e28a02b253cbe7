//! Execution traces to what the garbage collector did to goroutines, and at which line.
//!
//! Totals need no order of events, which makes them cheap. Of their stacks, those of mark assists are attributed like CPU
//! samples: to the user's frame above the map operation.

use std::collections::HashMap;

use diagnosis::Evidence;
use diagnosis::evidence::{Notice, ProcessTrace, Ranges, SourceId};
use gomap::{FrameClass, classify_stack};
use gotrace::{Cause, Scanned, StackKey, Sum, Totals, scan_trace};

use crate::error::Error;
use crate::lines::{FrameInfo, LineId, Lines};
use crate::printable::printable;
use crate::trace_input::TraceInput;

/// Sums execution traces.
#[derive(Debug, Default)]
pub(crate) struct TraceCollector {
    lines: Lines,
    process: ProcessTrace,
    assists: HashMap<LineId, Ranges>,
}

impl TraceCollector {
    pub(crate) fn has_traces(&self) -> bool {
        !self.process.sources.is_empty()
    }

    /// Adds a trace; returns a line about it: "execution trace of 0.9 s, 52,710 events".
    pub(crate) fn add(
        &mut self,
        input: &TraceInput,
        source: SourceId,
        name: &str,
        evidence: &mut Evidence,
    ) -> Result<String, Error> {
        let trace_error = |source| Error::Trace { name: name.to_owned(), source };
        let mut totals = Totals::default();
        let scanned = scan_trace(input, &mut totals).map_err(trace_error)?;
        crate::add_faults(evidence, source, &scanned.faults);
        let scanned = scanned.value;
        self.process.sources.push(source);
        let duration_ns = scanned.end.ns_since(scanned.start);
        self.add_to_process(&totals, &scanned, duration_ns);
        for (&(cause, stack), &sum) in &totals.by_stack {
            if cause == Cause::MarkAssist {
                self.add_assists(stack, assists(sum), &scanned);
            }
        }
        if scanned.n_open_assists > 0 {
            let text = format!(
                "{} mark assists had not ended when the trace did; they are left out",
                scanned.n_open_assists
            );
            evidence.notices.push(Notice { source: Some(source), text });
        }
        let (seconds, n) = (duration_ns as f64 / 1e9, scanned.n_events);
        Ok(format!("execution trace of {seconds:.1} s, {n} events"))
    }

    fn add_to_process(&mut self, totals: &Totals, scanned: &Scanned, duration_ns: u64) {
        let process = &mut self.process;
        process.duration_ns = process.duration_ns.saturating_add(duration_ns);
        process.gc_cycles += ranges(totals.gc_cycles);
        process.assists += assists(totals.assists);
        process.sweeps += ranges(totals.sweeps);
        let heap_max_bytes = Some(totals.heap_max_bytes).filter(|&bytes| bytes > 0);
        process.heap_max_bytes = process.heap_max_bytes.max(heap_max_bytes);
        process.is_on_cpu_lower_bound |= scanned.n_unclear_runs > 0;
        for (&reason, &sum) in &totals.stops {
            let reason = printable(scanned.symbols.text(reason));
            match process.stops.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, stops)) => *stops += ranges(sum),
                None => process.stops.push((reason, ranges(sum))),
            }
        }
        process.stops.sort_by(|(a, x), (b, y)| y.wall_ns.cmp(&x.wall_ns).then_with(|| a.cmp(b)));
    }

    fn add_assists(&mut self, stack: StackKey, assists: Ranges, scanned: &Scanned) {
        let frames: Vec<FrameInfo> = scanned
            .symbols
            .frames(stack)
            .map(|frame| {
                let line = u32::try_from(frame.line).unwrap_or(0);
                self.lines.add_frame(frame.func, frame.file, line)
            })
            .collect();
        let classes: Vec<FrameClass> = frames.iter().map(|frame| frame.class).collect();
        let Some((_, op_at)) = classify_stack(&classes).op else { return };
        self.process.assists_in_maps += assists;
        if let Some(frame) = frames[op_at + 1..].iter().find(|frame| !frame.class.is_runtime()) {
            *self.assists.entry(frame.line).or_default() += assists;
        }
    }

    /// Gives each site its mark assists.
    pub(crate) fn finish(self, evidence: &mut Evidence) {
        if !self.has_traces() {
            return;
        }
        let mut by_place: HashMap<(String, u32), Ranges> = HashMap::new();
        for (line, assists) in &self.assists {
            let frame = self.lines.frame(*line);
            *by_place.entry((frame.function, frame.line)).or_default() += *assists;
        }
        for site in &mut evidence.sites {
            let place = (site.frame.function.clone(), site.frame.line);
            site.assists = Some(by_place.get(&place).copied().unwrap_or_default());
        }
        evidence.trace = Some(self.process);
    }
}

fn ranges(sum: Sum) -> Ranges {
    Ranges { n: sum.n, wall_ns: sum.wall_ns, on_cpu_ns: None, longest_ns: sum.longest_ns }
}

fn assists(sum: Sum) -> Ranges {
    Ranges { on_cpu_ns: Some(sum.on_cpu_ns), ..ranges(sum) }
}
