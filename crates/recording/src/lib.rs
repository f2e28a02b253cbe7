//! What a recording of map growth says, and how: the one place that spells its names out.
//!
//! A recording is a pprof profile. This crate owns what makes it one of map growth; docs/recording.md is for its readers.
//!
//! 1. A sample is a [`Row`]: CPU samples, growths, or maps made with a size hint. Which sample types it has values of says
//!    which; labels say the map's type and what happened to it.
//! 2. What holds for the recording as a whole are its [`Facts`], each a comment `key=value`. One table has all keys.
//! 3. Where no function is known a [`Placeholder`] stands for it.
//!
//! [`Writer`] and [`Reader`] go through the same tables. A file may be of another version, or hostile: a key that is not
//! known is passed over, one that is missing is `None`, and so is a value that is not of its kind. Nothing here draws
//! conclusions, or knows where files are.

mod facts;
mod read;
mod row;
mod value;
mod write;

pub use facts::{Facts, GrowsRange};
pub use read::{Reader, is_recording};
pub use row::{KNOWN_BY, Labels, Precision, Row, SAMPLE_TYPES, UNKNOWN_TYPE};
pub use value::{Ending, Fixed, LinkKind};
pub use write::{Executable, Frame, Span, Writer, ns_per_sample};

/// Version of labels and comments.
pub const FORMAT: u64 = 1;

/// A name in place of a function's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Placeholder {
    /// Of a growth that was counted without its stack.
    NoStack,
    /// Of a CPU sample without frames of the program.
    NoUserStack,
    /// Code of other files: C libraries, the vDSO.
    OutsideGo,
}

impl Placeholder {
    /// As in the recording.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoStack => "[stack not recorded]",
            Self::NoUserStack => "[no user stack]",
            Self::OutsideGo => "[outside Go]",
        }
    }
}
