//! The string table: all strings of a profile in one text.

use crate::error::ErrorKind;

/// Index into the string table of a [`Profile`](crate::Profile); 0 is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StrId(pub(crate) u32);

impl StrId {
    /// Whether this is the empty string: something without name, unit or file.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Shape: `ends` ascends; string `i` is `text[ends[i - 1]..ends[i]]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    /// A table with the empty string alone, which every profile starts with.
    pub(crate) fn with_empty() -> Strings {
        Strings { text: String::new(), ends: vec![0] }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Length of all strings together, in bytes.
    pub(crate) fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Appends a string and says whether it was UTF-8.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, ErrorKind> {
        let text = String::from_utf8_lossy(bytes);
        let too_many = || ErrorKind::TooMany { what: "bytes of strings" };
        let end = u32::try_from(self.text.len() + text.len()).map_err(|_| too_many())?;
        // Every string but an empty one makes `text` longer; empty ones have to be counted too.
        u32::try_from(self.ends.len()).map_err(|_| too_many())?;
        self.text.push_str(&text);
        self.ends.push(end);
        Ok(matches!(text, std::borrow::Cow::Borrowed(_)))
    }

    pub(crate) fn get(&self, id: StrId) -> Option<&str> {
        let i = id.0 as usize;
        let end = *self.ends.get(i)? as usize;
        let start = match i.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(start..end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).filter_map(|i| self.get(StrId(i)))
    }
}
