//! Where a probe can stand in Go's machine code, so that it sees every call once with the arguments in place.
//!
//! 1. A Go function checks its stack first. When the stack is too small it is grown, and the function *starts over*: a
//!    probe on the first instruction counts such a call twice. Right after the check, the arguments are still in their
//!    registers and the frame is that of the caller.
//! 2. Kernels emulate some instructions, and let all others run out of line, with a second trap. On amd64 the one behind
//!    the check is `push %rbp` (from Go 1.21 on), which is emulated. Older prologues do not have it, and arm64 stores the
//!    link register instead, which is not; there the branch of the check, which is emulated everywhere, serves as well,
//!    when the probe ignores the case in which it is taken.
//! 3. Profile-guided builds inline functions, and their symbol is then passed by. The inline tables name the copies;
//!    the calls that a copy makes can be probed instead.
//! 4. Large arrays of classic maps are rounded up to pages, small ones to a class of sizes: where the two part, a probe
//!    sees large arrays only, however many small ones there are.
//!
//! Source: Linux 6.12, arch/x86/kernel/uprobes.c and arch/arm64/kernel/probes/decode-insn.c.

mod amd64;
mod arm64;

use std::ops::Range;

use crate::functions::Func;
use crate::{Arch, Binary, LinkAddr};

/// A place at which a probe sees every call of a function exactly once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbePoint {
    /// Address of the instruction.
    pub addr: LinkAddr,
    /// What it is.
    pub on: ProbeInstruction,
    /// Address of the branch of the stack check, the instruction before it or itself.
    pub branch: LinkAddr,
}

/// The instruction that a probe replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeInstruction {
    /// `push %rbp` after the stack check, on amd64.
    FramePush,
    /// The branch of the stack check: `jbe` on amd64, `b.ls` on arm64. Taken, the function will start over: not a call.
    StackCheckBranch,
}

/// A function's code inside another function, and what it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinedCopy<'a> {
    /// The function that was inlined.
    pub name: &'a str,
    /// The function that holds the copy.
    pub inside: Func<'a>,
    /// Calls in the copy, by address.
    pub calls: Vec<InlinedCall<'a>>,
    /// Where `inside` keeps its first two arguments while it calls others, which changes all registers. Units: bytes
    /// above the stack pointer.
    pub argument_homes: [Option<u32>; 2],
}

/// A call in an inlined copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlinedCall<'a> {
    /// Address of the call instruction.
    pub addr: LinkAddr,
    /// The function called.
    pub callee: &'a str,
}

/// Where growths to large arrays come by, and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeArrays {
    /// An instruction of `runtime.makeBucketArray`, whose frame is complete there, and whose first argument, the type of
    /// the map, is still in its register.
    pub addr: LinkAddr,
    /// Arrays of more than this come by. Units: bytes.
    pub above: u64,
    /// `runtime.hashGrow`: when it is the caller, its second argument, the map, is in the place that callers leave for it.
    pub grower: Range<LinkAddr>,
    /// That place. Units: bytes above its frame pointer.
    pub map_home: u32,
}

/// Most instructions in front of the frame.
const MAX_PROLOGUE: usize = 12;
/// Offsets of `stackguard0` and `stackguard1` in `g`. Source: runtime/runtime2.go. Units: bytes.
const STACK_GUARDS: [u64; 2] = [0x10, 0x18];

/// The place after the stack check of the function whose code this is; `None` when the code does not begin with one.
pub(crate) fn after_stack_check(arch: Arch, code: &[u8], start: LinkAddr) -> Option<ProbePoint> {
    match arch {
        Arch::Amd64 => amd64::after_stack_check(code, start),
        Arch::Arm64 => arm64::after_stack_check(code, start),
    }
}

/// Calls of functions that the code names, with their targets. Sortedness: by address.
fn calls(arch: Arch, code: &[u8], start: LinkAddr) -> Vec<(LinkAddr, LinkAddr)> {
    match arch {
        Arch::Amd64 => amd64::calls(code, start),
        Arch::Arm64 => arm64::calls(code, start),
    }
}

