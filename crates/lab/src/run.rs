//! Runs experiments on toolchains, round by round.
//!
//! 1. Each Go builds the program once.
//! 2. Round after round, experiment after experiment, every Go takes its turn: what is compared is measured close
//!    together, and each run is a process of its own, with its own hash seeds and heap.
//! 3. The output of each run is kept in the state folder; what is there already is not run again.
//! 4. At the end the claims are judged by all runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cache::Counter;
use crate::depth::profile_line;
use crate::error::Error;
use crate::experiment::{Experiment, Kind, Scale};
use crate::figures::Figures;
use crate::machine::Machine;
use crate::process;
use crate::state::State;
use crate::toolchain::Go;
use crate::verdict::{Judgement, judge};

/// What to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The toolchains, in the order of the report.
    pub gos: Vec<Go>,
    /// The experiments, in the order of the report.
    pub experiments: Vec<&'static Experiment>,
    /// How large.
    pub scale: Scale,
    /// Runs of each experiment on each Go.
    pub n_rounds: usize,
    /// Where results are kept.
    pub state: PathBuf,
    /// Measure anew what is there already.
    pub is_fresh: bool,
}

/// What happens, for a screen.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// A Go builds the program.
    Building(&'a Go),
    /// So many of all runs were measured before, by an earlier call.
    Resumed {
        /// Runs found.
        n: usize,
        /// All runs.
        of: usize,
    },
    /// A run begins.
    Running {
        /// Its number, from 1.
        n: usize,
        /// All runs.
        of: usize,
        /// The experiment.
        experiment: &'a Experiment,
        /// The Go.
        go: &'a Go,
        /// The round, from 1.
        round: usize,
        /// A guess from the runs so far; `None` before the first.
        left: Option<Duration>,
    },
    /// A run failed; the others go on.
    Failed {
        /// The experiment.
        experiment: &'a Experiment,
        /// The Go.
        go: &'a Go,
        /// Why.
        reason: &'a str,
    },
}

/// All results.
#[derive(Debug)]
pub struct Results {
    /// Where they were measured.
    pub machine: Machine,
    /// How large.
    pub scale: Scale,
    /// Runs of each experiment on each Go.
    pub n_rounds: usize,
    /// The versions of the toolchains.
    pub versions: Vec<String>,
    /// One per experiment.
    pub experiments: Vec<ExperimentResult>,
}

/// Results of an experiment.
#[derive(Debug)]
pub struct ExperimentResult {
    /// The experiment.
    pub experiment: &'static Experiment,
    /// Shape: one per version, in the order of [`Results::versions`].
    pub by_go: Vec<GoResult>,
}

/// Results of an experiment on one Go.
#[derive(Debug)]
pub struct GoResult {
    /// What was measured.
    pub figures: Figures,
    /// What that says.
    pub judgement: Judgement,
    /// Why runs failed; the first reason.
    pub failure: Option<String>,
}

/// Runs what the options ask for, or takes it from an earlier call.
///
/// # Errors
/// When the program cannot be built, or the state folder cannot be used. A failing experiment is a result.
pub fn run(options: &Options, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Results, Error> {
    let state = State::open(&options.state)?;
    let mut binaries = Vec::new();
    for go in &options.gos {
        if !state.has_binary(&go.version) {
            progress(Progress::Building(go));
        }
        binaries.push(go.build(&state)?);
    }
    let mut lab = Lab { options, state: &state, binaries, failures: Vec::new(), counter: None };
    lab.run_all(progress)?;
    let failures = lab.failures;
    let experiments = options.experiments.iter().enumerate().map(|(idx, experiment)| {
        let result = |(go_idx, go): (usize, &Go)| {
            let figures = read_figures(options, &state, experiment, go);
            let failure = failures.iter().find(|failure| failure.place == (idx, go_idx));
            let judgement = judge(experiment, &figures);
            GoResult { figures, judgement, failure: failure.map(|failure| failure.reason.clone()) }
        };
        ExperimentResult { experiment, by_go: options.gos.iter().enumerate().map(result).collect() }
    });
    Ok(Results {
        machine: Machine::this(),
        scale: options.scale,
        n_rounds: options.n_rounds,
        versions: options.gos.iter().map(|go| go.version.clone()).collect(),
        experiments: experiments.collect(),
    })
}

fn read_figures(options: &Options, state: &State, experiment: &Experiment, go: &Go) -> Figures {
    let mut figures = Figures::default();
    for round in 0..options.n_rounds {
        let path = state.output(&go.version, experiment, options.scale, round);
        if let Ok(bytes) = fs::read(path) {
            figures.add_run(&String::from_utf8_lossy(&bytes));
        }
    }
    figures
}

/// A run that failed.
struct Failure {
    /// Positions of the experiment and the Go in the options.
    place: (usize, usize),
    reason: String,
}

/// One call of [`run()`].
struct Lab<'a> {
    options: &'a Options,
    state: &'a State,
    /// Shape: one per Go.
    binaries: Vec<PathBuf>,
    failures: Vec<Failure>,
    /// Looked for when first needed.
    counter: Option<Result<Counter, String>>,
}

