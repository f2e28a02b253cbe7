//! PID namespaces: which a process is in, and its number there.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::text::{self, parse_decimal, parse_pid};
use crate::{Error, ErrorKind, Pid};

/// A PID namespace by its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PidNamespace(pub u64);

/// The numbers of a process in the text of /proc/PID/status: first as we see it, last as it sees itself. `None` when it
/// does not have them, or not whole.
///
/// Source: proc_pid_status(5), NSpid, since Linux 4.1.
pub fn parse_namespace_pids(status: &[u8]) -> Option<Vec<Pid>> {
    let numbers = text::lines(status).find_map(|line| line.strip_prefix(b"NSpid:"))?;
    let fields = numbers.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty());
    let pids: Vec<Pid> = fields.map(parse_pid).collect::<Option<_>>()?;
    (!pids.is_empty()).then_some(pids)
}

fn parse_namespace(link: &[u8]) -> Option<PidNamespace> {
    parse_decimal(link.strip_prefix(b"pid:[")?.strip_suffix(b"]")?).map(PidNamespace)
}

impl Pid {
    /// Its numbers: first as we see it, last as it sees itself, in a container often 1.
    ///
    /// # Errors
    /// When there is no such process, or the kernel is older than 4.1.
    pub fn namespace_pids(self) -> Result<Vec<Self>, Error> {
        let status = text::read(self, "status", text::SHORT)?;
        parse_namespace_pids(&status)
            .ok_or_else(|| Error::of_process(self, ErrorKind::Malformed("status")))
    }

    /// The PID namespace it is in.
    ///
    /// # Errors
    /// When the process is gone or of another user.
    pub fn pid_namespace(self) -> Result<PidNamespace, Error> {
        let link = fs::read_link(format!("/proc/{self}/ns/pid"))
            .map_err(|error| Error::of_process_io(self, error))?;
        parse_namespace(link.as_os_str().as_bytes())
            .ok_or_else(|| Error::of_process(self, ErrorKind::Malformed("ns/pid")))
    }
}

#[cfg(test)]
mod tests;
