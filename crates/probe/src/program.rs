//! The program that is recorded, by its executable.

use gobin::{Arch, Binary, MapImpl};
use goproc::Executable;
use self_cell::self_cell;

use crate::error::Error;

const THIS_MACHINE: Arch = if cfg!(target_arch = "x86_64") { Arch::Amd64 } else { Arch::Arm64 };

self_cell!(
    /// The bytes of a file with what was read of them.
    struct Parsed {
        owner: Vec<u8>,
        #[covariant]
        dependent: Binary,
    }
);

/// A program that can be recorded.
pub(crate) struct Program {
    parsed: Parsed,
    pub(crate) map_impl: MapImpl,
    /// Numerator of the classic load factor over 2.
    pub(crate) classic_load: u32,
}

impl Program {
    /// Reads the whole file.
    pub(crate) fn read(file: &Executable) -> Result<Self, Error> {
        let name = file.name.to_string_lossy().into_owned();
        let bytes = file.read()?;
        if bytes.starts_with(b"#!") {
            return Err(Error::Script { path: name });
        }
        let parsed =
            Parsed::try_new(bytes, |bytes| Binary::parse(bytes).map(|parsed| parsed.value))
                .map_err(|source| Error::NotGo { path: name.clone(), source })?;
        let binary = parsed.borrow_dependent();
        if binary.arch() != THIS_MACHINE {
            let (arch, machine) = (binary.arch().go_name(), THIS_MACHINE.go_name());
            return Err(Error::OtherArch { path: name, arch, machine });
        }
        let (map_impl, classic_load) = growth_rules(binary, &name)?;
        Ok(Self { parsed, map_impl, classic_load })
    }

    pub(crate) fn binary(&self) -> &Binary<'_> {
        self.parsed.borrow_dependent()
    }
}

/// The implementation of maps, and the numerator of the load factor over 2.
///
/// Source: runtime/map.go, `loadFactorNum`: in Go 1.21 an integer division made it 12 instead of 13.
fn growth_rules(binary: &Binary<'_>, name: &str) -> Result<(MapImpl, u32), Error> {
    const KNOWN: std::ops::RangeInclusive<u16> = 18..=27;
    let unknown = |found: String| Error::UnknownVersion { path: name.to_owned(), found };
    let says =
        || binary.build_info().map_or("no build info".to_owned(), |info| info.go_version.clone());
    let release = binary.release().ok_or_else(|| unknown(says()))?;
    if !KNOWN.contains(&release.min()) || !KNOWN.contains(&release.max()) {
        return Err(unknown(says()));
    }
    let Some(map_impl) = binary.map_impl() else {
        return Err(Error::NoGrowthFunction { path: name.to_owned(), why: String::new() });
    };
    let may_be_121 = release.min() <= 21 && 21 <= release.max();
    match map_impl {
        MapImpl::Classic if may_be_121 && release.exact().is_none() => Err(unknown(format!(
            "{}; somewhere from 1.{} to 1.{}",
            says(),
            release.min(),
            release.max()
        ))),
        MapImpl::Classic if may_be_121 => Ok((map_impl, 12)),
        _ => Ok((map_impl, 13)),
    }
}
