//! Goroutines that waited for a lock.

use std::ops::AddAssign;
use std::sync::Arc;

use super::{Frame, SourceId};

/// Waiting for locks, as one source saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessLocks {
    /// The source.
    pub source: SourceId,
    /// Whose stacks it has.
    pub side: LockSide,
    /// All mutexes of package sync.
    pub total: Waits,
    /// Units: nanoseconds that the source covers; `None` when it does not say.
    pub duration_ns: Option<u64>,
}

/// Whose stack a wait is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockSide {
    /// The goroutine that waits: at `Lock`.
    Waiter,
    /// The goroutine that held the lock: at `Unlock`.
    Holder,
}

/// Waits, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waits {
    /// How many.
    pub n: u64,
    /// Units: nanoseconds of all goroutines together.
    pub ns: u64,
}

impl AddAssign for Waits {
    fn add_assign(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        self.ns = self.ns.saturating_add(other.ns);
    }
}

/// Waits for a lock that is taken or given back in the function of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteLock {
    /// The source; its [`ProcessLocks`] says the rest.
    pub source: SourceId,
    /// Whose stack it is.
    pub side: LockSide,
    /// What was called: `sync.(*Mutex).Lock`.
    pub call: Arc<str>,
    /// The line that called it.
    pub frame: Frame,
    /// The waits.
    pub waits: Waits,
}
