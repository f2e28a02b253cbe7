//! /proc/PID/stat: name, state, parent, start.

use crate::text::{parse_decimal, parse_pid};
use crate::{Error, ErrorKind, Pid, Tid, text};

/// When a process was started. Units: ticks of the clock since the machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StartTime(pub u64);

/// The state of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Of the first thread, at most 15 bytes; the program may change it.
    pub name: Vec<u8>,
    /// Of the first thread: `R` runs, `S` sleeps, `Z` has ended, ...
    pub state: char,
    /// 0 where it is out of sight, in another namespace.
    pub parent: Pid,
    /// Threads that have not been taken away.
    pub n_threads: u64,
    /// Tells a process from a later one with its pid.
    pub start: StartTime,
}

impl Stat {
    /// Whether the process runs; one that has ended and waits for its parent does not. The first thread may end before
    /// the others.
    pub fn is_running(&self) -> bool {
        match self.state {
            'Z' => self.n_threads > 1,
            'X' | 'x' => false,
            _ => true,
        }
    }
}

/// The fields of /proc/PID/stat; `None` when one of them is missing.
///
/// Source: proc_pid_stat(5). The name is in parentheses and may hold anything, parentheses and newlines too; nothing
/// after it does.
pub fn parse_stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|&byte| byte == b'(')?;
    let close = text.iter().rposition(|&byte| byte == b')')?;
    let name = text.get(open + 1..close)?.to_vec();
    let mut fields = text[close + 1..]
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let &[state] = fields.next()? else { return None };
    let parent = parse_pid(fields.next()?)?;
    // The fields are counted from 1 in the manual: state is 3, parent 4, threads 20, start 22.
    let n_threads = parse_decimal(fields.nth(20 - 5)?)?;
    let start = StartTime(parse_decimal(fields.nth(22 - 21)?)?);
    // Without one behind it the number may have been cut.
    fields.next()?;
    Some(Stat { name, state: char::from(state), parent, n_threads, start })
}

impl Pid {
    /// Name, state, parent and start.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn stat(self) -> Result<Stat, Error> {
        let text = text::read(self, "stat", text::SHORT)?;
        parse_stat(&text).ok_or_else(|| Error::of_process(self, ErrorKind::Malformed("stat")))
    }

    /// Whether the process runs; one that has ended and waits for its parent does not.
    pub fn is_running(self) -> bool {
        self.stat().is_ok_and(|stat| stat.is_running())
    }
}

/// How long threads ran, and how long they waited for a CPU while they could have run. Units: nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// On a CPU.
    pub ran_ns: u64,
    /// Ready to run, and not on one.
    pub waited_ns: u64,
}

impl Scheduled {
    /// Of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            ran_ns: self.ran_ns.saturating_add(other.ran_ns),
            waited_ns: self.waited_ns.saturating_add(other.waited_ns),
        }
    }

    /// What came since then; of threads that ended meanwhile it is missing.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            ran_ns: self.ran_ns.saturating_sub(before.ran_ns),
            waited_ns: self.waited_ns.saturating_sub(before.waited_ns),
        }
    }
}

/// Reads `/proc/PID/task/TID/schedstat`. Source: Documentation/scheduler/sched-stats.rst, Linux 6.12.
pub fn parse_schedstat(text: &[u8]) -> Option<Scheduled> {
    let mut numbers = str::from_utf8(text).ok()?.split_ascii_whitespace().map(str::parse);
    Some(Scheduled { ran_ns: numbers.next()?.ok()?, waited_ns: numbers.next()?.ok()? })
}

impl Pid {
    /// Of all threads that it has now, since each began; `None` where the kernel does not say.
    pub fn scheduled(self) -> Option<Scheduled> {
        let of_thread = |Tid(tid): Tid| {
            let path = format!("/proc/{self}/task/{tid}/schedstat");
            parse_schedstat(&text::read_path(&path, text::SHORT).ok()?)
        };
        self.threads().ok()?.into_iter().filter_map(of_thread).reduce(Scheduled::and)
    }
}

#[cfg(test)]
mod tests;
