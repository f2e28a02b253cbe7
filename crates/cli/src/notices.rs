//! Where commands say what they do. Whether anybody reads that does not matter to them, nor whether it can be written at
//! once: a terminal that is held up, or a pipe that is full, keeps nobody waiting.

use std::collections::VecDeque;
use std::fmt::Arguments;
use std::io::{self, Stderr, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anstream::AutoStream;

/// Reports of progress that wait at most; of more the oldest are dropped. What else is said is no more than a command has
/// to say once, and waits however much it is.
const MAX_PROGRESS: usize = 100;
/// How long the end is put off for those that wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where a command says what it does.
pub trait Say: Write {
    /// Says how far it got, which may be left out where more of it comes than is read.
    fn say_progress(&mut self, text: Arguments<'_>) {
        let _ = self.write_fmt(text);
    }
}

impl Say for AutoStream<Stderr> {}
#[cfg(test)]
impl Say for Vec<u8> {}

/// Takes notices without ever waiting; a thread writes them.
#[derive(Debug, Clone)]
pub struct Notices {
    queue: Arc<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct Notice {
    bytes: Vec<u8>,
    is_progress: bool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Notice>,
    /// Whether one is taken out, and not yet written.
    is_writing: bool,
}

impl State {
    /// Drops the oldest report of progress, if there are as many as may wait.
    fn make_room(&mut self) {
        let n_progress = self.waiting.iter().filter(|notice| notice.is_progress).count();
        if n_progress < MAX_PROGRESS {
            return;
        }
        let oldest = self.waiting.iter().position(|notice| notice.is_progress);
        oldest.and_then(|idx| self.waiting.remove(idx));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, notice: Notice) {
        let mut state = self.lock();
        if notice.is_progress {
            state.make_room();
        }
        state.waiting.push_back(notice);
        self.changed.notify_all();
    }

    /// The next, when there is one; the last has been written by now.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        loop {
            if let Some(notice) = state.waiting.pop_front() {
                state.is_writing = true;
                return notice.bytes;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wait_until_written(&self, patience: Duration) {
        let is_left = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), patience, is_left);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Notices {
    /// Notices that go to `target`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to(mut target: impl Write + Send + 'static) -> io::Result<Self> {
        let queue = Arc::<Queue>::default();
        let taken = queue.clone();
        thread::Builder::new().name("notices".to_owned()).spawn(move || {
            // Where that is refused, it still does nothing but write.
            let _ = probe::give_up_rights();
            loop {
                let notice = taken.next();
                let _ = target.write_all(&notice).and_then(|()| target.flush());
            }
        })?;
        Ok(Self { queue })
    }
}

impl Write for Notices {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.queue.push(Notice { bytes: bytes.to_owned(), is_progress: false });
        Ok(bytes.len())
    }

    /// One notice, not one for each of its parts.
    fn write_fmt(&mut self, notice: Arguments<'_>) -> io::Result<()> {
        self.queue.push(Notice { bytes: notice.to_string().into_bytes(), is_progress: false });
        Ok(())
    }

    /// Gives those that wait a second to be written.
    fn flush(&mut self) -> io::Result<()> {
        self.queue.wait_until_written(PATIENCE);
        Ok(())
    }
}

impl Say for Notices {
    fn say_progress(&mut self, text: Arguments<'_>) {
        self.queue.push(Notice { bytes: text.to_string().into_bytes(), is_progress: true });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Writes nothing until it may, and hands on what it writes.
    struct Held {
        may_write: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.may_write.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_does_not_read_keeps_nobody_waiting_and_misses_nothing_but_progress() {
        let (allow, may_write) = mpsc::channel();
        let (written, said) = mpsc::channel();
        let mut notices = Notices::to(Held { may_write, written }).expect("a thread");
        writeln!(notices, "attached").expect("takes all");
        for n in 0..=1000 {
            notices.say_progress(format_args!("progress {n}\n"));
        }
        for n in 0..=1000 {
            writeln!(notices, "file {n}").expect("takes all");
        }
        notices.queue.wait_until_written(Duration::ZERO);
        drop(allow);
        notices.queue.wait_until_written(Duration::MAX);
        let said: Vec<String> = said.try_iter().collect();
        let (progress, others): (Vec<_>, Vec<_>) =
            said.into_iter().partition(|line| line.starts_with("progress"));
        assert_eq!(progress.last().map(String::as_str), Some("progress 1000\n"));
        assert!(progress.len() <= MAX_PROGRESS + 1, "{}", progress.len());
        let expected = (0..=1000).map(|n| format!("file {n}\n"));
        assert!(std::iter::once("attached\n".to_owned()).chain(expected).eq(others));
    }

    #[test]
    fn waits_for_what_can_be_written() {
        let (allow, may_write) = mpsc::channel();
        let (written, said) = mpsc::channel();
        drop(allow);
        let mut notices = Notices::to(Held { may_write, written }).expect("a thread");
        writeln!(notices, "mapscope: {}", 1).expect("takes all");
        notices.queue.wait_until_written(Duration::MAX);
        assert_eq!(said.try_iter().collect::<String>(), "mapscope: 1\n");
    }
}
