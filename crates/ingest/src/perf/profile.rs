//! Addresses of samples to a profile of functions and lines.

use std::collections::HashMap;

use evidence::Cost;
use gobin::{Binary, FileOffset};
use gopprof::{
    Function, Line, Location, LocationIdx, MAX_FRAMES, MappingIdx, Profile, ProfileBuilder,
    ValueType,
};
use recording::Placeholder;

use super::mappings::{ByAddress, file_offset};
use super::processes::{Processes, base_name};
use super::samples::{PerfSamples, Sampled, Stacks};
use crate::jit_map::JitMap;

/// Addresses of the kernel, on every architecture that Go runs on here, have the highest bit set.
const KERNEL: u64 = 1 << 63;

/// What samples of time on a CPU stand for, as profiles say it.
pub(super) const CPU: (&str, &str) = ("cpu", "nanoseconds");

/// Samples as a profile, and what became of them.
pub(super) struct Attributed {
    /// Its second value is what samples stand for.
    pub(super) profile: Profile,
    /// Samples in it.
    pub(super) n_used: u64,
    /// Samples of other processes, which are left out.
    pub(super) n_other: u64,
    /// Samples in it without the frames next to the root, which were too many.
    pub(super) n_cut: u64,
    /// Samples whose leaf is in another file of the process, by that.
    pub(super) elsewhere: HashMap<String, Cost>,
}

impl PerfSamples {
    /// The samples of processes of the binary as a profile.
    pub(super) fn profile(
        &self,
        stacks: &Stacks,
        value: (&str, &str),
        processes: &Processes<'_>,
        binary: &Binary<'_>,
    ) -> Attributed {
        let mut resolved = ResolvedProfile::new(binary, &processes.path, self.duration_ns, value);
        let (mut n_used, mut n_other, mut n_cut) = (0, 0, 0);
        let mut elsewhere: HashMap<String, Cost> = HashMap::new();
        let mut stacks: Vec<_> = stacks.iter().collect();
        stacks.sort_by_key(|(key, _)| *key);
        let mut of_image: Option<(u32, Places<'_>)> = None;
        for ((image, stack), &Sampled { n, weight, .. }) in stacks {
            let Some(of_binary) = processes.of_binary.get(image) else {
                n_other += n;
                continue;
            };
            n_used += n;
            if of_image.as_ref().is_none_or(|(known, _)| known != image) {
                of_image = Some((*image, self.places(*image, of_binary)));
            }
            let Some((_, places)) = &of_image else { continue };
            if let Some(file) = stack.first().and_then(|&leaf| places.other_file(leaf)) {
                let cost = Cost { samples: n, cpu_ns: weight };
                *elsewhere.entry(file.to_owned()).or_default() += cost;
            }
            let (locations, is_cut) = resolved.stack(places, stack);
            n_cut += if is_cut { n } else { 0 };
            let value = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            resolved.profile.sample(&locations, &[value(n), value(weight)], &[]);
        }
        Attributed { profile: resolved.profile.finish(), n_used, n_other, n_cut, elsewhere }
    }

    fn places<'s>(&'s self, image: u32, of_binary: &'s ByAddress<'s>) -> Places<'s> {
        let all = ByAddress::of(self.images.mappings.get(&image).into_iter().flatten());
        Places { of_binary, all, jit_map: self.jit_maps.get(&image) }
    }
}

/// What is at the addresses of one image.
struct Places<'s> {
    of_binary: &'s ByAddress<'s>,
    all: ByAddress<'s>,
    jit_map: Option<&'s JitMap>,
}

impl Places<'_> {
    /// The file at an address outside the binary and the kernel.
    fn other_file(&self, address: u64) -> Option<&str> {
        let is_outside = address < KERNEL && self.of_binary.at(address).is_none();
        let mapping = self.all.at(address).filter(|_| is_outside)?;
        Some(&mapping.file)
    }

    /// A name for an address outside the binary.
    fn name(&self, address: u64) -> &str {
        if address >= KERNEL {
            return "[kernel]";
        }
        if let Some(name) = self.jit_map.and_then(|map| map.name(address)) {
            return name;
        }
        self.all.at(address).map_or("[unknown]", |mapping| base_name(&mapping.file))
    }
}

/// A profile that addresses of samples are added to, as functions and lines by the binary. Addresses in it are offsets in
/// the binary's file.
struct ResolvedProfile<'b> {
    binary: &'b Binary<'b>,
    profile: ProfileBuilder,
    main: MappingIdx,
    known: HashMap<(u64, bool), LocationIdx>,
}

impl<'b> ResolvedProfile<'b> {
    fn new(binary: &'b Binary<'b>, path: &str, duration_ns: u64, value: (&str, &str)) -> Self {
        let mut profile = ProfileBuilder::default();
        for (kind, unit) in [("samples", "count"), value] {
            let column = ValueType { kind: profile.string(kind), unit: profile.string(unit) };
            profile.profile_mut().sample_types.push(column);
        }
        profile.profile_mut().duration_nanos = i64::try_from(duration_ns).unwrap_or(i64::MAX);
        let filename = profile.string(path);
        let build_id =
            binary.gnu_build_id().map_or_else(Default::default, |id| profile.string(&id));
        let main = profile.mapping(gopprof::Mapping {
            memory_limit: u64::MAX,
            filename,
            build_id,
            has_functions: true,
            ..gopprof::Mapping::default()
        });
        Self { binary, profile, main, known: HashMap::new() }
    }

    /// The locations of a stack, leaf first, of as many frames as stacks have at most; whether it had more.
    fn stack(&mut self, places: &Places<'_>, stack: &[u64]) -> (Vec<LocationIdx>, bool) {
        let (mut locations, mut n_frames) = (Vec::with_capacity(stack.len()), 0);
        for (depth, &address) in stack.iter().enumerate() {
            let location = self.location(places, address, depth > 0);
            n_frames += self.profile.profile_mut().locations[location.index()].lines.len();
            if n_frames > MAX_FRAMES {
                return (locations, true);
            }
            locations.push(location);
        }
        (locations, false)
    }

    /// `is_return` says that the address is where a call returns to: the call is the instruction before.
    fn location(&mut self, places: &Places<'_>, address: u64, is_return: bool) -> LocationIdx {
        let Some(mapping) = places.of_binary.at(address) else {
            return self.profile.frame(places.name(address), "", 0);
        };
        let offset = file_offset(mapping, address);
        if let Some(&known) = self.known.get(&(offset, is_return)) {
            return known;
        }
        let offset_of_call = offset.wrapping_sub(u64::from(is_return));
        let frames =
            self.binary.link_addr(FileOffset(offset_of_call)).map(|addr| self.binary.frames(addr));
        let lines = frames.into_iter().flatten().map(|frame| {
            let name = self.profile.string(frame.function);
            let filename = self.profile.string(frame.file);
            let function = Function { name, system_name: name, filename, start_line: 0 };
            Line {
                function: Some(self.profile.function(function)),
                line: frame.line.into(),
                column: 0,
            }
        });
        let lines: Vec<Line> = lines.collect();
        let location = if lines.is_empty() {
            self.profile.frame(Placeholder::OutsideGo.name(), "", 0)
        } else {
            let (mapping, address) = (Some(self.main), offset_of_call);
            self.profile.location(Location { mapping, address, lines, is_folded: false })
        };
        self.known.insert((offset, is_return), location);
        location
    }
}

#[cfg(test)]
mod tests;
