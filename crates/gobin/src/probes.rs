//! Where a probe can stand in Go's machine code, so that it sees every call once with the arguments in place.
//!
//! 1. A Go function checks its stack first. When the stack is too small it is grown, and the function *starts over*: a
//!    probe on the first instruction counts such a call twice. Right after the check, the arguments are still in their
//!    registers and `[rsp]` is the return address.
//! 2. The instruction there is `push %rbp` (from Go 1.21 on), which kernels emulate. Older prologues do not have it;
//!    the branch of the check serves as well, when the probe ignores the case in which it is taken.
//! 3. Profile-guided builds inline functions, and their symbol is then passed by. The inline tables name the copies;
//!    the calls that a copy makes can be probed instead.
//! 4. Large arrays of classic maps are rounded up to pages, small ones to a class of sizes: where the two part, a probe
//!    sees large arrays only, however many small ones there are.
//!
//! amd64 only. Source: cmd/internal/obj/x86/obj6.go, `stacksplit`, Go 1.21 to 1.27.

use std::ops::{Range, RangeInclusive};

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};

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

/// Where growths to large arrays come by, and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeArrays {
    /// An instruction of `runtime.makeBucketArray`, whose frame is complete there, and whose first argument, the type of
    /// the map, is still in its register.
    pub addr: LinkAddr,
    /// Arrays of more than this come by. Units: bytes.
    pub above: u64,
    /// `runtime.hashGrow`: when it is the caller, its second argument, the map, is in the place that callers leave for
    /// it: 24 bytes above its frame pointer.
    pub grower: Range<LinkAddr>,
}

/// Longest prologue in front of the frame push.
const MAX_PROLOGUE: usize = 12;
/// Offsets of `stackguard0` and `stackguard1` in `g`, which R14 points to.
const STACK_GUARDS: [u64; 2] = [0x10, 0x18];
/// First two integer arguments in Go's calling convention. Source: cmd/compile/abi-internal.md.
const FIRST_ARGUMENTS: [Register; 2] = [Register::RAX, Register::RBX];

