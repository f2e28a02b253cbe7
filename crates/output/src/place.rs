//! Where an output goes: links followed as far as they can be trusted.
//!
//! 1. Links are followed as [`Walk`] says, on the way to the folder and under the name itself.
//! 2. A link under the name that leads nowhere is not followed: a file where its owner wants one would be made with our
//!    rights. A new file at the end of a way with links of another user has to be in a folder of that user.
//! 3. In a folder that everybody may write to, what stands under the name has to be this user's or root's, be it a link,
//!    a file or a pipe.
//! 4. The folder, and what was found in it, stay open: what is judged later, and written to, is the same.
//!
//! Source: `fs.protected_symlinks`, `protected_fifos` and `protected_regular` of Linux
//! (Documentation/admin-guide/sysctl/fs.rst), of which these rules are a stricter form that does not depend on the
//! machine's settings.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{major, minor};
use rustix::io::Errno;

use crate::ErrorKind;
use crate::owner::is_ours;
use crate::stream::Stream;
use crate::walk::{Walk, io, opened_path};

/// Major number of devices of memory, and minor ones of those that swallow what they are given.
const MEMORY: u32 = 1;
const NULL: u32 = 3;
const ZERO: u32 = 5;
const FULL: u32 = 7;

/// Where an output goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// A regular file, or none yet.
    File {
        /// Its folder.
        dir: File,
        /// Its name there.
        name: OsString,
        /// What is there.
        existing: Option<Box<Existing>>,
    },
    /// Something that is written to in place.
    Stream(Stream),
}

/// A regular file that was found: opened, but neither to read nor to write.
#[derive(Debug)]
pub(crate) struct Existing {
    pub(crate) node: File,
    pub(crate) metadata: Metadata,
}

/// Finds the place of a path; `-` is standard output, and `./-` a file.
pub(crate) fn find(path: &Path) -> Result<Place, ErrorKind> {
    if path.as_os_str() == "-" {
        return Ok(Place::Stream(Stream::Stdout));
    }
    let mut walk = Walk::start()?;
    let mut path = path.to_owned();
    let mut is_led = false;
    loop {
        let (way, name) = split(&walk, &path)?;
        walk.enter(way)?;
        if let Some(stream) = Stream::of_descriptor(&walk, &name)? {
            return Ok(Place::Stream(stream));
        }
        let node = match walk.look(&name) {
            Ok(node) => node,
            Err(Errno::NOENT) if is_led => {
                return Err(ErrorKind::DanglingLink { to: walk.shown(Path::new(&name)) });
            }
            Err(Errno::NOENT) => {
                walk.check_folder()?;
                return Ok(Place::File { dir: walk.dir, name, existing: None });
            }
            Err(errno) => return Err(io(errno)),
        };
        let metadata = node.metadata().map_err(ErrorKind::Io)?;
        if !metadata.is_symlink() {
            return of_node(walk, name, node, metadata);
        }
        path = walk.follow(&node, &metadata)?;
        is_led = true;
    }
}

/// The place at the end of a way.
fn of_node(walk: Walk, name: OsString, node: File, metadata: Metadata) -> Result<Place, ErrorKind> {
    walk.check_end(&metadata)?;
    if !is_ours(&metadata) && walk.is_for_all()? {
        return Err(ErrorKind::Planted { uid: metadata.uid() });
    }
    let kind = metadata.file_type();
    if kind.is_block_device() || kind.is_char_device() && !takes_text(metadata.rdev()) {
        return Err(ErrorKind::Device);
    }
    match (kind.is_file(), kind.is_dir(), kind.is_socket()) {
        (true, _, _) => Ok(Place::File {
            dir: walk.dir,
            name,
            existing: Some(Box::new(Existing { node, metadata })),
        }),
        (_, true, _) => Err(ErrorKind::Folder),
        (_, _, true) => Ok(Place::Stream(Stream::Socket(node))),
        _ => Ok(Place::Stream(Stream::Node(node))),
    }
}

/// Whether a device of characters is a terminal, or one that swallows what it is given: others may do anything with it.
///
/// Source: Documentation/admin-guide/devices.txt of Linux 6.18.
fn takes_text(device: u64) -> bool {
    match (major(device), minor(device)) {
        (MEMORY, minor) => [NULL, ZERO, FULL].contains(&minor),
        // Consoles and serial lines, `/dev/tty`, pseudo terminals; those of USB, of ARM and of virtual machines.
        (major, _) => matches!(major, 4 | 5 | 136..=143 | 166 | 188 | 204 | 229),
    }
}

/// The way to the folder, and the name in it.
fn split<'p>(walk: &Walk, path: &'p Path) -> Result<(&'p Path, OsString), ErrorKind> {
    let is_whole = |name: &&OsStr| path.as_os_str().as_bytes().ends_with(name.as_bytes());
    match path.file_name().filter(is_whole) {
        Some(name) => Ok((path.parent().unwrap_or(Path::new("")), name.to_owned())),
        None if path.as_os_str().is_empty() => Err(ErrorKind::NotAName),
        None if opened_path(&walk.dir).join(path).is_dir() => Err(ErrorKind::Folder),
        None => Err(ErrorKind::NotAName),
    }
}
