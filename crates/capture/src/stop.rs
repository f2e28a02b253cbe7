//! The signals that end this program. SIGHUP stays ignored if it was when it began, as `nohup` asks for; SIGINT is caught
//! all the same, as shells let programs in the background ignore it.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Catches SIGINT, SIGTERM and SIGHUP: the first sets a flag, a second one ends this program. When it is dropped, they do
/// what they do in other programs, until they are caught again.
#[derive(Debug)]
pub struct StopSignals {
    stop: Arc<AtomicBool>,
    caught: Caught,
}

impl StopSignals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn catch() -> io::Result<Self> {
        let mut signals = Self { stop: Arc::default(), caught: Caught::default() };
        for signal in [SIGINT, SIGTERM].into_iter().chain(heeded(SIGHUP)) {
            signals.caught.signals.push(signal);
            let stop = || signals.stop.clone();
            let ids = [
                signal_hook::flag::register_conditional_default(signal, stop()),
                signal_hook::flag::register(signal, stop()),
            ];
            for id in ids {
                signals.caught.ids.push(id?);
            }
        }
        signals.caught.count();
        Ok(signals)
    }

    /// Whether one came.
    pub fn is_set(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What the first one sets.
    pub(crate) fn flag(&self) -> &Arc<AtomicBool> {
        &self.stop
    }
}

/// What is done at signals, until it is dropped.
#[derive(Debug, Default)]
struct Caught {
    signals: Vec<i32>,
    ids: Vec<SigId>,
    is_counted: bool,
}

/// Who catches signals. The crate that catches them never leaves one to the system again, so that it would do nothing: while
/// nobody catches it, the program ends itself.
#[derive(Debug)]
struct Catching {
    n: usize,
    ends: Vec<SigId>,
}

static CATCHING: Mutex<Catching> = Mutex::new(Catching { n: 0, ends: Vec::new() });

impl Caught {
    fn count(&mut self) {
        let mut catching = CATCHING.lock().unwrap_or_else(PoisonError::into_inner);
        catching.n += 1;
        unregister(&mut catching.ends);
        self.is_counted = true;
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        let mut catching = CATCHING.lock().unwrap_or_else(PoisonError::into_inner);
        catching.n -= usize::from(self.is_counted);
        if catching.n == 0 && catching.ends.is_empty() {
            let end = |&signal: &i32| {
                let always = Arc::new(AtomicBool::new(true));
                signal_hook::flag::register_conditional_default(signal, always).ok()
            };
            // Before: at each moment one of them is there.
            catching.ends = self.signals.iter().filter_map(end).collect();
        }
        unregister(&mut self.ids);
    }
}

fn unregister(ids: &mut Vec<SigId>) {
    for id in ids.drain(..) {
        signal_hook::low_level::unregister(id);
    }
}

/// The signal, unless it is ignored.
fn heeded(signal: i32) -> Option<i32> {
    let ignored = ignored(&fs::read_to_string("/proc/thread-self/status").unwrap_or_default());
    Some(signal).filter(|signal| ignored >> (signal - 1) & 1 == 0)
}

/// Bit n is signal n + 1. Source: proc_pid_status(5), `SigIgn`.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_leaves_its_mark() {
        assert_eq!(ignored("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n"), 1);
        assert_eq!(ignored("Name:\tx\n"), 0);
    }
}
