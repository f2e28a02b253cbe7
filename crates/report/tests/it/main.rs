//! What the outputs look like for a small diagnosis.
#![allow(clippy::unwrap_used, missing_docs)]

mod key_lists;
mod lab;
mod perf;
mod sarif;
mod sizes;

use diagnosis::{Diagnosis, Finding};
use evidence::*;
use expect_test::expect;
use goabi::{GoVersion, MapImpl, MapOp, Nested};
use gomap::Category;
use report::{Detail, TextOptions, render_flamegraph, render_html, render_json, render_text};

/// A name that would break out of any output that does not escape.
const HOSTILE: &str = "main.<script>alert('x')</script>&\"{{sites}};";

fn cost(samples: u64) -> Cost {
    Cost { samples, cpu_ns: samples * 10_000_000 }
}

/// A nested map that grows, measured by a CPU profile and with its binary; no heap profile.
fn diagnosis(function: &str) -> Diagnosis {
    let string =
        TypePart { name: "string".into(), size: 16, has_pointers: true, is_interface: false };
    let map = |elem: &str, nested| MapType {
        name: format!("map[string]{elem}"),
        key: string.clone(),
        elem: TypePart { name: elem.into(), size: 8, has_pointers: false, is_interface: false },
        nested,
        group_bytes: 200,
    };
    let mut cpu = SiteCpu { line: cost(70), map: cost(60), growth: cost(40), ..SiteCpu::default() };
    cpu.by_op.add(MapOp::Assign, cost(60));
    cpu.split.add(Category::GrowthMove, cost(40));
    cpu.split.add(Category::Probe, cost(20));
    cpu.entry_points =
        vec![FunctionCost { name: "runtime.mapassign_faststr".into(), cost: cost(60) }];
    cpu.depth = Depth { mean: 2.5, hot: 2, max: 9 };
    let inner = map("int", Nested::No);
    let site = Site {
        frame: Frame { function: function.into(), file: "/src/store/main.go".into(), line: 49 },
        inlined_into: vec![Frame {
            function: "main.main".into(),
            file: "/src/store/main.go".into(),
            line: 7,
        }],
        maps: Some(vec![SiteMap {
            op: MapOp::Assign,
            callee: "runtime.mapassign_faststr".into(),
            map_type: Ok(inner.clone()),
            is_possible: false,
        }]),
        holders: vec![map("map[string]int", Nested::Direct)],
        cpu: Some(cpu.clone()),
        ..Site::default()
    };
    let source = |name: &str, kind, summary: &str| Source {
        name: name.into(),
        kind,
        summary: summary.into(),
    };
    let mut sources = Sources::default();
    let profile = sources.add(source("out/cpu.pprof", SourceKind::Cpu, "CPU profile, 100 samples"));
    let summary = "Go executable, go1.27.3, amd64, 10 functions";
    let binary = sources.add(source("./store", SourceKind::Binary, summary));
    let mut process =
        ProcessCpu { total: cost(100), growth: cost(40), gc: cost(5), ..ProcessCpu::of(profile) };
    process.by_op.add(MapOp::Assign, cost(60));
    process.split = cpu.split;
    process.split.add(Category::OffMap, cost(40));
    let node = |name, parent, samples| StackNode { name, parent, own: cost(samples) };
    diagnosis::diagnose(Evidence {
        sources,
        program: Program {
            name: Some("store".into()),
            build_id: None,
            go_version: GoVersion::parse("go1.27.3").map(|version| (version, binary)),
            map_impl: Some((MapImpl::Swiss, binary)),
            arch: Some("amd64"),
        },
        cpu: Some(process),
        sites: vec![site],
        map_types: vec![inner, map("map[string]int", Nested::Direct)],
        notices: vec![Notice { source: Some(profile), text: "partly unreadable: a sample".into() }],
        stacks: Some(StackTree {
            names: [
                "",
                function,
                "runtime.mapassign_faststr",
                "internal/runtime/maps.(*table).rehash",
            ]
            .map(Into::into)
            .into(),
            nodes: vec![node(0, 0, 0), node(1, 0, 40), node(2, 1, 20), node(3, 2, 40)],
        }),
        ..Evidence::default()
    })
}

