//! Which release of Go made a binary: what the build info says, or else what its structures allow.

use goabi::{GoVersion, MapImpl, RELEASES, Release};

use crate::LinkAddr;
use crate::buildinfo::BuildInfo;
use crate::functions::Functions;
use crate::image::Image;
use crate::module;
use crate::pclntab::Pclntab;

/// The releases that may have made a binary: one, or several that cannot be told apart, in all of which what matters here
/// is the same. Shape: never empty. Sortedness: oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Releases {
    rows: &'static [Release],
    basis: Basis,
}

/// How releases were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The build info names one that is known.
    Stated,
    /// There is no build info: by structures of the file.
    Structures,
    /// The build info names a release that is not known, or a development version. The structures look as those of these
    /// releases, and the type descriptors agree with each other.
    Likeness,
}

impl Releases {
    /// Earliest minor version possible.
    pub fn min(self) -> u16 {
        self.oldest().minor
    }

    /// Latest minor version possible.
    pub fn max(self) -> u16 {
        self.rows.last().map_or(0, |release| release.minor)
    }

    /// The minor version, when there is only one.
    pub fn exact(self) -> Option<u16> {
        (self.rows.len() == 1).then(|| self.min())
    }

    /// What is known of each.
    pub fn rows(self) -> &'static [Release] {
        self.rows
    }

    /// How it was told.
    pub fn basis(self) -> Basis {
        self.basis
    }

    /// Whether the file itself says nothing for sure of its release.
    pub(crate) fn is_likeness(self) -> bool {
        self.basis == Basis::Likeness
    }

    /// What is known of them; of several, what is the same in all.
    pub(crate) fn oldest(self) -> &'static Release {
        self.rows.first().unwrap_or(Release::NEWEST)
    }

    /// By the build info, or by structures.
    pub(crate) fn detect(
        image: &Image<'_>,
        info: Option<&BuildInfo>,
        table: &Pclntab<'_>,
        module: Option<LinkAddr>,
    ) -> Option<Self> {
        let Some(info) = info else {
            return Self::like(Basis::Structures, |row| looks_like(row, image, table, module));
        };
        match GoVersion::parse(&info.go_version).and_then(Release::of) {
            Some(stated) => Self::like(Basis::Stated, |row| row == stated),
            None => Self::like(Basis::Likeness, |row| looks_like(row, image, table, module)),
        }
    }

    /// Those that are meant, as far as they follow each other.
    fn like(basis: Basis, is_meant: impl Fn(&Release) -> bool) -> Option<Self> {
        let start = RELEASES.iter().position(&is_meant)?;
        let len = RELEASES[start..].iter().take_while(|row| is_meant(row)).count();
        Some(Self { rows: &RELEASES[start..start + len], basis })
    }

    /// Those with this implementation of the map, if nothing else was asked for: a build of both, which may have either,
    /// would say so in its build info.
    pub(crate) fn narrowed(self, map_impl: Option<MapImpl>) -> Self {
        let has_it = |row: &Release| row.usual_map().map(|map| map.map_impl) == map_impl;
        let start = self.rows.iter().position(has_it).unwrap_or(0);
        let len = self.rows[start..].iter().take_while(|row| has_it(row)).count();
        match (self.basis, len) {
            (Basis::Stated, _) | (_, 0) => self,
            _ => Self { rows: &self.rows[start..start + len], ..self },
        }
    }
}

fn looks_like(
    release: &Release,
    image: &Image<'_>,
    table: &Pclntab<'_>,
    module: Option<LinkAddr>,
) -> bool {
    let abi = release.pclntab;
    abi.magic == table.magic
        && abi.has_text_start == (table.text_start != 0)
        && module.is_none_or(|addr| module::fits(image, addr, &release.module))
}

/// The implementation of the map, by the growth functions linked in: one of them is in every Go program.
pub(crate) fn map_impl(functions: &Functions<'_>) -> Option<MapImpl> {
    functions.iter().find_map(|func| match func.name {
        "runtime.hashGrow" | "runtime.evacuate" => Some(MapImpl::Classic),
        "internal/runtime/maps.(*table).rehash" | "internal/runtime/maps.(*Map).growToTable" => {
            Some(MapImpl::Swiss)
        }
        _ => None,
    })
}
