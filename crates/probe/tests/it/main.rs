//! The recorder from the outside. What needs root, a kernel that allows BPF, or Go, says so where it is skipped.
#![allow(clippy::unwrap_used, missing_docs)]

mod exact;
mod filling;
mod large;
mod object;

use probe::State;

/// Whether this machine lets us record; says why not.
pub(crate) fn can_record() -> bool {
    let missing = probe::check(&[]).into_iter().find_map(|requirement| match requirement.state {
        State::Missing { advice } => {
            Some(format!("recording does not work here: {}: {advice}", requirement.what))
        }
        State::Met | State::Limited { .. } => None,
    });
    if let Some(why) = &missing {
        xtask::skip(why);
    }
    missing.is_none()
}