fn verbose(width: usize, top: usize) -> TextOptions<'static> {
    TextOptions { width, top: Some(top), detail: Detail::Verbose, ..TextOptions::default() }
}

fn text(diagnosis: &Diagnosis, options: &TextOptions<'_>) -> String {
    let mut out = Vec::new();
    render_text(&mut out, diagnosis, options).unwrap();
    let coloured = String::from_utf8(out).unwrap();
    let mut plain = String::new();
    for (at, part) in coloured.split('\u{1b}').enumerate() {
        plain += if at == 0 { part } else { part.split_once('m').unwrap().1 };
    }
    plain
}

#[test]
fn the_first_screen_says_which_map_why_what_to_change_and_how_to_check() {
    let text = text(&diagnosis("main.build"), &verbose(96, 10));
    assert!(text.lines().all(|line| line.chars().count() <= 96), "{text}");
    expect![[r#"
        store  go1.27.3  swiss maps  amd64
        CPU 1.0 s in 100 samples: map writes 60.0 %, map reads 0.0 %, growth 40.0 %, GC 5.0 %
        1. PRESIZE  /src/store/main.go:49  main.build
           map[string]int in map[string]map[string]int: make(map[string]int, n) where it is made, which
           is not known
           saves about 44.0 % of the CPU (2.1 to 68.3 %); trust medium

        store  go1.27.3  swiss maps  amd64
          cpu    out/cpu.pprof  CPU profile, 100 samples
          binary ./store  Go executable, go1.27.3, amd64, 10 functions

        CPU  1.0 s in 100 samples
          map writes ████████████········  60.0 % (60 of 100 samples)
          map reads  ····················  0.0 % (0 of 100 samples)
          growth     ████████············  40.0 % (40 of 100 samples)
          GC         █···················  5.0 % (5 of 100 samples)
          note: out/cpu.pprof: partly unreadable: a sample

        1. PRESIZE  main.build main.go:49
           map    map[string]int, inner map of map[string]map[string]int; by runtime.mapassign_faststr
           why    each map[string]int inside map[string]map[string]int grows on its own from one group
                  of 8
           change where this map is made is not known: the binary shows no line that is known to make it
                  without a hint; write make(map[string]int, n) there; n is the number of entries they
                  end with: the number of entries of this map, not of what is ranged over for all of
                  them; how many that is, a recording that meets their growths, or a heap profile with
                  enough samples of them and the binary, would show; a hint far too large costs more
                  than it saves
           saves  about 44.0 % of the CPU, between 2.1 % and 68.3 %; a right hint moves no entries and
                  makes no arrays that are outgrown, with the collector's work for these; it saves less
                  where maps larger than the cache are filled in random order
                  moved entries, bytes and allocations: not measured, since the sizes of the maps are
                  not known
           seen   in 1 of 1 source: cpu.pprof
                  60.0 % (60 of 100 samples)  map writes and reads at this line, of all CPU  [cpu.pprof]
                  66.7 % (40 of 60 samples)  of that under growth frames  [cpu.pprof]
                  66.7 % (40 of 60 samples)  of that moving entries  [cpu.pprof]
           trust  medium: growth frames only: the final sizes were not measured
           rule   growth-dominates: mapscope diagnose --explain growth-dominates
           check  profile the same load again and run this with --focus 'main\.build': the growth share
                  of this line should be near 0

        Sites  by CPU in maps; line: as go tool pprof -lines; -: no sample or not measured
           in maps      line    growth   allocated  site
            60.0 %    70.0 %    40.0 %           -  main.build main.go:49
                                                    map[string]int, inner map of
                                                    map[string]map[string]int; by
                                                    runtime.mapassign_faststr
                                                    inlined into main.main main.go:7
                                                    growth: moving entries 66.7 %, search and compare
                                                    33.3 %; 2 frames deep (most 9)

        Not measured
          what growth allocates, and the sizes that maps reach:
              curl -o heap.pprof http://HOST/debug/pprof/heap, or go test -memprofile heap.pprof
              -memprofilerate 4096
          number of growths, entries moved and sizes that maps reach, exactly:
              sudo mapscope record -p PID -d 30s -o recording.pb.gz, and add the file to the arguments
          how long goroutines were stopped, or had to help the collector, and where:
              curl -o trace.out 'http://HOST/debug/pprof/trace?seconds=5', or go test -trace trace.out
          waiting for locks around maps:
              curl -o mutex.pprof 'http://HOST/debug/pprof/mutex?seconds=30' of a program that calls
              runtime.SetMutexProfileFraction, or go test -mutexprofile mutex.pprof
          cache and TLB misses at map sites:
              perf record -g -e cycles/freq=99/ -e cache-misses/freq=99/ -e dTLB-load-misses/freq=99/ -p
              PID, where the processor counts them, and add perf.data and the binary
    "#]].assert_eq(&text);
}

/// However much there is, and however narrow the terminal is.
#[test]
fn the_first_screen_has_at_most_fifteen_lines() {
    let long = format!("github.com/owner/{}", "package".repeat(12));
    for (width, names) in [(100, 12), (60, 12), (60, 1)] {
        let mut diagnosis = diagnosis("main.build");
        let (site, finding) = (diagnosis.evidence.sites[0].clone(), diagnosis.findings[0].clone());
        for n in 1..names {
            let mut site = site.clone();
            site.frame.function = format!("{long}.f{n}").into();
            site.frame.file = format!("/src/{long}/main.go").into();
            diagnosis.evidence.sites.push(site);
            diagnosis.findings.push(Finding { site: Some(n), ..finding.clone() });
        }
        let text = text(&diagnosis, &TextOptions { width, ..TextOptions::default() });
        // Notices and findings come behind it.
        let screen: Vec<&str> = text
            .lines()
            .take_while(|line| !line.starts_with("  note:") && !line.is_empty())
            .collect();
        assert!((4..=15).contains(&screen.len()), "{width} {names}: {screen:#?}");
        assert_eq!(screen.last().unwrap().contains("more: --verbose"), names > 1, "{screen:#?}");
    }
}

#[test]
fn all_about_one_finding_is_printed_by_its_number() {
    let diagnosis = diagnosis("main.build");
    let why = |number| TextOptions { detail: Detail::Why(number), ..TextOptions::default() };
    let text = text(&diagnosis, &why(1));
    assert!(text.contains("1. PRESIZE  main.build") && text.contains("Sites"), "{text}");
    assert!(!text.contains("Not measured"), "{text}");
    for (number, said) in [(0, "from 1 to 1"), (2, "from 1 to 1")] {
        let refused = render_text(&mut Vec::new(), &diagnosis, &why(number)).unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
}

#[test]
fn very_long_names_do_not_break_the_text() {
    let name = format!("main.{}", "x".repeat(300));
    let text = text(&diagnosis(&name), &verbose(20, 1));
    assert!(text.contains(&name));
}

#[test]
fn nothing_measured_is_said_so() {
    let text = text(&diagnosis::diagnose(Evidence::default()), &TextOptions::default());
    assert!(text.contains("CPU not measured") && text.contains("curl -o cpu.pprof"), "{text}");
    assert!(text.contains("no finding: most findings rest on the CPU time"), "{text}");
}

#[test]
fn absurd_values_do_not_overflow() {
    let mut diagnosis = diagnosis("main.build");
    let huge = Cost { samples: u64::MAX, cpu_ns: u64::MAX };
    let site = diagnosis.evidence.sites[0].cpu.as_mut().unwrap();
    (site.line, site.map, site.growth) = (huge, huge, huge);
    diagnosis.evidence.cpu.as_mut().unwrap().total = huge;
    let alloc = Alloc {
        alloc_objects: Some(u64::MAX),
        alloc_bytes: Some(u64::MAX),
        inuse_objects: Some(u64::MAX),
        inuse_bytes: Some(u64::MAX),
    };
    let block = Block { block_bytes: u64::MAX, alloc, map_capacity: Some(u64::MAX) };
    diagnosis.evidence.sites[0].heap = Some(SiteHeap { total: alloc, blocks: vec![block; 3] });
    diagnosis.evidence.stacks.as_mut().unwrap().nodes.iter_mut().for_each(|node| node.own = huge);
    text(&diagnosis, &TextOptions::default());
    let mut out = Vec::new();
    render_html(&mut out, &diagnosis).unwrap();
    render_json(&mut out, &diagnosis).unwrap();
}

#[test]
fn top_limits_and_says_what_is_left_out() {
    let mut diagnosis = diagnosis("main.build");
    let site = diagnosis.evidence.sites[0].clone();
    diagnosis.evidence.sites.extend([site.clone(), site]);
    let text = text(&diagnosis, &verbose(96, 1));
    assert!(text.contains("2 more sites: --top 3 shows them"), "{text}");
}

/// What `render_json` writes, which has to be as docs/schema says.
fn json(diagnosis: &Diagnosis) -> serde_json::Value {
    let mut out = Vec::new();
    render_json(&mut out, diagnosis).unwrap();
    let json = serde_json::from_slice(&out).unwrap();
    let schema = std::fs::read(xtask::repo_root().join("docs/schema/diagnose.json")).unwrap();
    let schema = serde_json::from_slice(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    json
}

#[test]
fn json_has_null_for_what_was_not_measured_and_reads_back() {
    let json = json(&diagnosis(HOSTILE));
    assert_eq!(json["schema"], "mapscope.diagnosis/1");
    assert!(
        json["heap"].is_null()
            && json["sites"][0]["heap"].is_null()
            && json["program"]["build_id"].is_null()
    );
    assert_eq!(json["sites"][0]["function"], HOSTILE);
    assert_eq!(json["sites"][0]["cpu"]["split"]["growth_move"]["samples"], 40);
    let finding = &json["findings"][0];
    assert_eq!(
        (&finding["verdict"], &finding["action"]["kind"]),
        (&"presize".into(), &"presize".into())
    );
    assert_eq!(finding["action"]["map_type"], "map[string]int");
    assert!(finding["action"]["entries"].is_null());
}

#[test]
fn what_was_not_measured_has_a_key_for_programs_and_words_for_readers() {
    let mut out = Vec::new();
    render_json(&mut out, &diagnosis("main.build")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let gaps = json["not_measured"].as_array().unwrap().iter();
    let keys: Vec<String> =
        gaps.map(|gap| format!("{} {}", text(&gap["key"]), text(&gap["measured_by"]))).collect();
    let expected = [
        "growth_allocations heap",
        "growths live",
        "collector_waits trace",
        "lock_waits locks",
        "misses perf",
    ];
    assert_eq!(keys, expected);
    let growths = &json["not_measured"][1];
    let what = "number of growths, entries moved and sizes that maps reach, exactly";
    assert_eq!(growths["what"], what);
    assert!(growths["command"].as_str().unwrap().starts_with("sudo mapscope record -p PID"));
}

#[test]
fn hostile_names_stay_text_in_the_page() {
    let mut out = Vec::new();
    render_html(&mut out, &diagnosis(HOSTILE)).unwrap();
    let page = String::from_utf8(out).unwrap();
    assert!(!page.contains("<script>alert"), "the name became markup");
    assert!(page.contains("main.&lt;script&gt;alert('x')&lt;/script&gt;&amp;&quot;{{sites}};"));
    // One script of the page; that of the flame graph is escaped inside its frame.
    assert_eq!(page.matches("<script").count(), 1);
    assert_eq!(page.matches("<tbody>").count(), 1);
}

#[test]
fn the_flame_graph_has_growth_in_its_colour() {
    let mut out = Vec::new();
    let diagnosis = diagnosis("main.build");
    render_flamegraph(&mut out, diagnosis.evidence.stacks.as_ref().unwrap(), CpuUnit::Nanoseconds)
        .unwrap();
    let svg = String::from_utf8(out).unwrap();
    let rehash = svg
        .find("<title>internal/runtime/maps.(*table).rehash (400 ms")
        .expect("the frame is there");
    let frame = svg[rehash..].split("</g>").next().unwrap();
    assert!(frame.contains("rgb(214,69,65)"), "{frame}");
}
