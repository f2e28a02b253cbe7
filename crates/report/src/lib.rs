//! Findings to text, JSON, HTML and SVG; all formatting of numbers.
//!
//! Every renderer takes a finished [`diagnosis::Diagnosis`] (or a scan, a listing, results of experiments) and writes; none of them decides
//! anything. What is `None` in the evidence is shown as "not measured", never as 0.

mod annotations;
mod asm;
mod chart;
mod columns;
mod compare;
mod experiments;
mod flamegraph;
mod glossary;
mod growth;
mod html;
mod json;
mod locks;
pub mod marks;
mod numbers;
mod page;
mod rules;
mod sarif;
mod scan;
mod short_words;
mod source;
mod storage;
mod text;
mod timeline;
mod trace;
mod what_if;
mod what_if_chart;
mod what_if_recorded;
mod words;
mod wrap;

pub use annotations::{
    Annotation, AnnotationLevel, annotations, render_errors, render_github, render_over,
};
pub use asm::render_asm;
pub use compare::{
    BenchmarkComparison, render_benchmarks, render_compare, render_worse, write_as_benchmarks,
};
pub use experiments::{render_lab, render_lab_html, render_lab_list, render_lab_markdown};
pub use flamegraph::render_flamegraph;
pub use glossary::render_glossary;
pub use html::render_html;
pub use json::{
    render_asm_json, render_benchmarks_json, render_compare_json, render_json, render_lab_json,
    render_recorded_json, render_scan_json, render_what_if_json,
};
pub use rules::{Explained, render_explained};
pub use sarif::render_sarif;
pub use scan::render_scan_text;
pub use source::{NoSources, SourceFile, Sources};
pub use text::{Detail, TextOptions, render_text};
pub use what_if::{WhatIf, render_what_if};
pub use what_if_chart::{Chart, ChartPoint, render_what_if_svg};
pub use what_if_recorded::{RecordedWhatIf, render_recorded, render_recorded_svg};
pub use words::{no_forecast, no_sizes};
