//! Execution traces to what the garbage collector did to goroutines, where they waited for locks, and at which line.
//!
//! None of it needs the order of events, which makes it cheap. Stacks are attributed like CPU samples: to the user's frame
//! above the map operation.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use evidence::{
    Builder, LineId, OfSource, ProcessTrace, Ranges, SiteTrace, SourceId, Timeline, Waits,
    printable,
};
use gomap::{FrameClass, classify_stack};
use gotrace::{
    ClockSnapshot, GcCycle, GoId, LockWaits, MarkAssist, Metric, Observer, OnCpu, Run, RunEnd,
    Scanned, StackKey, StopTheWorld, Sum, Sweep, Time, Totals, scan_trace,
};

use crate::error::Error;
use crate::lines::{FrameInfo, Lines, user_of};
use crate::locks::LockSums;
use crate::program::ProgramOfProfile;
use crate::timeline::TimelineBuilder;
use crate::trace_input::TraceInput;

/// By how much one trace may begin before the one before it ends: clocks are read at some moment in between. Units: nanoseconds.
const MOST_OVERLAP_NS: i128 = 1_000_000;

/// Sums execution traces.
#[derive(Debug)]
pub(crate) struct TraceCollector {
    lines: Lines,
    process: ProcessTrace,
    sites: HashMap<LineId, SiteTrace>,
    timeline: Option<OpenTimeline>,
    /// The times that traces cover, as far as they say; each with the name of the trace. Units: nanoseconds since 1970.
    covered: Vec<(Range<i128>, String)>,
}

/// When samples of a `perf.data` inside map operations were taken, on the monotonic clock, and which of them were under
/// growth. Units: nanoseconds. Order: none.
#[derive(Debug)]
pub(crate) struct MapTimes {
    pub(crate) source: SourceId,
    pub(crate) samples: Vec<(u64, bool)>,
}

impl TraceCollector {
    /// To sum up traces, the first of which is this input.
    pub(crate) fn new(first: SourceId) -> Self {
        Self {
            lines: Lines::default(),
            process: ProcessTrace::of(first),
            sites: HashMap::new(),
            timeline: None,
            covered: Vec::new(),
        }
    }

    /// Adds a trace; returns the waits for locks in it, and what its stacks say about the program. `None` where it covers time
    /// that another covers: what happened then would count twice.
    pub(crate) fn add(
        &mut self,
        input: &TraceInput,
        source: &mut OfSource<'_>,
    ) -> Result<Option<(LockSums, ProgramOfProfile)>, Error> {
        let trace_error = |error| Error::Trace { name: source.name().to_owned(), source: error };
        let mut seen = Seen::default();
        let scanned = scan_trace(input, &mut seen).map_err(trace_error)?;
        crate::add_faults(source, &scanned.faults);
        let scanned = scanned.value;
        let duration_ns = scanned.end.ns_since(scanned.start);
        if let Some(start_ns) = start_of_day(&scanned) {
            if let Some(other) = self.cover(start_ns, duration_ns, source.name()) {
                source.notice(&format!(
                    "not used: it was taken at the same time as {other}; if it is of another process, diagnose it alone"
                ));
                return Ok(None);
            }
            source.covers(start_ns, duration_ns);
        }
        self.process.sources.add(source.id());
        let program = program(&seen, &scanned, source.name());
        self.add_to_process(&seen.totals, &scanned, duration_ns);
        let maps = self.map_stacks(&seen, &scanned);
        self.add_to_sites(&seen, &maps);
        let locks = locks(&seen, &scanned, source.id(), duration_ns);
        if seen.waits.n_open() > 0 {
            source.notice(&format!(
                "{} goroutines still waited for a lock when the trace ended; those waits are left out",
                seen.waits.n_open()
            ));
        }
        if scanned.n_open_assists > 0 {
            source.notice(&format!(
                "{} mark assists had not ended when the trace did; they are left out",
                scanned.n_open_assists
            ));
        }
        let (seconds, n) = (duration_ns as f64 / 1e9, scanned.n_events);
        source.summary(&format!("execution trace of {seconds:.1} s, {n} events"));
        if self.timeline.is_none() {
            self.timeline = Some(OpenTimeline::of(seen, &maps, source.id(), &scanned));
        }
        Ok(Some((locks, program)))
    }

