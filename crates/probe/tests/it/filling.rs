//! A recording that begins and ends while maps are filled meets every step of their growth alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use probe::{Ending, Links, Options, Recorder, Target};
use xtask::go::{BuildOptions, toolchain};

use crate::can_record;
use crate::large::number;

const VERSION: &str = "1.27.3";
/// Goroutines of `testdata/filling`, each of which is in the middle of a map when the recording begins, and when it ends.
const FILLING: i64 = 2;

/// Growths of many maps: each grows four times.
const ENOUGH: u64 = 1000;

/// A program that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn probes_of_all_steps_count_until_the_same_moment() {
    if !can_record() {
        return;
    }
    let Some(go) = toolchain(VERSION) else {
        xtask::skip(&format!("no Go {VERSION}"));
        return;
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/filling");
    let path = go.build(&program, &BuildOptions::default()).unwrap();
    let running = Running(Command::new(path).spawn().unwrap());
    for links in [Links::Auto, Links::Single] {
        let target = Target::Pids(vec![running.0.id()]);
        let options = Options { target, max_overhead: 1.0, sample_hz: 0, max_frames: 5, links };
        let mut recorder = Recorder::attach(&options).unwrap();
        recorder.start().unwrap();
        // Many maps, however little the program gets of this machine.
        let mut n_grows = 0;
        while n_grows < ENOUGH {
            let status = recorder.poll(Duration::from_millis(50)).unwrap();
            assert!(!status.has_ended, "it fills maps until it is killed");
            n_grows = status.n_grows;
        }
        let profile = recorder.finish(Ending::Duration).unwrap().profile;
        let grows = profile.sample_type_named("map_grows").unwrap();
        let mut steps: BTreeMap<i64, i64> = BTreeMap::new();
        for sample in profile.samples().filter(|sample| sample.value(grows) > 0) {
            let before = number(&sample, "capacity_before").unwrap();
            *steps.entry(before).or_default() += sample.value(grows);
        }
        let all: Vec<i64> = [8, 16, 32, 64].map(|slots| steps[&slots]).into();
        let (most, least) = (all.iter().max().unwrap(), all.iter().min().unwrap());
        assert!(most - least <= 2 * FILLING, "{links:?}: {steps:?}");
    }
}
