//! An event as Go prints it, so that the two can be compared as text.
//!
//! Source: `Event.String` in `src/internal/trace/event.go` (Go 1.27).

use std::fmt::Write;

use gotrace::{StackId, Tables};
use gotrace_oracle::{Event, EventKind, GoState, Metric, Ordered, Range, Region, Task};

/// What `go tool trace -d=parsed` prints for the event.
pub(crate) fn go_format(event: &Event, events: &Ordered) -> String {
    let tables = events.tables();
    let mut out = String::new();
    let id = |id: Option<u64>| id.map_or("-1".to_owned(), |id| id.to_string());
    let thread = id(event.thread().map(|thread| thread.0));
    let proc = id(event.proc().map(|proc| proc.0));
    let goroutine = id(event.goroutine().map(|goroutine| goroutine.0));
    write!(out, "M={thread} P={proc} G={goroutine} {} Time={}", kind_name(event), event.time.0)
        .unwrap();
    details(&mut out, event, events, &goroutine);
    if event.stack != StackId::NONE {
        out.push_str("\nStack=\n");
        frames(&mut out, tables, event.stack);
    }
    out.push('\n');
    out
}

fn kind_name(event: &Event) -> &'static str {
    match event.kind {
        EventKind::Sync { .. } => "Sync",
        EventKind::Metric { .. } => "Metric",
        EventKind::Label { .. } => "Label",
        EventKind::CpuSample => "StackSample",
        EventKind::RangeBegin(_) => "RangeBegin",
        EventKind::RangeActive(_) => "RangeActive",
        EventKind::RangeEnd(_) => "RangeEnd",
        EventKind::TaskBegin(_) => "TaskBegin",
        EventKind::TaskEnd(_) => "TaskEnd",
        EventKind::RegionBegin(_) => "RegionBegin",
        EventKind::RegionEnd(_) => "RegionEnd",
        EventKind::Log { .. } => "Log",
        EventKind::Go { .. } | EventKind::Proc { .. } => "StateTransition",
        EventKind::Experimental { .. } => "Experimental",
        _ => "?",
    }
}

fn details(out: &mut String, event: &Event, events: &Ordered, goroutine: &str) {
    let tables = events.tables();
    match event.kind {
        EventKind::Sync { n } => sync(out, n, events),
        EventKind::Metric { metric, value } => {
            let name = match metric {
                Metric::Procs => "/sched/gomaxprocs:threads",
                Metric::HeapLive => "/memory/classes/heap/objects:bytes",
                Metric::HeapGoal => "/gc/heap/goal:bytes",
            };
            write!(out, " Name={name:?} Value=Value{{Uint64({value})}}").unwrap();
        }
        EventKind::Label { label } => {
            let label = tables.text(label);
            write!(out, " Label={label:?} Resource=Goroutine({goroutine})").unwrap();
        }
        EventKind::RangeBegin(r) | EventKind::RangeActive(r) => range(out, r, tables),
        EventKind::RangeEnd(r) => {
            range(out, r, tables);
            out.push_str(" Attributes=[");
            if let Range::Sweep { swept_bytes, reclaimed_bytes, .. } = r {
                write!(out, "\"bytes swept\"=Value{{Uint64({swept_bytes})}} ").unwrap();
                write!(out, "\"bytes reclaimed\"=Value{{Uint64({reclaimed_bytes})}}").unwrap();
            }
            out.push(']');
        }
        EventKind::TaskBegin(t) | EventKind::TaskEnd(t) => task(out, t, tables),
        EventKind::RegionBegin(r) | EventKind::RegionEnd(r) => region(out, r, tables),
        EventKind::Log { task, category, message } => {
            let (category, message) = (tables.text(category), tables.text(message));
            write!(out, " Task={} Category={category:?} Message={message:?}", task.0).unwrap();
        }
        EventKind::Go { goroutine, from, to, reason, stack } => {
            let reason = tables.text(reason);
            write!(out, " GoID={} {from:?}->{to:?} Reason={reason:?}", goroutine.0).unwrap();
            // Go prints the empty starting stack of a new goroutine as well.
            let is_new = from == GoState::NotExist && to != GoState::Syscall;
            if stack != StackId::NONE || is_new {
                out.push_str("\nTransitionStack=\n");
                frames(out, tables, stack);
            }
        }
        EventKind::Proc { proc, from, to } => {
            write!(out, " ProcID={} {from:?}->{to:?} Reason=\"\"", proc.0).unwrap();
        }
        EventKind::Experimental { ev, args } => {
            let spec = ev.spec().unwrap();
            let args: Vec<_> = (spec.args.iter().skip(1))
                .zip(args)
                .map(|(name, arg)| format!("{name}=Value{{Uint64({arg})}}"))
                .collect();
            write!(out, " Name={} Args=[{}]", spec.name, args.join(", ")).unwrap();
        }
        _ => {}
    }
}

fn sync(out: &mut String, n: u32, events: &Ordered) {
    write!(out, " N={n}").unwrap();
    if let Some(snapshot) = events.snapshot() {
        let wall = wall(snapshot.wall_s, snapshot.wall_ns);
        write!(out, " Trace={} Mono={} Wall={wall}", snapshot.trace.0, snapshot.mono_ns).unwrap();
    }
}

/// RFC 3339 in UTC, without trailing zeros.
fn wall(seconds: u64, ns: u64) -> String {
    let (mut days, of_day) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let is_leap = |y: u64| y.is_multiple_of(4) && (!y.is_multiple_of(100) || y.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = format!(".{ns:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{year}-{:02}-{:02}T{h:02}:{m:02}:{s:02}{fraction}Z", month + 1, days + 1)
}

fn range(out: &mut String, range: Range, tables: &Tables) {
    let id = |id: Option<u64>| id.map_or("-1".to_owned(), |id| id.to_string());
    let (name, scope) = match range {
        Range::StopTheWorld { goroutine, reason } => (
            format!("stop-the-world ({})", tables.text(reason)),
            format!("Goroutine({})", id(goroutine.map(|g| g.0))),
        ),
        Range::GcMark => ("GC concurrent mark phase".to_owned(), "None".to_owned()),
        Range::Sweep { proc, .. } => {
            ("GC incremental sweep".to_owned(), format!("Proc({})", id(proc.map(|p| p.0))))
        }
        Range::MarkAssist { goroutine } => {
            ("GC mark assist".to_owned(), format!("Goroutine({})", id(goroutine.map(|g| g.0))))
        }
    };
    write!(out, " Name={name:?} Scope={scope}").unwrap();
}

fn task(out: &mut String, task: Task, tables: &Tables) {
    let parent = task.parent.map_or(u64::MAX, |parent| parent.0);
    write!(out, " ID={} Parent={parent} Type={:?}", task.id.0, tables.text(task.name)).unwrap();
}

fn region(out: &mut String, region: Region, tables: &Tables) {
    write!(out, " Task={} Type={:?}", region.task.0, tables.text(region.name)).unwrap();
}

fn frames(out: &mut String, tables: &Tables, stack: StackId) {
    for frame in tables.frames(stack) {
        writeln!(out, "\t{} @ 0x{:x}", frame.func, frame.pc).unwrap();
        writeln!(out, "\t\t{}:{}", frame.file, frame.line).unwrap();
    }
}
