//! arm64 instructions through `yaxpeax-arm`.

use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::{InstDecoder, Instruction as Insn, Opcode, Operand, ShiftStyle};

use super::meaning::{Effect, Operand as Place, Reg, What};
use super::{Access, Instruction, Memory, Target, TargetKind};
use crate::LinkAddr;

pub(super) fn disassemble(code: &[u8], start: LinkAddr) -> Vec<(Instruction<'_>, Effect)> {
    let decoder = InstDecoder::default();
    (0u64..)
        .step_by(4)
        .zip(code.chunks(4))
        .map(|(offset, bytes)| {
            let addr = LinkAddr(start.0.wrapping_add(offset));
            match decoder.decode(&mut U8Reader::new(bytes)) {
                Ok(insn) => (describe(&insn, addr, bytes), effect(&insn)),
                Err(_) => (bad(addr, bytes), UNDECODED),
            }
        })
        .collect()
}

/// Bytes that are no instruction, or one the decoder does not know.
fn bad(addr: LinkAddr, bytes: &[u8]) -> Instruction<'_> {
    Instruction { addr, bytes, text: "(bad)".to_owned(), memory: None, target: None, meaning: None }
}

const UNDECODED: Effect = Effect { writes: u32::MAX, memory: None, what: What::Other };

fn describe<'a>(insn: &Insn, addr: LinkAddr, bytes: &'a [u8]) -> Instruction<'a> {
    let relative = pc_relative(insn, addr);
    let mut text = insn.to_string();
    // The decoder prints distances; addresses are what a reader looks for.
    if let (Some(relative), Some(at)) = (relative, text.find('$')) {
        text.replace_range(at.., &format!("0x{:x}", relative.0));
    }
    let kind = match insn.opcode {
        Opcode::BL => Some(TargetKind::Call),
        Opcode::B | Opcode::Bcc(_) | Opcode::CBZ | Opcode::CBNZ | Opcode::TBZ | Opcode::TBNZ => {
            Some(TargetKind::Jump)
        }
        _ => None,
    };
    Instruction {
        addr,
        bytes,
        text,
        memory: memory(insn),
        target: relative.zip(kind).map(|(addr, kind)| Target { addr, symbol: None, kind }),
        meaning: None,
    }
}

fn pc_relative(insn: &Insn, addr: LinkAddr) -> Option<LinkAddr> {
    let offset = insn.operands.iter().find_map(|operand| match operand {
        Operand::PCOffset(offset) => Some(*offset),
        _ => None,
    })?;
    let from = match insn.opcode {
        Opcode::ADRP => addr.0 & !0xfff,
        _ => addr.0,
    };
    Some(LinkAddr(from.wrapping_add_signed(offset)))
}

fn memory(insn: &Insn) -> Option<Memory> {
    let (base, index, scale, disp) = insn.operands.iter().find_map(|operand| {
        Some(match *operand {
            Operand::RegPreIndex(base, disp, _) => (base, None, 1, i64::from(disp)),
            Operand::RegPostIndex(base, _) | Operand::RegPostIndexReg(base, _) => {
                (base, None, 1, 0)
            }
            Operand::RegRegOffset(base, index, _, style, shift) => {
                let scale = match style {
                    ShiftStyle::LSL
                    | ShiftStyle::UXTX
                    | ShiftStyle::UXTW
                    | ShiftStyle::SXTW
                    | ShiftStyle::SXTX => 1u8.checked_shl(u32::from(shift)).unwrap_or(1),
                    _ => 1,
                };
                (base, name(index), scale, 0)
            }
            _ => return None,
        })
    })?;
    Some(Memory {
        base: if base == 31 { Some("sp") } else { name(base) },
        index,
        scale,
        disp,
        access: access(insn),
        width: width(insn),
    })
}

/// Whether the opcode's name says that it stores.
fn access(insn: &Insn) -> Access {
    match insn.opcode.to_string().as_str() {
        text if text.starts_with("st") || text.starts_with("cas") || text.starts_with("swp") => {
            Access::Store
        }
        _ => Access::Load,
    }
}

/// The width of a load or store, from the suffix of its name or its first register.
fn width(insn: &Insn) -> u8 {
    use yaxpeax_arm::armv8::a64::{SIMDSizeCode, SizeCode};
    let text = insn.opcode.to_string();
    match text.as_str() {
        _ if text.ends_with("sw") => 4,
        _ if text.ends_with('b') => 1,
        _ if text.ends_with('h') => 2,
        _ => match insn.operands[0] {
            Operand::Register(SizeCode::W, _) => 4,
            Operand::Register(SizeCode::X, _) => 8,
            Operand::SIMDRegister(SIMDSizeCode::D, _) => 8,
            Operand::SIMDRegister(SIMDSizeCode::Q, _) => 16,
            Operand::SIMDRegister(SIMDSizeCode::S, _) => 4,
            _ => 0,
        },
    }
}

fn name(register: u16) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
        "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
        "x27", "x28", "x29", "x30",
    ];
    NAMES.get(usize::from(register)).copied()
}

