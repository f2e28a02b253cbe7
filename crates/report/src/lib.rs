//! Findings to text, JSON, HTML and SVG; all formatting of numbers.
