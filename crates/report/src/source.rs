//! Lines of source around a place, and the edit that is advised there.

use std::fmt::Debug;
use std::rc::Rc;

use evidence::Frame;

use crate::words::around_arguments;

/// Where source files are, by the names that the compiler gave them.
pub trait Sources: Debug {
    /// The first file that may be this one and is, by its text.
    fn find(&self, file: &str, is_it: &dyn Fn(&str) -> bool) -> Option<SourceFile>;
}

/// No source at hand.
#[derive(Debug, Clone, Copy)]
pub struct NoSources;

impl Sources for NoSources {
    fn find(&self, _: &str, _: &dyn Fn(&str) -> bool) -> Option<SourceFile> {
        None
    }
}

/// A file that was found.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// How the user may name it.
    pub path: String,
    /// All of it.
    pub text: Rc<str>,
}

/// Lines before and after the one that is meant.
const AROUND: u32 = 1;

/// A place in a file that was found.
pub(crate) struct Place {
    /// How the user may name the file.
    pub path: String,
    /// The line that is meant, from 1.
    pub line: u32,
    /// Lines with their numbers.
    pub around: Vec<(u32, String)>,
}

impl Place {
    /// `None` where the source is not at hand, or is another version: the function has to begin before the line.
    pub(crate) fn of(frame: &Frame, sources: &dyn Sources) -> Option<Self> {
        if frame.line == 0 {
            return None;
        }
        let is_it = |text: &str| is_in_function(text, &frame.function, frame.line);
        let file = sources.find(&frame.file, &is_it)?;
        let first = frame.line.saturating_sub(AROUND).max(1);
        let lines = (1..).zip(file.text.lines());
        let around = lines.skip(first as usize - 1).take_while(|(n, _)| *n <= frame.line + AROUND);
        let around = around.map(|(n, line)| (n, evidence::printable(&line.replace('\t', "    "))));
        Some(Self { path: file.path, line: frame.line, around: around.collect() })
    }
}

/// Whether the file has the line, and a function of that name begins before it. A function literal stands in the one that it is
/// named after.
fn is_in_function(text: &str, function: &str, line: u32) -> bool {
    let Some(name) = declared_name(function) else { return false };
    let mut lines = text.lines();
    let declared_at = lines.by_ref().take(line as usize).position(|text| declares(text, &name));
    // What is left of the lines up to the one that is meant.
    declared_at.is_some_and(|at| lines.count() + at + 1 >= line as usize)
}

