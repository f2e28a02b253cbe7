//! The argument table: help, completions and the man page are made from it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use goabi::GoVersion;
use regex::Regex;
use report::Explained;

/// Which Go map costs the time, why, what to change, and did it help.
///
/// mapscope reads what you already have of an unmodified Go program (pprof profiles, the binary) and names the maps
/// that cost CPU time: their Go type, the line of source, how the cost splits, and what to do about it, including
/// "leave it alone".
#[derive(Debug, Parser)]
#[command(name = "mapscope", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Args {
    /// When to use colours.
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say which maps cost the time, why, and what to change.
    Diagnose(Diagnose),
    /// Collect everything that can be measured of a Go program into one folder, for diagnose.
    Capture(Capture),
    /// Record map growth and CPU samples of a running, unmodified Go program.
    Record(Record),
    /// List the map types and map write sites of a Go binary, without its source.
    Scan(Scan),
    /// Print the machine code of a function with samples and the meaning of map instructions.
    Asm(Asm),
    /// Say whether a change helped: runs before and after it, site by site, chance told from change.
    Compare(Compare),
    /// Say what size hints, flattening and sharding would cost: for the maps of a recording, or for sizes by hand.
    Whatif(WhatIf),
    /// Test claims about nested maps on this machine and the Go versions of your choice.
    Lab(Lab),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, in troff.
    Man,
}

const DIAGNOSE_EXAMPLES: &str = "\
Examples:
  Diagnose a CPU profile; the binary adds map types, the heap profile adds what growth allocates:
    mapscope diagnose cpu.pprof heap.pprof ./server

  Ask a running server for 30 seconds of CPU profile:
    mapscope diagnose http://localhost:6060/debug/pprof/profile?seconds=30 ./server

  Write a page to send to a colleague, and a flame graph:
    mapscope diagnose cpu.pprof ./server --html report.html --flamegraph flame.svg

  See what the garbage collector did to the goroutines meanwhile (go test -trace, /debug/pprof/trace):
    mapscope diagnose cpu.pprof trace.out ./server

  Diagnose all that was captured into a folder:
    mapscope diagnose mapscope.capture

  Fail a CI job when a map that should be changed costs more than 10 % of the CPU:
    mapscope diagnose cpu.pprof ./server --fail-over 10

  Print all about the second finding, with its source from a checkout:
    mapscope diagnose cpu.pprof ./server --why 2 --source ~/src/server

  Say what a rule rests on, and how to check it by hand; what the words of reports mean:
    mapscope diagnose --explain growth-dominates
    mapscope diagnose --glossary

  Hold the maps against the limits of a file, and show what is over them in a pull request:
    mapscope diagnose server.pb.gz ./server --budget mapscope.toml --github

Exit codes: 0 fine, 1 over the --fail-over limit or one of --budget, 2 an error or a limit that cannot be checked.";

