//! What can go wrong.

use core::fmt;

/// Memory for the map could not be allocated, or would be more than the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TryReserveError;

impl fmt::Display for TryReserveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory for the map could not be allocated")
    }
}

impl core::error::Error for TryReserveError {}

impl From<hashbrown::TryReserveError> for TryReserveError {
    fn from(_: hashbrown::TryReserveError) -> Self {
        Self
    }
}

impl From<alloc::collections::TryReserveError> for TryReserveError {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self
    }
}
