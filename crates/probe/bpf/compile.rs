//! Compiles the kernel side. Used by the build script and by the test that compares the committed object.

use std::path::Path;
use std::process::Command;

/// Sources of the kernel side, in `bpf/`.
pub(crate) const SOURCES: [&str; 3] = ["record.h", "registers.h", "recorder.bpf.c"];

/// Architectures that there is a kernel side for, as Rust names them, and as the sources do.
pub(crate) const ARCHS: [(&str, &str); 2] =
    [("x86_64", "__TARGET_ARCH_x86"), ("aarch64", "__TARGET_ARCH_arm64")];

/// File name of the committed object for an architecture, in `bpf/`.
pub(crate) fn object_name(arch: &str) -> String {
    format!("recorder.{arch}.bpf.o")
}

/// Compiles `bpf/recorder.bpf.c` of the crate in `dir` to `out`, with the macro of an architecture.
///
/// # Errors
/// What clang says; also when there is no clang, or one without the bpf target.
pub(crate) fn compile(dir: &Path, arch_macro: &str, out: &Path) -> Result<(), String> {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".to_owned());
    let output = Command::new(&clang)
        .current_dir(dir)
        // -g makes BTF, which the loader needs for the maps; the directory is left out of the object.
        .args(["-target", "bpf", "-mcpu=v3", "-O2", "-g", "-fdebug-compilation-dir=."])
        .args(["-Wall", "-Werror", "-nostdinc", "-ffreestanding"])
        .arg(format!("-D{arch_macro}"))
        .arg(format!("-DSOURCE_DIGEST=\"{}\"", source_digest(dir)))
        .args(["-c", "bpf/recorder.bpf.c", "-o"])
        .arg(out)
        .output()
        .map_err(|error| format!("{clang}: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{clang}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Tells whether an object was made of these sources: FNV-1a of all files, in hexadecimal.
pub(crate) fn source_digest(dir: &Path) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for source in SOURCES {
        let path = dir.join("bpf").join(source);
        let bytes =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    format!("mapscope:{hash:016x}")
}
