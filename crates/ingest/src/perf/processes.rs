//! Which processes of a file ran the binary.

use std::collections::{BTreeMap, HashMap};

use evidence::{printable, words};
use gobin::Binary;
use goperf::Mapping;

use super::mappings::ByAddress;
use super::samples::PerfSamples;
use crate::error::Error;

/// Processes that ran the binary, and what became of the samples.
pub(super) struct Processes<'s> {
    /// By image, the mappings of the binary; of several at an address the first.
    pub(super) of_binary: BTreeMap<u32, ByAddress<'s>>,
    /// Its path as recorded.
    pub(super) path: String,
    pub(super) is_by_name_only: bool,
}

impl<'s> Processes<'s> {
    /// Finds them by build id, or else by file name.
    ///
    /// # Errors
    /// When there is none, or a file of that name has another build id.
    pub(super) fn of(
        samples: &'s PerfSamples,
        binary: &Binary<'_>,
        binary_name: &str,
    ) -> Result<Self, Error> {
        let wanted = binary.gnu_build_id();
        // Of several ids of a file the first.
        let listed = samples.build_ids.iter().rev().map(|id| (&*id.file, &*id.id));
        let listed: HashMap<&str, &str> = listed.collect();
        let id_of = |mapping: &'s Mapping| {
            mapping.build_id.as_deref().or_else(|| listed.get(&*mapping.file).copied())
        };
        let has_name = |mapping: &Mapping| is_same_name(base_name(&mapping.file), binary_name);
        let all = || samples.images.mappings.values().flatten();
        let by_id = |mapping: &'s Mapping| wanted.is_some() && id_of(mapping) == wanted.as_deref();
        let has_id = all().any(by_id);
        if !has_id
            && let Some(other) = all().find(|mapping| has_name(mapping))
            && let (Some(recorded), Some(given)) = (id_of(other), &wanted)
            && recorded != given
        {
            let reason = format!("the recording is of build id {recorded}, the binary has {given}");
            return Err(Error::OtherProgram {
                profile: samples.name.clone(),
                binary: binary_name.to_owned(),
                reason,
            });
        }
        let is_wanted = |mapping: &&'s Mapping| {
            if has_id { by_id(mapping) } else { has_name(mapping) }
        };
        let of_image = |(&image, mappings): (&u32, &'s Vec<Mapping>)| {
            let wanted: Vec<&Mapping> = mappings.iter().filter(is_wanted).collect();
            let first = wanted.first().copied()?;
            Some((image, first, ByAddress::of(wanted.into_iter().rev())))
        };
        let mut path = None;
        let mut of_binary = BTreeMap::new();
        for (image, first, mappings) in samples.images.mappings.iter().filter_map(of_image) {
            of_binary.insert(image, mappings);
            path = path.filter(|&(known, _)| known < image).or(Some((image, &first.file)));
        }
        let path = path.map(|(_, file)| file.clone());
        let path = path.ok_or_else(|| Error::Unusable {
            name: samples.name.clone(),
            reason: format!("no process in it ran {binary_name}; it has {}", programs(samples)),
        })?;
        Ok(Processes { of_binary, path, is_by_name_only: !has_id })
    }
}

/// The files that most processes mapped first, for a message.
fn programs(samples: &PerfSamples) -> String {
    const SHOWN: usize = 5;
    let first = |mappings: &Vec<Mapping>| {
        mappings
            .iter()
            .find(|mapping| mapping.file.starts_with('/'))
            .map(|mapping| mapping.file.clone())
    };
    let mut files: Vec<String> = samples.images.mappings.values().filter_map(first).collect();
    files.sort();
    files.dedup();
    files.truncate(SHOWN);
    if files.is_empty() { "no mapped files at all".to_owned() } else { files.join(", ") }
}

/// What stands before the name of the executable in a capture, so that it is the name of no other file there.
pub const CAPTURED_BINARY: &str = "binary.";

/// Whether a file that was mapped has the name of the binary, or the one that it had before it was captured.
fn is_same_name(mapped: &str, binary_name: &str) -> bool {
    let given = base_name(binary_name);
    let before = given.strip_prefix(CAPTURED_BINARY);
    mapped == given || before.is_some_and(|name| name == printable(mapped))
}

/// The file name; Linux marks files that were replaced while they ran.
pub(crate) fn base_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    words::base_name(path)
}

#[cfg(test)]
mod tests;
