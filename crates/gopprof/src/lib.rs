//! Reader and writer of profile.proto, the format of pprof.
//!
//! Owns the wire format, the model of a profile and its consistency ([`Profile`]); knows nothing about Go or maps.
//!
//! Samples dominate a profile: 250,000 of them with 63 frames each are 15.75 million location ids. They stay in their
//! encoded form, checked once while reading, and are decoded while iterating: the memory of a profile is that of its
//! inflated bytes and no more.
//!
//! Source: proto/profile.proto of github.com/google/pprof.

mod build;
mod error;
mod merge;
mod model;
mod read;
mod wire;
mod write;

pub use build::ProfileBuilder;
pub use error::{Error, ErrorKind, Parsed};
pub use merge::merge;
pub use model::{
    Function, FunctionIdx, Label, LabelValue, Line, Location, LocationIdx, Mapping, MappingIdx,
    Profile, Sample, StrId, ValueType,
};
pub use read::{Limits, parse_profile, read_profile};
pub use write::write_profile;
