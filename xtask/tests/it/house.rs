//! The rules of the house: layers, where a dependency may stand, what low layers must not touch.
//!
//! Each failure names the manifest or source line and says what to do about it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use xtask::repo_root;

/// Dependencies that have one home. Shape: dependency, the crates that may name it, why.
const HOMES: [(&str, &[&str], &str); 4] = [
    ("anyhow", &["mapscope", "xtask"], "libraries return their own error type, matched by kind"),
    ("aya", &["probe"], "probe is the only privileged crate"),
    ("libc", &["goproc", "probe"], "the other crates do not call the system by hand"),
    ("ratatui", &["tui"], "the other crates do not know that a screen exists"),
];

/// The highest layer that only takes bytes and iterators in and gives values out.
const PURE_UP_TO: i64 = 3;

/// What layers up to `PURE_UP_TO` must not name: modules of `std`, and the clocks.
const IMPURE_MODULES: [&str; 5] = ["fs", "net", "process", "env", "thread"];
/// Where threads are the subject.
const MAY_KNOW_THREADS: &str = "lib/flatnest/src/sync.rs";
const CLOCKS: [&str; 2] = ["Instant", "SystemTime"];

/// Names that say nothing about what the thing holds.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "shared"];

struct Crate {
    name: String,
    dir: PathBuf,
    manifest: toml::Table,
}

impl Crate {
    fn load(dir: PathBuf) -> Self {
        let text = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        Self { name, dir, manifest }
    }

    fn layer(&self) -> Option<i64> {
        self.manifest["package"].get("metadata")?.get("house")?.get("layer")?.as_integer()
    }

    /// Whether it is there to judge other crates by: no command reaches it.
    fn is_oracle(&self) -> bool {
        self.manifest_path().starts_with("oracles/")
    }

    /// Names of what the crate itself needs: not dev-dependencies, which tests may take from anywhere.
    fn dependencies(&self) -> Vec<String> {
        let mut tables = vec![&self.manifest];
        if let Some(targets) = self.manifest.get("target").and_then(toml::Value::as_table) {
            tables.extend(targets.values().filter_map(toml::Value::as_table));
        }
        let kinds = ["dependencies", "build-dependencies"];
        let found = tables
            .iter()
            .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()));
        found
            .flat_map(|dependencies| {
                dependencies.iter().map(|(key, value)| package_name(key, value))
            })
            .collect()
    }

    fn sources(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        rust_files(&self.dir.join("src"), &mut found);
        found
    }

    fn manifest_path(&self) -> String {
        relative(&self.dir.join("Cargo.toml"))
    }
}

/// The package behind a dependency: `package = "..."` renames it.
fn package_name(key: &str, value: &toml::Value) -> String {
    value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned()
}

/// Every crate of the workspace.
fn crates() -> Vec<Crate> {
    let root = repo_root();
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let dirs = members.iter().flat_map(|member| expand(&root, member.as_str().unwrap()));
    dirs.map(Crate::load).collect()
}

/// The directories of a member: `crates/*` or a plain path.
fn expand(root: &Path, member: &str) -> Vec<PathBuf> {
    let Some(parent) = member.strip_suffix("/*") else { return vec![root.join(member)] };
    let mut dirs: Vec<PathBuf> =
        fs::read_dir(root.join(parent)).unwrap().map(|entry| entry.unwrap().path()).collect();
    dirs.retain(|dir| dir.join("Cargo.toml").exists());
    dirs.sort();
    dirs
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    path.strip_prefix(repo_root()).unwrap_or(path).display().to_string()
}

/// Fails with one line per broken rule.
#[track_caller]
fn assert_none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_crate_names_its_layer() {
    let missing = crates().into_iter().filter(|c| c.layer().is_none()).map(|c| {
        format!(
            "{}: add `[package.metadata.house]` with `layer = N` (ARCHITECTURE.md lists them)",
            c.manifest_path()
        )
    });
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let takes = |c: &Crate| {
        c.manifest.get("lints").and_then(|l| l.get("workspace")).and_then(toml::Value::as_bool)
    };
    let missing = crates()
        .into_iter()
        .filter(|c| takes(c) != Some(true))
        .map(|c| format!("{}: add `[lints]` with `workspace = true`", c.manifest_path()));
    assert_none(&missing.collect::<Vec<_>>());
}

