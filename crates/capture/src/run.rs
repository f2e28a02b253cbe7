//! One capture from start to end.

use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use goproc::{CommandState, Pid, ProcessId};
use ingest::seconds_text;
use output::write_private;

use crate::endpoint::{CPU, Endpoint, NOT_COMPLETE, STOPPED, TRACE, without_rights};
use crate::folder::Folder;
use crate::perf::{Events, Perf};
use crate::process::{self, BINARY, Found};
use crate::recorder::{Plan, Recorder};
use crate::snapshots::Snapshots;
use crate::stop::StopSignals;
use crate::summary::{Collected, Ending, Missing, SUMMARY, Summary};
use crate::{Error, Options, Target};

/// Of a process that goes on, when nothing else was said: as long as a CPU profile of the endpoint.
const USUAL_DURATION: Duration = Duration::from_secs(30);
/// How often it is looked whether the end has come.
const END_EVERY: Duration = Duration::from_millis(50);
/// How often it is looked whether what collects has ended.
const WORKERS_EVERY: Duration = Duration::from_millis(10);
/// How long after the first profiles that add up the next are fetched; each time it takes twice as long, so that a program
/// that ends soon has some too.
const FIRST_GAP: Duration = Duration::from_secs(1);
/// How often they are fetched in the long run.
const GAP: Duration = Duration::from_secs(10);
/// How long the recorder may take to end. Nothing that is not ours can hold it.
const GRACE: Duration = Duration::from_secs(20);
/// How long perf may take to end: it reads its file once more, which may be large.
const PERF_GRACE: Duration = Duration::from_secs(60);
/// How long answers may be late when the program has ended: its connections are closed.
const AFTER_EXIT: Duration = Duration::from_secs(2);
/// How long a signal may be held up by the last snapshots.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(500);
/// What is collected of a process.
const OF_PROCESS: &str = "recording of map growth, perf.data, binary";
/// What is collected of an endpoint.
const OF_ENDPOINT: &str = "CPU, heap, mutex and block profiles, execution trace";
/// Why there is nothing of a thread that panicked.
pub(crate) const FAULT: &str = "a fault of mapscope ended it";

/// How long a program that was just started may take to listen.
const LISTENS_AFTER: Duration = Duration::from_secs(5);

pub(crate) type Outcome = Result<Collected, Missing>;

/// Something that collects in a thread of its own.
pub(crate) struct Worker {
    what: &'static str,
    thread: JoinHandle<Vec<Outcome>>,
}

impl Worker {
    /// Starts it.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(crate) fn start(
        what: &'static str,
        job: impl FnOnce() -> Vec<Outcome> + Send + 'static,
    ) -> Result<Self, Missing> {
        let thread = Builder::new().spawn(job);
        let thread = thread.map_err(|error| Missing::new(what, no_thread(&error)))?;
        Ok(Self { what, thread })
    }
}

pub(crate) fn no_thread(error: &io::Error) -> String {
    format!("there can be no thread for it: {error}")
}

pub(crate) fn wait_until(end: Instant, is_done: impl Fn() -> bool) {
    while !is_done() && Instant::now() < end {
        std::thread::sleep(WORKERS_EVERY);
    }
}

/// Collects until the end; see [`crate`]. `progress` gets a line for each step.
///
/// # Errors
/// When nothing could be collected, or the folder cannot be made. That its list of what was collected could not be written
/// is in the list, see [`Summary::is_written`].
pub fn capture(options: &Options, progress: &mut dyn FnMut(&str)) -> Result<Summary, Error> {
    if options.target.is_none() && options.url.is_none() {
        return Err(Error::NoTarget);
    }
    let process = match options.target {
        Some(Target::Pid(pid)) => Some(running(pid)?),
        _ => None,
    };
    let folder = Folder::prepare(&options.dir)?;
    let signals = StopSignals::catch().map_err(Error::Signals)?;
    let run = Run::start(options, process, folder.clone(), signals.flag(), progress);
    let result = run.and_then(|run| run.finish(progress));
    if result.is_err() {
        folder.remove_unused();
    }
    result
}

/// The process of this number, told from a later one with the same.
fn running(pid: u32) -> Result<ProcessId, Error> {
    if let Some(Pid(process)) = Pid(pid).process_of_thread() {
        return Err(Error::Thread { tid: pid, pid: process });
    }
    let process = Pid(pid).id().ok().filter(|process| process.is_running());
    process.ok_or(Error::NoSuchProcess { pid })
}

