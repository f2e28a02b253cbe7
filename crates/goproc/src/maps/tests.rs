#![allow(clippy::unwrap_used)]

use super::*;

const PIE: &str = "\
55d0c8a00000-55d0c8a02000 r--p 00000000 fe:01 1234                       /opt/my app/pro\\012g (deleted)
55d0c8a02000-55d0c8a06000 r-xp 00002000 fe:01 1234                       /opt/my app/pro\\012g (deleted)
55d0c9000000-55d0c9021000 rw-p 00000000 00:00 0                          [heap]
7f0000000000-7f0000001000 rw-s 00001000 00:01 77                         /dev/zero (deleted)
7f0000001000-7f0000002000 ---p 00000000 00:00 0 
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

fn file(inode: u64) -> FileId {
    FileId { device: 0xfe01, inode }
}

#[test]
fn lines_have_their_fields() {
    let maps = parse_maps(PIE.as_bytes());
    assert_eq!(maps.mappings.len(), 6);
    let code = &maps.mappings[1];
    assert_eq!((code.start, code.end), (RunAddr(0x55d0_c8a0_2000), RunAddr(0x55d0_c8a0_6000)));
    assert_eq!(code.offset, FileOffset(0x2000));
    assert_eq!(code.file, Some(file(1234)));
    assert_eq!(code.path(), Some(PathBuf::from("/opt/my app/pro\ng")));
    let can_execute: Vec<bool> = maps.mappings.iter().map(|mapping| mapping.can_execute).collect();
    assert_eq!(can_execute, [false, true, false, false, false, true]);
    for (idx, name) in [(2, "[heap]"), (4, ""), (5, "[vsyscall]")] {
        let mapping = &maps.mappings[idx];
        assert_eq!((mapping.name.to_str(), mapping.file), (Some(name), None));
        assert_eq!(mapping.path(), None);
    }
}

#[test]
fn device_numbers_are_those_of_stat() {
    for (major, minor) in [(0, 0), (0xfe, 1), (0x123, 0x45678), (u32::MAX, u32::MAX)] {
        let number = device_number(major, minor);
        assert_eq!((rustix::fs::major(number), rustix::fs::minor(number)), (major, minor));
    }
}

#[test]
fn addresses_have_their_line_and_offset() {
    let maps = parse_maps(PIE.as_bytes());
    let offset = |addr| maps.at(RunAddr(addr)).and_then(|m| m.file_offset(RunAddr(addr)));
    assert_eq!(offset(0x55d0_c8a0_2010), Some(FileOffset(0x2010)));
    assert_eq!(offset(0x55d0_c8a0_5fff), Some(FileOffset(0x5fff)));
    assert_eq!(maps.at(RunAddr(0x55d0_c8a0_6000)), None);
    // It has a mapping, but no file.
    assert_eq!(offset(0x55d0_c900_0000), None);
    assert_eq!(maps.mappings[1].file_offset(RunAddr(0)), None);
}

#[test]
fn the_bias_is_of_the_file_and_not_of_its_path() {
    let text = PIE.replace("fe:01 1234 ", "fe:01 1235 ").replacen("fe:01 1235", "fe:01 1234", 1);
    let bias = |text: &str, inode| {
        let link = |offset: FileOffset| Some(LinkAddr(offset.0 + 0x40_0000));
        parse_maps(text.as_bytes()).load_bias(file(inode), link)
    };
    assert_eq!(bias(PIE, 1234), Some(LoadBias(0x55d0_c8a0_0000 - 0x40_0000)));
    assert_eq!(bias(&text, 1235), Some(LoadBias(0x55d0_c8a0_0000 - 0x40_0000)));
    // Not mapped to run.
    assert_eq!(bias(&text, 1234), None);
    assert_eq!(bias(PIE, 77), None);
    let maps = parse_maps(PIE.as_bytes());
    assert_eq!(maps.load_bias(file(1234), |_| None), None);
    let name = OsStr::new("/opt/my app/pro\ng (deleted)");
    assert_eq!(maps.load_bias_of_name(name, |o| Some(LinkAddr(o.0))), bias_of(0x55d0_c8a0_0000));
}

fn bias_of(addr: u64) -> Option<LoadBias> {
    Some(LoadBias(addr))
}

#[test]
fn a_bias_wraps_around() {
    let bias = LoadBias(0x40_0000_u64.wrapping_neg());
    assert_eq!(bias.link_addr(RunAddr(0x10_0000)), LinkAddr(0x50_0000));
}

#[test]
fn lines_before_a_cut_are_kept() {
    let whole = parse_maps(PIE.as_bytes());
    for len in 0..PIE.len() {
        let cut = parse_maps(&PIE.as_bytes()[..len]);
        assert!(whole.mappings.starts_with(&cut.mappings), "{len} bytes: {cut:?}");
        let n_whole = PIE.as_bytes()[..len].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(cut.mappings.len(), n_whole, "{len} bytes");
    }
}

#[test]
fn lines_of_another_form_are_left_out() {
    for line in [
        "x",
        "1000-2000",
        "1000-2000 r-xp 0 0:0",
        "1000-2000 r-xp 0 0:0 5",
        "1000-2000 r-x 0 0:0 5 /a",
        "1000-2000 qqqp 0 0:0 5 /a",
        "2000-1000 r-xp 0 0:0 5 /a",
        "1000-1000 r-xp 0 0:0 5 /a",
        "+1000-2000 r-xp 0 0:0 5 /a",
        "1000-2000 r-xp -1 0:0 5 /a",
        "1000-2000 r-xp 0 00 5 /a",
        "1000-2000 r-xp 0 100000000:0 5 /a",
        "1000-2000 r-xp 0 0:0 5x /a",
        "1000-2000 r-xp 0 0:0 99999999999999999999 /a",
        "10000000000000000-20000000000000000 r-xp 0 0:0 5 /a",
    ] {
        let maps = parse_maps(format!("{line}\n").as_bytes());
        assert_eq!(maps, Maps::default(), "{line}");
    }
    for text in [&b"\n\n"[..], b"\xff \xff \xff \xff \xff \xff\n"] {
        assert_eq!(parse_maps(text), Maps::default());
    }
}

#[test]
fn the_ends_of_numbers_do_not_overflow() {
    let maps = parse_maps(b"0-ffffffffffffffff r-xp ffffffffffffffff ffffffff:ffffffff 1 /a\n");
    let mapping = &maps.mappings[0];
    assert_eq!(mapping.file_offset(RunAddr(1)), None);
    assert_eq!(mapping.file_offset(RunAddr(u64::MAX)), None);
    let id = mapping.file.unwrap();
    assert_eq!(maps.load_bias(id, |_| Some(LinkAddr(1))), Some(LoadBias(u64::MAX)));
}
