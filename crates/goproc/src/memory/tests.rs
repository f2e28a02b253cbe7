#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn only_memory_without_a_file_is_read() {
    let maps = parse_maps(
        b"1000-2000 r--p 00000000 fd:01 77 /bin/program\n\
          2000-3000 rw-p 00000000 00:00 0 \n\
          3000-5000 rw-p 00000000 00:00 0 [heap]\n\
          5000-6000 r--p 00000000 00:3f 0 /served/with/the/number/0\n\
          6000-7000 rw-s 00000000 00:01 9 /dev/zero (deleted)\n\
          8000-9000 rw-p 00000000 00:00 0 [stack]\n",
    );
    assert_eq!(maps.mappings.len(), 6);
    assert_eq!(anonymous(&maps), [0x2000..0x5000, 0x8000..0x9000]);
    let file = File::open("/proc/self/mem").unwrap();
    let memory = Memory { pid: Pid::own(), file, anonymous: anonymous(&maps) };
    let n_readable = [0, 0x1fff, 0x2000, 0x4fff, 0x5000, 0x7fff, 0x8001, 0x9000, u64::MAX];
    assert_eq!(
        n_readable.map(|addr| memory.n_readable(addr)),
        [0, 0, 0x3000, 1, 0, 0, 0xfff, 0, 0]
    );
}
