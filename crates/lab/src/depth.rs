//! Stacks of a CPU profile of the experiments: how deep below the line that writes to the map, and how much is growth.

use goabi::MapOp;
use gomap::{FrameClass, classify_function, classify_stack};
use gopprof::{Limits, LocationIdx, Profile, Sample, parse_profile};

/// Runtime frames below the user's function from which on a stack is called deep: the claim names four.
const DEEP: usize = 4;

/// The functions of the experiments that write to maps.
const WRITERS: [&str; 3] = ["main.overwriteNested", "main.overwriteFlat", "main.growNested"];

/// Units: samples.
#[derive(Debug, Default)]
struct Counts {
    all: i64,
    in_writes: i64,
    in_growth: i64,
    deep: i64,
    /// Frames of all samples in writes together.
    frames: i64,
}

/// A result line of the Go benchmark text format for a profile, or why there is none.
pub(crate) fn profile_line(name: &str, bytes: &[u8]) -> Result<String, String> {
    let parsed = parse_profile(bytes, &Limits::default()).map_err(|error| error.to_string())?;
    let profile = parsed.value;
    let column = profile.sample_type_named("samples").ok_or("no column of samples")?;
    let mut counts = Counts::default();
    profile.samples().for_each(|sample| counts.add(&profile, &sample, column));
    if counts.in_writes == 0 {
        return Err(format!("no sample of {} is in a map write", counts.all));
    }
    let pct = |part: i64, whole: i64| 100.0 * part as f64 / whole as f64;
    Ok(format!(
        "Benchmark{name} {} {:.2} assign-pct {:.2} growth-pct {:.2} deep-pct {:.3} frames\n",
        counts.all,
        pct(counts.in_writes, counts.all),
        pct(counts.in_growth, counts.all),
        pct(counts.deep, counts.in_writes),
        counts.frames as f64 / counts.in_writes as f64,
    ))
}

impl Counts {
    fn add(&mut self, profile: &Profile, sample: &Sample<'_>, column: usize) {
        let n = sample.value(column);
        self.all += n;
        // A location is a frame of the machine; calls that were inlined into it are lines of it.
        let stack: Vec<Vec<&str>> = sample.locations().map(|at| names(profile, at)).collect();
        let is_writer = |frame: &Vec<&str>| frame.iter().any(|name| WRITERS.contains(name));
        let Some(depth) = stack.iter().position(is_writer) else { return };
        let below: Vec<FrameClass> =
            stack[..depth].iter().flatten().map(|name| classify_function(name)).collect();
        let class = classify_stack(&below);
        if !matches!(class.op, Some((MapOp::Assign, _))) {
            return;
        }
        self.in_writes += n;
        self.in_growth += if class.is_growth() { n } else { 0 };
        self.deep += if depth >= DEEP { n } else { 0 };
        self.frames += n * depth as i64;
    }
}

/// The functions at a location, innermost first.
fn names(profile: &Profile, location: LocationIdx) -> Vec<&str> {
    let Some(location) = profile.locations.get(location.index()) else { return Vec::new() };
    let functions = location.lines.iter().filter_map(|line| line.function);
    functions
        .filter_map(|function| profile.functions.get(function.index()))
        .map(|function| profile.str(function.name))
        .collect()
}