/// Arguments of `mapscope diagnose`.
#[derive(Debug, ClapArgs)]
#[command(after_help = DIAGNOSE_EXAMPLES)]
pub struct Diagnose {
    /// CPU and heap profiles, recordings, execution traces, the binary, in any order; folders of them; `http://` URLs of
    /// pprof endpoints too.
    #[arg(required_unless_present_any = ["explain", "glossary"], value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub inputs: Vec<String>,
    /// Say what a rule means and needs, why its thresholds are where they are, and how to check it by hand; or, of a verdict
    /// such as PRESIZE, which rules have it. A name that is not known lists them.
    #[arg(long, value_name = "RULE|VERDICT", value_parser = explained(), ignore_case = true, hide_possible_values = true, conflicts_with_all = NOT_BESIDE_EXPLAIN)]
    pub explain: Option<Explained>,
    /// Say what the words of reports mean.
    #[arg(long, conflicts_with_all = NOT_BESIDE_EXPLAIN, conflicts_with = "explain")]
    pub glossary: bool,
    /// Print everything: all findings with their evidence, the inputs, all lines at which maps are used.
    #[arg(short, long, conflicts_with_all = ["json", "why"])]
    pub verbose: bool,
    /// Print everything about one finding, by its number in the report.
    #[arg(long, value_name = "N", conflicts_with_all = ["json", "top"])]
    pub why: Option<usize>,
    /// Look for source in this folder first; else where the compiler had it, below the working directory, beside the inputs,
    /// and in the module cache.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: Vec<PathBuf>,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
    /// Also write a self-contained page.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Also write a flame graph, coloured by cost category.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub flamegraph: Option<PathBuf>,
    /// Show at most N findings and sites [default: 3, 10 with --verbose].
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Only sites whose function, file or map type matches.
    #[arg(long, value_name = "REGEX")]
    pub focus: Option<Regex>,
    /// Exit with 1 when maps at a line where something should be changed take more than PCT percent of the CPU.
    #[arg(long, value_name = "PCT", value_parser = percent)]
    pub fail_over: Option<f64>,
    /// Hold sites against the limits of this file (docs/budget.md); exit with 1 when one is over them.
    #[arg(long, value_name = "FILE.toml", value_hint = ValueHint::FilePath)]
    pub budget: Option<PathBuf>,
    /// Also write what is over the budget, and findings that ask for a change, as SARIF 2.1.0.
    #[arg(long, value_name = "FILE.sarif", value_hint = ValueHint::FilePath)]
    pub sarif: Option<PathBuf>,
    /// Also print them as annotations of a GitHub workflow.
    #[arg(long, conflicts_with = "json")]
    pub github: bool,
    /// Write over a file that is not an earlier output of this command; never over inputs and executables.
    #[arg(long)]
    pub force: bool,
    /// Refuse profiles that inflate to more than this many MiB.
    #[arg(long, value_name = "MIB", default_value_t = ingest::OpenOptions::default().max_inflated_bytes >> 20)]
    pub max_inflated: u64,
}

const CAPTURE_EXAMPLES: &str = "\
Examples:
  Collect 30 seconds of a running server that serves net/http/pprof, then diagnose it:
    sudo mapscope capture -p $(pgrep -n server) --url http://localhost:6060/debug/pprof -o server.capture
    sudo mapscope diagnose server.capture

  Start a program, and collect until it ends:
    sudo mapscope capture -o run.capture -- ./server -load test

  Without privileges, or from elsewhere: what the endpoint serves:
    mapscope capture --url http://server:6060/debug/pprof -d 10s -o server.capture

In the folder: the binary as binary.NAME, CPU profile, heap, mutex and block profiles and a trace (--url), a recording \
of map growth (root, see `mapscope record --check`), perf.data (where perf is installed), and capture.json, which says \
what is missing, and why. An execution trace is at most 10 s long; the CPU profile comes in parts of 10 s. All of it is \
readable for the user only who ran this: root's captures for root.

The endpoint is not trusted: answers that take too long or are too large are left out, a trace is cut there; Ctrl-C ends \
all of it at once and keeps what came. Of a URL with user, password or token, none of these is in any output or file. A \
server that sends us on to another host or port is not followed. Proxies are not used.

Exit codes: 0 something was collected, 2 an error, also when nothing could be collected, whatever COMMAND ended with. When \
COMMAND is captured to its end, its exit code, 128 and the number of the signal when it was killed; when the capture ends \
first, COMMAND goes on.";

/// Arguments of `mapscope capture`.
#[derive(Debug, ClapArgs)]
#[command(after_help = CAPTURE_EXAMPLES)]
pub struct Capture {
    /// Capture this process.
    #[arg(short, long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "command")]
    pub pid: Option<u32>,
    /// The program's pprof endpoint, such as http://localhost:6060/debug/pprof.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub url: Option<String>,
    /// Stop after this time; without it at the end of COMMAND, else after 30 s, or on Ctrl-C.
    #[arg(short, long, value_name = "TIME", value_parser = crate::record::parse_duration)]
    pub duration: Option<Duration>,
    /// Write to this folder, which has to be new or empty.
    #[arg(short, long, value_name = "DIR", default_value = "mapscope.capture", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,
    /// Keep what the probes of the recorder cost below this part of the program's CPU time; 100 is no limit.
    #[arg(long, value_name = "PCT", default_value_t = 3.0, value_parser = overhead)]
    pub max_overhead: f64,
    /// Of the endpoint: how much longer an answer may take than the server is asked to record.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = crate::record::parse_duration)]
    pub answer_time: Duration,
    /// Of the endpoint: the largest answer, and what a profile may inflate to; CPU profiles and trace together may be 8 times
    /// as large.
    #[arg(long, value_name = "MIB", default_value_t = capture::Limits::default().max_answer_bytes >> 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_answer: u64,
    /// Print what was collected as JSON (docs/json.md).
    #[arg(long)]
    pub json: bool,
    /// Start this program and capture it.
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

const COMPARE_EXAMPLES: &str = "\
Examples:
  Recordings of a server under steady load, six before and six after, each folder with its binary:
    mapscope compare before/ after/

