//! The text of /proc: whole files with a limit, and numbers in them.

use std::fs::File;
use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::{Error, ErrorKind, Pid};

/// Of files of a few lines. Units: bytes.
pub(crate) const SHORT: u64 = 1 << 20;
/// Of memory maps: several millions of mappings; usual kernels allow 65,530. Units: bytes.
pub(crate) const LONG: u64 = 1 << 28;

/// The text of /proc/PID/NAME, cut at a limit.
pub(crate) fn read(pid: Pid, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
    read_path(&format!("/proc/{pid}/{name}"), limit)
        .map_err(|error| Error::of_process_io(pid, error))
}

/// How long to wait for a file that takes a second at most where it is very long.
const PATIENCE: Duration = Duration::from_secs(5);

/// As [`read`], of a file that a process can keep from being read: its memory map is locked while it waits for a page that
/// may never come. That the kernel lets end, with this process, so a thread may wait for it.
pub(crate) fn read_in_time(pid: Pid, name: &'static str, limit: u64) -> Result<Vec<u8>, Error> {
    in_time(pid, move || read(pid, name, limit))
}

/// What a thread finds out that may have to wait as long for the memory map of a process.
pub(crate) fn in_time<T: Send + 'static>(
    pid: Pid,
    look: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::channel();
    // Nobody may wait for it any more.
    let send = move || drop(sender.send(look()));
    thread::Builder::new().spawn(send).map_err(|error| Error::of_process_io(pid, error))?;
    receiver
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(Error::of_process(pid, ErrorKind::NoAnswer)))
}

pub(crate) fn read_path(path: &str, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// Digits only: no sign and no spaces.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<u64> {
    digits(text, 10)
}

/// Digits only, without 0x.
pub(crate) fn parse_hex(text: &[u8]) -> Option<u64> {
    digits(text, 16)
}

fn digits(text: &[u8], radix: u32) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    // The standard library takes a sign.
    let is_number = text.chars().all(|c| c.is_digit(radix));
    is_number.then(|| u64::from_str_radix(text, radix).ok())?
}

/// Numbers that are pids, as unsigned.
pub(crate) fn parse_pid(text: &[u8]) -> Option<Pid> {
    let number = u32::try_from(parse_decimal(text)?).ok()?;
    i32::try_from(number).is_ok().then_some(Pid(number))
}

/// What stands before and after the first `byte`.
pub(crate) fn split_once(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&b| b == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Lines that are whole: what follows the last newline was cut.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    text[..end].split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
