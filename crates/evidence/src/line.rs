//! Lines of source, and when two frames are the same one.

use std::collections::HashMap;
use std::sync::Arc;

use super::Frame;
use super::words::base_name;

/// Lines of source. A name is kept once, however many lines have it: inputs can repeat one in millions of lines.
///
/// A line is the same in all inputs when these are the same:
///
/// - The function by its whole name.
/// - The file by its last part: `-trimpath` changes the folders before it, and inputs of one program may be of builds with
///   and without. It counts at all because `//line` directives put lines of several files into one function, as generated
///   parsers have them.
/// - The line.
///
/// Which functions the line was inlined into is no part of it: the line is changed once for all its copies. It is said of
/// a site beside.
#[derive(Debug, Default)]
pub struct LineTable {
    functions: Names,
    paths: Names,
    file_names: Names,
    /// By path, its last part.
    file_names_of_paths: Vec<u32>,
    lines: Vec<Line>,
    /// By function, last part of the path, and number.
    by_key: HashMap<(FunctionId, u32, u32), LineId>,
}

/// A line of a [`LineTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LineId(u32);

/// A function of a [`LineTable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FunctionId(u32);

/// A path of a [`LineTable`], as an input names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId(u32);

#[derive(Debug)]
struct Line {
    function: FunctionId,
    path: PathId,
    number: u32,
}

impl LineId {
    /// Its position, from 0 in the order in which lines were added.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl FunctionId {
    /// Its position, from 0 in the order in which functions were added.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl LineTable {
    /// Adds a function, or finds it.
    pub fn function(&mut self, name: &str) -> FunctionId {
        FunctionId(self.functions.add(name))
    }

    /// Adds a path, or finds it.
    pub fn path(&mut self, path: &str) -> PathId {
        let id = self.paths.add(path);
        self.path_of(id)
    }

    /// The path with this position in `paths`, which may have been added just now.
    fn path_of(&mut self, id: u32) -> PathId {
        if id as usize == self.file_names_of_paths.len() {
            let file_name = self.file_names.add(base_name(self.paths.text(id)));
            self.file_names_of_paths.push(file_name);
        }
        PathId(id)
    }

    /// Adds a line, or finds it. Complexity: O(1), unless it is known by another path.
    pub fn line(&mut self, function: FunctionId, path: PathId, number: u32) -> LineId {
        let next = LineId(self.lines.len() as u32);
        let file_name = self.file_names_of_paths[path.0 as usize];
        let id = *self.by_key.entry((function, file_name, number)).or_insert(next);
        if id == next {
            self.lines.push(Line { function, path, number });
            return id;
        }
        // Of several paths the least: one from the root comes before one within a module.
        let known = &mut self.lines[id.index()].path;
        if *known != path && self.paths.text(path.0) < self.paths.text(known.0) {
            *known = path;
        }
        id
    }

    /// Adds the line of a frame, or finds it. Names that are new become the table's without a copy.
    pub fn add(&mut self, frame: &Frame) -> LineId {
        let function = FunctionId(self.functions.add(Arc::clone(&frame.function)));
        let path = self.paths.add(Arc::clone(&frame.file));
        let path = self.path_of(path);
        self.line(function, path, frame.line)
    }

    /// The line of a frame; `None` when it is not known.
    pub fn find(&self, frame: &Frame) -> Option<LineId> {
        let function = FunctionId(self.functions.find(&frame.function)?);
        let file_name = self.file_names.find(base_name(&frame.file))?;
        self.by_key.get(&(function, file_name, frame.line)).copied()
    }

    /// The line with its names, which are those of the table.
    ///
    /// # Panics
    /// When the id is of another table.
    pub fn frame(&self, id: LineId) -> Frame {
        let Line { function, path, number } = self.lines[id.index()];
        let (function, file) = (self.name(function), self.paths.text(path.0));
        Frame { function: Arc::clone(function), file: Arc::clone(file), line: number }
    }

