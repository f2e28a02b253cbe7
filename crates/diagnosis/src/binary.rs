//! What a binary says without any measurement: its map types and sites, and the instructions of a function.

use evidence::{Cost, Frame, MapType, Misses};
use goabi::{MapImpl, MapOp};

/// The maps of a binary.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Path as given.
    pub binary: String,
    /// "go1.27.3", or what is known instead.
    pub go_version: String,
    /// GOARCH.
    pub arch: &'static str,
    /// `None` when it cannot be told.
    pub map_impl: Option<MapImpl>,
    /// Number of functions.
    pub n_functions: u64,
    /// Sortedness: nested ones first, then by number of write sites, then by name.
    pub map_types: Vec<ScannedType>,
    /// Calls that write a map. Sortedness: by function, then by line.
    pub write_sites: Vec<ScannedSite>,
    /// What could not be read, as sentences.
    pub faults: Vec<String>,
}

/// A map type with the number of places that write it.
#[derive(Debug, Clone)]
pub struct ScannedType {
    /// The type.
    pub map_type: MapType,
    /// Calls that assign, delete, clear, clone or make.
    pub n_write_sites: u64,
}

/// A call that writes a map.
#[derive(Debug, Clone)]
pub struct ScannedSite {
    /// Where, innermost inlined function first; never empty.
    pub frames: Vec<Frame>,
    /// What is done.
    pub op: MapOp,
    /// Runtime function called.
    pub callee: String,
    /// Go's name of the map type, or why it is unknown.
    pub map_type: Result<String, String>,
}

/// A function's instructions.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Name of the function.
    pub function: String,
    /// `None` without a profile.
    pub profile: Option<ListedProfile>,
    /// By address.
    pub instructions: Vec<ListedInstruction>,
    /// What could not be read of the binary.
    pub faults: Vec<String>,
}

/// What the samples of a listing are parts of.
#[derive(Debug, Clone)]
pub struct ListedProfile {
    /// The event of perf that was asked for; `None` for time on a CPU, whatever counted it.
    pub event: Option<String>,
    /// Samples in this function itself.
    pub own: Weight,
    /// All samples of the profile.
    pub total: Weight,
}

/// Samples and what they stand for; of one kind in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Time on CPUs.
    Cpu(Cost),
    /// What the processor counted.
    Misses(Misses),
}

impl Weight {
    /// Number of samples.
    pub fn samples(self) -> u64 {
        match self {
            Self::Cpu(cost) => cost.samples,
            Self::Misses(misses) => misses.samples,
        }
    }

    /// `self` as a fraction of `whole`; 0.0 when that is empty, or of the other kind.
    pub fn share_of(self, whole: Self) -> f64 {
        match (self, whole) {
            (Self::Cpu(part), Self::Cpu(whole)) => part.share_of(whole),
            (Self::Misses(part), Self::Misses(whole)) => part.share_of(whole),
            (Self::Cpu(_), Self::Misses(_)) | (Self::Misses(_), Self::Cpu(_)) => 0.0,
        }
    }
}

/// One instruction.
#[derive(Debug, Clone)]
pub struct ListedInstruction {
    /// Address as in the ELF file.
    pub addr: u64,
    /// In assembler syntax.
    pub text: String,
    /// Where a call or jump leads, by name; memory operands as "load 8 B %rax+0x10".
    pub operand: Option<String>,
    /// What it is for in a map function; `None` when that is not known.
    pub meaning: Option<&'static str>,
    /// Innermost function and source line.
    pub frame: Option<Frame>,
    /// Samples at this address; `None` without a profile.
    pub weight: Option<Weight>,
}
