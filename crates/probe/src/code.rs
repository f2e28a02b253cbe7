//! Whether probes stand in the code that a process runs.
//!
//! The kernel puts probes into what processes have mapped of a file. A process may run other code, though /proc says that it
//! runs the file: of a file in a lower layer of an overlay, a change makes a copy, which everybody finds from then on, and
//! who runs it already goes on with the old one; and a program may copy its code elsewhere, as some do for larger pages.
//! And pages of code that it gives back to the kernel come anew from the file, without probes.

use std::thread::sleep;
use std::time::Duration;

use gobin::Binary;
use goproc::{Executable, Pid, RunAddr};

use crate::points::Probe;

/// What stands where a probe is. Source: arch/x86/include/asm/uprobes.h, `UPROBE_SWBP_INSN`.
#[cfg(target_arch = "x86_64")]
const TRAP: [u8; 1] = [0xcc];
/// Source: arch/arm64/include/asm/brk-imm.h, `UPROBES_BRK_IMM`, in the instruction `brk`.
#[cfg(not(target_arch = "x86_64"))]
const TRAP: [u8; 4] = 0xd420_00a0_u32.to_le_bytes();

/// How often, and how long, a program is waited for that is not in memory yet.
const TRIES: u32 = 20;
const WAIT: Duration = Duration::from_millis(10);

/// Whether one of these probes, which are in place, is not in the code of a process that runs the file; `None` where that
/// cannot be seen.
pub(crate) fn lacks_probes(
    pid: Pid,
    file: &Executable,
    binary: &Binary<'_>,
    probes: &[Probe],
) -> Option<bool> {
    for _ in 0..TRIES {
        if !file.is_run_by(pid) {
            return Some(false);
        }
        match pid.load_bias(file.id, |offset| binary.link_addr(offset)) {
            Ok(Some(bias)) => {
                let addr = |probe: &Probe| RunAddr(bias.0.wrapping_add(probe.point.link_addr));
                let code = pid.own_bytes(probes.iter().map(addr).collect());
                let lacks = code.ok()?.iter().any(|bytes| *bytes != Some(TRAP));
                return Some(lacks && file.is_run_by(pid));
            }
            Ok(None) => sleep(WAIT),
            Err(_) => return None,
        }
    }
    Some(true)
}
