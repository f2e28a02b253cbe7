//! The live recorder of map growth.

use std::process::Child;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use goproc::SuspendSignal;
use output::{keep_elsewhere, write_private};
use probe::{Ending, Links};

use crate::Target;
use crate::folder::Folder;
use crate::run::Worker;
use crate::summary::{Collected, Missing};

const WHAT: &str = "recording of map growth";
const FILE: &str = "recording.pb.gz";

/// How often it is looked whether the end has come.
const STOP_EVERY: Duration = Duration::from_millis(100);

/// A recorder whose probes are in place. A command that was started for it waits.
pub(crate) struct Recorder {
    pub(crate) pid: u32,
    recorder: probe::Recorder,
    /// Waits to record.
    worker: Worker,
    begin: Sender<Job>,
}

/// What the thread of a recorder is to do.
struct Job {
    recorder: probe::Recorder,
    stop: Arc<OnceLock<Ending>>,
    command: Arc<Mutex<Option<Child>>>,
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
        // First: a command that is held back by now could not be started without.
        let (begin, job) = channel::<Job>();
        let folder = plan.folder.clone();
        let worker = Worker::start(WHAT, move || {
            job.recv().into_iter().map(|job| record_into(job, &folder)).collect()
        })?;
        let recorder = probe::Recorder::attach(&options(plan))
            .map_err(|error| Missing::new(WHAT, error.with_causes()))?;
        let Some(&pid) = recorder.attached().pids.first() else {
            return Err(Missing::new(WHAT, "there is no process"));
        };
        Ok(Self { pid, recorder, worker, begin })
    }

    /// Lets a command begin that was held back, and records until `stop` says why to end, or the program ends. Then
    /// `command` has the command.
    pub(crate) fn let_go(
        self,
        stop: &Arc<OnceLock<Ending>>,
        command: &Arc<Mutex<Option<Child>>>,
    ) -> Worker {
        let Self { recorder, worker, begin, .. } = self;
        // It waits for nothing else.
        let _ = begin.send(Job { recorder, stop: stop.clone(), command: command.clone() });
        worker
    }
}

fn record_into(job: Job, folder: &Folder) -> Result<Collected, Missing> {
    let recorded = record(job.recorder, &job.stop, &job.command);
    let (recording, failure) = recorded.map_err(|error| Missing::new(WHAT, error.with_causes()))?;
    keep(&recording, failure.as_ref(), folder)
}

/// The recording, and why it ended early if it failed. This thread has from then on the rights only that recording needs.
fn record(
    mut recorder: probe::Recorder,
    stop: &OnceLock<Ending>,
    command: &Mutex<Option<Child>>,
) -> Result<(probe::Recording, Option<probe::Error>), probe::Error> {
    recorder.start()?;
    let ended = recorder.drop_privileges().and_then(|()| record_until_end(&mut recorder, stop));
    *command.lock().unwrap_or_else(PoisonError::into_inner) = recorder.take_command();
    recorder.finish_after(ended)
}

fn record_until_end(
    recorder: &mut probe::Recorder,
    stop: &OnceLock<Ending>,
) -> Result<Ending, probe::Error> {
    // Without, Ctrl-Z stops a governor, and leaves what it governs in place.
    let suspend = SuspendSignal::catch().ok();
    loop {
        if let Some(suspend) = suspend.as_ref().filter(|suspend| suspend.is_asked()) {
            recorder.suspend()?;
            let _ = suspend.suspend();
            recorder.resume()?;
        }
        if recorder.poll(STOP_EVERY)?.has_ended {
            return Ok(Ending::Exit);
        }
        if let Some(ending) = stop.get() {
            return Ok(*ending);
        }
    }
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

fn keep(
    recording: &probe::Recording,
    failure: Option<&probe::Error>,
    folder: &Folder,
) -> Result<Collected, Missing> {
    let fail = |why: String| Missing::new(WHAT, why);
    let mut bytes = Vec::new();
    gopprof::write_profile(&recording.profile, &mut bytes)
        .map_err(|error| fail(error.to_string()))?;
    write(&bytes, folder)?;
    let what = format!("{WHAT}: {}", recording.grows_text());
    let collected = Collected::new(FILE, &what, bytes.len() as u64);
    let failed = failure.map(|error| format!("it ended early: {}", error.with_causes()));
    let lost = (recording.n_lost > 0).then(|| format!("{} events lost", recording.n_lost));
    let notes: Vec<_> = failed.into_iter().chain(lost).collect();
    Ok(if notes.is_empty() { collected } else { collected.with_note(notes.join("; ")) })
}

/// Writes it into the folder, or else where there is room: what it says happened once.
fn write(recording: &[u8], folder: &Folder) -> Result<(), Missing> {
    let Err(error) = write_private(&folder.path(FILE), recording) else { return Ok(()) };
    let kept = keep_elsewhere(".pb.gz", recording);
    Err(Missing::new(WHAT, format!("{}: {error}; it {kept}", folder.named(FILE).display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_failed_is_kept_with_the_reason() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::prepare(&dir.path().join("capture")).expect("a folder");
        let ending = Ending::Failure;
        let recording =
            probe::Recording { ending, n_grows: 7, n_lost: 2, ..probe::Recording::default() };
        let failure = probe::Error::NoProcesses;
        let kept = keep(&recording, Some(&failure), &folder).expect("it is kept");
        let expected = format!("it ended early: {}; 2 events lost", failure.with_causes());
        assert_eq!(kept.note, Some(expected));
        assert!(folder.path(FILE).exists());
    }

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
