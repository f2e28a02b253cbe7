//! Which release of Go made a binary: what the build info says, or else what its structures allow.

use crate::LinkAddr;
use crate::buildinfo::BuildInfo;
use crate::functions::Functions;
use crate::image::Image;
use crate::module;
use crate::pclntab::Pclntab;

/// A minor version of Go, or the range that cannot be told apart. Shape: `min <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    min: u16,
    max: u16,
}

/// Minor versions whose layouts are known.
pub(crate) const SUPPORTED: std::ops::RangeInclusive<u16> = 18..=27;

impl Release {
    /// Earliest minor version possible.
    pub fn min(self) -> u16 {
        self.min
    }

    /// Latest minor version possible.
    pub fn max(self) -> u16 {
        self.max
    }

    /// The minor version, when there is only one.
    pub fn exact(self) -> Option<u16> {
        (self.min == self.max).then_some(self.min)
    }

    /// Reads `go1.24.11 X:noswissmap`; `None` for development versions.
    fn parse(go_version: &str) -> Option<Self> {
        let rest = go_version.strip_prefix("go1.")?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let minor = rest[..end].parse().ok()?;
        Some(Self { min: minor, max: minor })
    }

    /// The layouts of a range are the same in all that matters here; where they are not, the range is split.
    pub(crate) fn detect(
        image: &Image<'_>,
        info: Option<&BuildInfo>,
        table: &Pclntab<'_>,
        module: Option<LinkAddr>,
    ) -> Option<Self> {
        if let Some(release) = info.and_then(|info| Self::parse(&info.go_version)) {
            return Some(release);
        }
        if table.magic_is_118 {
            return Some(Self { min: 18, max: 19 });
        }
        if table.text_start != 0 {
            return Some(Self { min: 20, max: 25 });
        }
        // From 1.26 on the header no longer has the start of the text.
        let minor = if module::is_127(image, module?)? { 27 } else { 26 };
        Some(Self { min: minor, max: minor })
    }

    /// Classic maps end with Go 1.23, unless a build says otherwise, which build info would tell.
    pub(crate) fn narrowed(self, map_impl: Option<MapImpl>) -> Self {
        match map_impl {
            _ if self.exact().is_some() => self,
            Some(MapImpl::Classic) => Self { max: self.max.min(23), ..self },
            Some(MapImpl::Swiss) => Self { min: self.min.max(24), ..self },
            None => self,
        }
    }
}

/// The two implementations of Go's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapImpl {
    /// Buckets with overflow chains: Go up to 1.23, and 1.24 and 1.25 built with `GOEXPERIMENT=noswissmap`.
    Classic,
    /// Groups with control bytes: Go from 1.24.
    Swiss,
}

impl MapImpl {
    /// Decides by the growth functions linked in: one of them is in every Go program.
    pub(crate) fn detect(functions: &Functions<'_>) -> Option<Self> {
        functions.iter().find_map(|func| match func.name {
            "runtime.hashGrow" | "runtime.evacuate" => Some(Self::Classic),
            "internal/runtime/maps.(*table).rehash"
            | "internal/runtime/maps.(*Map).growToTable" => Some(Self::Swiss),
            _ => None,
        })
    }
}
