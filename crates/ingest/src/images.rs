//! Which program a process ran at a time. Files have the records of each processor one after the other, so that a sample may
//! stand behind the record of an exec that came later, or before that of one that came first: only times tell.
//!
//! 1. A first pass over the file collects what processes mapped, forked and executed, with times.
//! 2. In the order of time, each fork and each exec begins an *image*: a process while it runs one program.
//! 3. The second pass asks for the image of each sample.

use std::collections::HashMap;
use std::fs::File;

use goperf::{Mapping, PerfFile, Record};

/// Mappings that forks inherit, of all images together, beyond which they inherit none: each is a copy.
const MAX_INHERITED: usize = 1 << 18;

/// The image of processes of which nothing is known.
const UNKNOWN: u32 = 0;

/// Times of records in one pass. Records without one are later than all before them.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    latest: u64,
}

impl Clock {
    pub(crate) fn moment(&mut self, time: Option<u64>) -> u64 {
        self.latest = self.latest.saturating_add(1).max(time.unwrap_or(0));
        time.unwrap_or(self.latest)
    }
}

/// Programs that processes ran.
#[derive(Debug, Default)]
pub(crate) struct Images {
    /// By process, the moments from which on it has an image. Order: by moment.
    by_pid: HashMap<u32, Vec<(u64, u32)>>,
    /// By image.
    pub(crate) mappings: HashMap<u32, Vec<Mapping>>,
    n: u32,
    n_inherited: usize,
}

#[derive(Debug)]
enum Change {
    Maps(Mapping),
    Forks { parent: u32 },
    Execs,
}

impl Images {
    /// The first pass.
    pub(crate) fn read(file: &mut PerfFile<File>) -> Self {
        let mut clock = Clock::default();
        let mut changes: Vec<(u64, u32, Change)> = Vec::new();
        // The second pass names what is wrong with the records.
        let _faults = file.read_records(|record| match record {
            Record::Sample(sample) => {
                clock.moment(sample.time);
            }
            Record::Mapping(mapping) => {
                let (moment, pid) = (clock.moment(mapping.time), mapping.pid);
                changes.push((moment, pid, Change::Maps(mapping)));
            }
            Record::Fork { pid, parent, time } if pid != parent => {
                changes.push((clock.moment(time), pid, Change::Forks { parent }));
            }
            Record::Exec { pid, time } => changes.push((clock.moment(time), pid, Change::Execs)),
            Record::Fork { .. } | Record::RoundEnds | Record::Lost { .. } => {}
        });
        changes.sort_by_key(|&(moment, ..)| moment);
        let mut images = Self::default();
        for (moment, pid, change) in changes {
            images.apply(moment, pid, change);
        }
        images
    }

    fn apply(&mut self, moment: u64, pid: u32, change: Change) {
        match change {
            Change::Maps(mapping) => {
                let image = match self.of(Some(pid), moment) {
                    // Nothing says since when.
                    UNKNOWN => self.begin(pid, 0),
                    image => image,
                };
                self.mappings.entry(image).or_default().push(mapping);
            }
            Change::Forks { parent } => {
                let inherited = self.mappings.get(&self.of(Some(parent), moment));
                let n = self.n_inherited + inherited.map_or(0, Vec::len);
                let inherited = inherited.filter(|_| n <= MAX_INHERITED).cloned();
                let image = self.begin(pid, moment);
                if let Some(inherited) = inherited {
                    self.n_inherited = n;
                    self.mappings.insert(image, inherited);
                }
            }
            Change::Execs => {
                self.begin(pid, moment);
            }
        }
    }

    fn begin(&mut self, pid: u32, moment: u64) -> u32 {
        self.n += 1;
        self.by_pid.entry(pid).or_default().push((moment, self.n));
        self.n
    }

    /// Processes with the last program that each ran.
    pub(crate) fn last(&self) -> impl Iterator<Item = (u32, u32)> {
        self.by_pid.iter().filter_map(|(&pid, images)| Some((pid, images.last()?.1)))
    }

    /// The image of a process at a moment. Complexity: O(log images of the process).
    pub(crate) fn of(&self, pid: Option<u32>, moment: u64) -> u32 {
        let images = self.by_pid.get(&pid.unwrap_or(0)).map_or(&[][..], |images| images);
        let n = images.partition_point(|&(begins, _)| begins <= moment);
        images[..n].last().map_or(UNKNOWN, |&(_, image)| image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(pid: u32, file: &str) -> Change {
        let (file, build_id, time) = (file.to_owned(), None, None);
        Change::Maps(Mapping { pid, start: 0, len: 1, file_offset: 0, file, build_id, time })
    }

    fn files(images: &Images, pid: u32, moment: u64) -> Vec<&str> {
        let mappings = images.mappings.get(&images.of(Some(pid), moment));
        mappings.into_iter().flatten().map(|mapping| mapping.file.as_str()).collect()
    }

    #[test]
    fn a_process_is_what_it_ran_at_the_time() {
        let mut images = Images::default();
        images.apply(0, 1, maps(1, "shell"));
        images.apply(10, 2, Change::Forks { parent: 1 });
        images.apply(20, 2, Change::Execs);
        images.apply(21, 2, maps(2, "program"));
        images.apply(30, 3, Change::Forks { parent: 2 });
        assert_eq!(files(&images, 2, 10), ["shell"]);
        assert_eq!(files(&images, 2, 19), ["shell"]);
        assert_eq!(files(&images, 2, 20), ["program"]);
        assert_eq!(files(&images, 3, 99), ["program"]);
        assert_eq!(files(&images, 1, 99), ["shell"]);
        assert_eq!((images.of(Some(2), 9), images.of(Some(4), 5)), (UNKNOWN, UNKNOWN));
    }

    #[test]
    fn what_forks_inherit_is_bounded() {
        let mut images = Images::default();
        (0..1000).for_each(|_| images.apply(0, 1, maps(1, "library")));
        (2..2000).for_each(|pid| images.apply(1, pid, Change::Forks { parent: 1 }));
        let n: usize = images.mappings.values().map(Vec::len).sum();
        assert!((MAX_INHERITED / 2..=MAX_INHERITED + 1000).contains(&n), "{n}");
        assert_ne!(images.of(Some(1999), 1), UNKNOWN);
    }

    #[test]
    fn records_without_a_time_keep_the_order_of_the_file() {
        let mut clock = Clock::default();
        assert_eq!(
            [None, Some(50), None, Some(40), None].map(|time| clock.moment(time)),
            [1, 50, 51, 40, 53]
        );
    }
}
