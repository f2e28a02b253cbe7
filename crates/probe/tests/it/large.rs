//! Splits of Swiss maps are counted in the gaps between windows as well, and growths of classic maps to large arrays on
//! amd64, unless there are too many.

use std::path::Path;
use std::time::Duration;

use gopprof::{LabelValue, Profile, Sample};
use probe::{Ending, Links, Options, Recorder, Target};
use xtask::go::{BuildOptions, toolchain};

use crate::can_record;
use crate::exact::{comment, user_function};

const VERSIONS: [&str; 3] = ["1.21.13", "1.22.10", "1.23.9"];
/// Longer than the program runs.
const WHOLE: Duration = Duration::from_secs(600);
/// Slots before, of each growth to a large array on the way to 5,000 entries.
const LARGE_STEPS: [i64; 3] = [1024, 2048, 4096];

/// What probes may cost by default.
const USUAL: f64 = 0.03;

/// Recordings of `testdata/large`, one after the other, and the number of large maps that grew.
fn record(
    version: &str,
    what: &str,
    max_overhead: f64,
    rotation: Duration,
) -> Option<(Vec<Profile>, i64)> {
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
    let (sample_hz, links) = (99, Links::Auto);
    let options = Options { target, max_overhead, sample_hz, max_frames: 128, links };
    let mut recorder = Recorder::attach(&options).unwrap();
    recorder.start().unwrap();
    let mut recordings = Vec::new();
    while !recorder.poll(rotation).unwrap().has_ended {
        recordings.push(recorder.rotate().unwrap());
    }
    recordings.push(recorder.finish(Ending::Exit).unwrap());
    let n_maps = std::fs::read_to_string(said).unwrap().parse().unwrap();
    Some((recordings.into_iter().map(|recording| recording.profile).collect(), n_maps))
}

pub(crate) fn number(sample: &Sample<'_>, key: &str) -> Option<i64> {
    sample.labels().find(|label| label.key == key).and_then(|label| match label.value {
        LabelValue::Num { value, .. } => Some(value),
        LabelValue::Str(_) => None,
    })
}

/// Growths of the large maps from this many slots.
fn grows_from(profiles: &[Profile], slots: i64) -> i64 {
    let of_one = |profile: &Profile| {
        let grows = profile.sample_type_named("map_grows").unwrap();
        let samples = profile.samples().filter(|sample| {
            number(sample, "capacity_before") == Some(slots)
                && user_function(profile, sample) == "main.fillLarge"
        });
        samples.map(|sample| sample.value(grows)).sum::<i64>()
    };
    profiles.iter().map(of_one).sum()
}

fn has_windows(profile: &Profile) -> bool {
    !["", "0"].contains(&comment(profile, "windows"))
}

#[test]
fn growths_to_large_arrays_are_exact_whatever_the_budget() {
    if cfg!(not(target_arch = "x86_64")) {
        xtask::skip("large arrays are told from others on amd64 only");
        return;
    }
    for version in VERSIONS {
        let Some((profiles, n_maps)) = record(version, "grow", USUAL, WHOLE) else { continue };
        assert!(n_maps > 0, "{version}");
        for slots in LARGE_STEPS {
            assert_eq!(grows_from(&profiles, slots), n_maps, "{version}: from {slots} slots");
        }
        let says = |sample: Sample<'_>| number(&sample, "every_growth_from") == Some(1024);
        // On a machine that is busy otherwise it may never get so fast that the budget matters.
        assert!(!has_windows(&profiles[0]) || profiles[0].samples().any(says), "{version}");
    }
}

/// Of what is counted at all times nothing is in two recordings or in none, though windows open and close meanwhile.
#[test]
fn a_rotation_between_windows_loses_nothing_that_is_counted_at_all_times() {
    let version = VERSIONS[2];
    let Some((profiles, n_maps)) = record(version, "grow", USUAL, Duration::from_millis(300))
    else {
        return;
    };
    assert!(profiles.len() > 3, "{}", profiles.len());
    if !profiles.iter().any(has_windows) {
        return xtask::skip("the program did not get enough of this machine for windows");
    }
    for slots in LARGE_STEPS {
        assert_eq!(grows_from(&profiles, slots), n_maps, "from {slots} slots");
    }
}

#[test]
fn a_program_that_fills_large_maps_all_the_time_pays_no_more_than_the_budget() {
    // As little as a tenth of what splits cost there.
    let Some((profiles, _)) = record("1.27.3", "fill", 0.005, WHOLE) else { return };
    if !has_windows(&profiles[0]) {
        return xtask::skip("the program did not get enough of this machine to show anything");
    }
    let [every_split, overhead] =
        ["every_split", "overhead_pct"].map(|key| comment(&profiles[0], key));
    assert_eq!(every_split, "0", "{overhead} %");
}

#[test]
fn a_program_that_makes_large_maps_all_the_time_does_not_pay_for_it() {
    let version = VERSIONS[2];
    let Some((profiles, _)) = record(version, "make", USUAL, WHOLE) else { return };
    let has = |sample: Sample<'_>| number(&sample, "every_growth_from").is_some();
    if !has_windows(&profiles[0]) {
        return xtask::skip("the program did not get enough of this machine to show anything");
    }
    assert!(!profiles[0].samples().any(has), "{:?}", comment(&profiles[0], "overhead_pct"));
}
