#![allow(clippy::unwrap_used)]

use super::*;

/// A file of section headers only, all of relocations and all of the same bytes.
fn with_tables(n_tables: u16, n_relocations: usize) -> Vec<u8> {
    let mut data = b"\x7fELF\x02\x01\x01".to_vec();
    data.resize(64, 0);
    data[16..20].copy_from_slice(&[2, 0, 62, 0]);
    data[20] = 1;
    data[52..54].copy_from_slice(&64_u16.to_le_bytes());
    data[54..56].copy_from_slice(&56_u16.to_le_bytes());
    data[58..60].copy_from_slice(&64_u16.to_le_bytes());
    data[60..62].copy_from_slice(&n_tables.to_le_bytes());
    for idx in 0..n_relocations as u64 {
        data.extend([idx, elf::R_X86_64_RELATIVE.0.into(), idx].map(u64::to_le_bytes).concat());
    }
    let header_at = data.len() as u64;
    data[40..48].copy_from_slice(&header_at.to_le_bytes());
    for _ in 0..n_tables {
        let mut section = [0; 64];
        section[4] = 4;
        section[24..32].copy_from_slice(&64_u64.to_le_bytes());
        section[32..40].copy_from_slice(&(24 * n_relocations as u64).to_le_bytes());
        data.extend(section);
    }
    data
}

#[test]
fn a_relocation_that_is_in_many_sections_is_kept_once() {
    for n_tables in [1, 2, 900, 60_000] {
        let data = with_tables(n_tables, 1000);
        assert_eq!(Image::parse(&data).unwrap().relocations.len(), 1000);
    }
}

#[test]
fn ranges_that_touch_stay_apart() {
    assert_eq!(merged(vec![5..9, 0..3, 2..4, 4..5]), [0..4, 4..5, 5..9]);
}

#[test]
fn segments_that_have_the_same_bytes_are_damage() {
    let mut data = with_tables(0, 0);
    data[32..40].copy_from_slice(&64_u64.to_le_bytes());
    data[56..58].copy_from_slice(&30_u16.to_le_bytes());
    for _ in 0..30 {
        let mut segment = [0; 56];
        segment[0] = 1;
        segment[32..40].copy_from_slice(&(1_u64 << 20).to_le_bytes());
        data.extend(segment);
    }
    let error = Image::parse(&data).unwrap_err().to_string();
    assert!(error.contains("its loaded segments overlap"), "{error}");
    data[56..58].copy_from_slice(&1_u16.to_le_bytes());
    Image::parse(&data).unwrap();
}

/// A symbol that is defined here has an address, one of another file has none.
#[test]
fn symbols_of_the_file_itself_are_put_in_place() {
    let mut data = with_tables(1, 3);
    let entries = [(0x10, 1_u64 << 32 | 1, 4), (0x18, 2 << 32 | 6, 0), (0x20, 9 << 32 | 1, 0)];
    for (at, (place, info, addend)) in entries.into_iter().enumerate() {
        let entry = [place, info, addend].map(u64::to_le_bytes).concat();
        data[64 + 24 * at..][..24].copy_from_slice(&entry);
    }
    let symbols_at = data.len() as u64;
    for (section, value) in [(0_u16, 0_u64), (7, 0x1000), (0, 0)] {
        let mut symbol = [0; 24];
        symbol[6..8].copy_from_slice(&section.to_le_bytes());
        symbol[8..16].copy_from_slice(&value.to_le_bytes());
        data.extend(symbol);
    }
    // The table of symbols is a section of its own, whose header goes behind that of the relocations.
    let header_at = u64::from_le_bytes(data[40..48].try_into().unwrap()) as usize;
    let headers: Vec<u8> = data[header_at..header_at + 64].to_vec();
    let mut symbols = [0; 64];
    symbols[4] = 11;
    symbols[24..32].copy_from_slice(&symbols_at.to_le_bytes());
    symbols[32..40].copy_from_slice(&72_u64.to_le_bytes());
    let new_headers_at = data.len() as u64;
    data.extend(headers);
    data.extend(symbols);
    data[40..48].copy_from_slice(&new_headers_at.to_le_bytes());
    data[60..62].copy_from_slice(&2_u16.to_le_bytes());
    assert_eq!(Image::parse(&data).unwrap().relocations, [(0x10, 0x1004)]);
}
