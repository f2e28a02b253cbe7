//! Real captures of programs whose cause was planted: what they say alone, and what all sources of one program say together.

use std::collections::BTreeMap;
use std::fs;

use diagnosis::finding::{Advice, Amount, KnownFrom};
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::{Evidence, LockSide, Precision, Site, SourceId, TimelineStep};
use goabi::MapOp;
use xtask::samples::{binary, built, sample};

use crate::{collected, diagnosed, notices, refusal};

/// Everything that was captured of a program: four profiles, the trace, perf.data, and the binary.
fn all_of(program: &str) -> Vec<String> {
    let mut inputs = captures_of(program);
    inputs.push(binary(program));
    inputs
}

fn captures_of(program: &str) -> Vec<String> {
    let mut inputs: Vec<String> = ["cpu", "heap", "mutex", "block"]
        .map(|kind| sample(&format!("{program}/{kind}.pprof")))
        .into();
    inputs.push(trace_of(program));
    inputs.push(sample(&format!("{program}/{program}.perf-cpu-clock.data.xz")));
    inputs
}

fn trace_of(program: &str) -> String {
    match program {
        "flat-1.21.13" => sample("flat-1.21.13/trace.out"),
        _ => sample(&format!("{program}/{program}.trace.xz")),
    }
}

fn diagnosed_together(inputs: &[String]) -> Diagnosis {
    diagnosed(&inputs.iter().map(String::as_str).collect::<Vec<_>>())
}

fn site_of<'d>(diagnosis: &'d Diagnosis, finding: &Finding) -> &'d Site {
    &diagnosis.evidence.sites[finding.site.unwrap()]
}

fn place(site: &Site) -> (&str, u32) {
    (&site.frame.function, site.frame.line)
}

/// Positions of the inputs that show a finding.
fn seen_in(diagnosis: &Diagnosis, finding: &Finding) -> Vec<u32> {
    diagnosis.sources_of(finding).into_iter().map(SourceId::index).collect()
}

fn is_left_alone(diagnosis: &Diagnosis) -> bool {
    let mut findings = diagnosis.findings.iter();
    !diagnosis.findings.is_empty()
        && findings.all(|finding| finding.verdict() == Verdict::LeaveAlone)
}

#[test]
fn names_the_map_that_costs_the_time_in_both_implementations() {
    for version in ["1.21.13", "1.27.3"] {
        let name = format!("nested-{version}");
        let [cpu, allocs] = ["cpu", "allocs"].map(|kind| sample(&format!("{name}/{kind}.pprof")));
        let diagnosis = diagnosed(&[&cpu, &allocs, &binary(&name)]);
        let site = &diagnosis.evidence.sites[0];
        assert_eq!(place(site), ("main.build", 49), "{version}");
        let mut maps = site.maps.iter().flatten();
        let assign = maps.find(|map| map.op == MapOp::Assign).unwrap();
        assert_eq!(assign.map_type.as_ref().unwrap().name, "map[string]int", "{version}");
        let finding = &diagnosis.findings[0];
        assert_eq!(finding.verdict(), Verdict::Presize, "{version}: {finding:?}");
    }
}

#[test]
fn the_binary_may_stand_before_its_profiles() {
    let [cpu, heap] = ["cpu", "heap"].map(|kind| sample(&format!("nested-1.27.3/{kind}.pprof")));
    let binary = binary("nested-1.27.3");
    let last = diagnosed(&[&cpu, &heap, &binary]);
    let first = diagnosed(&[&binary, &heap, &cpu]);
    let sites = |diagnosis: &Diagnosis| format!("{:?}", diagnosis.evidence.sites);
    assert_eq!(sites(&last), sites(&first));
    let causes = |diagnosis: &Diagnosis| {
        diagnosis.findings.iter().map(|finding| format!("{:?}", finding.cause)).collect::<Vec<_>>()
    };
    assert_eq!(causes(&last), causes(&first));
}

