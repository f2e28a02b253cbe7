//! The main job on real captures.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::{fs, thread};

use crate::{binary, diagnose_json, mapscope, sample, stdout_of};

#[test]
fn names_the_map_that_costs_the_time_in_both_implementations() {
    for version in ["1.21.13", "1.27.3"] {
        let name = format!("nested-{version}");
        let inputs = [
            sample(&format!("{name}/cpu.pprof")),
            sample(&format!("{name}/allocs.pprof")),
            binary(&name),
        ];
        let report = diagnose_json(&inputs.each_ref().map(String::as_str));
        let site = &report["sites"][0];
        assert_eq!(
            (&site["function"], &site["line"]),
            (&"main.build".into(), &49.into()),
            "{version}"
        );
        let assign = site["maps"].as_array().unwrap().iter().find(|m| m["op"] == "assign").unwrap();
        assert_eq!(assign["map_type"]["name"], "map[string]int", "{version}");
        let finding = &report["findings"][0];
        assert_eq!(finding["verdict"], "presize", "{version}: {finding:#}");
    }
}

#[test]
fn the_order_of_inputs_does_not_matter() {
    let (cpu, heap, binary) = (
        sample("nested-1.27.3/cpu.pprof"),
        sample("nested-1.27.3/heap.pprof"),
        binary("nested-1.27.3"),
    );
    let a = diagnose_json(&[&cpu, &heap, &binary]);
    let b = diagnose_json(&[&binary, &heap, &cpu]);
    assert_eq!(a["sites"], b["sites"]);
    let causes = |report: &serde_json::Value| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["cause"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(causes(&a), causes(&b));
}

/// The totals are those of an independent scan of the same trace.
#[test]
fn a_trace_says_what_the_collector_did_and_at_which_map() {
    let (cpu, trace) =
        (sample("nested-1.27.3/cpu.pprof"), sample("nested-1.27.3/nested-1.27.3.trace.xz"));
    let report = diagnose_json(&[&cpu, &trace, &binary("nested-1.27.3")]);
    let found = &report["trace"];
    assert_eq!(found["gc_cycles"]["n"], 44);
    assert_eq!(found["assists"]["n"], 1930);
    assert_eq!(found["assists"]["wall_ns"], 841_008_960);
    assert_eq!(found["assists"]["on_cpu_ns"], 284_092_544);
    assert_eq!(found["heap_max_bytes"], 29_129_328);
    let stops = found["stops"].as_array().unwrap();
    let longest = &stops[0];
    assert_eq!(
        (&longest["reason"], &longest["time"]["n"]),
        (&"GC sweep termination".into(), &44.into())
    );
    let site = &report["sites"][0];
    let at_site = site["trace"]["assists"]["wall_ns"].as_u64().unwrap();
    let in_maps = found["assists_in_maps"]["wall_ns"].as_u64().unwrap();
    assert!(at_site > in_maps / 2 && in_maps <= 841_008_960, "{at_site} of {in_maps}");
    let lines = report["findings"][0]["evidence"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["amount"]["whole_ns"] == 841_008_960), "{lines:#?}");
}

#[test]
fn a_cut_trace_is_read_up_to_the_cut_and_says_so() {
    let whole = fs::read(sample("nested-1.27.3/nested-1.27.3.trace.xz")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.trace");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let report = diagnose_json(&[path.to_str().unwrap()]);
    assert!(report["trace"]["duration_ns"].as_u64().unwrap() > 0);
    let notices = report["notices"].as_array().unwrap();
    assert!(
        notices.iter().any(|n| n["text"].as_str().unwrap().contains("unreadable")),
        "{notices:?}"
    );
}

#[test]
fn several_cpu_profiles_add_up() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let once = diagnose_json(&[&cpu]);
    let twice = diagnose_json(&[&cpu, &cpu]);
    let total = |report: &serde_json::Value| report["cpu"]["total"]["samples"].as_u64().unwrap();
    assert_eq!(total(&twice), 2 * total(&once));
    assert_eq!(twice["sites"][0]["line"], once["sites"][0]["line"]);
}

#[test]
fn profiles_of_two_builds_are_said_to_be_so() {
    let report =
        diagnose_json(&[&sample("nested-1.27.3/cpu.pprof"), &sample("flat-1.27.3/cpu.pprof")]);
    assert!(report["notices"][0]["text"].as_str().unwrap().contains("is of another build than"));
}

#[test]
fn what_was_not_measured_is_null_and_named() {
    let report = diagnose_json(&[&sample("nested-1.27.3/cpu.pprof")]);
    assert!(report["heap"].is_null());
    assert!(report["sites"][0]["heap"].is_null());
    assert!(report["sites"][0]["maps"].is_null());
    let text = stdout_of(["diagnose", &sample("nested-1.27.3/cpu.pprof")]);
    assert!(text.contains("not measured"), "{text}");
}

#[test]
fn focus_leaves_only_matching_sites_and_the_totals_of_the_process() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let all = diagnose_json(&[&cpu]);
    let focused = diagnose_json(&[&cpu, "--focus", r"\(\*store\)\.add"]);
    assert_eq!(focused["cpu"]["total"], all["cpu"]["total"]);
    let sites = focused["sites"].as_array().unwrap();
    assert!(!sites.is_empty() && sites.iter().all(|site| site["function"] == "main.(*store).add"));
}

