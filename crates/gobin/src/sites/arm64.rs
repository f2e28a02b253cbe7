//! arm64: steps and register definitions, decoded by hand.
//!
//! Following a register needs a dozen encodings and a safe answer for all others: *may this
//! instruction write that register?* A full decoder gives operands but not which of them are
//! written, so the encodings are read here. What is not recognised counts as written.
//!
//! Source: Arm Architecture Reference Manual for A-profile (DDI 0487), section C4.1, "A64
//! instruction set encoding".

use super::flow::{Decoded, Def, Flow, Place, Places, Reg, Step, Store};

/// An instruction that only takes room.
pub(super) const NOP: u32 = 0xd503_201f;
/// Encodes SP or XZR, depending on the instruction.
const SP: Reg = 31;

/// Splits `code` at address `start` into instructions of four bytes. A rest is left out.
pub(super) fn decode(code: &[u8], start: u64) -> Decoded {
    let mut decoded = Decoded::default();
    let words = code.chunks_exact(4);
    for (offset, bytes) in (0u32..).step_by(4).zip(words) {
        let word = u32::from_le_bytes(bytes.try_into().unwrap_or_default());
        let addr = start.wrapping_add(u64::from(offset));
        decoded.stores.extend(store(word).map(|store| (decoded.steps.len(), store)));
        decoded.taken.extend(slot_taken_by(word));
        decoded.steps.push(Step { offset, flow: flow(word, addr), writes: writes(word) });
    }
    decoded
}

