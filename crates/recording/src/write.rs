//! Writes a recording.

use std::ops::Range;

use gopprof::{
    Function, Line, Location, LocationIdx, Mapping, MappingIdx, Profile, ProfileBuilder, ValueType,
};

use crate::Placeholder;
use crate::facts::Facts;
use crate::row::{CPU, MOVED_SPACE, Row, SAMPLE_TYPES};

/// The recorded executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable<'a> {
    /// Where it is.
    pub path: &'a str,
    /// Which build it is. Shape: not empty, as backends need one.
    pub build_id: &'a str,
    /// Addresses of its code, as in its ELF file.
    pub text: Range<u64>,
    /// Where the code begins in the file.
    pub file_offset: u64,
}

/// When it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Units: nanoseconds since 1970; 0 when unknown.
    pub started_ns: i64,
    /// Units: nanoseconds.
    pub duration_ns: i64,
}

/// A function at a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Go's name with package path.
    pub function: &'a str,
    /// Source file as the compiler recorded it; empty when unknown.
    pub file: &'a str,
    /// Line, from 1; 0 when unknown.
    pub line: u32,
}

/// Collects the rows of a recording.
#[derive(Debug)]
pub struct Writer {
    builder: ProfileBuilder,
    main: MappingIdx,
    outside: MappingIdx,
}

impl Writer {
    /// A recording without rows.
    pub fn new(executable: &Executable<'_>, span: Span, facts: &Facts) -> Self {
        let mut builder = ProfileBuilder::default();
        let types = SAMPLE_TYPES.map(|(kind, unit)| ValueType {
            kind: builder.string(kind),
            unit: builder.string(unit),
        });
        let main = main_mapping(&mut builder, executable);
        let outside = outside_mapping(&mut builder);
        let comments = facts.comments().map(|comment| builder.string(&comment)).collect();
        let profile = builder.profile_mut();
        profile.sample_types = types.to_vec();
        profile.default_sample_type = types[MOVED_SPACE].kind;
        profile.comments = comments;
        profile.time_nanos = span.started_ns;
        profile.duration_nanos = span.duration_ns;
        if let Some(period) = facts.sample_hz.and_then(ns_per_sample) {
            profile.period = i64::try_from(period).unwrap_or(i64::MAX);
            profile.period_type = Some(types[CPU]);
        }
        Self { builder, main, outside }
    }

    /// An address in the executable with the functions there, innermost inlined one first.
    pub fn location<'f>(
        &mut self,
        address: u64,
        frames: impl Iterator<Item = Frame<'f>>,
    ) -> LocationIdx {
        let lines = frames.map(|frame| {
            let name = self.builder.string(frame.function);
            let filename = self.builder.string(frame.file);
            let function = Function { name, system_name: name, filename, start_line: 0 };
            let function = Some(self.builder.function(function));
            Line { function, line: frame.line.into(), column: 0 }
        });
        let lines = lines.collect();
        let mapping = Some(self.main);
        self.builder.location(Location { mapping, address, lines, is_folded: false })
    }

    /// A place that has no function.
    pub fn placeholder(&mut self, placeholder: Placeholder) -> LocationIdx {
        let name = self.builder.string(placeholder.name());
        let function = Function { name, system_name: name, ..Function::default() };
        let function = Some(self.builder.function(function));
        let lines = vec![Line { function, line: 0, column: 0 }];
        let mapping = Some(self.outside);
        self.builder.location(Location { mapping, address: 0, lines, is_folded: false })
    }

    /// Adds what is said of a stack, to what was said of it with the same labels. Shape: `stack` leaf first.
    pub fn row(&mut self, stack: &[LocationIdx], row: &Row<'_>) {
        self.builder.sample(stack, &row.values(), &row.labels());
    }

    /// The recording.
    pub fn finish(self) -> Profile {
        self.builder.finish()
    }
}

/// What a CPU sample stands for; `None` where there are none. Units: nanoseconds.
pub fn ns_per_sample(hz: u64) -> Option<u64> {
    1_000_000_000_u64.checked_div(hz)
}

/// The executable comes first, as tools expect it.
fn main_mapping(builder: &mut ProfileBuilder, executable: &Executable<'_>) -> MappingIdx {
    let filename = builder.string(executable.path);
    let build_id = builder.string(executable.build_id);
    builder.mapping(Mapping {
        memory_start: executable.text.start,
        memory_limit: executable.text.end,
        file_offset: executable.file_offset,
        filename,
        build_id,
        has_functions: true,
        has_filenames: true,
        has_line_numbers: true,
        has_inline_frames: true,
    })
}

/// Everything else: other files, frames that were not recorded. Every location has a mapping with a build id, without which
/// backends fail.
fn outside_mapping(builder: &mut ProfileBuilder) -> MappingIdx {
    let filename = builder.string(Placeholder::OutsideGo.name());
    let build_id = builder.string("none");
    builder.mapping(Mapping { filename, build_id, has_functions: true, ..Mapping::default() })
}
