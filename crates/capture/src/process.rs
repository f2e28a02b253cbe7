//! The captured process: whether it runs, and its executable.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::summary::{Collected, Missing};

/// Whether the process runs; one that has ended and waits for its parent does not.
pub(crate) fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold anything, a parenthesis too.
    let state = stat.rsplit_once(") ").and_then(|(_, tail)| tail.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

const WHAT: &str = "binary";
/// How long a command may take to become the program.
const START: Duration = Duration::from_secs(2);

/// Copies the executable: with `/proc/PID/exe` also one that was deleted, or is in a container.
pub(crate) fn copy_binary(pid: u32, dir: &Path) -> Result<Collected, Missing> {
    let exe = PathBuf::from(format!("/proc/{pid}/exe"));
    let fail = |why: String| Missing::new(WHAT, format!("{}: {why}", exe.display()));
    let own = fs::read_link("/proc/self/exe").ok();
    let start = Instant::now();
    let path = loop {
        let path = fs::read_link(&exe).map_err(|error| fail(error.to_string()))?;
        // Until then it is this program, which waits.
        if Some(&path) != own.as_ref() || start.elapsed() > START {
            break path;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let bytes = fs::read(&exe).map_err(|error| fail(error.to_string()))?;
    if let Err(error) = gobin::Binary::parse(&bytes) {
        return Err(fail(format!("{} is no Go program: {error}", path.display())));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.trim_end_matches(" (deleted)");
    let target = dir.join(name);
    File::create_new(&target)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .map_err(|error| Missing::new(WHAT, format!("{}: {error}", target.display())))?;
    Ok(Collected::new(name, "the executable", bytes.len() as u64))
}
