//! The committed object of the kernel side belongs to the sources beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "../../bpf/compile.rs"]
mod compile;

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn committed() -> Vec<u8> {
    fs::read(crate_dir().join("bpf/recorder.bpf.o")).unwrap()
}

/// Needs no clang: who has none uses this object.
#[test]
fn committed_object_was_made_of_these_sources() {
    let digest = compile::source_digest(crate_dir());
    assert!(
        find(&committed(), digest.as_bytes()).is_some(),
        "bpf/recorder.bpf.o is not of these sources: UPDATE_EXPECT=1 cargo test -p probe, where clang is"
    );
}

#[test]
fn committed_object_is_what_clang_makes() {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("recorder.bpf.o");
    if let Err(why) = compile::compile(crate_dir(), &object) {
        xtask::skip(&format!("no clang for bpf: {}", why.lines().next().unwrap_or_default()));
        return;
    }
    let made = fs::read(&object).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(crate_dir().join("bpf/recorder.bpf.o"), &made).unwrap();
    }
    let committed = committed();
    if clang_version(&made) != clang_version(&committed) {
        xtask::skip(&format!("the committed object is of {}", clang_version(&committed)));
        return;
    }
    assert!(made == committed, "UPDATE_EXPECT=1 cargo test -p probe makes the object anew");
}

/// As the object says it was compiled by.
fn clang_version(object: &[u8]) -> String {
    let at = find(object, b"clang version ").unwrap();
    let end = object[at..].iter().position(|&byte| byte == 0).unwrap();
    String::from_utf8_lossy(&object[at..at + end]).into_owned()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Return probes replace return addresses on goroutine stacks, which the runtime moves: they crash Go programs.
#[test]
fn object_has_no_return_probe() {
    let object = committed();
    assert!(find(&object, b"uprobe\0").is_some());
    assert!(find(&object, b"uretprobe").is_none());
    assert!(find(&object, b"kretprobe").is_none());
}

/// The oldest kernel that the recorder is to run on. Source: include/uapi/linux/bpf.h of Linux 5.15.
#[test]
fn object_calls_no_helper_newer_than_linux_5_15() {
    const CALL: u8 = 0x85;
    const BPF_GET_ATTACH_COOKIE: i32 = 174;
    const BPF_TASK_PT_REGS: i32 = 175;
    let object = aya_obj::Object::parse(&committed()).unwrap();
    let instructions = object.functions.values().flat_map(|function| &function.instructions);
    let helpers: BTreeSet<i32> = instructions
        .filter(|instruction| instruction.code == CALL && instruction.src_reg() == 0)
        .map(|instruction| instruction.imm)
        .collect();
    assert!(helpers.contains(&BPF_GET_ATTACH_COOKIE), "{helpers:?}");
    assert!(helpers.iter().all(|&helper| helper <= BPF_TASK_PT_REGS), "{helpers:?}");
}
