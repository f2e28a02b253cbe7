//! Goroutines that waited for a lock.

use std::cmp::Ordering;
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

/// Waits for the locks that the functions of a site take or give back. Those of a function are shared by all its sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteLocks {
    /// By function, none of them empty. Order: of each as [`SiteLock::order`] has it.
    of_functions: Vec<Arc<[SiteLock]>>,
}

impl SiteLocks {
    /// Of these functions, the waits of each in order.
    pub(crate) fn of(of_functions: impl Iterator<Item = Arc<[SiteLock]>>) -> Self {
        Self { of_functions: of_functions.filter(|of| !of.is_empty()).collect() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.of_functions.is_empty()
    }

    /// All of them. Order: by source, the longest waits first. Complexity: O(n log n).
    pub fn in_order(&self) -> Vec<&SiteLock> {
        let mut locks: Vec<&SiteLock> = self.of_functions.iter().flat_map(|of| &**of).collect();
        locks.sort_by(|a, b| a.order(b));
        locks
    }
}

/// Of one function.
impl FromIterator<SiteLock> for SiteLocks {
    fn from_iter<I: IntoIterator<Item = SiteLock>>(locks: I) -> Self {
        let mut locks: Vec<SiteLock> = locks.into_iter().collect();
        locks.sort_by(SiteLock::order);
        Self::of(std::iter::once(locks.into()))
    }
}

impl SiteLock {
    /// By source, the longest waits first.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let by_time = other.waits.ns.cmp(&self.waits.ns);
        self.source
            .cmp(&other.source)
            .then(by_time)
            .then_with(|| self.frame.cmp(&other.frame))
            .then_with(|| self.call.cmp(&other.call))
    }
}
