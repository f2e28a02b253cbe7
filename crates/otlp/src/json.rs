//! Batches in JSON, one a line.

use crate::error::ErrorKind;
use crate::model::Batch;

/// What some programs put before text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a file that begins so has batches.
pub(crate) fn is_batch(head: &[u8]) -> bool {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
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
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let is_one = is_spread(bytes);
    let mut at = 0;
    let lines = bytes.split(move |&byte| byte == b'\n' && !is_one).map(move |line| {
        let begins = at;
        at += line.len() + 1;
        (begins, line)
    });
    lines.filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// Whether the first line opens what it does not close, as printers for readers leave it.
fn is_spread(bytes: &[u8]) -> bool {
    let first = bytes.trim_ascii_start().split(|&byte| byte == b'\n').next();
    first.is_some_and(|line| !line.trim_ascii_end().ends_with(b"}"))
}

/// What is wrong, with its place, which stands last; it may have a text of any length within.
fn of_json(error: &serde_json::Error) -> ErrorKind {
    const LONGEST: usize = 300;
    let text = error.to_string();
    let n = text.chars().count();
    if n <= LONGEST {
        return ErrorKind::Json(text);
    }
    let head: String = text.chars().take(LONGEST / 2).collect();
    let tail: String = text.chars().skip(n - LONGEST / 2).collect();
    ErrorKind::Json(format!("{head}…{tail}"))
}

pub(crate) fn parse(batch: &[u8]) -> Result<Batch, ErrorKind> {
    let text = batch.strip_prefix(BYTE_ORDER_MARK).unwrap_or(batch);
    // Before 1.9 a profile had a list of types.
    let is_list = contains(text, b"\"sampleType\":[");
    let of_old = |error| if is_list { ErrorKind::OldForm } else { of_json(&error) };
    let batch: Batch = serde_json::from_slice(text).map_err(of_old)?;
    let scopes = batch.resource_profiles.iter().flat_map(|of| &of.scope_profiles);
    let is_old = scopes.flat_map(|of| &of.profiles).any(|profile| profile.sample.is_some());
    if is_old { Err(ErrorKind::OldForm) } else { Ok(batch) }
}
