//! Where commands say what they do. Whether anybody reads that does not matter to them, nor whether it can be written at
//! once: a terminal that is held up, or a pipe that is full, keeps nobody waiting.

use std::collections::VecDeque;
use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Notices that wait at most; of more the oldest are dropped, which are reports of progress.
const MAX_WAITING: usize = 100;
/// How long the end is put off for those that wait.
const PATIENCE: Duration = Duration::from_secs(1);

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

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    /// Whether one is taken out, and not yet written.
    is_writing: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, notice: Vec<u8>) {
        let mut state = self.lock();
        if state.waiting.len() == MAX_WAITING {
            state.waiting.pop_front();
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
                return notice;
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
        self.queue.push(bytes.to_owned());
        Ok(bytes.len())
    }

    /// One notice, not one for each of its parts.
    fn write_fmt(&mut self, notice: Arguments<'_>) -> io::Result<()> {
        self.queue.push(notice.to_string().into_bytes());
        Ok(())
    }

    /// Gives those that wait a second to be written.
    fn flush(&mut self) -> io::Result<()> {
        self.queue.wait_until_written(PATIENCE);
        Ok(())
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
    fn who_does_not_read_keeps_nobody_waiting_and_finds_the_latest() {
        let (allow, may_write) = mpsc::channel();
        let (written, said) = mpsc::channel();
        let mut notices = Notices::to(Held { may_write, written }).expect("a thread");
        for n in 0..=1000 {
            writeln!(notices, "notice {n}").expect("takes all");
        }
        notices.queue.wait_until_written(Duration::ZERO);
        drop(allow);
        let mut last = String::new();
        let mut n_said = 0;
        while last != "notice 1000\n" {
            last = said.recv().expect("the last is kept");
            n_said += 1;
        }
        assert!(n_said <= MAX_WAITING + 1, "{n_said}");
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
