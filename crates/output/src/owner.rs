//! Whose a file or folder is, and who else may write to it: the one rule for what is written to, filled, or run.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

const ROOT: u32 = 0;
/// Of a mode: the group or everybody may write. An access list shows in the bits of the group.
const WRITABLE_FOR_OTHERS: u32 = 0o022;
/// Of a mode: what is in the folder only its owner may rename or remove.
const STICKY: u32 = 0o1000;

/// Whether this is the user's that this program runs for, or root's, who may do everything as it is.
pub(crate) fn is_ours(metadata: &Metadata) -> bool {
    [geteuid().as_raw(), ROOT].contains(&metadata.uid())
}

/// Whether it is ours, and nobody else may write to it: what is in such a file, or by which names there are files in such a
/// folder, nobody else has chosen.
pub fn is_only_ours(metadata: &Metadata) -> bool {
    is_ours(metadata) && metadata.mode() & WRITABLE_FOR_OTHERS == 0
}

/// The first of a file or folder and of those above it by which somebody else could put something in its place: it is not
/// ours, or others may write to it, which above it does no harm where names are protected, as in `/tmp`.
///
/// Shape: the path is whole, and without links.
///
/// # Errors
/// When one of them cannot be looked at.
pub fn open_to_others(path: &Path) -> io::Result<Option<PathBuf>> {
    for (n_above, here) in path.ancestors().enumerate() {
        let metadata = fs::symlink_metadata(here)?;
        let is_protected = n_above > 0 && metadata.mode() & STICKY != 0 && is_ours(&metadata);
        if !is_protected && !is_only_ours(&metadata) {
            return Ok(Some(here.to_owned()));
        }
    }
    Ok(None)
}
