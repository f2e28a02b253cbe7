//! Makes a [`Profile`] piece by piece.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use wire::{put_varint, take_bytes};

use crate::model::{
    Function, FunctionIdx, Line, Location, LocationIdx, Mapping, MappingIdx, Profile,
};
use crate::samples::{
    Encoded, Label, LabelValue, RawLabel, RawLabelValue, SampleBuffer, put_label,
};
use crate::strings::{StrId, Strings};

/// Collects a profile; equal strings, mappings, functions and locations are kept once, and samples with the same stack
/// and labels are added up.
///
/// Ids and positions belong to the builder that gave them, and to the profile it makes.
///
/// ```
/// use gopprof::{ProfileBuilder, ValueType};
/// let mut builder = ProfileBuilder::default();
/// let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
/// builder.profile_mut().sample_types.push(samples);
/// let main = builder.frame("main.main", "main.go", 7);
/// builder.sample(&[main], &[1], &[]);
/// builder.sample(&[main], &[2], &[]);
/// let profile = builder.finish();
/// assert_eq!(profile.samples().map(|s| s.value(0)).collect::<Vec<_>>(), [3]);
/// ```
#[derive(Debug)]
pub struct ProfileBuilder {
    profile: Profile,
    strings: HashMap<Box<str>, StrId>,
    mappings: HashMap<Mapping, MappingIdx>,
    functions: HashMap<Function, FunctionIdx>,
    locations: HashMap<Location, LocationIdx>,
    samples: SampleTable,
}