    /// The function that a line is in.
    ///
    /// # Panics
    /// When the id is of another table.
    pub fn function_of(&self, id: LineId) -> FunctionId {
        self.lines[id.index()].function
    }

    /// The name of a function.
    ///
    /// # Panics
    /// When the id is of another table.
    pub fn name(&self, id: FunctionId) -> &Arc<str> {
        self.functions.text(id.0)
    }

    /// The names of all functions. Order: by id.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.functions.texts.iter()
    }

    /// All lines, in the order of their first appearance.
    pub fn lines(&self) -> impl Iterator<Item = LineId> {
        (0..self.lines.len() as u32).map(LineId)
    }

    /// Number of lines.
    pub fn n_lines(&self) -> usize {
        self.lines.len()
    }

    /// Number of functions.
    pub fn n_functions(&self) -> usize {
        self.functions.texts.len()
    }
}

/// Texts, each once; ids count from 0.
#[derive(Debug, Default)]
struct Names {
    texts: Vec<Arc<str>>,
    by_text: HashMap<Arc<str>, u32>,
}

impl Names {
    /// Adds a text, or finds it. One that is shared already is not copied.
    fn add(&mut self, text: impl AsRef<str> + Into<Arc<str>>) -> u32 {
        if let Some(id) = self.find(text.as_ref()) {
            return id;
        }
        let (id, text): (_, Arc<str>) = (self.texts.len() as u32, text.into());
        self.texts.push(Arc::clone(&text));
        self.by_text.insert(text, id);
        id
    }

    fn find(&self, text: &str) -> Option<u32> {
        self.by_text.get(text).copied()
    }

    fn text(&self, id: u32) -> &Arc<str> {
        &self.texts[id as usize]
    }
}

impl Frame {
    /// Whether both are the same line, as a [`LineTable`] has it.
    pub fn is_same_line(&self, other: &Self) -> bool {
        self.line == other.line
            && self.function == other.function
            && base_name(&self.file) == base_name(&other.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, line: u32) -> Frame {
        Frame { function: "main.parse".into(), file: file.into(), line }
    }

    #[test]
    fn folders_are_no_part_of_a_line_and_files_are() {
        let mut lines = LineTable::default();
        let [here, trimmed, generated, below] = [
            ("/home/me/calc/expr.y", 7),
            ("example.com/calc/expr.y", 7),
            ("expr.go", 7),
            ("expr.y", 8),
        ]
        .map(|(file, line)| frame(file, line));
        let id = lines.add(&trimmed);
        assert_eq!(lines.add(&here), id);
        assert_eq!(lines.find(&frame("expr.y", 7)), Some(id));
        assert_eq!(lines.find(&generated), None);
        assert_ne!(lines.add(&generated), id);
        assert_ne!(lines.add(&below), id);
        // Of its paths the least.
        assert_eq!(lines.frame(id), here);
    }

    #[test]
    fn a_name_is_kept_once_for_all_its_lines() {
        let mut lines = LineTable::default();
        for line in 1..=1000 {
            lines.add(&frame("/a/expr.y", line));
            lines.add(&frame("/b/expr.y", line));
        }
        assert_eq!((lines.n_lines(), lines.n_functions()), (1000, 1));
        assert_eq!((lines.paths.texts.len(), lines.file_names.texts.len()), (2, 1));
    }

    #[test]
    fn a_frame_of_a_table_has_the_name_that_was_added_first() {
        let mut lines = LineTable::default();
        let [first, second] = [7, 8].map(|line| lines.add(&frame("expr.y", line)));
        let [first, second] = [first, second].map(|id| lines.frame(id));
        assert!(Arc::ptr_eq(&first.function, &second.function));
        assert!(Arc::ptr_eq(&first.file, &second.file));
        let mut others = LineTable::default();
        let id = others.add(&first);
        assert!(Arc::ptr_eq(&others.frame(id).function, &first.function));
    }
}
