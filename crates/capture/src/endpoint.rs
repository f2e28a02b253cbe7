//! The pprof endpoint of a program: CPU profile, trace, and the profiles that add up since its start.
//!
//! Source: `src/net/http/pprof/pprof.go` (Go 1.27).

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::summary::{Collected, Missing};

/// A CPU profile comes when it is complete, so a long one is taken in parts: then a signal costs the last part only.
const PART: Duration = Duration::from_secs(10);
/// A busy program writes some megabytes of trace each second, and is slowed by that.
const MAX_TRACE: Duration = Duration::from_secs(10);

/// A profile that counts since the start of the program.
struct Snapshot {
    name: &'static str,
    what: &'static str,
    /// Why it is empty, if it is.
    when_empty: &'static str,
}

const SNAPSHOTS: [Snapshot; 3] = [
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

/// The endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    base: String,
}

impl Endpoint {
    pub(crate) fn new(url: &str) -> Self {
        Self { base: url.trim_end_matches('/').to_owned() }
    }

    /// Waits until something answers, while there is patience and the stop is not set.
    ///
    /// # Errors
    /// Why nothing does.
    pub(crate) fn wait(&self, patience: Duration, stop: &AtomicBool) -> Result<(), String> {
        let start = Instant::now();
        loop {
            match self.get("cmdline") {
                Ok(_) => return Ok(()),
                Err(reason) if start.elapsed() >= patience || is_set(stop) => {
                    return Err(reason);
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn get(&self, path: &str) -> Result<Box<dyn Read>, String> {
        let url = format!("{}/{path}", self.base);
        ingest::open_url(&url, &mut |_| {}).map_err(|error| error.to_string())
    }

    /// The CPU profile, in parts, until the time is over or the stop is set.
    pub(crate) fn cpu(
        &self,
        dir: &Path,
        deadline: Option<Instant>,
        stop: &AtomicBool,
    ) -> Vec<Result<Collected, Missing>> {
        let mut parts = Vec::new();
        while !is_set(stop) {
            let rest = deadline.map_or(PART, |end| end.saturating_duration_since(Instant::now()));
            // The endpoint counts whole seconds.
            let seconds = rest.min(PART).as_secs_f64().round() as u64;
            if seconds == 0 && !parts.is_empty() {
                break;
            }
            let n = parts.len() + 1;
            let file = if n == 1 { "cpu.pprof".to_owned() } else { format!("cpu-{n}.pprof") };
            let path = format!("profile?seconds={}", seconds.max(1));
            let part = self.profile(&path, dir, &file, "CPU profile", "it has no samples");
            let is_failed = part.is_err();
            parts.push(part);
            if is_failed {
                break;
            }
        }
        if parts.len() > 1 {
            // The program ended; that is no news.
            parts.pop_if(|last| last.is_err());
        }
        parts
    }

    /// The execution trace. What has arrived when the stop is set is kept: a cut trace can be read.
    pub(crate) fn trace(
        &self,
        dir: &Path,
        deadline: Option<Instant>,
        stop: &AtomicBool,
    ) -> Result<Collected, Missing> {
        const WHAT: &str = "execution trace";
        let rest = deadline.map_or(MAX_TRACE, |end| end.saturating_duration_since(Instant::now()));
        let time = rest.min(MAX_TRACE);
        let path = format!("trace?seconds={:.1}", time.as_secs_f64().max(0.1));
        let fail = |why: String| Missing::new(WHAT, why);
        let mut body = self.get(&path).map_err(fail)?;
        let target = dir.join("trace.out");
        let mut file = File::create(&target).map_err(|error| fail(error.to_string()))?;
        let mut n_bytes = 0;
        let mut buffer = vec![0; 1 << 16];
        let cut = loop {
            if is_set(stop) {
                break Some("stopped early: its end is missing".to_owned());
            }
            match body.read(&mut buffer) {
                Ok(0) => break None,
                Ok(n) => {
                    file.write_all(&buffer[..n]).map_err(|error| fail(error.to_string()))?;
                    n_bytes += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(format!("its end is missing: {error}")),
            }
        };
        if n_bytes == 0 {
            let _ = fs::remove_file(&target);
            return Err(fail(cut.unwrap_or_else(|| "the answer was empty".to_owned())));
        }
        if !is_trace(&target) {
            let _ = fs::remove_file(&target);
            return Err(fail(format!("{}/{path} is no trace", self.base)));
        }
        let what = format!("{WHAT} of {:.0} s", time.as_secs_f64());
        let collected = Collected::new("trace.out", &what, n_bytes);
        Ok(match cut {
            Some(note) => collected.with_note(note),
            None => collected,
        })
    }

    /// Fetches what counts since the start of the program; replaces what was fetched before.
    pub(crate) fn snapshots(&self, dir: &Path) -> Vec<Result<Collected, Missing>> {
        let fetch = |snapshot: &Snapshot| {
            let file = format!("{}.pprof", snapshot.name);
            self.profile(snapshot.name, dir, &file, snapshot.what, snapshot.when_empty)
        };
        SNAPSHOTS.iter().map(fetch).collect()
    }

    /// Fetches a profile and looks whether it is whole and has samples.
    fn profile(
        &self,
        path: &str,
        dir: &Path,
        file: &str,
        what: &str,
        when_empty: &str,
    ) -> Result<Collected, Missing> {
        let fail = |why: String| Missing::new(what, why);
        let mut bytes = Vec::new();
        let limit = gopprof::Limits::default();
        let body = self.get(path).map_err(fail)?;
        let read = body.take(limit.max_inflated_bytes).read_to_end(&mut bytes);
        read.map_err(|error| fail(format!("{}/{path}: {error}", self.base)))?;
        let profile = gopprof::read_profile(&bytes[..], &limit)
            .map_err(|error| fail(format!("{}/{path} is no profile: {error}", self.base)))?;
        if profile.value.samples().next().is_none() {
            return Err(fail(when_empty.to_owned()));
        }
        fs::write(dir.join(file), &bytes).map_err(|error| fail(error.to_string()))?;
        Ok(Collected::new(file, what, bytes.len() as u64))
    }
}

fn is_trace(path: &Path) -> bool {
    let mut head = [0; 16];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && gotrace::is_trace(&head)
}

fn is_set(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}
