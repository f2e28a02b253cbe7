//! Addresses in a process, and what they differ by from those in the file.

use gobin::LinkAddr;

/// An address in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunAddr(pub u64);

/// What is added to an address in the ELF file to have it in the process; wraps around. 0 for programs that are not
/// position-independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LoadBias(pub u64);

impl LoadBias {
    /// The address in the file.
    pub fn link_addr(self, addr: RunAddr) -> LinkAddr {
        LinkAddr(addr.0.wrapping_sub(self.0))
    }
}