    /// Notes which time a trace covers; the name of one that covers a part of it, where there is one.
    fn cover(&mut self, start_ns: i128, duration_ns: u64, name: &str) -> Option<String> {
        let time = start_ns..start_ns + i128::from(duration_ns);
        let overlaps =
            |of: &Range<i128>| of.end.min(time.end) - of.start.max(time.start) > MOST_OVERLAP_NS;
        let other = self.covered.iter().find(|(of, _)| overlaps(of));
        let other = other.map(|(_, name)| name.clone());
        if other.is_none() {
            self.covered.push((time, name.to_owned()));
        }
        other
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

    /// Those stacks of assists and samples that are inside a map operation.
    fn map_stacks(&mut self, seen: &Seen, scanned: &Scanned) -> HashMap<StackKey, MapStack> {
        let of_assists = seen.assists.keys().map(|&(_, stack)| stack);
        let stacks: HashSet<StackKey> =
            of_assists.chain(seen.samples_by_goroutine.iter().map(|&(_, stack)| stack)).collect();
        let with_map = |stack| Some((stack, self.map_stack(stack, scanned)?));
        stacks.into_iter().filter_map(with_map).collect()
    }

    fn map_stack(&mut self, stack: StackKey, scanned: &Scanned) -> Option<MapStack> {
        let frames: Vec<FrameInfo> = scanned
            .symbols
            .frames(stack)
            .map(|frame| {
                let line = u32::try_from(frame.line).unwrap_or(0);
                self.lines.add_frame(frame.func, frame.file, line)
            })
            .collect();
        let classes: Vec<FrameClass> = frames.iter().map(|frame| frame.class).collect();
        let class = classify_stack(&classes);
        class.op?;
        let line = user_of(&class, &frames).map(|at| frames[at].line);
        Some(MapStack { line, is_growth: class.is_growth() })
    }

    fn add_to_sites(&mut self, seen: &Seen, maps: &HashMap<StackKey, MapStack>) {
        let mut writers: HashMap<LineId, HashSet<GoId>> = HashMap::new();
        for (&(goroutine, stack), &sum) in &seen.assists {
            let Some(map) = maps.get(&stack) else { continue };
            self.process.assists_in_maps += assists(sum);
            let Some(line) = map.line else { continue };
            let site = self.sites.entry(line).or_default();
            site.assists += assists(sum);
            if map.is_growth {
                site.growth_assists += assists(sum);
            }
            writers.entry(line).or_default().insert(goroutine);
        }
        for &(goroutine, stack) in &seen.samples_by_goroutine {
            if let Some(line) = maps.get(&stack).and_then(|map| map.line) {
                writers.entry(line).or_default().insert(goroutine);
            }
        }
        for (line, goroutines) in writers {
            let site = self.sites.entry(line).or_default();
            let mut all = site.writers.unwrap_or_default();
            all.n = all.n.saturating_add(goroutines.len() as u64);
            for goroutine in goroutines {
                let sum = seen.totals.assists_by_goroutine.get(&goroutine).copied();
                let sum = sum.unwrap_or_default();
                let ran_ns = seen.on_cpu.0.get(&goroutine).copied().unwrap_or(0);
                let parked_ns = sum.wall_ns.saturating_sub(sum.on_cpu_ns);
                all.busy_ns = all.busy_ns.saturating_add(ran_ns).saturating_add(parked_ns);
                all.assists += assists(sum);
            }
            site.writers = Some(all);
        }
    }

    /// Says what the traces have of each line. The timeline shows samples of the trace, or of a `perf.data`.
    pub(crate) fn tell(mut self, of_perf: &[MapTimes], builder: &mut Builder) {
        if let Some(timeline) = &mut self.timeline {
            of_perf.iter().for_each(|times| timeline.offer(times));
        }
        let timeline = self.timeline.and_then(OpenTimeline::finish);
        if let Some(timeline) = &timeline {
            let shown = builder.of(timeline.source).name().to_owned();
            for other in self.process.sources.iter().filter(|&of| of != timeline.source) {
                builder.of(other).notice(&format!(
                    "its timeline is not shown, but that of {shown}: of several traces the first"
                ));
            }
        }
        for (line, trace) in self.sites {
            builder.line(&self.lines.frame(line)).trace = Some(trace);
        }
        builder.trace(self.process, timeline);
    }
}

/// A stack inside a map operation.
#[derive(Debug, Clone, Copy)]
struct MapStack {
    /// The user's line.
    line: Option<LineId>,
    is_growth: bool,
}

/// When the trace began. Units: nanoseconds since 1970; `None` up to Go 1.24, whose traces do not say.
fn start_of_day(scanned: &Scanned) -> Option<i128> {
    let clocks = scanned.snapshot?;
    let wall_ns = i128::from(clocks.wall_s) * 1_000_000_000 + i128::from(clocks.wall_ns);
    Some(wall_ns - (i128::from(clocks.trace.0) - i128::from(scanned.start.0)))
}

/// What stacks of waiting goroutines say about the program: a trace has neither build id nor file name.
fn program(seen: &Seen, scanned: &Scanned, name: &str) -> ProgramOfProfile {
    let stacks = seen.waits.by_stack.keys().copied();
    let of_assists = seen.assists.keys().map(|&(_, stack)| stack);
    // Goroutines begin in functions that are not inlined. Every Go program has those of the runtime; those of package
    // main are its own.
    let first_of_main = |stack| {
        let functions = scanned.symbols.frames(stack).map(|frame| frame.func);
        functions.filter(|function| function.starts_with("main.")).last()
    };
    let own = stacks.chain(of_assists).filter_map(first_of_main);
    ProgramOfProfile::of_functions(name, own)
}

/// The steps of a trace, until it is known whose samples they show.
#[derive(Debug)]
struct OpenTimeline {
    source: SourceId,
    builder: TimelineBuilder,
    /// Samples inside map operations, of the trace itself or of a `perf.data` on the same clock, whichever has more.
    samples: Option<(SourceId, Vec<(Time, bool)>)>,
    start: Time,
    end: Time,
    clocks: Option<ClockSnapshot>,
}

impl OpenTimeline {
    fn of(
        seen: Seen,
        maps: &HashMap<StackKey, MapStack>,
        source: SourceId,
        scanned: &Scanned,
    ) -> Self {
        let inside = |&(at, stack): &(Time, StackKey)| Some((at, maps.get(&stack)?.is_growth));
        let samples = seen.samples.iter().filter_map(inside).collect();
        let has_samples = seen.totals.n_cpu_samples > 0;
        Self {
            source,
            builder: seen.timeline,
            samples: has_samples.then_some((source, samples)),
            start: scanned.start,
            end: scanned.end,
            clocks: scanned.snapshot,
        }
    }

