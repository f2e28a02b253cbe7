//! `mapscope asm --json`.

use std::io::{self, Write};

use diagnosis::binary;
use evidence::Frame;
use schemars::JsonSchema;
use serde::Serialize;

use super::Cost;

const SCHEMA: &str = "mapscope.asm/1";

/// Writes the listing as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_asm_json(out: &mut dyn Write, listing: &binary::Listing) -> io::Result<()> {
    super::write(out, &Listing::from(listing))
}

/// The instructions of a function.
#[derive(Serialize, JsonSchema)]
pub(super) struct Listing<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The function.
    function: &'d str,
    /// What was sampled; null without a profile.
    profile: Option<Profile<'d>>,
    /// In the order of their addresses.
    instructions: Vec<Instruction<'d>>,
    /// What could not be read of the binary, and what to know of a release that is not known.
    faults: &'d [String],
}

impl<'d> From<&'d binary::Listing> for Listing<'d> {
    fn from(listing: &'d binary::Listing) -> Self {
        let is_profiled = listing.profile.is_some();
        let instructions = listing.instructions.iter();
        Self {
            schema: SCHEMA,
            function: &listing.function,
            profile: listing.profile.as_ref().map(Profile::from),
            instructions: instructions.map(|i| Instruction::of(i, is_profiled)).collect(),
            faults: &listing.faults,
        }
    }
}

/// Samples of the function and of all.
#[derive(Serialize, JsonSchema)]
struct Profile<'d> {
    /// Perf's name of what was sampled, of which `cpu_ns` is a number then; null for CPU time.
    event: Option<&'d str>,
    /// In the function itself.
    own: Cost,
    /// Of the whole profile.
    total: Cost,
}

impl<'d> From<&'d binary::ListedProfile> for Profile<'d> {
    fn from(profile: &'d binary::ListedProfile) -> Self {
        Self {
            event: profile.event.as_deref(),
            own: profile.own.into(),
            total: profile.total.into(),
        }
    }
}

/// An instruction.
#[derive(Serialize, JsonSchema)]
struct Instruction<'d> {
    /// Address as in the ELF file.
    addr: u64,
    /// In assembly language.
    text: &'d str,
    /// What an operand refers to; null when it is not known.
    operand: Option<&'d str>,
    /// What it does with a map; null when it is not known.
    meaning: Option<&'static str>,
    /// Its line; null when it is not known.
    frame: Option<&'d Frame>,
    /// Samples at it; null without a profile.
    cost: Option<Cost>,
}

impl<'d> Instruction<'d> {
    fn of(instruction: &'d binary::ListedInstruction, is_profiled: bool) -> Self {
        Self {
            addr: instruction.addr,
            text: &instruction.text,
            operand: instruction.operand.as_deref(),
            meaning: instruction.meaning,
            frame: instruction.frame.as_ref(),
            cost: is_profiled.then(|| instruction.cost.into()),
        }
    }
}
