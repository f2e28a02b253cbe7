//! A recording equals what a program says about its own maps: every growth and every entry moved, by line and type.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use gopprof::{LabelValue, Profile, Sample};
use probe::{Ending, Links, Options, Recorder, Recording, Target};
use xtask::go::{BuildOptions, Toolchain, toolchain};

use crate::can_record;

/// Growths and moved entries by function and map type.
type Growths = BTreeMap<(String, String), (i64, i64)>;

pub(crate) fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/growth")
}

/// A running `testdata/growth`.
struct Growth {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Growth {
    /// Starts it and waits until it waits.
    fn start(path: &Path) -> Self {
        Self::start_with(path, &[])
    }

    fn start_with(path: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(path);
        let mut child =
            command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut growth = Self { child, input, output };
        growth.lines_until("ready");
        growth
    }

    fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    fn lines_until(&mut self, last: &str) -> Vec<String> {
        let lines = self.output.by_ref().lines().map(Result::unwrap);
        lines.take_while(|line| !line.starts_with(last)).collect()
    }

    fn recorder(&self, links: Links) -> Recorder {
        attach(Target::Pids(vec![self.child.id()]), links)
    }

    /// Records it from before its first map until it ends, and returns what it says itself.
    fn record(mut self, links: Links) -> (Recording, Growths) {
        let mut recorder = self.recorder(links);
        recorder.start().unwrap();
        self.go_on();
        let truth = self.lines_until("done").iter().map(|line| truth_of(line)).collect();
        // Reads the names of types that only exist in memory.
        recorder.poll(Duration::from_millis(20)).unwrap();
        self.go_on();
        while !recorder.poll(Duration::from_secs(1)).unwrap().has_ended {}
        let recording = recorder.finish(Ending::Exit).unwrap();
        assert!(self.child.wait().unwrap().success());
        (recording, truth)
    }

