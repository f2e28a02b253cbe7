//! One capture from start to end.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use goproc::Pid;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::endpoint::Endpoint;
use crate::perf::{Events, Perf};
use crate::process;
use crate::recorder::{Plan, Recorder};
use crate::summary::{Collected, Ending, Missing, Summary};
use crate::{Error, Options, Target};

/// Of a process that goes on, when nothing else was said: as long as a CPU profile of the endpoint.
const USUAL_DURATION: Duration = Duration::from_secs(30);
/// How often it is looked whether the end has come.
const TICK: Duration = Duration::from_millis(50);
/// How often profiles that add up are fetched.
const SNAPSHOT: Duration = Duration::from_secs(10);
/// How long an answer may be late at the end; after a signal nobody wants to wait.
const GRACE: Duration = Duration::from_secs(20);
const GRACE_AFTER_SIGNAL: Duration = Duration::from_secs(2);

/// How long a program that was just started may take to listen.
const LISTENS_AFTER: Duration = Duration::from_secs(5);

type Outcome = Result<Collected, Missing>;

/// Something that collects in a thread of its own.
struct Worker {
    what: &'static str,
    thread: JoinHandle<Vec<Outcome>>,
}

/// Collects until the end; see [`crate`]. `progress` gets a line for each step.
///
/// # Errors
/// When nothing could be collected, or the folder cannot be written.
pub fn capture(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Summary, Error> {
    if options.target.is_none() && options.url.is_none() {
        return Err(Error::NoTarget);
    }
    if let Some(Target::Pid(pid)) = options.target
        && !Pid(pid).is_running()
    {
        return Err(Error::NoSuchProcess { pid });
    }
    prepare(&options.dir)?;
    let stop = Arc::new(AtomicBool::new(false));
    let register = |signal| signal_hook::flag::register(signal, stop.clone());
    let ids = [SIGINT, SIGTERM].into_iter().map(register).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(Error::Signals)?;
    let result = Run::start(options, &stop, progress).and_then(|run| run.finish(progress));
    for id in ids {
        signal_hook::low_level::unregister(id);
    }
    if result.is_err() {
        // Succeeds only when it is empty.
        let _ = fs::remove_dir(&options.dir);
    }
    result
}

fn prepare(dir: &Path) -> Result<(), Error> {
    let fail = |source| Error::Write { path: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(fail)?;
    match fs::read_dir(dir).map_err(fail)?.next() {
        Some(_) => Err(Error::NotEmpty { dir: dir.to_owned() }),
        None => Ok(()),
    }
}

struct Run<'o> {
    options: &'o Options,
    /// Set by a signal.
    stop: Arc<AtomicBool>,
    /// Ends the recorder.
    stop_recorder: Arc<AtomicBool>,
    pid: Option<u32>,
    /// A command that the recorder did not start.
    child: Option<Child>,
    endpoint: Option<Endpoint>,
    perf: Option<Perf>,
    workers: Vec<Worker>,
    outcomes: Vec<Outcome>,
    started: Instant,
    deadline: Option<Instant>,
}

impl<'o> Run<'o> {
    fn start(
        options: &'o Options,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let is_command = matches!(options.target, Some(Target::Command(_)));
        let duration = options.duration.or((!is_command).then_some(USUAL_DURATION));
        let mut run = Self {
            options,
            stop: stop.clone(),
            stop_recorder: Arc::default(),
            pid: None,
            child: None,
            endpoint: None,
            perf: None,
            workers: Vec::new(),
            outcomes: Vec::new(),
            started: Instant::now(),
            deadline: None,
        };
        run.start_process(progress)?;
        run.started = Instant::now();
        run.deadline = duration.map(|duration| run.started + duration);
        if let Some(pid) = run.pid {
            run.outcomes.push(process::copy_binary(Pid(pid), &options.dir));
        }
        run.start_endpoint(progress);
        Ok(run)
    }

    /// Recorder and perf first: a command begins when both are there.
    fn start_process(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let Some(target) = &self.options.target else {
            let why = "no process was given: add -p PID";
            self.outcomes
                .push(Err(Missing::new("recording of map growth, perf.data, binary", why)));
            return Ok(());
        };
        progress("asking perf what it may record here");
        let events = Events::choose();
        progress("attaching the recorder of map growth");
        let mut recorder = self.start_recorder(target)?;
        if !matches!(target, Target::Command(_)) {
            // It must not count without its governor while perf begins.
            self.let_go(&mut recorder);
        }
        let Some(pid) = self.pid else { return Ok(()) };
        match events.and_then(|events| Perf::start(events, pid, &self.options.dir)) {
            Ok(perf) => self.perf = Some(perf),
            Err(missing) => self.outcomes.push(Err(missing)),
        }
        self.let_go(&mut recorder);
        Ok(())
    }

    /// A command is started in any case; without recorder it does not wait.
    fn start_recorder(&mut self, target: &Target) -> Result<Option<Recorder>, Error> {
        let plan = Plan {
            target: target.clone(),
            max_overhead: self.options.max_overhead,
            sample_hz: if self.options.url.is_some() { 0 } else { 99 },
            dir: self.options.dir.clone(),
        };
        match Recorder::attach(&plan) {
            Ok(recorder) => {
                self.pid = Some(recorder.pid);
                Ok(Some(recorder))
            }
            Err(missing) => {
                self.outcomes.push(Err(missing));
                self.pid = Some(match target {
                    Target::Pid(pid) => *pid,
                    Target::Command(argv) => self.spawn(argv)?,
                });
                Ok(None)
            }
        }
    }

    fn let_go(&mut self, recorder: &mut Option<Recorder>) {
        if let Some(recorder) = recorder.take() {
            let thread = recorder.let_go(&self.stop_recorder);
            self.work("recording of map growth", move || {
                thread.join().map_or_else(|_| Vec::new(), |outcome| vec![outcome])
            });
        }
    }

    fn spawn(&mut self, argv: &[std::ffi::OsString]) -> Result<u32, Error> {
        let child = Command::new(&argv[0]).args(&argv[1..]).spawn().map_err(|source| {
            Error::Start { command: argv[0].to_string_lossy().into_owned(), source }
        })?;
        let pid = child.id();
        self.child = Some(child);
        Ok(pid)
    }

    fn start_endpoint(&mut self, progress: &mut dyn FnMut(&str)) {
        let Some(url) = &self.options.url else {
            let why = "no endpoint was given: add --url http://HOST:PORT/debug/pprof if the program \
                       imports net/http/pprof";
            let what = "CPU, heap, mutex and block profiles, execution trace";
            return self.outcomes.push(Err(Missing::new(what, why)));
        };
        progress(&format!("asking {url}"));
        let endpoint = Endpoint::new(url);
        let patience = match self.options.target {
            Some(Target::Command(_)) => LISTENS_AFTER,
            _ => Duration::ZERO,
        };
        if let Err(reason) = endpoint.wait(patience, &self.stop) {
            let what = "CPU, heap, mutex and block profiles, execution trace";
            return self.outcomes.push(Err(Missing::new(what, reason)));
        }
        let (deadline, dir) = (self.deadline, self.options.dir.clone());
        let (for_cpu, cpu_dir, stop) = (endpoint.clone(), dir.clone(), self.stop.clone());
        self.work("CPU profile", move || for_cpu.cpu(&cpu_dir, deadline, &stop));
        let (for_trace, stop) = (endpoint.clone(), self.stop.clone());
        self.work("execution trace", move || vec![for_trace.trace(&dir, deadline, &stop)]);
        self.endpoint = Some(endpoint);
    }

    fn work(&mut self, what: &'static str, job: impl FnOnce() -> Vec<Outcome> + Send + 'static) {
        self.workers.push(Worker { what, thread: std::thread::spawn(job) });
    }

    /// Waits for the end, and collects what there is.
    fn finish(mut self, progress: &mut dyn FnMut(&str)) -> Result<Summary, Error> {
        if self.workers.is_empty() && self.perf.is_none() {
            return self.summary(Ending::Exit, Duration::ZERO);
        }
        match self.deadline {
            Some(end) => progress(&format!(
                "collecting for {:.0} s; Ctrl-C ends it early",
                end.saturating_duration_since(Instant::now()).as_secs_f64()
            )),
            None => progress("collecting until the program ends; Ctrl-C ends it early"),
        }
        let mut snapshots = Vec::new();
        let ending = self.wait(&mut snapshots);
        let elapsed = self.started.elapsed();
        self.stop_recorder.store(true, Ordering::Relaxed);
        if ending != Ending::Exit {
            self.take_snapshots(&mut snapshots);
        }
        self.outcomes.append(&mut snapshots);
        let grace = if ending == Ending::Signal { GRACE_AFTER_SIGNAL } else { GRACE };
        // The endpoint's answers end by themselves at the end of the time.
        self.join(Instant::now() + if ending == Ending::Exit { GRACE_AFTER_SIGNAL } else { grace });
        if let Some(perf) = self.perf.take() {
            self.outcomes.extend(perf.finish());
        }
        self.summary(ending, elapsed)
    }

    fn wait(&mut self, snapshots: &mut Vec<Outcome>) -> Ending {
        let mut next_snapshot = self.started + SNAPSHOT;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ending::Signal;
            }
            if self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_))))
                || self.pid.is_some_and(|pid| !Pid(pid).is_running())
            {
                return Ending::Exit;
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Ending::Duration;
            }
            if now >= next_snapshot {
                next_snapshot = now + SNAPSHOT;
                self.take_snapshots(snapshots);
            }
            std::thread::sleep(TICK);
        }
    }

    /// What is fetched replaces what was fetched before, unless it failed.
    fn take_snapshots(&self, snapshots: &mut Vec<Outcome>) {
        let Some(endpoint) = &self.endpoint else { return };
        let fetched = endpoint.snapshots(&self.options.dir);
        if snapshots.is_empty() {
            return *snapshots = fetched;
        }
        for (old, new) in snapshots.iter_mut().zip(fetched) {
            if new.is_ok() || old.is_err() {
                *old = new;
            }
        }
    }

    /// Takes the outcomes of all workers that end in time; requests that do not are left to themselves.
    fn join(&mut self, until: Instant) {
        for Worker { what, thread } in std::mem::take(&mut self.workers) {
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(TICK / 5);
            }
            if thread.is_finished() {
                self.outcomes.extend(thread.join().unwrap_or_default());
            } else {
                let why = "it was not complete when the capture ended";
                self.outcomes.push(Err(Missing::new(what, why)));
            }
        }
    }

    fn summary(self, ending: Ending, elapsed: Duration) -> Result<Summary, Error> {
        let (collected, missing): (Vec<_>, Vec<_>) =
            self.outcomes.into_iter().partition(Result::is_ok);
        let collected: Vec<Collected> = collected.into_iter().flatten().collect();
        let missing: Vec<Missing> = missing.into_iter().filter_map(Result::err).collect();
        if collected.is_empty() {
            let reasons: Vec<_> =
                missing.iter().map(|m| format!("  {}: {}", m.what, m.why)).collect();
            return Err(Error::Nothing { reasons: reasons.join("\n") });
        }
        let summary = Summary {
            mapscope_capture: 1,
            dir: self.options.dir.clone(),
            pid: self.pid,
            seconds: elapsed.as_secs_f64(),
            ending,
            collected,
            missing,
        };
        let path = self.options.dir.join("capture.json");
        let bytes = serde_json::to_vec(&summary).map_err(io::Error::from);
        bytes
            .and_then(|bytes| fs::write(&path, bytes))
            .map_err(|source| Error::Write { path, source })?;
        Ok(summary)
    }
}
