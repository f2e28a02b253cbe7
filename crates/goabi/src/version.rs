//! Go versions.

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
    /// `go1.minor`, without a patch.
    pub const fn go1(minor: u16) -> Self {
        Self { major: 1, minor, patch: 0 }
    }

    /// Reads `go1.24.11`, `go1.24.11 X:noswissmap`, `go1.26.6-X:fieldtrack`, `go1.27rc1`; `None` for `devel …` and
    /// `go1.28-devel_3f2a1b …`.
    ///
    /// Source: cmd/dist/build.go, `findgoversion`, Go 1.21 to 1.27.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str| -> Option<u16> {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        };
        let release = text.split(' ').next().filter(|release| !release.contains("-devel"))?;
        let mut parts = release.strip_prefix("go")?.splitn(3, '.');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_builds_say() {
        let of = |text| GoVersion::parse(text).map(|version| version.to_string());
        assert_eq!(of("go1.24.11"), Some("go1.24.11".to_owned()));
        assert_eq!(of("go1.24.11 X:noswissmap"), Some("go1.24.11".to_owned()));
        assert_eq!(of("go1.26.6-X:fieldtrack"), Some("go1.26.6".to_owned()));
        assert_eq!(of("go1.27rc1"), Some("go1.27".to_owned()));
        assert_eq!(of("devel go1.28-3f2a1b Tue Nov 3"), None);
        assert_eq!(of("go1.27-devel_3f2a1b7c00 Tue Nov 3 10:00:00 2026 +0000"), None);
        assert_eq!(of(""), None);
    }
}