/// What the instruction does to registers and the stack frame.
fn effect(insn: &Insn) -> Effect {
    let memory = memory(insn);
    let stack = memory.filter(|memory| memory.base == Some("sp"));
    let place = insn.operands.iter().find_map(place);
    let moves_base = insn.operands.iter().any(|operand| {
        matches!(
            operand,
            Operand::RegPreIndex(_, _, true)
                | Operand::RegPostIndex(..)
                | Operand::RegPostIndexReg(..)
        )
    });
    let what = match stack {
        Some(_) if moves_base => What::MoveStack,
        Some(memory) => of_stack(insn, memory),
        None => what(insn),
    };
    let is_call = matches!(what, What::Call | What::CallRegister(_));
    let mut writes = if is_call { u32::MAX } else { written(insn) };
    if let (true, Some(place)) = (moves_base, place) {
        writes |= 1 << place.base;
    }
    Effect { writes, memory: place.filter(|_| stack.is_none()), what }
}

fn place(operand: &Operand) -> Option<Place> {
    let (base, index, disp) = match *operand {
        Operand::RegPreIndex(base, disp, _) => (base, None, i64::from(disp)),
        Operand::RegPostIndex(base, _) | Operand::RegPostIndexReg(base, _) => (base, None, 0),
        Operand::RegRegOffset(base, index, ..) => (base, Some(index), 0),
        _ => return None,
    };
    Some(Place { base: (base & 31) as Reg, index: index.map(|index| (index & 31) as Reg), disp })
}

/// The registers an instruction writes. Everything that names a register first and is no store,
/// compare or branch writes that register; a load of a pair writes two.
fn written(insn: &Insn) -> u32 {
    let text = insn.opcode.to_string();
    let reads_only =
        text.starts_with("st") && !text.starts_with("stx") && !text.starts_with("stlx");
    let compares = matches!(text.as_str(), "cbz" | "cbnz" | "tbz" | "tbnz" | "ret" | "br");
    if reads_only || compares {
        return 0;
    }
    let mut writes = register(&insn.operands[0]).map_or(0, |reg| 1u32 << reg);
    let is_pair = text.starts_with("ldp") || text.starts_with("cas") || text.starts_with("swp");
    if is_pair || text.starts_with("ldx") || text.starts_with("ldax") {
        writes |= register(&insn.operands[1]).map_or(0, |reg| 1u32 << reg);
    }
    writes & !(1 << 31)
}

fn of_stack(insn: &Insn, memory: Memory) -> What {
    let slot = memory.disp;
    let pair = |second: &Operand| register(second);
    match (insn.opcode, register(&insn.operands[0]), memory.index) {
        (Opcode::STR | Opcode::STUR, Some(from), None) if memory.width == 8 => {
            What::Spill { slot, from, second: None }
        }
        (Opcode::STP, Some(from), None) if memory.width == 8 => {
            What::Spill { slot, from, second: pair(&insn.operands[1]) }
        }
        (Opcode::LDR | Opcode::LDUR, Some(to), None) if memory.width == 8 => {
            What::Reload { slot, to, second: None }
        }
        (Opcode::LDP, Some(to), None) if memory.width == 8 => {
            What::Reload { slot, to, second: pair(&insn.operands[1]) }
        }
        (_, _, Some(_)) if memory.access == Access::Store => What::MoveStack,
        _ if memory.access == Access::Store => What::Overwrite { slot },
        _ => What::Other,
    }
}

fn what(insn: &Insn) -> What {
    let [first, second, third, _] = &insn.operands;
    let to = register(first);
    match (insn.opcode, to) {
        (Opcode::BL, _) => What::Call,
        (Opcode::BLR, Some(to)) => What::CallRegister(to),
        (Opcode::B, _) => What::Jump,
        (Opcode::RET | Opcode::BR | Opcode::BRK | Opcode::UDF | Opcode::HLT, _) => What::End,
        (Opcode::CBZ | Opcode::CBNZ, Some(to)) => What::Test(to),
        (Opcode::LDR | Opcode::LDUR, Some(to)) => What::Load { to },
        (Opcode::ADD, _) if is_stack_pointer(first) => What::MoveStack,
        (Opcode::SUB, _) if is_stack_pointer(first) => What::MoveStack,
        (Opcode::ADD, Some(to)) => register(second).map_or(What::Other, |a| What::Sum {
            to,
            a,
            b: register(third).filter(|_| !is_scaled(third)),
        }),
        (Opcode::MADD, Some(to)) => {
            register(&insn.operands[3]).map_or(What::Other, |a| What::Sum { to, a, b: None })
        }
        (Opcode::ORR, Some(to)) if register(second) == Some(31) => register(third)
            .filter(|_| !is_scaled(third))
            .map_or(What::Other, |from| What::Copy { to, from }),
        (Opcode::SUBS, Some(31)) => What::Compare(register(second), register(third)),
        _ => What::Other,
    }
}

fn is_stack_pointer(operand: &Operand) -> bool {
    matches!(operand, Operand::RegisterOrSP(_, 31))
}

fn is_scaled(operand: &Operand) -> bool {
    matches!(operand, Operand::RegShift(_, shift, _, _) if *shift != 0)
}

fn register(operand: &Operand) -> Option<Reg> {
    match *operand {
        Operand::Register(_, reg)
        | Operand::RegisterOrSP(_, reg)
        | Operand::RegShift(_, _, _, reg) => Some((reg & 31) as Reg),
        _ => None,
    }
}
