//! The format below [`crate::Generations`]: header, ids, limits, and the events of a thread one by one.
//!
//! [`crate::scan()`] goes by them. They are public for whoever puts the events of threads together in another way.

pub use crate::cursor::{Cursor, Timed};
pub use crate::error::check_limit;
pub use crate::header::{HEADER_BYTES, parse_header};
pub use crate::ids::{IdHashMap, NONE, some_id};
pub use crate::spec::{MAX_BATCH_BYTES, MAX_FRAMES, MAX_TIMED_ARGS};
