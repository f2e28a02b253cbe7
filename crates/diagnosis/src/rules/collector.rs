//! What the garbage collector does to the goroutines that use maps: clock readings of execution traces.

use super::{ProcessContext, SiteContext, makes, said};
use crate::finding::{
    Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Level, Reason, Relief,
};
use evidence::{Evidence, ProcessTrace, Ranges, SourceKind};
use goabi::MapOp;

/// Part of the writers' time in mark assists from which on they are a matter.
pub(super) const ASSISTS_NOTICEABLE: f64 = 0.05;
/// Assists below which no rule speaks: a few are anywhere by chance.
pub(super) const ENOUGH_ASSISTS: u64 = 20;
/// Assists from which on their sum is as good as the clock.
pub(super) const MANY_ASSISTS: u64 = 100;
/// Part of the traced time in stopped worlds below which they are no matter.
pub(super) const STOPS_ARE_SHORT: f64 = 0.01;
/// Part of the traced time in stopped worlds from which on they are one.
pub(super) const STOPS_NOTICEABLE: f64 = 0.05;
/// Longest stop that nobody waits for with impatience. Units: nanoseconds.
pub(super) const LONG_STOP_NS: u64 = 10_000_000;
/// Stops below which their sum may be chance.
pub(super) const FEW_STOPS: u64 = 10;

/// Goroutines that write here pay for what they allocate by marking: that, not the map's logic, is what they wait for.
pub(super) fn writers_help_collector(context: &SiteContext<'_>) -> Option<Finding> {
    let here = context.site.trace?;
    let writers = here.writers?;
    let is_large = here.assists.wall_ns as f64 >= ASSISTS_NOTICEABLE * writers.busy_ns as f64;
    if here.assists.n < ENOUGH_ASSISTS || !is_large {
        return None;
    }
    let is_growth = here.growth_assists.wall_ns.saturating_mul(2) >= here.assists.wall_ns;
    let cpu = context.cpu();
    let cost = cpu.map(|(cpu, _)| cpu.split.get(gomap::Category::GcAssist));
    let (cause, by) = if is_growth {
        let made = makes::of(context, context.types(MapOp::Assign).next());
        (Cause::WritersMarkForGrowth, Relief::Presize(made))
    } else {
        (Cause::WritersMark, Relief::AllocateLess)
    };
    let advice = Advice::AssistLess { by };
    let mut finding = context.finding(cost.unwrap_or_default(), cause, advice);
    finding.cost = cost;
    finding.evidence = assist_lines(context, here.assists, here.growth_assists);
    if let (Some((cpu, process)), Some(cost)) = (cpu, cost.filter(|cost| cost.samples > 0)) {
        finding.evidence.extend(context.share(
            "collector work charged to map operations of this line, of all CPU",
            cost,
            process.total,
        ));
        finding.evidence.extend(context.share(
            "of the line's map cost under growth",
            cpu.growth,
            cpu.map,
        ));
    }
    finding.confidence = match here.assists.n {
        n @ 0..MANY_ASSISTS => Confidence { level: Level::Medium, reason: Reason::FewAssists(n) },
        _ => Confidence { level: Level::High, reason: Reason::AssistsTimed },
    };
    Some(finding)
}

fn assist_lines(context: &SiteContext<'_>, here: Ranges, growth: Ranges) -> Vec<EvidenceLine> {
    let Some(writers) = context.site.trace.and_then(|trace| trace.writers) else {
        return Vec::new();
    };
    let line = |what: &str, amount| context.fact(SourceKind::Trace, what.to_owned(), amount);
    let share = |part_ns, whole_ns| Amount::TimeShare { part_ns, whole_ns };
    let mut lines = said([
        line("goroutines seen writing here", Amount::Count(writers.n)),
        line(
            "mark assists inside map operations of this line, of the time in which they ran or helped",
            share(here.wall_ns, writers.busy_ns),
        ),
        line("of that under growth", share(growth.wall_ns, here.wall_ns)),
        line("assists here", Amount::Count(here.n)),
        line("the longest of them", Amount::Time(here.longest_ns)),
    ]);
    if let Some(on_cpu_ns) = here.on_cpu_ns {
        let on_cpu = share(on_cpu_ns, here.wall_ns);
        lines.extend(line("of their time on a CPU, the rest waiting", on_cpu));
    }
    lines
}

