//! The grammar of Go's types, by recursive descent.

use super::{Equality, GoType, MapType};
use crate::error::{Error, ErrorKind};

/// Deeper types than anyone writes would overflow the stack.
const MAX_DEPTH: u32 = 64;

pub(super) fn parse_map(text: &str) -> Result<MapType, Error> {
    let mut parser = Parser { text, offset: 0, depth: 0 };
    let start = parser.skip_spaces();
    let parsed = parser.go_type()?;
    parser.skip_spaces();
    if parser.offset < text.len() {
        return Err(parser.expected("the end of the type"));
    }
    let not_a_map = Error { offset: start, kind: ErrorKind::Expected("a map type") };
    parsed.map.map(|map| *map).ok_or(not_a_map)
}

struct Parser<'t> {
    text: &'t str,
    offset: usize,
    depth: u32,
}

impl<'t> Parser<'t> {
    fn go_type(&mut self) -> Result<GoType, Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(ErrorKind::TooDeep));
        }
        self.depth += 1;
        let parsed = self.any_type();
        self.depth -= 1;
        parsed
    }

    fn any_type(&mut self) -> Result<GoType, Error> {
        self.skip_spaces();
        if self.accepts("*") {
            return self.go_type().map(|_| GoType::pointer());
        }
        if self.accepts("[") {
            return self.slice_or_array();
        }
        if self.accepts("<-") {
            self.skip_spaces();
            self.expect("chan", "`chan`")?;
            return self.channel();
        }
        if self.accepts("(") {
            let inner = self.go_type()?;
            self.expect(")", "`)`")?;
            return Ok(inner);
        }
        let start = self.offset;
        match self.word() {
            "map" => self.map(),
            "struct" => self.structure(),
            "chan" => self.channel(),
            "func" => self.function(),
            "interface" => self.interface(),
            "" => Err(self.expected("a type")),
            name => predeclared(name).ok_or_else(|| Error {
                offset: start,
                kind: ErrorKind::UnknownName(name.to_owned()),
            }),
        }
    }

    fn map(&mut self) -> Result<GoType, Error> {
        self.expect("[", "`[`")?;
        let start = self.skip_spaces();
        let key = self.go_type()?;
        if key.equality == Equality::None {
            return Err(Error { offset: start, kind: ErrorKind::KeyNotComparable });
        }
        self.expect("]", "`]`")?;
        let elem = self.go_type()?;
        Ok(GoType::map(MapType { key, elem }))
    }

    fn slice_or_array(&mut self) -> Result<GoType, Error> {
        if self.accepts("]") {
            return self.go_type().map(|_| GoType::words(3, Equality::None));
        }
        let length = self.word().parse().map_err(|_| self.expected("a length"))?;
        self.expect("]", "`]`")?;
        let elem = self.go_type()?;
        GoType::array(length, &elem).ok_or_else(|| self.error(ErrorKind::TooLarge))
    }

    fn channel(&mut self) -> Result<GoType, Error> {
        self.skip_spaces();
        self.accepts("<-");
        self.go_type().map(|_| GoType::pointer())
    }

    /// `{ a int; b, c string; T }`, also with tags.
    fn structure(&mut self) -> Result<GoType, Error> {
        self.expect("{", "`{`")?;
        let mut fields = Vec::new();
        while !self.accepts("}") {
            let n_names = self.field_names();
            let field = self.go_type()?;
            fields.extend(std::iter::repeat_n(field, n_names));
            self.skip_tag()?;
            if !self.accepts(";") && !self.peeks("}") {
                return Err(self.expected("`;` or `}`"));
            }
        }
        GoType::structure(&fields).ok_or_else(|| self.error(ErrorKind::TooLarge))
    }

    /// Reads `a, b` before a type; embedded fields have no name and count as one.
    fn field_names(&mut self) -> usize {
        self.skip_spaces();
        let start = self.offset;
        let mut n_names = 0;
        loop {
            self.skip_spaces();
            if self.word().is_empty() {
                break;
            }
            n_names += 1;
            if !self.accepts(",") {
                break;
            }
        }
        let is_embedded = n_names > 0 && (self.peeks(";") || self.peeks("}") || self.peeks("\""));
        if n_names == 0 || is_embedded {
            self.offset = start;
            return 1;
        }
        n_names
    }

    fn skip_tag(&mut self) -> Result<(), Error> {
        for quote in ["\"", "`"] {
            if self.accepts(quote) {
                let length = self.rest().find(quote).ok_or_else(|| self.expected("a quote"))?;
                self.offset += length + quote.len();
            }
        }
        Ok(())
    }

    /// What a function takes and gives does not change its size; a result in parentheses is skipped as text.
    fn function(&mut self) -> Result<GoType, Error> {
        self.skip_balanced("(", ")")?;
        if self.peeks("(") {
            self.skip_balanced("(", ")")?;
        } else if self.starts_type() {
            self.go_type()?;
        }
        Ok(GoType::words(1, Equality::None))
    }

    fn starts_type(&mut self) -> bool {
        self.skip_spaces();
        self.rest().starts_with(|c: char| c.is_alphabetic() || "*[<".contains(c))
    }

    fn interface(&mut self) -> Result<GoType, Error> {
        self.skip_balanced("{", "}")?;
        Ok(GoType::words(2, Equality::Own))
    }

    fn skip_balanced(&mut self, open: &'static str, close: &'static str) -> Result<(), Error> {
        self.expect(open, open)?;
        let mut depth = 1;
        while depth > 0 {
            let rest = self.rest();
            let next = rest.find([open, close].map(|s| s.as_bytes()[0] as char));
            let at = next.ok_or_else(|| self.expected(close))?;
            depth = if rest[at..].starts_with(open) { depth + 1 } else { depth - 1 };
            self.offset += at + 1;
        }
        Ok(())
    }

    fn rest(&self) -> &'t str {
        &self.text[self.offset..]
    }

    fn skip_spaces(&mut self) -> usize {
        self.offset = self.text.len() - self.rest().trim_start().len();
        self.offset
    }

    /// A name or number; empty when there is none.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '/');
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        self.offset += end;
        &rest[..end]
    }

    fn peeks(&mut self, token: &str) -> bool {
        self.skip_spaces();
        self.rest().starts_with(token)
    }

    fn accepts(&mut self, token: &str) -> bool {
        let is_there = self.peeks(token);
        if is_there {
            self.offset += token.len();
        }
        is_there
    }

    fn expect(&mut self, token: &str, name: &'static str) -> Result<(), Error> {
        if self.accepts(token) { Ok(()) } else { Err(self.expected(name)) }
    }

    fn expected(&self, what: &'static str) -> Error {
        self.error(ErrorKind::Expected(what))
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error { offset: self.offset, kind }
    }
}

fn predeclared(name: &str) -> Option<GoType> {
    let memory = |size| GoType::scalar(size, Equality::Memory);
    Some(match name {
        "bool" | "int8" | "uint8" | "byte" => memory(1),
        "int16" | "uint16" => memory(2),
        "int32" | "uint32" | "rune" => memory(4),
        "int" | "uint" | "int64" | "uint64" | "uintptr" => memory(8),
        "float32" => GoType::scalar(4, Equality::Own),
        "float64" => GoType::scalar(8, Equality::Own),
        "complex64" => GoType { align: 4, ..GoType::scalar(8, Equality::Own) },
        "complex128" => GoType::scalar(16, Equality::Own),
        "string" => GoType::words(2, Equality::Text),
        "error" | "any" => GoType::words(2, Equality::Own),
        "unsafe.Pointer" => GoType::pointer(),
        _ => return None,
    })
}
