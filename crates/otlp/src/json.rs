//! Batches in JSON, one a line.

use crate::error::ErrorKind;
use crate::model::Batch;

/// Whether a file that begins so has batches.
pub(crate) fn is_batch(head: &[u8]) -> bool {
    let begins_with = |key: &[u8]| {
        let head = head.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
        head.trim_ascii_start().starts_with(key)
    };
    begins_with(b"\"resourceProfiles\"")
        || begins_with(b"\"dictionary\"") && contains(head, b"Table\"")
}

fn contains(head: &[u8], part: &[u8]) -> bool {
    head.windows(part.len()).any(|window| window == part)
}

/// The lines that have anything in them. A batch that is spread over lines is one.
pub(crate) fn lines(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    if is_spread(bytes) {
        return vec![(0, bytes)];
    }
    let mut at = 0;
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| {
        let begins = at;
        at += line.len() + 1;
        (begins, line)
    });
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).collect()
}

/// Whether the first line opens what it does not close, as printers for readers leave it.
fn is_spread(bytes: &[u8]) -> bool {
    let first = bytes.trim_ascii_start().split(|&byte| byte == b'\n').next();
    first.is_some_and(|line| !line.trim_ascii_end().ends_with(b"}"))
}

pub(crate) fn read(batch: &[u8]) -> Result<Batch, ErrorKind> {
    Ok(serde_json::from_slice(batch)?)
}