/// How long the collector marked, and had maps help it.
pub(super) fn mark_lines(trace: &ProcessTrace) -> [EvidenceLine; 2] {
    let line = |what: &str, part_ns, whole_ns| {
        let amount = Amount::TimeShare { part_ns, whole_ns };
        EvidenceLine { sources: trace.sources.clone(), what: what.to_owned(), amount }
    };
    [
        line(
            "the collector marked, of the traced time",
            trace.gc_cycles.wall_ns,
            trace.duration_ns,
        ),
        line(
            "inside map operations, of the time that goroutines had to help it",
            trace.assists_in_maps.wall_ns,
            trace.assists.wall_ns,
        ),
    ]
}

/// Stops of all goroutines for collections.
fn gc_stops(trace: &ProcessTrace) -> Ranges {
    let mut all = Ranges::default();
    let of_gc = trace.stops.iter().filter(|(reason, _)| reason.starts_with("GC "));
    of_gc.for_each(|(_, stops)| all += *stops);
    all
}

/// How long all goroutines were stopped for collections.
struct Stops<'e> {
    trace: &'e ProcessTrace,
    all: Ranges,
    /// Units: fraction of the traced time.
    fraction: f64,
}

impl<'e> Stops<'e> {
    /// `None` without any.
    fn of(evidence: &'e Evidence) -> Option<Self> {
        let trace = evidence.trace.as_ref()?;
        let all = gc_stops(trace);
        let fraction = all.wall_ns as f64 / trace.duration_ns.max(1) as f64;
        (all.n > 0).then_some(Self { trace, all, fraction })
    }

    fn is_long_once(&self) -> bool {
        self.all.longest_ns >= LONG_STOP_NS
    }
}

/// The world is stopped for long.
pub(super) fn stopped_world(process: &ProcessContext<'_>) -> Option<Finding> {
    let stops = Stops::of(process.evidence)?;
    let is_often = stops.fraction >= STOPS_NOTICEABLE;
    if !is_often && !stops.is_long_once() {
        return None;
    }
    let confidence = trust_in(stops.all, is_often);
    let finding = Finding::new(process.rule, Cause::LongStops, Advice::CollectLess, confidence);
    Some(Finding { evidence: stop_lines(process.evidence, &stops), ..finding })
}

/// The world is hardly stopped: folklore has it that this is what maps cost.
pub(super) fn stops_are_short(process: &ProcessContext<'_>) -> Option<Finding> {
    let stops = Stops::of(process.evidence)?;
    if stops.fraction >= STOPS_ARE_SHORT || stops.is_long_once() {
        return None;
    }
    let confidence = trust_in(stops.all, true);
    let finding = Finding::new(process.rule, Cause::ShortStops, Advice::LookAtMarking, confidence);
    Some(Finding { evidence: stop_lines(process.evidence, &stops), ..finding })
}

/// Each stop was timed, but few of them may have been long by chance, and one surely.
fn trust_in(stops: Ranges, is_of_all: bool) -> Confidence {
    let (level, reason) = match stops.n {
        _ if !is_of_all => (Level::Low, Reason::LongestStopAlone),
        n @ 0..FEW_STOPS => (Level::Low, Reason::FewStops(n)),
        _ => (Level::High, Reason::StopsTimed),
    };
    Confidence { level, reason }
}

fn stop_lines(evidence: &Evidence, stops: &Stops<'_>) -> Vec<EvidenceLine> {
    let Stops { trace, all, .. } = stops;
    let line = |what: &str, amount| {
        let sources = trace.sources.clone();
        EvidenceLine { sources, what: what.to_owned(), amount }
    };
    let share = Amount::TimeShare { part_ns: all.wall_ns, whole_ns: trace.duration_ns };
    let mut lines = vec![
        line("stopped for collections, of the traced time", share),
        line("times", Amount::Count(all.n)),
        line("the longest", Amount::Time(all.longest_ns)),
        line("collections", Amount::Count(trace.gc_cycles.n)),
    ];
    if let Some(cpu) = &evidence.cpu {
        lines.push(EvidenceLine {
            sources: cpu.sources.clone(),
            what: "garbage collection, of all CPU".to_owned(),
            amount: Amount::Share { part: cpu.gc, whole: cpu.total },
        });
    }
    lines
}
