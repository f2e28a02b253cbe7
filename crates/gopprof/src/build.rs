//! Makes a [`Profile`] piece by piece, with dense ids.

use std::collections::HashMap;

use crate::model::{
    Function, FunctionIdx, Label, LabelValue, Line, Location, LocationIds, LocationIdx, Mapping,
    MappingIdx, Profile, SAMPLE_LABEL, SAMPLE_LOCATION, SAMPLE_VALUE, StrId,
};
use crate::wire::{put_bytes, put_number, put_packed};

/// What makes two locations one: mapping, address, folding, and the lines as function, line, column.
type LocationKey = (Option<MappingIdx>, u64, bool, Vec<(Option<FunctionIdx>, i64, i64)>);

/// Collects a profile; equal strings, mappings, functions and locations are kept once.
#[derive(Debug)]
pub struct ProfileBuilder {
    profile: Profile,
    strings: HashMap<Box<str>, StrId>,
    mappings: HashMap<[u64; 5], MappingIdx>,
    functions: HashMap<[u64; 4], FunctionIdx>,
    locations: HashMap<LocationKey, LocationIdx>,
}

impl Default for ProfileBuilder {
    fn default() -> Self {
        let profile = Profile { strings: vec!["".into()], ..Profile::default() };
        Self {
            profile,
            strings: HashMap::from([("".into(), StrId(0))]),
            mappings: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
        }
    }
}

impl ProfileBuilder {
    /// The fields of the profile as a whole: sample types, times, comments. Set them before the first sample.
    pub fn profile_mut(&mut self) -> &mut Profile {
        &mut self.profile
    }

    /// Adds a string.
    ///
    /// # Panics
    /// With 2^32 strings.
    pub fn string(&mut self, text: &str) -> StrId {
        if let Some(&id) = self.strings.get(text) {
            return id;
        }
        let id = StrId(next_index(self.profile.strings.len()));
        self.profile.strings.push(text.into());
        self.strings.insert(text.into(), id);
        id
    }

    /// Adds a mapping; its id is assigned here.
    ///
    /// # Panics
    /// With 2^32 mappings.
    pub fn mapping(&mut self, mapping: Mapping) -> MappingIdx {
        let key = [
            mapping.memory_start,
            mapping.memory_limit,
            mapping.file_offset,
            u64::from(mapping.filename.0),
            u64::from(mapping.build_id.0),
        ];
        let mappings = &mut self.profile.mappings;
        *self.mappings.entry(key).or_insert_with(|| {
            let idx = MappingIdx(next_index(mappings.len()));
            mappings.push(Mapping { id: u64::from(idx.0) + 1, ..mapping });
            idx
        })
    }

    /// Adds a function; its id is assigned here.
    ///
    /// # Panics
    /// With 2^32 functions.
    pub fn function(&mut self, function: Function) -> FunctionIdx {
        let key = [
            u64::from(function.name.0),
            u64::from(function.system_name.0),
            u64::from(function.filename.0),
            function.start_line.cast_unsigned(),
        ];
        let functions = &mut self.profile.functions;
        *self.functions.entry(key).or_insert_with(|| {
            let idx = FunctionIdx(next_index(functions.len()));
            functions.push(Function { id: u64::from(idx.0) + 1, ..function });
            idx
        })
    }

    /// Adds a location; its id is assigned here. Mapping and functions have to come from this builder.
    ///
    /// # Panics
    /// With 2^32 locations.
    pub fn location(&mut self, location: Location) -> LocationIdx {
        let lines =
            location.lines.iter().map(|line| (line.function, line.line, line.column)).collect();
        let key = (location.mapping, location.address, location.is_folded, lines);
        let locations = &mut self.profile.locations;
        *self.locations.entry(key).or_insert_with(|| {
            let idx = LocationIdx(next_index(locations.len()));
            locations.push(Location { id: u64::from(idx.0) + 1, ..location });
            idx
        })
    }

    /// Adds a location of one function without address.
    ///
    /// # Panics
    /// With 2^32 locations.
    pub fn frame(&mut self, function: &str, file: &str, line: i64) -> LocationIdx {
        let name = self.string(function);
        let filename = self.string(file);
        let function =
            self.function(Function { name, system_name: name, filename, ..Function::default() });
        let lines = vec![Line { function: Some(function), line, column: 0 }];
        self.location(Location { lines, ..Location::default() })
    }

    /// Adds a sample. Shape: `stack` leaf first; `values` one per sample type.
    ///
    /// # Panics
    /// When the number of values is not that of the sample types.
    pub fn sample(&mut self, stack: &[LocationIdx], values: &[i64], labels: &[Label<'_>]) {
        assert_eq!(values.len(), self.profile.sample_types.len(), "one value per sample type");
        let labels: Vec<_> = labels.iter().map(|label| self.label(label)).collect();
        let samples = &mut self.profile.samples;
        let start = samples.bytes.len();
        put_packed(
            &mut samples.bytes,
            SAMPLE_LOCATION,
            stack.iter().map(|idx| u64::from(idx.0) + 1),
        );
        put_packed(
            &mut samples.bytes,
            SAMPLE_VALUE,
            values.iter().map(|value| value.cast_unsigned()),
        );
        labels.iter().for_each(|label| put_bytes(&mut samples.bytes, SAMPLE_LABEL, label));
        samples.messages.push(start..samples.bytes.len());
    }

    fn label(&mut self, label: &Label<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        put_number(&mut out, 1, u64::from(self.string(label.key).0));
        match label.value {
            LabelValue::Str(text) => put_number(&mut out, 2, u64::from(self.string(text).0)),
            LabelValue::Num { value, unit } => {
                put_number(&mut out, 3, value.cast_unsigned());
                put_number(&mut out, 4, u64::from(self.string(unit).0));
            }
        }
        out
    }

    /// The profile.
    pub fn finish(mut self) -> Profile {
        self.profile.ids = LocationIds::new(&self.profile.locations);
        self.profile
    }
}

fn next_index(len: usize) -> u32 {
    u32::try_from(len).expect("tables of a profile have less than 2^32 entries")
}
