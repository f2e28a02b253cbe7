//! `mapscope asm --json`.

use std::io::{self, Write};

use diagnosis::binary;
use evidence::{Frame, Misses};
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
        Self {
            schema: SCHEMA,
            function: &listing.function,
            profile: listing.profile.as_ref().map(Profile::from),
            instructions: super::each(&listing.instructions),
            faults: &listing.faults,
        }
    }
}

/// Samples of the function and of all.
#[derive(Serialize, JsonSchema)]
struct Profile<'d> {
    /// Perf's event, of which `cpu_ns` is a number unless it counts CPU time; null where none was asked for.
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

impl<'d> From<&'d binary::ListedInstruction> for Instruction<'d> {
    fn from(instruction: &'d binary::ListedInstruction) -> Self {
        Self {
            addr: instruction.addr,
            text: &instruction.text,
            operand: instruction.operand.as_deref(),
            meaning: instruction.meaning,
            frame: instruction.frame.as_ref(),
            cost: instruction.weight.map(Cost::from),
        }
    }
}

impl From<binary::Weight> for Cost {
    fn from(weight: binary::Weight) -> Self {
        match weight {
            binary::Weight::Cpu(cost) => cost.into(),
            // The shape has one field for both, which its description says.
            binary::Weight::Misses(Misses { samples, events }) => Self { samples, cpu_ns: events },
        }
    }
}
