#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod arena_str;
mod batch;
mod convert;
mod entry;
mod error;
mod growth;
mod hash;
mod index;
mod iter;
mod map;
#[cfg(feature = "meter")]
pub mod meter;
#[cfg(feature = "rayon")]
mod parallel;
mod prefetch;
mod row;
#[cfg(feature = "serde")]
mod serde;
mod store;
#[cfg(feature = "sync")]
pub mod sync;
mod types;

pub use hashbrown::{DefaultHashBuilder, Equivalent};

pub use crate::arena_str::{Arena, ArenaStr};
pub use crate::entry::{Entry, EntryRef, OccupiedEntry, ToKey, VacantEntry, VacantEntryRef};
pub use crate::error::TryReserveError;
#[cfg(feature = "meter")]
pub use crate::growth::Growth;
pub use crate::iter::{
    Drain, DrainRow, IntoIter, Iter, IterMut, RowIter, RowIterMut, Rows, Values, ValuesMut,
};
pub use crate::map::FlatMap;
pub use crate::row::{Row, RowMut};

/// The examples of the migration guide are compiled and run with the tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/flatnest-migration.md")]
struct MigrationGuide;
