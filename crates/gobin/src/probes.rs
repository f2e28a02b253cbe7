//! Where a probe can stand in Go's machine code, so that it sees every call once with the arguments in place.
//!
//! 1. A Go function checks its stack first. When the stack is too small it is grown, and the function *starts over*: a
//!    probe on the first instruction counts such a call twice. Right after the check, the arguments are still in their
//!    registers and `[rsp]` is the return address.
//! 2. The instruction there is `push %rbp` (from Go 1.21 on), which kernels emulate. Older prologues do not have it;
//!    the branch of the check serves as well, when the probe ignores the case in which it is taken.
//! 3. Profile-guided builds inline functions, and their symbol is then passed by. The inline tables name the copies;
//!    the calls that a copy makes can be probed instead.
//!
//! amd64 only. Source: cmd/internal/obj/x86/obj6.go, `stacksplit`, Go 1.21 to 1.27.

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

use crate::functions::Func;
use crate::{Binary, LinkAddr};

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
    /// `push %rbp` after the stack check.
    FramePush,
    /// The branch of the stack check. Taken (carry or zero flag set), the function will start over: not a call.
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

/// Longest prologue in front of the frame push.
const MAX_PROLOGUE: usize = 12;
/// Offsets of `stackguard0` and `stackguard1` in `g`, which R14 points to.
const STACK_GUARDS: [u64; 2] = [0x10, 0x18];
/// First two integer arguments in Go's calling convention. Source: cmd/compile/abi-internal.md.
const FIRST_ARGUMENTS: [Register; 2] = [Register::RAX, Register::RBX];

/// The place after the stack check of the function whose code this is; `None` when the code does not begin with one.
pub(crate) fn after_stack_check(code: &[u8], start: LinkAddr) -> Option<ProbePoint> {
    let mut decoder = Decoder::with_ip(64, code, start.0, DecoderOptions::NONE);
    let mut prologue = decoder.iter().take(MAX_PROLOGUE);
    prologue.find(is_guard_check)?;
    let branch = prologue.next().filter(|insn| insn.mnemonic() == Mnemonic::Jbe)?;
    let next = prologue.next()?;
    let (at, on) = if next.code() == Code::Push_r64 && next.op0_register() == Register::RBP {
        (next.ip(), ProbeInstruction::FramePush)
    } else {
        (branch.ip(), ProbeInstruction::StackCheckBranch)
    };
    Some(ProbePoint { addr: LinkAddr(at), on, branch: LinkAddr(branch.ip()) })
}

/// `cmp 0x10(%r14), %rsp` or `%r12`.
fn is_guard_check(insn: &Instruction) -> bool {
    insn.mnemonic() == Mnemonic::Cmp
        && insn.op1_kind() == OpKind::Memory
        && insn.memory_base() == Register::R14
        && insn.memory_index() == Register::None
        && STACK_GUARDS.contains(&insn.memory_displacement64())
}

impl<'a> Binary<'a> {
    /// Copies of the named functions inside functions of the runtime, where maps grow, by address.
    ///
    /// Empty for other machines than amd64.
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

    fn inlined_copy(&self, func: Func<'a>, name: &str) -> Option<InlinedCopy<'a>> {
        let code = self.code(func)?;
        let mut calls = Vec::new();
        let mut copy_name = None;
        for insn in &mut Decoder::with_ip(64, code, func.entry.0, DecoderOptions::NONE) {
            if insn.code() != Code::Call_rel32_64 {
                continue;
            }
            let addr = LinkAddr(insn.ip());
            let frames = self.frames(addr);
            let Some((_, inlined)) = frames.split_last() else { continue };
            let Some(frame) = inlined.iter().find(|frame| frame.function == name) else { continue };
            copy_name = Some(frame.function);
            let callee = self.functions().find(LinkAddr(insn.near_branch_target()));
            calls.extend(callee.map(|callee| InlinedCall { addr, callee: callee.name }));
        }
        let argument_homes = FIRST_ARGUMENTS.map(|register| argument_home(code, register));
        Some(InlinedCopy { name: copy_name?, inside: func, calls, argument_homes })
    }
}

/// Where a function with a fixed frame stores an argument before it calls anything.
fn argument_home(code: &[u8], argument: Register) -> Option<u32> {
    let mut has_frame = false;
    for insn in &mut Decoder::new(64, code, DecoderOptions::NONE) {
        let is_to_stack_pointer =
            insn.op0_kind() == OpKind::Register && insn.op0_register() == Register::RSP;
        if insn.mnemonic() == Mnemonic::Call {
            return None;
        }
        has_frame |=
            is_to_stack_pointer && matches!(insn.mnemonic(), Mnemonic::Sub | Mnemonic::Add);
        let is_store = insn.code() == Code::Mov_rm64_r64
            && insn.op0_kind() == OpKind::Memory
            && insn.op1_register() == argument
            && insn.memory_base() == Register::RSP
            && insn.memory_index() == Register::None;
        if has_frame && is_store {
            return u32::try_from(insn.memory_displacement64()).ok();
        }
        if writes(&insn, argument) {
            return None;
        }
    }
    None
}

/// Whether the instruction has the register as its destination.
fn writes(insn: &Instruction, register: Register) -> bool {
    insn.op0_kind() == OpKind::Register
        && insn.op0_register().full_register() == register
        && !matches!(insn.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push)
}