    /// The same in many recordings, one after the other. Returns their number, their sums and the truth.
    fn record_in_parts(mut self, every: Duration) -> (usize, Growths, Growths) {
        let mut recorder = self.recorder(Links::Auto);
        recorder.start().unwrap();
        self.go_on();
        let (said, truth) = std::sync::mpsc::channel();
        let mut output = self.output;
        let reader = std::thread::spawn(move || {
            let lines = output.by_ref().lines().map(Result::unwrap);
            let lines = lines.take_while(|line| !line.starts_with("done"));
            // A line for each round.
            let mut truth = Growths::new();
            for (key, (grows, moved)) in lines.map(|line| truth_of(&line)) {
                let sum = truth.entry(key).or_default();
                *sum = (sum.0 + grows, sum.1 + moved);
            }
            said.send(truth).unwrap();
        });
        let (mut n_parts, mut sums) = (0, Growths::new());
        let mut add = |part: &Recording| {
            assert_exact(&format!("recording {n_parts}"), part);
            add_recorded(&part.profile, &mut sums);
            n_parts += 1;
        };
        let truth = loop {
            recorder.poll(every).unwrap();
            add(&recorder.rotate().unwrap());
            if let Ok(truth) = truth.try_recv() {
                break truth;
            }
        };
        reader.join().unwrap();
        self.input.write_all(b"\n").unwrap();
        while !recorder.poll(Duration::from_secs(1)).unwrap().has_ended {}
        add(&recorder.finish(Ending::Exit).unwrap());
        assert!(self.child.wait().unwrap().success());
        (n_parts, sums, truth)
    }
}

fn attach(target: Target, links: Links) -> Recorder {
    let options = Options { target, max_overhead: 1.0, sample_hz: 99, max_frames: 128, links };
    Recorder::attach(&options).unwrap()
}

/// `truth`, function, type, growths, entries.
fn truth_of(line: &str) -> ((String, String), (i64, i64)) {
    let fields: Vec<&str> = line.split('\t').collect();
    let [_, function, map_type, grows, moved] = fields[..] else { panic!("{line}") };
    ((function.to_owned(), map_type.to_owned()), (grows.parse().unwrap(), moved.parse().unwrap()))
}

/// Growths by the user's function and the type's label.
fn recorded(profile: &Profile) -> Growths {
    let mut growths = Growths::new();
    add_recorded(profile, &mut growths);
    growths
}

fn add_recorded(profile: &Profile, growths: &mut Growths) {
    let column = |kind: &str| profile.sample_type_named(kind).unwrap();
    let (grows, moved) = (column("map_grows"), column("map_moved_entries"));
    for sample in profile.samples().filter(|sample| sample.value(grows) > 0) {
        let key = (user_function(profile, &sample), label(&sample, "map_type").unwrap());
        let sums = growths.entry(key).or_default();
        sums.0 += sample.value(grows);
        sums.1 += sample.value(moved);
    }
}

pub(crate) fn user_function(profile: &Profile, sample: &Sample<'_>) -> String {
    let mut names = sample.locations().flat_map(|location| {
        let lines = &profile.locations[location.index()].lines;
        lines.iter().map(|line| profile.str(profile.functions[line.function.unwrap().index()].name))
    });
    let name = names.find(|name| !gomap::classify_function(name).is_runtime()).unwrap();
    // A profile has type arguments; the program only says that there are some.
    match (name.find('['), name.rfind(']')) {
        (Some(start), Some(end)) => format!("{}[...]{}", &name[..start], &name[end + 1..]),
        _ => name.to_owned(),
    }
}

pub(crate) fn label(sample: &Sample<'_>, key: &str) -> Option<String> {
    sample.labels().find(|label| label.key == key).and_then(|label| match label.value {
        LabelValue::Str(text) => Some(text.to_owned()),
        LabelValue::Num { .. } => None,
    })
}

pub(crate) fn comment<'p>(profile: &'p Profile, key: &str) -> &'p str {
    let mut pairs =
        profile.comments.iter().filter_map(|&comment| profile.str(comment).split_once('='));
    pairs.find(|(name, _)| *name == key).map_or("", |(_, value)| value)
}

/// Fails with the lines that differ.
#[track_caller]
fn assert_equals_truth(what: &str, recording: &Recording, truth: &Growths) {
    assert_same(what, &recorded(&recording.profile), truth);
    assert_eq!(recording.ending, Ending::Exit, "{what}");
    assert_exact(what, recording);
}

#[track_caller]
fn assert_same(what: &str, recorded: &Growths, truth: &Growths) {
    assert!(truth.len() > 20, "{what}: {truth:?}");
    let differences: Vec<String> = truth
        .iter()
        .map(|(key, truth)| (key, truth, recorded.get(key).copied().unwrap_or_default()))
        .filter(|(_, truth, recorded)| **truth != *recorded)
        .map(|(key, truth, recorded)| format!("{key:?}: is {truth:?}, recorded {recorded:?}"))
        .chain(elsewhere(recorded, truth))
        .collect();
    assert!(differences.is_empty(), "{what}:\n{}", differences.join("\n"));
}

/// What was recorded of the program's own types, or of its own functions without a type, where it knows of none: these types
/// nothing else in the process has.
fn elsewhere<'g>(recorded: &'g Growths, truth: &'g Growths) -> impl Iterator<Item = String> {
    let types: BTreeSet<&String> = truth.keys().map(|(_, map_type)| map_type).collect();
    let is_own = move |(function, map_type): &(String, String)| {
        types.contains(map_type) || map_type == "unknown" && function.starts_with("main.")
    };
    let extra = recorded.iter().filter(move |(key, _)| is_own(key) && !truth.contains_key(*key));
    extra.map(|(key, recorded)| format!("{key:?}: is none, recorded {recorded:?}"))
}

