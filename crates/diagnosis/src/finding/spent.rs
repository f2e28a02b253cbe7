//! What map time is spent on beside growth.

/// What a map operation does at a moment, as far as the names of functions tell it. Nothing of it is growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spent {
    /// Hashing the key that is looked for: all of its bytes are read.
    Hashing,
    /// Loading groups or buckets and looking for the key in them.
    Searching,
    /// Comparing keys that one instruction does not compare: what strings point to, arrays and structs.
    Comparing,
    /// Reading, but for these.
    Reading,
    /// Deleting and clearing, but for these.
    Deleting,
    /// Going through all entries.
    Iterating,
    /// New maps and their first groups.
    Making,
    /// Copying and allocating keys and elements.
    Copying,
    /// Marking and sweeping, since memory is asked for.
    HelpingCollector,
    /// Write barriers.
    WriteBarriers,
}

impl Spent {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Hashing,
        Self::Searching,
        Self::Comparing,
        Self::Reading,
        Self::Deleting,
        Self::Iterating,
        Self::Making,
        Self::Copying,
        Self::HelpingCollector,
        Self::WriteBarriers,
    ];

    /// As what time is spent on: "hashing keys".
    pub fn label(self) -> &'static str {
        match self {
            Self::Hashing => "hashing keys",
            Self::Searching => "searching groups or buckets",
            Self::Comparing => "comparing keys",
            Self::Reading => "reading",
            Self::Deleting => "deleting",
            Self::Iterating => "iterating",
            Self::Making => "making maps",
            Self::Copying => "copying and allocating keys and elements",
            Self::HelpingCollector => "helping the collector",
            Self::WriteBarriers => "in write barriers",
        }
    }
}
