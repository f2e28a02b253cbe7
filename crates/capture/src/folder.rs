//! The folder of a capture. It is looked at when it is opened, and all that is written goes through what was opened:
//! whoever may rename the folder, or one above it, does not choose where the files go.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use output::{is_only_ours, make_folder, opened_path};

use crate::Error;

/// The folder, open. Clones keep it open: a thread that is left to itself writes to this folder or to none.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    file: Arc<File>,
    /// As the user named it, for texts.
    named: PathBuf,
    is_new: bool,
}

impl Folder {
    /// Makes it, for this user only, as it will hold what others are not to see. One that is there has to be empty, and
    /// nobody else may put anything in it while it is filled.
    ///
    /// # Errors
    /// When it cannot be made or opened, holds something, or is not only ours.
    pub(crate) fn prepare(named: &Path) -> Result<Self, Error> {
        let fail = |source| Error::Write { path: named.to_owned(), source };
        let output::Folder { file, is_new } = make_folder(named)?;
        let folder = Self { file: Arc::new(file), named: named.to_owned(), is_new };
        if !is_only_ours(&folder.file.metadata().map_err(fail)?) {
            return Err(Error::OpenToOthers { dir: folder.named });
        }
        if fs::read_dir(folder.itself()).map_err(fail)?.next().is_some() {
            return Err(Error::NotEmpty { dir: folder.named });
        }
        Ok(folder)
    }

    /// The folder that was opened, under a name that holds while it is open: for this process, and for one that it starts
    /// to begin in.
    pub(crate) fn itself(&self) -> PathBuf {
        opened_path(&self.file)
    }

    /// Where a file of it is to be written and read.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.itself().join(name)
    }

    /// A file of it, for texts.
    pub(crate) fn named(&self, name: &str) -> PathBuf {
        self.named.join(name)
    }

    /// Removes it if it was made for this capture, is empty, and still has its name.
    pub(crate) fn remove_unused(&self) {
        let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let (named, own) = (fs::symlink_metadata(&self.named), self.file.metadata());
        if self.is_new && named.ok().map(id) == own.ok().map(id) {
            let _ = fs::remove_dir(&self.named);
        }
    }
}
