//! Where source files are on this machine, by the names that the compiler gave them.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use report::{SourceFile, Sources};

/// Larger than any file that people write. Units: bytes.
const MAX_SOURCE: u64 = 8 << 20;

/// Looks in folders of the user's, where the compiler found a file, and in caches of modules.
#[derive(Debug)]
pub(crate) struct SourceFiles {
    /// Folders to look in before all others, by `--source`.
    asked: Vec<PathBuf>,
    /// Folders that may hold the program: the working directory, and those of inputs.
    near: Vec<PathBuf>,
    /// Where modules and the standard library are, whose files are named by module or package.
    caches: Vec<PathBuf>,
}

impl SourceFiles {
    pub(crate) fn new(asked: &[PathBuf], inputs: &[String]) -> Self {
        let of_input = |input: &String| Some(Path::new(input).parent()?.to_owned());
        let mut near = vec![PathBuf::new()];
        for dir in inputs.iter().filter(|input| !input.contains("://")).filter_map(of_input) {
            if !near.contains(&dir) {
                near.push(dir);
            }
        }
        Self { asked: asked.to_vec(), near, caches: caches() }
    }

    /// What may be the file, the most likely first.
    fn candidates<'f>(&'f self, file: &'f str) -> impl Iterator<Item = PathBuf> + 'f {
        let ends = || {
            let parts = file.match_indices('/').map(|(at, _)| &file[at + 1..]);
            std::iter::once(file.trim_start_matches('/')).chain(parts.filter(|end| !end.is_empty()))
        };
        let below = move |dirs: &'f [PathBuf]| {
            dirs.iter().flat_map(move |dir| ends().map(move |end| dir.join(end)))
        };
        let as_named = Some(PathBuf::from(file)).filter(|path| path.is_absolute());
        let cached = self.caches.iter().map(move |dir| dir.join(escaped(file)));
        below(&self.asked).chain(as_named).chain(below(&self.near)).chain(cached)
    }
}

impl Sources for SourceFiles {
    fn find(&self, file: &str, is_it: &dyn Fn(&str) -> bool) -> Option<SourceFile> {
        // Names come out of files that anybody may have made: nothing else is read than source of Go.
        if !file.ends_with(".go") || file.split('/').any(|part| part == "..") {
            return None;
        }
        self.candidates(file).find_map(|path| {
            let text = read(&path).filter(|text| is_it(text))?;
            Some(SourceFile { path: path.display().to_string(), text: text.into() })
        })
    }
}

fn read(path: &Path) -> Option<String> {
    // A pipe would keep us waiting.
    let is_file = fs::metadata(path).is_ok_and(|of| of.is_file() && of.len() <= MAX_SOURCE);
    if !is_file {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_SOURCE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Folders of modules that were loaded, and of the standard library, as Go's own commands find them.
fn caches() -> Vec<PathBuf> {
    let of =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let go_path = of("GOPATH").or_else(|| Some(of("HOME")?.join("go")));
    let modules = of("GOMODCACHE").or_else(|| Some(go_path?.join("pkg/mod")));
    let library = of("GOROOT").map(|root| root.join("src"));
    [modules, library].into_iter().flatten().collect()
}

/// As the cache of modules names folders: `!a` stands for `A`.
fn escaped(file: &str) -> String {
    let mut text = String::with_capacity(file.len());
    // Only the module has it, which ends with its version.
    let end = file.find('@').unwrap_or(0);
    for letter in file[..end].chars() {
        match letter.is_ascii_uppercase() {
            true => text.extend(['!', letter.to_ascii_lowercase()]),
            false => text.push(letter),
        }
    }
    text + &file[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_the_longest_end_of_its_name_that_is_the_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(&path, text).expect("it is written");
        };
        write("main.go", "package main // of another program");
        write("shop/main.go", "package main // of the shop");
        write("shop/secret", "a secret of the shop");
        let files = SourceFiles {
            asked: vec![dir.path().to_owned()],
            near: Vec::new(),
            caches: Vec::new(),
        };
        let find = |name: &str, part: &str| {
            let found = files.find(name, &|text| text.contains(part))?;
            Some(Path::new(&found.path).strip_prefix(dir.path()).ok()?.display().to_string())
        };
        assert_eq!(find("/build/x/shop/main.go", "package").as_deref(), Some("shop/main.go"));
        assert_eq!(find("/build/x/shop/main.go", "another").as_deref(), Some("main.go"));
        assert_eq!(find("/build/x/shop/main.go", "third"), None);
        assert_eq!(find("/build/x/shop/secret", "secret"), None);
        assert_eq!(find("/build/../shop/main.go", "shop"), None);
    }

    #[test]
    fn modules_are_cached_without_capitals() {
        let file = "github.com/BurntSushi/toml@v1.2.0/Decode.go";
        assert_eq!(escaped(file), "github.com/!burnt!sushi/toml@v1.2.0/Decode.go");
        assert_eq!(escaped("encoding/json/Encode.go"), "encoding/json/Encode.go");
    }
}
