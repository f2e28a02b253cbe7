//! Any bytes as an input, with or without a real executable: an error, or evidence that the rules can judge. Shared with the
//! fuzz target.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use ingest::{OpenOptions, Options, collect};
use rustix::fs::{MemfdFlags, memfd_create};

/// Inputs are small, so that compressed ones do not spend the time on inflating.
const MAX_INFLATED_BYTES: u64 = 1 << 20;

/// The first byte says which executable is given too; the others are the input.
pub(crate) fn check(bytes: &[u8]) {
    let Some((which, input)) = bytes.split_first() else { return };
    let mut file = File::from(memfd_create("input", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(input).unwrap();
    let mut names = vec![format!("/proc/self/fd/{}", file.as_raw_fd())];
    names.extend(executable(*which).map(|path| path.to_str().unwrap().to_owned()));
    let open = OpenOptions { max_inflated_bytes: MAX_INFLATED_BYTES };
    let Ok(evidence) = collect(&names, &Options { open, stacks: true }, &mut |_| {}) else {
        return;
    };
    let total = evidence.cpu.as_ref().map(|cpu| cpu.total);
    for site in evidence.sites.iter().filter_map(|site| site.cpu.as_ref()) {
        let total = total.unwrap();
        assert!(site.line.cpu_ns <= total.cpu_ns && site.line.samples <= total.samples);
    }
    diagnosis::diagnose(evidence);
}

/// One with classic and one with Swiss maps, or none.
fn executable(which: u8) -> Option<PathBuf> {
    let name = ["nested-1.21.13", "nested-1.27.3"].get(usize::from(which))?;
    Some(xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{name}.xz"))).unwrap())
}
