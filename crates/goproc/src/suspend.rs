//! SIGTSTP, which Ctrl-Z sends: caught, so that something can be done before this program stops, and then followed as if
//! it were not. Whether the program stops is the kernel's to say: not in a process group that nobody could let go on.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{SIG_DFL, SIG_IGN, SIGTSTP};

/// Whether one came. What handles a signal reaches nothing but statics.
static CAME: AtomicBool = AtomicBool::new(false);

extern "C" fn take_note(_: libc::c_int) {
    CAME.store(true, Ordering::Relaxed);
}

/// Catches SIGTSTP, unless it is ignored. Shape: there is one at a time.
#[derive(Debug)]
pub struct SuspendSignal {
    is_caught: bool,
}

impl SuspendSignal {
    /// Catches it from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn catch() -> io::Result<Self> {
        let is_ignored = set_action(noting())? == SIG_IGN;
        if is_ignored {
            set_action(SIG_IGN)?;
        }
        Ok(Self { is_caught: !is_ignored })
    }

    /// Whether one came since this was last asked.
    pub fn take(&self) -> bool {
        CAME.swap(false, Ordering::Relaxed)
    }

    /// Does what the signal does where it is not caught: stops this program, until SIGCONT.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn suspend(&self) -> io::Result<()> {
        set_action(SIG_DFL)?;
        // SAFETY: it takes a number only.
        unsafe { libc::raise(SIGTSTP) };
        set_action(noting()).map(drop)
    }
}

impl Drop for SuspendSignal {
    /// Catches it no more; one that came and was not asked for stops this program now.
    fn drop(&mut self) {
        if self.is_caught && set_action(SIG_DFL).is_ok() && self.take() {
            // SAFETY: it takes a number only.
            unsafe { libc::raise(SIGTSTP) };
        }
    }
}

fn noting() -> libc::sighandler_t {
    take_note as *const () as libc::sighandler_t
}

/// Returns what was done before.
fn set_action(action: libc::sighandler_t) -> io::Result<libc::sighandler_t> {
    // SAFETY: without flags and masks, zeros are a value of the struct; what handles the signal stores to an atomic, and
    // does nothing else.
    let (result, before) = unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_RESTART;
        let mut before: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(SIGTSTP, &raw const new, &raw mut before), before.sa_sigaction)
    };
    if result == 0 { Ok(before) } else { Err(io::Error::last_os_error()) }
}
