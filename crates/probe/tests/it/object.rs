//! The committed objects of the kernel side, one per architecture, belong to the sources beside them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[path = "../../bpf/compile.rs"]
mod compile;

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn committed(arch: &str) -> Vec<u8> {
    fs::read(crate_dir().join("bpf").join(compile::object_name(arch))).unwrap()
}

/// Needs no clang: who has none uses these objects.
#[test]
fn committed_objects_were_made_of_these_sources() {
    let digest = compile::source_digest(crate_dir());
    for (arch, _) in compile::ARCHS {
        assert!(
            find(&committed(arch), digest.as_bytes()).is_some(),
            "the object for {arch} is not of these sources: UPDATE_EXPECT=1 cargo test -p probe, where clang is"
        );
    }
}

#[test]
fn committed_objects_are_what_clang_makes() {
    let dir = tempfile::tempdir().unwrap();
    for (arch, arch_macro) in compile::ARCHS {
        let object = dir.path().join(compile::object_name(arch));
        if let Err(why) = compile::compile(crate_dir(), arch_macro, &object) {
            xtask::skip(&format!("no clang for bpf: {}", why.lines().next().unwrap_or_default()));
            return;
        }
        check_committed(arch, &fs::read(&object).unwrap());
    }
}

fn check_committed(arch: &str, made: &[u8]) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(crate_dir().join("bpf").join(compile::object_name(arch)), made).unwrap();
    }
    let committed = committed(arch);
    if clang_version(made) != clang_version(&committed) {
        xtask::skip(&format!("the committed object is of {}", clang_version(&committed)));
        return;
    }
    assert!(made == committed, "{arch}: UPDATE_EXPECT=1 cargo test -p probe makes the object anew");
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
    for (arch, _) in compile::ARCHS {
        let object = committed(arch);
        assert!(find(&object, b"uprobe\0").is_some(), "{arch}");
        assert!(find(&object, b"uretprobe").is_none(), "{arch}");
        assert!(find(&object, b"kretprobe").is_none(), "{arch}");
    }
}

/// The oldest kernel that the recorder is to run on. Source: include/uapi/linux/bpf.h of Linux 5.15.
#[test]
fn object_calls_no_helper_newer_than_linux_5_15() {
    const CALL: u8 = 0x85;
    const BPF_GET_ATTACH_COOKIE: i32 = 174;
    const BPF_TASK_PT_REGS: i32 = 175;
    for (arch, _) in compile::ARCHS {
        let object = aya_obj::Object::parse(&committed(arch)).unwrap();
        let instructions = object.functions.values().flat_map(|function| &function.instructions);
        let helpers: BTreeSet<i32> = instructions
            .filter(|instruction| instruction.code == CALL && instruction.src_reg() == 0)
            .map(|instruction| instruction.imm)
            .collect();
        assert!(helpers.contains(&BPF_GET_ATTACH_COOKIE), "{arch}: {helpers:?}");
        assert!(helpers.iter().all(|&helper| helper <= BPF_TASK_PT_REGS), "{arch}: {helpers:?}");
    }
}

/// Without a tail call kernels from 6.13 on let threads that preempt each other share a stack.
#[test]
fn the_program_of_probes_keeps_the_stack_of_its_thread() {
    const CALL: u8 = 0x85;
    const BPF_TAIL_CALL: i32 = 12;
    for (arch, _) in compile::ARCHS {
        let object = aya_obj::Object::parse(&committed(arch)).unwrap();
        let program = &object.programs["on_probe"];
        let function = &object.functions[&program.function_key()];
        let is_tail_call = |instruction: &aya_obj::generated::bpf_insn| {
            instruction.code == CALL
                && instruction.src_reg() == 0
                && instruction.imm == BPF_TAIL_CALL
        };
        assert!(function.instructions.iter().any(is_tail_call), "{arch}");
    }
}
