//! Execution traces where they lie: those in files are read batch by batch, since they may be larger than memory.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use gotrace::ErrorKind;

use crate::regular::open_regular;

/// An execution trace.
#[derive(Debug)]
pub enum TraceInput {
    /// A file that stays open. Mapping it would make the program die when somebody cuts it meanwhile.
    File {
        /// Open for reading.
        file: File,
        /// Units: bytes.
        n_bytes: u64,
    },
    /// All of it, from a server or a pipe.
    Memory(Vec<u8>),
}

impl TraceInput {
    /// The file of this name; `None` when it is none that can be read at any offset.
    pub(crate) fn open(name: &str) -> Option<Self> {
        let file = open_regular(Path::new(name))?;
        let n_bytes = file.metadata().ok()?.len();
        Some(Self::File { file, n_bytes })
    }
}

impl<'a> gotrace::Input<'a> for &'a TraceInput {
    fn n_bytes(&self) -> u64 {
        match self {
            TraceInput::File { n_bytes, .. } => *n_bytes,
            TraceInput::Memory(bytes) => bytes.len() as u64,
        }
    }

    fn bytes(&self, offset: u64, len: usize) -> Result<Cow<'a, [u8]>, ErrorKind> {
        match self {
            TraceInput::File { file, .. } => read_at(file, offset, len)
                .map(Cow::Owned)
                .map_err(|error| ErrorKind::Unreadable(error.kind())),
            TraceInput::Memory(bytes) => bytes.as_slice().bytes(offset, len),
        }
    }
}

/// Up to `len` bytes, fewer only at the end of the file.
fn read_at(file: &File, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut n_read = 0;
    while n_read < len {
        match file.read_at(&mut bytes[n_read..], offset + n_read as u64) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(n_read);
    Ok(bytes)
}
