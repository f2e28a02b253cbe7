//! `mapscope asm`: instructions with samples and meaning.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::binary::{ListedInstruction, ListedProfile, Listing, Weight};
use evidence::Frame;

use crate::numbers::{count, percent, sampled_share};
use crate::short_words::ShortWords;
use crate::words;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const HOT: Style = AnsiColor::Red.on_default().bold();
const MEANING: Style = AnsiColor::Cyan.on_default();
/// Part of the function's samples from which on an instruction is hot.
const HOT_FROM: f64 = 0.05;

/// Most columns given to the text of instructions.
const MAX_TEXT: usize = 56;

/// Writes the listing.
///
/// # Errors
/// When `out` fails.
pub fn render_asm(out: &mut dyn Write, listing: &Listing) -> io::Result<()> {
    let out = &mut ShortWords::new(out);
    writeln!(out, "{BOLD}{}{BOLD:#}", listing.function)?;
    match &listing.profile {
        Some(ListedProfile { event, own, total }) => {
            let share = sampled_share(own.share_of(*total), own.samples(), total.samples());
            writeln!(out, "own samples: {share} of all {}", event.as_deref().unwrap_or("CPU"))?;
        }
        None => writeln!(out, "samples: not measured (no profile given)")?,
    }
    let width = listing
        .instructions
        .iter()
        .map(|i| i.text.chars().count())
        .max()
        .unwrap_or(0)
        .min(MAX_TEXT);
    for fault in &listing.faults {
        writeln!(out, "note: {fault}")?;
    }
    let mut place = None;
    for instruction in &listing.instructions {
        if instruction.frame != place {
            place.clone_from(&instruction.frame);
            place_line(out, place.as_ref())?;
        }
        row(out, instruction, listing.profile.as_ref(), width)?;
    }
    out.flush()
}

fn place_line(out: &mut dyn Write, frame: Option<&Frame>) -> io::Result<()> {
    let Some(frame) = frame else { return Ok(()) };
    let function = frame.function.rsplit('/').next().unwrap_or(&frame.function);
    writeln!(out, "{:>28}{DIM}{function} {}{DIM:#}", "", words::short_place(frame))
}

fn row(
    out: &mut dyn Write,
    i: &ListedInstruction,
    profile: Option<&ListedProfile>,
    width: usize,
) -> io::Result<()> {
    let weight = i.weight.zip(profile);
    let share = weight.map_or(0.0, |(weight, profile)| weight.share_of(profile.own));
    let samples = match i.weight.map_or(0, Weight::samples) {
        0 => String::new(),
        n => format!("{:>7} {:>8}", count(n), percent(share)),
    };
    let style = if share >= HOT_FROM { HOT } else { Style::new() };
    write!(out, "{style}{samples:>16}{style:#}  {DIM}{:>8x}{DIM:#}  {:<width$}", i.addr, i.text)?;
    if let Some(operand) = &i.operand {
        write!(out, "  {DIM}{operand}{DIM:#}")?;
    }
    if let Some(meaning) = i.meaning {
        write!(out, "  {MEANING}; {meaning}{MEANING:#}")?;
    }
    writeln!(out)
}