/// The totals are those of an independent scan of the same trace.
#[test]
fn a_trace_says_what_the_collector_did_and_at_which_map() {
    let inputs = [sample("nested-1.27.3/cpu.pprof"), trace_of("nested-1.27.3")];
    let diagnosis = diagnosed(&[&inputs[0], &inputs[1], &binary("nested-1.27.3")]);
    let evidence = &diagnosis.evidence;
    let found = evidence.trace.as_ref().unwrap();
    assert_eq!((found.gc_cycles.n, found.assists.n), (44, 1930));
    assert_eq!(found.assists.wall_ns, 841_008_960);
    assert_eq!(found.assists.on_cpu_ns, Some(284_092_544));
    assert_eq!(found.heap_max_bytes, Some(29_129_328));
    let (reason, time) = &found.stops[0];
    assert_eq!((&**reason, time.n), ("GC sweep termination", 44));
    let at_site = evidence.sites[0].trace.unwrap().assists.wall_ns;
    let in_maps = found.assists_in_maps.wall_ns;
    assert!(at_site > in_maps / 2 && in_maps <= 841_008_960, "{at_site} of {in_maps}");
    let lines = &diagnosis.findings[0].evidence;
    let is_of_all_assists =
        |amount| matches!(amount, Amount::TimeShare { whole_ns: 841_008_960, .. });
    assert!(lines.iter().any(|line| is_of_all_assists(line.amount)), "{lines:#?}");
}

#[test]
fn a_cut_trace_is_read_up_to_the_cut_and_says_so() {
    let whole = fs::read(trace_of("nested-1.27.3")).unwrap();
    let (_dir, path) = crate::file(&whole[..whole.len() / 2]);
    let evidence = collected(&[&path]);
    assert!(evidence.trace.as_ref().unwrap().duration_ns > 0);
    assert!(notices(&evidence).contains("unreadable"), "{:?}", evidence.notices);
}

/// Rows of the recorded count: "   115586341  36.9% main.build:49 < main.main.func1.1:101 … {bytes=6528}".
fn recorded_blocks(name: &str, site: &str) -> BTreeMap<u64, u64> {
    let path = sample(&format!("expected/{name}.alloc_space.by-line-and-bytes.txt"));
    let mut blocks = BTreeMap::new();
    for row in fs::read_to_string(path).unwrap().lines() {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let [sum, _, leaf, .., label] = fields[..] else { continue };
        let size = label
            .strip_prefix("{bytes=")
            .and_then(|l| l.strip_suffix('}'))
            .and_then(|l| l.parse().ok());
        if let (true, Some(size), Ok(sum)) = (leaf == site, size, sum.parse::<u64>()) {
            *blocks.entry(size).or_insert(0) += sum;
        }
    }
    blocks
}

