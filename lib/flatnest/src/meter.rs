//! The meter: what the growth of a map costs, counted while the program runs.
//!
//! [`Metered`] wraps a [`FlatMap`](crate::FlatMap), a `HashMap` of `std` or `hashbrown`, or, with [`Nested`], a
//! `HashMap<K1, HashMap<K2, V>>` of either. It counts entries written, entries moved by growth, and bytes allocated,
//! and so knows the map's *write amplification*: (inserted + moved) / inserted, in entries or bytes.
//!
//! - Each table counts its own entries. In a nested map the first entry of a row is two inserts: of the row into the
//!   outer table, and of the entry into the row's table.
//! - Moved is every entry that growth writes again: into a larger table, into the same table to be rid of tombstones,
//!   or, with `shrink_to_fit`, into a smaller one. In a [`FlatMap`](crate::FlatMap) it is every entry that gets another
//!   place in memory.
//! - Bytes of entries are their size in the table. What keys and values own elsewhere does not move.
//!
//! A metered map is read like the map itself, through `Deref`. It is written through methods of `Metered`, each of which
//! looks at the map before and after. Nothing is counted inside the maps of `std` and `hashbrown`, so a map that is not
//! wrapped costs nothing.
//!
//! ```
//! use flatnest::meter::{Metered, Nested};
//! use std::collections::HashMap;
//!
//! let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
//! for user in 0..100 {
//!     for item in 0..20 {
//!         map.insert(user, item, 1.5);
//!     }
//! }
//! assert_eq!(map[&7][&3], 1.5);
//! let figures = map.meter().figures();
//! assert_eq!(figures.inserts, 100 + 100 * 20);
//! // Each row moved 3, 7 and 14 entries, the outer table 3, 7, 14, 28 and 56.
//! assert_eq!(figures.moved_entries, 100 * 24 + 108);
//! ```

use alloc::boxed::Box;
use core::fmt;
use core::ops::Deref;

mod counts;
mod flat_map;
mod hash_map;
#[cfg(any(feature = "prometheus", feature = "opentelemetry"))]
mod meters;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
#[cfg(feature = "prometheus")]
mod prometheus;
mod table;

pub use counts::{Figures, Meter};
pub use hash_map::Nested;
#[cfg(any(feature = "prometheus", feature = "opentelemetry"))]
pub use meters::Meters;

/// What became of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowKind {
    /// Memory was allocated where none was, which moves nothing.
    First,
    /// Entries went into a larger table, or a [`FlatMap`](crate::FlatMap) grew by a piece.
    Larger,
    /// Entries were written again in place, to be rid of tombstones.
    SameSize,
    /// Entries went into a smaller table.
    Smaller,
}

impl GrowKind {
    /// All kinds.
    pub const ALL: [GrowKind; 4] =
        [GrowKind::First, GrowKind::Larger, GrowKind::SameSize, GrowKind::Smaller];

    /// The name of the kind in metrics.
    ///
    /// ```
    /// assert_eq!(flatnest::meter::GrowKind::SameSize.name(), "same_size");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            GrowKind::First => "first",
            GrowKind::Larger => "larger",
            GrowKind::SameSize => "same_size",
            GrowKind::Smaller => "smaller",
        }
    }
}

/// One event of growth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grow {
    /// What became of the table.
    pub kind: GrowKind,
    /// Steps that the event stands for: 1, or more where one operation let a [`FlatMap`](crate::FlatMap) grow at
    /// several places.
    pub n_grows: u64,
    /// Entries that had room before and have room now, tombstones not counted off. `None` for a
    /// [`FlatMap`](crate::FlatMap), which has no such limit: it grows by pieces.
    pub capacity: Option<(usize, usize)>,
    /// Entries that were written again.
    pub moved_entries: u64,
    /// Units: bytes. Size of the entries that were written again.
    pub moved_bytes: u64,
    /// Units: bytes. Allocated for the event.
    pub allocated_bytes: u64,
}

/// A map that [`Metered`] can wrap: [`FlatMap`](crate::FlatMap), `HashMap` of `std` and `hashbrown`, and [`Nested`] ones.
pub trait Meterable: sealed::Meterable {}

mod sealed {
    /// The part of `Meterable` that is not for others.
    pub trait Meterable {
        /// What the meter remembers of a map between operations.
        type State;

