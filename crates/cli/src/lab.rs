//! `mapscope lab`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use lab::{CATALOGUE, Experiment, Go, Options, Progress, Results, Scale};

use crate::args::Lab;
use crate::output::{self, Outputs};
use crate::{ERROR, Say};

pub(crate) fn run(args: &Lab, out: &mut dyn Write, err: &mut dyn Say) -> anyhow::Result<ExitCode> {
    let experiments = chosen(&args.only)?;
    if args.list {
        report::render_lab_list(out, &experiments, crate::width())?;
        return Ok(ExitCode::SUCCESS);
    }
    let outputs = Outputs::beside(&args.go, output::over(args.force));
    outputs.check([(&args.html, output::LAB_PAGE), (&args.markdown, output::LAB_MARKDOWN)])?;
    let scale = if args.quick { Scale::Quick } else { Scale::Full };
    let options = Options {
        gos: toolchains(&args.go)?,
        experiments,
        scale,
        n_rounds: args.rounds.map_or(scale.rounds(), usize::from),
        state: args.state.clone().map_or_else(cache_dir, Ok)?,
        is_fresh: args.fresh,
    };
    let results = lab::run(&options, &mut |progress| {
        let _ = say(err, &progress);
    })?;
    write_files(args, &outputs, &results, err)?;
    if args.json {
        report::render_lab_json(out, &results)?;
    } else {
        report::render_lab(out, &results, crate::width())?;
    }
    let all = results.experiments.iter().flat_map(|result| &result.by_go);
    let is_failed = all.into_iter().any(|of| of.failure.is_some());
    Ok(if is_failed { ExitCode::from(ERROR) } else { ExitCode::SUCCESS })
}

/// The experiments of these names, all without any.
fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Experiment>> {
    let known = |name: &String| CATALOGUE.iter().any(|experiment| experiment.name == name);
    if let Some(name) = names.iter().find(|name| !known(name)) {
        let all: Vec<&str> = CATALOGUE.iter().map(|experiment| experiment.name).collect();
        bail!("--only {name}: no such experiment; there are {}", all.join(", "));
    }
    let is_chosen = |of: &&Experiment| names.is_empty() || names.iter().any(|name| name == of.name);
    Ok(CATALOGUE.into_iter().filter(is_chosen).collect())
}

/// Each Go once.
fn toolchains(asked: &[String]) -> anyhow::Result<Vec<Go>> {
    let mut gos: Vec<Go> = Vec::new();
    for asked in asked {
        let go = Go::find(asked)?;
        if let Some(same) = gos.iter().find(|known| known.version == go.version) {
            bail!("--go {asked}: {} is named already ({})", go.version, same.command.display());
        }
        gos.push(go);
    }
    Ok(gos)
}

fn cache_dir() -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(set("HOME")?).join(".cache")));
    let cache =
        cache.context("neither XDG_CACHE_HOME nor HOME is set: name a folder with --state")?;
    Ok(cache.join("mapscope/lab"))
}

fn write_files(
    args: &Lab,
    outputs: &Outputs,
    results: &Results,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    type Render = fn(&mut dyn Write, &Results) -> std::io::Result<()>;
    let files: [(_, _, Render); 2] = [
        (&args.html, output::LAB_PAGE, report::render_lab_html),
        (&args.markdown, output::LAB_MARKDOWN, report::render_lab_markdown),
    ];
    for (path, kind, render) in files {
        let Some(path) = path else { continue };
        let mut page = Vec::new();
        render(&mut page, results)?;
        outputs.write(path, kind, &page, err)?;
    }
    Ok(())
}

fn say(err: &mut dyn Say, progress: &Progress<'_>) -> std::io::Result<()> {
    match progress {
        Progress::Building(go) => {
            writeln!(err, "mapscope: {}: building the experiments", go.version)
        }
        Progress::Resumed { n, of } => {
            writeln!(err, "mapscope: {n} of {of} runs were measured before (--fresh measures anew)")
        }
        Progress::Running { n, of, experiment, go, round, left } => {
            let left = left.map_or(String::new(), |left| format!(", about {} left", rough(left)));
            let (name, version) = (experiment.name, &go.version);
            err.say_progress(format_args!(
                "mapscope: [{n}/{of}] round {round}: {name} on {version}{left}\n"
            ));
            Ok(())
        }
        Progress::Failed { experiment, go, reason } => {
            writeln!(err, "mapscope: {} on {} failed: {reason}", experiment.name, go.version)
        }
    }
}

/// "40 s", "5 min".
fn rough(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}
