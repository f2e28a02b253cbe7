#![allow(clippy::unwrap_used)]

use super::*;

/// A table of functions that all have one record, and a name of some length.
fn with_shared_name(n_funcs: u64, name_len: usize) -> Vec<u8> {
    let names = 8 + 64;
    let cus = names + name_len + 1;
    let funcs = (cus + 3).next_multiple_of(8);
    let offsets = [names, cus, cus + 1, cus + 2, funcs].map(|offset| offset as u64);
    let mut bytes = [goabi::Release::NEWEST.pclntab.magic.to_le_bytes(), [0, 0, 1, 8]].concat();
    bytes.extend([n_funcs, 0, 0x1000].into_iter().chain(offsets).flat_map(u64::to_le_bytes));
    bytes.resize(names, 0);
    bytes.resize(names + name_len, b'F');
    bytes.resize(funcs, 0);
    let record = (8 * n_funcs as u32 + 8).to_le_bytes();
    for idx in 0..=n_funcs as u32 {
        bytes.extend([idx.to_le_bytes(), record].concat());
    }
    bytes.resize(bytes.len() + 64, 0);
    bytes
}

#[test]
fn functions_that_share_a_long_name_are_left_out() {
    let n_read = |n_funcs, name_len| {
        let bytes = with_shared_name(n_funcs, name_len);
        Pclntab::parse(LinkAddr(0), &bytes, Arch::Amd64).unwrap().n_funcs
    };
    assert_eq!(n_read(1, 100), 1);
    assert_eq!(n_read(100_000, 60_000), MAX_NAMES_TIMES);
}

#[test]
fn work_ends() {
    let mut work = Work(10);
    assert_eq!(work.spend(9), Some(()));
    assert_eq!(work.spend(9), None);
    assert_eq!(work.spend(0), None);
}
