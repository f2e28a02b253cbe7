//! Frames of a profile with what the collectors ask of each: its class, and the source line it stands for.

use std::collections::HashMap;

use evidence::{Frame, LineKey, printable};
use gomap::{FrameClass, StackClass, classify_function};
use gopprof::Profile;

/// Index of a distinct line of source in [`Lines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct LineId(pub(crate) u32);

/// Index of a distinct function in [`Lines`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FunctionId(pub(crate) u32);

/// A function met in any of the profiles.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) class: FrameClass,
}

/// Functions and lines of all profiles of a run; the same line in two profiles has one id.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    functions: Vec<Function>,
    /// With the file.
    lines: Vec<(FunctionId, String, u32)>,
    by_name: HashMap<String, FunctionId>,
    by_key: HashMap<LineKey, LineId>,
    /// As inputs name them: most lines come often.
    by_path: HashMap<(FunctionId, String, u32), LineId>,
}

/// One frame of a location, ready for the loop over samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameInfo {
    pub(crate) class: FrameClass,
    pub(crate) line: LineId,
    pub(crate) function: FunctionId,
}

/// The frames of each location of one profile.
#[derive(Debug)]
pub(crate) struct LocationFrames {
    frames: Vec<FrameInfo>,
    ends: Vec<u32>,
}

impl Lines {
    pub(crate) fn function(&self, id: FunctionId) -> &Function {
        &self.functions[id.0 as usize]
    }

    pub(crate) fn function_of(&self, id: LineId) -> FunctionId {
        self.lines[id.0 as usize].0
    }

    pub(crate) fn frame(&self, id: LineId) -> Frame {
        let (function, file, line) = &self.lines[id.0 as usize];
        Frame { function: self.function(*function).name.clone(), file: file.clone(), line: *line }
    }

    pub(crate) fn n_lines(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn n_functions(&self) -> usize {
        self.functions.len()
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.iter()
    }

    /// Registers every line of `profile` and returns the frames per location, leaf first.
    pub(crate) fn add_profile(&mut self, profile: &Profile) -> LocationFrames {
        let functions: Vec<_> = profile
            .functions
            .iter()
            .map(|function| {
                (self.intern_function(profile.str(function.name)), profile.str(function.filename))
            })
            .collect();
        let unknown = self.intern_function("(unknown)");
        let mut frames = Vec::new();
        let mut ends = Vec::with_capacity(profile.locations.len());
        for location in &profile.locations {
            for line in &location.lines {
                let (function, file) =
                    line.function.map_or((unknown, ""), |function| functions[function.index()]);
                frames.push(self.intern_line(
                    function,
                    file,
                    u32::try_from(line.line).unwrap_or(0),
                ));
            }
            if location.lines.is_empty() {
                frames.push(self.intern_line(unknown, "", 0));
            }
            ends.push(frames.len() as u32);
        }
        LocationFrames { frames, ends }
    }

    /// Registers a frame that is not part of a profile.
    pub(crate) fn add_frame(&mut self, function: &str, file: &str, line: u32) -> FrameInfo {
        let function = self.intern_function(function);
        self.intern_line(function, file, line)
    }

    fn intern_function(&mut self, name: &str) -> FunctionId {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        let id = FunctionId(self.functions.len() as u32);
        self.functions.push(Function { name: printable(name), class: classify_function(name) });
        self.by_name.insert(name.to_owned(), id);
        id
    }

    fn intern_line(&mut self, function: FunctionId, file: &str, line: u32) -> FrameInfo {
        let class = self.function(function).class;
        let path = (function, file.to_owned(), line);
        if let Some(&line) = self.by_path.get(&path) {
            return FrameInfo { class, line, function };
        }
        let file = printable(file);
        let key = LineKey::of(&self.function(function).name, &file, line);
        let next = LineId(self.lines.len() as u32);
        let id = *self.by_key.entry(key).or_insert(next);
        if id == next {
            self.lines.push((function, file, line));
        } else if file < self.lines[id.0 as usize].1 {
            // As evidence names a line of several paths.
            self.lines[id.0 as usize].1 = file;
        }
        self.by_path.insert(path, id);
        FrameInfo { class, line: id, function }
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