    fn offer(&mut self, MapTimes { source, samples }: &MapTimes) {
        let Some(clocks) = self.clocks else { return };
        let offset = i128::from(clocks.trace.0) - i128::from(clocks.mono_ns);
        let aligned = samples.iter().filter_map(|&(at, is_growth)| {
            let at = Time(i64::try_from(i128::from(at) + offset).ok()?);
            (self.start..=self.end).contains(&at).then_some((at, is_growth))
        });
        let aligned: Vec<(Time, bool)> = aligned.collect();
        if aligned.len() > self.samples.as_ref().map_or(0, |(_, samples)| samples.len()) {
            self.samples = Some((*source, aligned));
        }
    }

    fn finish(mut self) -> Option<Timeline> {
        for &(at, is_growth) in self.samples.iter().flat_map(|(_, samples)| samples) {
            self.builder.map_sample(at, is_growth);
        }
        self.builder.finish(self.source, self.samples.map(|(source, _)| source))
    }
}

/// All that is taken from a scan.
#[derive(Debug, Default)]
struct Seen {
    totals: Totals,
    on_cpu: OnCpu,
    waits: LockWaits,
    assists: HashMap<(GoId, StackKey), Sum>,
    samples: Vec<(Time, StackKey)>,
    samples_by_goroutine: HashSet<(GoId, StackKey)>,
    timeline: TimelineBuilder,
}

/// The waits of goroutines for locks.
fn locks(seen: &Seen, scanned: &Scanned, source: SourceId, duration_ns: u64) -> LockSums {
    let symbols = &scanned.symbols;
    let stacks = seen.waits.by_stack.iter().map(|(&stack, sum)| {
        let frames = symbols.frames(stack);
        let frames = frames
            .map(|frame| (frame.func, frame.file, u32::try_from(frame.line).unwrap_or(0)))
            .collect::<Vec<_>>();
        (frames.into_iter(), Waits { n: sum.n, ns: sum.wall_ns })
    });
    LockSums::of_trace(stacks, source, duration_ns)
}

impl Observer for Seen {
    fn gc_cycle(&mut self, cycle: &GcCycle) {
        self.totals.gc_cycle(cycle);
        self.timeline.gc(cycle.start, cycle.end);
    }

    fn stop(&mut self, stop: &StopTheWorld) {
        self.totals.stop(stop);
        self.timeline.stop(stop.start, stop.end);
    }

    fn assist(&mut self, assist: &MarkAssist) {
        self.totals.assist(assist);
        self.timeline.assist(assist.start, assist.end);
        let sum = self.assists.entry((assist.goroutine, assist.stack)).or_default();
        sum.add(assist.end.ns_since(assist.start), assist.on_cpu_ns);
    }

    fn sweep(&mut self, sweep: &Sweep) {
        self.totals.sweep(sweep);
    }

    fn heap(&mut self, at: Time, metric: Metric, bytes: u64) {
        self.totals.heap(at, metric, bytes);
        if metric == Metric::HeapLive {
            self.timeline.heap(at, bytes);
        }
    }

    fn run(&mut self, run: &Run, _: RunEnd<'_, '_>) {
        self.on_cpu.add(run);
    }

    fn lock_wait_begins(&mut self, at: Time, goroutine: GoId, stack: StackKey) {
        self.waits.lock_wait_begins(at, goroutine, stack);
    }

    fn lock_wait_ends(&mut self, at: Time, goroutine: GoId) {
        self.waits.lock_wait_ends(at, goroutine);
    }

    fn generation_ends(&mut self) {
        self.waits.generation_ends();
    }

    fn cpu_sample(&mut self, sample: &gotrace::CpuSample, stack: StackKey) {
        self.totals.cpu_sample(sample, stack);
        self.samples.push((sample.time, stack));
        if let Some(goroutine) = sample.goroutine {
            self.samples_by_goroutine.insert((goroutine, stack));
        }
    }
}

fn ranges(sum: Sum) -> Ranges {
    Ranges { n: sum.n, wall_ns: sum.wall_ns, on_cpu_ns: None, longest_ns: sum.longest_ns }
}

fn assists(sum: Sum) -> Ranges {
    Ranges { on_cpu_ns: Some(sum.on_cpu_ns), ..ranges(sum) }
}
