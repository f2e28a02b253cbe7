//! Go versions, and which map implementation a version has.

use std::fmt;

/// A release of Go such as 1.24.11; pre-releases count as their release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion {
    /// 1 in every Go so far.
    pub major: u16,
    /// 24 in go1.24.11.
    pub minor: u16,
    /// 11 in go1.24.11; 0 when absent.
    pub patch: u16,
}

impl GoVersion {
    /// Reads `go1.24.11`, `go1.24.11 X:noswissmap`, `go1.26.6-X:fieldtrack`, `go1.27rc1`; `None` for `devel …`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str| -> Option<u16> {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        };
        let mut parts = text.strip_prefix("go")?.splitn(3, '.');
        let major = digits(parts.next()?)?;
        let minor = digits(parts.next()?)?;
        let patch = parts.next().and_then(digits).unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "go{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

/// The two implementations of Go's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapImpl {
    /// Buckets of 8 with overflow chains and incremental evacuation: Go up to 1.23.
    Classic,
    /// Groups of 8 slots with control bytes, tables of at most 1024 slots: Go from 1.24.
    Swiss,
}
