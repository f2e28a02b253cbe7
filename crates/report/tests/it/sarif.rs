//! What a SARIF log looks like.

use diagnosis::finding::{Advice, Entries, KnownFrom};
use evidence::sizes::Size;
use expect_test::expect;
use report::{Annotation, AnnotationLevel, render_sarif};
use serde_json::Value;

fn annotation(rule: &str, file: &str, action: Option<Advice>) -> Annotation {
    let level = if action.is_some() { AnnotationLevel::Warning } else { AnnotationLevel::Error };
    Annotation {
        level,
        file: file.to_owned(),
        line: 7,
        message: format!("{rule} speaks"),
        rule: rule.to_owned(),
        action,
    }
}

fn log(annotations: &[Annotation]) -> String {
    let mut out = Vec::new();
    render_sarif(&mut out, annotations).unwrap();
    String::from_utf8(out).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn a_log_has_each_rule_once_and_the_advice_as_properties() {
    let raise = Advice::RaiseHint {
        map_type: "map[string]int".to_owned(),
        make: evidence::Frame {
            function: "main.fill".into(),
            file: "/src/main.go".into(),
            line: 3,
        },
        mean_hint: 9.5,
        n: Some(28),
        entries: Entries {
            known_from: KnownFrom::HeapProfile,
            small_are_counted: true,
            p25: Size { at_least: 15, room: 28 },
            p50: Size { at_least: 15, room: 28 },
            p95: None,
        },
    };
    let annotations = [
        annotation("other", "a b/main.go", Some(raise)),
        annotation("budget", "/src/limits.toml", None),
        annotation("budget", "limits.toml", None),
    ];
    expect![[r#"
        {
          "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
          "runs": [
            {
              "results": [
                {
                  "level": "warning",
                  "locations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "a%20b/main.go"
                        },
                        "region": {
                          "startLine": 7
                        }
                      }
                    }
                  ],
                  "message": {
                    "text": "other speaks"
                  },
                  "properties": {
                    "action": {
                      "entries": {
                        "known_from": "heap_profile",
                        "p25": {
                          "at_least": 15,
                          "room": 28
                        },
                        "p50": {
                          "at_least": 15,
                          "room": 28
                        },
                        "p95": null,
                        "small_are_counted": true
                      },
                      "kind": "raise_hint",
                      "make": {
                        "file": "/src/main.go",
                        "function": "main.fill",
                        "line": 3
                      },
                      "map_type": "map[string]int",
                      "mean_hint": 9.5,
                      "n": 28
                    }
                  },
                  "ruleId": "other"
                },
                {
                  "level": "error",
                  "locations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "file:///src/limits.toml"
                        },
                        "region": {
                          "startLine": 7
                        }
                      }
                    }
                  ],
                  "message": {
                    "text": "budget speaks"
                  },
                  "ruleId": "budget"
                },
                {
                  "level": "error",
                  "locations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "limits.toml"
                        },
                        "region": {
                          "startLine": 7
                        }
                      }
                    }
                  ],
                  "message": {
                    "text": "budget speaks"
                  },
                  "ruleId": "budget"
                }
              ],
              "tool": {
                "driver": {
                  "name": "mapscope",
                  "rules": [
                    {
                      "id": "budget"
                    },
                    {
                      "id": "other"
                    }
                  ],
                  "semanticVersion": "VERSION"
                }
              }
            }
          ],
          "version": "2.1.0"
        }
    "#]]
    .assert_eq(&log(&annotations));
}

#[test]
fn a_rule_of_the_diagnosis_has_its_meaning() {
    let log = log(&[annotation("growth-dominates", "main.go", None)]);
    let log: Value = serde_json::from_str(&log).unwrap();
    let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
    let names: Vec<&String> = rule.as_object().unwrap().keys().collect();
    assert_eq!(names, ["fullDescription", "help", "id", "shortDescription"]);
    let speaks_when = rule["shortDescription"]["text"].as_str().unwrap();
    assert!(speaks_when.starts_with("Speaks when growth takes at least"), "{speaks_when}");
    assert!(rule["help"]["text"].as_str().unwrap().contains("check by hand: "), "{rule}");
}
