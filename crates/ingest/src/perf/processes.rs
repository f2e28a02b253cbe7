//! Which processes of a file ran the binary.

use std::collections::BTreeMap;

use evidence::printable;
use gobin::Binary;
use goperf::Mapping;

use super::samples::PerfSamples;
use crate::error::Error;

/// Processes that ran the binary, and what became of the samples.
pub(super) struct Processes<'s> {
    /// By image, the mappings of the binary.
    pub(super) of_binary: BTreeMap<u32, Vec<&'s Mapping>>,
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
        let id_of = |mapping: &Mapping| {
            let listed = || samples.build_ids.iter().find(|id| id.file == mapping.file);
            mapping.build_id.clone().or_else(|| listed().map(|id| id.id.clone()))
        };
        let has_name = |mapping: &Mapping| is_same_name(base_name(&mapping.file), binary_name);
        let all = || samples.images.mappings.values().flatten();
        let by_id = |mapping: &Mapping| wanted.is_some() && id_of(mapping) == wanted;
        let has_id = all().any(by_id);
        if !has_id
            && let Some(other) = all().find(|mapping| has_name(mapping))
            && let (Some(recorded), Some(given)) = (id_of(other), &wanted)
            && recorded != *given
        {
            let reason = format!("the recording is of build id {recorded}, the binary has {given}");
            return Err(Error::OtherProgram {
                profile: samples.name.clone(),
                binary: binary_name.to_owned(),
                reason,
            });
        }
        let mut of_binary: BTreeMap<u32, Vec<&Mapping>> = BTreeMap::new();
        for (&image, mappings) in &samples.images.mappings {
            let is_wanted =
                |mapping: &&Mapping| if has_id { by_id(mapping) } else { has_name(mapping) };
            let of_image: Vec<&Mapping> = mappings.iter().filter(is_wanted).collect();
            if !of_image.is_empty() {
                of_binary.insert(image, of_image);
            }
        }
        let path = of_binary.values().flatten().next().map(|mapping| mapping.file.clone());
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
pub(super) fn base_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests;
