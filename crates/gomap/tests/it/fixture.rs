//! Lines that real maps printed: `testdata/mapgrowth`.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use goabi::{GoVersion, MapImpl};
use gomap::{MapShape, MapType};

/// What one version of Go printed.
pub(crate) struct Fixture {
    pub(crate) version: GoVersion,
    map_impl: MapImpl,
    text: String,
}

/// One line: a map type, what was done, and numbers.
pub(crate) struct Line<'f> {
    pub(crate) text: &'f str,
    pub(crate) map: &'f str,
    pub(crate) what: &'f str,
    pub(crate) rest: Vec<&'f str>,
}

impl Fixture {
    pub(crate) fn of_text(text: String) -> Self {
        let name = text.lines().next().unwrap().strip_prefix("version ").unwrap();
        let version = GoVersion::parse(name).unwrap();
        let is_swiss = version.minor >= 24 && !name.contains("noswissmap");
        let map_impl = if is_swiss { MapImpl::Swiss } else { MapImpl::Classic };
        Self { version, map_impl, text }
    }

    pub(crate) fn shape(&self, map: &str) -> MapShape {
        let map: MapType = map.parse().unwrap();
        MapShape::with_impl(self.map_impl, self.version, &map).unwrap()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.text.lines().filter(|line| !line.starts_with("version ")).map(|text| {
            let mut words = text.split(' ');
            let (map, what) = (words.next().unwrap(), words.next().unwrap());
            Line { text, map, what, rest: words.collect() }
        })
    }
}

impl Line<'_> {
    pub(crate) fn number(&self, index: usize) -> u64 {
        self.rest[index].parse().unwrap_or_else(|_| panic!("{}", self.text))
    }
}

/// All committed fixtures, oldest version first.
pub(crate) fn all() -> Vec<Fixture> {
    all_in("mapgrowth")
}

/// Those in a folder of `testdata`.
pub(crate) fn all_in(folder: &str) -> Vec<Fixture> {
    let entries = fs::read_dir(xtask::testdata(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut packed: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "gz")).collect();
    packed.sort();
    packed.iter().map(|path| Fixture::of_text(unpack(path))).collect()
}

fn unpack(path: &Path) -> String {
    let mut text = String::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}
