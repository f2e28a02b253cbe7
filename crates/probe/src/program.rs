//! The program that is recorded, by its executable.

use goabi::MapAbi;
use gobin::{Arch, Basis, Binary};
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
    /// What is known of its maps.
    pub(crate) map: &'static MapAbi,
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
        let map = growth_rules(binary, &name)?;
        Ok(Self { parsed, map })
    }

    pub(crate) fn binary(&self) -> &Binary<'_> {
        self.parsed.borrow_dependent()
    }
}

/// What is known of the program's maps.
///
/// Releases that cannot be told apart have to grow maps alike.
fn growth_rules(binary: &Binary<'_>, name: &str) -> Result<&'static MapAbi, Error> {
    let unknown = |found: String| Error::UnknownVersion { path: name.to_owned(), found };
    let says =
        || binary.build_info().map_or("no build info".to_owned(), |info| info.go_version.clone());
    let releases = binary.releases().filter(|releases| releases.basis() != Basis::Likeness);
    let releases = releases.ok_or_else(|| unknown(says()))?;
    let Some(map_impl) = binary.map_impl() else {
        return Err(Error::NoGrowthFunction { path: name.to_owned(), why: String::new() });
    };
    let mut loads = releases.rows().iter().filter_map(|release| release.map(map_impl));
    let map = loads.next().ok_or_else(|| unknown(says()))?;
    if loads.any(|other| other.load != map.load) {
        let (min, max) = (releases.min(), releases.max());
        return Err(unknown(format!("{}; somewhere from 1.{min} to 1.{max}", says())));
    }
    Ok(map)
}
