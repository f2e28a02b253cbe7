//! Whether a profile can be judged at all: what is not Go's, has no names, or is a difference gets no verdict.

mod leaves;

use std::collections::HashMap;

use evidence::OfSource;
use evidence::words::base_name;
use gopprof::{Function, Location, LocationIdx, Profile, Sample};

use self::leaves::not_of_cpu;
use crate::cpu::Values;
use crate::nameless::Nameless;

/// Time without a name above which nothing is concluded from the rest. Basis: what has no name may be map operations as well.
const MOST_UNNAMED: f64 = 0.5;
/// Time without a name from which on it is said. Basis: less than this is less than any finding.
const UNNAMED_TOLD: f64 = 0.01;
/// Files of a language, shown where a program is not Go's, are at least of this part of its functions.
const MOSTLY: f64 = 0.5;

/// Part of what has names that is in stacks with a function of Go, below which it is no profile of a Go program. Basis: of a
/// service all of whose work is in threads of C, some is in Go still; of a machine's profile one Go program may be.
const GO_AT_LEAST: f64 = 0.1;
/// From which on what is in no stack with Go is said. Basis: less than this is less than any finding.
const NOT_GO_TOLD: f64 = 0.01;

/// What one with negative values is.
pub(crate) const DIFFERENCE: &str = "the difference of two profiles (some of its values are negative), as `?seconds=` makes of heap \
                                     profiles; fetch it without, and `mapscope compare` takes two";

/// What is to be known of a profile that can be judged.
#[derive(Debug, PartialEq)]
pub(crate) enum Judged {
    /// It can be judged; in these parts of it, maps may be that cannot be seen.
    Yes(Unseen),
    /// It cannot: what it is.
    No { what: String },
}

/// Parts of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Unseen {
    /// Of all, what has no names where a map operation would have.
    unnamed: f64,
    /// Of what has names, what is in stacks without a function of Go.
    not_go: f64,
}

impl Unseen {
    /// Says what is not known.
    pub(crate) fn tell(self, source: &mut OfSource<'_>) {
        let percent = |part: f64| format!("{:.0} %", part * 100.0);
        if self.unnamed >= UNNAMED_TOLD {
            source.notice(&format!(
                "{} of it is at addresses without names: what maps cost there is not known",
                percent(self.unnamed)
            ));
        }
        if self.not_go >= NOT_GO_TOLD {
            source.notice(&format!(
                "{} of it is in stacks without a function of Go: code of C, or other programs",
                percent(self.not_go)
            ));
        }
    }
}

/// Looks at signs, names and functions.
pub(crate) fn judge(profile: &Profile, has_binary: bool) -> Judged {
    let no = |what: &str| Judged::No { what: what.to_owned() };
    if is_difference(profile) {
        return no(DIFFERENCE);
    }
    if profile.n_samples() == 0 {
        return Judged::Yes(Unseen::default());
    }
    let is_cpu = ["cpu", "samples"].iter().any(|name| profile.sample_type_named(name).is_some());
    if is_cpu && has_both_maps(profile) {
        return no("a profile of programs with classic maps and with Swiss ones, merged");
    }
    if Values::of(profile).is_ok_and(|values| values.are_weights(profile)) {
        return no(
            "a profile that was made, not measured (its samples stand for less time than any \
                   profiler takes between two), as they are made for the compiler",
        );
    }
    if is_cpu && let Some(what) = not_of_cpu(profile) {
        return no(what);
    }
    let programs = programs(profile);
    if let [one, other, ..] = programs.as_slice() {
        return no(&format!("a profile of several programs, merged: {one} and {other}"));
    }
    let unnamed = unnamed_part(profile);
    if unnamed > MOST_UNNAMED {
        let percent = (unnamed * 100.0).floor();
        let advice = match has_binary {
            false => "give the executable that it was taken of, too",
            true => "and they are not those of the executable that was given",
        };
        return Judged::No {
            what: format!("a profile of addresses without names ({percent} % of it), {advice}"),
        };
    }
    if let Some(other) = other_go(profile) {
        return no(&format!(
            "a profile of a program that {other} compiled: its maps are not those of Go"
        ));
    }
    let is_go = functions_of_go(profile);
    if !is_go.contains(&true) {
        return Judged::No { what: stranger(profile, "none of its functions is of Go") };
    }
    let not_go = part_without_go(profile, &is_go);
    if not_go > 1.0 - GO_AT_LEAST {
        let why = format!("{:.0} % of it is in stacks without a function of Go", not_go * 100.0);
        return Judged::No { what: stranger(profile, &why) };
    }
    Judged::Yes(Unseen { unnamed, not_go })
}