#[test]
fn allocations_by_line_and_block_size_equal_the_recorded_count() {
    for (name, line) in [("nested-1.21.13", 49), ("nested-1.27.3", 49), ("flat-1.27.3", 39)] {
        let [cpu, allocs] = ["cpu", "allocs"].map(|kind| sample(&format!("{name}/{kind}.pprof")));
        let evidence = collected(&[&cpu, &allocs]);
        let site = &evidence.sites[0];
        assert_eq!(site.frame.line, line, "{name}");
        let blocks = site.heap.as_ref().unwrap().blocks.iter();
        let ours: BTreeMap<u64, u64> =
            blocks.map(|block| (block.block_bytes, block.alloc.alloc_bytes.unwrap())).collect();
        let theirs = recorded_blocks(name, &format!("main.build:{line}"));
        assert!(theirs.len() >= 3, "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
}

/// Each inner map of the program ends with 117 or 118 entries: 60,000 over 512.
#[test]
fn a_recording_counts_growths_and_says_what_sizes_maps_reach() {
    for (version, ladder, sizes) in [("1.21.13", 5, (97, 192)), ("1.27.3", 5, (113, 224))] {
        let name = format!("nested-{version}");
        let diagnosis = diagnosed(&[&sample(&format!("recordings/{name}.pb.gz")), &binary(&name)]);
        let growth = diagnosis.evidence.growth.as_ref().unwrap();
        assert_eq!((growth.precision, growth.lost), (Precision::Exact, 0));
        let site = &diagnosis.evidence.sites[0];
        assert_eq!(place(site), ("main.build", 49), "{version}");
        let inner = &site.growth.as_ref().unwrap().types[0];
        assert_eq!(inner.map_type, "map[string]int");
        let final_sizes = inner.sizes.as_ref().unwrap();
        let n_maps = final_sizes.n_maps();
        assert!(n_maps > 0 && n_maps.is_multiple_of(512), "{n_maps} maps, 512 in each round");
        assert_eq!(inner.total.grows, n_maps * ladder);
        let median = final_sizes.quantile(0.5);
        assert_eq!((median.at_least, median.room), sizes);
        let advice = &diagnosis.findings[0].advice;
        let Advice::Presize { n, entries: Some(entries), .. } = advice else {
            panic!("{advice:?}")
        };
        assert_eq!((entries.known_from, entries.p50), (KnownFrom::Recording, median));
        assert_eq!(*n, Some(median.room), "they are all alike");
    }
}

#[test]
fn a_recording_alone_is_enough() {
    let diagnosis = diagnosed(&[&sample("recordings/nested-1.27.3.pb.gz")]);
    let growth = diagnosis.evidence.sites[0].growth.as_ref().unwrap();
    assert_eq!(growth.types[0].map_type, "map[string]int");
    assert_eq!(diagnosis.findings[0].verdict(), Verdict::Presize, "{:?}", diagnosis.findings);
}

#[test]
fn all_sources_together_name_the_planted_cause_first() {
    for (program, line) in [
        ("nested-1.21.13", 49),
        ("nested-1.27.3", 49),
        // The flat twin fills its one map without a hint: growth is what it costs, too.
        ("flat-1.21.13", 39),
        ("flat-1.27.3", 39),
    ] {
        let diagnosis = diagnosed_together(&all_of(program));
        let first = &diagnosis.findings[0];
        assert_eq!((first.rule, first.verdict()), ("growth-dominates", Verdict::Presize));
        assert_eq!(place(site_of(&diagnosis, first)), ("main.build", line), "{program}");
        // The profiles of locks show nothing: hardly anyone waits. The trace and both samplings do.
        assert_eq!(seen_in(&diagnosis, first), [0, 1, 4, 5], "{program}");
        assert_eq!(diagnosis.evidence.n_measuring(), 6, "{program}");
        let mut findings = diagnosis.findings.iter();
        assert!(findings.all(|finding| finding.rule != "lock-around-map"), "{program}");
    }
}

/// By the independent reader: 1,409 of the 1,930 assists are inside map operations of line 49, 418 of 421 ms under growth.
#[test]
fn assists_are_those_of_the_goroutines_that_write() {
    let diagnosis = diagnosed_together(&all_of("nested-1.27.3"));
    let first = &diagnosis.findings[0];
    let site = site_of(&diagnosis, first);
    let trace = site.trace.unwrap();
    let writers = trace.writers.unwrap();
    assert_eq!((site.frame.line, writers.n, trace.assists.n), (49, 3, 1409));
    assert!(trace.growth_assists.wall_ns <= trace.assists.wall_ns);
    // Three goroutines wrote: all assists of the trace are theirs, and they were not busier than the time there was.
    assert_eq!(writers.assists.wall_ns, 841_008_960);
    assert!(writers.busy_ns <= 3 * diagnosis.evidence.trace.as_ref().unwrap().duration_ns);
    // They speak for the hint that growth asks for, too.
    assert_eq!(first.verdict(), Verdict::Presize);
    let of_writers =
        Amount::TimeShare { part_ns: trace.assists.wall_ns, whole_ns: writers.busy_ns };
    assert!(first.evidence.iter().any(|line| line.amount == of_writers), "{:#?}", first.evidence);
}

fn sum_of_steps(evidence: &Evidence, column: fn(&TimelineStep) -> u64) -> u64 {
    evidence.timeline.as_ref().unwrap().steps.iter().map(column).sum()
}

#[test]
fn the_timeline_adds_up_to_the_totals() {
    let evidence = diagnosed_together(&all_of("nested-1.27.3")).evidence;
    let trace = evidence.trace.as_ref().unwrap();
    let sum = |column| sum_of_steps(&evidence, column);
    assert_eq!(sum(|step| step.gc_ns), trace.gc_cycles.wall_ns);
    assert_eq!(sum(|step| step.assist_ns), trace.assists.wall_ns);
    let stopped: u64 = trace.stops.iter().map(|(_, time)| time.wall_ns).sum();
    assert_eq!(sum(|step| step.stopped_ns), stopped);
    let steps = &evidence.timeline.as_ref().unwrap().steps;
    assert_eq!(steps.iter().filter_map(|step| step.heap_bytes).max(), trace.heap_max_bytes);
    // The trace holds the samples of the CPU profile: 71 of 94 are inside map operations, 35 of them under growth.
    assert_eq!((sum(|step| step.map_samples), sum(|step| step.growth_samples)), (71, 35));
}

fn locked(name: &str) -> Vec<String> {
    let trace = format!("locked-{name}.trace.xz");
    ["cpu.pprof", "mutex.pprof", "block.pprof", &trace]
        .map(|file| sample(&format!("../locks/{name}/{file}")))
        .into()
}

#[test]
fn a_lock_that_goroutines_wait_for_is_found_in_all_sources() {
    for version in ["1.21.13", "1.27.3"] {
        let diagnosis = diagnosed_together(&locked(&format!("{version}-shared")));
        let first = &diagnosis.findings[0];
        assert_eq!((first.rule, first.verdict()), ("lock-around-map", Verdict::Shard));
        assert_eq!(seen_in(&diagnosis, first), [0, 1, 2, 3], "{version}");
        let function = &site_of(&diagnosis, first).frame.function;
        assert_eq!(&**function, "main.(*counts).add", "{version}");
        let sides: Vec<_> = diagnosis.evidence.locks.iter().map(|lock| lock.side).collect();
        assert_eq!(sides, [LockSide::Holder, LockSide::Waiter, LockSide::Waiter], "{version}");
    }
}

#[test]
fn a_lock_that_nobody_waits_for_is_left_alone() {
    for version in ["1.21.13", "1.27.3"] {
        let diagnosis = diagnosed_together(&locked(&format!("{version}-own")));
        assert!(is_left_alone(&diagnosis), "{:#?}", diagnosis.findings);
    }
}

#[test]
fn a_trace_of_another_program_is_refused() {
    let trace = locked("1.27.3-shared").pop().unwrap();
    let message = refusal(&[&trace, &binary("nested-1.21.13")]);
    assert!(message.contains("functions on its stacks are not in the binary"), "{message}");
}

#[test]
fn inputs_of_different_times_are_said_to_be_so() {
    let of_one_run = diagnosed_together(&all_of("nested-1.27.3")).evidence;
    let said = notices(&of_one_run);
    assert!(!said.contains("compared by shares"), "{said}");
    // The runs of the other program were an hour and more later.
    let evidence = collected(&[&sample("nested-1.27.3/cpu.pprof"), &trace_of("flat-1.27.3")]);
    let text = &evidence.notices[0].text;
    assert!(text.starts_with("taken "), "{text}");
    assert!(text.contains("compared by shares, times are not aligned"), "{text}");
}

/// The tracepoints were recorded with CPU samples on the clock of the trace, in the same run; the other file in another one.
#[test]
fn samples_of_perf_are_put_on_the_clock_of_the_trace() {
    let program = "nested-1.27.3";
    let of = |kind: &str| {
        let perf = sample(&format!("{program}/{program}.perf-{kind}.data.xz"));
        collected(&[&perf, &trace_of(program), &binary(program)])
    };
    let source = |evidence: &Evidence| evidence.timeline.as_ref().unwrap().samples.unwrap().index();
    let same_run = of("tracepoints");
    assert_eq!(source(&same_run), 0);
    let in_maps = sum_of_steps(&same_run, |step| step.map_samples);
    let cpu = same_run.sites.iter().filter_map(|site| site.cpu.as_ref());
    assert_eq!((in_maps, cpu.map(|cpu| cpu.map.samples).sum::<u64>()), (119, 119));
    let under_growth = sum_of_steps(&same_run, |step| step.growth_samples);
    assert_eq!(under_growth, same_run.cpu.as_ref().unwrap().growth.samples);
    // None of them lies in the time of the trace, whose own samples stay.
    let other_run = of("cpu-clock");
    assert_eq!(source(&other_run), 1);
    assert_eq!(sum_of_steps(&other_run, |step| step.map_samples), 71);
}

/// The flat twin with room from the start, used again, and with keys made once.
#[test]
fn a_program_with_nothing_left_to_change_is_left_alone() {
    let Some(program) = built("samples/src/cured") else { return };
    let mut inputs = captures_of("cured-1.27.3");
    inputs.push(program);
    let diagnosis = diagnosed_together(&inputs);
    assert!(is_left_alone(&diagnosis), "{:#?}", diagnosis.findings);
    let first = &diagnosis.findings[0];
    let line = site_of(&diagnosis, first).frame.line;
    assert_eq!((first.rule, line), ("growth-is-not-the-problem", 38));
    assert_eq!(seen_in(&diagnosis, first), [0, 5]);
}
