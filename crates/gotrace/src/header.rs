//! The first 16 bytes: `go 1.NN trace` and three zeros.
//!
//! Source: `src/internal/trace/version/version.go` (Go 1.27); one-digit minors are padded with a fourth zero.

use crate::error::{Error, ErrorKind};
use crate::spec::Version;

/// Length of the header. Units: bytes.
pub const HEADER_BYTES: usize = 16;

/// The minor versions of the formats before Go 1.22 that [`crate::scan_trace`] reads, and the first of them.
const OLD_MINORS: [u32; 3] = [FIRST_OLD_MINOR, 19, 21];
const FIRST_OLD_MINOR: u32 = 11;

/// The minor version in the header, if it is that of an old format that [`crate::scan_trace`] reads.
pub(crate) fn old_minor(head: &[u8]) -> Option<u32> {
    minor_in_header(head).filter(|minor| OLD_MINORS.contains(minor))
}

/// The minor version in the header, of any format.
fn minor_in_header(bytes: &[u8]) -> Option<u32> {
    let header = bytes.get(..HEADER_BYTES)?;
    let text = header.strip_prefix(b"go 1.")?;
    let n_digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, tail) = text.split_at(n_digits);
    let tail = tail.strip_prefix(b" trace")?;
    if !(1..=2).contains(&n_digits) || tail.iter().any(|&b| b != 0) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether a file that begins with these bytes is a Go execution trace, of a version that can be read or not.
/// 16 bytes are enough.
pub fn is_trace(prefix: &[u8]) -> bool {
    minor_in_header(prefix).is_some()
}

/// Takes the header off.
///
/// # Errors
/// When it is not that of a trace that can be read.
pub fn parse_header(bytes: &[u8]) -> Result<(Version, &[u8]), Error> {
    let minor = minor_in_header(bytes).ok_or(ErrorKind::NotATrace.at(0))?;
    let version = Version::from_minor(minor).ok_or_else(|| {
        let kind = match minor {
            _ if OLD_MINORS.contains(&minor) => ErrorKind::OldFormat { minor },
            ..FIRST_OLD_MINOR => ErrorKind::TooOld { minor },
            _ => ErrorKind::UnknownFormat { minor },
        };
        kind.at(0)
    })?;
    Ok((version, bytes.get(HEADER_BYTES..).unwrap_or_default()))
}