/// One run to do.
#[derive(Clone, Copy)]
struct Step {
    round: usize,
    experiment: usize,
    go: usize,
}

impl<'a> Lab<'a> {
    fn run_all(&mut self, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
        let all = self.steps();
        if self.options.is_fresh {
            all.iter().for_each(|step| drop(fs::remove_file(self.output(*step))));
        }
        let (done, to_do): (Vec<Step>, Vec<Step>) =
            all.iter().partition(|step| self.output(**step).exists());
        if !done.is_empty() {
            progress(Progress::Resumed { n: done.len(), of: all.len() });
        }
        let start = Instant::now();
        for (n, &step) in to_do.iter().enumerate() {
            // An experiment that failed on this Go fails again.
            if self.failures.iter().any(|failure| failure.place == (step.experiment, step.go)) {
                continue;
            }
            let (experiment, go) = self.names(step);
            let left = (to_do.len() - n) as u32;
            progress(Progress::Running {
                n: done.len() + n + 1,
                of: all.len(),
                experiment,
                go,
                round: step.round + 1,
                left: (n > 0).then(|| start.elapsed() / n as u32 * left),
            });
            if let Err(reason) = self.run_step(step)? {
                progress(Progress::Failed { experiment, go, reason: &reason });
                self.failures.push(Failure { place: (step.experiment, step.go), reason });
            }
        }
        Ok(())
    }

    /// All runs, in their order.
    fn steps(&self) -> Vec<Step> {
        let (n_experiments, n_gos) = (self.options.experiments.len(), self.options.gos.len());
        (0..self.options.n_rounds)
            .flat_map(|round| (0..n_experiments).map(move |experiment| (round, experiment)))
            .flat_map(|(round, experiment)| {
                (0..n_gos).map(move |go| Step { round, experiment, go })
            })
            .collect()
    }

    fn names(&self, step: Step) -> (&'static Experiment, &'a Go) {
        let options: &'a Options = self.options;
        (options.experiments[step.experiment], &options.gos[step.go])
    }

    fn output(&self, step: Step) -> PathBuf {
        let (experiment, go) = self.names(step);
        self.state.output(&go.version, experiment, self.options.scale, step.round)
    }

    /// Runs and keeps the output. The inner error is the experiment's, in words.
    fn run_step(&mut self, step: Step) -> Result<Result<(), String>, Error> {
        let scratch = self.state.scratch()?;
        let measured = self.measure(step, &scratch.dir);
        let output = match measured {
            Ok(output) => output,
            Err(reason) => return Ok(Err(reason)),
        };
        let path = self.output(step);
        output::write_whole(&path, output.as_bytes())
            .map_err(Error::io(&path, "cannot be written"))?;
        Ok(Ok(()))
    }

    fn measure(&mut self, step: Step, scratch: &Path) -> Result<String, String> {
        let (kind, binary) = (self.names(step).0.kind, self.binaries[step.go].clone());
        let is_quick = self.options.scale == Scale::Quick;
        if kind == Kind::CacheMisses {
            let counter = self.counter.get_or_insert_with(|| Counter::find(scratch)).clone()?;
            return counter.measure(&binary, is_quick, scratch);
        }
        let experiment = self.names(step).0;
        let mut command = Command::new(&binary);
        for name in ["GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK"] {
            command.env_remove(name);
        }
        command
            .args(is_quick.then_some("-quick"))
            .arg("-profiles")
            .arg(scratch)
            .arg(experiment.name);
        let mut output = process::run(&mut command, scratch)?.stdout;
        if kind == Kind::Profiles {
            output += &profile_lines(experiment.name, scratch)?;
        }
        Ok(output)
    }
}

/// A result line per profile in a folder.
fn profile_lines(experiment: &str, dir: &Path) -> Result<String, String> {
    let listing = fs::read_dir(dir).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = listing.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pprof"));
    paths.sort();
    let group: String = experiment.split('-').map(capitalised).collect();
    let mut lines = String::new();
    for path in paths {
        let case = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = fs::read(&path).map_err(|error| error.to_string())?;
        lines += &profile_line(&format!("{group}/{case}"), &bytes)?;
    }
    Ok(lines)
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
