//! Reader and writer of profile.proto, the format of pprof.
//!
//! Owns the wire format, the model of a profile and its consistency ([`Profile`]); knows nothing about Go or maps.
//!
//! Samples dominate a profile: 250,000 of them with 63 frames each are 15.75 million location ids, 31 MB encoded. A
//! profile is read in about this memory:
//!
//! 1. The input, plain or gzip, is inflated piece by piece, and each top-level field is handled as it arrives, in
//!    whatever order the writer chose (Go writes samples early and strings last).
//! 2. Strings go into one text. A sample is brought into one form and appended, still encoded, to one buffer.
//!    Mappings, locations and functions are set aside.
//! 3. At the end functions, mappings and locations are decoded in this order, so that each reference is resolved to a
//!    position at once.
//! 4. [`Profile::check_valid`] passes over everything. Only when it finds something wrong, when the ids of
//!    locations were not 1, 2, 3…, or when stacks may have more than [`MAX_FRAMES`] frames, the samples are encoded
//!    anew, without what cannot be kept.
//!
//! A sample is decoded when it is looked at, each time: [`Profile::samples`].
//!
//! Source: proto/profile.proto of github.com/google/pprof.

mod build;
mod depth;
mod error;
mod input;
mod merge;
mod model;
mod read;
mod resolve;
mod samples;
mod strings;
mod write;

pub use build::ProfileBuilder;
pub use depth::MAX_FRAMES;
pub use error::{Error, ErrorKind, Parsed};
pub use merge::merge;
pub use model::{
    Function, FunctionIdx, Line, Location, LocationIdx, Mapping, MappingIdx, Profile, ValueType,
};
pub use read::{
    Limits, MAX_LINES, count_samples, has_sample_type, is_profile, parse_profile, read_profile,
};
pub use resolve::Named;
pub use samples::{Label, LabelValue, Labels, Locations, Sample, Samples, Values};
pub use strings::StrId;
pub use write::{write_profile, write_proto};
