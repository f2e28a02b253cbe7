//! Servers that do not answer as a pprof endpoint does: never ending, slow, huge, lying, sending us elsewhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use capture::{Ending, Limits, Options, Summary, capture};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{files, options, why};

/// What a server writes.
type Answer = fn(&mut TcpStream) -> std::io::Result<()>;

/// A server that answers so, each connection in a thread of its own. `answer` gets the path with the query, and all of the
/// request.
fn server(
    answer: impl Fn(&str, &str, &mut TcpStream) -> std::io::Result<()> + Copy + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut request = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut request).is_ok_and(|n| n > 2) {}
                let target = request.split(' ').nth(1).unwrap_or("").to_owned();
                // What is refused in mid-answer is no fault of the server.
                let _ = answer(&target, &request, &mut stream);
            });
        }
    });
    url
}

/// Each connection has one answer, and says so: one that is used again when it is closed already would be an error.
const OK: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n";

fn whole(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    write!(stream, "{OK}Content-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn send_on(stream: &mut TcpStream, status: &str, to: &str) -> std::io::Result<()> {
    let rest = "Connection: close\r\nContent-Length: 0";
    stream.write_all(format!("HTTP/1.1 {status}\r\nLocation: {to}\r\n{rest}\r\n\r\n").as_bytes())
}

/// A profile with one sample.
fn profile() -> Vec<u8> {
    // sample_type {}, sample { location_id: 1, value: 1 }, string_table: ""
    vec![0x0a, 0, 0x12, 4, 0x08, 1, 0x10, 1, 0x32, 0]
}

/// As net/http/pprof does, but for `cpu`.
fn all_but_cpu(target: &str, cpu: Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    match target {
        target if target.contains("/profile") => cpu(stream),
        target if target.contains("/trace") => whole(stream, b"go 1.27 trace\0\0\0 and so on"),
        _ => whole(stream, &profile()),
    }
}

fn capture_of(url: &str, more: impl FnOnce(&mut Options)) -> Result<Summary, String> {
    let dir = tempfile::tempdir().unwrap();
    let mut options = Options { url: Some(url.to_owned()), ..options(dir.path()) };
    more(&mut options);
    let result = capture(&options, &mut |_| {}).map_err(|error| error.to_string());
    // Whatever came of it, no half file is there, and no temporary one.
    if let Ok(summary) = &result {
        let mut there: Vec<_> = std::fs::read_dir(&options.dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "capture.json")
            .collect();
        let mut named: Vec<_> = files(summary).into_iter().map(str::to_owned).collect();
        there.sort();
        named.sort();
        assert_eq!(there, named);
    } else {
        assert!(!options.dir.exists(), "an empty folder is not left behind");
    }
    result
}

/// The CPU profile is such that it is left out for this reason; the rest is collected.
#[track_caller]
fn assert_cpu_is_left_out(cpu: Answer, reason: &str) {
    let summary = without_cpu(cpu, Duration::from_secs(60), reason);
    for file in ["heap.pprof", "mutex.pprof", "block.pprof", "trace.out"] {
        assert!(files(&summary).contains(&file), "{file}: {summary:?}");
    }
}

/// The CPU profile is left out as it is late.
#[track_caller]
fn assert_cpu_is_late(cpu: Answer) {
    // Long enough for a busy machine to begin. How long that takes is part of the time that is left for the answer.
    let summary = without_cpu(cpu, Duration::from_secs(4), "the answer was not whole after ");
    assert!(why(&summary, "CPU profile").contains(" s (--answer-time)"), "{summary:?}");
}

#[track_caller]
fn without_cpu(cpu: Answer, answer_time: Duration, reason: &str) -> Summary {
    let small = Limits { answer_time, max_answer_bytes: 1 << 20 };
    let url = server(move |target, _, stream| all_but_cpu(target, cpu, stream));
    let summary = capture_of(&url, |options| options.limits = small).unwrap();
    let said = why(&summary, "CPU profile");
    assert!(said.contains(reason), "no {reason:?} in {said:?}");
    assert!(!files(&summary).contains(&"cpu.pprof"));
    summary
}

/// Of this process, as the tests have it.
fn has_thread_without_rights() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let mut status =
        threads.filter_map(|task| std::fs::read_to_string(task.path().join("status")).ok());
    status.any(|status| status.contains("CapEff:\t0000000000000000\n"))
}

