//! Names for addresses that a profile has without, as profilers outside the program write them.

use std::collections::HashMap;

use crate::error::ErrorKind;
use crate::model::{Function, FunctionIdx, Line, Profile};
use crate::strings::StrId;

/// A function and a line at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'n> {
    /// Name of the function.
    pub function: &'n str,
    /// Source file.
    pub file: &'n str,
    /// Line, from 1; 0 when unknown.
    pub line: i64,
}

impl Profile {
    /// Gives each location that has no line those that `at` knows for its position, innermost inlined function first.
    ///
    /// # Errors
    /// When a table becomes longer than an index can tell. Locations named until then keep their names.
    pub fn resolve<'n>(
        &mut self,
        mut at: impl FnMut(usize) -> Vec<Named<'n>>,
    ) -> Result<(), ErrorKind> {
        let mut names = Names { strings: HashMap::new(), functions: HashMap::new() };
        for idx in 0..self.locations.len() {
            if !self.locations[idx].lines.is_empty() {
                continue;
            }
            let lines = at(idx)
                .into_iter()
                .map(|named| names.line(self, named))
                .collect::<Result<_, _>>()?;
            self.locations[idx].lines = lines;
        }
        Ok(())
    }
}

/// What was added to the tables of a profile.
struct Names<'n> {
    strings: HashMap<&'n str, StrId>,
    functions: HashMap<(StrId, StrId), FunctionIdx>,
}

impl<'n> Names<'n> {
    fn line(&mut self, profile: &mut Profile, named: Named<'n>) -> Result<Line, ErrorKind> {
        let name = self.string(profile, named.function)?;
        let filename = self.string(profile, named.file)?;
        let function = match self.functions.get(&(name, filename)) {
            Some(&known) => known,
            None => {
                let too_many = |_| ErrorKind::TooMany { what: "functions" };
                let idx = FunctionIdx(u32::try_from(profile.functions.len()).map_err(too_many)?);
                let function = Function { name, system_name: name, filename, start_line: 0 };
                profile.functions.push(function);
                self.functions.insert((name, filename), idx);
                idx
            }
        };
        Ok(Line { function: Some(function), line: named.line, column: 0 })
    }

    fn string(&mut self, profile: &mut Profile, text: &'n str) -> Result<StrId, ErrorKind> {
        if let Some(&known) = self.strings.get(text) {
            return Ok(known);
        }
        let id = StrId(profile.strings.len() as u32);
        profile.strings.push(text.as_bytes())?;
        self.strings.insert(text, id);
        Ok(id)
    }
}
