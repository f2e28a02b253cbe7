//! What the garbage collector does to the goroutines that use maps: clock readings of execution traces.

use super::{ProcessContext, SiteContext};
use crate::finding::{Amount, Confidence, EvidenceLine, Finding, Level, Verdict};
use evidence::words::plural;
use evidence::{Evidence, ProcessTrace, Ranges, SourceId, SourceKind};

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
    let verdict = if is_growth { Verdict::Presize } else { Verdict::AllocateLess };
    let cpu = context.cpu();
    let cost = cpu.map(|(cpu, _)| cpu.split.get(gomap::Category::GcAssist));
    let mut finding = context.finding(verdict, cost.unwrap_or_default());
    finding.cost = cost;
    finding.cause = if is_growth {
        "goroutines that write here have to mark before growth gets its memory, and wait for that"
            .to_owned()
    } else {
        "goroutines that write here have to mark before they can allocate, and wait for that"
            .to_owned()
    };
    finding.advice = if is_growth {
        "a size hint allocates once where growth allocates at every step; where memory is left, a higher GOGC or \
         GOMEMLIMIT makes collections and with them this help rarer"
            .to_owned()
    } else {
        "allocate less here: reuse maps with clear(), make keys without new strings; where memory is left, a higher \
         GOGC or GOMEMLIMIT makes collections and with them this help rarer"
            .to_owned()
    };
    finding.evidence = assist_lines(context, here.assists, here.growth_assists);
    if let (Some((cpu, process)), Some(cost)) = (cpu, cost.filter(|cost| cost.samples > 0)) {
        finding.evidence.push(context.share(
            "collector work charged to map operations of this line, of all CPU",
            cost,
            process.total,
        ));
        finding.evidence.push(context.share(
            "of the line's map cost under growth",
            cpu.growth,
            cpu.map,
        ));
    }
    finding.confidence = match here.assists.n {
        0..MANY_ASSISTS => Confidence {
            level: Level::Medium,
            reason: format!("only {} {}", here.assists.n, plural(here.assists.n, "assist")),
        },
        _ => Confidence {
            level: Level::High,
            reason: "every assist was timed; writers that were never seen inside a map operation are missing".to_owned(),
        },
    };
    Some(finding)
}

fn assist_lines(context: &SiteContext<'_>, here: Ranges, growth: Ranges) -> Vec<EvidenceLine> {
    let Some(writers) = context.site.trace.and_then(|trace| trace.writers) else {
        return Vec::new();
    };
    let line = |what: &str, amount| context.fact(SourceKind::Trace, what.to_owned(), amount);
    let share = |part_ns, whole_ns| Amount::TimeShare { part_ns, whole_ns };
    let mut lines = vec![
        line("goroutines seen writing here", Amount::Count(writers.n)),
        line(
            "mark assists inside map operations of this line, of the time in which they ran or helped",
            share(here.wall_ns, writers.busy_ns),
        ),
        line("of that under growth", share(growth.wall_ns, here.wall_ns)),
        line("assists here", Amount::Count(here.n)),
        line("the longest of them", Amount::Time(here.longest_ns)),
    ];
    if let Some(on_cpu_ns) = here.on_cpu_ns {
        lines
            .push(line("of their time on a CPU, the rest waiting", share(on_cpu_ns, here.wall_ns)));
    }
    lines
}

/// How long the collector marked, and had maps help it.
pub(super) fn mark_lines(trace: &ProcessTrace) -> [EvidenceLine; 2] {
    let source = trace.sources.first().copied().unwrap_or(SourceId(0));
    let line = |what: &str, part_ns, whole_ns| {
        let amount = Amount::TimeShare { part_ns, whole_ns };
        EvidenceLine { source, what: what.to_owned(), amount }
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
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: "collections stop all goroutines for a noticeable part of the time, or long at once"
            .to_owned(),
        verdict: Verdict::AllocateLess,
        advice: "fewer collections: allocate less (size hints, reuse) or raise GOGC; a stop also waits until every \
                 goroutine is off its processor, so more runnable threads than processors make it longer"
            .to_owned(),
        cost: None,
        saving: None,
        confidence: trust_in(stops.all, is_often),
        evidence: stop_lines(process.evidence, &stops),
    })
}

/// The world is hardly stopped: folklore has it that this is what maps cost.
pub(super) fn stops_are_short(process: &ProcessContext<'_>) -> Option<Finding> {
    let stops = Stops::of(process.evidence)?;
    if stops.fraction >= STOPS_ARE_SHORT || stops.is_long_once() {
        return None;
    }
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: "collections stop all goroutines only briefly".to_owned(),
        verdict: Verdict::LeaveAlone,
        advice:
            "pauses are not what hurts here; the marking beside the program and its help may be"
                .to_owned(),
        cost: None,
        saving: None,
        confidence: trust_in(stops.all, true),
        evidence: stop_lines(process.evidence, &stops),
    })
}

/// Each stop was timed, but few of them may have been long by chance, and one surely.
fn trust_in(stops: Ranges, is_of_all: bool) -> Confidence {
    let (level, reason) = match stops.n {
        _ if !is_of_all => (Level::Low, "it rests on the longest stop alone".to_owned()),
        n @ 0..FEW_STOPS => (Level::Low, format!("only {n} {}", plural(n, "stop"))),
        _ => (Level::High, "every stop in the trace was timed".to_owned()),
    };
    Confidence { level, reason }
}

fn stop_lines(evidence: &Evidence, stops: &Stops<'_>) -> Vec<EvidenceLine> {
    let Stops { trace, all, .. } = stops;
    let source = trace.sources.first().copied().unwrap_or(SourceId(0));
    let line = |what: &str, amount| EvidenceLine { source, what: what.to_owned(), amount };
    let share = Amount::TimeShare { part_ns: all.wall_ns, whole_ns: trace.duration_ns };
    let mut lines = vec![
        line("stopped for collections, of the traced time", share),
        line("times", Amount::Count(all.n)),
        line("the longest", Amount::Time(all.longest_ns)),
        line("collections", Amount::Count(trace.gc_cycles.n)),
    ];
    if let Some(cpu) = &evidence.cpu {
        lines.push(EvidenceLine {
            source: cpu.sources.first().copied().unwrap_or(SourceId(0)),
            what: "garbage collection, of all CPU".to_owned(),
            amount: Amount::Share { part: cpu.gc, whole: cpu.total },
        });
    }
    lines
}
