//! The frame rules on real profiles of Go 1.21 to 1.27.
#![allow(clippy::unwrap_used, missing_docs)]

mod frames;
