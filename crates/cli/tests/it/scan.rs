//! Map types and write sites of real binaries.

use crate::{binary, report_of, stdout_of};

fn scan(name: &str) -> serde_json::Value {
    report_of("scan", [binary(name)])
}

#[test]
fn nested_types_come_first_with_their_write_sites() {
    for name in ["nested-1.21.13", "nested-1.27.3"] {
        let scan = scan(name);
        let first = &scan["map_types"][0];
        assert_eq!(
            (&first["name"], &first["nested"]),
            (&"map[string]map[string]int".into(), &"direct".into()),
            "{name}"
        );
        let is_inner_write = |site: &serde_json::Value| {
            let frame = &site["frames"][0];
            site["map_type"] == "map[string]int"
                && frame["function"] == "main.build"
                && frame["line"] == 49
        };
        assert!(scan["write_sites"].as_array().unwrap().iter().any(is_inner_write), "{name}");
    }
}

#[test]
fn calls_inside_the_runtime_are_left_out() {
    let scan = scan("nested-1.27.3");
    let sites = scan["write_sites"].as_array().unwrap();
    let is_runtime = |site: &&serde_json::Value| {
        site["frames"][0]["function"].as_str().unwrap().starts_with("runtime.")
    };
    assert_eq!(sites.iter().filter(is_runtime).count(), 0);
}

#[test]
fn focus_and_top_narrow_the_list() {
    let binary = binary("nested-1.27.3");
    let text = stdout_of(["scan", &binary, "--focus", r"main\.", "--top", "1"]);
    assert!(text.contains("main.build") || text.contains("main.(*store)"), "{text}");
    assert!(text.contains("more: --top"), "{text}");
}
