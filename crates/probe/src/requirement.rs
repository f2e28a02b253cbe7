//! What recording needs of a machine.

/// Something that recording needs of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What it is.
    pub what: String,
    /// Whether it is there.
    pub state: State,
}

/// Whether a requirement is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is.
    Met,
    /// It is not, and recording works with less.
    Limited {
        /// What is lost, and what to do.
        advice: String,
    },
    /// It is not, and recording does not work.
    Missing {
        /// What to do.
        advice: String,
    },
}