#[test]
fn who_asks_a_server_has_no_rights() {
    let own = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    if own.contains("CapEff:\t0000000000000000\n") {
        return xtask::skip("needs rights that can be given up: root");
    }
    let url = server(|target, _, stream| match target {
        _ if !has_thread_without_rights() => whole(stream, b"rights"),
        target if target.contains("/trace") => whole(stream, b"go 1.27 trace\0\0\0 and so on"),
        _ => whole(stream, &profile()),
    });
    let summary = capture_of(&url, |_| {}).unwrap();
    for file in ["cpu.pprof", "heap.pprof", "trace.out"] {
        assert!(files(&summary).contains(&file), "{file}: {summary:?}");
    }
}

#[test]
fn an_endless_body_ends_at_the_limit() {
    assert_cpu_is_left_out(
        |stream| {
            write!(stream, "{OK}Transfer-Encoding: chunked\r\n\r\n")?;
            let chunk = format!("1000\r\n{:4096}\r\n", "").into_bytes();
            loop {
                stream.write_all(&chunk)?;
            }
        },
        "the answer is larger than 1 MiB (--max-answer)",
    );
}

#[test]
fn a_length_that_is_not_true_ends_at_the_limit() {
    assert_cpu_is_left_out(
        |stream| {
            write!(stream, "{OK}Content-Length: 18446744073709551615\r\n\r\n")?;
            loop {
                stream.write_all(&[0; 4096])?;
            }
        },
        "the answer is larger than 1 MiB (--max-answer)",
    );
}