#[test]
fn dependencies_go_to_strictly_lower_layers() {
    let crates = crates();
    let layers: BTreeMap<&str, i64> =
        crates.iter().filter_map(|c| Some((c.name.as_str(), c.layer()?))).collect();
    let mut broken = Vec::new();
    for c in &crates {
        let Some(own) = c.layer() else { continue };
        for dependency in c.dependencies() {
            if let Some(&other) = layers.get(dependency.as_str())
                && other >= own
            {
                broken.push(format!(
                    "{}: layer {own} must not depend on `{dependency}` of layer {other}; \
                     pass a value in from above, or move the code that both need below them",
                    c.manifest_path()
                ));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn some_dependencies_stay_in_their_home() {
    let mut broken = Vec::new();
    for c in crates() {
        for (dependency, homes, why) in HOMES {
            if !homes.contains(&c.name.as_str()) && c.dependencies().iter().any(|d| d == dependency)
            {
                broken.push(format!(
                    "{}: `{dependency}` belongs to {} only, because {why}; remove it here",
                    c.manifest_path(),
                    homes.join(" and ")
                ));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn xtask_and_oracles_serve_tests_only() {
    let crates = crates();
    let oracles = crates.iter().filter(|c| c.is_oracle()).map(|c| c.name.as_str());
    let for_tests: Vec<&str> = oracles.chain(["xtask"]).collect();
    let mut broken = Vec::new();
    for c in &crates {
        let needed = c.dependencies().into_iter().filter(|d| for_tests.contains(&d.as_str()));
        broken.extend(
            needed.map(|d| format!("{}: move `{d}` to [dev-dependencies]", c.manifest_path())),
        );
    }
    assert_none(&broken);
}

#[test]
fn low_layers_touch_no_file_socket_process_environment_clock_or_thread() {
    let mut broken = Vec::new();
    for c in crates().into_iter().filter(|c| c.layer().is_some_and(|layer| layer <= PURE_UP_TO)) {
        for path in c.sources().into_iter().filter(|path| !is_test_file(path)) {
            for (line, what) in impurities(&fs::read_to_string(&path).unwrap()) {
                if what == "std::thread" && relative(&path) == MAY_KNOW_THREADS {
                    continue;
                }
                broken.push(format!(
                    "{}:{line}: `{what}` in layer {}; take bytes or values as arguments and let \
                     ingest or cli do the rest",
                    relative(&path),
                    c.layer().unwrap()
                ));
            }
        }
    }
    assert_none(&broken);
}

/// Whether code asks which release of Go it is instead of what is known of it.
fn compares_releases(code: &str) -> bool {
    let code = code.split("//").next().unwrap_or_default();
    let spellings = ["minor ==", "minor >", "minor <", "minor !=", "match version.minor"];
    let is_in_range = code.contains("..") && code.contains("contains(&version.minor");
    let operators = [" == ", " != ", " > ", " < ", " >= ", " <= "];
    let is_comparison = operators.iter().any(|operator| code.contains(operator));
    let is_of_release = ["GoVersion::go1(", "releases.min()", "releases.max()"]
        .iter()
        .any(|release| code.contains(release));
    is_in_range
        || is_comparison && is_of_release
        || spellings.iter().any(|spelling| code.contains(spelling))
}

#[test]
fn only_the_table_of_releases_tells_them_apart() {
    let mut broken = Vec::new();
    // Formats of traces have numbers of their own, which are those of the releases that began them.
    let may = ["goabi", "gotrace"];
    for c in crates().into_iter().filter(|c| !may.contains(&c.name.as_str())) {
        for path in c.sources().into_iter().filter(|path| !is_test_file(path)) {
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            let lines = code.lines().enumerate().filter(|(_, line)| compares_releases(line));
            broken.extend(lines.map(|(idx, _)| {
                format!(
                    "{}:{}: put what differs into the table of crates/goabi/src/release.rs, and ask it",
                    relative(&path),
                    idx + 1
                )
            }));
        }
    }
    assert_none(&broken);
}

#[test]
fn comparisons_of_releases_are_seen() {
    assert!(compares_releases("if version.minor >= 24 {"));
    assert!(compares_releases(".filter(|version| (24..=26).contains(&version.minor))"));
    assert!(compares_releases("if version >= GoVersion::go1(24) {"));
    assert!(compares_releases("let is_swiss = releases.min() >= 24;"));
    assert!(!compares_releases("let minor = version.minor;"));
    assert!(!compares_releases("let since = GoVersion::go1(27);"));
}

#[test]
fn modules_are_named_for_what_they_hold() {
    let mut broken = Vec::new();
    for c in crates() {
        for path in c.sources().into_iter().chain([c.dir.clone()]) {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            if EMPTY_NAMES.contains(&stem.as_str()) {
                broken.push(format!("{}: name it for what it holds", relative(&path)));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn no_test_is_switched_off() {
    // Spelled in two parts, so that this line is not found.
    let attribute = concat!("#[", "ignore");
    let mut broken = Vec::new();
    for c in crates() {
        let mut files = c.sources();
        rust_files(&c.dir.join("tests"), &mut files);
        for path in files {
            if fs::read_to_string(&path).unwrap().contains(attribute) {
                broken.push(format!(
                    "{}: let the test call xtask::skip with a reason instead",
                    relative(&path)
                ));
            }
        }
    }
    assert_none(&broken);
}

#[test]
fn impurities_are_seen_in_every_spelling() {
    let found = |text: &str| impurities(text).into_iter().map(|(_, what)| what).collect::<Vec<_>>();
    assert_eq!(found("use std::fs;"), ["std::fs"]);
    assert_eq!(
        found("use std::{\n    collections::BTreeMap,\n    env, fmt::{self, Write},\n};"),
        ["std::env"]
    );
    assert_eq!(found("let start = std::time::Instant::now();"), ["Instant"]);
    assert_eq!(found("std::process::exit(2)"), ["std::process"]);
    assert_eq!(
        found("// std::fs would be wrong here\nlet environment = std::envelope();"),
        Vec::<String>::new()
    );
    assert_eq!(found("fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }"), Vec::<String>::new());
    assert_eq!(impurities("\n\nuse std::thread::spawn;"), [(3, "std::thread".to_owned())]);
}

fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.components().any(|part| part.as_os_str() == "tests")
}

/// What a source names that low layers must not, with line numbers from 1. Tests at the end of a file are left out.
fn impurities(source: &str) -> Vec<(usize, String)> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n")
        .collect();
    let mut found = Vec::new();
    for module in IMPURE_MODULES {
        let path = format!("std::{module}");
        found.extend(words(&code, &path).map(|at| (line_of(&code, at), path.clone())));
    }
    for (at, _) in code.match_indices("std::{") {
        let group = use_group(&code[at + "std::{".len()..]);
        let named = IMPURE_MODULES.iter().filter(|module| group.iter().any(|name| name == *module));
        found.extend(named.map(|module| (line_of(&code, at), format!("std::{module}"))));
    }
    for clock in CLOCKS {
        found.extend(words(&code, clock).map(|at| (line_of(&code, at), clock.to_owned())));
    }
    found
}

/// Where `word` stands and is not part of a longer identifier.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_name = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        !is_name(code[..at].chars().next_back()) && !is_name(code[at + word.len()..].chars().next())
    })
}

/// The first path segments of a `use` group, whose opening brace has been read.
fn use_group(text: &str) -> Vec<String> {
    let mut depth = 1;
    let mut names = vec![String::new()];
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(String::new()),
            _ if depth == 1 => names.last_mut().unwrap().push(c),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
        .iter()
        .map(|name| name.trim().split("::").next().unwrap_or_default().trim().to_owned())
        .collect()
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}