/// Looks at signs alone.
pub(crate) fn is_difference(profile: &Profile) -> bool {
    profile.samples().any(|sample| sample.values().any(|value| value < 0))
}

/// The programs whose runtimes are in it, by the files that were mapped: parts of one are in one file, but for plugins.
fn programs(profile: &Profile) -> Vec<String> {
    let mut programs: Vec<(String, String)> = Vec::new();
    for location in &profile.locations {
        let Some(mapping) = location.mapping else { continue };
        let is_main = |line: &gopprof::Line| {
            let function = line.function.map(|of| profile.str(profile.functions[of.index()].name));
            function.is_some_and(|name| {
                name == "main.main" || name == "runtime.main" || name == "runtime.mallocgc"
            })
        };
        if !location.lines.iter().any(is_main) {
            continue;
        }
        let mapping = &profile.mappings[mapping.index()];
        let file = base_name(profile.str(mapping.filename)).to_owned();
        let id = profile.str(mapping.build_id).to_owned();
        let is_library = file.contains(".so") || file.starts_with('[') || file.is_empty();
        // One program may be mapped in parts, and its file have other names.
        let is_known =
            programs.iter().any(|(of, other)| *of == file || *other == id && !id.is_empty());
        if !is_library && !is_known {
            programs.push((file, id));
        }
    }
    programs.into_iter().map(|(file, _)| evidence::printable(&file)).collect()
}

/// Whether both implementations of maps have functions in it.
fn has_both_maps(profile: &Profile) -> bool {
    let has = |is: &dyn Fn(&str) -> bool| {
        profile.functions.iter().any(|function| is(profile.str(function.name)))
    };
    has(&|name| {
        name.starts_with("internal/runtime/maps.(*table)")
            || name.starts_with("internal/runtime/maps.(*Map)")
    }) && has(&|name| CLASSIC.iter().any(|of| name.starts_with(of)))
}

/// Functions that only classic maps have. Source: runtime/map.go, Go 1.21 to 1.23.
const CLASSIC: [&str; 4] =
    ["runtime.hashGrow", "runtime.growWork", "runtime.evacuate", "runtime.(*bmap)"];

/// Whether a function is of Go's runtime.
fn is_of_runtime(name: &str) -> bool {
    name.starts_with("runtime.") || name.starts_with("internal/runtime/")
}

/// Whether a function may be in every program of Go: of the runtime, or in assembly, which has no package.
pub(crate) fn is_of_every_program(name: &str) -> bool {
    is_of_runtime(name) || !name.contains('.')
}

/// Whether a function of the runtime is in some stack: a program's own goroutines begin in one.
pub(crate) fn has_runtime(profile: &Profile) -> bool {
    let is_of_runtime = |function: &Function| is_of_runtime(profile.str(function.name));
    let is_of_runtime: Vec<bool> = profile.functions.iter().map(is_of_runtime).collect();
    let has_one = |location: &Location| {
        let mut functions = location.lines.iter().filter_map(|line| line.function);
        functions.any(|function| is_of_runtime[function.index()])
    };
    let has_one: Vec<bool> = profile.locations.iter().map(has_one).collect();
    profile.samples().any(|sample| sample.locations().any(|at| has_one[at.index()]))
}