const HASH_GROW: &str = "runtime.hashGrow";
const MAKE_BUCKET_ARRAY: &str = "runtime.makeBucketArray";
/// What `runtime.roundupsize` compares with. Source: runtime/msize.go, `maxSmallSize`, less `mallocHeaderSize` from Go
/// 1.22 on.
const MAX_SMALL: RangeInclusive<u64> = 0x7ff7..=0x8000;
/// From the frame pointer to where callers leave room for the second argument: the saved frame pointer, the address to
/// return to, the first argument.
const SECOND_HOME: u32 = 24;

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

    /// Where growths of classic maps to large arrays come by; `None` when they cannot be told from others.
    ///
    /// None for other machines than amd64.
    pub fn large_arrays(&self) -> Option<LargeArrays> {
        let code_of = |name: &str| {
            let func = self.functions().by_name(name)?;
            Some((func, self.code(func)?))
        };
        let (maker, maker_code) = code_of(MAKE_BUCKET_ARRAY)?;
        let (grower, grower_code) = code_of(HASH_GROW)?;
        let is_inlined = !self.inlined_copies(&[HASH_GROW, MAKE_BUCKET_ARRAY]).is_empty();
        if is_inlined || home_above_frame(grower_code, FIRST_ARGUMENTS[1]) != Some(SECOND_HOME) {
            return None;
        }
        let (addr, above) = where_large(maker_code, maker.entry)?;
        Some(LargeArrays { addr, above, grower: grower.entry..grower.end })
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

/// Where a function stores an argument before it calls anything. Units: bytes above its frame pointer.
fn home_above_frame(code: &[u8], argument: Register) -> Option<u32> {
    let mut frame = None;
    for insn in &mut Decoder::new(64, code, DecoderOptions::NONE) {
        match insn.mnemonic() {
            Mnemonic::Call => return None,
            // mov %rsp, %rbp, then sub $n, %rsp
            Mnemonic::Mov if is_between(&insn, Register::RBP, Register::RSP) => frame = Some(0),
            Mnemonic::Sub if insn.op0_register() == Register::RSP => {
                let more = u32::try_from(insn.immediate(1)).ok()?;
                frame = frame.map(|frame: u32| frame.saturating_add(more));
            }
            _ => {}
        }
        if frame.is_some_and(|frame| frame > 0) {
            break;
        }
    }
    argument_home(code, argument)?.checked_sub(frame?)
}

fn is_between(insn: &Instruction, to: Register, from: Register) -> bool {
    insn.op0_kind() == OpKind::Register
        && insn.op1_kind() == OpKind::Register
        && insn.op0_register() == to
        && insn.op1_register() == from
}

/// The only place in `runtime.makeBucketArray` that large arrays come by and small ones do not, and the size above which
/// arrays are large.
fn where_large(code: &[u8], start: LinkAddr) -> Option<(LinkAddr, u64)> {
    let insns: Vec<Instruction> =
        Decoder::with_ip(64, code, start.0, DecoderOptions::NONE).into_iter().collect();
    let mut found = (1..insns.len()).filter_map(|at| {
        let (addr, above) = large_branch(&insns[at - 1], &insns[at])?;
        Some((at, addr, above))
    });
    let (at, addr, above) = found.next()?;
    let is_only_one = found.next().is_none();
    let before = &insns[..=at];
    // Only straight on to the branch, so that what is written on the way is all that is written.
    let is_straight = before[..at].iter().all(|insn| match insn.flow_control() {
        FlowControl::Next => true,
        FlowControl::ConditionalBranch => insn.near_branch_target() > addr.0.min(insns[at].ip()),
        _ => false,
    });
    let has_frame = before.iter().any(|insn| is_between(insn, Register::RBP, Register::RSP));
    let mut infos = InstructionInfoFactory::new();
    let keeps_type = before.iter().all(|insn| !writes_any(&mut infos, insn, FIRST_ARGUMENTS[0]));
    let is_found = is_only_one && is_straight && has_frame && keeps_type;
    (is_found && is_reached_once(&insns, at, addr)).then_some((addr, above))
}

/// `cmp $max, %size` and the branch after it: where it goes for larger ones.
fn large_branch(compare: &Instruction, branch: &Instruction) -> Option<(LinkAddr, u64)> {
    let is_compare = compare.mnemonic() == Mnemonic::Cmp
        && compare.op0_kind() == OpKind::Register
        && compare.op0_register().is_gpr64()
        && compare.op1_kind() != OpKind::Register
        && compare.op1_kind() != OpKind::Memory;
    let limit = is_compare.then(|| compare.immediate(1)).filter(|max| MAX_SMALL.contains(max))?;
    match branch.mnemonic() {
        Mnemonic::Ja => Some((LinkAddr(branch.near_branch_target()), limit)),
        Mnemonic::Jae => Some((LinkAddr(branch.near_branch_target()), limit - 1)),
        Mnemonic::Jbe => Some((LinkAddr(branch.next_ip()), limit)),
        Mnemonic::Jb => Some((LinkAddr(branch.next_ip()), limit - 1)),
        _ => None,
    }
}

/// Whether the branch at index `branch` is the only way to `addr`.
fn is_reached_once(insns: &[Instruction], branch: usize, addr: LinkAddr) -> bool {
    let Some(at) = insns.iter().position(|insn| insn.ip() == addr.0) else { return false };
    let jumps = insns.iter().filter(|insn| insn.near_branch_target() == addr.0).count();
    let is_next = at == branch + 1;
    let falls_in = !is_next
        && insns.get(at.wrapping_sub(1)).is_none_or(|before| {
            !matches!(
                before.flow_control(),
                FlowControl::UnconditionalBranch | FlowControl::Return | FlowControl::Exception
            )
        });
    !falls_in && jumps == usize::from(!is_next)
}

/// Whether the instruction changes the register in any way.
fn writes_any(infos: &mut InstructionInfoFactory, insn: &Instruction, register: Register) -> bool {
    infos.info(insn).used_registers().iter().any(|used| {
        used.register().full_register() == register
            && !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::None)
    })
}

/// Whether the instruction has the register as its destination.
fn writes(insn: &Instruction, register: Register) -> bool {
    insn.op0_kind() == OpKind::Register
        && insn.op0_register().full_register() == register
        && !matches!(insn.mnemonic(), Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Push)
}

#[cfg(test)]
mod tests;
