//! Frames of a profile with what the collectors ask of each: its class, and the source line it stands for.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::{Frame, FunctionId, LineId, LineTable, PathId, printable};
use gomap::{FrameClass, StackClass, classify_function};
use gopprof::{Profile, StrId};

use crate::callers::Owner;

/// Functions and lines of all profiles of a run; the same line in two profiles has one id.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Names in it are printable.
    table: LineTable,
    /// By function.
    classes: Vec<FrameClass>,
    /// By function.
    owners: Vec<Owner>,
    /// Path of the program's module, if it is known.
    main_module: Option<String>,
}

/// One frame of a location, ready for the loop over samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameInfo {
    pub(crate) class: FrameClass,
    pub(crate) line: LineId,
    pub(crate) function: FunctionId,
    pub(crate) owner: Owner,
}

/// The frames of each location of one profile.
#[derive(Debug)]
pub(crate) struct LocationFrames {
    frames: Vec<FrameInfo>,
    ends: Vec<u32>,
}

impl Lines {
    /// Of a program whose module has this path, if it is known.
    pub(crate) fn of_program(main_module: Option<&str>) -> Self {
        Self { main_module: main_module.map(str::to_owned), ..Self::default() }
    }

    pub(crate) fn name(&self, id: FunctionId) -> &Arc<str> {
        self.table.name(id)
    }

    pub(crate) fn function_of(&self, id: LineId) -> FunctionId {
        self.table.function_of(id)
    }

    pub(crate) fn frame(&self, id: LineId) -> Frame {
        self.table.frame(id)
    }

    /// The class of each function. Order: by id.
    pub(crate) fn classes(&self) -> &[FrameClass] {
        &self.classes
    }

    /// All lines. Order: by id.
    pub(crate) fn lines(&self) -> impl Iterator<Item = LineId> {
        self.table.lines()
    }

    pub(crate) fn n_lines(&self) -> usize {
        self.table.n_lines()
    }

    pub(crate) fn n_functions(&self) -> usize {
        self.table.n_functions()
    }

    /// The names of all functions. Order: by id.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.table.names()
    }

    /// Registers every line of `profile` and returns the frames per location, leaf first.
    pub(crate) fn add_profile(&mut self, profile: &Profile) -> LocationFrames {
        let functions = self.add_functions(profile);
        let unknown = (self.add_function("(unknown)"), self.table.path(""));
        let mut frames = Vec::new();
        let mut ends = Vec::with_capacity(profile.locations.len());
        for location in &profile.locations {
            for line in &location.lines {
                let (function, path) =
                    line.function.map_or(unknown, |function| functions[function.index()]);
                frames.push(self.add_line(function, path, u32::try_from(line.line).unwrap_or(0)));
            }
            if location.lines.is_empty() {
                frames.push(self.add_line(unknown.0, unknown.1, 0));
            }
            ends.push(frames.len() as u32);
        }
        LocationFrames { frames, ends }
    }

    /// The functions of a profile with their files. A string is looked at once, however many functions have it.
    fn add_functions(&mut self, profile: &Profile) -> Vec<(FunctionId, PathId)> {
        let mut names: HashMap<StrId, FunctionId> = HashMap::new();
        let mut paths: HashMap<StrId, PathId> = HashMap::new();
        let add = |function: &gopprof::Function| {
            let name = names.entry(function.name);
            let name = *name.or_insert_with_key(|&id| self.add_function(profile.str(id)));
            let path = paths.entry(function.filename);
            let path = path.or_insert_with_key(|&id| self.table.path(&printable(profile.str(id))));
            (name, *path)
        };
        profile.functions.iter().map(add).collect()
    }

    /// Registers a frame that is not part of a profile.
    pub(crate) fn add_frame(&mut self, function: &str, file: &str, line: u32) -> FrameInfo {
        let (function, path) = (self.add_function(function), self.table.path(&printable(file)));
        self.add_line(function, path, line)
    }

    fn add_function(&mut self, name: &str) -> FunctionId {
        let name = printable(name);
        let id = self.table.function(&name);
        if id.index() == self.classes.len() {
            self.classes.push(classify_function(&name));
            self.owners.push(Owner::of(&name, self.main_module.as_deref()));
        }
        id
    }

    fn add_line(&mut self, function: FunctionId, path: PathId, line: u32) -> FrameInfo {
        let class = self.classes[function.index()];
        let owner = self.owners[function.index()];
        FrameInfo { class, line: self.table.line(function, path, line), function, owner }
    }
}

/// Where in a stack the user's frame is that called a map operation; `None` outside map operations, and below none of the
/// user.
pub(crate) fn user_of(class: &StackClass, frames: &[FrameInfo]) -> Option<usize> {
    let (_, op_at) = class.op?;
    let above = frames[op_at + 1..].iter().position(|frame| !frame.class.is_runtime())?;
    Some(op_at + 1 + above)
}

impl LocationFrames {
    /// Frames of a location, innermost inlined function first.
    pub(crate) fn of(&self, location: gopprof::LocationIdx) -> &[FrameInfo] {
        let idx = location.index();
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] as usize };
        &self.frames[start..self.ends[idx] as usize]
    }
}