/// Where a function stores its first two arguments before it calls anything. Units: bytes above the stack pointer.
fn argument_homes(arch: Arch, code: &[u8]) -> [Option<u32>; 2] {
    match arch {
        Arch::Amd64 => amd64::argument_homes(code),
        Arch::Arm64 => arm64::argument_homes(code),
    }
}

/// Whether `code` ends with a call.
fn ends_with_call(arch: Arch, code: &[u8]) -> bool {
    match arch {
        Arch::Amd64 => amd64::ends_with_call(code),
        Arch::Arm64 => arm64::ends_with_call(code),
    }
}

impl<'a> Binary<'a> {
    /// Whether a call returns to this address, as far as the bytes before it tell.
    pub fn is_behind_call(&self, addr: LinkAddr) -> bool {
        // The longest call, `call [base + index*8 + disp32]` with a prefix.
        const LONGEST: u64 = 8;
        let Some(func) = self.functions().find(LinkAddr(addr.0.wrapping_sub(1))) else {
            return false;
        };
        let from = func.entry.0.max(addr.0.saturating_sub(LONGEST));
        let before = self.read(LinkAddr(from), (addr.0 - from) as usize);
        before.is_some_and(|code| ends_with_call(self.arch(), code))
    }

    /// Whether this is the last byte of a call (of the instruction on arm64), as far as the bytes tell: profiles that Go writes
    /// name callers by it.
    pub fn is_inside_call(&self, addr: LinkAddr) -> bool {
        let end = match self.arch() {
            Arch::Amd64 => addr.0.checked_add(1),
            Arch::Arm64 => (addr.0 & !3).checked_add(4),
        };
        end.is_some_and(|end| self.is_behind_call(LinkAddr(end)))
    }

    /// Copies of the named functions inside functions of the runtime, where maps grow, by address.
    pub fn inlined_copies(&self, names: &[&str]) -> Vec<InlinedCopy<'a>> {
        const HOLDERS: [&str; 3] = ["runtime.", "internal/runtime/maps.", "reflect."];
        let mut copies = Vec::new();
        let mut seen_to = LinkAddr(0);
        for func in self.functions().iter() {
            let may_hold = HOLDERS.iter().any(|package| func.name.starts_with(package));
            // Functions that overlap are damage; code is looked at once.
            if !may_hold || func.entry < seen_to {
                continue;
            }
            seen_to = seen_to.max(func.end);
            let inlined = self.inlined_in(func);
            for name in names.iter().filter(|name| inlined.contains(*name)) {
                copies.extend(self.inlined_copy(func, name));
            }
        }
        copies
    }

    /// Where growths of classic maps to large arrays come by; `None` when they cannot be told from others.
    ///
    /// None for other machines than amd64.
    pub fn large_arrays(&self) -> Option<LargeArrays> {
        match self.arch() {
            Arch::Amd64 => amd64::large_arrays(self),
            Arch::Arm64 => None,
        }
    }

    fn inlined_copy(&self, func: Func<'a>, name: &str) -> Option<InlinedCopy<'a>> {
        let code = self.code(func)?;
        let mut inlined_calls = Vec::new();
        let mut copy_name = None;
        for (addr, target) in calls(self.arch(), code, func.entry) {
            let frames = self.frames(addr);
            let Some((_, inlined)) = frames.split_last() else { continue };
            let Some(frame) = inlined.iter().find(|frame| frame.function == name) else { continue };
            copy_name = Some(frame.function);
            let callee = self.functions().find(target);
            inlined_calls.extend(callee.map(|callee| InlinedCall { addr, callee: callee.name }));
        }
        let argument_homes = argument_homes(self.arch(), code);
        Some(InlinedCopy { name: copy_name?, inside: func, calls: inlined_calls, argument_homes })
    }
}
