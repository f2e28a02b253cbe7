//! Totals are those that Go's reader and an independent one come to, to the nanosecond.

use std::collections::{BTreeMap, HashMap};

use gotrace::{
    Frame, GcCycle, GoId, LockWaits, MarkAssist, Observer, Run, RunEnd, StackKey, StopTheWorld,
    Sum, Sweep, Symbols, Totals, scan,
};
use gotrace_oracle::{Event, EventKind, GoState, GoroutineStates, Ordered, Range, Span};

use crate::{NESTED, bytes_of, each_event, generations, sample};

/// Number and sum of durations by name of the range.
pub(crate) type Ranges = BTreeMap<String, (u64, i64)>;

/// The `range` lines of an expected file.
pub(crate) fn expected_ranges(name: &str) -> Ranges {
    let text = std::fs::read_to_string(xtask::testdata("samples/expected").join(name)).unwrap();
    let number = |line: &str, key: &str| -> i64 {
        let (_, tail) = line.split_once(key).unwrap();
        tail.split_whitespace().next().unwrap().parse().unwrap()
    };
    let lines = text.lines().filter_map(|line| line.strip_prefix("range "));
    lines
        .map(|line| {
            let name = line.split(" n=").next().unwrap().trim().to_owned();
            (name, (number(line, " n=").cast_unsigned(), number(line, " total_ns=")))
        })
        .collect()
}

fn scanned_ranges(bytes: &[u8]) -> (Ranges, Totals, Symbols) {
    let mut totals = Totals::default();
    let scanned = scan(generations(bytes), &mut totals);
    assert_eq!(scanned.faults, []);
    let symbols = scanned.value.symbols;
    (ranges_of(&totals, &symbols), totals, symbols)
}

pub(crate) fn ranges_of(totals: &Totals, symbols: &Symbols) -> Ranges {
    let mut ranges = Ranges::new();
    let mut add = |name: String, sum: &gotrace::Sum| {
        ranges.insert(name, (sum.n, sum.wall_ns.cast_signed()));
    };
    add("GC concurrent mark phase".to_owned(), &totals.gc_cycles);
    add("GC incremental sweep".to_owned(), &totals.sweeps);
    add("GC mark assist".to_owned(), &totals.assists);
    for (&reason, sum) in &totals.stops {
        add(format!("stop-the-world ({})", symbols.text(reason)), sum);
    }
    ranges
}

/// Sums of ordered events, by the order's times or by the clock's.
fn ordered_ranges(bytes: &[u8], time: impl Fn(&Event) -> i64) -> Ranges {
    let mut open = HashMap::new();
    let mut ranges = Ranges::new();
    each_event(bytes, |event, events| match event.kind {
        EventKind::RangeBegin(range) | EventKind::RangeActive(range) => {
            open.entry(range_key(range, events)).or_insert(time(event));
        }
        EventKind::RangeEnd(range) => {
            let key = range_key(range, events);
            let start = open.remove(&key).unwrap();
            let sum = ranges.entry(key.0).or_default();
            sum.0 += 1;
            sum.1 += time(event) - start;
        }
        _ => {}
    });
    ranges
}

fn range_key(range: Range, events: &Ordered) -> (String, Option<u64>) {
    match range {
        Range::StopTheWorld { goroutine, reason } => (
            format!("stop-the-world ({})", events.tables().text(reason)),
            goroutine.map(|goroutine| goroutine.0),
        ),
        Range::GcMark => ("GC concurrent mark phase".to_owned(), None),
        Range::Sweep { proc, .. } => ("GC incremental sweep".to_owned(), proc.map(|proc| proc.0)),
        Range::MarkAssist { goroutine } => {
            ("GC mark assist".to_owned(), goroutine.map(|goroutine| goroutine.0))
        }
    }
}

#[test]
fn ordered_ranges_add_up_as_with_go() {
    for name in ["nested-1.27.3", "flat-1.27.3"] {
        let bytes = sample(&format!("{name}/{name}.trace.xz"));
        let expected = expected_ranges(&format!("{name}.trace.go-internal-trace.txt"));
        assert_eq!(ordered_ranges(&bytes, |event| event.time.0), expected, "{name}");
    }
}