        /// What it remembers of a map as it is.
        fn state(&self) -> Self::State;
    }
}

impl<M: sealed::Meterable> Meterable for M {}

/// Who wants to know of each growth.
type OnGrow = Box<dyn FnMut(&Grow) + Send + Sync>;

/// A map whose growth is counted. See the [module](self).
///
/// Wrap a map while it is new: of a map that was filled before, tombstones hide how large its tables are, so that its
/// next growth may be taken for another kind, with other bytes allocated. Entries moved are right in any case. What an
/// operation did before it panicked, because a key's `Hash` or `Eq` did, may be missing from the figures.
///
/// ```
/// use flatnest::meter::Metered;
///
/// let mut map = Metered::new(hashbrown::HashMap::new());
/// map.insert("key", 1);
/// map.insert("key", 2);
/// let figures = map.meter().figures();
/// assert_eq!((figures.assigns, figures.inserts), (2, 1));
/// assert_eq!(map.into_inner()["key"], 2);
/// ```
pub struct Metered<M: Meterable> {
    map: M,
    state: M::State,
    record: Record,
}

/// Where growth is told.
#[derive(Default)]
struct Record {
    meter: Meter,
    on_grow: Option<OnGrow>,
}

impl Record {
    /// One assign that made a new entry of type `E`.
    #[inline]
    fn inserted<E>(&mut self) {
        self.wrote::<E>(1, 1);
    }

    /// One assign to an entry that was there.
    #[inline]
    fn overwritten(&mut self) {
        self.meter.counts.assigned(1);
    }

    /// Assigns, of which some made new entries of type `E`.
    #[inline]
    fn wrote<E>(&mut self, n_assigns: usize, n_inserts: usize) {
        self.meter.counts.assigned(n_assigns as u64);
        self.meter.counts.inserted(n_inserts as u64, size_of::<E>());
    }

    #[inline]
    fn grown(&mut self, grow: Option<Grow>) {
        if let Some(grow) = grow {
            self.tell(&grow);
        }
    }

    #[cold]
    fn tell(&mut self, grow: &Grow) {
        self.meter.counts.grown(grow);
        if let Some(on_grow) = &mut self.on_grow {
            on_grow(grow);
        }
    }
}

impl<M: Meterable> Metered<M> {
    /// Wraps `map`, and counts from now on. O(1).
    ///
    /// ```
    /// let map = flatnest::meter::Metered::new(std::collections::HashMap::from([(1, 2)]));
    /// assert_eq!((map.len(), map.meter().figures().inserts), (1, 0));
    /// ```
    pub fn new(map: M) -> Metered<M> {
        Metered { state: map.state(), map, record: Record::default() }
    }

    /// Calls `reaction` after each event of growth, in the thread that caused it. A second call replaces the first.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// let (events, seen) = mpsc::channel();
    /// let mut map = flatnest::meter::Metered::new(std::collections::HashMap::new())
    ///     .on_grow(move |grow| events.send(grow.capacity).unwrap());
    /// for key in 0..4 {
    ///     map.insert(key, "value");
    /// }
    /// assert_eq!(seen.try_iter().collect::<Vec<_>>(), [Some((0, 3)), Some((3, 7))]);
    /// ```
    #[must_use]
    pub fn on_grow(mut self, reaction: impl FnMut(&Grow) + Send + Sync + 'static) -> Metered<M> {
        self.record.on_grow = Some(Box::new(reaction));
        self
    }

    /// The meter of this map, in O(1). Clones of it read the same counters.
    ///
    /// ```
    /// let map = flatnest::meter::Metered::new(std::collections::HashMap::<u8, u8>::new());
    /// assert_eq!(map.meter().figures().write_amplification(), None);
    /// ```
    pub fn meter(&self) -> Meter {
        self.record.meter.clone()
    }

    /// The map without its meter, in O(1).
    ///
    /// ```
    /// let map = flatnest::meter::Metered::new(std::collections::HashMap::from([(1, 2)]));
    /// assert_eq!(map.into_inner()[&1], 2);
    /// ```
    pub fn into_inner(self) -> M {
        self.map
    }
}

impl<M: Meterable> Deref for Metered<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.map
    }
}

impl<M: Meterable + fmt::Debug> fmt::Debug for Metered<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.record.meter.figures();
        f.debug_struct("Metered").field("map", &self.map).field("figures", &figures).finish()
    }
}
