//! What stands in each output, by which it is known again before it is written over.

/// Of the page of a diagnosis.
pub const PAGE: &str = "<meta name=\"generator\" content=\"mapscope diagnose\">";
/// Of the page of the lab.
pub const LAB_PAGE: &str = "<meta name=\"generator\" content=\"mapscope lab\">";
/// Of a flame graph.
pub const FLAMEGRAPH: &str = "Flame graph of mapscope diagnose.";
/// Of a chart of `whatif`.
pub const CHART: &str = "Chart of mapscope whatif.";
/// How the lab's Markdown begins.
pub const LAB_MARKDOWN: &str = "## Verdicts\n";
/// Of a SARIF log: the end of its schema.
pub const SARIF_SCHEMA: &str = "sarif-2.1.0.json";
/// Of a SARIF log: the tool that wrote it.
pub const SARIF_DRIVER: &str = "mapscope";
