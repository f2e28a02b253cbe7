//! Folders stand for the files in them.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::jit_map::is_jit_map;
use crate::server::shown;

/// An input.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// It was found in a folder: nobody asked for it by name.
    pub(crate) is_listed: bool,
}

/// Puts the files of a folder, sorted by name, in its place. Folders in it are left alone.
pub(crate) fn expand(names: &[String]) -> Result<Vec<Named>, Error> {
    let mut all = Vec::new();
    for name in names {
        if Path::new(name).is_dir() {
            let files = list(Path::new(name));
            let files =
                files.map_err(|source| Error::Io { name: shown(name).into_owned(), source })?;
            all.extend(files.into_iter().map(|name| Named { name, is_listed: true }));
        } else {
            all.push(Named { name: name.clone(), is_listed: false });
        }
    }
    Ok(all)
}

fn list(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // What names the code of a JIT is read with the perf.data beside it.
        if path.is_file() && !is_jit_map(&path) {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files.sort();
    Ok(files)
}
