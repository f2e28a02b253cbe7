//! The live recorder of map growth.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use probe::{Links, Progress};

use crate::Target;
use crate::summary::{Collected, Missing};

const WHAT: &str = "recording of map growth";
const FILE: &str = "recording.pb.gz";

/// A recording that goes on.
pub(crate) struct Recorder {
    pub(crate) pid: u32,
    /// While it is open, a command that was started for the recording waits.
    hold: SyncSender<()>,
    thread: JoinHandle<Result<Collected, Missing>>,
}

/// How to record.
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) max_overhead: f64,
    /// 0 where the endpoint gives CPU samples: the same time must not count twice.
    pub(crate) sample_hz: u64,
    pub(crate) dir: PathBuf,
}

impl Recorder {
    /// Attaches. A command is held back until [`Recorder::let_go`].
    ///
    /// # Errors
    /// Why nothing can be recorded here.
    pub(crate) fn start(plan: Plan, stop: &Arc<AtomicBool>) -> Result<Self, Missing> {
        let options = options(&plan, stop);
        let (attached, is_attached) = sync_channel(1);
        let (hold, is_held) = sync_channel::<()>(0);
        let thread = std::thread::spawn(move || {
            let recording = probe::record(&options, &mut |progress| {
                if let Progress::Attached { pids, .. } = progress {
                    let _ = attached.send(pids.first().copied());
                    // Until the other side hangs up.
                    let _ = is_held.recv();
                }
            });
            drop(attached);
            let recording = recording.map_err(|error| Missing::new(WHAT, chain(&error)))?;
            keep(&recording, &plan.dir)
        });
        match is_attached.recv() {
            Ok(Some(pid)) => Ok(Self { pid, hold, thread }),
            _ => {
                drop(hold);
                let missing = thread.join().ok().and_then(Result::err);
                Err(missing.unwrap_or_else(|| Missing::new(WHAT, "there is no process")))
            }
        }
    }

    /// Lets a command begin that was held back.
    pub(crate) fn let_go(self) -> JoinHandle<Result<Collected, Missing>> {
        drop(self.hold);
        self.thread
    }
}

fn options(plan: &Plan, stop: &Arc<AtomicBool>) -> probe::Options {
    probe::Options {
        target: match &plan.target {
            Target::Pid(pid) => probe::Target::Pids(vec![*pid]),
            Target::Command(argv) => probe::Target::Command { argv: argv.clone(), exe: None },
        },
        duration: None,
        max_overhead: plan.max_overhead,
        sample_hz: plan.sample_hz,
        max_frames: 128,
        links: Links::Auto,
        stop: Some(stop.clone()),
    }
}

fn keep(recording: &probe::Recording, dir: &Path) -> Result<Collected, Missing> {
    let fail = |why: String| Missing::new(WHAT, why);
    let mut bytes = Vec::new();
    gopprof::write_profile(&recording.profile, &mut bytes)
        .map_err(|error| fail(error.to_string()))?;
    let path = dir.join(FILE);
    fs::write(&path, &bytes).map_err(|error| fail(format!("{}: {error}", path.display())))?;
    let what = format!("{WHAT}: {} growths", recording.n_grows);
    let collected = Collected::new(FILE, &what, bytes.len() as u64);
    Ok(match recording.n_lost {
        0 => collected,
        n => collected.with_note(format!("{n} events lost")),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
