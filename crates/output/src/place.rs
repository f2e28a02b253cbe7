//! Where an output goes: links followed as far as they can be trusted.
//!
//! 1. On the way to the folder, a link that stands where everybody may leave one is followed only when it is this user's
//!    or root's: Linux has such a rule for the last name of a path only.
//! 2. A link under the name itself is followed when it is this user's or root's, or when it belongs to the owner of what
//!    it leads to, who could write there anyway. One that leads nowhere is not: a file where its owner wants one would be
//!    made with our rights.
//! 3. In a folder that everybody may write to, what stands under the name has to be this user's or root's, be it a link,
//!    a file or a pipe.
//!
//! Source: `fs.protected_symlinks`, `protected_fifos` and `protected_regular` of Linux (Documentation/admin-guide/sysctl/fs.rst),
//! of which these rules are a stricter form that does not depend on the machine's settings.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::ErrorKind;
use crate::owner::is_ours;
use crate::stream::Stream;

/// As many links as Linux follows. Source: `MAXSYMLINKS`, include/linux/namei.h.
pub(crate) const MAX_LINKS: usize = 40;
const WRITABLE_FOR_ALL: u32 = 0o002;

/// Where an output goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// A regular file, or none yet.
    File {
        /// Its folder.
        dir: PathBuf,
        /// Its name there.
        name: OsString,
        /// What is there.
        existing: Option<Metadata>,
    },
    /// Something that is written to in place.
    Stream(Stream),
}

/// Finds the place of a path.
pub(crate) fn find(path: &Path) -> Result<Place, ErrorKind> {
    let mut path = path.to_owned();
    for n_links in 0..=MAX_LINKS {
        let (dir, name) = split(&path)?;
        let here = dir.join(&name);
        if let Some(stream) = Stream::of_descriptor(&dir, &name) {
            return Ok(Place::Stream(stream));
        }
        let metadata = match fs::symlink_metadata(&here) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound && n_links > 0 => {
                return Err(ErrorKind::DanglingLink { to: here });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Place::File { dir, name, existing: None });
            }
            Err(error) => return Err(ErrorKind::Io(error)),
        };
        if metadata.is_symlink() {
            path = dir.join(fs::read_link(&here).map_err(ErrorKind::Io)?);
            check_link(&dir, &here, &metadata, &path)?;
            continue;
        }
        check_owner(&dir, &metadata)?;
        let kind = metadata.file_type();
        return match (kind.is_file(), kind.is_dir(), kind.is_socket()) {
            (true, _, _) => Ok(Place::File { dir, name, existing: Some(metadata) }),
            (_, true, _) => Err(ErrorKind::Folder),
            (_, _, true) => Ok(Place::Stream(Stream::Socket(here))),
            _ => Ok(Place::Stream(Stream::Node(here))),
        };
    }
    Err(ErrorKind::LinkLoop)
}

/// The folder, resolved, and the name in it.
fn split(path: &Path) -> Result<(PathBuf, OsString), ErrorKind> {
    let name =
        path.file_name().filter(|name| path.as_os_str().as_bytes().ends_with(name.as_bytes()));
    let name = match name {
        Some(name) => name.to_owned(),
        None if path.is_dir() => return Err(ErrorKind::Folder),
        None => return Err(ErrorKind::NotAName),
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    check_way(dir)?;
    Ok((fs::canonicalize(dir).map_err(ErrorKind::Io)?, name))
}

/// Refuses links on the way to a folder that anybody can have planted.
pub(crate) fn check_way(dir: &Path) -> Result<(), ErrorKind> {
    let mut here = PathBuf::from(".");
    for part in dir.components() {
        let next = here.join(part);
        let metadata = fs::symlink_metadata(&next).map_err(ErrorKind::Io)?;
        if !metadata.is_symlink() {
            here = next;
            continue;
        }
        let to = fs::canonicalize(&next).map_err(ErrorKind::Io)?;
        if !is_ours(&metadata) && is_for_all(&here)? {
            return Err(ErrorKind::ForeignLink { uid: metadata.uid(), to });
        }
        here = to;
    }
    Ok(())
}

fn is_for_all(dir: &Path) -> Result<bool, ErrorKind> {
    Ok(fs::metadata(dir).map_err(ErrorKind::Io)?.mode() & WRITABLE_FOR_ALL != 0)
}

fn check_link(dir: &Path, here: &Path, link: &Metadata, to: &Path) -> Result<(), ErrorKind> {
    if is_ours(link) {
        return Ok(());
    }
    let target = fs::metadata(here);
    let is_theirs = target.is_ok_and(|target| target.uid() == link.uid());
    if is_theirs && !is_for_all(dir)? {
        return Ok(());
    }
    Err(ErrorKind::ForeignLink { uid: link.uid(), to: to.to_owned() })
}

fn check_owner(dir: &Path, existing: &Metadata) -> Result<(), ErrorKind> {
    if !is_ours(existing) && is_for_all(dir)? {
        return Err(ErrorKind::Planted { uid: existing.uid() });
    }
    Ok(())
}
