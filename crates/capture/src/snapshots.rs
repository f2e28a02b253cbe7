//! Profiles that add up, fetched again and again, so that the last are there when the program ends.

use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::endpoint::{Endpoint, NOT_COMPLETE, SNAPSHOTS, STOPPED, without_rights};
use crate::folder::Folder;
use crate::run::{AT_ONCE, FAULT, Outcome, no_thread, wait_until};
use crate::summary::{Ending, Missing};

pub(crate) struct Snapshots {
    endpoint: Option<Endpoint>,
    folder: Folder,
    /// Shape: one for each of [`SNAPSHOTS`], in their order, or none.
    outcomes: Vec<Outcome>,
    going_on: Option<JoinHandle<Vec<Outcome>>>,
}

impl Snapshots {
    pub(crate) fn new(endpoint: Option<Endpoint>, folder: Folder) -> Self {
        Self { endpoint, folder, outcomes: Vec::new(), going_on: None }
    }

    /// Fetches them within this time, unless that is still being done.
    pub(crate) fn begin(&mut self, time: Duration) {
        self.take();
        let (Some(endpoint), None) = (&self.endpoint, &self.going_on) else { return };
        let (endpoint, folder) = (endpoint.clone(), self.folder.clone());
        let fetch = move || match without_rights() {
            Ok(()) => endpoint.snapshots(&folder, time),
            Err(why) => all_missing(&why),
        };
        match Builder::new().spawn(fetch) {
            Ok(thread) => self.going_on = Some(thread),
            Err(error) => self.keep(all_missing(&no_thread(&error))),
        }
    }

    /// Waits for what is being fetched.
    pub(crate) fn wait(&mut self, end: Instant) {
        if let Some(thread) = &self.going_on {
            wait_until(end + AT_ONCE, || thread.is_finished());
        }
        self.take();
    }

    /// What came of them once the endpoint is closed: of each, that it is there or why not.
    pub(crate) fn finish(mut self, ending: Ending) -> Vec<Outcome> {
        self.wait(Instant::now());
        if self.outcomes.is_empty() {
            let why = match ending {
                Ending::Signal => STOPPED,
                Ending::Exit => "the program ended before the first was fetched",
                Ending::Duration => NOT_COMPLETE,
            };
            return all_missing(why);
        }
        self.outcomes
    }

    fn take(&mut self) {
        let Some(thread) = self.going_on.take_if(|thread| thread.is_finished()) else { return };
        self.keep(thread.join().unwrap_or_else(|_| all_missing(FAULT)));
    }

    /// What is fetched replaces what was fetched before, unless it failed.
    fn keep(&mut self, fetched: Vec<Outcome>) {
        if self.outcomes.is_empty() {
            return self.outcomes = fetched;
        }
        for (old, new) in self.outcomes.iter_mut().zip(fetched) {
            if new.is_ok() || old.is_err() {
                *old = new;
            }
        }
    }
}

/// None of them, for one reason.
fn all_missing(why: &str) -> Vec<Outcome> {
    SNAPSHOTS.iter().map(|snapshot| Err(Missing::new(snapshot.what, why))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Collected;

    #[test]
    fn a_thread_that_failed_leaves_what_was_fetched_before() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::prepare(&dir.path().join("capture")).expect("a folder");
        let mut snapshots = Snapshots::new(None, folder);
        let heap = Collected::new("heap.pprof", "heap profile", 1);
        let mut first = all_missing("it is empty");
        first[0] = Ok(heap.clone());
        snapshots.keep(first);
        snapshots.going_on = Some(std::thread::spawn(|| std::panic::resume_unwind(Box::new(0))));
        let fault = |what| Err(Missing::new(what, FAULT));
        let expected = [Ok(heap), fault("mutex profile"), fault("block profile")];
        snapshots.wait(Instant::now() + Duration::from_secs(60));
        assert_eq!(snapshots.outcomes, expected);
    }

    #[test]
    fn each_that_was_not_fetched_is_listed_with_the_reason() {
        let dir = tempfile::tempdir().expect("a folder");
        for (ending, why) in [
            (Ending::Exit, "the program ended before the first was fetched"),
            (Ending::Signal, STOPPED),
            (Ending::Duration, NOT_COMPLETE),
        ] {
            let folder = Folder::prepare(&dir.path().join("capture")).expect("a folder");
            let listed = Snapshots::new(None, folder).finish(ending);
            let expected = ["heap profile", "mutex profile", "block profile"];
            assert_eq!(listed, expected.map(|what| Err(Missing::new(what, why))));
        }
    }
}
