//! `mapscope scan`: the map types and map sites of a binary.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::binary::{Scan, ScannedSite, ScannedType};
use goabi::Nested;

use crate::numbers::{bytes, count};
use crate::short_words::ShortWords;
use crate::words::{self, Word};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// Writes the scan for a terminal, at most `top` types and sites.
///
/// # Errors
/// When `out` fails.
pub fn render_scan_text(out: &mut dyn Write, report: &Scan, top: usize) -> io::Result<()> {
    let out = &mut ShortWords::new(out);
    let map_impl = report.map_impl.map_or("unknown", |of| of.word());
    writeln!(
        out,
        "{BOLD}{}{BOLD:#}  {}  {map_impl} maps  {}",
        report.binary, report.go_version, report.arch
    )?;
    for fault in &report.faults {
        writeln!(out, "  note: {fault}")?;
    }
    let nested = report.map_types.iter().filter(|t| t.map_type.nested == Nested::Direct).count();
    let reaching = report.map_types.iter().filter(|t| t.map_type.nested == Nested::Reaches).count();
    let unknown = report.write_sites.iter().filter(|site| site.map_type.is_err()).count();
    writeln!(
        out,
        "  {} functions; {} map types: {nested} hold maps, {reaching} more reach maps; {} write sites, {unknown} of unknown type",
        count(report.n_functions),
        count(report.map_types.len() as u64),
        count(report.write_sites.len() as u64),
    )?;
    types(out, &report.map_types, top)?;
    sites(out, &report.write_sites, top)?;
    out.flush()
}

fn types(out: &mut dyn Write, types: &[ScannedType], top: usize) -> io::Result<()> {
    writeln!(
        out,
        "\n{TITLE}Map types{TITLE:#}  {DIM}nested first; group = memory of 8 entries{DIM:#}"
    )?;
    writeln!(
        out,
        "  {BOLD}{:<7} {:>6} {:>6} {:>9} {:>7}  type{BOLD:#}",
        "nested", "key", "elem", "group", "writes"
    )?;
    for entry in types.iter().take(top) {
        let t = &entry.map_type;
        let [key, elem, group] = [t.key.size, t.elem.size, t.group_bytes].map(bytes);
        let nested = t.nested.word();
        writeln!(
            out,
            "  {nested:<7} {key:>6} {elem:>6} {group:>9} {:>7}  {}",
            entry.n_write_sites, t.name
        )?;
    }
    more(out, types.len(), top)
}

fn sites(out: &mut dyn Write, sites: &[ScannedSite], top: usize) -> io::Result<()> {
    writeln!(out, "\n{TITLE}Write sites{TITLE:#}")?;
    for site in sites.iter().take(top) {
        let place = site.frames.first().map_or("?".to_owned(), words::place);
        let map_type = match &site.map_type {
            Ok(name) => name.clone(),
            Err(why) => format!("{DIM}unknown: {why}{DIM:#}"),
        };
        writeln!(
            out,
            "  {:<7} {BOLD}{place}{BOLD:#}  {map_type}  {DIM}{}{DIM:#}",
            site.op.word(),
            site.callee
        )?;
        if let [_, outer @ ..] = site.frames.as_slice()
            && !outer.is_empty()
        {
            let outer: Vec<String> = outer.iter().map(words::place).collect();
            writeln!(out, "          {DIM}inlined into {}{DIM:#}", outer.join(", "))?;
        }
    }
    more(out, sites.len(), top)
}

fn more(out: &mut dyn Write, n: usize, top: usize) -> io::Result<()> {
    match n.checked_sub(top).filter(|&more| more > 0) {
        Some(more) => writeln!(out, "  {DIM}{more} more: --top {n} shows them{DIM:#}"),
        None => Ok(()),
    }
}
