//! Which processes this recorder counts, whatever else runs the executable.
//!
//! A probe of all processes of an executable is hit by those of other users and, where containers share a layer of their
//! image, of other containers. What the kernel's probes do not tell apart is told by the kernel side.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use goproc::{Executable, Pid};
use rustix::fs::{getxattr, major, minor};
use rustix::process::getuid;

use crate::capabilities::{CAP_SYS_PTRACE, Capabilities};
use crate::error::Error;

/// The inode of the machine's own PID namespace. Source: include/linux/proc_ns.h, PROC_PID_INIT_INO.
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// A PID namespace as the kernel side names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Namespace {
    /// As the kernel has it, which differs from what `stat` says.
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// What is recorded at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Processes of this PID namespace only, by their numbers in it; `None` is the machine's own, which has all.
    pub(crate) namespace: Option<Namespace>,
    /// Processes of this user only.
    pub(crate) user: Option<u32>,
    /// Whether /proc is that of another PID namespace: its numbers are those of other processes, so nothing of it says
    /// anything of a process that is recorded.
    pub(crate) is_proc_foreign: bool,
}

impl Reach {
    /// What this process may record: in its PID namespace, and of its user unless it may look at the processes of others.
    ///
    /// # Errors
    /// When /proc is not there.
    pub(crate) fn own() -> Result<Self, Error> {
        let own = fs::read_link("/proc/self").ok();
        let is_proc_foreign = own.as_deref() != Some(Path::new(&Pid::own().to_string()));
        let namespace = fs::metadata("/proc/self/ns/pid").map_err(|error| Error::Kernel {
            what: "reading /proc/self/ns/pid",
            reason: error.to_string(),
        })?;
        let (major, minor) = (major(namespace.dev()), minor(namespace.dev()));
        let namespace = Namespace {
            // Source: include/linux/kdev_t.h, MKDEV.
            device: u64::from(major) << 20 | u64::from(minor),
            inode: namespace.ino(),
        };
        let may_see_others = Capabilities::in_effect().has(CAP_SYS_PTRACE);
        Ok(Self {
            namespace: Some(namespace).filter(|own| own.inode != INITIAL_PID_NAMESPACE),
            is_proc_foreign,
            user: (!may_see_others).then(|| getuid().as_raw()),
        })
    }

    /// Without the right to look at what others run, that is also what runs with rights which this user does not have.
    ///
    /// # Errors
    /// When the file gives such rights to who executes it.
    pub(crate) fn ensure_no_rights(&self, file: &Executable) -> Result<(), Error> {
        const SET_USER_OR_GROUP: u32 = libc::S_ISUID | libc::S_ISGID;
        if self.user.is_none() {
            return Ok(());
        }
        let mode = fs::metadata(&file.path).map_or(0, |metadata| metadata.mode());
        let has_capabilities = getxattr(&file.path, "security.capability", &mut [0; 64]).is_ok();
        if mode & SET_USER_OR_GROUP != 0 || has_capabilities {
            return Err(Error::HasRights { path: file.shown.clone() });
        }
        Ok(())
    }

    /// Whether the kernel side knows a process by its number in /proc.
    pub(crate) fn has(&self, pid: Pid) -> bool {
        let is_own = |own: Namespace| pid.pid_namespace().is_ok_and(|other| other.0 == own.inode);
        !self.is_proc_foreign && self.namespace.is_none_or(is_own)
    }
}
