//! What a kernel lacks or refuses, and what is said of it.

use std::fs;
use std::io;
use std::path::PathBuf;

use aya::programs::{ProgramError, ProgramType};
use aya::sys::{BpfHelper, is_helper_supported};
use output::write_elsewhere;

use crate::capabilities::keep_only;
use crate::error::Error;
use crate::system::{self, TaskClocks};

/// What recording cannot do without, and this kernel does not have. Asked by trying, since distributions add to old
/// kernels; where nothing may be tried, nothing is known to be lacking.
pub(crate) fn lacking() -> Result<(), Error> {
    let cookies = is_helper_supported(ProgramType::KProbe, BpfHelper::BPF_FUNC_get_attach_cookie);
    match cookies {
        Ok(false) => Err(Error::OldKernel { release: release() }),
        Ok(true) | Err(_) => Ok(()),
    }
}

/// That there can be no more descriptors, if that is why something failed.
pub(crate) fn of_limit(
    what: &'static str,
    error: &(dyn std::error::Error + 'static),
) -> Option<Error> {
    let errno = system::find_io_error(error)?.raw_os_error()?;
    [libc::EMFILE, libc::ENFILE].contains(&errno).then_some(Error::TooManyFiles { what })
}

/// Why a program was not loaded. The verifier's log goes to a file, which the error names.
pub(crate) fn of_program(error: &ProgramError) -> Option<Error> {
    let ProgramError::LoadError { verifier_log, .. } = error else { return None };
    let log = verifier_log.to_string();
    // Without one it was not the verifier.
    (!log.is_empty()).then(|| refused(write_elsewhere(".verifier.log", log.as_bytes())))
}

fn refused(kept: io::Result<PathBuf>) -> Error {
    match kept {
        Ok(log) => Error::Verifier { release: release(), log },
        Err(error) => Error::Kernel {
            what: "loading the BPF program",
            reason: format!(
                "this kernel refuses it, and the verifier's log cannot be kept in {}: {error}",
                std::env::temp_dir().display()
            ),
        },
    }
}

/// `uname -r`.
pub(crate) fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// Whether clocks of threads are to be had with no more than these capabilities. Asked by trying, in a thread that gives up
/// the others: where `kernel.perf_event_paranoid` is above 2, Debian's kernels want CAP_SYS_ADMIN, and Ubuntu's do not.
/// Source: Debian's patch "security,perf: Allow further restriction of perf_event_open".
pub(crate) fn gives_clocks_for(kept: &[u32]) -> bool {
    let own = || std::iter::once(std::process::id());
    std::thread::scope(|scope| {
        let tries = || keep_only(kept).is_ok() && TaskClocks::start(own()).is_ok();
        let thread = std::thread::Builder::new().spawn_scoped(scope, tries);
        thread.is_ok_and(|thread| thread.join().unwrap_or(false))
    })
}

/// `kernel.perf_event_paranoid`.
pub(crate) fn perf_event_paranoid() -> Option<i32> {
    fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
