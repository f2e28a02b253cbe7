//! A profile in memory.

use std::fmt::Write;

use crate::error::{Error, ErrorKind};
use crate::samples::{SampleBuffer, Samples, check_sample};
use crate::strings::{StrId, Strings};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// Position in the table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// Position in [`Profile::mappings`].
    MappingIdx
);
index!(
    /// Position in [`Profile::locations`].
    LocationIdx
);
index!(
    /// Position in [`Profile::functions`].
    FunctionIdx
);

/// What a column of values measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ValueType {
    /// `cpu`, `alloc_space`.
    pub kind: StrId,
    /// `nanoseconds`, `bytes`, `count`.
    pub unit: StrId,
}

/// A file mapped into the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Mapping {
    /// First address in the process.
    pub memory_start: u64,
    /// First address after it.
    pub memory_limit: u64,
    /// Offset in the file of `memory_start`.
    pub file_offset: u64,
    /// Path of the file, or a name such as `[vdso]`.
    pub filename: StrId,
    /// Build id of the file, hexadecimal; empty when unknown.
    pub build_id: StrId,
    /// Whether functions are resolved.
    pub has_functions: bool,
    /// Whether file names are resolved.
    pub has_filenames: bool,
    /// Whether line numbers are resolved.
    pub has_line_numbers: bool,
    /// Whether inlined functions are resolved.
    pub has_inline_frames: bool,
}

/// An address with the functions there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Location {
    /// The mapping that holds `address`.
    pub mapping: Option<MappingIdx>,
    /// Address in the process.
    pub address: u64,
    /// Innermost inlined function first, the real function last.
    pub lines: Vec<Line>,
    /// Whether other functions share this code.
    pub is_folded: bool,
}

/// A line of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Line {
    /// The function; `None` when the file names none.
    pub function: Option<FunctionIdx>,
    /// Line, from 1; 0 when unknown.
    pub line: i64,
    /// Column, from 1; 0 when unknown.
    pub column: i64,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Function {
    /// Name to show.
    pub name: StrId,
    /// Name in the object file.
    pub system_name: StrId,
    /// Source file.
    pub filename: StrId,
    /// First line.
    pub start_line: i64,
}

/// A profile. Each index in it is valid: it was checked when it was read or built.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// Meaning of the columns of [`Sample::values`](crate::Sample::values).
    pub sample_types: Vec<ValueType>,
    /// Files mapped into the process; the main program first.
    pub mappings: Vec<Mapping>,
    /// Addresses that samples refer to.
    pub locations: Vec<Location>,
    /// Functions that locations refer to.
    pub functions: Vec<Function>,
    /// Frames to drop from stacks: a regular expression, or empty.
    pub drop_frames: StrId,
    /// Frames to keep though dropped: a regular expression, or empty.
    pub keep_frames: StrId,
    /// Units: nanoseconds since 1970; 0 when unknown.
    pub time_nanos: i64,
    /// Units: nanoseconds; 0 when unknown.
    pub duration_nanos: i64,
    /// Meaning of `period`.
    pub period_type: Option<ValueType>,
    /// Events between samples, in units of `period_type`.
    pub period: i64,
    /// Free text about the profile.
    pub comments: Vec<StrId>,
    /// Sample type that tools show first; empty when the last is meant.
    pub default_sample_type: StrId,
    /// Address of documentation, or empty.
    pub doc_url: StrId,
    pub(crate) strings: Strings,
    pub(crate) samples: SampleBuffer,
}

impl Profile {
    /// The string with this id; empty for an id of another profile.
    pub fn str(&self, id: StrId) -> &str {
        self.strings.get(id).unwrap_or_default()
    }

    /// Number of samples. Complexity: O(1).
    pub fn n_samples(&self) -> usize {
        self.samples.len()
    }

    /// Samples in the order of the file, decoded on the way.
    pub fn samples(&self) -> Samples<'_> {
        Samples::new(self)
    }

    /// Position of the sample type with this name, such as `alloc_space`.
    pub fn sample_type_named(&self, kind: &str) -> Option<usize> {
        self.sample_types.iter().position(|t| self.str(t.kind) == kind)
    }

    /// Says whether every reference holds, and every sample has one value per sample type. Reading and building
    /// ensure it; run after every parse.
    ///
    /// # Errors
    /// The first reference that does not hold.
    pub fn check_valid(&self) -> Result<(), Error> {
        let tables = self.check_strings().and_then(|()| self.check_locations());
        tables.map_err(|kind| Error { offset: 0, kind })?;
        for (sample, offset) in self.samples.with_offsets(self) {
            check_sample(sample).map_err(|kind| Error { offset, kind })?;
        }
        Ok(())
    }

    fn check_strings(&self) -> Result<(), ErrorKind> {
        let head =
            [self.drop_frames, self.keep_frames, self.default_sample_type, self.doc_url, StrId(0)];
        let types = self.sample_types.iter().chain(&self.period_type);
        let ids = head
            .into_iter()
            .chain(self.comments.iter().copied())
            .chain(types.flat_map(|t| [t.kind, t.unit]))
            .chain(self.mappings.iter().flat_map(|m| [m.filename, m.build_id]))
            .chain(self.functions.iter().flat_map(|f| [f.name, f.system_name, f.filename]));
        let n_strings = self.strings.len();
        for id in ids {
            if id.0 as usize >= n_strings {
                return Err(ErrorKind::NoSuchString { index: u64::from(id.0), n_strings });
            }
        }
        Ok(())
    }

    fn check_locations(&self) -> Result<(), ErrorKind> {
        for location in &self.locations {
            if let Some(idx) = location.mapping.filter(|m| m.index() >= self.mappings.len()) {
                return Err(ErrorKind::NoSuchMapping { id: u64::from(idx.0) + 1 });
            }
            let mut functions = location.lines.iter().filter_map(|line| line.function);
            if let Some(idx) = functions.find(|f| f.index() >= self.functions.len()) {
                return Err(ErrorKind::NoSuchFunction { id: u64::from(idx.0) + 1 });
            }
        }
        Ok(())
    }

    /// The sample types and the period type in words: `samples/count, cpu/nanoseconds; cpu/nanoseconds`.
    pub(crate) fn measures(&self) -> String {
        let mut text = String::new();
        let name = |t: &ValueType| format!("{}/{}", self.str(t.kind), self.str(t.unit));
        for (i, t) in self.sample_types.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            // Writing to a String does not fail.
            let _ = write!(text, "{comma}{}", name(t));
        }
        if let Some(t) = &self.period_type {
            let _ = write!(text, "; {}", name(t));
        }
        text
    }
}
