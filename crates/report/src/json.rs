//! The reports for programs: what commands print with `--json`, as types, with a module for each command.
//!
//! The types borrow what they show. Their docs are the descriptions in the schemas under `docs/schema`, which a test
//! makes of them: a field that may be `null` is an `Option`, and says when. The shape is also documented in
//! docs/json.md; `schema` in a report changes when the shape does.

mod asm;
mod compare;
mod diagnosis;
mod finding;
mod growth;
mod key;
mod lab;
mod recorded;
mod scan;
#[cfg(test)]
mod schemas;
mod site;
mod storage;
mod what_if;

use std::io::{self, Write};
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use self::key::Key;
#[cfg(test)]
pub(crate) use self::site::Site;
use crate::words::Word;

pub use self::asm::render_asm_json;
pub use self::compare::{render_benchmarks_json, render_compare_json};
pub use self::diagnosis::render_json;
pub use self::lab::render_lab_json;
pub use self::recorded::render_recorded_json;
pub use self::scan::render_scan_json;
pub use self::what_if::render_what_if_json;

/// Writes a report with the keys of each object sorted, and one line end after it.
pub(crate) fn write(out: &mut dyn Write, report: &impl Serialize) -> io::Result<()> {
    // Objects of a value are sorted; the fields of a type stand as they are declared.
    serde_json::to_writer_pretty(&mut *out, &serde_json::to_value(report)?)?;
    writeln!(out)
}

/// Writes a report as [`write()`] does, with the items of the list of this name one after the other, which is empty in `head`: as
/// values, all items together take twelve times the memory of their text.
fn write_with_list<'i, T, R: From<&'i T> + Serialize>(
    out: &mut dyn Write,
    head: &impl Serialize,
    name: &str,
    items: &Each<'i, T, R>,
) -> io::Result<()> {
    let head = serde_json::to_value(head)?;
    debug_assert!(head.get(name).is_some(), "a list of that name");
    let mut serializer = serde_json::Serializer::pretty(&mut *out);
    let mut object = serializer.serialize_map(None)?;
    for (key, value) in head.as_object().into_iter().flatten() {
        if key == name {
            object.serialize_entry(key, items)?;
        } else {
            object.serialize_entry(key, value)?;
        }
    }
    SerializeMap::end(object)?;
    writeln!(out)
}

/// Items, each of which becomes its type in a report when it is written.
struct Each<'i, T, R>(&'i [T], PhantomData<R>);

impl<'i, T, R: From<&'i T> + Serialize> Serialize for Each<'i, T, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            let value = serde_json::to_value(R::from(item)).map_err(S::Error::custom)?;
            list.serialize_element(&value)?;
        }
        list.end()
    }
}

/// Each item as its type in a report.
fn each<'d, T, R: From<&'d T>>(items: &'d [T]) -> Vec<R> {
    items.iter().map(R::from).collect()
}

/// Indices into `sources`.
fn ids(sources: impl IntoIterator<Item = evidence::SourceId>) -> Vec<u32> {
    sources.into_iter().map(evidence::SourceId::index).collect()
}

/// All of them, where they are several.
fn several(sources: &evidence::SourceIds) -> Option<Vec<u32>> {
    sources.are_several().then(|| ids(sources.iter()))
}

/// Time on CPUs: divide its `cpu_ns` by that of `cpu.total` for a share, and look at `samples` before you trust it.
#[derive(Serialize, JsonSchema)]
struct Cost {
    /// Samples that saw it.
    samples: u64,
    /// What these stand for. Nanoseconds of CPU time; samples where `cpu.unit` says so.
    cpu_ns: u64,
}

impl From<evidence::Cost> for Cost {
    fn from(evidence::Cost { samples, cpu_ns }: evidence::Cost) -> Self {
        Self { samples, cpu_ns }
    }
}

/// An input.
#[derive(Serialize, JsonSchema)]
struct Source<'d> {
    /// As given.
    name: &'d str,
    /// What it is.
    kind: Key<evidence::SourceKind>,
    /// What is in it, in words.
    summary: &'d str,
}

impl<'d> From<&'d evidence::Source> for Source<'d> {
    fn from(source: &'d evidence::Source) -> Self {
        Self { name: &source.name, kind: Key(source.kind), summary: &source.summary }
    }
}

/// A map type.
#[derive(Serialize, JsonSchema)]
struct MapType<'d> {
    /// In Go's syntax.
    name: &'d str,
    /// The key.
    key: TypePart<'d>,
    /// The element.
    elem: TypePart<'d>,
    /// Whether its elements are maps, or reach maps through other types.
    nested: Key<goabi::Nested>,
    /// Memory of 8 entries. Bytes.
    group_bytes: u64,
}

impl<'d> From<&'d evidence::MapType> for MapType<'d> {
    fn from(of: &'d evidence::MapType) -> Self {
        Self {
            name: &of.name,
            key: (&of.key).into(),
            elem: (&of.elem).into(),
            nested: Key(of.nested),
            group_bytes: of.group_bytes,
        }
    }
}

/// Key or element of a map type.
#[derive(Serialize, JsonSchema)]
struct TypePart<'d> {
    /// In Go's syntax.
    name: &'d str,
    /// Of a value in the map. Bytes.
    size_bytes: u64,
    /// Whether the collector looks into it.
    has_pointers: bool,
    /// Whether it is an interface.
    is_interface: bool,
}

impl<'d> From<&'d evidence::TypePart> for TypePart<'d> {
    fn from(of: &'d evidence::TypePart) -> Self {
        Self {
            name: &of.name,
            size_bytes: of.size,
            has_pointers: of.has_pointers,
            is_interface: of.is_interface,
        }
    }
}

/// A number known to lie in a range.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Range_of_{T}")]
struct Range<T> {
    /// At least.
    low: T,
    /// At most.
    high: T,
}

impl From<::diagnosis::finding::Span> for Range<i64> {
    fn from(::diagnosis::finding::Span { low, high }: ::diagnosis::finding::Span) -> Self {
        Self { low, high }
    }
}

impl From<evidence::sizes::Size> for Range<u64> {
    fn from(size: evidence::sizes::Size) -> Self {
        Self { low: size.at_least, high: size.room }
    }
}

impl<T> From<(T, T)> for Range<T> {
    fn from((low, high): (T, T)) -> Self {
        Self { low, high }
    }
}

/// What holds the true number in 19 of 20 cases.
#[derive(Serialize, JsonSchema)]
struct Bounds {
    /// At least.
    low: u64,
    /// At most; null when it is not known.
    high: Option<u64>,
}

impl From<evidence::Bounds> for Bounds {
    fn from(evidence::Bounds { low, high }: evidence::Bounds) -> Self {
        Self { low, high }
    }
}

/// The release of Go that a program was built with.
fn go_version(program: &evidence::Program) -> Option<String> {
    program.go_version.map(|(version, _)| version.to_string())
}

fn map_impl(program: &evidence::Program) -> Option<Key<goabi::MapImpl>> {
    program.map_impl.map(|(map_impl, _)| Key(map_impl))
}
