//! Machine code as text, one instruction at a time, with what each does to memory and control.
//!
//! amd64 is decoded and printed by `iced-x86` in GNU syntax, as `objdump` and `perf annotate` do;
//! arm64 by `yaxpeax-arm`, whose text uses the assembler's usual aliases (`mov`, `cmp`).
//! [`meaning`] adds what an instruction is for where it belongs to Go's map functions.

mod amd64;
mod arm64;
pub(crate) mod meaning;

use crate::{Arch, LinkAddr};

pub(crate) use meaning::Layout;
pub use meaning::Meaning;

/// One machine instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction<'a> {
    /// Where it starts.
    pub addr: LinkAddr,
    /// Its encoding. Shape: 1 to 15 bytes on amd64, 4 on arm64 (fewer where the code is cut).
    pub bytes: &'a [u8],
    /// The instruction in assembler syntax; `(bad)` for bytes that are none.
    pub text: String,
    /// The memory it reads or writes, or whose address it takes.
    pub memory: Option<Memory>,
    /// Where it calls or jumps to, if the instruction itself says so.
    pub target: Option<Target<'a>>,
    /// What it is for, in a function of Go's map runtime.
    pub meaning: Option<Meaning>,
}

/// An operand in memory, at `base + index * scale + disp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The base register, by its 64-bit name. `None` for a fixed address.
    pub base: Option<&'static str>,
    /// The index register.
    pub index: Option<&'static str>,
    /// What the index is multiplied with: 1, 2, 4, 8 or 16.
    pub scale: u8,
    /// Units: bytes. The address itself if there is neither base nor index.
    pub disp: i64,
    /// What is done with it.
    pub access: Access,
    /// Units: bytes. 0 if only the address is taken, or if the width is not known.
    pub width: u8,
}

/// What an instruction does with its memory operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reads it.
    Load,
    /// Writes it, or reads and writes.
    Store,
    /// Takes its address only.
    Address,
}

/// Where a call or jump leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The address.
    pub addr: LinkAddr,
    /// The function that starts there.
    pub symbol: Option<&'a str>,
    /// Whether the instruction comes back.
    pub kind: TargetKind,
}

/// A call or a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// A call.
    Call,
    /// A jump, with or without a condition.
    Jump,
}

/// Splits the code of the function `name` into instructions.
///
/// `symbol_at` names the function that starts at an address. Bytes that are no instruction become
/// one of the text `(bad)`; all bytes are covered.
pub(crate) fn disassemble<'a>(
    arch: Arch,
    code: &'a [u8],
    start: LinkAddr,
    symbol_at: &dyn Fn(LinkAddr) -> Option<&'a str>,
) -> Listing<'a> {
    let (mut instructions, effects): (Vec<_>, Vec<_>) = match arch {
        Arch::Amd64 => amd64::disassemble(code, start),
        Arch::Arm64 => arm64::disassemble(code, start),
    }
    .into_iter()
    .unzip();
    for target in instructions
        .iter_mut()
        .filter_map(|instruction: &mut Instruction<'_>| instruction.target.as_mut())
    {
        target.symbol = symbol_at(target.addr);
    }
    Listing { instructions, effects }
}

/// A function's instructions, and what each does to registers. Shape: as many of both.
pub(crate) struct Listing<'a> {
    pub(crate) instructions: Vec<Instruction<'a>>,
    effects: Vec<meaning::Effect>,
}

impl Listing<'_> {
    /// Adds what the instructions are for, if `name` is one of Go's map functions.
    pub(crate) fn explain(
        &mut self,
        name: &str,
        layout: Layout,
        inlined_at: &dyn Fn(LinkAddr) -> Option<String>,
    ) {
        meaning::explain(name, &mut self.instructions, &mut self.effects, layout, inlined_at);
    }
}
