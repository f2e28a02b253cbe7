//! Prologues and argument homes by hand, as Go's assembler writes them.

use super::*;

const START: LinkAddr = LinkAddr(0x1000);

fn code(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[track_caller]
fn check_point(words: &[u32], branch_idx: Option<u64>) {
    let point = after_stack_check(&code(words), START);
    let addr = branch_idx.map(|idx| LinkAddr(START.0 + 4 * idx));
    assert_eq!(point.map(|point| point.addr), addr);
    assert_eq!(point.map(|point| point.branch), addr);
}

// ldr x16, [x28, #16]
const LOAD_GUARD: u32 = 0xf940_0b90;
// b.ls and b.lo
const B_LS: u32 = 0x5400_0f09;
const B_LO: u32 = 0x5400_0f03;
// str x30, [sp, #-64]!
const STORE_FRAME: u32 = 0xf81c_0ffe;

#[test]
fn probes_stand_on_the_branch_of_the_check() {
    // cmp sp, x16
    check_point(&[LOAD_GUARD, 0xeb30_63ff, B_LS, STORE_FRAME], Some(2));
    // sub x17, sp, #336; cmp x17, x16
    check_point(&[LOAD_GUARD, 0xd105_43f1, 0xeb10_023f, B_LS, STORE_FRAME], Some(3));
    // mov x27, #5000; subs x17, sp, x27; b.lo; cmp x17, x16
    let huge = [LOAD_GUARD, 0xd282_711b, 0xeb3b_63f1, B_LO, 0xeb10_023f, B_LS, STORE_FRAME];
    check_point(&huge, Some(5));
}

#[test]
fn code_of_another_form_has_no_probe_point() {
    check_point(&[], None);
    check_point(&[STORE_FRAME, LOAD_GUARD], None);
    // The guard of something else: ldr x16, [x28, #48].
    check_point(&[0xf940_1b90, 0xeb30_63ff, B_LS, STORE_FRAME], None);
    // b.eq and bl between load and branch.
    check_point(&[LOAD_GUARD, 0x5400_0f00, B_LS], None);
    check_point(&[LOAD_GUARD, 0x97ff_307d, B_LS], None);
    let bytes = code(&[LOAD_GUARD, 0xeb30_63ff, B_LS]);
    for end in 0..bytes.len() {
        assert_eq!(after_stack_check(&bytes[..end], START), None, "{end} bytes");
    }
}

#[track_caller]
fn check_homes(words: &[u32], homes: [Option<u32>; 2]) {
    assert_eq!(argument_homes(&code(words)), homes);
}

#[test]
fn arguments_are_at_home_where_they_are_stored_first() {
    // str x0, [sp, #136]; str x1, [sp, #144]; bl
    let apart = [STORE_FRAME, 0xf900_47e0, 0xf900_4be1, 0x97ff_307d];
    check_homes(&apart, [Some(136), Some(144)]);
    // stp x0, x1, [sp, #136]
    check_homes(&[STORE_FRAME, 0xa908_87e0], [Some(136), Some(144)]);
    // stp x1, x0, [sp, #16]
    check_homes(&[STORE_FRAME, 0xa901_03e1], [Some(24), Some(16)]);
    // In a large frame: sub x20, sp, #464; stp x29, x30, [x20, #-8]; mov sp, x20; str x0, [sp, #480]
    check_homes(&[0xd107_43f4, 0xa93f_fa9d, 0x9100_029f, 0xf900_f3e0], [Some(480), None]);
}

#[test]
fn arguments_that_are_gone_have_no_home() {
    // Before the frame; after a call; after ldr x0, [x0, #72]; to another base: str x0, [x1, #136].
    check_homes(&[0xf900_47e0, STORE_FRAME], [None, None]);
    check_homes(&[STORE_FRAME, 0x97ff_307d, 0xf900_47e0], [None, None]);
    check_homes(&[STORE_FRAME, 0xd63f_0040, 0xf900_47e0], [None, None]);
    check_homes(&[STORE_FRAME, 0xf940_2400, 0xf900_47e0], [None, None]);
    check_homes(&[STORE_FRAME, 0xf900_4420], [None, None]);
}

#[test]
fn calls_are_found_with_their_targets() {
    // nop; bl .-4; blr x2; bl .+8
    let bytes = code(&[0xd503_201f, 0x97ff_ffff, 0xd63f_0040, 0x9400_0002]);
    let found = [(LinkAddr(0x1004), LinkAddr(0x1000)), (LinkAddr(0x100c), LinkAddr(0x1014))];
    assert_eq!(calls(&bytes, START), found);
}
