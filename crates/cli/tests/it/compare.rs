//! Runs before and after a change.

use expect_test::expect;

use crate::{mapscope, report_of, stdout_of};

fn path(name: &str) -> String {
    xtask::testdata(&format!("compare/{name}")).to_str().unwrap().to_owned()
}

fn refusal(args: &[&str]) -> (Option<i32>, String) {
    let output = mapscope(["compare"].iter().chain(args));
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Six copies of a run are one.
#[test]
fn a_run_that_is_given_twice_counts_once() {
    let run = path("before/growth1.pb.gz");
    let after = path("after");
    let output = mapscope(["compare", &run, &run, &run, "--vs", &after]);
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(out.contains("n=1+6"), "{out}");
    assert_eq!(err.matches("it is the same file as").count(), 2, "{err}");
}

#[test]
fn a_size_hint_is_seen_to_have_helped() {
    let text = stdout_of(["compare", &path("before"), &path("after")]);
    let dir = xtask::testdata("compare");
    expect![[r#"
        before  nested  go1.27.3  6 runs: DIR/before/growth1.pb.gz to DIR/before/growth6.pb.gz
        after   nested  go1.27.3  6 runs: DIR/after/growth1.pb.gz to DIR/after/growth6.pb.gz
        note    growths of 5 recordings are estimates

        process, per second                               before                 after      change
          CPU                                      508 ms ± 42 %         442 ms ± 40 %           ~  p=0.093 n=6+6
          CPU in maps                              412 ms ± 41 %         352 ms ± 39 %           ~  p=0.132 n=6+6
          CPU of growth                           61.8 ms ± 23 %       11.5 ms ± 100 %     -81.3 %  p=0.002 n=6+6
          CPU of GC                              33.3 ms ± 146 %        17.3 ms ± 49 %     -48.1 %  p=0.004 n=6+6
          growths                                  21,582 ± 77 %          1,589 ± 50 %     -92.6 %  p=0.002 n=6+6
          entries moved                           395,635 ± 94 %         99,060 ± 48 %     -75.0 %  p=0.015 n=6+6
          bytes moved                            9.06 MiB ± 94 %       2.27 MiB ± 48 %     -75.0 %  p=0.015 n=6+6
          allocated by growths                   23.3 MiB ± 90 %       5.82 MiB ± 48 %     -75.0 %  p=0.015 n=6+6

        main.(*counter).Add  main.go:17,19,20,22
          CPU in maps                              400 ms ± 39 %         350 ms ± 38 %           ~  p=0.132 n=6+6
          CPU of growth                           61.8 ms ± 23 %       11.5 ms ± 100 %     -81.3 %  p=0.002 n=6+6
          growths                                  21,572 ± 77 %          1,586 ± 50 %     -92.6 %  p=0.002 n=6+6
          entries moved                           395,126 ± 91 %         99,017 ± 48 %     -74.9 %  p=0.015 n=6+6
          bytes moved                            9.04 MiB ± 91 %       2.27 MiB ± 48 %     -74.9 %  p=0.015 n=6+6
          allocated by growths                   23.3 MiB ± 87 %       5.82 MiB ± 48 %     -75.0 %  p=0.015 n=6+6

        Medians of runs; ± reaches to the farther end of the 95 % interval of the median.
        ~      the difference may be chance (Mann-Whitney U test)
    "#]].assert_eq(&text.replace(dir.to_str().unwrap(), "DIR"));
}

#[test]
fn a_program_is_not_different_from_itself() {
    let [first, second] = [[1, 3, 5], [2, 4, 6]]
        .map(|runs| runs.map(|run| path(&format!("before/growth{run}.pb.gz"))));
    let mut args: Vec<&str> = first.iter().map(String::as_str).collect();
    args.push("--vs");
    args.extend(second.iter().map(String::as_str));
    let report = report_of("compare", &args);
    assert_eq!(report["notices"][0], "both sides are runs of the same build");
    assert_eq!(report["notice_keys"][0], "same_build");
    let outcomes = report["process"].as_object().unwrap().values().map(|row| &row["outcome"]);
    assert!(outcomes.into_iter().all(|outcome| outcome == "too_few_runs"));
    args.extend(["--fail-if-worse", "5"]);
    let (code, message) = refusal(&args);
    assert_eq!(code, Some(2));
    assert!(message.contains("fewer than 4 runs"), "{message}");
}

#[test]
fn fails_when_something_got_worse_and_not_when_it_got_better() {
    let (before, after) = (path("before"), path("after"));
    assert_eq!(refusal(&[&before, &after, "--fail-if-worse", "5"]).0, Some(0));
    let (code, message) = refusal(&[&after, &before, "--fail-if-worse", "5"]);
    assert_eq!(code, Some(1));
    assert!(message.contains("mapscope: worse: main.(*counter).Add: growths +"), "{message}");
    let benchmarks = [path("benchmarks/after.txt"), path("benchmarks/before.txt")];
    assert_eq!(refusal(&[&benchmarks[0], &benchmarks[1], "--fail-if-worse", "5"]).0, Some(1));
    assert_eq!(refusal(&[&benchmarks[1], &benchmarks[0], "--fail-if-worse", "5"]).0, Some(0));
}

#[test]
fn a_comparison_of_benchmarks_is_valid() {
    let report = report_of(
        "compare-benchmarks",
        ["before", "after"].map(|side| path(&format!("benchmarks/{side}.txt"))),
    );
    assert!(!report["rows"].as_array().unwrap().is_empty());
}

#[test]
fn hands_its_figures_on_in_the_format_of_benchmarks() {
    let text = stdout_of(["compare", "--bench", &path("before"), &path("after")]);
    let file = gobench::read(&text);
    assert!(file.faults.is_empty());
    let of_side =
        |side: &str| file.results.iter().filter(|result| result.config["side"] == side).count();
    assert!(of_side("before") >= 12 && of_side("after") >= 12, "{text}");
    assert!(text.contains("moved-entries/sec"));
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let (before, benchmarks) = (path("before"), path("benchmarks/before.txt"));
    let one = path("before/growth1.pb.gz");
    for (args, wanted) in [
        (&[&*one][..], "say `mapscope compare BEFORE... --vs AFTER...`"),
        (&[&before, &benchmarks], "one side holds benchmark results"),
        (&[&one, &benchmarks, "--vs", &one], "compare one kind at a time"),
        (&[&one, "--vs", "nowhere"], "nowhere"),
        (&[&one, &one, "--per", "op"], "--per op needs --ops N"),
        (&[&benchmarks, &benchmarks, "--bench"], "the inputs are in that format already"),
    ] {
        let (code, message) = refusal(args);
        assert_eq!(code, Some(2), "{args:?}");
        assert!(message.to_lowercase().contains(&wanted.to_lowercase()), "{args:?}: {message}");
    }
    let nested = crate::sample("recordings/nested-1.27.3.pb.gz");
    let (code, message) = refusal(&[&one, &nested]);
    assert_eq!(code, Some(2));
    assert!(
        message.contains("different programs, by the names of their executables; --anyway"),
        "{message}"
    );
    assert_eq!(refusal(&[&one, &nested, "--anyway"]).0, Some(0));
}