impl Default for ProfileBuilder {
    fn default() -> Self {
        let profile = Profile { strings: Strings::with_empty(), ..Profile::default() };
        Self {
            profile,
            strings: HashMap::from([("".into(), StrId(0))]),
            mappings: HashMap::new(),
            functions: HashMap::new(),
            locations: HashMap::new(),
            samples: SampleTable::default(),
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
    /// With 4 GiB of strings.
    pub fn string(&mut self, text: &str) -> StrId {
        if let Some(&id) = self.strings.get(text) {
            return id;
        }
        let id = StrId(next_index(self.profile.strings.len()));
        self.profile.strings.push(text.as_bytes()).expect("strings are less than 4 GiB");
        self.strings.insert(text.into(), id);
        id
    }

    /// Adds a mapping.
    ///
    /// # Panics
    /// With 2^32 mappings.
    pub fn mapping(&mut self, mapping: Mapping) -> MappingIdx {
        let mappings = &mut self.profile.mappings;
        *self.mappings.entry(mapping).or_insert_with(|| {
            mappings.push(mapping);
            MappingIdx(next_index(mappings.len() - 1))
        })
    }

    /// Adds a function.
    ///
    /// # Panics
    /// With 2^32 functions.
    pub fn function(&mut self, function: Function) -> FunctionIdx {
        let functions = &mut self.profile.functions;
        *self.functions.entry(function).or_insert_with(|| {
            functions.push(function);
            FunctionIdx(next_index(functions.len() - 1))
        })
    }

    /// Adds a location.
    ///
    /// # Panics
    /// With 2^32 locations.
    pub fn location(&mut self, location: Location) -> LocationIdx {
        if let Some(&idx) = self.locations.get(&location) {
            return idx;
        }
        let idx = LocationIdx(next_index(self.profile.locations.len()));
        self.profile.locations.push(location.clone());
        self.locations.insert(location, idx);
        idx
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

    /// Adds a sample, to an earlier one when stack and labels are the same; sums stay within `i64`. Shape: `stack`
    /// leaf first; `values` one per sample type.
    ///
    /// # Panics
    /// When the number of values is not that of the sample types.
    pub fn sample(&mut self, stack: &[LocationIdx], values: &[i64], labels: &[Label<'_>]) {
        let labels: Vec<RawLabel> = labels.iter().map(|label| self.raw_label(label)).collect();
        self.raw_sample(stack, values, &labels);
    }

    /// Number of samples so far that differ in stack or labels.
    pub fn n_samples(&self) -> usize {
        self.samples.entries.len()
    }

    fn raw_label(&mut self, label: &Label<'_>) -> RawLabel {
        let value = match label.value {
            LabelValue::Str(text) => RawLabelValue::Str(self.string(text)),
            LabelValue::Num { value, unit } => {
                RawLabelValue::Num { value, unit: self.string(unit) }
            }
        };
        RawLabel { key: self.string(label.key), value }
    }

    /// As [`ProfileBuilder::sample`], by the string ids of labels.
    pub(crate) fn raw_sample(
        &mut self,
        stack: &[LocationIdx],
        values: &[i64],
        labels: &[RawLabel],
    ) {
        assert_eq!(values.len(), self.profile.sample_types.len(), "one value per sample type");
        self.samples.add(stack, values, labels);
    }

    /// The profile.
    ///
    /// # Panics
    /// When it holds an id or a position of another builder.
    pub fn finish(self) -> Profile {
        let mut profile = self.profile;
        profile.samples = self.samples.encode(profile.sample_types.len());
        profile.check_valid().expect("ids and positions are of this builder");
        profile
    }
}

fn next_index(len: usize) -> u32 {
    u32::try_from(len).expect("tables of a profile have less than 2^32 entries")
}

/// Samples by stack and labels.
///
/// 1. Stack and labels of a sample are encoded to the end of `keys`.
/// 2. Their hash leads to the last sample of the same hash, and `Entry::before` to those before it.
/// 3. When one of them has the same key, the new key is cut off again and the values are added.
#[derive(Debug, Default)]
struct SampleTable {
    /// Shape: for each sample the location ids with their length before them, then the labels.
    keys: Vec<u8>,
    /// Shape: for each sample one value for each sample type.
    values: Vec<i64>,
    entries: Vec<Entry>,
    last_with_hash: HashMap<u64, usize>,
}

#[derive(Debug)]
struct Entry {
    key_end: usize,
    before: Option<usize>,
}

impl SampleTable {
    fn add(&mut self, stack: &[LocationIdx], values: &[i64], labels: &[RawLabel]) {
        let start = self.keys.len();
        let mut locations = Vec::with_capacity(3 * stack.len());
        for location in stack {
            put_varint(&mut locations, u64::from(location.0) + 1);
        }
        put_varint(&mut self.keys, locations.len() as u64);
        self.keys.extend_from_slice(&locations);
        for &label in labels {
            put_label(&mut self.keys, label);
        }
        let hash = hash_of(&self.keys[start..]);
        let last = self.last_with_hash.get(&hash).copied();
        match self.find(last, start) {
            Some(i) => {
                self.keys.truncate(start);
                let old = self.values.iter_mut().skip(i * values.len());
                for (old, &new) in old.zip(values) {
                    *old = old.saturating_add(new);
                }
            }
            None => {
                self.last_with_hash.insert(hash, self.entries.len());
                self.entries.push(Entry { key_end: self.keys.len(), before: last });
                self.values.extend_from_slice(values);
            }
        }
    }

    /// The sample with the key at `start`, among the chain from `last` backwards.
    fn find(&self, mut last: Option<usize>, start: usize) -> Option<usize> {
        let key = &self.keys[start..];
        while let Some(i) = last {
            if self.key(i) == key {
                return Some(i);
            }
            last = self.entries[i].before;
        }
        None
    }

    fn key(&self, i: usize) -> &[u8] {
        let start = i.checked_sub(1).map_or(0, |before| self.entries[before].key_end);
        &self.keys[start..self.entries[i].key_end]
    }

    fn encode(&self, n_values: usize) -> SampleBuffer {
        let mut samples = SampleBuffer::default();
        let mut packed = Vec::new();
        for i in 0..self.entries.len() {
            let mut labels = self.key(i);
            let locations = take_bytes(&mut labels).unwrap_or_default();
            packed.clear();
            for value in &self.values[i * n_values..(i + 1) * n_values] {
                put_varint(&mut packed, value.cast_unsigned());
            }
            samples.push(Encoded { locations, values: &packed, labels });
        }
        samples
    }
}

fn hash_of(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
