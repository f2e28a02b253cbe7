//! Which tracepoints are counted, and of what they are.

use goperf::Tracepoint;

/// What a system call does: writes the bytes in its field `count`, writes buffers, waits until data is on the device, or gives
/// the number of a file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Write,
    VectorWrite,
    Sync,
    Close,
}

/// The kind of the call that a tracepoint is of, where it is one of those that are counted.
pub(super) fn call_of(tracepoint: &Tracepoint, prefix: &str) -> Option<Kind> {
    let call = tracepoint.name.strip_prefix(prefix).filter(|_| tracepoint.system == "syscalls")?;
    match call {
        "write" | "pwrite64" => Some(Kind::Write),
        "writev" | "pwritev" | "pwritev2" => Some(Kind::VectorWrite),
        "fsync" | "fdatasync" | "sync_file_range" | "sync" | "msync" | "syncfs" => Some(Kind::Sync),
        "close" => Some(Kind::Close),
        _ => None,
    }
}

pub(super) fn is_block_issue(tracepoint: &Tracepoint) -> bool {
    tracepoint.system == "block" && tracepoint.name == "block_rq_issue"
}

/// Whether a call returns to the kernel only: ERESTARTSYS, -NOINTR, -NOHAND and _RESTARTBLOCK of include/linux/errno.h.
pub(super) fn is_restart(returned: u64) -> bool {
    matches!(returned.cast_signed(), -516 | -514..=-512)
}
