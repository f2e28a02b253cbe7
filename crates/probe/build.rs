//! Makes the Rust side of the records, and the object of the kernel side.
//!
//! The object is compiled where there is a clang for bpf, else the committed one is used.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "bpf/compile.rs"]
mod compile;

fn main() {
    println!("cargo:rerun-if-changed=bpf");
    println!("cargo:rerun-if-env-changed=CLANG");
    println!("cargo:rustc-check-cfg=cfg(live)");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let target_arch = target("ARCH");
    let arch = compile::ARCHS.into_iter().find(|(arch, _)| *arch == target_arch);
    let Some(arch) = arch.filter(|_| target("OS") == "linux") else { return };
    println!("cargo:rustc-cfg=live");
    let dir = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
    let header = fs::read_to_string(dir.join("bpf/record.h")).expect("record.h is in the crate");
    fs::write(out.join("record.rs"), rust_of(&header)).expect("OUT_DIR is writable");
    make_object(&dir, arch, &out.join("recorder.bpf.o"));
}

fn make_object(dir: &Path, (arch, arch_macro): (&str, &str), object: &Path) {
    if let Err(why) = compile::compile(dir, arch_macro, object) {
        let committed = dir.join("bpf").join(compile::object_name(arch));
        fs::copy(&committed, object).unwrap_or_else(|error| {
            panic!("{why}; {}: {error}", committed.display());
        });
    }
}

/// Rust for the structs and constants of a header of the form that record.h describes.
fn rust_of(header: &str) -> String {
    let mut rust = String::new();
    let mut fields: Option<Vec<String>> = None;
    let mut name = String::new();
    for line in header.lines() {
        let (code, comment) = line.split_once("/*").unwrap_or((line, ""));
        let comment = comment.trim_end_matches("*/").trim();
        let words: Vec<&str> = code.split_whitespace().collect();
        match (words.as_slice(), &mut fields) {
            (["#define", constant, value], None) => {
                let _ = writeln!(
                    rust,
                    "/// {constant}. {comment}\npub(crate) const {constant}: u32 = {value};"
                );
            }
            (["struct", struct_name, "{"], None) => {
                name = camel_case(struct_name);
                fields = Some(Vec::new());
            }
            (["};"], Some(done)) => {
                let _ = writeln!(
                    rust,
                    "#[repr(C)]\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\npub(crate) struct {name} {{\n{}}}",
                    done.concat()
                );
                fields = None;
            }
            ([kind, field], Some(fields)) => {
                fields.push(rust_field(kind, field.trim_end_matches(';'), comment));
            }
            _ => {}
        }
    }
    assert!(fields.is_none(), "record.h: a struct without end");
    rust
}

fn rust_field(kind: &str, field: &str, comment: &str) -> String {
    let (field, kind) = match field.split_once('[') {
        Some((field, len)) => (field, format!("[{kind}; {} as usize]", len.trim_end_matches(']'))),
        None => (field, kind.to_owned()),
    };
    format!("    /// {field}. {comment}\n    pub(crate) {field}: {kind},\n")
}

fn camel_case(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').map(capital).collect()
}