  CPU profiles of a program that does the same work in each run, named one by one:
    mapscope compare --per run old?.pprof old.bin --vs new?.pprof new.bin

  Repeated benchmarks; benchstat reads the same files:
    go test -bench . -count 10 > old.txt; git checkout fix; go test -bench . -count 10 > new.txt
    mapscope compare old.txt new.txt

  Fail a CI job when anything got more than 5 % worse, and not by chance:
    mapscope compare before/ after/ --fail-if-worse 5

  Hand the figures to benchstat:
    mapscope compare before/ after/ --bench > figures.txt; benchstat -col side figures.txt

Exit codes: 0 fine, 1 over the --fail-if-worse limit, 2 an error.";

/// Arguments of `mapscope compare`.
#[derive(Debug, ClapArgs)]
#[command(after_help = COMPARE_EXAMPLES)]
pub struct Compare {
    /// Runs before and after, or with --vs those before: profiles, recordings, outputs of `go test -bench`, the binary,
    /// or folders of them. Each file is a run.
    #[arg(required = true, value_name = "BEFORE", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Runs after the change.
    #[arg(long, num_args = 1.., value_name = "AFTER", value_hint = ValueHint::AnyPath)]
    pub vs: Vec<String>,
    /// What figures are divided by: seconds for a service under steady load, runs for programs that do the same work
    /// in each, operations with --ops.
    #[arg(long, value_enum, default_value_t = PerArg::Second, value_name = "WHAT")]
    pub per: PerArg,
    /// Operations that each run did, before and after where these differ; implies --per op.
    #[arg(long, value_name = "N[,N]", value_delimiter = ',', value_parser = operations)]
    pub ops: Vec<f64>,
    /// Exit with 1 when a figure got more than PCT percent worse, and not by chance.
    #[arg(long, value_name = "PCT", value_parser = percent)]
    pub fail_if_worse: Option<f64>,
    /// Compare different programs, or several builds on one side.
    #[arg(long)]
    pub anyway: bool,
    /// Show at most N functions.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
    /// Print the figures of all runs in the format of Go benchmarks.
    #[arg(long, conflicts_with = "json")]
    pub bench: bool,
}

/// What figures are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PerArg {
    /// Seconds of wall time.
    Second,
    /// Runs.
    Run,
    /// Operations.
    Op,
}

const RECORD_EXAMPLES: &str = "\
Examples:
  Record a running server for 30 seconds, then say what its maps cost:
    sudo mapscope record -p $(pgrep -n server) -d 30s -o server.pb.gz
    mapscope diagnose server.pb.gz ./server

  Record a program from its first instruction to its end:
    sudo mapscope record -o run.pb.gz -- ./server -load test

  Record every compiler that a build starts:
    sudo mapscope record --exe $(go env GOTOOLDIR)/compile -o build.pb.gz -- go build std

  Say what this machine allows:
    mapscope record --check

The line of each second ends with how growths are counted: exact (each of them), sampled stacks (each, and the line of some), \
or windows (those in short times, from which the rest is estimated).

settling: the program has used less than 2 s of CPU time since the start, and may have paid more than --max-overhead.

Recording needs Linux 5.15 or later on x86-64 or arm64 and root, or CAP_BPF and CAP_PERFMON (Linux 6.10 or later). \
The recording is a pprof profile: go tool pprof -sample_index=map_moved_space server.pb.gz opens it.

Exit codes: 0 fine, 2 an error. When COMMAND is recorded to its end, its exit code, 128 and the number of the signal when it was killed; when the recording ends first, COMMAND goes on.";

