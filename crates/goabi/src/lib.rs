//! What differs between releases of Go, as one table: [`RELEASES`], with a row for each release that is known.
//!
//! Owns every fact that depends on the release: which implementations of the map there are and how they grow, where type
//! descriptors, the module data and the function table have their fields. Facts that hold in all of them, but that several
//! crates need, stand here too ([`descriptor`], [`Kind`], [`MapOp`]), and how memory is read that holds such structures
//! ([`ReadMemory`]). A release that is not in the table has no facts: see [`Release::of`].

pub mod descriptor;
mod maps;
mod memory;
mod release;
mod version;

pub use descriptor::Kind;
pub use maps::{MapAbi, MapImpl, MapOp, Nested, Prunes};
pub use memory::ReadMemory;
pub use release::{ModuleAbi, PclntabAbi, RELEASES, Release, TypeList};
pub use version::GoVersion;
