//! The text of /proc: whole files with a limit, and numbers in them.

use std::fs::File;
use std::io::Read;

use crate::{Error, Pid};

/// Of files of a few lines. Units: bytes.
pub(crate) const SHORT: u64 = 1 << 20;
/// Of memory maps: several millions of mappings; usual kernels allow 65,530. Units: bytes.
pub(crate) const LONG: u64 = 1 << 28;

/// The text of /proc/PID/NAME, cut at a limit.
pub(crate) fn read(pid: Pid, name: &str, limit: u64) -> Result<Vec<u8>, Error> {
    read_path(&format!("/proc/{pid}/{name}"), limit)
        .map_err(|error| Error::of_process_io(pid, error))
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

/// Lines that are whole, and what follows the last newline: a line that was cut.
pub(crate) fn lines(text: &[u8]) -> (impl Iterator<Item = &[u8]>, &[u8]) {
    let end = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let (whole, cut) = text.split_at(end);
    (whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()), cut)
}
