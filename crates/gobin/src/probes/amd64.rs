//! amd64. Source: cmd/internal/obj/x86/obj6.go, `stacksplit`, Go 1.21 to 1.27.

use std::ops::RangeInclusive;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpAccess, OpKind, Register,
};

use super::{LargeArrays, MAX_PROLOGUE, ProbeInstruction, ProbePoint, STACK_GUARDS};
use crate::{Binary, LinkAddr};

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

pub(super) fn after_stack_check(code: &[u8], start: LinkAddr) -> Option<ProbePoint> {
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

/// `cmp 0x10(%r14), %rsp` or `%r12`. R14 points to `g`.
fn is_guard_check(insn: &Instruction) -> bool {
    insn.mnemonic() == Mnemonic::Cmp
        && insn.op1_kind() == OpKind::Memory
        && insn.memory_base() == Register::R14
        && insn.memory_index() == Register::None
        && STACK_GUARDS.contains(&insn.memory_displacement64())
}

pub(super) fn calls(code: &[u8], start: LinkAddr) -> Vec<(LinkAddr, LinkAddr)> {
    Decoder::with_ip(64, code, start.0, DecoderOptions::NONE)
        .iter()
        .filter(|insn| insn.code() == Code::Call_rel32_64)
        .map(|insn| (LinkAddr(insn.ip()), LinkAddr(insn.near_branch_target())))
        .collect()
}

/// E8 with four bytes, and FF /2 with a register or an address.
pub(super) fn ends_with_call(code: &[u8]) -> bool {
    let is_call = |code: &[u8]| {
        let insn = Decoder::new(64, code, DecoderOptions::NONE).decode();
        let flow = insn.flow_control();
        matches!(flow, FlowControl::Call | FlowControl::IndirectCall) && insn.len() == code.len()
    };
    (2..=code.len()).any(|len| is_call(&code[code.len() - len..]))
}

pub(super) fn argument_homes(code: &[u8]) -> [Option<u32>; 2] {
    FIRST_ARGUMENTS.map(|argument| argument_home(code, argument))
}

/// Where a function with a fixed frame stores an argument before it calls anything.
fn argument_home(code: &[u8], argument: Register) -> Option<u32> {
    let mut has_frame = false;
    let mut infos = InstructionInfoFactory::new();
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
        if writes(&mut infos, &insn, argument) {
            return None;
        }
    }
    None
}

/// As [`Binary::large_arrays`].
pub(super) fn large_arrays(binary: &Binary<'_>) -> Option<LargeArrays> {
    let code_of = |name: &str| {
        let func = binary.functions().by_name(name)?;
        Some((func, binary.code(func)?))
    };
    let (maker, maker_code) = code_of(MAKE_BUCKET_ARRAY)?;
    let (grower, grower_code) = code_of(HASH_GROW)?;
    let is_inlined = !binary.inlined_copies(&[HASH_GROW, MAKE_BUCKET_ARRAY]).is_empty();
    if is_inlined || home_above_frame(grower_code, FIRST_ARGUMENTS[1]) != Some(SECOND_HOME) {
        return None;
    }
    let (addr, above) = where_large(maker_code, maker.entry)?;
    Some(LargeArrays { addr, above, grower: grower.entry..grower.end, map_home: SECOND_HOME })
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
    let keeps_type = before.iter().all(|insn| !writes(&mut infos, insn, FIRST_ARGUMENTS[0]));
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
fn writes(infos: &mut InstructionInfoFactory, insn: &Instruction, register: Register) -> bool {
    infos.info(insn).used_registers().iter().any(|used| {
        used.register().full_register() == register
            && !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::None)
    })
}

#[cfg(test)]
mod tests;
