//! When two frames are the same line of source.

use super::Frame;

/// The identity of a line of source, the same in all inputs.
///
/// - The function by its whole name.
/// - The file by its last part: `-trimpath` changes the folders before it, and inputs of one program may be of builds with
///   and without. It counts at all because `//line` directives put lines of several files into one function, as generated
///   parsers have them.
/// - The line.
///
/// Which functions the line was inlined into is no part of it: the line is changed once for all its copies. It is said of
/// a site beside.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineKey {
    function: String,
    file_name: String,
    line: u32,
}

impl LineKey {
    /// Of a line as an input names it.
    pub fn of(function: &str, file: &str, line: u32) -> Self {
        let file_name = file_name(file).to_owned();
        Self { function: function.to_owned(), file_name, line }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Frame {
    /// Its identity.
    pub fn key(&self) -> LineKey {
        LineKey::of(&self.function, &self.file, self.line)
    }

    /// Whether both have the same [`LineKey`].
    pub fn is_same_line(&self, other: &Self) -> bool {
        self.line == other.line
            && self.function == other.function
            && file_name(&self.file) == file_name(&other.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_no_part_of_a_line_and_files_are() {
        let key = |file, line| LineKey::of("main.parse", file, line);
        assert_eq!(key("/home/me/calc/expr.y", 7), key("example.com/calc/expr.y", 7));
        assert_ne!(key("/home/me/calc/expr.y", 7), key("/home/me/calc/expr.go", 7));
        assert_ne!(key("expr.y", 7), key("expr.y", 8));
    }
}
