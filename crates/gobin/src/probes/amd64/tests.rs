//! Where large arrays come by, in code that is like the runtime's but for one thing.
#![allow(clippy::unwrap_used)]

use super::*;

const START: LinkAddr = LinkAddr(0x1000);
/// push %rbp; mov %rsp, %rbp
const FRAME: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];
/// cmp $0x7ff8, %r9
const COMPARE: [u8; 7] = [0x49, 0x81, 0xf9, 0xf8, 0x7f, 0, 0];
/// ja, over the three bytes after it
const ABOVE: [u8; 2] = [0x77, 3];
/// nop; jmp, over the two bytes after it
const SMALL: [u8; 3] = [0x90, 0xeb, 2];
/// nop; nop
const LARGE: [u8; 2] = [0x90, 0x90];
const RETURN: [u8; 1] = [0xc3];

fn large(parts: &[&[u8]]) -> Option<(u64, u64)> {
    where_large(&parts.concat(), START).map(|(LinkAddr(addr), above)| (addr - START.0, above))
}

#[test]
fn large_arrays_are_where_the_branch_goes() {
    assert_eq!(large(&[&FRAME, &COMPARE, &ABOVE, &SMALL, &LARGE, &RETURN]), Some((16, 0x7ff8)));
    // jae: as many bytes are large already.
    let at_least = [0x73, 3];
    assert_eq!(large(&[&FRAME, &COMPARE, &at_least, &SMALL, &LARGE, &RETURN]), Some((16, 0x7ff7)));
    // jbe over the large ones, which are next.
    let not_above = [0x76, 2];
    assert_eq!(large(&[&FRAME, &COMPARE, &not_above, &LARGE, &RETURN]), Some((13, 0x7ff8)));
}

#[test]
fn large_arrays_are_nowhere_when_others_come_by_or_the_type_is_gone() {
    let of = |before: &[u8], small: &[u8]| {
        let over = [0x77, small.len() as u8];
        large(&[&FRAME, before, &COMPARE, &over, small, &LARGE, &RETURN])
    };
    assert!(of(&[], &SMALL).is_some());
    // xor %eax, %eax; xchg %rax, %rbx; a call; no compare with the limit of small arrays.
    assert_eq!(of(&[0x31, 0xc0], &SMALL), None);
    assert_eq!(of(&[0x48, 0x93], &SMALL), None);
    assert_eq!(of(&[0xe8, 0, 0, 0, 0], &SMALL), None);
    assert_eq!(large(&[&FRAME, &[0x90; 7], &ABOVE, &SMALL, &LARGE, &RETURN]), None);
    // Small ones fall through to the large ones, or jump there; no frame; a loop.
    assert_eq!(of(&[], &[0x90, 0x90, 0x90]), None);
    assert_eq!(of(&[], &[0x90, 0x74, 3, 0xeb, 0, 0xc3]), None);
    assert_eq!(large(&[&COMPARE, &ABOVE, &SMALL, &LARGE, &RETURN]), None);
    assert_eq!(of(&[0x74, 0xfe], &SMALL), None);
    // Cut off, anywhere.
    let whole = [&FRAME[..], &COMPARE, &ABOVE, &SMALL, &LARGE, &RETURN].concat();
    for len in 0..whole.len() - 2 {
        assert_eq!(where_large(&whole[..len], START), None, "{len}");
    }
}
