//! Files that are opened only if they are regular ones: a pipe in the place of one would be waited for without end, and a
//! device may do something when it is opened.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens a regular file; `None` for everything else, and for what cannot be opened.
pub(crate) fn open_regular(path: &Path) -> Option<File> {
    let is_regular = |file: &File| file.metadata().is_ok_and(|metadata| metadata.is_file());
    // What has its name when it is opened may be something else than when it was looked at: neither is waited for.
    path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    file.ok().filter(is_regular)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

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