#[test]
fn headers_that_drip_end_at_the_limit() {
    assert_cpu_is_late(|stream| {
        write!(stream, "{OK}X-Slow: ")?;
        loop {
            stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

#[test]
fn a_body_that_drips_ends_at_the_limit() {
    assert_cpu_is_late(|stream| {
        write!(stream, "{OK}Content-Length: 1000000\r\n\r\n")?;
        loop {
            stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

#[test]
fn headers_without_end_are_refused() {
    assert_cpu_is_left_out(
        |stream| {
            write!(stream, "{OK}")?;
            let header = format!("X-Header: {:1000}\r\n", "x").into_bytes();
            loop {
                stream.write_all(&header)?;
            }
        },
        "header",
    );
}

#[test]
fn a_body_that_is_cut_is_no_profile() {
    assert_cpu_is_left_out(
        |stream| {
            write!(stream, "{OK}Content-Length: 1000\r\n\r\n")?;
            stream.write_all(&profile())
        },
        "a profile can be read only when it is whole",
    );
}

/// Zeros, or what begins so and goes on with zeros, as gzip members of 16 MiB each.
fn bomb(head: &[u8], n_members: usize) -> Vec<u8> {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zeros = member(&vec![0; 16 << 20]);
    [member(head), zeros.repeat(n_members)].concat()
}

/// Field 6, a string, of 2^40 bytes.
const LONG_STRING: [u8; 7] = [0x32, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];

#[test]
fn a_profile_that_inflates_without_end_is_left_out() {
    assert_cpu_is_left_out(
        |stream| whole(stream, &bomb(&LONG_STRING, 4)),
        "inflates beyond the limit of 1048576 bytes",
    );
    assert_cpu_is_left_out(|stream| whole(stream, &bomb(&[], 4)), "is no profile");
}

#[test]
fn nothing_is_unpacked_because_a_header_says_so() {
    assert_cpu_is_left_out(
        |stream| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&bomb(&LONG_STRING, 4))?;
            let body = encoder.finish()?;
            write!(
                stream,
                "{OK}Content-Encoding: gzip, gzip\r\nContent-Length: {}\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body)
        },
        "is no profile",
    );
}

#[test]
fn a_page_is_no_profile() {
    assert_cpu_is_left_out(
        |stream| {
            write!(
                stream,
                "{OK}Content-Type: text/html\r\nContent-Length: 22\r\n\r\n<html>log in</html>   "
            )
        },
        "is no profile",
    );
}

#[test]
fn a_trace_is_cut_at_the_limit_and_kept() {
    let url = server(|target, _, stream| {
        if !target.contains("/trace") {
            return whole(stream, &profile());
        }
        write!(stream, "{OK}Transfer-Encoding: chunked\r\n\r\n")?;
        write!(stream, "10\r\ngo 1.27 trace\0\0\0\r\n")?;
        let chunk = format!("1000\r\n{:4096}\r\n", "").into_bytes();
        loop {
            stream.write_all(&chunk)?;
        }
    });
    let summary = capture_of(&url, |options| options.limits.max_answer_bytes = 1 << 20).unwrap();
    let trace = summary.collected.iter().find(|file| file.file == "trace.out").unwrap();
    assert!(trace.bytes <= 1 << 20 && trace.bytes > 1 << 19, "{trace:?}");
    let note = trace.note.as_ref().unwrap();
    assert!(note.contains("its end is missing: the answer is larger than 1 MiB"), "{note}");
}

#[test]
fn a_server_that_does_not_record_is_asked_once() {
    let url = server(|target, _, stream| match target.contains("/trace") {
        true => whole(stream, b"no trace"),
        false => whole(stream, &profile()),
    });
    let summary = capture_of(&url, |options| options.duration = Some(Duration::from_secs(6)));
    let summary = summary.unwrap();
    assert_eq!(files(&summary), ["heap.pprof", "mutex.pprof", "block.pprof", "cpu.pprof"]);
    let said = why(&summary, "CPU profile, from part 2 on");
    assert!(said.contains("was asked to record ") && said.contains("answered after "), "{said}");
    assert_eq!(summary.ending, Ending::Duration);
}

#[test]
fn a_server_without_cmdline_is_asked_for_what_it_has() {
    let url = server(|target, _, stream| match target.contains("/heap") {
        true => whole(stream, &profile()),
        false => write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
    });
    let summary = capture_of(&url, |_| {}).unwrap();
    assert_eq!(files(&summary), ["heap.pprof"]);
    assert!(why(&summary, "execution trace").contains("404 Not Found"), "{summary:?}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = server(|_, _, stream| stream.read(&mut [0]).map(drop));
    let error = capture_of(&silent, |options| options.limits.answer_time = Duration::from_secs(1));
    let error = error.unwrap_err();
    assert!(
        error.contains("/cmdline: the answer was not whole after 1 s (--answer-time)"),
        "{error}"
    );
}

#[test]
fn who_sends_us_elsewhere_is_named_and_not_followed() {
    // Whoever is asked there must not see that.
    let cases: [(&str, &str, &str); 5] = [
        ("302 F", "http://127.0.0.1:1/debug", "http://127.0.0.1:1,"),
        ("301 M", "http://elsewhere.test/x?y", "http://elsewhere.test:80,"),
        ("307 T", "//elsewhere.test:81", "http://elsewhere.test:81,"),
        ("308 P", "https://u:p@elsewhere.test/", "https://elsewhere.test:443,"),
        ("302 F", "file:///etc/passwd", "the server sends us on"),
    ];
    for (status, to, name) in cases {
        let url = server(move |_, _, stream| send_on(stream, status, to));
        let error = capture_of(&url, |_| {}).unwrap_err();
        assert!(error.contains(name) && error.contains("the server sends us on"), "{error}");
    }
}

#[test]
fn circles_on_the_own_address_end_and_short_ways_are_followed() {
    let circle = server(|target, _, stream| send_on(stream, "302 F", target));
    let error = capture_of(&circle, |_| {}).unwrap_err();
    assert!(error.contains("in a circle"), "{error}");
    let moved = server(|target, _, stream| match target.strip_prefix("/debug/pprof/") {
        Some("heap") => send_on(stream, "302 F", "/new/heap?gc=1"),
        Some("mutex") => send_on(stream, "302 F", "other"),
        Some("block") => send_on(stream, "302 F", "nowhere"),
        Some("cmdline" | "other") => whole(stream, &profile()),
        _ if target == "/new/heap?gc=1" => whole(stream, &profile()),
        _ => write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        ),
    });
    let summary = capture_of(&moved, |_| {}).unwrap();
    assert_eq!(files(&summary), ["heap.pprof", "mutex.pprof"]);
    assert!(why(&summary, "block").contains("404"), "{summary:?}");
}

#[test]
fn what_is_secret_in_a_url_is_sent_and_not_told() {
    // It tells all that it was told.
    let url = server(|target, request, stream| {
        let has_all =
            request.contains("Basic bWU6b3BlbiBzZXNhbWU=") && target.contains("token=t0ken");
        if has_all && target.contains("/heap") {
            return whole(stream, &profile());
        }
        if has_all && target.contains("/mutex") {
            return send_on(stream, "302 F", "http://t0ken.test/");
        }
        if has_all && target.contains("/cmdline") {
            return whole(stream, b"ok");
        }
        let body = format!("{request} open sesame");
        write!(
            stream,
            "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    });
    let url = url.replace("http://", "http://me:open%20sesame@") + "/?token=t0ken&seconds=1";
    let dir = tempfile::tempdir().unwrap();
    let options = Options { url: Some(url), ..options(dir.path()) };
    let mut texts = Vec::new();
    let summary = capture(&options, &mut |line| texts.push(line.to_owned())).unwrap();
    assert_eq!(files(&summary), ["heap.pprof"]);
    assert!(why(&summary, "mutex").contains("http://xxxxx.test:80"), "{summary:?}");
    texts.push(format!("{summary:?}"));
    texts.push(std::fs::read_to_string(options.dir.join("capture.json")).unwrap());
    for text in texts {
        for secret in ["sesame", "t0ken", "bWU6", "%20"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
