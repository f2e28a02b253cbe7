//! `mapscope diagnose` from the outside: exit codes, files, servers, what is left out. What it concludes of real captures is
//! tested in the crate `ingest`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::{fs, thread};

use crate::{binary, diagnose_json, mapscope, sample, stdout_of};

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

#[test]
fn a_focus_that_matches_nothing_is_said_and_fails_a_check() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let said = stdout_of(["diagnose", &cpu, "--focus", "nosuchfunction"]);
    let note = "no function, file or map type here matches --focus 'nosuchfunction'";
    assert!(said.contains(note), "{said}");
    // Without CPU time nothing can be over it, which is not the same as being below.
    let heap = sample("nested-1.27.3/heap.pprof");
    let unchecked = mapscope(["diagnose", &heap, "--fail-over", "5"]);
    assert_eq!(unchecked.status.code(), Some(2));
    let said = String::from_utf8(unchecked.stderr).unwrap();
    assert!(said.contains("--fail-over 5 cannot be checked: no CPU time was measured"), "{said}");
    let checked = mapscope(["diagnose", &cpu, "--focus", "nosuchfunction", "--fail-over", "5"]);
    assert_eq!(checked.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&checked.stderr).contains(note));
}