#[test]
fn scanned_ranges_add_up_without_the_nanoseconds_that_an_order_adds() {
    for name in ["nested-1.27.3", "flat-1.27.3"] {
        let bytes = sample(&format!("{name}/{name}.trace.xz"));
        let (ranges, ..) = scanned_ranges(&bytes);
        assert_eq!(ranges, expected_ranges(&format!("{name}.trace.unordered-scan.txt")), "{name}");
        // Go's reader moves an event that is not later than the one before by a nanosecond.
        for (range, (n, ns)) in expected_ranges(&format!("{name}.trace.go-internal-trace.txt")) {
            let (our_n, our_ns) = ranges[&range];
            assert_eq!(our_n, n, "{name}: {range}");
            assert!((our_ns - ns).unsigned_abs() <= n, "{name}: {range}: {our_ns} and {ns}");
        }
    }
}

#[test]
fn scanned_and_ordered_ranges_are_the_same_by_the_clock() {
    for name in crate::SAMPLES {
        let bytes = sample(name);
        let (mut ranges, ..) = scanned_ranges(&bytes);
        ranges.retain(|_, (n, _)| *n > 0);
        assert_eq!(ranges, ordered_ranges(&bytes, |event| event.recorded.0), "{name}");
    }
}

#[test]
fn what_a_scan_counts_beside_ranges() {
    let bytes = sample(NESTED);
    let (_, totals, _) = scanned_ranges(&bytes);
    // From expected/nested-1.27.3.trace.unordered-scan.txt.
    assert_eq!(totals.swept_bytes, 2_975_457_280);
    assert_eq!(totals.reclaimed_bytes, 322_704_184);
    assert_eq!(totals.heap_max_bytes, 29_129_328);
    assert_eq!(totals.n_cpu_samples, 94);
    assert_eq!(totals.assists.on_cpu_ns, 284_092_544);
    assert_eq!(totals.assists_by_goroutine.len(), 3);
    let by_goroutine: u64 = totals.assists_by_goroutine.values().map(|sum| sum.wall_ns).sum();
    assert_eq!(by_goroutine, totals.assists.wall_ns);
    let scanned = scan(generations(&bytes), &mut Totals::default()).value;
    assert_eq!((scanned.n_events, scanned.n_open_assists), (68_765, 0));
    assert_eq!(scanned.n_unclear_runs, 0);
}

