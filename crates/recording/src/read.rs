//! A profile read as a recording.

use gopprof::{Locations, Profile};

use crate::facts::Facts;
use crate::row::{KNOWN_BY, Places, Row};

/// Whether a profile is a recording.
pub fn is_recording(profile: &Profile) -> bool {
    profile.sample_type_named(KNOWN_BY).is_some()
}

/// A profile read as a recording: one of nothing where it is none.
#[derive(Debug)]
pub struct Reader<'p> {
    profile: &'p Profile,
    facts: Facts,
    places: Places,
}

impl<'p> Reader<'p> {
    /// Reads what holds for the whole of it.
    pub fn new(profile: &'p Profile) -> Self {
        let comments = profile.comments.iter().map(|&comment| profile.str(comment));
        Self { profile, facts: Facts::read(comments), places: Places::of(profile) }
    }

    /// What it says of itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its samples in the order of the file, each with its stack, leaf first; decoded on the way, each time anew.
    pub fn rows(&self) -> impl Iterator<Item = (Locations<'p>, Row<'p>)> {
        let samples = self.profile.samples();
        samples.map(|sample| (sample.locations(), Row::read(&sample, &self.places)))
    }
}
