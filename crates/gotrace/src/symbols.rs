//! Strings and stacks that stay valid beyond their generation.

use std::collections::HashMap;

use crate::tables::{Frame, StackId, StrId, Tables};

/// A string of [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Name(u32);

/// A stack of [`Symbols`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StackKey(u32);

impl StackKey {
    /// No stack.
    pub const NONE: Self = Self(0);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FrameEntry {
    pc: u64,
    func: Name,
    file: Name,
    line: u64,
}

/// Strings and stacks, each kept once. Equal stacks of different generations are one.
///
/// A lookup is one step, except for the first of a string or stack in its generation.
#[derive(Debug)]
pub struct Symbols {
    names: Vec<Box<str>>,
    name_by_text: HashMap<Box<str>, Name>,
    frames: Vec<FrameEntry>,
    frame_by_content: HashMap<FrameEntry, u32>,
    stacks: Vec<Box<[u32]>>,
    stack_by_content: HashMap<Box<[u32]>, StackKey>,
    /// By id in the current generation.
    known_names: Vec<u32>,
    known_stacks: Vec<u32>,
}

/// Stands for "not yet" in `known_names` and `known_stacks`.
const UNKNOWN: u32 = u32::MAX;

/// Sets an entry of a table that grows.
fn remember(known: &mut Vec<u32>, id: u32, key: u32) {
    let at = id as usize;
    if at >= known.len() {
        known.resize(at + 1, UNKNOWN);
    }
    known[at] = key;
}

impl Default for Symbols {
    fn default() -> Self {
        let (no_text, no_frames): (Box<str>, Box<[u32]>) = (Box::default(), Box::default());
        Self {
            names: vec![no_text.clone()],
            name_by_text: HashMap::from([(no_text, Name(0))]),
            frames: Vec::new(),
            frame_by_content: HashMap::new(),
            stacks: vec![no_frames.clone()],
            stack_by_content: HashMap::from([(no_frames, StackKey::NONE)]),
            known_names: Vec::new(),
            known_stacks: Vec::new(),
        }
    }
}

impl Symbols {
    /// Forgets the ids of the last generation.
    pub fn begin_generation(&mut self) {
        self.known_names.clear();
        self.known_stacks.clear();
    }

    /// A string by its text.
    fn intern(&mut self, text: &str) -> Name {
        if let Some(&name) = self.name_by_text.get(text) {
            return name;
        }
        let name = Name(self.names.len() as u32);
        self.names.push(text.into());
        self.name_by_text.insert(text.into(), name);
        name
    }

    /// A string of the current generation.
    #[inline]
    pub fn name(&mut self, tables: &Tables, id: StrId) -> Name {
        match self.known_names.get(id.0 as usize) {
            Some(&name) if name != UNKNOWN => Name(name),
            _ => self.add_name(tables, id),
        }
    }

    #[cold]
    fn add_name(&mut self, tables: &Tables, id: StrId) -> Name {
        let name = self.intern(tables.text(id));
        remember(&mut self.known_names, id.0, name.0);
        name
    }

    /// A stack of the current generation.
    #[inline]
    pub fn stack(&mut self, tables: &Tables, id: StackId) -> StackKey {
        match self.known_stacks.get(id.0 as usize) {
            Some(&key) if key != UNKNOWN => StackKey(key),
            _ => self.add_stack(tables, id),
        }
    }

    #[cold]
    fn add_stack(&mut self, tables: &Tables, id: StackId) -> StackKey {
        let positions: Box<[u32]> = tables.frames(id).map(|frame| self.add_frame(frame)).collect();
        let key = match self.stack_by_content.get(&positions) {
            Some(&key) => key,
            None => {
                let key = StackKey(self.stacks.len() as u32);
                self.stacks.push(positions.clone());
                self.stack_by_content.insert(positions, key);
                key
            }
        };
        remember(&mut self.known_stacks, id.0, key.0);
        key
    }

    fn add_frame(&mut self, frame: Frame<'_>) -> u32 {
        let (func, file) = (self.intern(frame.func), self.intern(frame.file));
        let entry = FrameEntry { pc: frame.pc, func, file, line: frame.line };
        let next = self.frames.len() as u32;
        let position = *self.frame_by_content.entry(entry).or_insert(next);
        if position == next {
            self.frames.push(entry);
        }
        position
    }

    /// The text of a string.
    pub fn text(&self, name: Name) -> &str {
        self.names.get(name.0 as usize).map_or("", |text| text)
    }

    /// The frames of a stack. Shape: leaf first, inlined frames expanded.
    pub fn frames(&self, key: StackKey) -> impl ExactSizeIterator<Item = Frame<'_>> {
        let positions = self.stacks.get(key.0 as usize).map_or(&[][..], |positions| positions);
        positions.iter().map(|&position| {
            let entry = self.frames[position as usize];
            let (func, file) = (self.text(entry.func), self.text(entry.file));
            Frame { pc: entry.pc, func, file, line: entry.line }
        })
    }
}
