//! Whether a profile can be judged at all: what is not Go's, has no names, or is a difference gets no verdict.

use std::collections::HashMap;

use evidence::words::base_name;
use gopprof::Profile;

/// Time without a name above which nothing is concluded from the rest. Basis: what has no name may be map operations as well.
const MOST_UNNAMED: f64 = 0.5;
/// Time without a name from which on it is said. Basis: less than this is less than any finding.
pub(crate) const UNNAMED_TOLD: f64 = 0.01;
/// Files of a language, shown where a program is not Go's, are at least of this part of its functions.
const MOSTLY: f64 = 0.5;

/// What is to be known of a profile that can be judged.
#[derive(Debug, PartialEq)]
pub(crate) enum Judged {
    /// It can be judged; this part of it has no name.
    Yes { unnamed: f64 },
    /// It cannot: what it is.
    No { what: String },
}

/// Looks at signs, names and functions.
pub(crate) fn judge(profile: &Profile, has_binary: bool) -> Judged {
    let no = |what: &str| Judged::No { what: what.to_owned() };
    if profile.samples().any(|sample| sample.values().any(|value| value < 0)) {
        return no(
            "the difference of two profiles (some of its values are negative); `mapscope compare` takes the two \
                   themselves",
        );
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
    match is_go(profile) || profile.n_samples() == 0 {
        true => Judged::Yes { unnamed },
        false => Judged::No { what: stranger(profile) },
    }
}

/// The part of the last value in stacks none of whose addresses has a name: kernels and C code have callers with names.
fn unnamed_part(profile: &Profile) -> f64 {
    let has_name: Vec<bool> = profile
        .locations
        .iter()
        .map(|location| {
            let functions = location.lines.iter().filter_map(|line| line.function);
            let mut names = functions.map(|function| profile.functions[function.index()].name);
            names.any(|name| !profile.str(name).is_empty())
        })
        .collect();
    let (mut all, mut unnamed) = (0.0, 0.0);
    for sample in profile.samples() {
        let value = sample.values().last().unwrap_or(0) as f64;
        all += value;
        if !sample.locations().any(|location| has_name[location.index()]) {
            unnamed += value;
        }
    }
    if all > 0.0 { unnamed / all } else { 0.0 }
}

/// Whether functions of Go are in it: its runtime, or any of a file of Go.
fn is_go(profile: &Profile) -> bool {
    profile.functions.iter().any(|function| {
        let name = profile.str(function.name);
        let is_runtime =
            name.starts_with("runtime.") && !name.contains("::") && !name.contains('(');
        is_runtime || profile.str(function.filename).ends_with(".go")
    })
}

/// What a profile of another language is.
fn stranger(profile: &Profile) -> String {
    let mut by_suffix: HashMap<&str, usize> = HashMap::new();
    for function in &profile.functions {
        let file = base_name(profile.str(function.filename));
        if let Some((_, suffix)) = file.rsplit_once('.').filter(|(_, suffix)| is_suffix(suffix)) {
            *by_suffix.entry(suffix).or_default() += 1;
        }
    }
    let most = by_suffix.into_iter().max_by_key(|&(suffix, n)| (n, std::cmp::Reverse(suffix)));
    let is_most = |n: usize| n as f64 >= MOSTLY * profile.functions.len() as f64;
    match most.filter(|&(_, n)| is_most(n)) {
        Some((suffix, _)) => {
            format!("a profile of a program that is not Go's: its functions are in .{suffix} files")
        }
        None => {
            "a profile of a program that is not Go's: none of its functions is of Go".to_owned()
        }
    }
}

fn is_suffix(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
