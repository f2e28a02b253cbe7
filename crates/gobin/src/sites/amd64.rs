//! amd64: steps and register definitions, on top of `iced-x86`'s decoder.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    InstructionInfoOptions, OpAccess, OpKind, Register,
};

use super::flow::{Def, Flow, Reg, Step};

/// Splits `code` at address `start` into instructions. Bytes that are none become a stop of one byte.
pub(super) fn decode_steps(code: &[u8], start: u64) -> Vec<Step> {
    let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    let mut steps = Vec::with_capacity(code.len() / 4);
    let mut insn = Instruction::default();
    while decoder.can_decode() {
        let Ok(offset) = u32::try_from(decoder.position()) else {
            break;
        };
        decoder.decode_out(&mut insn);
        steps.push(Step { offset, flow: flow(&insn) });
    }
    steps
}

fn flow(insn: &Instruction) -> Flow {
    match insn.flow_control() {
        FlowControl::Next => Flow::Next,
        FlowControl::ConditionalBranch | FlowControl::XbeginXabortXend => {
            Flow::Branch(insn.near_branch_target())
        }
        FlowControl::UnconditionalBranch => Flow::Jump(insn.near_branch_target()),
        FlowControl::IndirectBranch => Flow::JumpIndirect,
        FlowControl::Call => match insn.op0_kind() {
            OpKind::NearBranch64 => Flow::Call(insn.near_branch_target()),
            _ => Flow::CallIndirect,
        },
        FlowControl::IndirectCall => Flow::CallIndirect,
        FlowControl::Return | FlowControl::Interrupt | FlowControl::Exception => Flow::Stop,
    }
}

/// The table register of `jmp [table + index*8]`.
pub(super) fn table_base(bytes: &[u8]) -> Option<Reg> {
    let insn = Decoder::new(64, bytes, DecoderOptions::NONE).decode();
    let is_table = insn.flow_control() == FlowControl::IndirectBranch
        && insn.op0_kind() == OpKind::Memory
        && insn.memory_index() != Register::None
        && insn.memory_index_scale() == 8
        && insn.memory_displacement64() == 0;
    is_table.then(|| reg(insn.memory_base())).flatten()
}

/// What the instruction at the head of `bytes`, at address `addr`, leaves in `wanted`.
pub(super) fn definition(bytes: &[u8], addr: u64, wanted: Reg) -> Def {
    let insn = Decoder::with_ip(64, bytes, addr, DecoderOptions::NONE).decode();
    if insn.is_invalid() {
        return Def::Other;
    }
    if !writes(&insn, wanted) {
        return Def::Kept;
    }
    match insn.code() {
        Code::Lea_r64_m if insn.is_ip_rel_memory_operand() => {
            Def::Address(insn.ip_rel_memory_address())
        }
        Code::Mov_r64_imm64 | Code::Mov_r32_imm32 => Def::Address(insn.immediate(1)),
        Code::Mov_r64_rm64 if insn.op1_kind() == OpKind::Register => {
            reg(insn.op1_register()).map_or(Def::Other, Def::Copy)
        }
        Code::Mov_rm64_r64 => reg(insn.op1_register()).map_or(Def::Other, Def::Copy),
        Code::Mov_r64_rm64 => load(&insn),
        _ => Def::Other,
    }
}

fn load(insn: &Instruction) -> Def {
    let has_segment = insn.segment_prefix() != Register::None;
    if has_segment || insn.memory_index() != Register::None {
        return Def::Other;
    }
    if insn.is_ip_rel_memory_operand() {
        return Def::LoadAt(insn.ip_rel_memory_address());
    }
    match insn.memory_base() {
        Register::RSP | Register::RBP => Def::LoadStack,
        base => reg(base)
            .map_or(Def::Other, |base| Def::LoadVia(base, insn.memory_displacement64() as i64)),
    }
}

fn writes(insn: &Instruction, wanted: Reg) -> bool {
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info_options(insn, InstructionInfoOptions::NO_MEMORY_USAGE);
    info.used_registers().iter().any(|used| {
        !matches!(
            used.access(),
            OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
        ) && reg(used.register().full_register()) == Some(wanted)
    })
}

fn reg(register: Register) -> Option<Reg> {
    register.is_gpr64().then(|| register.number() as Reg)
}
