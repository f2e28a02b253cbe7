//! Model of Go's map: what each runtime frame means for the cost of a map, block sizes per layout, and how maps grow.
//!
//! Owns the names, numbers and rules of Go's runtime that concern maps; what differs between releases stands in `goabi`.
//! Takes names and numbers in and gives values out; it knows no file format. How maps grow is said in closed form; the
//! crate `gomap-oracle` does the same operation by operation, and tests hold the two against each other.

pub mod blocks;
mod error;
mod estimate;
mod forecast;
mod frames;
mod growth;
mod layout;
mod shape;
mod types;
mod what_if;

pub use error::{Error, ErrorKind};
pub use estimate::Estimate;
pub use frames::{
    Category, FrameClass, Kind, MapWork, Phase, StackClass, calls_other_code, classify_function,
    classify_stack, function_category,
};
pub use growth::{ByKind, Forecast, GrowKind, Growth};
pub use layout::{Layout, room};
pub use shape::{MapShape, SlotPart};
pub use types::{GoType, MapType};
pub use what_if::{Hints, MapsOfSize, Rewrite, SHARDS, Sizes, what_if};
