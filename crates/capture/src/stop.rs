//! The signals that end this program.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Catches SIGINT, SIGTERM and SIGHUP: the first sets a flag, a second one ends this program. When it is dropped, they are
/// not looked at any more, and end nothing, until they are caught again.
#[derive(Debug)]
pub struct StopSignals {
    stop: Arc<AtomicBool>,
    ids: Vec<SigId>,
}

impl StopSignals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn catch() -> io::Result<Self> {
        let mut signals = Self { stop: Arc::default(), ids: Vec::new() };
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let stop = || signals.stop.clone();
            let ids = [
                signal_hook::flag::register_conditional_default(signal, stop()),
                signal_hook::flag::register(signal, stop()),
            ];
            for id in ids {
                signals.ids.push(id?);
            }
        }
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

impl Drop for StopSignals {
    fn drop(&mut self) {
        for id in self.ids.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
