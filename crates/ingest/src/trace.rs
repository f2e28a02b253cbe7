//! Execution traces to what the garbage collector did to goroutines, where they waited for locks, and at which line.
//!
//! None of it needs the order of events, which makes it cheap. Stacks are attributed like CPU samples: to the user's frame
//! above the map operation.

use std::collections::{HashMap, HashSet};

use evidence::Evidence;
use evidence::{Notice, ProcessTrace, Ranges, SiteTrace, SourceId, Timeline, Waits};
use gomap::{FrameClass, classify_stack};
use gotrace::{
    ClockSnapshot, GcCycle, GoId, LockWaits, MarkAssist, Metric, Observer, OnCpu, Run, RunEnd,
    Scanned, StackKey, StopTheWorld, Sum, Sweep, Time, Totals, scan_trace,
};

use crate::error::Error;
use crate::lines::{FrameInfo, LineId, Lines};
use crate::locks::LockCollector;
use crate::printable::printable;
use crate::program::ProgramOfProfile;
use crate::timeline::TimelineBuilder;
use crate::times::Times;
use crate::trace_input::TraceInput;

/// Sums execution traces.
#[derive(Debug, Default)]
pub(crate) struct TraceCollector {
    lines: Lines,
    process: ProcessTrace,
    sites: HashMap<LineId, SiteTrace>,
    timeline: Option<OpenTimeline>,
    programs: Vec<ProgramOfProfile>,
}

impl TraceCollector {
    pub(crate) fn has_traces(&self) -> bool {
        !self.process.sources.is_empty()
    }

    /// The programs of the traces, by functions on their stacks.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &ProgramOfProfile> {
        self.programs.iter()
    }

    /// Adds a trace; returns a line about it: "execution trace of 0.9 s, 52,710 events".
    pub(crate) fn add(
        &mut self,
        input: &TraceInput,
        source: SourceId,
        name: &str,
        locks: &mut LockCollector,
        times: &mut Times,
        evidence: &mut Evidence,
    ) -> Result<String, Error> {
        let trace_error = |source| Error::Trace { name: name.to_owned(), source };
        let mut seen = Seen::default();
        let scanned = scan_trace(input, &mut seen).map_err(trace_error)?;
        crate::add_faults(evidence, source, &scanned.faults);
        let scanned = scanned.value;
        self.process.sources.push(source);
        let duration_ns = scanned.end.ns_since(scanned.start);
        if let Some(start_ns) = start_of_day(&scanned) {
            times.add(source, start_ns, duration_ns);
        }
        self.programs.push(program(&seen, &scanned, name));
        self.add_to_process(&seen.totals, &scanned, duration_ns);
        let maps = self.map_stacks(&seen, &scanned);
        self.add_to_sites(&seen, &maps);
        add_locks(locks, &seen, &scanned, source, duration_ns);
        if seen.waits.n_open() > 0 {
            let text = format!(
                "{} goroutines still waited for a lock when the trace ended; those waits are left out",
                seen.waits.n_open()
            );
            evidence.notices.push(Notice { source: Some(source), text });
        }
        if self.timeline.is_none() {
            self.timeline = Some(OpenTimeline::of(seen, &maps, source, &scanned));
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
        let (_, op_at) = class.op?;
        let user = frames[op_at + 1..].iter().find(|frame| !frame.class.is_runtime());
        Some(MapStack { line: user.map(|frame| frame.line), is_growth: class.is_growth() })
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

    /// Offers samples of `perf` inside map operations, taken on the monotonic clock, to the timeline.
    pub(crate) fn offer_samples(&mut self, source: SourceId, samples: &[(u64, bool)]) {
        if let Some(timeline) = &mut self.timeline {
            timeline.offer(source, samples);
        }
    }

    /// Gives each site what the trace has of it.
    pub(crate) fn finish(self, evidence: &mut Evidence) {
        if !self.has_traces() {
            return;
        }
        let mut by_place: HashMap<(String, u32), SiteTrace> = HashMap::new();
        for (line, site) in &self.sites {
            // Lines differ in the path of their file only where a trace and another have it differently.
            let frame = self.lines.frame(*line);
            merge(by_place.entry((frame.function, frame.line)).or_default(), site);
        }
        for site in &mut evidence.sites {
            let place = (site.frame.function.clone(), site.frame.line);
            site.trace = Some(by_place.get(&place).copied().unwrap_or_default());
        }
        evidence.timeline = self.timeline.and_then(OpenTimeline::finish);
        evidence.trace = Some(self.process);
    }
}

fn merge(into: &mut SiteTrace, other: &SiteTrace) {
    into.assists += other.assists;
    into.growth_assists += other.growth_assists;
    into.writers = match (into.writers, other.writers) {
        (Some(mut all), Some(more)) => {
            all.n = all.n.saturating_add(more.n);
            all.busy_ns = all.busy_ns.saturating_add(more.busy_ns);
            all.assists += more.assists;
            Some(all)
        }
        (all, more) => all.or(more),
    };
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

    fn offer(&mut self, source: SourceId, samples: &[(u64, bool)]) {
        let Some(clocks) = self.clocks else { return };
        let offset = i128::from(clocks.trace.0) - i128::from(clocks.mono_ns);
        let aligned = samples.iter().filter_map(|&(at, is_growth)| {
            let at = Time(i64::try_from(i128::from(at) + offset).ok()?);
            (self.start..=self.end).contains(&at).then_some((at, is_growth))
        });
        let aligned: Vec<(Time, bool)> = aligned.collect();
        if aligned.len() > self.samples.as_ref().map_or(0, |(_, samples)| samples.len()) {
            self.samples = Some((source, aligned));
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

/// Adds the waits of goroutines to those for locks.
fn add_locks(
    locks: &mut LockCollector,
    seen: &Seen,
    scanned: &Scanned,
    source: SourceId,
    duration_ns: u64,
) {
    let symbols = &scanned.symbols;
    let stacks = seen.waits.by_stack.iter().map(|(&stack, sum)| {
        let frames = symbols.frames(stack);
        let frames = frames
            .map(|frame| (frame.func, frame.file, u32::try_from(frame.line).unwrap_or(0)))
            .collect::<Vec<_>>();
        (frames.into_iter(), Waits { n: sum.n, ns: sum.wall_ns })
    });
    locks.add_trace(stacks, source, duration_ns);
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
