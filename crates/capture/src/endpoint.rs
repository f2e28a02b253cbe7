//! The pprof endpoint of a program: CPU profile, trace, and the profiles that add up since its start.
//!
//! The server is not trusted: each answer has a limit of time and of size, goes to the disk as it comes, and is looked
//! at with a limit before it gets its name. Threads that ask it have none of the rights that recording takes. See
//! `ingest::Server` for addresses and secrets.
//!
//! Source: `src/net/http/pprof/pprof.go` (Go 1.27).

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use ingest::{AnswerLimits, Server, seconds_text};
use output::Draft;

use crate::Limits;
use crate::folder::Folder;
use crate::summary::{Collected, Missing};

/// A CPU profile comes when it is complete, so a long one is taken in parts: then a signal costs the last part only.
const PART: Duration = Duration::from_secs(10);
/// A busy program writes some megabytes of trace each second, and is slowed by that.
const MAX_TRACE: Duration = Duration::from_secs(10);
/// How many of the largest answers the CPU profiles and the trace may be together: about six hours of large profiles.
const MAX_ANSWERS: u64 = 8;
pub(crate) const STOPPED: &str = "stopped early by a signal";
pub(crate) const NOT_COMPLETE: &str = "it was not complete when the capture ended";
pub(crate) const CPU: &str = "CPU profile";
pub(crate) const TRACE: &str = "execution trace";

/// A profile that counts since the start of the program.
pub(crate) struct Snapshot {
    name: &'static str,
    pub(crate) what: &'static str,
    /// Why it is empty, if it is.
    when_empty: &'static str,
}

pub(crate) const SNAPSHOTS: [Snapshot; 3] = [
    Snapshot {
        name: "heap",
        what: "heap profile",
        when_empty: "it is empty: nothing was sampled yet, or runtime.MemProfileRate is 0",
    },
    Snapshot {
        name: "mutex",
        what: "mutex profile",
        when_empty: "it is empty: no contention, or the program does not call runtime.SetMutexProfileFraction",
    },
    Snapshot {
        name: "block",
        what: "block profile",
        when_empty: "it is empty: nothing blocked, or the program does not call runtime.SetBlockProfileRate",
    },
];

/// The endpoint. Clones share what is counted, and what is closed.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// For what takes the time of the capture.
    streams: Server,
    /// For what is answered at once.
    snapshots: Server,
    limits: Limits,
    /// When no answer is waited for any more, whatever it may take by itself.
    end: Option<Instant>,
    /// Of CPU profiles and trace. Units: bytes.
    n_kept: Arc<AtomicU64>,
    /// Read-locked by whoever has a file in the folder that is not whole yet.
    writing: Arc<RwLock<()>>,
    /// Set by a signal.
    stop: Arc<AtomicBool>,
}

/// What is asked for.
struct Request<'a> {
    name: &'a str,
    parameters: &'a str,
    time: Duration,
}

/// An answer, on the disk but without its name. Order: the draft goes before the lock does.
struct Fetched<'e> {
    draft: Draft,
    _writing: RwLockReadGuard<'e, ()>,
    n_bytes: u64,
    /// Why there is no more of it, if there is not.
    cut: Option<String>,
}

/// Gives up all rights of this thread, for good: what it is to read is another's choice.
///
/// # Errors
/// Why it cannot; then it is to ask nothing.
pub(crate) fn without_rights() -> Result<(), String> {
    probe::give_up_rights().map_err(|error| error.with_causes())
}

/// A server that does not record, but answers, would be asked without end.
fn too_soon(n: usize, seconds: u64, took: Duration) -> Missing {
    let why = format!(
        "the server was asked to record {seconds} s, and answered after {:.1} s",
        took.as_secs_f64()
    );
    Missing::new(&format!("{CPU}, from part {n} on"), why)
}

impl Endpoint {
    pub(crate) fn new(
        url: &str,
        limits: Limits,
        end: Option<Instant>,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let server = || Server::new(url).map_err(|error| error.to_string());
        let (streams, snapshots) = (server()?, server()?);
        Ok(Self {
            streams,
            snapshots,
            limits,
            end,
            n_kept: Arc::default(),
            writing: Arc::default(),
            stop: stop.clone(),
        })
    }

    /// Its URL, without secrets.
    pub(crate) fn shown(&self) -> &str {
        self.streams.shown()
    }

    /// Ends the answers that take the time of the capture; what came of them is kept.
    pub(crate) fn close_streams(&self) {
        self.streams.close();
    }

