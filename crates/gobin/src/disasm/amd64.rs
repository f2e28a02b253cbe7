//! amd64 instructions through `iced-x86`.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Formatter, GasFormatter, Instruction as Insn,
    InstructionInfo, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register,
};

use super::meaning::{Effect, Operand, Reg, What};
use super::{Access, Instruction, Memory, Target, TargetKind};
use crate::LinkAddr;

pub(super) fn disassemble(code: &[u8], start: LinkAddr) -> Vec<(Instruction<'_>, Effect)> {
    let mut decoder = Decoder::with_ip(64, code, start.0, DecoderOptions::NONE);
    let mut formatter = formatter();
    let mut info = InstructionInfoFactory::new();
    let mut insn = Insn::default();
    let mut instructions = Vec::with_capacity(code.len() / 4);
    while decoder.can_decode() {
        let from = decoder.position();
        decoder.decode_out(&mut insn);
        let mut text = String::new();
        formatter.format(&insn, &mut text);
        let info = info.info(&insn);
        let instruction = Instruction {
            addr: LinkAddr(insn.ip()),
            bytes: code.get(from..decoder.position()).unwrap_or_default(),
            text,
            memory: memory(&insn, info),
            target: target(&insn),
            meaning: None,
        };
        instructions.push((instruction, effect(&insn, info)));
    }
    instructions
}

fn formatter() -> GasFormatter {
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_uppercase_hex(false);
    options.set_rip_relative_addresses(false);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_branch_leading_zeros(false);
    formatter
}

fn memory(insn: &Insn, info: &InstructionInfo) -> Option<Memory> {
    // A nop has a memory operand only to be long.
    if insn.is_invalid() || insn.mnemonic() == Mnemonic::Nop {
        return None;
    }
    let operand = (0..insn.op_count()).find(|&op| insn.op_kind(op) == OpKind::Memory)?;
    let access = match info.op_access(operand) {
        OpAccess::NoMemAccess => Access::Address,
        OpAccess::Read | OpAccess::CondRead | OpAccess::None => Access::Load,
        _ => Access::Store,
    };
    let size = insn.memory_size().size();
    Some(Memory {
        base: match insn.memory_base() {
            Register::RIP | Register::EIP => None,
            base => name(base),
        },
        index: name(insn.memory_index()),
        scale: u8::try_from(insn.memory_index_scale()).unwrap_or(1),
        disp: insn.memory_displacement64() as i64,
        access,
        width: match access {
            Access::Address => 0,
            _ => u8::try_from(size).unwrap_or(0),
        },
    })
}

fn target<'a>(insn: &Insn) -> Option<Target<'a>> {
    let kind = match insn.flow_control() {
        FlowControl::Call => TargetKind::Call,
        FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => TargetKind::Jump,
        _ => return None,
    };
    (insn.op_count() > 0 && insn.op0_kind() == OpKind::NearBranch64).then(|| Target {
        addr: LinkAddr(insn.near_branch_target()),
        symbol: None,
        kind,
    })
}

fn name(register: Register) -> Option<&'static str> {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15",
    ];
    let full = register.full_register();
    full.is_gpr64().then(|| NAMES.get(full.number()).copied()).flatten()
}

/// What the instruction does to registers and the stack frame.
fn effect(insn: &Insn, info: &InstructionInfo) -> Effect {
    if insn.is_invalid() {
        return Effect { writes: u32::MAX, memory: None, what: What::End };
    }
    let writes = info
        .used_registers()
        .iter()
        .filter(|used| {
            !matches!(
                used.access(),
                OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
            )
        })
        .filter_map(|used| reg(used.register()))
        .fold(0, |writes, reg| writes | 1u32 << reg);
    let is_call = matches!(insn.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
    Effect {
        writes: if is_call { u32::MAX } else { writes },
        memory: operand(insn),
        what: what(insn, info),
    }
}

fn operand(insn: &Insn) -> Option<Operand> {
    let base = reg(insn.memory_base())?;
    (!is_stack(insn)).then(|| Operand {
        base,
        index: reg(insn.memory_index()),
        disp: insn.memory_displacement64() as i64,
    })
}

fn is_stack(insn: &Insn) -> bool {
    matches!(insn.memory_base(), Register::RSP | Register::RBP)
}

fn what(insn: &Insn, info: &InstructionInfo) -> What {
    let writes_stack_pointer = info.used_registers().iter().any(|used| {
        used.register().full_register() == Register::RSP
            && matches!(used.access(), OpAccess::Write | OpAccess::ReadWrite)
    });
    match insn.flow_control() {
        FlowControl::IndirectCall => {
            return match (reg(insn.op0_register()), reg(insn.memory_base())) {
                (Some(reg), _) | (None, Some(reg)) => What::CallRegister(reg),
                _ => What::Call,
            };
        }
        FlowControl::Call => return What::Call,
        FlowControl::UnconditionalBranch => return What::Jump,
        FlowControl::Next | FlowControl::ConditionalBranch => {}
        _ => return What::End,
    }
    if writes_stack_pointer {
        return What::MoveStack;
    }
    let stores = insn.op0_kind() == OpKind::Memory && is_stack(insn);
    if stores && info.op0_access() != OpAccess::Read {
        return match (insn.code(), reg(insn.op1_register())) {
            (Code::Mov_rm64_r64, Some(from)) if is_plain_stack(insn) => {
                What::Spill { slot: insn.memory_displacement64() as i64, from, second: None }
            }
            _ if is_plain_stack(insn) => {
                What::Overwrite { slot: insn.memory_displacement64() as i64 }
            }
            _ => What::MoveStack,
        };
    }
    of_mnemonic(insn)
}

/// Whether the operand is at a fixed distance from the stack pointer.
fn is_plain_stack(insn: &Insn) -> bool {
    insn.memory_base() == Register::RSP && insn.memory_index() == Register::None
}

fn of_mnemonic(insn: &Insn) -> What {
    let to = reg(insn.op0_register());
    let from = reg(insn.op1_register());
    let has_memory = insn.op1_kind() == OpKind::Memory;
    match (insn.mnemonic(), to) {
        (Mnemonic::Mov, Some(to)) if has_memory && is_plain_stack(insn) => {
            What::Reload { slot: insn.memory_displacement64() as i64, to, second: None }
        }
        (Mnemonic::Mov, Some(to)) if has_memory => What::Load { to },
        (Mnemonic::Mov, Some(to)) => from.map_or(What::Other, |from| What::Copy { to, from }),
        (Mnemonic::Lea, Some(to)) => sum(to, insn),
        (Mnemonic::Add, Some(to)) if !has_memory => What::Sum { to, a: to, b: from },
        (Mnemonic::Test, Some(a)) if from == Some(a) => What::Test(a),
        (Mnemonic::Cmp, _) => What::Compare(to, from),
        _ => What::Other,
    }
}

fn sum(to: Reg, insn: &Insn) -> What {
    let scaled = insn.memory_index_scale() != 1;
    let index = reg(insn.memory_index()).filter(|_| !scaled);
    match reg(insn.memory_base()) {
        Some(a) if !is_stack(insn) => What::Sum { to, a, b: index },
        _ => What::Other,
    }
}

fn reg(register: Register) -> Option<Reg> {
    let full = register.full_register();
    full.is_gpr64().then(|| Reg::try_from(full.number()).ok()).flatten()
}