/// Arguments of `mapscope record`.
#[derive(Debug, ClapArgs)]
#[command(after_help = RECORD_EXAMPLES)]
pub struct Record {
    /// Record this process; several of one executable may be given, as `pgrep` lists them or with commas.
    #[arg(short, long, value_name = "PID", num_args = 1.., value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Vec<u32>,
    /// Record all running processes of this name.
    #[arg(short, long, value_name = "NAME")]
    pub name: Option<String>,
    /// Record all processes of this executable, also those that start later. A name that is no file here is looked up on PATH.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::ExecutablePath)]
    pub exe: Option<PathBuf>,
    /// Stop after this time (30s, 1m30s, 500ms); without it at the end of the program, or on Ctrl-C.
    #[arg(short, long, value_name = "TIME", value_parser = crate::record::parse_duration)]
    pub duration: Option<Duration>,
    /// Write the recording here, - for standard output; to a device or a pipe in place.
    #[arg(short, long, value_name = "FILE", default_value = "mapscope.pb.gz", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// Write over a file that is not an earlier output of this command; never over inputs and executables.
    #[arg(long)]
    pub force: bool,
    /// Keep what probes cost below this part of the program's CPU time, from its second second of CPU time on, by
    /// counting less; 100 is no limit.
    #[arg(long, value_name = "PCT", default_value_t = 3.0, value_parser = overhead)]
    pub max_overhead: f64,
    /// CPU samples per second and core; 0 for none.
    #[arg(long, value_name = "HZ", default_value_t = 99, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub sample_hz: u64,
    /// Keep the N innermost frames of a growth's stack, at most 128; 5 are enough for the line and make it cheaper.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(2..=128))]
    pub stack_depth: u32,
    /// Attach each probe by a link of its own, as on kernels before 6.10.
    #[arg(long, hide = true)]
    pub single_links: bool,
    /// Say what this machine allows and what to do about each gap; with -p also about those processes.
    #[arg(long)]
    pub check: bool,
    /// Start this program and record it.
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

const SCAN_EXAMPLES: &str = "\
Examples:
  mapscope scan ./server
  mapscope scan ./server --focus 'main\\.' --top 50
  mapscope scan ./server --json | jq '.map_types[] | select(.nested != \"no\") | .name'";

/// Arguments of `mapscope scan`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SCAN_EXAMPLES)]
pub struct Scan {
    /// Go executable (ELF, amd64 or arm64), stripped or not.
    #[arg(value_hint = ValueHint::FilePath)]
    pub binary: String,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
    /// Show at most N map types and N write sites.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub top: usize,
    /// Only map types and sites whose type, function or file matches.
    #[arg(long, value_name = "REGEX")]
    pub focus: Option<Regex>,
}

const ASM_EXAMPLES: &str = "\
Examples:
  mapscope asm ./server runtime.mapassign_faststr cpu.pprof
  mapscope asm ./server runtime.mapaccess1_faststr perf.data --event cache-misses
  mapscope asm ./server 'main.(*store).add'";

/// Arguments of `mapscope asm`.
#[derive(Debug, ClapArgs)]
#[command(after_help = ASM_EXAMPLES)]
pub struct Asm {
    /// Go executable (ELF, amd64 or arm64), stripped or not.
    #[arg(value_hint = ValueHint::FilePath)]
    pub binary: String,
    /// Full name of the function, as pprof prints it.
    pub function: String,
    /// CPU profile or perf.data of this binary.
    #[arg(value_hint = ValueHint::FilePath)]
    pub profile: Option<String>,
    /// Event of perf.data to list, such as cache-misses or dTLB-load-misses, in place of CPU time.
    #[arg(long, requires = "profile")]
    pub event: Option<String>,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
}

const WHATIF_EXAMPLES: &str = "\
Examples:
  Of the maps of a recording, at the sizes that they were recorded to reach; the binary knows declared types:
    mapscope whatif server.pb.gz ./server

  Of the maps of one package, drawn:
    mapscope whatif server.pb.gz ./server --site '^server/cache\\.' --svg cache.svg

