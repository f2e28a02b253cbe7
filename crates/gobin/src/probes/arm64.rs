//! arm64. Source: cmd/internal/obj/arm64/obj7.go, `stacksplit` and `preprocess`, Go 1.18 to 1.27; encodings from the Arm
//! Architecture Reference Manual for A-profile (DDI 0487), section C6.2.

use super::{MAX_PROLOGUE, ProbeInstruction, ProbePoint, STACK_GUARDS};
use crate::LinkAddr;
use crate::sites::arm64::{direct_target, may_write};

/// Number of SP where a base register is meant.
const SP: u32 = 31;
/// First two integer arguments in Go's calling convention. Source: cmd/compile/abi-internal.md.
const FIRST_ARGUMENTS: [u32; 2] = [0, 1];

pub(super) fn after_stack_check(code: &[u8], start: LinkAddr) -> Option<ProbePoint> {
    let mut prologue = words(code, start).take(MAX_PROLOGUE);
    prologue.find(|&(_, word)| loads_guard(word))?;
    // In between, frames that are large are subtracted from the stack pointer, with a `b.lo` when that may wrap around.
    let mut between = prologue.skip_while(|&(_, word)| !ends_block(word) || is_branch_if(word, LO));
    let (branch, _) = between.next().filter(|&(_, word)| is_branch_if(word, LS))?;
    Some(ProbePoint { addr: branch, on: ProbeInstruction::StackCheckBranch, branch })
}

pub(super) fn calls(code: &[u8], start: LinkAddr) -> Vec<(LinkAddr, LinkAddr)> {
    let calls = words(code, start).filter(|&(_, word)| is_call(word));
    calls.filter_map(|(at, word)| Some((at, LinkAddr(direct_target(word, at.0)?)))).collect()
}

/// BL and BLR.
pub(super) fn ends_with_call(code: &[u8]) -> bool {
    code.last_chunk().is_some_and(|bytes| is_any_call(u32::from_le_bytes(*bytes)))
}

pub(super) fn argument_homes(code: &[u8]) -> [Option<u32>; 2] {
    FIRST_ARGUMENTS.map(|argument| argument_home(code, argument))
}

/// Where a function with a frame stores an argument before it calls anything.
fn argument_home(code: &[u8], argument: u32) -> Option<u32> {
    let mut has_frame = false;
    for (_, word) in words(code, LinkAddr(0)) {
        has_frame |= makes_frame(word);
        if let Some(home) = stored_at(word, argument).filter(|_| has_frame) {
            return Some(home);
        }
        if is_any_call(word) || may_write(word, argument as u8) {
            return None;
        }
    }
    None
}

fn words(code: &[u8], start: LinkAddr) -> impl Iterator<Item = (LinkAddr, u32)> {
    let words = code.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes));
    (start.0..).step_by(4).map(LinkAddr).zip(words)
}

/// `ldr x16, [x28, #16]` or `#24`: X28 points to `g`.
fn loads_guard(word: u32) -> bool {
    let is_load = word & 0xffc0_03ff == 0xf940_0390;
    is_load && STACK_GUARDS.contains(&(u64::from(word >> 10 & 0xfff) * 8))
}

// Conditions of branches, unsigned: lower, and lower or same.
const LO: u32 = 0b0011;
const LS: u32 = 0b1001;

fn is_branch_if(word: u32, condition: u32) -> bool {
    word & 0xff00_001f == 0x5400_0000 | condition
}

/// Branches, calls, returns and traps.
fn ends_block(word: u32) -> bool {
    word >> 26 & 0b111 == 0b101
}

/// `bl`.
fn is_call(word: u32) -> bool {
    word & 0xfc00_0000 == 0x9400_0000
}

/// `bl` or `blr`.
fn is_any_call(word: u32) -> bool {
    is_call(word) || word & 0xffff_fc1f == 0xd63f_0000
}

/// `str x30, [sp, #-n]!`, or `mov sp, x20` where the frame is large.
fn makes_frame(word: u32) -> bool {
    word & 0xffe0_0fff == 0xf800_0ffe || word & 0xffff_fc1f == 0x9100_001f
}

/// Distance from the stack pointer at which the register is stored as a whole, alone (`str`) or in a pair (`stp`).
fn stored_at(word: u32, register: u32) -> Option<u32> {
    if word >> 5 & 31 != SP {
        return None;
    }
    let (first, second) = (word & 31, word >> 10 & 31);
    match word & 0xffc0_0000 {
        0xf900_0000 if first == register => Some((word >> 10 & 0xfff) * 8),
        0xa900_0000 => {
            let at = (word >> 15 & 0x7f) * 8;
            let is_above = word >> 21 & 1 == 0;
            let nth = [first, second].iter().position(|&stored| stored == register)?;
            is_above.then_some(at + 8 * nth as u32)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