    /// Ends all that goes on. When it returns, the folder does not change any more: what was being written is whole or
    /// removed, also by threads that nobody waits for.
    pub(crate) fn close(&self) {
        self.streams.close();
        self.snapshots.close();
        drop(self.writing.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until something answers, whatever that is: who serves profiles need not serve `cmdline`. Waits while there is
    /// patience and the stop is not set.
    ///
    /// # Errors
    /// Why nothing does.
    pub(crate) fn wait(&self, patience: Duration) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let limits = self.answer_limits(self.limits.answer_time);
            match self.snapshots.get_below("cmdline", "", &limits) {
                Ok(_) | Err(ingest::Error::Answered { .. }) => return Ok(()),
                Err(error) if start.elapsed() >= patience || self.is_stopped() => {
                    return Err(self.no_answer(&self.snapshots, &error));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// The CPU profile, in parts, until the time is over or the stop is set.
    pub(crate) fn cpu(
        &self,
        folder: &Folder,
        deadline: Option<Instant>,
    ) -> Vec<Result<Collected, Missing>> {
        let mut parts = Vec::new();
        while !self.is_stopped() {
            let rest = deadline.map_or(PART, |end| end.saturating_duration_since(Instant::now()));
            // The endpoint counts whole seconds.
            let seconds = rest.min(PART).as_secs_f64().round() as u64;
            if seconds == 0 && !parts.is_empty() {
                break;
            }
            let seconds = seconds.max(1);
            let begun = Instant::now();
            let part = self.cpu_part(folder, parts.len() + 1, seconds);
            let is_failed = part.is_err();
            parts.push(part);
            if is_failed {
                break;
            }
            let took = begun.elapsed();
            if took * 2 < Duration::from_secs(seconds) {
                parts.push(Err(too_soon(parts.len() + 1, seconds, took)));
                break;
            }
        }
        parts
    }

    fn cpu_part(&self, folder: &Folder, n: usize, seconds: u64) -> Result<Collected, Missing> {
        let (file, what) = match n {
            1 => ("cpu.pprof".to_owned(), CPU.to_owned()),
            n => (format!("cpu-{n}.pprof"), format!("{CPU}, part {n}")),
        };
        self.check_room().map_err(|why| Missing::new(&what, why))?;
        let time = Duration::from_secs(seconds) + self.limits.answer_time;
        let parameters = format!("seconds={seconds}");
        let request = Request { name: "profile", parameters: &parameters, time };
        let collected =
            self.profile(&self.streams, &request, &folder.path(&file), &what, "it has no samples")?;
        self.n_kept.fetch_add(collected.bytes, Ordering::Relaxed);
        Ok(collected)
    }

    /// The execution trace. What has arrived when the stop is set is kept: a cut trace can be read.
    pub(crate) fn trace(
        &self,
        folder: &Folder,
        deadline: Option<Instant>,
    ) -> Result<Collected, Missing> {
        let fail = |why: String| Missing::new(TRACE, why);
        let rest = deadline.map_or(MAX_TRACE, |end| end.saturating_duration_since(Instant::now()));
        let length = rest.min(MAX_TRACE).max(Duration::from_millis(100));
        let parameters = format!("seconds={:.1}", length.as_secs_f64());
        self.check_room().map_err(fail)?;
        let time = length + self.limits.answer_time;
        let request = Request { name: "trace", parameters: &parameters, time };
        let path = folder.path("trace.out");
        let begun = Instant::now();
        let mut fetched = self.fetch(&self.streams, &request, &path).map_err(fail)?;
        let had = begun.elapsed().as_secs_f64();
        if fetched.n_bytes == 0 {
            let why = fetched.cut.unwrap_or_else(|| "the answer was empty".to_owned());
            return Err(fail(why));
        }
        let mut head = [0; 16];
        let read = fetched.draft.read_back().and_then(|mut file| file.read_exact(&mut head));
        if read.is_err() || !gotrace::is_trace(&head) {
            return Err(fail(format!("{} is no trace", self.streams.shown_below("trace"))));
        }
        fetched.draft.keep().map_err(|error| fail(error.to_string()))?;
        self.n_kept.fetch_add(fetched.n_bytes, Ordering::Relaxed);
        let asked = seconds_text(length);
        let of = |what: String| Collected::new("trace.out", &what, fetched.n_bytes);
        Ok(match fetched.cut {
            None => of(format!("{TRACE} of {asked}")),
            // The runtime hands it over in pieces: the last may be of less.
            Some(why) => of(format!("{TRACE} of at most {had:.1} s of {asked}"))
                .with_note(format!("its end is missing: {why}")),
        })
    }

    /// Fetches what counts since the start of the program, all within one time; replaces what was fetched before.
    pub(crate) fn snapshots(
        &self,
        folder: &Folder,
        time: Duration,
    ) -> Vec<Result<Collected, Missing>> {
        let end = Instant::now() + time;
        let fetch = |Snapshot { name, what, when_empty }: &Snapshot| {
            let time = end.saturating_duration_since(Instant::now());
            let request = Request { name, parameters: "", time };
            let path = folder.path(&format!("{name}.pprof"));
            self.profile(&self.snapshots, &request, &path, what, when_empty)
        };
        SNAPSHOTS.iter().map(fetch).collect()
    }

    /// Fetches a profile and looks whether it is whole and has samples.
    fn profile(
        &self,
        server: &Server,
        request: &Request<'_>,
        path: &Path,
        what: &str,
        when_empty: &str,
    ) -> Result<Collected, Missing> {
        let fail = |why: String| Missing::new(what, why);
        let mut fetched = self.fetch(server, request, path).map_err(fail)?;
        if let Some(why) = fetched.cut {
            return Err(fail(format!("{why}; a profile can be read only when it is whole")));
        }
        let limits = gopprof::Limits { max_inflated_bytes: self.limits.max_answer_bytes };
        let file = fetched.draft.read_back().map_err(|error| fail(error.to_string()))?;
        let n_samples = gopprof::count_samples(file, &limits).map_err(|error| {
            fail(format!("{} is no profile: {error}", server.shown_below(request.name)))
        })?;
        if n_samples == 0 {
            return Err(fail(when_empty.to_owned()));
        }
        fetched.draft.keep().map_err(|error| fail(error.to_string()))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Collected::new(&file, what, fetched.n_bytes))
    }

    /// Fetches what comes within the limits, and until the stop is set.
    fn fetch(
        &self,
        server: &Server,
        request: &Request<'_>,
        path: &Path,
    ) -> Result<Fetched<'_>, String> {
        let limits = self.answer_limits(request.time);
        let mut answer = server
            .get_below(request.name, request.parameters, &limits)
            .map_err(|error| self.no_answer(server, &error))?;
        let writing = self.writing.read().unwrap_or_else(PoisonError::into_inner);
        if server.is_closed() {
            return Err(self.closed().to_owned());
        }
        let mut draft = Draft::private(path).map_err(|error| error.to_string())?;
        let mut n_bytes = 0;
        let mut buffer = vec![0; 1 << 16];
        let cut = loop {
            match answer.read(&mut buffer) {
                Ok(0) => break None,
                Ok(n) => match draft.write_all(&buffer[..n]) {
                    Ok(()) => n_bytes += n as u64,
                    Err(error) => break Some(error.to_string()),
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(self.no_more(server, &error)),
            }
        };
        Ok(Fetched { draft, _writing: writing, n_bytes, cut })
    }

    /// Whether there is room for one more of the largest answers among those that add up.
    fn check_room(&self) -> Result<(), String> {
        let all = self.limits.max_answer_bytes.saturating_mul(MAX_ANSWERS);
        let needed =
            self.n_kept.load(Ordering::Relaxed).saturating_add(self.limits.max_answer_bytes);
        if needed <= all {
            return Ok(());
        }
        let all = all >> 20;
        Err(format!(
            "with it the capture could be larger than {all} MiB, {MAX_ANSWERS} times --max-answer"
        ))
    }

    /// Of an answer that may take so long, but not longer than the capture.
    fn answer_limits(&self, time: Duration) -> AnswerLimits {
        let rest = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        let time = rest.map_or(time, |rest| rest.min(time));
        AnswerLimits { time, max_bytes: self.limits.max_answer_bytes }
    }

    fn no_answer(&self, server: &Server, error: &ingest::Error) -> String {
        let is_late = matches!(error, ingest::Error::Late { .. });
        match error {
            _ if server.is_closed() => self.closed().to_owned(),
            _ if is_late && self.is_stopped() => STOPPED.to_owned(),
            error if is_late => format!("{error} (--answer-time)"),
            error => error.to_string(),
        }
    }

    fn no_more(&self, server: &Server, error: &io::Error) -> String {
        let is_late = error.kind() == io::ErrorKind::TimedOut;
        match error.kind() {
            _ if server.is_closed() => self.closed().to_owned(),
            _ if is_late && self.is_stopped() => STOPPED.to_owned(),
            _ if is_late => format!("{error} (--answer-time)"),
            io::ErrorKind::FileTooLarge => format!("{error} (--max-answer)"),
            _ => error.to_string(),
        }
    }

    /// Why it was closed.
    fn closed(&self) -> &'static str {
        if self.is_stopped() { STOPPED } else { NOT_COMPLETE }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(limits: Limits, end: Option<Instant>) -> Endpoint {
        Endpoint::new("http://127.0.0.1:1", limits, end, &Arc::default()).expect("a URL")
    }

    #[test]
    fn no_answer_takes_longer_than_the_capture() {
        let (short, long) = (Duration::from_secs(10), Duration::from_secs(7200));
        let time = |end, time| endpoint(Limits::default(), end).answer_limits(time).time;
        let in_an_hour = Instant::now() + Duration::from_secs(3600);
        assert_eq!(time(None, long), long);
        assert_eq!(time(Some(in_an_hour), short), short);
        assert!(time(Some(in_an_hour), long) <= Duration::from_secs(3600));
        assert_eq!(time(Some(Instant::now()), short), Duration::ZERO);
    }

    #[test]
    fn what_adds_up_has_a_limit() {
        let limits = Limits { max_answer_bytes: 1 << 20, ..Limits::default() };
        let endpoint = endpoint(limits, None);
        let with = |n_kept: u64| {
            endpoint.n_kept.store(n_kept, Ordering::Relaxed);
            endpoint.check_room()
        };
        assert_eq!((with(0), with(7 << 20)), (Ok(()), Ok(())));
        let why = with((7 << 20) + 1).expect_err("there is no room for one more");
        assert!(why.contains("larger than 8 MiB, 8 times --max-answer"), "{why}");
        assert!(with(u64::MAX).is_err());
    }
}
