//! Growths of classic maps to large arrays are counted in the gaps between windows as well.

use std::path::Path;
use std::time::Duration;

use gopprof::{LabelValue, Profile, Sample};
use probe::{Ending, Links, Options, Recorder, Target};
use xtask::go::{BuildOptions, toolchain};

use crate::can_record;
use crate::exact::{comment, user_function};

const VERSIONS: [&str; 3] = ["1.21.13", "1.22.10", "1.23.9"];
/// Slots before, of each growth to a large array on the way to 5,000 entries.
const LARGE_STEPS: [i64; 3] = [1024, 2048, 4096];

/// A recording under the usual budget of `testdata/large`, and the number of large maps that grew.
fn record(version: &str, what: &str) -> Option<(Profile, i64)> {
    if !can_record() {
        return None;
    }
    let Some(go) = toolchain(version) else {
        xtask::skip(&format!("no Go {version}"));
        return None;
    };
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/large");
    let path = go.build(&program, &BuildOptions::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("large");
    let argv = vec![path.into(), what.into(), said.clone().into()];
    let target = Target::Command { argv, exe: None };
    let (max_overhead, links) = (0.03, Links::Auto);
    let options = Options { target, max_overhead, sample_hz: 99, max_frames: 128, links };
    let mut recorder = Recorder::attach(&options).unwrap();
    recorder.start().unwrap();
    while !recorder.poll(Duration::from_secs(1)).unwrap().has_ended {}
    let recording = recorder.finish(Ending::Exit).unwrap();
    let n_maps = std::fs::read_to_string(said).unwrap().parse().unwrap();
    Some((recording.profile, n_maps))
}

fn number(sample: &Sample<'_>, key: &str) -> Option<i64> {
    sample.labels().find(|label| label.key == key).and_then(|label| match label.value {
        LabelValue::Num { value, .. } => Some(value),
        LabelValue::Str(_) => None,
    })
}

/// Growths of the large maps from this many slots.
fn grows_from(profile: &Profile, slots: i64) -> i64 {
    let grows = profile.sample_type_named("map_grows").unwrap();
    let samples = profile.samples().filter(|sample| {
        number(sample, "capacity_before") == Some(slots)
            && user_function(profile, sample) == "main.fillLarge"
    });
    samples.map(|sample| sample.value(grows)).sum()
}

#[test]
fn growths_to_large_arrays_are_exact_whatever_the_budget() {
    for version in VERSIONS {
        let Some((profile, n_maps)) = record(version, "grow") else { return };
        assert!(n_maps > 0 && comment(&profile, "windows") != "0", "{version}: {n_maps} maps");
        for slots in LARGE_STEPS {
            assert_eq!(grows_from(&profile, slots), n_maps, "{version}: from {slots} slots");
        }
        let says = |sample: Sample<'_>| number(&sample, "every_growth_from") == Some(1024);
        assert!(profile.samples().any(says), "{version}");
    }
}

#[test]
fn a_program_that_makes_large_maps_all_the_time_does_not_pay_for_it() {
    let version = VERSIONS[2];
    let Some((profile, _)) = record(version, "make") else { return };
    let has = |sample: Sample<'_>| number(&sample, "every_growth_from").is_some();
    assert!(!profile.samples().any(has), "{:?}", comment(&profile, "overhead_pct"));
}
