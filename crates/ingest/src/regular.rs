//! Files that are opened only if they are regular ones: a pipe in the place of one would be waited for without end, and a
//! device may do something when it is opened. Pipes that are given as inputs are waited for, but not without end.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// How long a pipe is waited for that nobody has opened to write.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens a regular file; `None` for everything else, and for what cannot be opened.
pub(crate) fn open_regular(path: &Path) -> Option<File> {
    let is_regular = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file());
    // What has its name when it is opened may be something else than when it was looked at: neither is waited for.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    file.ok().filter(is_regular)
}

/// Opens a file as usual, but for a pipe that nobody writes to: that is not waited for without end.
///
/// # Errors
/// As of [`File::open`]; no writer of a pipe in time.
pub(crate) fn open_patiently(path: &Path) -> io::Result<impl Read + 'static> {
    if !path.metadata()?.file_type().is_fifo() {
        return Ok(Cursor::new(Vec::new()).chain(File::open(path)?));
    }
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let pipe = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let deadline = Instant::now() + PATIENCE;
    let begin = loop {
        match begin_of(&pipe)? {
            Some(begin) => break begin,
            None if Instant::now() < deadline => thread::sleep(PAUSE),
            None => {
                let text =
                    format!("this is a pipe that nobody wrote to for {} s", PATIENCE.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
        }
    };
    fcntl_setfl(&pipe, fcntl_getfl(&pipe)? - OFlags::NONBLOCK)?;
    Ok(Cursor::new(begin).chain(pipe))
}

/// What is in a pipe that somebody has opened to write, which may be nothing yet; `None` where nobody has.
///
/// Source: pipe(7): a pipe without a writer is at its end, one with a writer and without data says so.
fn begin_of(pipe: &File) -> io::Result<Option<Vec<u8>>> {
    let mut begin = vec![0; 4096];
    match rustix::io::read(pipe, &mut begin) {
        Ok(0) => Ok(None),
        Ok(n) => {
            begin.truncate(n);
            Ok(Some(begin))
        }
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Some(Vec::new())),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_written_to_a_pipe_comes_whole_however_late() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let mut writer = Command::new("sh")
            .args(["-c", "sleep 0.2; exec >\"$0\"; echo one; sleep 0.2; echo two"])
            .arg(&path)
            .spawn()
            .expect("sh");
        let mut text = String::new();
        let mut pipe = open_patiently(&path).expect("it has a writer");
        pipe.read_to_string(&mut text).expect("it is text");
        writer.wait().expect("it ends");
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn only_regular_files_are_opened_and_nothing_is_waited_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), "").expect("a file");
        let made = Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo");
        assert!(made.success());
        let opens = |name| open_regular(&path(name)).is_some();
        assert_eq!(
            (opens("file"), opens("pipe"), opens("."), opens("gone")),
            (true, false, false, false)
        );
    }
}
