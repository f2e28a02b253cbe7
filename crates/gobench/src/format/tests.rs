#![allow(clippy::unwrap_used)]

use super::*;

const REAL: &str = "\
goos: linux
goarch: amd64
pkg: example.com/words
cpu: AMD EPYC
BenchmarkCount
    words_test.go:12: 240 words
BenchmarkCount-2         \t   13422\t     88312 ns/op\t   54321 B/op\t      12 allocs/op
BenchmarkRead/size=1k-2  \t     500\t   2204511 ns/op\t 475.63 MB/s
PASS
ok  \texample.com/words\t3.4s
Unit bytes/s better=higher
Unit hits/s better=lower assume=nothing
";

#[test]
fn reads_results_with_their_configuration() {
    let file = read(REAL);
    assert!(file.faults.is_empty());
    let names: Vec<_> = file.results.iter().map(|result| &*result.name).collect();
    assert_eq!(names, ["Count-2", "Read/size=1k-2"]);
    let count = &file.results[0];
    assert_eq!(count.iterations, 13_422);
    assert_eq!(count.config["pkg"], "example.com/words");
    let value = |value, unit: &str| Value { value, unit: unit.to_owned() };
    assert_eq!(
        count.values,
        [value(88312.0, "ns/op"), value(54321.0, "B/op"), value(12.0, "allocs/op")]
    );
    assert_eq!(file.better("MB/s"), Better::Higher);
    assert_eq!(file.better("hits/s"), Better::Lower);
    assert_eq!(file.better("ns/op"), Better::Lower);
}

#[test]
fn writes_what_it_reads() {
    let file = read(REAL);
    let mut text = String::new();
    write(&mut text, &file.results).unwrap();
    assert_eq!(read(&text).results, file.results);
}

#[test]
fn keeps_what_is_readable_and_says_where_the_rest_is_wrong() {
    let text = "BenchmarkA 1 2 ns/op\nBenchmarkB 1x 2 ns/op\nBenchmarkC 1 two ns/op\nBenchmarkD 1 2\nBenchmarkE 7\n\
                BenchmarkF 1 NaN ns/op\nBenchmarking 5 3 is fun\nBenchmarkG 1 3 ns/op 4\n";
    let file = read(text);
    let names: Vec<_> = file.results.iter().map(|result| &*result.name).collect();
    assert_eq!(names, ["A", "G"]);
    let faults: Vec<_> = file.faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "line 2: the number of iterations cannot be read",
            "line 3: a measurement is not a number",
            "line 4: a measurement has no unit",
            "line 5: the line has no measurement",
            "line 6: a measurement is not a number",
            "line 8: a measurement has no unit",
        ]
    );
}

#[test]
fn knows_benchmark_text_from_other_text() {
    assert!(is_benchmark_text(REAL.as_bytes()));
    assert!(is_benchmark_text(b"BenchmarkX-8 1 2 ns/op\n\xff"));
    for other in
        [&b"PASS\nok x 1s\n"[..], b"", b"\xff\xfe", b"Benchmark\n", b"title: the goos of it\n"]
    {
        assert!(!is_benchmark_text(other), "{other:?}");
    }
}
