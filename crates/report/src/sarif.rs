//! Annotations as SARIF, the form in which code scanners hand on what they found.
//!
//! The types are named as the objects of the standard, and have of their properties those that are filled in.
//!
//! Source: SARIF 2.1.0, OASIS standard, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>.

use std::borrow::Cow;
use std::io::{self, Write};

use diagnosis::finding::Advice;
use diagnosis::rules::Rule;
use serde::Serialize;

use crate::annotations::Annotation;
use crate::words::Word;
use crate::{json, marks, rules};

/// Writes a SARIF log with one run.
///
/// # Errors
/// When `out` fails.
pub fn render_sarif(out: &mut dyn Write, annotations: &[Annotation]) -> io::Result<()> {
    json::write(out, &Log::of(annotations))
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

impl<'a> Log<'a> {
    fn of(annotations: &'a [Annotation]) -> Self {
        let tool = Tool { driver: ToolComponent::of(annotations) };
        let results = annotations.iter().map(Found::from).collect();
        Self {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            version: "2.1.0",
            runs: [Run { tool, results }],
        }
    }
}

#[derive(Serialize)]
struct Run<'a> {
    tool: Tool<'a>,
    results: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: ToolComponent<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolComponent<'a> {
    name: &'static str,
    semantic_version: &'static str,
    /// Those of the results, each once, by name.
    rules: Vec<ReportingDescriptor<'a>>,
}

impl<'a> ToolComponent<'a> {
    fn of(annotations: &'a [Annotation]) -> Self {
        let mut names: Vec<&str> = annotations.iter().map(|of| &*of.rule).collect();
        names.sort_unstable();
        names.dedup();
        Self {
            name: marks::SARIF_DRIVER,
            semantic_version: env!("CARGO_PKG_VERSION"),
            rules: names.into_iter().map(ReportingDescriptor::of).collect(),
        }
    }
}

/// A rule by its name, with what it means where it is one of the diagnosis.
#[derive(Serialize)]
struct ReportingDescriptor<'a> {
    id: &'a str,
    #[serde(flatten)]
    meaning: Option<Meaning>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meaning {
    short_description: Message<'static>,
    full_description: Message<'static>,
    help: Message<'static>,
}

impl<'a> ReportingDescriptor<'a> {
    fn of(id: &'a str) -> Self {
        let meaning = |rule: &Rule| Meaning {
            short_description: format!("Speaks when {}.", rules::when(rule)).into(),
            full_description: rules::why(rule).into(),
            help: rules::help(rule).into(),
        };
        Self { id, meaning: Rule::named(id).map(meaning) }
    }
}

#[derive(Serialize)]
struct Message<'a> {
    text: Cow<'a, str>,
}

impl From<String> for Message<'_> {
    fn from(text: String) -> Self {
        Self { text: text.into() }
    }
}

/// The standard's `result`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    rule_id: &'a str,
    level: &'static str,
    message: Message<'a>,
    locations: [Location; 1],
    /// Absent where nothing is advised.
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<PropertyBag<'a>>,
}

impl<'a> From<&'a Annotation> for Found<'a> {
    fn from(of: &'a Annotation) -> Self {
        Self {
            rule_id: &of.rule,
            level: of.level.word(),
            message: Message { text: of.message.as_str().into() },
            locations: [Location::of(of)],
            properties: of.action.as_ref().map(|action| PropertyBag { action }),
        }
    }
}

#[derive(Serialize)]
struct PropertyBag<'a> {
    action: &'a Advice,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

impl Location {
    fn of(annotation: &Annotation) -> Self {
        let artifact_location = ArtifactLocation { uri: uri(&annotation.file) };
        let region = Region { start_line: annotation.line };
        Self { physical_location: PhysicalLocation { artifact_location, region } }
    }
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