struct Run<'o> {
    options: &'o Options,
    folder: Folder,
    /// Set by a signal.
    stop: Arc<AtomicBool>,
    /// Ends the recorder and the copy of the executable, and says why.
    end_of_capture: Arc<OnceLock<probe::Ending>>,
    pid: Option<u32>,
    /// That of `pid`; `None` when it was gone before it could be told from others.
    process: Option<ProcessId>,
    is_go: Option<bool>,
    /// A command that the recorder did not start.
    child: Option<Child>,
    /// One that it started, when it has ended.
    recorded: Arc<Mutex<Option<Child>>>,
    /// How the command is at the end, whoever started it.
    command: Option<CommandState>,
    endpoint: Option<Endpoint>,
    perf: Option<Perf>,
    workers: Vec<Worker>,
    /// Of the executable, which takes none of the time of the capture.
    copying: Option<Worker>,
    /// To the endpoint.
    requests: Vec<Worker>,
    outcomes: Vec<Outcome>,
    started: Instant,
    deadline: Option<Instant>,
    /// When no answer is waited for any more.
    end: Option<Instant>,
}

impl<'o> Run<'o> {
    fn start(
        options: &'o Options,
        process: Option<ProcessId>,
        folder: Folder,
        stop: &Arc<AtomicBool>,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let is_command = matches!(options.target, Some(Target::Command(_)));
        let duration = options.duration.or((!is_command).then_some(USUAL_DURATION));
        let mut run = Self {
            options,
            folder,
            stop: stop.clone(),
            end_of_capture: Arc::default(),
            pid: None,
            process,
            is_go: None,
            child: None,
            recorded: Arc::default(),
            command: None,
            endpoint: None,
            perf: None,
            workers: Vec::new(),
            copying: None,
            requests: Vec::new(),
            outcomes: Vec::new(),
            started: Instant::now(),
            deadline: None,
            end: None,
        };
        run.start_process(progress)?;
        run.started = Instant::now();
        run.deadline = duration.map(|duration| run.started + duration);
        run.end = run.deadline.map(|deadline| deadline + options.limits.answer_time);
        if let Some(pid) = run.pid {
            run.start_copy(Pid(pid));
        }
        run.start_endpoint(progress);
        Ok(run)
    }

    fn start_copy(&mut self, pid: Pid) {
        let program = match process::find_program(pid) {
            Found::Go(program) => program,
            Found::Other(missing) => {
                self.is_go = Some(false);
                return self.outcomes.push(Err(missing));
            }
            Found::Unread(missing) => return self.outcomes.push(Err(missing)),
        };
        self.is_go = Some(true);
        let (folder, end) = (self.folder.clone(), self.end_of_capture.clone());
        let copying = Worker::start(BINARY, move || vec![program.copy(&folder, &end)]);
        self.copying = self.started(copying);
    }

    /// A worker, or what it would have collected is missing.
    fn started(&mut self, worker: Result<Worker, Missing>) -> Option<Worker> {
        worker.map_err(|missing| self.outcomes.push(Err(missing))).ok()
    }

    /// Recorder and perf first: a command begins when both are there.
    fn start_process(&mut self, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let Some(target) = &self.options.target else {
            let why = "no process was given: add -p PID";
            self.outcomes.push(Err(Missing::new(OF_PROCESS, why)));
            return Ok(());
        };
        progress("asking perf what it may record here");
        let events = Events::choose(&self.stop);
        if self.is_stopped() {
            self.give_up();
            return Ok(());
        }
        progress("attaching the recorder of map growth");
        let mut recorder = self.attach(target);
        if self.is_stopped() {
            self.give_up();
            return Ok(());
        }
        if recorder.is_none() {
            self.start_without_recorder(target)?;
        }
        if !matches!(target, Target::Command(_)) {
            // It must not count without its governor while perf begins.
            self.let_go(&mut recorder);
        }
        let Some(pid) = self.pid else { return Ok(()) };
        let perf = events.and_then(|events| Perf::start(events, pid, &self.folder, &self.stop));
        if recorder.is_some() && self.is_stopped() {
            perf.into_iter().for_each(Perf::discard);
            self.give_up();
            return Ok(());
        }
        match perf {
            Ok(perf) => self.perf = Some(perf),
            Err(missing) => self.outcomes.push(Err(missing)),
        }
        self.let_go(&mut recorder);
        Ok(())
    }

