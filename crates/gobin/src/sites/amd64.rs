//! amd64: steps and register definitions, on top of `iced-x86`'s decoder.

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory,
    InstructionInfoOptions, OpAccess, OpKind, Register,
};

use super::flow::{Decoded, Def, Flow, Place, Places, Reg, Step, Store};

/// Splits `code` at address `start` into instructions. Bytes that are none become a stop of one byte.
pub(super) fn decode(code: &[u8], start: u64) -> Decoded {
    let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
    let mut decoded = Decoded { steps: Vec::with_capacity(code.len() / 4), ..Decoded::default() };
    let mut insn = Instruction::default();
    let mut factory = InstructionInfoFactory::new();
    while decoder.can_decode() {
        let Ok(offset) = u32::try_from(decoder.position()) else {
            break;
        };
        decoder.decode_out(&mut insn);
        decoded.stores.extend(store(&insn).map(|store| (decoded.steps.len(), store)));
        decoded.taken.extend(taken_slot(&insn));
        decoded.steps.push(Step { offset, flow: flow(&insn), writes: writes(&insn, &mut factory) });
    }
    decoded
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

/// RSP.
const SP: Reg = 4;

/// What the instruction at the head of `bytes`, at address `addr`, leaves in `wanted`, which is among what it writes.
pub(super) fn definition(bytes: &[u8], addr: u64, wanted: Place) -> Def {
    let insn = Decoder::with_ip(64, bytes, addr, DecoderOptions::NONE).decode();
    match wanted {
        _ if insn.is_invalid() => Def::Other,
        Place::Reg(_) => definition_of_register(&insn),
        Place::Slot(disp) => definition_of_slot(&insn, disp),
    }
}

fn definition_of_register(insn: &Instruction) -> Def {
    let copy = |from| reg(from).map_or(Def::Other, |from| Def::Copy(Place::Reg(from)));
    match insn.code() {
        Code::Lea_r64_m if insn.is_ip_rel_memory_operand() => {
            Def::Address(insn.ip_rel_memory_address())
        }
        Code::Lea_r64_m => taken_slot(insn).map_or(Def::Other, Def::Frame),
        Code::Mov_r64_imm64 | Code::Mov_r32_imm32 => Def::Address(insn.immediate(1)),
        Code::Mov_r64_rm64 if insn.op1_kind() == OpKind::Register => copy(insn.op1_register()),
        Code::Mov_rm64_r64 => copy(insn.op1_register()),
        Code::Mov_r64_rm64 => load(insn),
        _ => Def::Other,
    }
}

/// Of eight bytes at `[rsp + disp]`.
fn definition_of_slot(insn: &Instruction, disp: i64) -> Def {
    if !is_operand_in_frame(insn) {
        return Def::LoadStack;
    }
    let start = insn.memory_displacement64() as i64;
    let end = start.saturating_add(insn.memory_size().size() as i64);
    if start >= disp.saturating_add(8) || end <= disp {
        return Def::Kept;
    }
    match insn.code() {
        Code::Mov_rm64_r64 if start == disp => {
            reg(insn.op1_register()).map_or(Def::Other, |from| Def::Copy(Place::Reg(from)))
        }
        _ => Def::Other,
    }
}

/// Only the first operand is written, and arrays are no slots.
fn is_operand_in_frame(insn: &Instruction) -> bool {
    insn.op0_kind() == OpKind::Memory
        && insn.memory_base() == Register::RSP
        && insn.memory_index() == Register::None
}

fn writes(insn: &Instruction, factory: &mut InstructionInfoFactory) -> Places {
    if insn.is_invalid() {
        return Places::ALL;
    }
    let is_in_frame = is_operand_in_frame(insn);
    let info = factory.info_options(
        insn,
        match is_in_frame {
            true => InstructionInfoOptions::NONE,
            false => InstructionInfoOptions::NO_MEMORY_USAGE,
        },
    );
    let registers = info.used_registers().iter().filter(|used| is_write(used.access()));
    let written = registers
        .filter_map(|used| reg(used.register().full_register()))
        .fold(Places::NONE, Places::with_register);
    let is_stored = || info.used_memory().iter().any(|used| is_write(used.access()));
    let moves_sp = insn.stack_pointer_increment() != 0 || written.may_have(Place::Reg(SP));
    match moves_sp || is_in_frame && is_stored() {
        true => written.with_frame(),
        false => written,
    }
}

fn is_write(access: OpAccess) -> bool {
    !matches!(access, OpAccess::None | OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess)
}

/// Whether the instruction at the head of `bytes` is one that only takes room.
pub(super) fn does_nothing(bytes: &[u8]) -> bool {
    let insn = Decoder::new(64, bytes, DecoderOptions::NONE).decode();
    matches!(
        insn.code(),
        Code::Nopw | Code::Nopd | Code::Nopq | Code::Nop_rm16 | Code::Nop_rm32 | Code::Nop_rm64
    )
}

/// The slot whose address is taken by `lea reg, [rsp + disp]`.
fn taken_slot(insn: &Instruction) -> Option<i64> {
    let takes = insn.code() == Code::Lea_r64_m
        && insn.memory_base() == Register::RSP
        && insn.memory_index() == Register::None;
    takes.then(|| insn.memory_displacement64() as i64)
}

/// `mov [base + disp], value`, 64 bits, not into the stack frame.
fn store(insn: &Instruction) -> Option<Store> {
    let is_plain = insn.code() == Code::Mov_rm64_r64
        && insn.op0_kind() == OpKind::Memory
        && insn.memory_index() == Register::None
        && insn.segment_prefix() == Register::None;
    if !is_plain {
        return None;
    }
    let base = reg(insn.memory_base()).filter(|&base| base != SP)?;
    let disp = insn.memory_displacement64() as i64;
    Some(Store { base, disp, value: reg(insn.op1_register())? })
}

/// Where in the stack frame, and how many bytes of, the result of a call is stored: `mov [rsp + disp], rax` or `eax`.
pub(super) fn result_stored_at(bytes: &[u8]) -> Option<(i64, usize)> {
    let insn = Decoder::new(64, bytes, DecoderOptions::NONE).decode();
    let size = match (insn.code(), insn.op1_register()) {
        (Code::Mov_rm32_r32, Register::EAX) => 4,
        (Code::Mov_rm64_r64, Register::RAX) => 8,
        _ => return None,
    };
    is_operand_in_frame(&insn).then(|| (insn.memory_displacement64() as i64, size))
}

fn load(insn: &Instruction) -> Def {
    let has_segment = insn.segment_prefix() != Register::None;
    if has_segment || insn.memory_index() != Register::None {
        return Def::Other;
    }
    if insn.is_ip_rel_memory_operand() {
        return Def::LoadAt(insn.ip_rel_memory_address());
    }
    let disp = insn.memory_displacement64() as i64;
    match insn.memory_base() {
        Register::RSP => Def::Copy(Place::Slot(disp)),
        Register::RBP => Def::LoadStack,
        base => reg(base).map_or(Def::Other, |base| Def::LoadVia(base, disp)),
    }
}

fn reg(register: Register) -> Option<Reg> {
    register.is_gpr64().then(|| register.number() as Reg)
}