#[test]
fn the_limit_decides_the_exit_code() {
    let inputs = [
        sample("nested-1.27.3/cpu.pprof"),
        sample("nested-1.27.3/allocs.pprof"),
        binary("nested-1.27.3"),
    ];
    let code = |limit: &str| {
        let args =
            ["diagnose", "--fail-over", limit].into_iter().chain(inputs.iter().map(String::as_str));
        let output = mapscope(args);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (over, said) = code("1");
    assert_eq!(over, Some(1));
    assert!(said.contains(":1: CPU of maps in main."), "{said}");
    assert!(said.contains(" %, allowed are 1.0 % by --fail-over (growth-dominates)\n"), "{said}");
    let (fine, said) = code("99");
    assert_eq!(fine, Some(0));
    assert!(!said.contains("--fail-over"), "{said}");
}

#[test]
fn writes_a_page_and_a_flame_graph() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (page, svg) = (path("report.html"), path("flame.svg"));
    stdout_of([
        "diagnose",
        &sample("nested-1.27.3/cpu.pprof"),
        "--html",
        &page,
        "--flamegraph",
        &svg,
    ]);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("main.build"));
    for outside in ["src=\"http", "href=\"http", "@import", "url(http"] {
        assert!(!page.contains(outside), "the page refers to the network: {outside}");
    }
    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.contains("<svg") && svg.contains("runtime.mapassign_faststr"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

/// Serves one profile to one request and returns the URL.
fn serve_once(status: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 2048];
        let _ = stream.read(&mut request).unwrap();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
    });
    format!("http://{address}/debug/pprof/profile?seconds=1")
}

#[test]
fn asks_a_server_for_a_profile_and_says_how_long_it_takes() {
    let url = serve_once("200 OK", fs::read(sample("nested-1.27.3/cpu.pprof")).unwrap());
    let output = mapscope(["diagnose", &url]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(err.contains("1 s"), "{err}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("main.build"));
}

#[test]
fn says_what_a_server_answered_instead_of_a_profile() {
    let url = serve_once("404 Not Found", b"404 page not found\n".to_vec());
    let output = mapscope(["diagnose", &url]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains(&url) && err.contains("404"), "{err}");
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
        let report = diagnose_json(&[
            &sample(&format!("{name}/cpu.pprof")),
            &sample(&format!("{name}/allocs.pprof")),
        ]);
        let site = &report["sites"][0];
        assert_eq!(site["line"], line, "{name}");
        let blocks = site["heap"]["blocks"].as_array().unwrap().iter();
        let ours: BTreeMap<u64, u64> = blocks
            .map(|b| {
                (b["block_bytes"].as_u64().unwrap(), b["alloc"]["alloc_bytes"].as_u64().unwrap())
            })
            .collect();
        let theirs = recorded_blocks(name, &format!("main.build:{line}"));
        assert!(theirs.len() >= 3, "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
}

/// Each inner map of the program ends with 117 or 118 entries: 60,000 over 512.
#[test]
fn a_recording_counts_growths_and_says_what_sizes_maps_reach() {
    for (version, ladder, sizes) in [("1.21.13", 5, [97, 192]), ("1.27.3", 5, [113, 224])] {
        let name = format!("nested-{version}");
        let recording = sample(&format!("recordings/{name}.pb.gz"));
        let report = diagnose_json(&[&recording, &binary(&name)]);
        assert_eq!(report["growth"]["precision"], "exact");
        assert_eq!(report["growth"]["lost"], 0);
        let site = &report["sites"][0];
        assert_eq!(
            (&site["function"], &site["line"]),
            (&"main.build".into(), &49.into()),
            "{version}"
        );
        let inner = &site["growth"]["types"][0];
        assert_eq!(inner["map_type"], "map[string]int");
        let final_sizes = &inner["final_sizes"];
        let n_maps = final_sizes["maps"].as_u64().unwrap();
        assert!(n_maps > 0 && n_maps.is_multiple_of(512), "{n_maps} maps, 512 in each round");
        assert_eq!(inner["total"]["grows"].as_u64(), Some(n_maps * ladder));
        let median = &final_sizes["p50"];
        assert_eq!([&median["at_least"], &median["room"]].map(|n| n.as_u64().unwrap()), sizes);
        let finding = &report["findings"][0];
        assert_eq!(finding["verdict"], "presize", "{finding:#}");
        assert!(
            finding["advice"].as_str().unwrap().contains("half of those that grew hold"),
            "{finding:#}"
        );
    }
}

#[test]
fn a_recording_alone_is_enough() {
    let report = diagnose_json(&[&sample("recordings/nested-1.27.3.pb.gz")]);
    let site = &report["sites"][0];
    assert_eq!(site["growth"]["types"][0]["map_type"], "map[string]int");
    assert_eq!(report["findings"][0]["verdict"], "presize", "{:#}", report["findings"]);
}

#[test]
fn a_focus_that_matches_nothing_is_said_and_fails_a_check() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let said = stdout_of(["diagnose", &cpu, "--focus", "nosuchfunction"]);
    let note = "no function, file or map type here matches --focus 'nosuchfunction'";
    assert!(said.contains(note), "{said}");
    let checked = mapscope(["diagnose", &cpu, "--focus", "nosuchfunction", "--fail-over", "5"]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&checked.stderr).contains(note));
}