    /// Says that the process is not captured. A command that is held back never begins.
    fn give_up(&mut self) {
        self.pid = None;
        self.outcomes.push(Err(Missing::new(OF_PROCESS, STOPPED)));
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn attach(&mut self, target: &Target) -> Option<Recorder> {
        let plan = Plan {
            target: target.clone(),
            max_overhead: self.options.max_overhead,
            sample_hz: if self.options.url.is_some() { 0 } else { 99 },
            folder: self.folder.clone(),
        };
        match Recorder::attach(&plan) {
            Ok(recorder) => {
                self.capture_process(recorder.pid);
                Some(recorder)
            }
            Err(missing) => {
                self.outcomes.push(Err(missing));
                None
            }
        }
    }

    /// A command is started in any case; without recorder it does not wait.
    fn start_without_recorder(&mut self, target: &Target) -> Result<(), Error> {
        let pid = match target {
            Target::Pid(pid) => *pid,
            Target::Command(argv) => self.spawn(argv)?,
        };
        self.capture_process(pid);
        Ok(())
    }

    fn capture_process(&mut self, pid: u32) {
        self.pid = Some(pid);
        // Of one that was asked for it is known since then.
        self.process = self.process.or_else(|| Pid(pid).id().ok());
    }

    fn let_go(&mut self, recorder: &mut Option<Recorder>) {
        if let Some(recorder) = recorder.take() {
            self.workers.push(recorder.let_go(&self.end_of_capture, &self.recorded));
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
            let why = match self.is_go {
                Some(false) => "no endpoint was given, and the process is no Go program",
                _ => {
                    "no endpoint was given: add --url http://HOST:PORT/debug/pprof if the program \
                     imports net/http/pprof"
                }
            };
            return self.outcomes.push(Err(Missing::new(OF_ENDPOINT, why)));
        };
        let endpoint = match Endpoint::new(url, self.options.limits, self.end, &self.stop) {
            Ok(endpoint) => endpoint,
            Err(reason) => return self.outcomes.push(Err(Missing::new(OF_ENDPOINT, reason))),
        };
        progress(&format!("asking {}", endpoint.shown()));
        if let Err(reason) = self.wait_for(&endpoint) {
            return self.outcomes.push(Err(Missing::new(OF_ENDPOINT, reason)));
        }
        let deadline = self.deadline;
        self.ask(CPU, &endpoint, move |of, folder| of.cpu(folder, deadline));
        self.ask(TRACE, &endpoint, move |of, folder| vec![of.trace(folder, deadline)]);
        self.endpoint = Some(endpoint);
    }

    /// Makes requests in a thread of its own.
    fn ask(
        &mut self,
        what: &'static str,
        endpoint: &Endpoint,
        job: impl FnOnce(&Endpoint, &Folder) -> Vec<Outcome> + Send + 'static,
    ) {
        let (of, folder) = (endpoint.clone(), self.folder.clone());
        let worker = Worker::start(what, move || match without_rights() {
            Ok(()) => job(&of, &folder),
            Err(why) => vec![Err(Missing::new(what, why))],
        });
        let worker = self.started(worker);
        self.requests.extend(worker);
    }

    /// Waits until the endpoint answers, or the stop is set.
    fn wait_for(&self, endpoint: &Endpoint) -> Result<(), String> {
        let patience = match self.options.target {
            Some(Target::Command(_)) => LISTENS_AFTER,
            _ => Duration::ZERO,
        };
        let of = endpoint.clone();
        let wait = move || without_rights().and_then(|()| of.wait(patience));
        let thread = Builder::new().spawn(wait).map_err(|error| no_thread(&error))?;
        while !thread.is_finished() {
            if self.is_stopped() {
                endpoint.close();
                return Err("stopped by a signal before the endpoint answered".to_owned());
            }
            std::thread::sleep(END_EVERY);
        }
        thread.join().unwrap_or_else(|_| Err(FAULT.to_owned()))
    }

    /// Waits for the end, and collects what there is.
    fn finish(mut self, progress: &mut dyn FnMut(&str)) -> Result<Summary, Error> {
        let collects = !self.workers.is_empty() || !self.requests.is_empty() || self.perf.is_some();
        // A command that was started is waited for in any case: it is not ours to leave alone.
        if !collects && self.child.is_none() {
            let ending = if self.is_stopped() { Ending::Signal } else { Ending::Exit };
            self.finish_copy(ending);
            return self.summary(ending, Duration::ZERO);
        }
        match self.deadline {
            Some(end) => {
                let asked = seconds_text(end - self.started);
                progress(&format!("collecting for {asked}; Ctrl-C ends it early"));
            }
            None => progress("collecting until the program ends; Ctrl-C ends it early"),
        }
        let mut snapshots = Snapshots::new(self.endpoint.clone(), self.folder.clone());
        let ending = self.wait(&mut snapshots);
        let elapsed = self.started.elapsed();
        let ended = Instant::now();
        let _ = self.end_of_capture.set(ending.into());
        if let Some(perf) = &mut self.perf {
            perf.stop();
        }
        self.finish_requests(ending, snapshots);
        let workers = std::mem::take(&mut self.workers);
        self.join(workers, ended + GRACE);
        self.finish_copy(ending);
        if let Some(perf) = self.perf.take() {
            self.outcomes.extend(perf.finish(ended + PERF_GRACE));
        }
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.command = self.child.as_mut().or(recorded.as_mut()).map(CommandState::of);
        self.say_what_time_is_missing(ending, elapsed);
        self.summary(ending, elapsed)
    }

    fn wait(&mut self, snapshots: &mut Snapshots) -> Ending {
        let (mut next_snapshot, mut gap) = (self.started, FIRST_GAP);
        loop {
            if self.is_stopped() {
                return Ending::Signal;
            }
            if self.has_ended() {
                return Ending::Exit;
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Ending::Duration;
            }
            if now >= next_snapshot {
                next_snapshot = now + gap;
                gap = (gap * 2).min(GAP);
                snapshots.begin(self.options.limits.answer_time);
            }
            std::thread::sleep(END_EVERY);
        }
    }

    fn has_ended(&mut self) -> bool {
        let is_running = self.process.is_some_and(ProcessId::is_running);
        self.child.as_mut().is_some_and(goproc::has_ended) || self.pid.is_some() && !is_running
    }

    /// Takes the last snapshots, and the outcomes of requests that end in time; the others are cut.
    fn finish_requests(&mut self, ending: Ending, mut snapshots: Snapshots) {
        let Some(endpoint) = self.endpoint.take() else { return };
        let grace = match ending {
            Ending::Signal => AT_ONCE,
            Ending::Exit => AFTER_EXIT,
            Ending::Duration => self.options.limits.answer_time,
        };
        if ending == Ending::Signal {
            endpoint.close_streams();
        }
        let end = Instant::now() + grace;
        let end = self.end.map_or(end, |last| end.min(last));
        if ending != Ending::Exit {
            snapshots.begin(grace);
        }
        snapshots.wait(end);
        let requests = std::mem::take(&mut self.requests);
        // They have the same limit of time, and were begun a little later.
        wait_until(end + AT_ONCE, || requests.iter().all(|worker| worker.thread.is_finished()));
        endpoint.close();
        self.outcomes.extend(snapshots.finish(ending));
        self.join(requests, Instant::now() + AT_ONCE);
    }

    /// Takes the outcomes of all workers that end in time; the others are left to themselves.
    fn join(&mut self, workers: Vec<Worker>, until: Instant) {
        for Worker { what, thread } in workers {
            wait_until(until, || thread.is_finished());
            if thread.is_finished() {
                let failed = |_| vec![Err(Missing::new(what, FAULT))];
                self.outcomes.extend(thread.join().unwrap_or_else(failed));
            } else {
                self.outcomes.push(Err(Missing::new(what, NOT_COMPLETE)));
            }
        }
    }

    /// Waits for the copy of the executable, which ends soon now.
    fn finish_copy(&mut self, ending: Ending) {
        let _ = self.end_of_capture.set(ending.into());
        let copying = self.copying.take();
        self.join(copying.into_iter().collect(), Instant::now() + GRACE);
    }

    fn say_what_time_is_missing(&mut self, ending: Ending, elapsed: Duration) {
        let Some(asked) = self.deadline.map(|deadline| deadline - self.started) else { return };
        let missing = asked.saturating_sub(elapsed);
        if missing.is_zero() {
            return;
        }
        let (asked, had) = (seconds_text(asked), elapsed.as_secs_f64());
        let why = match ending {
            Ending::Duration => return,
            Ending::Signal => {
                format!("stopped early by a signal, after {had:.1} s of {asked}")
            }
            Ending::Exit => format!("the program ended after {had:.1} s of {asked}"),
        };
        let what = format!("the last {:.1} s", missing.as_secs_f64());
        self.outcomes.push(Err(Missing::new(&what, why)));
    }

    fn summary(self, ending: Ending, elapsed: Duration) -> Result<Summary, Error> {
        let (collected, missing): (Vec<_>, Vec<_>) =
            self.outcomes.into_iter().partition(Result::is_ok);
        let collected: Vec<Collected> = collected.into_iter().flatten().collect();
        let missing: Vec<Missing> = missing.into_iter().filter_map(Result::err).collect();
        if collected.is_empty() {
            let reasons = missing.iter().map(|m| format!("  {}: {}", m.what, m.why));
            // Its exit code is not that of this program.
            let command = self.command.map(|command| command.to_string());
            let reasons: Vec<_> = reasons.chain(command).collect();
            return Err(Error::Nothing { reasons: reasons.join("\n") });
        }
        let mut summary = Summary {
            mapscope_capture: 1,
            dir: self.options.dir.clone(),
            pid: self.pid,
            is_go: self.is_go,
            seconds: elapsed.as_secs_f64(),
            ending,
            command: self.command,
            collected,
            missing,
        };
        let bytes = serde_json::to_vec(&summary).map_err(io::Error::from);
        // The list is worth as much as the files in it.
        if let Err(error) =
            bytes.and_then(|bytes| write_private(&self.folder.path(SUMMARY), &bytes))
        {
            let why = format!("{}: {error}", self.folder.named(SUMMARY).display());
            summary.missing.push(Missing::new(SUMMARY, why));
        }
        Ok(summary)
    }
}