#[test]
fn growths_at_another_line_are_no_truth() {
    let of = |function: &str, map_type: &str| (function.to_owned(), map_type.to_owned());
    let truth = Growths::from([(of("main.fill", "map[main.key]int"), (1, 8))]);
    let more = |key| {
        let recorded = truth.clone().into_iter().chain([(key, (1, 8))]).collect::<Growths>();
        elsewhere(&recorded, &truth).count()
    };
    assert_eq!(more(of("main.other", "map[main.key]int")), 1);
    assert_eq!(more(of("main.fill", "unknown")), 1);
    assert_eq!(more(of("os.init", "unknown")), 0);
    assert_eq!(more(of("os.init", "map[string]int")), 0);
}

#[track_caller]
fn assert_exact(what: &str, recording: &Recording) {
    assert_eq!((recording.n_lost, recording.grows_range), (0, None), "{what}");
    let profile = &recording.profile;
    for none in ["lost_events", "lost_stacks", "lost_samples", "unprobed_copies"] {
        assert_eq!(comment(profile, none), "0", "{what}: {none}");
    }
    let labelled = profile.samples().filter(|sample| label(sample, "precision").is_some()).count();
    assert_eq!(labelled, 0, "{what}: the governor intervened");
}

fn check(go: &Toolchain, build: &str, options: &BuildOptions) {
    if !can_record() {
        return;
    }
    let path = go.build(&program(), options).unwrap();
    let (recording, truth) = Growth::start(&path).record(Links::Auto);
    assert_equals_truth(&format!("Go {}, {build}", go.version), &recording, &truth);
    if build == "PGO" && go.version.starts_with("1.23") {
        let n_inlined: u32 = comment(&recording.profile, "inlined_copies").parse().unwrap();
        assert!(n_inlined > 0, "this profile inlines hashGrow: without copies, nothing was tested");
    }
}

mod equals_the_truth {
    xtask::tests_of_live_versions!(super::check_plain);
}

fn check_plain(go: &Toolchain) {
    check(go, "plain", &BuildOptions::default());
}

mod equals_the_truth_without_symbols {
    xtask::tests_of_live_versions!(super::check_stripped);
}

fn check_stripped(go: &Toolchain) {
    check(go, "stripped", &BuildOptions { stripped: true, ..BuildOptions::default() });
}

mod equals_the_truth_at_another_address {
    xtask::tests_of_live_versions!(super::check_pie);
}

fn check_pie(go: &Toolchain) {
    check(go, "PIE", &BuildOptions { pie: true, stripped: true, ..BuildOptions::default() });
}

/// A profile-guided build inlines growth functions, whose symbols are then passed by.
mod equals_the_truth_with_inlined_growth_functions {
    xtask::tests_of_live_versions!(super::check_profile_guided);
}

fn check_profile_guided(go: &Toolchain) {
    let args = vec![format!("-pgo={}", profile_of(go).display())];
    check(go, "PGO", &BuildOptions { args, ..BuildOptions::default() });
}

/// A CPU profile of the program: the committed one, which is known to inline a growth function, else one made once.
fn profile_of(go: &Toolchain) -> PathBuf {
    let committed = program().join(format!("growth-{}.pgo", go.version));
    if committed.exists() {
        return committed;
    }
    let path = xtask::repo_root().join(format!("target/go-fixtures/growth-{}.pgo", go.version));
    if !path.exists() {
        let plain = go.build(&program(), &BuildOptions::default()).unwrap();
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        assert!(Command::new(plain).arg("-cpuprofile").arg(&partial).status().unwrap().success());
        std::fs::rename(&partial, &path).unwrap();
    }
    path
}

/// What is counted while counts are taken out is in one recording, and in one only. With `MAPSCOPE_ROTATE_FOR=1m`, as
/// `make record-truth` has it, for so long.
#[test]
fn the_recordings_of_a_rotation_add_up_to_the_truth() {
    match std::env::var("MAPSCOPE_ROTATE_FOR") {
        Ok(time) => check_rotation(&["-for", &time], Duration::from_millis(100), 300),
        Err(_) => check_rotation(&["-for", "1s"], Duration::from_millis(5), 3),
    }
}