  Of sizes by hand:
    mapscope whatif --map 'map[string]map[string]int' --outer 4096 --inner 244
    mapscope whatif --map 'map[string]map[string]int' --outer 4096 --inner 244 --svg chart.svg
    mapscope whatif --map 'map[[2]string]int' --outer 1000000 --go 1.23
    mapscope whatif --map 'map[string]map[int]bool' --outer 1000 --inner '8*900,244*100'
    mapscope whatif --map 'map[int]map[int]struct{ x, y float64 }' --outer 100 --inner 16 --json

Exit codes: 0 fine, 2 an error or a recording without any map of which a forecast can be made.";

/// Arguments of `mapscope whatif`.
#[derive(Debug, ClapArgs)]
#[command(after_help = WHATIF_EXAMPLES)]
pub struct WhatIf {
    /// Recordings of `mapscope record` and the binary, in any order: what other ways to hold their maps would cost.
    #[arg(value_name = "RECORDING|BINARY", value_hint = ValueHint::FilePath, required_unless_present = "map")]
    pub inputs: Vec<String>,
    /// Only maps whose function, file or type matches.
    #[arg(long, value_name = "REGEX", requires = "inputs")]
    pub site: Option<Regex>,
    /// Show at most N, those that moved most bytes first; with --site all, if not given, else 10.
    #[arg(long, value_name = "N", requires = "inputs")]
    pub top: Option<usize>,
    /// The map type, in Go; named types written out.
    #[arg(long, value_name = "TYPE", conflicts_with = "inputs", requires = "outer")]
    pub map: Option<String>,
    /// Entries of the map.
    #[arg(long, value_name = "N", requires = "map")]
    pub outer: Option<u64>,
    /// Entries of each map in it; where they differ, entries and maps: `8*900,244*100`.
    #[arg(long, value_name = "N[*MAPS],...", value_delimiter = ',', value_parser = maps_of_size, requires = "map")]
    pub inner: Vec<(u64, Option<u64>)>,
    /// Also write a chart: over the size of the inner maps, or of the map where it has none; of a recording, bars.
    #[arg(long, value_name = "FILE.svg", value_hint = ValueHint::FilePath)]
    pub svg: Option<PathBuf>,
    /// Write over a file that is not an earlier output of this command; never over inputs and executables.
    #[arg(long)]
    pub force: bool,
    /// Release of Go, 1.18 to 1.27; 1.18 to 1.20 from descriptions only.
    #[arg(long, value_name = "VERSION", default_value = "1.27", value_parser = go_version, conflicts_with = "inputs")]
    pub go: GoVersion,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
}

const LAB_EXAMPLES: &str = "\
Examples:
  Test all claims on the go of the PATH (about four minutes):
    mapscope lab

  A first look in two minutes, and a page with charts:
    mapscope lab --quick --html lab.html

  Compare two versions of Go (paths, or versions as golang.org/dl installs them):
    mapscope lab --go 1.23.9 --go ~/sdk/go1.27.3/bin/go

  One claim, measured anew, with more runs:
    mapscope lab --only mark-assist --rounds 15 --fresh

A run that was interrupted goes on where it stopped when it is started again with the same options. Outputs are kept \
in the state folder, in the Go benchmark text format, by Go version and source of the experiment.

Exit codes: 0 fine, 2 an error or an experiment that failed.";

/// Arguments of `mapscope lab`.
#[derive(Debug, ClapArgs)]
#[command(after_help = LAB_EXAMPLES)]
pub struct Lab {
    /// A Go to run on: the path of a go command, or a version; may be repeated.
    #[arg(long, value_name = "PATH|VERSION", default_value = "go")]
    pub go: Vec<String>,
    /// List the experiments with their claims and thresholds, and run nothing.
    #[arg(long)]
    pub list: bool,
    /// Run only this experiment; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Smaller sizes and fewer runs, for a first look.
    #[arg(long)]
    pub quick: bool,
    /// Runs of each experiment on each Go, 5 or with --quick 3 if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: Option<u16>,
    /// Measure anew what was measured before.
    #[arg(long)]
    pub fresh: bool,
    /// Keep builds and outputs here instead of in the user's cache folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state: Option<PathBuf>,
    /// Print JSON (docs/json.md) instead of text.
    #[arg(long)]
    pub json: bool,
    /// Also write a self-contained page with charts.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Also write the results as Markdown.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub markdown: Option<PathBuf>,
    /// Write over a file that is not an earlier output of this command; never over inputs and executables.
    #[arg(long)]
    pub force: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Standard output with escape sequences kept or removed.
    pub fn stdout(self) -> anstream::AutoStream<io::Stdout> {
        anstream::AutoStream::new(io::stdout(), self.choice())
    }

