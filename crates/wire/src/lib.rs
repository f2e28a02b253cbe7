//! What readers of foreign bytes share: variable-length integers, and values with what was wrong with them.
//!
//! It knows no format.

mod faults;
mod varint;

pub use faults::{Fault, Faults, Parsed};
pub use varint::{put_varint, take_varint, varint_len};
