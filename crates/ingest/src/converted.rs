//! Profiles in other forms than profile.proto, as profiles of one program.

use evidence::words::counted;
use gobin::Binary;
use gopprof::{MAX_LINES, Parsed, Profile};
use otlp::OfProgram;

use crate::error::Error;
use crate::folded::Folded;
use crate::names::is_same_id;
use crate::open::{Input, classify};
use crate::perf::base_name;

/// Characters of a program that a message names.
const LONGEST_NAME: usize = 60;
/// Programs that a message names.
const SHOWN: usize = 6;

/// Said of folded stacks.
const NO_LINES: &str = "its stacks name functions alone, so that what is said of a line is of the whole function; and what it \
                        counts it does not say: that is taken for samples of CPU time of one program";

/// A profile that was made of something else.
#[derive(Debug)]
pub struct Converted {
    /// Name of the program; `None` where nothing says it.
    pub(crate) program: Option<String>,
    pub(crate) profile: Profile,
    /// What was lost on the way.
    pub(crate) losses: Vec<String>,
}

impl Converted {
    /// The profile as an input of what it measures.
    pub(crate) fn into_input(self) -> Input {
        classify(Parsed { value: self.profile, faults: Vec::new() })
    }

    /// The profile, if it is one of CPU time.
    pub(crate) fn into_cpu(self) -> Option<Profile> {
        if let Input::Cpu(parsed) = self.into_input() { Some(parsed.value) } else { None }
    }
}

impl From<OfProgram> for Converted {
    fn from(of: OfProgram) -> Self {
        let OfProgram { program, profile, n_cut, n_long, n_older, has_other_build } = of;
        let older = (n_older > 0).then(|| {
            let older = counted(n_older, "older profile");
            format!("{older} of the same are left out: they count from the start of the program")
        });
        let builds = has_other_build
            .then(|| "samples of several builds of the program are added up".to_owned());
        let long = (n_long > 0).then(|| {
            let long = counted(n_long, "location");
            format!("{long} of more than {MAX_LINES} lines without those between the innermost and the outermost")
        });
        let losses = [older, builds, cut(n_cut), long];
        Self { program, profile, losses: losses.into_iter().flatten().collect() }
    }
}

/// Folded stacks as profiles of programs, and what of the text could not be read.
pub(crate) fn of_folded(folded: Folded) -> (Vec<Converted>, Vec<String>) {
    let Folded { profiles, n_other, n_more, n_cut, .. } = folded;
    let others = counted(n_other, "line");
    let others = (n_other > 0).then(|| format!("{others} without a stack and its count, not used"));
    let more = counted(n_more, "more line");
    let more = (n_more > 0).then(|| format!("{more} are left out: there are too many"));
    let of_text: Vec<String> = [others, more, cut(n_cut)].into_iter().flatten().collect();
    let converted = |(program, profile)| {
        let losses = vec![NO_LINES.to_owned()];
        Converted { program, profile, losses }
    };
    (profiles.into_iter().map(converted).collect(), of_text)
}

fn cut(n: u64) -> Option<String> {
    (n > 0).then(|| {
        format!("{} without the frames next to the root: they are too deep", counted(n, "sample"))
    })
}

/// Those of the program of this executable; without one, all where they are of one program.
pub(crate) fn of_one_program(
    profiles: Vec<Converted>,
    executable: Option<(&str, &Binary<'_>)>,
    name: &str,
) -> Result<Vec<Converted>, Error> {
    let mut programs: Vec<(&str, usize)> = Vec::new();
    for of in &profiles {
        let (program, n) = (of.program.as_deref().unwrap_or("?"), of.profile.n_samples());
        match programs.iter_mut().find(|(known, _)| *known == program) {
            Some((_, sum)) => *sum += n,
            None => programs.push((program, n)),
        }
    }
    if programs.len() <= 1 {
        return Ok(profiles);
    }
    programs.sort_by_key(|&(program, n)| (std::cmp::Reverse(n), program));
    let shown = |program: &str| program.chars().take(LONGEST_NAME).collect::<String>();
    let listed: Vec<String> = programs.iter().take(SHOWN).map(|(of, _)| shown(of)).collect();
    let more = if programs.len() > SHOWN { ", …" } else { "" };
    let listed = format!("{}{more}", listed.join(", "));
    let refused = |reason| Err(Error::Unusable { name: name.to_owned(), reason });
    let Some((path, binary)) = executable else {
        return refused(format!(
            "profiles of {} programs ({listed}); give the executable of the one to look at",
            programs.len()
        ));
    };
    let build_id = binary.gnu_build_id();
    let is_of_it = |of: &Converted| {
        let mut ids = of.profile.mappings.iter().map(|mapping| of.profile.str(mapping.build_id));
        let by_id = build_id.as_deref().is_some_and(|id| ids.any(|other| is_same_id(other, id)));
        let program = of.program.as_deref().map(base_name);
        by_id || program.is_some_and(|program| program == base_name(path))
    };
    let n_programs = programs.len();
    let of_it: Vec<Converted> = profiles.into_iter().filter(is_of_it).collect();
    if of_it.is_empty() {
        return refused(format!("none of its {n_programs} programs is {path}: {listed}"));
    }
    Ok(of_it)
}