/// The part of a profile in these samples, by the column in which it is the smallest; by stacks where all values are 0.
fn part(profile: &Profile, mut is_of: impl FnMut(&Sample<'_>) -> Option<bool>) -> f64 {
    let n_columns = profile.sample_types.len();
    let (mut all, mut those) = (vec![0.0; n_columns + 1], vec![0.0; n_columns + 1]);
    for sample in profile.samples() {
        let Some(is_of) = is_of(&sample) else { continue };
        let values = sample.values().map(|value| value as f64).chain([1.0]);
        for ((all, those), value) in all.iter_mut().zip(&mut those).zip(values) {
            *all += value;
            *those += if is_of { value } else { 0.0 };
        }
    }
    let has_values = all[..n_columns].iter().any(|&sum| sum > 0.0);
    let columns = if has_values { 0..n_columns } else { n_columns..n_columns + 1 };
    let parts = columns.filter(|&at| all[at] > 0.0).map(|at| those[at] / all[at]);
    parts.reduce(f64::min).unwrap_or(0.0)
}

/// The part that may be map operations and has no names.
fn unnamed_part(profile: &Profile) -> f64 {
    Nameless::of(profile).map_or(0.0, |of| part(profile, |sample| Some(of.hides(sample))))
}

/// The part, of what has names, in stacks without a function of Go. Of those without any file nothing is known.
fn part_without_go(profile: &Profile, is_go: &[bool]) -> f64 {
    let of_location = |location: &Location| {
        let mut functions = location.lines.iter().filter_map(|line| line.function);
        functions.any(|function| is_go[function.index()])
    };
    let is_go: Vec<bool> = profile.locations.iter().map(of_location).collect();
    // Names that no function of Go has tell as much as files do.
    let has_file = |location: &Location| {
        let mut functions = location.lines.iter().filter_map(|line| line.function);
        functions.any(|of| {
            let Function { filename, name, .. } = profile.functions[of.index()];
            !profile.str(filename).is_empty() || is_foreign(profile.str(name))
        })
    };
    let has_file: Vec<bool> = profile.locations.iter().map(has_file).collect();
    part(profile, |sample| {
        let is_any = |of: &[bool]| sample.locations().map(LocationIdx::index).any(|at| of[at]);
        (is_any(&has_file) || is_any(&is_go)).then(|| !is_any(&is_go))
    })
}

/// By function, whether it is of Go: of the runtime, or of a file of Go.
fn functions_of_go(profile: &Profile) -> Vec<bool> {
    let is_go = |function: &Function| {
        let (name, file) = (profile.str(function.name), profile.str(function.filename));
        // Those in assembly are in files of their own.
        let is_runtime =
            name.starts_with("runtime.") && !name.contains("::") && !name.contains('(');
        file.ends_with(".go") || is_runtime && (file.is_empty() || file.ends_with(".s"))
    };
    profile.functions.iter().map(is_go).collect()
}

/// Whether a function with this name is of another language.
fn is_foreign(name: &str) -> bool {
    const PACKAGES: [&str; 8] =
        ["java/", "java.", "jdk/", "jdk.", "sun/", "javax/", "scala/", "kotlin/"];
    let is_of_java = PACKAGES.iter().any(|package| name.starts_with(package));
    // Rust and C++; Python with its file, as py-spy has it.
    is_of_java || name.contains("::") || name.contains(".py") || name.starts_with("_Py")
}

/// Another compiler of Go, whose maps are its own. Source: src/runtime/hashmap.go of TinyGo; libgo/go/runtime of gccgo.
fn other_go(profile: &Profile) -> Option<&'static str> {
    profile.functions.iter().find_map(|function| {
        let (name, file) = (profile.str(function.name), profile.str(function.filename));
        match () {
            () if name.starts_with("runtime.hashmap") => Some("TinyGo"),
            () if name.starts_with("runtime.") && file.contains("/libgo/go/runtime/") => {
                Some("gccgo")
            }
            () => None,
        }
    })
}

/// What a profile of another language is.
fn stranger(profile: &Profile, why: &str) -> String {
    let mut by_suffix: HashMap<&str, usize> = HashMap::new();
    for function in &profile.functions {
        let file = base_name(profile.str(function.filename));
        if let Some((_, suffix)) = file.rsplit_once('.').filter(|(_, suffix)| is_suffix(suffix)) {
            *by_suffix.entry(suffix).or_default() += 1;
        }
    }
    let most = by_suffix.into_iter().max_by_key(|&(suffix, n)| (n, std::cmp::Reverse(suffix)));
    let is_most = |n: usize| n as f64 >= MOSTLY * profile.functions.len() as f64;
    let why = match most.filter(|&(_, n)| is_most(n)) {
        Some((suffix, _)) => format!("its functions are in .{suffix} files"),
        None => why.to_owned(),
    };
    format!("a profile of a program that is not Go's: {why}")
}

fn is_suffix(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
