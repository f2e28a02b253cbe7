//! Annotations as SARIF, the form in which code scanners hand on what they found.
//!
//! Source: SARIF 2.1.0, OASIS standard, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use std::io::{self, Write};

use diagnosis::rules::Rule;
use serde_json::{Value, json};

use crate::annotations::{Annotation, AnnotationLevel};
use crate::{marks, rules};

/// Writes a SARIF log with one run.
///
/// # Errors
/// When `out` fails.
pub fn render_sarif(out: &mut dyn Write, annotations: &[Annotation]) -> io::Result<()> {
    let mut names: Vec<&str> = annotations.iter().map(|of| &*of.rule).collect();
    names.sort_unstable();
    names.dedup();
    let result = |of: &Annotation| {
        let level = match of.level {
            AnnotationLevel::Error => "error",
            AnnotationLevel::Warning => "warning",
        };
        let mut result = json!({
            "ruleId": of.rule,
            "level": level,
            "message": { "text": of.message },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(&of.file) },
                    "region": { "startLine": of.line },
                },
            }],
        });
        if let Some(action) = &of.action {
            result["properties"] = json!({ "action": action });
        }
        result
    };
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": marks::SARIF_DRIVER,
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": names.into_iter().map(rule).collect::<Vec<Value>>(),
                },
            },
            "results": annotations.iter().map(result).collect::<Vec<_>>(),
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    writeln!(out)
}

/// A rule by its name, with what it means where it is one of the diagnosis.
fn rule(name: &str) -> Value {
    let Some(rule) = Rule::named(name) else { return json!({ "id": name }) };
    json!({
        "id": name,
        "shortDescription": { "text": format!("Speaks when {}.", rules::when(rule)) },
        "fullDescription": { "text": rules::why(rule) },
        "help": { "text": rules::help(rule) },
    })
}

/// A path as a URI reference: what is not allowed in one is percent-encoded.
fn uri(path: &str) -> String {
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'/'
            | b'.'
            | b'-'
            | b'_'
            | b'~'
            | b'@'
            | b'+' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
