//! Misses that the processor counted. Machines of tests rarely count any, so the files are made from a real one of CPU
//! samples: each sample is written once for the time, and once or not at all as a miss.

use diagnosis::binary::{Listing, Weight};
use diagnosis::finding::Gap;
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::{Misses, SiteMisses};
use gobin::{Binary, LinkAddr};
use gomap::{Category, MapWork};
use goperf::{Callers, PerfFile, Record, Sample};
use ingest::{OpenOptions, list_instructions};
use xtask::samples::{binary, sample};

use crate::perf_file::{Attr, CACHE_MISSES, CPU_CLOCK, CYCLES, Writer};
use crate::{collected, diagnosed, notices, refusal, with_causes};

/// The file as one of these events, the first of which gives the time. `weight` says how many of the event at this index a
/// sample, numbered, stands for.
fn with_events(
    events: &[Attr],
    mut weight: impl FnMut(usize, usize, &Sample<'_>) -> Option<u64>,
) -> (tempfile::TempDir, String) {
    let path = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let mut file = PerfFile::open(std::fs::File::open(path).unwrap()).unwrap();
    let mut writer = Writer::new(events);
    let mut n = 0;
    file.read_records(|from| match from {
        Record::Mapping(mapping) => writer.mapping(&mapping),
        Record::Sample(sample) => {
            for at in 0..events.len() {
                let period = weight(at, n, &sample);
                period.into_iter().for_each(|period| writer.sample(at, &sample, period));
            }
            n += 1;
        }
        _ => {}
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("perf.data");
    std::fs::write(&path, writer.finish()).unwrap();
    (dir, path.to_str().unwrap().to_owned())
}

/// The file with a second event, of misses.
fn with_misses(weight: impl Fn(usize) -> Option<u64>) -> (tempfile::TempDir, String) {
    // The periods of the time are those of the file: 506 samples of 499 a second.
    let time = |_| Some(1_000_000_000 / 499);
    with_events(&[CPU_CLOCK, CACHE_MISSES], |at, n, _| if at == 0 { time(n) } else { weight(n) })
}

fn finding(diagnosis: &Diagnosis) -> Option<&Finding> {
    diagnosis.findings.iter().find(|finding| finding.rule == "misses-in-search")
}

#[test]
fn misses_are_charged_to_the_line_and_its_work() {
    // As many misses as time: then each share of misses is one of time, which other tests compare with perf.
    let (_dir, perf) = with_misses(|_| Some(1000));
    let diagnosis = diagnosed(&[&perf, &binary("nested-1.27.3")]);
    // Most of the first line's samples move entries: the misses, made up so, are growth's.
    assert!(finding(&diagnosis).is_none());
    let evidence = diagnosis.evidence;
    assert_eq!(evidence.cpu.as_ref().unwrap().total.samples, 506);
    let all = &evidence.misses[0];
    assert_eq!(
        (&*all.event, all.total),
        ("cache-misses", Misses { samples: 506, events: 506_000 })
    );
    let site = &evidence.sites[0];
    let (cpu, misses) = (site.cpu.as_ref().unwrap(), &site.misses[0]);
    assert_eq!(misses.map.events, 1000 * cpu.map.samples);
    let work = |work| misses.get(work).events;
    assert_eq!(work(MapWork::Growth), 1000 * cpu.growth.samples);
    // What writes do; reads do the same beside it, and have no parts in the split.
    let [hash, probe, more] = [Category::Hash, Category::Probe, Category::Read]
        .map(|category| cpu.split.get(category).samples);
    assert!((1000 * hash..=1000 * (hash + more)).contains(&work(MapWork::Hash)), "{misses:?}");
    let search = misses.search().events;
    assert_eq!(search, work(MapWork::Load) + work(MapWork::Compare));
    assert!((1000 * probe..=1000 * (probe + more)).contains(&search), "{misses:?}");
    let summary = &evidence.sources.iter().next().unwrap().summary;
    assert!(summary.contains("506 samples of cpu-clock, 506 of cache-misses"), "{summary}");
}

/// `perf record -c N`: samples do not repeat the period.
#[test]
fn a_fixed_period_is_that_of_every_sample() {
    let every = |period, attr| Attr { period: Some(period), ..attr };
    let (_dir, perf) =
        with_events(&[every(500_000, CPU_CLOCK), every(70, CACHE_MISSES)], |_, _, _| Some(0));
    let evidence = collected(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(evidence.cpu.unwrap().total.cpu_ns, 506 * 500_000);
    assert_eq!(evidence.misses[0].total, Misses { samples: 506, events: 506 * 70 });
}

#[test]
fn samples_without_callers_get_no_verdict() {
    for (callers, what) in
        [(Callers::Missing, "have no callers"), (Callers::Copied, "are not unwound")]
    {
        let (_dir, perf) = with_events(&[Attr { callers, ..CPU_CLOCK }], |_, _, _| Some(10));
        let refusal = refusal(&[&perf, &binary("nested-1.27.3")]);
        assert!(refusal.contains(what), "{refusal}");
        assert!(refusal.contains("--call-graph fp"), "{refusal}");
        let profile = sample("nested-1.27.3/cpu.pprof");
        let beside = collected(&[&profile, &perf, &binary("nested-1.27.3")]);
        assert!(notices(&beside).contains(what));
        assert!(beside.sites.iter().all(|site| site.cpu_aside.is_empty()));
    }
}

#[test]
fn what_the_processor_does_not_count_is_not_measured() {
    let perf = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let diagnosis = diagnosed(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(diagnosis.evidence.misses, []);
    assert!(diagnosis.not_measured.contains(&Gap::Misses));
    let (_dir, perf) = with_misses(|n| (n % 2 == 0).then_some(1));
    let diagnosis = diagnosed(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(diagnosis.evidence.misses[0].total.samples, 253);
    assert!(!diagnosis.not_measured.contains(&Gap::Misses));
}

#[test]
fn misses_beside_a_profile_stay_with_their_lines() {
    let (_dir, perf) = with_misses(|_| Some(7));
    let evidence =
        collected(&[&sample("nested-1.27.3/cpu.pprof"), &perf, &binary("nested-1.27.3")]);
    assert_eq!(evidence.cpu.unwrap().total.samples, 94);
    let site = &evidence.sites[0];
    assert_eq!(site.cpu_aside[0].map.samples, site.misses[0].map.samples);
    assert_eq!(site.misses[0].map.events % 7, 0);
    assert!(refusal(&[&perf]).contains("give the binary that ran, too"));
}

/// The instructions of a map function with their samples of an event, or what is said instead.
fn listing(perf: &str, event: Option<&str>) -> Result<Listing, String> {
    let (program, options) = (binary("nested-1.27.3"), OpenOptions::default());
    let function = "runtime.mapassign_faststr";
    list_instructions(&program, function, Some(perf), event, &options, &mut |_| {})
        .map_err(|error| with_causes(&error))
}

#[test]
fn instructions_have_their_misses() {
    // Every second sample is a miss of three lines.
    let (_dir, perf) = with_misses(|n| (n % 2 == 0).then_some(3));
    let time = listing(&perf, None).unwrap().profile.unwrap();
    assert_eq!((time.event, time.total.samples()), (None, 506));
    // Time that is asked for by the name of its event is time all the same.
    let named = listing(&perf, Some("cpu-clock")).unwrap().profile.unwrap();
    assert_eq!((named.event.as_deref(), named.total), (Some("cpu-clock"), time.total));
    assert!(matches!(named.total, Weight::Cpu(_)));
    let misses = listing(&perf, Some("cache-misses")).unwrap();
    let profile = misses.profile.unwrap();
    assert_eq!((profile.event.as_deref(), profile.total.samples()), (Some("cache-misses"), 253));
    let Weight::Misses(own) = profile.own else { panic!("{:?}", profile.own) };
    assert_eq!(own.events, 3 * own.samples);
    let sum: u64 = misses.instructions.iter().map(|i| i.weight.unwrap().samples()).sum();
    assert!(sum > 0 && own.samples == sum);
    let message = listing(&perf, Some("branches")).unwrap_err();
    assert!(message.contains("it has samples of cpu-clock, cache-misses"), "{message}");
}

/// Processors with two kinds of cores have an event of each in the place of one.
#[test]
fn each_kind_of_core_counts_cycles_of_its_own() {
    let core = |kind: u64, of: Attr| Attr { config: of.config | kind << 32, ..of };
    let events = [core(4, CYCLES), core(10, CYCLES), core(4, CACHE_MISSES), core(10, CACHE_MISSES)];
    // Cores in turns; each second sample misses.
    let (_dir, perf) =
        with_events(&events, |at, n, _| (n % 2 == at % 2 && (at < 2 || n % 4 < 2)).then_some(5));
    let evidence = collected(&[&perf, &binary("nested-1.27.3")]);
    let total = evidence.cpu.unwrap().total;
    // Each is a 99th of a second, whatever its number of cycles.
    assert_eq!((total.samples, total.cpu_ns), (506, 506 * 10_101_010));
    let n_misses: Vec<u64> = evidence.misses.iter().map(|of| of.total.samples).collect();
    assert_eq!(n_misses, [127, 127]);
    assert_eq!(evidence.sites[0].misses.len(), 2);
}

/// Misses are made of the samples that look for keys in the map functions, not of those under growth.
#[test]
fn misses_where_groups_are_compared_ask_for_a_flat_map() {
    let bytes = std::fs::read(binary("nested-1.27.3")).unwrap();
    let program = Binary::parse(&bytes).unwrap().value;
    let (_dir, perf) = with_events(&[CYCLES, CACHE_MISSES], |at, _, sample| match at {
        0 => Some(20_000_000),
        _ => is_search(&program, sample).then_some(1000),
    });
    let diagnosis = diagnosed(&[&perf, &binary("nested-1.27.3")]);
    let found = finding(&diagnosis).unwrap();
    assert_eq!(found.verdict(), Verdict::Flatten);
    let misses: &SiteMisses = &diagnosis.evidence.sites[found.site.unwrap()].misses[0];
    assert_eq!((misses.get(MapWork::Load), misses.search()), (misses.map, misses.map));
    assert!(misses.map.samples >= 20, "{misses:?}");
}

fn is_search(program: &Binary<'_>, sample: &Sample<'_>) -> bool {
    // The program is not relocated; what follows the leaf is where calls return to.
    let address = |depth: usize| LinkAddr(sample.stack[depth] - u64::from(depth > 0));
    let names = (0..sample.stack.len()).flat_map(|depth| program.frames(address(depth)));
    let names: Vec<&str> = names.map(|frame| frame.function).collect();
    let grows = names.iter().any(|name| name.contains("rehash") || name.contains("grow"));
    let map = ["runtime.mapassign_faststr", "runtime.mapaccess1_faststr"];
    // The leaf may be in the kernel.
    let leaf = program.frames(address(0)).first().map(|frame| frame.function);
    !grows && leaf.is_some_and(|leaf| map.contains(&leaf))
}
