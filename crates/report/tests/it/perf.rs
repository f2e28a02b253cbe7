//! What only `perf` measures: misses, and writes to storage.

use diagnosis::Diagnosis;
use diagnosis::binary::{ListedInstruction, ListedProfile, Listing, Weight};
use evidence::{
    Cost, Evidence, Frame, IoCalls, IoSite, Misses, ProcessMisses, ProcessStorage, SiteMisses,
    Source, SourceId, SourceKind, Sources, WriteSizes,
};
use gomap::MapWork;
use report::{Detail, TextOptions, render_asm, render_html};

use crate::{diagnosis, json, text};

fn misses(events: u64) -> Misses {
    Misses { samples: events / 1000, events }
}

/// A nested map that grows, and misses in it, most of them where it looks for keys.
fn with_misses() -> Diagnosis {
    let mut diagnosis = diagnosis("main.build");
    let source = first_source(&diagnosis.evidence);
    let event: std::sync::Arc<str> = "cache-misses".into();
    let mut by_work = [Misses::default(); MapWork::ALL.len()];
    by_work[MapWork::Load as usize] = misses(30_000);
    by_work[MapWork::Compare as usize] = misses(5_000);
    by_work[MapWork::Growth as usize] = misses(10_000);
    let of_site = SiteMisses { source, event: event.clone(), map: misses(50_000), by_work };
    diagnosis.evidence.sites[0].misses = vec![of_site];
    diagnosis.evidence.misses = vec![ProcessMisses { source, event, total: misses(90_000) }];
    diagnosis
}

fn first_source(evidence: &Evidence) -> SourceId {
    evidence.sources.with_ids().next().unwrap().0
}

#[test]
fn misses_are_told_by_line_and_by_work() {
    let json = json(&with_misses());
    let all = &json["misses"][0];
    assert_eq!((&all["event"], &all["total"]["events"]), (&"cache-misses".into(), &90_000.into()));
    let of_site = &json["sites"][0]["misses"][0];
    assert_eq!(of_site["map"]["samples"], 50);
    assert_eq!(of_site["search"]["events"], 35_000);
    assert_eq!(of_site["by_work"]["growth"]["events"], 10_000);
    assert_eq!(of_site["by_work"]["hash"]["events"], 0);
}

#[test]
fn instructions_are_told_with_the_event_that_was_sampled() {
    let cpu = |samples| Weight::Cpu(Cost { samples, cpu_ns: 3 * samples });
    let missed = |samples: u64| Weight::Misses(misses(1000 * samples));
    let listing = |event, own, total| Listing {
        function: "runtime.mapassign_faststr".into(),
        profile: Some(ListedProfile { event, own, total }),
        instructions: vec![ListedInstruction {
            addr: 0x47_1000,
            text: "movq (%rax), %rcx".into(),
            operand: None,
            meaning: None,
            frame: None,
            weight: Some(own),
        }],
        faults: Vec::new(),
    };
    let event = Some("cache-misses".to_owned());
    for (listing, whole) in [
        (listing(event, missed(20), missed(253)), "cache-misses"),
        (listing(None, cpu(20), cpu(253)), "CPU"),
    ] {
        let mut out = anstream::StripStream::new(Vec::new());
        render_asm(&mut out, &listing).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert!(text.contains(&format!("(20 of 253 samples) of all {whole}\n")), "{text}");
    }
}

/// A program that syncs 60 short writes at one line, one by one.
fn with_writes() -> Diagnosis {
    let (name, kind, summary) = ("perf.data".into(), SourceKind::Perf, "perf".into());
    let sources: Sources = [Source { name, kind, summary }].into_iter().collect();
    let source = sources.with_ids().next().unwrap().0;
    let calls = |n, bytes| IoCalls { n, bytes, ns: Some(1_000_000) };
    let at = |function: &str, line| {
        Some(Frame { function: function.into(), file: "/src/writes/main.go".into(), line })
    };
    let by_power = vec![(32, 60), (64, 1), (65_536, 3)];
    let write_sizes = Some(WriteSizes { p50_bytes: 24, p95_bytes: 49, by_power });
    let sites = vec![
        IoSite {
            frame: at("main.(*counted).Write", 55),
            writes: calls(64, 200_000),
            syncs: IoCalls::default(),
            write_sizes: write_sizes.clone(),
        },
        IoSite {
            frame: at("main.writeBadly", 30),
            writes: IoCalls::default(),
            syncs: calls(60, 0),
            write_sizes: None,
        },
    ];
    let storage = ProcessStorage {
        duration_ns: 1_000_000_000,
        writes: Some(calls(64, 200_000)),
        syncs: Some(calls(60, 0)),
        write_sizes,
        sites,
        ..ProcessStorage::of(source)
    };
    diagnosis::diagnose(Evidence { sources, storage: Some(storage), ..Evidence::default() })
}

#[test]
fn writes_are_told_by_size_and_by_line() {
    let text = text(
        &with_writes(),
        &TextOptions { width: 1000, detail: Detail::Verbose, ..TextOptions::default() },
    );
    for part in [
        "half of them of at most 24 B, 95 % of at most 49 B",
        "main.writeBadly main.go:30: 60 sync calls",
        "requests to devices: not measured",
    ] {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    let mut page = Vec::new();
    render_html(&mut page, &with_writes()).unwrap();
    let page = String::from_utf8(page).unwrap();
    for part in [
        "<td>32 B</td><td>60</td><td><i style=\"width:100.0%\">",
        "<td><code>main.writeBadly main.go:30</code></td><td>0</td>",
    ] {
        assert!(page.contains(part), "no {part:?} in: {page}");
    }
}

#[test]
fn what_was_not_recorded_of_writes_is_null() {
    let json = json(&with_writes());
    let storage = &json["storage"];
    assert_eq!((&storage["writes"]["n"], &storage["syncs"]["n"]), (&64.into(), &60.into()));
    assert!(storage["block_writes"].is_null() && storage["durable"].is_null());
}
