//! The live recorder of map growth.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use goproc::CommandState;
use output::{write_elsewhere, write_private};
use probe::{Ending, Links};

use crate::Target;
use crate::folder::Folder;
use crate::stop::SuspendSignal;
use crate::summary::{Collected, Missing};

const WHAT: &str = "recording of map growth";
const FILE: &str = "recording.pb.gz";

/// How often it is looked whether the end has come.
const TICK: Duration = Duration::from_millis(100);

/// A recorder whose probes are in place. A command that was started for it waits.
pub(crate) struct Recorder {
    pub(crate) pid: u32,
    recorder: probe::Recorder,
    folder: Folder,
}

/// How to record.
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) max_overhead: f64,
    /// 0 where the endpoint gives CPU samples: the same time must not count twice.
    pub(crate) sample_hz: u64,
    pub(crate) folder: Folder,
}

impl Recorder {
    /// Attaches. A command is held back until [`Recorder::let_go`].
    ///
    /// # Errors
    /// Why nothing can be recorded here.
    pub(crate) fn attach(plan: &Plan) -> Result<Self, Missing> {
        let recorder = probe::Recorder::attach(&options(plan))
            .map_err(|error| Missing::new(WHAT, error.with_causes()))?;
        let Some(&pid) = recorder.attached().pids.first() else {
            return Err(Missing::new(WHAT, "there is no process"));
        };
        Ok(Self { pid, recorder, folder: plan.folder.clone() })
    }

    /// Lets a command begin that was held back, and records until `stop` is set or the program ends. Then `command` says
    /// how it is.
    pub(crate) fn let_go(
        self,
        stop: &Arc<AtomicBool>,
        command: &Arc<OnceLock<CommandState>>,
    ) -> JoinHandle<Result<Collected, Missing>> {
        let (stop, command) = (stop.clone(), command.clone());
        std::thread::spawn(move || {
            let recording = record(self.recorder, &stop, &command);
            let recording = recording.map_err(|error| Missing::new(WHAT, error.with_causes()))?;
            keep(&recording, &self.folder)
        })
    }
}

fn record(
    mut recorder: probe::Recorder,
    stop: &AtomicBool,
    command: &OnceLock<CommandState>,
) -> Result<probe::Recording, probe::Error> {
    recorder.start()?;
    // Without, Ctrl-Z stops a governor, and leaves what it governs in place.
    let suspend = SuspendSignal::catch().ok();
    let ending = loop {
        if let Some(suspend) = suspend.as_ref().filter(|suspend| suspend.take()) {
            recorder.suspend()?;
            let _ = suspend.suspend();
            recorder.resume()?;
        }
        if recorder.poll(TICK)?.has_ended {
            break Ending::Exit;
        }
        if stop.load(Ordering::Relaxed) {
            break Ending::Duration;
        }
    };
    if let Some(state) = recorder.command() {
        let _ = command.set(state);
    }
    recorder.finish(ending)
}

fn options(plan: &Plan) -> probe::Options {
    probe::Options {
        target: match &plan.target {
            Target::Pid(pid) => probe::Target::Pids(vec![*pid]),
            Target::Command(argv) => probe::Target::Command { argv: argv.clone(), exe: None },
        },
        max_overhead: plan.max_overhead,
        sample_hz: plan.sample_hz,
        max_frames: 128,
        links: Links::Auto,
    }
}

fn keep(recording: &probe::Recording, folder: &Folder) -> Result<Collected, Missing> {
    let fail = |why: String| Missing::new(WHAT, why);
    let mut bytes = Vec::new();
    gopprof::write_profile(&recording.profile, &mut bytes)
        .map_err(|error| fail(error.to_string()))?;
    write(&bytes, folder)?;
    let what = format!("{WHAT}: {}", recording.grows_text());
    let collected = Collected::new(FILE, &what, bytes.len() as u64);
    Ok(match recording.n_lost {
        0 => collected,
        n => collected.with_note(format!("{n} events lost")),
    })
}

/// Writes it into the folder, or else where there is room: what it says happened once.
fn write(recording: &[u8], folder: &Folder) -> Result<(), Missing> {
    let Err(error) = write_private(&folder.path(FILE), recording) else { return Ok(()) };
    let kept = match write_elsewhere(".pb.gz", recording) {
        Ok(path) => format!("it is kept in {}", path.display()),
        Err(error) => format!("nor can it be kept in the folder for temporary files: {error}"),
    };
    Err(Missing::new(WHAT, format!("{}: {error}; {kept}", folder.named(FILE).display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_cannot_be_written_is_kept_elsewhere() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::prepare(&dir.path().join("capture")).expect("a folder");
        // No file takes the place of a folder.
        std::fs::create_dir(folder.path(FILE)).expect("a folder");
        let why = write(b"growths", &folder).expect_err("it is in the way").why;
        let (_, path) = why.split_once("; it is kept in ").expect("it is kept");
        assert_eq!(std::fs::read(path).expect("a file"), b"growths");
        std::fs::remove_file(path).expect("a file");
    }
}