/// The instruction at an offset of `code`.
pub(super) fn word_at(code: &[u8], offset: usize) -> Option<u32> {
    let bytes = code.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// The target of a B or BL at address `addr`.
pub(crate) fn direct_target(word: u32, addr: u64) -> Option<u64> {
    (word & 0x7c00_0000 == 0x1400_0000).then(|| relative(addr, word, 0, 26))
}

fn flow(word: u32, addr: u64) -> Flow {
    if let Some(target) = direct_target(word, addr) {
        return if word >> 31 == 1 { Flow::Call(target) } else { Flow::Jump(target) };
    }
    match word {
        // B.cond and BC.cond, CBZ and CBNZ, TBZ and TBNZ.
        _ if word & 0xff00_0000 == 0x5400_0000 => Flow::Branch(relative(addr, word, 5, 19)),
        _ if word & 0x7e00_0000 == 0x3400_0000 => Flow::Branch(relative(addr, word, 5, 19)),
        _ if word & 0x7e00_0000 == 0x3600_0000 => Flow::Branch(relative(addr, word, 5, 14)),
        // Unconditional branches to a register: BR, BLR, RET and the rest of their class.
        _ if word & 0xfe00_0000 == 0xd600_0000 => match (word >> 21) & 0xf {
            0b0000 | 0b1000 => Flow::JumpIndirect,
            0b0001 | 0b1001 => Flow::CallIndirect,
            _ => Flow::Stop,
        },
        // SVC, BRK, HLT and their class. BRK is how Go marks what cannot be reached.
        _ if word & 0xff00_0000 == 0xd400_0000 => match word & 0xffe0_001f {
            0xd400_0001 => Flow::CallIndirect,
            _ => Flow::Stop,
        },
        // UDF, which also is padding of zeros.
        _ if word & 0xffff_0000 == 0 => Flow::Stop,
        _ => Flow::Next,
    }
}

/// A branch target: a signed count of words in `width` bits from bit `low`.
fn relative(addr: u64, word: u32, low: u32, width: u32) -> u64 {
    addr.wrapping_add_signed(signed(word >> low, width) * 4)
}

fn signed(bits: u32, width: u32) -> i64 {
    i64::from(((bits << (32 - width)) as i32) >> (32 - width))
}

/// The table register of `ldr xN, [table, index, lsl #3]` followed by `br xN`.
pub(super) fn table_base(load: u32, branch: u32) -> Option<Reg> {
    // LDR (register), 64 bits, UXTX/LSL, shifted by 3.
    let is_load = load & 0xffe0_fc00 == 0xf860_7800;
    let is_branch = branch & 0xffff_fc1f == 0xd61f_0000;
    (is_load && is_branch && rd(load) == rn(branch)).then(|| rn(load))
}

/// What `word` at address `addr` leaves in `wanted`, which is among what it writes, given the word before it: addresses are
/// built by pairs of instructions that the assembler always emits together.
pub(super) fn definition(before: Option<u32>, word: u32, addr: u64, wanted: Place) -> Def {
    match wanted {
        Place::Reg(wanted) => definition_of_register(before, word, addr, wanted),
        Place::Slot(disp) => definition_of_slot(word, disp),
    }
}

fn definition_of_register(before: Option<u32>, word: u32, addr: u64, wanted: Reg) -> Def {
    // LDP, 64 bits, without writeback: the second register is loaded from behind the first.
    if word & 0xffc0_0000 == 0xa940_0000 && rn(word) != wanted {
        let behind = if rd(word) == wanted { 0 } else { 8 };
        return load_from(rn(word), pair_disp(word, 8) + behind);
    }
    if rd(word) != wanted {
        return Def::Other;
    }
    let page = before
        .filter(|&before| is_adrp(before) && rd(before) == rn(word))
        .map(|before| adrp_target(before, addr.wrapping_sub(4)));
    match word {
        // ADR, ADRP.
        _ if word & 0x9f00_0000 == 0x1000_0000 => {
            Def::Address(addr.wrapping_add_signed(adr_offset(word)))
        }
        _ if is_adrp(word) => Def::Address(adrp_target(word, addr)),
        // ADD (immediate), 64 bits, not shifted.
        _ if word & 0xffc0_0000 == 0x9100_0000 => match (page, imm12(word)) {
            (Some(page), imm) => Def::Address(page.wrapping_add(imm)),
            (None, imm) if rn(word) == SP => Def::Frame(imm as i64),
            (None, 0) => Def::Copy(Place::Reg(rn(word))),
            _ => Def::Other,
        },
        // LDR (immediate, unsigned offset), 64 bits.
        _ if word & 0xffc0_0000 == 0xf940_0000 => load(page, rn(word), imm12(word) * 8),
        // LDUR, 64 bits.
        _ if word & 0xffe0_0c00 == 0xf840_0000 => load_from(rn(word), signed(word >> 12, 9)),
        // MOV (register): ORR with XZR, not shifted.
        _ if word & 0xffe0_ffe0 == 0xaa00_03e0 => match rs(word) {
            SP => Def::Other,
            from => Def::Copy(Place::Reg(from)),
        },
        _ => Def::Other,
    }
}

/// Where in the stack frame, and how many bytes of, the result of a call is stored: `str x0, [sp, disp]` or `w0`, also with an offset
/// that is no multiple.
pub(super) fn result_stored_at(word: u32) -> Option<(i64, usize)> {
    if rd(word) != 0 || rn(word) != SP {
        return None;
    }
    match word & 0xffc0_0000 {
        0xf900_0000 => Some((imm12(word) as i64 * 8, 8)),
        0xb900_0000 => Some((imm12(word) as i64 * 4, 4)),
        // STUR.
        0xf800_0000 if word & 0xc00 == 0 => Some((signed(word >> 12, 9), 8)),
        0xb800_0000 if word & 0xc00 == 0 => Some((signed(word >> 12, 9), 4)),
        _ => None,
    }
}

fn load(page: Option<u64>, base: Reg, disp: u64) -> Def {
    match page {
        Some(page) => Def::LoadAt(page.wrapping_add(disp)),
        None => load_from(base, disp as i64),
    }
}

/// Of eight bytes behind a register or the stack pointer.
fn load_from(base: Reg, disp: i64) -> Def {
    match base {
        SP => Def::Copy(Place::Slot(disp)),
        base => Def::LoadVia(base, disp),
    }
}

/// Of eight bytes at `[sp + disp]`.
fn definition_of_slot(word: u32, disp: i64) -> Def {
    if may_move_sp(word) {
        return Def::LoadStack;
    }
    let Some(stored) = stored_at_sp(word) else { return Def::Other };
    let (start, len) = stored;
    if start >= disp.saturating_add(8) || start.saturating_add(len) <= disp {
        return Def::Kept;
    }
    let of = |from| if from == SP { Def::Address(0) } else { Def::Copy(Place::Reg(from)) };
    match word {
        // STR and STUR, 64 bits.
        _ if word & 0xffc0_0000 == 0xf900_0000 && start == disp => of(rd(word)),
        _ if word & 0xffe0_0c00 == 0xf800_0000 && start == disp => of(rd(word)),
        // STP, 64 bits.
        _ if word & 0xffc0_0000 == 0xa900_0000 && start == disp => of(rd(word)),
        _ if word & 0xffc0_0000 == 0xa900_0000 && start + 8 == disp => of(rt2(word)),
        _ => Def::Other,
    }
}

/// Where an instruction stores by the stack pointer, and how many bytes; none for loads. `None` where that is not read.
fn stored_at_sp(word: u32) -> Option<(i64, i64)> {
    let is_vector = word & (1 << 26) != 0;
    let opc = (word >> 22) & 3;
    // LDR, STR and their like: log of the bytes in the top bits, 16 bytes in a form of its own.
    let is_wide = is_vector && opc & 2 != 0;
    let scale = if is_wide { 4 } else { word >> 30 };
    let is_load = if is_vector { opc & 1 != 0 } else { opc != 0 };
    let len = if is_load { 0 } else { 1_i64 << scale };
    match word {
        _ if word & 0x3b00_0000 == 0x3900_0000 => Some(((imm12(word) << scale) as i64, len)),
        _ if word & 0x3b20_0c00 == 0x3800_0000 => Some((signed(word >> 12, 9), len)),
        // LDP and STP without writeback.
        _ if word & 0x3b80_0000 == 0x2900_0000 => {
            let bytes = match (is_vector, word >> 30) {
                (false, 0b10) => 8,
                (false, _) => 4,
                (true, size) => 4 << size,
            };
            let is_load = word & (1 << 22) != 0;
            Some((pair_disp(word, bytes), if is_load { 0 } else { 2 * bytes }))
        }
        _ => None,
    }
}

/// The offset of a pair of so many bytes each.
fn pair_disp(word: u32, bytes: i64) -> i64 {
    signed(word >> 15, 7) * bytes
}

/// Whether the instruction may change the stack pointer.
fn may_move_sp(word: u32) -> bool {
    // ADD and SUB (immediate and extended register) without flags, and AND and its like (immediate), name it as 31.
    let is_arithmetic = word & 0x3f80_0000 == 0x1100_0000 || word & 0x3fe0_0000 == 0x0b20_0000;
    let is_logic = word & 0x1f80_0000 == 0x1200_0000 && word & 0x6000_0000 != 0x6000_0000;
    let names_sp = (is_arithmetic || is_logic) && rd(word) == SP;
    // Loads and stores with writeback: pairs, and single registers.
    let pair = word & 0x3a80_0000 == 0x2880_0000;
    let single = word & 0x3b20_0400 == 0x3800_0400;
    names_sp || (pair || single) && rn(word) == SP
}

/// The slot whose address an instruction takes: ADD (immediate) to the stack pointer, 64 bits, not shifted.
fn slot_taken_by(word: u32) -> Option<i64> {
    let takes = word & 0xffc0_0000 == 0x9100_0000 && rn(word) == SP && rd(word) != SP;
    takes.then(|| imm12(word) as i64)
}

/// `str value, [base, #disp]`, 64 bits, not into the stack frame.
fn store(word: u32) -> Option<Store> {
    let is_plain = word & 0xffc0_0000 == 0xf900_0000 && rn(word) != SP && rd(word) != SP;
    let disp = imm12(word) as i64 * 8;
    is_plain.then(|| Store { base: rn(word), disp, value: rd(word) })
}

/// What `word` may write. Calls are not looked at here.
fn writes(word: u32) -> Places {
    let registers = registers_written(word);
    let stores_by_sp =
        is_memory(word) && rn(word) == SP && !matches!(stored_at_sp(word), Some((_, 0)));
    match may_move_sp(word) || stores_by_sp {
        true => registers.with_frame(),
        false => registers,
    }
}

/// Whether `word` may write the general purpose register `wanted`. Calls are not looked at here.
pub(crate) fn may_write(word: u32, wanted: Reg) -> bool {
    registers_written(word).may_have(Place::Reg(wanted))
}

fn registers_written(word: u32) -> Places {
    match (word >> 25) & 0xf {
        // Reserved, SME and SVE: not in Go's code, so anything may be.
        0b0000..=0b0011 => Places::ALL,
        // Branches and system instructions: MRS and SYSL write the register in their low bits.
        0b1010 | 0b1011 => all_if(word >> 24 == 0xd5, [rd(word)]),
        _ if is_memory(word) => written_by_memory(word),
        // CCMP and CCMN, FCMP: the low bits are flags and opcode.
        _ if word & 0x3fe0_0000 == 0x3a40_0000 || word & 0xff20_fc00 == 0x1e20_2000 => Places::NONE,
        // Data processing, immediate and register, scalar and vector.
        _ => all_of([rd(word)]),
    }
}

/// Loads and stores.
fn is_memory(word: u32) -> bool {
    matches!((word >> 25) & 0xf, 0b0100 | 0b0110 | 0b1100 | 0b1110)
}

fn written_by_memory(word: u32) -> Places {
    let is_vector = word & (1 << 26) != 0;
    let is_load = word & (1 << 22) != 0;
    match (word >> 28) & 3 {
        // Exclusives, acquire/release, compare and swap, vector structures, memory tags.
        0b00 => all_of([rd(word), rt2(word), rs(word), rn(word)]),
        // LDR (literal), and memory copy and set.
        0b01 => all_if(!is_vector, [rd(word), rn(word), rs(word)]),
        // Pairs: writeback in the post-index (1) and pre-index (3) forms.
        0b10 => {
            let base = all_if(word & (1 << 23) != 0, [rn(word)]);
            base.and(all_if(is_load && !is_vector, [rd(word), rt2(word)]))
        }
        _ => written_by_single(word, is_vector),
    }
}

/// Loads and stores of one register, atomics included.
fn written_by_single(word: u32, is_vector: bool) -> Places {
    let opc = (word >> 22) & 3;
    let has_unsigned_offset = word & (1 << 24) != 0;
    let has_register_form = word & (1 << 21) != 0;
    let data = all_if(!is_vector && opc != 0, [rd(word)]);
    if has_unsigned_offset {
        return data;
    }
    if has_register_form {
        // Bits 11:10: 10 is a register offset; the others are atomics, which return the old
        // value, and authenticated loads with writeback.
        return match (word >> 10) & 3 {
            0b10 => data,
            _ => all_of([rd(word), rn(word), rs(word)]),
        };
    }
    // Bits 11:10: 00 unscaled, 01 post-index, 10 unprivileged, 11 pre-index.
    data.and(all_if((word >> 10) & 1 == 1, [rn(word)]))
}

/// As register 31 is SP or XZR, it is none of them: SP is looked at by [`may_move_sp`].
fn all_of<const N: usize>(registers: [Reg; N]) -> Places {
    registers.into_iter().filter(|&reg| reg != SP).fold(Places::NONE, Places::with_register)
}

fn all_if<const N: usize>(are_written: bool, registers: [Reg; N]) -> Places {
    if are_written { all_of(registers) } else { Places::NONE }
}

fn is_adrp(word: u32) -> bool {
    word & 0x9f00_0000 == 0x9000_0000
}

fn adrp_target(word: u32, addr: u64) -> u64 {
    (addr & !0xfff).wrapping_add_signed(adr_offset(word) << 12)
}

fn adr_offset(word: u32) -> i64 {
    signed((word >> 5 & 0x7_ffff) << 2 | word >> 29 & 3, 21)
}

fn imm12(word: u32) -> u64 {
    u64::from((word >> 10) & 0xfff)
}

fn rd(word: u32) -> Reg {
    (word & 31) as Reg
}

fn rn(word: u32) -> Reg {
    ((word >> 5) & 31) as Reg
}

fn rs(word: u32) -> Reg {
    ((word >> 16) & 31) as Reg
}

fn rt2(word: u32) -> Reg {
    ((word >> 10) & 31) as Reg
}
