//! What results of experiments look like.

use ::lab::{CATALOGUE, ExperimentResult, Figures, GoResult, Machine, Results, Scale, judge};
use expect_test::expect;
use report::{render_lab, render_lab_html, render_lab_json, render_lab_markdown};

/// One experiment, measured on one Go and failed on another whose name would break out of any output.
fn results() -> Results {
    let experiment = CATALOGUE.into_iter().find(|of| of.name == "cache-misses").unwrap();
    let mut figures = Figures::default();
    for (flat, nested) in [(4.0, 8.0), (4.1, 8.4), (3.9, 7.5)] {
        figures.add_run(&format!(
            "note: simulated\nBenchmarkCacheMisses/flat 9 {flat} D1-misses/op\n\
             BenchmarkCacheMisses/nested 9 {nested} D1-misses/op"
        ));
    }
    let of = |figures: Figures, failure: Option<&str>| {
        let judgement = judge(experiment, &figures);
        GoResult { figures, judgement, failure: failure.map(str::to_owned) }
    };
    let by_go = vec![of(figures, None), of(Figures::default(), Some("valgrind: <b>no</b>"))];
    Results {
        machine: Machine { cpu: None, n_cpus: 2 },
        scale: Scale::Quick,
        n_rounds: 3,
        versions: vec!["go1.27.3".into(), "go<{{setting}}>|".into()],
        experiments: vec![ExperimentResult { experiment, by_go }],
    }
}

fn written(render: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn text_has_verdict_figures_and_what_failed() {
    let mut out = anstream::StripStream::new(Vec::new());
    render_lab(&mut out, &results(), 100).unwrap();
    let text = String::from_utf8(out.into_inner()).unwrap();
    let text = text.replace("go<{{setting}}>|", "other");
    expect![[r#"
        cache-misses
            claim    Against one flat map, nested maps raise first-level cache misses by 300 %.
            tested   16,384 entries, 8 per outer key; 100,000 lookups in random order, counted by running
                     the program with and without them. Hardware counters where perf has them, else a cache
                     simulated by valgrind's cachegrind.
            note     simulated
          go1.27.3: holds in part
            no       a nested lookup misses at least 4 times as often as a flat one (claimed: +300 %): 2.00
                     times (1.92 to 2.05), met in 0 of 3 runs
            yes      a nested lookup misses more often at all (by a fifth or more): 2.00 times (1.92 to
                     2.05), met in 3 of 3 runs
          other: not measurable here
            failed   valgrind: <b>no</b>
            -        a nested lookup misses at least 4 times as often as a flat one (claimed: +300 %): not
                     measured
            -        a nested lookup misses more often at all (by a fifth or more): not measured
            instead  A random lookup walks two tables instead of one; out of cache that costs up to about
                     twice the misses, and nothing while the maps fit. Where work is grouped by outer key,
                     or the inner map is held in a variable, the nested layout is the one that misses less.

          First-level data cache misses per random lookup [misses]
                  go1.27.3                      other
          flat        4.00 (3.90 to 4.10)       not measured
          nested      8.00 (7.50 to 8.40)       not measured

        verdicts  3 runs of each experiment, quick; 2 CPUs
          cache-misses    go1.27.3 holds in part        other not measurable here
    "#]].assert_eq(&text);
}

#[test]
fn markdown_keeps_its_columns() {
    let text = written(|out| render_lab_markdown(out, &results()));
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let n_columns = |row: &str| row.replace("\\|", "").matches('|').count();
    assert!(rows.len() > 8 && rows.iter().all(|row| n_columns(row) == 4), "{text}");
    assert!(
        text.contains("| **verdict** | **holds in part** | **not measurable here** |"),
        "{text}"
    );
}

#[test]
fn the_page_is_whole_and_lets_nothing_out() {
    let page = written(|out| render_lab_html(out, &results()));
    assert!(page.contains("go&lt;{{setting}}&gt;|"));
    assert!(page.contains("valgrind: &lt;b&gt;no&lt;/b&gt;"));
    assert!(page.contains("8.00 misses (7.50 to 8.40)"), "{page}");
    for outside in ["http:", "https:", "<script", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn json_says_null_of_what_was_not_measured() {
    let text = written(|out| render_lab_json(out, &results()));
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let results = &report["experiments"][0]["results"];
    assert_eq!(results[0]["predicts"][0]["measured"]["median"], 2.0);
    assert_eq!(results[0]["predicts"][0]["outcome"], "not met");
    assert_eq!(results[0]["figures"][0]["unit"], "D1-misses/op");
    assert_eq!(results[1]["predicts"][0]["measured"], serde_json::Value::Null);
    assert_eq!(results[1]["failure"], "valgrind: <b>no</b>");
}
