//! Model of Go's map: what each runtime frame means for the cost of a map, Go versions, and block sizes per layout.
//!
//! Owns the names and numbers of Go's runtime that concern maps. Takes names and numbers in and gives values out; it
//! knows no file format.

mod frames;
mod layout;
mod version;

pub use frames::{
    Category, FrameClass, Kind, MapOp, Phase, StackClass, classify_function, classify_stack,
    function_category,
};
pub use layout::{Layout, room};
pub use version::{GoVersion, MapImpl};
