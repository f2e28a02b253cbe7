//! What the Markdown pages promise exists.

use std::fs;
use std::path::PathBuf;

use xtask::repo_root;

/// The pages at the root and one level below the folders that hold documentation.
fn pages() -> Vec<PathBuf> {
    let root = repo_root();
    let dirs =
        ["", "docs", "examples", "testdata/samples", "bench", "fuzz"].map(|dir| root.join(dir));
    let entries = dirs.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// Targets of `[text](target)` that are files of the repository.
fn linked_files(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .filter_map(|target| target.split('#').next())
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in linked_files(&text) {
            if !page.with_file_name(target).exists() {
                broken.push(format!("{}: `{target}` does not exist", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn make_targets_in_the_pages_exist() {
    let makefile = fs::read_to_string(repo_root().join("Makefile")).unwrap();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for span in text.split('`').filter_map(|span| span.strip_prefix("make ")) {
            let target = span.split_whitespace().next().unwrap_or_default();
            let known = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
            assert!(known, "{}: `make {target}` is not in the Makefile", page.display());
        }
    }
}
