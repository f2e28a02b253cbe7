//! SIGTSTP, which Ctrl-Z sends: caught, so that something can be done before this program stops, and then followed as if
//! it were not. Whether the program stops is the kernel's to say: not in a process group that nobody could let go on.
//!
//! SIGCONT takes back a SIGTSTP that was not followed yet, as the kernel does with one that it has not delivered.
#![allow(unsafe_code)]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use libc::{SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_UNBLOCK, SIGCONT, SIGTSTP};

/// Whether one came that was neither followed nor taken back. What handles a signal reaches nothing but statics.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn take_note(signal: libc::c_int) {
    IS_ASKED.store(signal == SIGTSTP, Ordering::Relaxed);
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
        let is_ignored = set_action(SIGTSTP, noting())? == SIG_IGN;
        if is_ignored {
            set_action(SIGTSTP, SIG_IGN)?;
        } else {
            set_action(SIGCONT, noting())?;
        }
        Ok(Self { is_caught: !is_ignored })
    }

    /// Whether one came that is to be followed.
    pub fn is_asked(&self) -> bool {
        IS_ASKED.load(Ordering::Relaxed)
    }

    /// Does what the signal does where it is not caught: stops this program, until SIGCONT. One that has come meanwhile
    /// keeps it from stopping.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn suspend(&self) -> io::Result<()> {
        let stopped = stop_unless_taken_back();
        set_action(SIGTSTP, noting())?;
        stopped
    }
}

impl Drop for SuspendSignal {
    /// Catches it no more; one that came and was not followed stops this program now.
    fn drop(&mut self) {
        if self.is_caught && set_action(SIGTSTP, SIG_DFL).is_ok() {
            if self.is_asked() {
                let _ = stop_unless_taken_back();
                let _ = set_action(SIGTSTP, SIG_DFL);
            }
            let _ = set_action(SIGCONT, SIG_DFL);
        }
    }
}

/// 1. A SIGTSTP waits to be delivered: from now on the kernel drops it when SIGCONT comes.
/// 2. Where SIGCONT came before, it is dropped here.
/// 3. It is delivered, and stops this program.
fn stop_unless_taken_back() -> io::Result<()> {
    set_mask(SIG_BLOCK)?;
    // SAFETY: it takes a number only.
    unsafe { libc::raise(SIGTSTP) };
    let is_asked = IS_ASKED.swap(false, Ordering::Relaxed);
    let set = set_action(SIGTSTP, if is_asked { SIG_DFL } else { SIG_IGN });
    set_mask(SIG_UNBLOCK)?;
    set.map(drop)
}

/// Holds SIGTSTP back from this thread, or lets it through.
fn set_mask(how: libc::c_int) -> io::Result<()> {
    // SAFETY: a set of signals is valid once it was emptied, and the old mask is not asked for.
    let errno = unsafe {
        let mut signals: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut signals);
        libc::sigaddset(&raw mut signals, SIGTSTP);
        libc::pthread_sigmask(how, &raw const signals, std::ptr::null_mut())
    };
    if errno == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(errno)) }
}

fn noting() -> libc::sighandler_t {
    take_note as *const () as libc::sighandler_t
}

/// Returns what was done before at the signal.
pub(crate) fn set_action(
    signal: libc::c_int,
    action: libc::sighandler_t,
) -> io::Result<libc::sighandler_t> {
    // SAFETY: without flags and masks, zeros are a value of the struct; what handles the signal stores to an atomic, and
    // does nothing else.
    let (result, before) = unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_RESTART;
        let mut before: libc::sigaction = std::mem::zeroed();
        (libc::sigaction(signal, &raw const new, &raw mut before), before.sa_sigaction)
    };
    if result == 0 { Ok(before) } else { Err(io::Error::last_os_error()) }
}
