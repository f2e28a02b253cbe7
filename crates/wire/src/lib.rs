//! What readers of foreign bytes share: variable-length integers, the fields of protobuf messages, and values with what was
//! wrong with them.
//!
//! It knows no message.

mod faults;
mod fields;
mod varint;

pub use faults::{Fault, Faults, Parsed};
pub use fields::{
    Announced, Field, Fields, Malformed, Value, each_number, fields, put_bytes, put_number,
    split_tag, take_bytes,
};
pub use varint::{put_varint, take_varint, varint_len};
