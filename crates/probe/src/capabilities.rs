//! Capabilities of this thread.

use std::fs;
use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use crate::error::Error;

// Source: include/uapi/linux/capability.h
const CAP_CHOWN: u32 = 0;
const CAP_DAC_OVERRIDE: u32 = 1;
pub(crate) const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_FOWNER: u32 = 3;
pub(crate) const CAP_SYS_PTRACE: u32 = 19;
pub(crate) const CAP_SYS_ADMIN: u32 = 21;
pub(crate) const CAP_PERFMON: u32 = 38;
pub(crate) const CAP_BPF: u32 = 39;

/// Of those that root has: to read what map types are called in processes of others, and to write the recording to where
/// root may, with the owner that a file has there.
pub(crate) const OF_OTHER_USERS: [u32; 5] =
    [CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_FOWNER];

/// A set of capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capabilities(u64);

impl Capabilities {
    /// Those in effect; none where that is not known.
    pub(crate) fn in_effect() -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        Self(line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0))
    }

    pub(crate) fn has(self, capability: u32) -> bool {
        self.0 >> capability & 1 == 1
    }
}

/// Gives up all capabilities of this thread. Who has none does not need to be allowed that.
pub(crate) fn give_up_all() -> Result<(), Error> {
    let has_none = capabilities(None).is_ok_and(|sets| sets.permitted.is_empty());
    if has_none { Ok(()) } else { keep_only(&[]) }
}

/// Gives up all capabilities of this thread but these, and that anything it executes could have more.
pub(crate) fn keep_only(kept: &[u32]) -> Result<(), Error> {
    let set = kept.iter().fold(0, |set, capability| set | 1 << capability);
    let kept = CapabilitySet::from_bits_retain(Capabilities::in_effect().0 & set);
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_no_new_privs(true).and_then(|()| set_capabilities(None, sets)).map_err(|error| {
        let error = io::Error::from(error);
        let reason =
            format!("{error}; in a container, allow prctl(2) and capset(2) in its seccomp profile");
        Error::Kernel { what: "giving up rights", reason }
    })
}