/// Counts what happened at which stack, as in the expected files.
#[derive(Default)]
struct ByStack(Vec<(&'static str, Option<gotrace::Name>, StackKey)>);

impl Observer for ByStack {
    fn gc_cycle(&mut self, cycle: &GcCycle) {
        self.0.push(("gcbegin", None, cycle.stack));
    }
    fn stop(&mut self, stop: &StopTheWorld) {
        self.0.push(("stw", Some(stop.reason), stop.stack));
    }
    fn assist(&mut self, assist: &MarkAssist) {
        self.0.push(("assist", None, assist.stack));
    }
    fn sweep(&mut self, sweep: &Sweep) {
        self.0.push(("sweep", None, sweep.stack));
    }
    fn run(&mut self, _: &Run, end: RunEnd<'_, '_>) {
        if let RunEnd::Blocked(mut why) = end {
            self.0.push(("block", Some(why.reason()), why.stack()));
        }
    }
}

fn render(frames: impl Iterator<Item = (String, u64)>) -> String {
    frames.map(|(func, line)| format!("{func}:{line}")).collect::<Vec<_>>().join(" < ")
}

#[test]
fn stacks_are_those_of_an_independent_reader() {
    for name in ["nested-1.27.3", "flat-1.27.3"] {
        let mut by_stack = ByStack::default();
        let scanned =
            scan(generations(&sample(&format!("{name}/{name}.trace.xz"))), &mut by_stack).value;
        let symbols = &scanned.symbols;
        let ours: Vec<(&str, String)> = by_stack
            .0
            .iter()
            .map(|&(what, reason, stack)| {
                let reason = reason.map_or("", |reason| symbols.text(reason));
                let frames =
                    symbols.frames(stack).map(|Frame { func, line, .. }| (func.to_owned(), line));
                (what, format!("[{reason}] {}", render(frames)))
            })
            .collect();
        let file = format!("samples/expected/{name}.trace.top-stacks.txt");
        let expected = std::fs::read_to_string(xtask::testdata(&file)).unwrap();
        let (mut what, mut n_lines) = ("", 0);
        for line in expected.lines() {
            if let Some(section) = line.strip_prefix("== ") {
                what = section;
                continue;
            }
            // Long stacks are cut in the file.
            let (n, text) = line.trim().split_once(' ').unwrap();
            let found = ours.iter().filter(|(w, s)| *w == what && s.starts_with(text)).count();
            assert_eq!(found, n.parse::<usize>().unwrap(), "{name}: {what}: {text}");
            n_lines += 1;
        }
        assert!(n_lines > 20, "{name}");
    }
}

#[test]
fn assists_on_the_cpu_are_no_longer_than_assists() {
    struct Check(u64);
    impl Observer for Check {
        fn assist(&mut self, assist: &MarkAssist) {
            assert!(assist.on_cpu_ns <= assist.end.ns_since(assist.start), "{assist:?}");
            self.0 += 1;
        }
        fn run(&mut self, run: &Run, _: RunEnd<'_, '_>) {
            assert!(run.syscall_ns <= run.end.ns_since(run.start), "{run:?}");
        }
    }
    let mut check = Check(0);
    for name in crate::SAMPLES {
        scan(generations(&sample(name)), &mut check);
    }
    assert!(check.0 > 3000);
}

/// A goroutine's assists as ordered events tell them: how many, wall time, and the part of it in state "running".
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Assists {
    n: u64,
    wall_ns: u64,
    on_cpu_ns: u64,
}

/// Sums assists by goroutine from states and ranges, by the clock.
fn ordered_assists(bytes: &[u8]) -> BTreeMap<u64, Assists> {
    let mut running = HashMap::new();
    // When the assist began, and how long its goroutine ran in it before it last stopped.
    let mut open: HashMap<u64, (gotrace::Time, u64)> = HashMap::new();
    let mut sums: BTreeMap<u64, Assists> = BTreeMap::new();
    each_event(bytes, |event, _| match event.kind {
        EventKind::Go { goroutine, from, to, .. } if from != to => {
            let since = running.remove(&goroutine.0);
            if let (Some(since), Some((start, ran))) = (since, open.get_mut(&goroutine.0)) {
                *ran += event.recorded.ns_since((*start).max(since));
            }
            if to == GoState::Running {
                running.insert(goroutine.0, event.recorded);
            }
        }
        EventKind::RangeBegin(Range::MarkAssist { goroutine: Some(goroutine) })
        | EventKind::RangeActive(Range::MarkAssist { goroutine: Some(goroutine) }) => {
            open.entry(goroutine.0).or_insert((event.recorded, 0));
        }
        EventKind::RangeEnd(Range::MarkAssist { goroutine: Some(goroutine) }) => {
            let (start, ran) = open.remove(&goroutine.0).unwrap();
            let since = running.get(&goroutine.0).map(|&since| start.max(since));
            let sum = sums.entry(goroutine.0).or_default();
            sum.n += 1;
            sum.wall_ns += event.recorded.ns_since(start);
            sum.on_cpu_ns += ran + since.map_or(0, |since| event.recorded.ns_since(since));
        }
        _ => {}
    });
    sums
}

#[test]
fn assists_of_each_goroutine_are_the_same_with_and_without_order() {
    let mut n_goroutines = 0;
    for name in crate::SAMPLES {
        let bytes = sample(name);
        let mut totals = Totals::default();
        let n_unclear_runs = scan(generations(&bytes), &mut totals).value.n_unclear_runs;
        let scanned: BTreeMap<u64, Assists> = totals
            .assists_by_goroutine
            .iter()
            .map(|(goroutine, sum)| {
                let Sum { n, wall_ns, on_cpu_ns, .. } = *sum;
                (goroutine.0, Assists { n, wall_ns, on_cpu_ns })
            })
            .collect();
        let mut ordered = ordered_assists(&bytes);
        assert!(scanned.keys().eq(ordered.keys()), "{name}");
        for (goroutine, ordered) in &mut ordered {
            let on_cpu_ns = scanned[goroutine].on_cpu_ns;
            assert!(on_cpu_ns <= ordered.on_cpu_ns, "{name}: {goroutine}");
            if n_unclear_runs > 0 {
                // Without order, such runs are left out: the time is a lower bound.
                ordered.on_cpu_ns = on_cpu_ns;
            }
        }
        assert_eq!(scanned, ordered, "{name}");
        n_goroutines += scanned.len();
    }
    assert!(n_goroutines > 6);
}

#[test]
fn assists_on_the_cpu_are_those_of_an_independent_reader() {
    for name in ["nested-1.27.3", "flat-1.27.3"] {
        let file = format!("samples/expected/{name}.trace.unordered-scan.txt");
        let expected = std::fs::read_to_string(xtask::testdata(&file)).unwrap();
        let (_, ns) = expected.split_once("on-CPU assist ns ").unwrap();
        let ns: u64 = ns.split_whitespace().next().unwrap().parse().unwrap();
        let (_, totals, _) = scanned_ranges(&sample(&format!("{name}/{name}.trace.xz")));
        assert_eq!(totals.assists.on_cpu_ns, ns, "{name}");
    }
}

/// The spans of a trace in text form: `goroutine state ns reason`.
fn spans(bytes: &[u8]) -> Vec<String> {
    let mut states = GoroutineStates::default();
    let mut spans = Vec::new();
    each_event(bytes, |event, events| {
        spans.extend(states.observe(event, events.tables(), events.generation()));
    });
    let text = |span: &Span| {
        let reason = states.symbols().text(span.reason);
        format!("{} {:?} {} {reason}", span.goroutine.0, span.state, span.ns())
    };
    spans.iter().map(text).collect()
}

#[test]
fn goroutines_go_from_state_to_state() {
    let text = "Trace Go1.22
        EventBatch gen=1 m=5 time=1000 size=100
        ProcStatus dt=1 p=0 pstatus=1
        GoStatus dt=1 g=1 m=18446744073709551615 gstatus=2
        GoBlock dt=100 reason_string=7 stack=0
        GoUnblock dt=50 g=1 g_seq=1 stack=0
        GoStart dt=20 g=1 g_seq=2
        GoDestroy dt=10
        EventBatch gen=1 m=18446744073709551615 time=0 size=5
        Frequency freq=1000000000
        EventBatch gen=1 m=18446744073709551615 time=0 size=12
        Strings
        String id=7
            data=\"chan receive\"
        ";
    assert_eq!(
        spans(&bytes_of(text)),
        ["1 Running 100 ", "1 Waiting 50 chan receive", "1 Runnable 20 ", "1 Running 10 "]
    );
}

#[test]
fn waits_are_those_between_block_and_unblock() {
    let mut states = GoroutineStates::default();
    let mut waits: HashMap<(GoId, String), u64> = HashMap::new();
    let bytes = sample(NESTED);
    let mut n_blocks = 0;
    let mut done = Vec::new();
    each_event(&bytes, |event, events| {
        let is_block = matches!(
            event.kind,
            EventKind::Go { to: GoState::Waiting, from: GoState::Running, .. }
        );
        n_blocks += usize::from(is_block);
        done.extend(states.observe(event, events.tables(), events.generation()));
    });
    for span in done.iter().filter(|span| span.state == GoState::Waiting) {
        let reason = states.symbols().text(span.reason).to_owned();
        *waits.entry((span.goroutine, reason)).or_default() += span.ns();
    }
    assert!(n_blocks > 100);
    let assist_waits: u64 = waits
        .iter()
        .filter(|((_, reason), _)| reason == "GC mark assist wait for work")
        .map(|(_, ns)| ns)
        .sum();
    assert!(assist_waits > 0);
}

#[test]
fn runs_add_up_to_what_goroutines_ran() {
    for name in crate::SAMPLES {
        let bytes = sample(name);
        let mut on_cpu = gotrace::OnCpu::default();
        scan(generations(&bytes), &mut on_cpu);
        let mut states = GoroutineStates::default();
        let mut ran: HashMap<GoId, u64> = HashMap::new();
        each_event(&bytes, |event, events| {
            let ended = states.observe(event, events.tables(), events.generation());
            if let Some(span) = ended.filter(|span| span.state == GoState::Running) {
                *ran.entry(span.goroutine).or_default() += span.ns();
            }
        });
        // A goroutine that runs when the trace ends has a run that does not end.
        let open: Vec<GoId> = states
            .open_spans(gotrace::Time(0))
            .filter(|span| matches!(span.state, GoState::Running | GoState::Syscall))
            .map(|span| span.goroutine)
            .collect();
        ran.retain(|goroutine, ns| *ns > 0 && !open.contains(goroutine));
        for (goroutine, ns) in ran {
            assert_eq!(on_cpu.0.get(&goroutine), Some(&ns), "{name}: {goroutine:?}");
        }
    }
}

type WaitsByStack = BTreeMap<Vec<String>, Sum>;

fn functions<'s>(frames: impl Iterator<Item = Frame<'s>>) -> Vec<String> {
    frames.map(|frame| format!("{}:{}", frame.func, frame.line)).collect()
}

/// Waits below a lock, by the states of ordered events.
fn ordered_lock_waits(bytes: &[u8]) -> WaitsByStack {
    let mut states = GoroutineStates::default();
    let mut waits = WaitsByStack::new();
    each_event(bytes, |event, events| {
        let ended = states.observe(event, events.tables(), events.generation());
        let Some(span) = ended.filter(|span| span.state == GoState::Waiting) else { return };
        let stack = functions(states.symbols().frames(span.stack));
        let locks = ["sync.(*Mutex).Lock:", "sync.(*RWMutex).Lock:", "sync.(*RWMutex).RLock:"];
        if stack.iter().any(|function| locks.iter().any(|lock| function.starts_with(lock))) {
            let sum = waits.entry(stack).or_default();
            sum.n += 1;
            sum.wall_ns += span.ns();
            sum.longest_ns = sum.longest_ns.max(span.ns());
        }
    });
    waits
}

#[test]
fn lock_waits_are_those_of_ordered_events() {
    let mut n_seen = 0;
    let locked = ["../locks/1.27.3-shared/locked-1.27.3-shared.trace.xz"];
    for name in crate::SAMPLES.into_iter().chain(locked) {
        let bytes = sample(name);
        let mut waits = LockWaits::default();
        let symbols = scan(generations(&bytes), &mut waits).value.symbols;
        let scanned: WaitsByStack = waits
            .by_stack
            .iter()
            .map(|(&stack, &sum)| (functions(symbols.frames(stack)), sum))
            .collect();
        let ordered = ordered_lock_waits(&bytes);
        n_seen += ordered.values().map(|sum| sum.n).sum::<u64>();
        assert_eq!(scanned, ordered, "{name}");
    }
    assert!(n_seen > 1000, "{n_seen}");
}

/// The traces were written by the same program: its Go 1.21 says as well who waited.
#[test]
fn lock_waits_of_old_traces_are_seen() {
    let bytes = sample("../locks/1.21.13-shared/locked-1.21.13-shared.trace.xz");
    let mut waits = LockWaits::default();
    let symbols = gotrace::scan_trace(bytes.as_slice(), &mut waits).unwrap().value.symbols;
    let mut n_of_add = 0;
    for (&stack, sum) in &waits.by_stack {
        let functions = functions(symbols.frames(stack));
        let is_add = functions.iter().any(|function| function.starts_with("main.(*counts).add:"));
        n_of_add += if is_add { sum.n } else { 0 };
    }
    assert!(n_of_add > 1000, "{n_of_add}");
}
