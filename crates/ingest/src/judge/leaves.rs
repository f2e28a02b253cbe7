//! What the ends of stacks tell: whether samples are of CPU time, and whether frames were taken out of them.

use gopprof::{Line, LocationIdx, Profile};

use super::is_of_every_program;

/// Part of the samples below which waiting goroutines are there by chance.
const FEW_WAITING: f64 = 0.02;
/// Leaves of goroutines and threads that do not run.
const WAITS: [&str; 2] = ["runtime.gopark", "runtime.notetsleep"];
/// Part of the samples at the end of waits, above which they are no samples of CPU time. Basis: threads that look for work take up to
/// half of the samples of programs that wait a lot.
const MOSTLY_WAITING: f64 = 0.80;
/// Where goroutines and threads begin to wait, and where others let them go on.
const ENDS_OF_WAITS: [&str; 12] = [
    "sync.(*Mutex).",
    "sync.(*RWMutex).",
    "sync.(*Cond).",
    "sync.(*WaitGroup).",
    "internal/sync.(*Mutex).",
    "runtime.chanrecv",
    "runtime.chansend",
    "runtime.selectgo",
    "runtime.futex",
    "runtime.epollwait",
    "runtime.usleep",
    "runtime.unlock",
];
/// Samples without any below a map function, from which on that is no chance: hashing alone is a tenth and more of a search.
const ENOUGH_CUT: u64 = 40;
/// Samples of hashing without a map function, from which on that is no chance.
const ENOUGH_HASHING: f64 = 10.0;
/// More samples than profiles have: 100 per second and core are so many in eleven days.
const MOST_SAMPLES: f64 = 1e8;
/// Stacks of a profile of which something can be told by what it lacks.
const ENOUGH_STACKS: usize = 10;
/// Hash functions that only map functions call, or those of package hash/maphash.
const HASHES: [&str; 6] =
    ["memhash", "aeshashbody", "runtime.memhash", "runtime.strhash", "strhash", "runtime.aeshash"];

/// What samples are of, where they are none of CPU time, or where frames were taken out of their stacks.
pub(super) fn not_of_cpu(profile: &Profile) -> Option<&'static str> {
    let leaves = Leaves::of(profile);
    // Counts may be of anything; times are said to be of the CPU.
    let is_counted = profile.sample_type_named("cpu").is_none();
    let counted = if is_counted { leaves.not_samples() } else { None };
    counted.or_else(|| {
        leaves.are_filtered().then_some(
            "a CPU profile whose frames in and below map functions were filtered out (-hide, -prune_from): what maps do is not in it",
        )
    })
}

/// What stacks end in. Units: the first value of samples.
#[derive(Debug, Default)]
struct Leaves {
    n_stacks: usize,
    all: f64,
    /// Only waits.
    waiting: f64,
    ends_of_waits: f64,
    has_runtime: bool,
    /// Hashing that the user's code calls.
    hashes: f64,
    /// By [`MAP_FUNCTIONS`].
    in_maps: [InMaps; MAP_FUNCTIONS.len()],
}

/// Stacks in map functions of one kind.
#[derive(Debug, Clone, Copy, Default)]
struct InMaps {
    n: u64,
    /// Whether something is below one of them.
    has_below: bool,
}

impl InMaps {
    fn is_cut(&self) -> bool {
        self.n >= ENOUGH_CUT && !self.has_below
    }
}

impl Leaves {
    /// What else counts are of.
    fn not_samples(&self) -> Option<&'static str> {
        if self.waiting > FEW_WAITING * self.all {
            return Some("a profile of goroutines that wait, and not of CPU time");
        }
        if self.all > MOST_SAMPLES {
            return Some(
                "a profile of times or bytes, and not of samples: its counts add up to more than those",
            );
        }
        if self.ends_of_waits > MOSTLY_WAITING * self.all {
            return Some("a profile of waits, and not of CPU time");
        }
        (self.n_stacks >= ENOUGH_STACKS && !self.has_runtime).then_some(
            "without a stack that ends in Go's runtime, as there are in all CPU profiles: it is one of allocations, or its frames were \
             filtered",
        )
    }

    fn are_filtered(&self) -> bool {
        let is_cut = self.in_maps.iter().any(InMaps::is_cut);
        let has_maps = self.in_maps.iter().any(|of| of.n > 0);
        let is_hidden = self.hashes >= ENOUGH_HASHING && !has_maps;
        self.n_stacks >= ENOUGH_STACKS && (is_cut || is_hidden)
    }

    fn of(profile: &Profile) -> Self {
        let mut leaves = Self::default();
        let lines = |location: LocationIdx| profile.locations[location.index()].lines.iter();
        let name = |line: &Line| {
            line.function.map_or("", |of| profile.str(profile.functions[of.index()].name))
        };
        let first_name = |location: LocationIdx| lines(location).next().map_or("", name);
        let has = |name: &str, of: &[&str]| of.iter().any(|begin| name.starts_with(begin));
        // Worked out once for each: stacks have millions of frames.
        let functions = profile.functions.iter();
        let of_maps: Vec<_> = functions.map(|of| map_function(profile.str(of.name))).collect();
        let of_line = |line: &Line| of_maps[line.function?.index()];
        let of_first: Vec<Option<usize>> =
            profile.locations.iter().map(|location| of_line(location.lines.first()?)).collect();
        for sample in profile.samples() {
            let n = sample.value(0).max(0).unsigned_abs();
            let mut locations = sample.locations();
            let Some(leaf) = locations.next() else { continue };
            let (value, leaf_name) = (n as f64, first_name(leaf));
            leaves.n_stacks += 1;
            leaves.all += value;
            leaves.waiting += if has(leaf_name, &WAITS) { value } else { 0.0 };
            leaves.ends_of_waits += if has(leaf_name, &ENDS_OF_WAITS) { value } else { 0.0 };
            leaves.has_runtime |= is_of_every_program(leaf_name);
            let in_callers = || locations.clone().find_map(|at| Some((1, of_first[at.index()]?)));
            let at_leaf = lines(leaf).enumerate().find_map(|(at, line)| Some((at, of_line(line)?)));
            if let Some((n_below, of)) = at_leaf.or_else(in_callers) {
                let in_maps = &mut leaves.in_maps[of];
                in_maps.n = in_maps.n.saturating_add(n);
                in_maps.has_below |= n_below > 0;
            } else if HASHES.contains(&leaf_name) {
                let caller = locations.next().map_or("", first_name);
                let is_users = !is_of_every_program(caller) && !caller.starts_with("hash/maphash");
                leaves.hashes += if is_users { value } else { 0.0 };
            }
        }
        leaves
    }
}

/// Functions that the compiler calls for maps, which hash and search, and grow.
const MAP_FUNCTIONS: [&str; 2] = ["runtime.mapassign", "runtime.mapaccess"];

fn map_function(name: &str) -> Option<usize> {
    MAP_FUNCTIONS.iter().position(|of| name.starts_with(of))
}
