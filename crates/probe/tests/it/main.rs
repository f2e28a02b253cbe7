//! The recorder from the outside. What needs root, a kernel that allows BPF, or Go, says so where it is skipped.
#![allow(clippy::unwrap_used, missing_docs)]

mod object;
