//! What is printed with `--json` is what `docs/schema` says.

use std::fs;

use serde_json::Value;

use crate::{binary, report_of, sample, stdout_of};

/// A report, which has to be as the schema of this name says.
#[track_caller]
pub fn checked(name: &str, report: impl AsRef<[u8]>) -> Value {
    let report = serde_json::from_slice(report.as_ref()).unwrap();
    let errors = errors(name, &report);
    assert!(errors.is_empty(), "not as docs/schema/{name}.json says: {errors:#?}");
    report
}

fn errors(name: &str, report: &Value) -> Vec<String> {
    let path = xtask::repo_root().join(format!("docs/schema/{name}.json"));
    let schema = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors = validator.iter_errors(report);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn reports_of_bundled_captures_are_valid() {
    let mut n_reports = 0;
    for entry in fs::read_dir(xtask::testdata("golden")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            checked("diagnose", fs::read(&path).unwrap());
            n_reports += 1;
        }
    }
    assert!(n_reports > 20, "{n_reports}");
}

#[test]
fn a_scan_and_a_listing_are_valid() {
    for name in ["nested-1.21.13", "nested-1.27.3"] {
        let binary = binary(name);
        report_of("scan", [&binary]);
        report_of("asm", [&binary, "runtime.mapassign_faststr"]);
        let profile = sample(&format!("{name}/cpu.pprof"));
        report_of("asm", [&binary, "runtime.mapassign_faststr", &profile]);
    }
}

#[test]
fn a_report_that_lacks_a_field_or_has_another_word_is_not_valid() {
    let text = stdout_of(["diagnose", "--json", &sample("nested-1.27.3/cpu.pprof")]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(errors("diagnose", &report), Vec::<String>::new());
    let mut lacking = report.clone();
    lacking["sites"][0]["cpu"].as_object_mut().unwrap().remove("growth");
    let mut misspelt = report.clone();
    misspelt["findings"][0]["verdict"] = "presized".into();
    let mut other = report;
    other["schema"] = "mapscope.diagnosis/2".into();
    for (report, place) in
        [(lacking, "/sites/0/cpu"), (misspelt, "/findings/0/verdict"), (other, "/schema")]
    {
        let errors = errors("diagnose", &report);
        assert!(errors.iter().any(|error| error.starts_with(place)), "{place}: {errors:#?}");
    }
}
