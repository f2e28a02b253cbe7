//! Whose a file or folder is, and who else may write to it: the one rule for what is written to, filled, or run.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;

const ROOT: u32 = 0;
/// Of a mode: the group or everybody may write. An access list shows in the bits of the group.
const WRITABLE_FOR_OTHERS: u32 = 0o022;

/// Whether this is the user's that this program runs for, or root's, who may do everything as it is.
pub(crate) fn is_ours(metadata: &Metadata) -> bool {
    [geteuid().as_raw(), ROOT].contains(&metadata.uid())
}

/// Whether it is ours, and nobody else may write to it: what is in such a file, or by which names there are files in such a
/// folder, nobody else has chosen.
pub fn is_only_ours(metadata: &Metadata) -> bool {
    is_ours(metadata) && metadata.mode() & WRITABLE_FOR_OTHERS == 0
}