fn check_rotation(args: &[&str], every: Duration, at_least: usize) {
    if !can_record() {
        return;
    }
    for version in ["1.21.13", "1.27.3"] {
        let Some(go) = toolchain(version) else {
            xtask::skip(&format!("no Go {version}"));
            continue;
        };
        let path = go.build(&program(), &BuildOptions::default()).unwrap();
        let (n_parts, sums, truth) = Growth::start_with(&path, args).record_in_parts(every);
        let what = format!("Go {version}, {n_parts} recordings");
        assert!(n_parts >= at_least, "{what}");
        assert_same(&what, &sums, &truth);
    }
}

/// As on kernels before 6.10.
#[test]
fn equals_the_truth_with_a_link_per_probe() {
    let Some(go) = toolchain("1.27.3").filter(|_| can_record()) else {
        xtask::skip("no Go 1.27.3, or recording does not work here");
        return;
    };
    let path = go.build(&program(), &BuildOptions::default()).unwrap();
    let (recording, truth) = Growth::start(&path).record(Links::Single);
    assert_eq!(comment(&recording.profile, "links"), "perf");
    assert_equals_truth("single links", &recording, &truth);
}

/// Splits, large arrays and collections have probes that stand at all times.
#[test]
fn what_a_program_did_while_the_recorder_waited_is_not_counted() {
    if !can_record() {
        return;
    }
    for version in ["1.23.9", "1.27.3"] {
        let Some(go) = toolchain(version) else {
            xtask::skip(&format!("no Go {version}"));
            continue;
        };
        let path = go.build(&program(), &BuildOptions::default()).unwrap();
        let mut growth = Growth::start(&path);
        let mut recorder = growth.recorder(Links::Auto);
        growth.go_on();
        growth.lines_until("done");
        recorder.start().unwrap();
        growth.go_on();
        while !recorder.poll(Duration::from_secs(1)).unwrap().has_ended {}
        let recording = recorder.finish(Ending::Exit).unwrap();
        assert!(growth.child.wait().unwrap().success());
        assert_eq!(recording.n_grows, 0, "Go {version}");
        assert_exact(version, &recording);
        for (none, number) in [("events", "0"), ("gc_cycles", "0"), ("processes", "1")] {
            assert_eq!(comment(&recording.profile, none), number, "Go {version}: {none}");
        }
        // Ending takes less than the time of one.
        assert!(recording.n_samples < 3, "Go {version}: {} samples", recording.n_samples);
    }
}

#[test]
fn a_process_that_begins_while_the_recorder_waits_is_counted_from_the_start() {
    let Some(go) = toolchain("1.27.3").filter(|_| can_record()) else {
        xtask::skip("no Go 1.27.3, or recording does not work here");
        return;
    };
    // A file of its own, which no other test runs.
    let options = BuildOptions { args: vec!["-trimpath".to_owned()], ..BuildOptions::default() };
    let path = go.build(&program(), &options).unwrap();
    let mut recorder = attach(Target::Exe(path.clone()), Links::Auto);
    let mut growth = Growth::start(&path);
    recorder.start().unwrap();
    growth.go_on();
    let truth = growth.lines_until("done").iter().map(|line| truth_of(line)).collect();
    recorder.poll(Duration::from_millis(20)).unwrap();
    let recording = recorder.finish(Ending::Duration).unwrap();
    growth.go_on();
    assert!(growth.child.wait().unwrap().success());
    assert_same("began in between", &recorded(&recording.profile), &truth);
    assert_exact("began in between", &recording);
    assert_eq!(comment(&recording.profile, "processes"), "1");
    assert!(recording.n_samples > 0);
}
