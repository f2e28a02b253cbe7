//! The limit on the size of files (`ulimit -f`).

use std::io;
use std::sync::Arc;

use signal_hook::consts::SIGXFSZ;

/// Lets a write beyond the limit on the size of files fail as one to a full disk does, instead of ending this program. The
/// signal is caught and not ignored, so that a command that is started has it as it usually is.
///
/// # Errors
/// When the system does not let us.
pub fn outlive_size_limit() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop)
}
