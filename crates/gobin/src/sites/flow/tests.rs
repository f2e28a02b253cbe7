use super::*;

const START: u64 = 0x1000;
const TABLE: u64 = 0x10_0000;

/// `lea table(%rip), %rbx; jmp *(%rbx,%rax,8)`, over and over.
fn code_of_jumps(n_jumps: u64) -> Vec<u8> {
    let jump = |idx: u64| {
        let disp = (TABLE - (START + 11 * idx + 7)) as u32;
        let [a, b, c, d] = disp.to_le_bytes();
        [0x48, 0x8d, 0x1d, a, b, c, d, 0xff, 0x24, 0xc3, 0x90]
    };
    (0..n_jumps).flat_map(jump).collect()
}

#[test]
fn jumps_that_share_a_table_take_no_more_room_than_the_code() {
    let code = code_of_jumps(20_000);
    // As many targets as a table has room for.
    let constant_at = |addr: u64| Some(START + 11 * ((addr - TABLE) / 8));
    let around = Surroundings { role_at: &|_| None, constant_at: &constant_at };
    let one = code_of_jumps(1);
    let routine = Routine::decode(Arch::Amd64, &one, START, &around);
    assert!(!routine.has_unknown_jump && routine.jumps.len() == 1);
    let routine = Routine::decode(Arch::Amd64, &code, START, &around);
    assert!(routine.has_unknown_jump);
    assert!(routine.jumps.len() <= MAX_TABLE + routine.steps.len(), "{}", routine.jumps.len());
}

#[test]
fn all_questions_of_a_function_have_an_end() {
    // Conditional jumps to the next instruction, all the way.
    let code = [0x74, 0x00].repeat(10_000);
    let around = Surroundings { role_at: &|_| None, constant_at: &|_| None };
    let routine = Routine::decode(Arch::Amd64, &code, START, &around);
    let n_steps = |_| {
        routine.value_before(9_999, 0, &around);
        routine.reserve.get() + routine.steps_left.get()
    };
    let left: Vec<u64> = (0..1000).map(n_steps).collect();
    assert!(left.windows(2).all(|pair| pair[1] <= pair[0]));
    assert_eq!(left.last(), Some(&0));
}