    /// Standard error with escape sequences kept or removed.
    pub fn stderr(self) -> anstream::AutoStream<io::Stderr> {
        anstream::AutoStream::new(io::stderr(), self.choice())
    }

    fn choice(self) -> anstream::ColorChoice {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }
}

fn go_version(text: &str) -> Result<GoVersion, String> {
    let digits = text.trim_start_matches("go");
    GoVersion::parse(&format!("go{digits}")).ok_or_else(|| "not a version such as 1.27".to_owned())
}

/// What says something of inputs, where a rule is explained without any.
const NOT_BESIDE_EXPLAIN: [&str; 15] = [
    "inputs",
    "verbose",
    "why",
    "source",
    "json",
    "html",
    "flamegraph",
    "top",
    "focus",
    "fail_over",
    "budget",
    "sarif",
    "github",
    "force",
    "max_inflated",
];

/// Takes the name of a rule, or a verdict, also with spaces as reports print it.
fn explained() -> impl TypedValueParser<Value = Explained> {
    let as_printed =
        Explained::printed_verdicts().map(|words| PossibleValue::new(words).hide(true));
    PossibleValuesParser::new(Explained::names().map(PossibleValue::new).chain(as_printed))
        .map(|name| Explained::named(&name).expect("it is the name of one of them"))
}

fn maps_of_size(text: &str) -> Result<(u64, Option<u64>), String> {
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is not a number"));
    match text.split_once('*') {
        None => Ok((number(text)?, None)),
        Some((entries, maps)) => Ok((number(entries)?, Some(number(maps)?))),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(pct) if (0.0..=100.0).contains(&pct) => Ok(pct),
        _ => Err("not a percentage between 0 and 100".to_owned()),
    }
}

/// Of a limit below this the least that windows take leaves nothing. Units: percent.
const LEAST_OVERHEAD: f64 = 0.5;

fn overhead(text: &str) -> Result<f64, String> {
    let pct = percent(text)?;
    if pct < LEAST_OVERHEAD {
        return Err(format!(
            "the smallest limit of use is {LEAST_OVERHEAD}: a recording looks at the program at least every two seconds, which takes about that much of one that grows maps all the time"
        ));
    }
    Ok(pct)
}

fn operations(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(n) if f64::is_finite(n) && n > 0.0 => Ok(n),
        _ => Err("not a number above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Args, NOT_BESIDE_EXPLAIN, overhead};

    #[test]
    fn a_limit_that_no_recording_keeps_is_refused() {
        assert_eq!([overhead("0.5"), overhead("100")], [Ok(0.5), Ok(100.0)]);
        for text in ["0", "0.1", "-1", "101", "NaN"] {
            overhead(text).expect_err(text);
        }
        assert!(overhead("0").is_err_and(|error| error.contains("smallest limit of use is 0.5")));
    }

    #[test]
    fn a_rule_is_explained_beside_no_other_argument_of_the_command() {
        let args = Args::command();
        let diagnose = args.find_subcommand("diagnose").expect("it is a command");
        let ids = diagnose.get_arguments().map(|arg| arg.get_id().as_str());
        let others: Vec<&str> = ids.filter(|id| !["explain", "glossary"].contains(id)).collect();
        assert_eq!(others, NOT_BESIDE_EXPLAIN);
    }

    /// Lines that are broken here would be broken a second time at the edge of the terminal.
    #[test]
    fn paragraphs_of_help_are_one_line() {
        for command in Args::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = help.lines().collect();
            for pair in lines.windows(2) {
                let is_text = pair.iter().all(|line| !line.is_empty() && !line.starts_with(' '));
                assert!(!is_text, "{}: {pair:?}", command.get_name());
            }
        }
    }
}