/// `build` of `example.com/a/b.(*T[...]).build.func1`. A function literal is named after the function that it stands in.
fn declared_name(function: &str) -> Option<String> {
    let name = match around_arguments(function) {
        Some((head, tail)) => format!("{head}{tail}"),
        None => function.to_owned(),
    };
    let (_, of_package) = name.rsplit('/').next()?.split_once('.')?;
    let is_literal = |part: &&str| {
        let number = part.strip_prefix("func").or_else(|| part.strip_prefix("gowrap"));
        number.unwrap_or(part).bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let of_pointer = of_package
        .strip_prefix('(')
        .map(|receiver| receiver.split_once(").").unwrap_or_default().1);
    let mut parts =
        of_pointer.unwrap_or(of_package).split('.').take_while(|part| !is_literal(part));
    let first = parts.next()?;
    // `T.build` is the method of a type that is no pointer.
    let method = if of_pointer.is_none() { parts.next() } else { None };
    Some(method.unwrap_or(first)).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn declares(line: &str, name: &str) -> bool {
    let Some(rest) = line.strip_prefix("func ") else { return false };
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('(') {
        Some(receiver) => receiver.split_once(')').map_or("", |(_, rest)| rest.trim_start()),
        None => rest,
    };
    let after = rest.strip_prefix(name);
    after.is_some_and(|after| after.starts_with(['(', '[']))
}

/// The line with a hint, where it makes one map. `None` where it does not, or this cannot be told.
pub(crate) fn with_hint(line: &str, n: u64) -> Option<String> {
    if line.contains(['"', '`', '\'']) || line.contains("//") || line.contains("/*") {
        return None;
    }
    let makes = || line.match_indices("make(").filter(|(at, _)| is_word_at(line, *at));
    match makes().count() {
        1 => {
            let (at, call) = makes().next()?;
            let begin = at + call.len();
            let end = begin + position_outside(&line[begin..], b")]}")?;
            let arguments = &line[begin..end];
            let made = &arguments[..position_outside(arguments, b",").unwrap_or(arguments.len())];
            let is_map = !made.trim_start().starts_with(['[', '*'])
                && !made.trim_start().starts_with("chan");
            is_map.then(|| format!("{}{made}, {n}{}", &line[..begin], &line[end..]))
        }
        0 => {
            let (at, _) = line.match_indices("map[").find(|(at, _)| is_word_at(line, *at))?;
            let empty = line[at..].rfind("{}")?;
            let made = &line[at..at + empty];
            // A set: the elements are empty themselves.
            let plain = made.strip_suffix("struct{}").unwrap_or(made);
            let is_one = !plain.contains("{}") && !plain.contains(['=', ';', ':']);
            is_one.then(|| format!("{}make({made}, {n}){}", &line[..at], &line[at + empty + 2..]))
        }
        _ => None,
    }
}

/// Whether a word begins there that does not go on from before.
fn is_word_at(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|before| before.is_alphanumeric() || "_.]".contains(before))
}

/// Where one of these stands outside of brackets that begin in the text.
fn position_outside(text: &str, wanted: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if depth == 0 && wanted.contains(&byte) => return Some(at),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct One(&'static str);

    impl Sources for One {
        fn find(&self, _: &str, is_it: &dyn Fn(&str) -> bool) -> Option<SourceFile> {
            is_it(self.0).then(|| SourceFile { path: "main.go".to_owned(), text: self.0.into() })
        }
    }

    const TEXT: &str = "package main\n\nfunc (s *Set[K]) Add(k K) {\n\tif s.m == nil {\n\t\ts.m = make(map[K]bool)\n\t}\n\ts.m[k] = true\n}\n";

    fn place(function: &str, line: u32) -> Option<Place> {
        let frame = Frame { function: function.into(), file: "/src/main.go".into(), line };
        Place::of(&frame, &One(TEXT))
    }

    #[test]
    fn lines_are_those_of_the_function_or_none() {
        let of = place("main.(*Set[...]).Add", 5).expect("it is there");
        let around =
            [(4, "    if s.m == nil {"), (5, "        s.m = make(map[K]bool)"), (6, "    }")];
        assert_eq!(of.around, around.map(|(n, text)| (n, text.to_owned())));
        assert!(place("main.(*Set[...]).Add", 1).is_none(), "the function begins after it");
        assert!(place("main.(*Set[...]).Remove", 5).is_none(), "another version of the file");
        assert!(place("main.(*Set[...]).Add", 99).is_none(), "the file has no such line");
        assert!(place("main.(*Set[...]).Add", 0).is_none());
    }

    #[test]
    fn functions_are_declared_by_their_last_name() {
        let names = [
            ("main.build", Some("build")),
            ("example.com/a.b/c.build", Some("build")),
            ("example.com/a/b.(*T).build", Some("build")),
            ("main.T.build", Some("build")),
            ("main.build.func1", Some("build")),
            ("main.(*T).build.func1.2", Some("build")),
            ("main.(*T).build-fm", Some("build-fm")),
            ("main.Uniq[go.shape.string,go.shape.[]string]", Some("Uniq")),
            ("main.(*T[go.shape.struct { A example.com/b.C }]).Add", Some("Add")),
            ("main.(*T[...", None),
            ("main.", None),
            ("[stack not recorded]", None),
            ("main.(*T[...]).Add.func1", Some("Add")),
            ("runtime", None),
        ];
        for (function, name) in names {
            assert_eq!(declared_name(function).as_deref(), name, "{function}");
        }
    }

    #[test]
    fn a_make_gets_a_hint_where_it_is_plain_which() {
        let edits = [
            ("m := make(map[string]int)", Some("m := make(map[string]int, 9)")),
            ("m := make(map[string]int, 2)", Some("m := make(map[string]int, 9)")),
            ("m := make(map[string]int, f(1, 2))", Some("m := make(map[string]int, 9)")),
            ("s := Set{m: make(map[K]struct{})}", Some("s := Set{m: make(map[K]struct{}, 9)}")),
            ("m := make(Set[string])", Some("m := make(Set[string], 9)")),
            ("m := map[string]int{}", Some("m := make(map[string]int, 9)")),
            ("m := map[K]struct{}{}", Some("m := make(map[K]struct{}, 9)")),
            ("m := map[string][]int{}", Some("m := make(map[string][]int, 9)")),
            ("return &T{m: map[int]bool{}}", Some("return &T{m: make(map[int]bool, 9)}")),
            ("a, b := make(map[int]int), make(map[int]int)", None),
            ("s := make([]int)", None),
            ("c := make(chan int)", None),
            ("m := remake(map[int]int)", None),
            ("m := make(map[int]int) // a map", None),
            ("m := map[string]int{\"a\": 1}", None),
            ("m := make(map[int]int", None),
            ("m[k] = v", None),
        ];
        for (line, edited) in edits {
            assert_eq!(with_hint(line, 9).as_deref(), edited, "{line}");
        }
    }
}
