//! The Go program of the experiments, embedded. It is an ordinary Go module: `cd crates/lab/go && go vet .`

/// A file: name and text.
type Source = (&'static str, &'static str);

/// What every experiment rests on.
pub(crate) const BASE: [Source; 3] = [
    ("go.mod", include_str!("../go/go.mod")),
    ("main.go", include_str!("../go/main.go")),
    ("measure.go", include_str!("../go/measure.go")),
];

pub(crate) const CACHE_MISSES: Source = ("cachemisses.go", include_str!("../go/cachemisses.go"));
pub(crate) const COLLECTOR: Source = ("collector.go", include_str!("../go/collector.go"));
pub(crate) const CONCURRENT: Source = ("concurrent.go", include_str!("../go/concurrent.go"));
pub(crate) const FLATTEN: Source = ("flatten.go", include_str!("../go/flatten.go"));
pub(crate) const GROWTH: Source = ("growth.go", include_str!("../go/growth.go"));
pub(crate) const KEYS: Source = ("keys.go", include_str!("../go/keys.go"));
pub(crate) const LAYOUTS: Source = ("layouts.go", include_str!("../go/layouts.go"));
pub(crate) const PROFILES: Source = ("profiles.go", include_str!("../go/profiles.go"));

/// What counts outside the Go program, of which stored runs depend as well.
pub(crate) const CACHE_COUNTER: Source = ("cache.rs", include_str!("cache.rs"));
/// See [`CACHE_COUNTER`].
pub(crate) const STACK_COUNTER: Source = ("depth.rs", include_str!("depth.rs"));

/// The whole program.
pub(crate) const ALL: [Source; 11] = [
    BASE[0],
    BASE[1],
    BASE[2],
    CACHE_MISSES,
    COLLECTOR,
    CONCURRENT,
    FLATTEN,
    GROWTH,
    KEYS,
    LAYOUTS,
    PROFILES,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::catalogue::CATALOGUE;
    use crate::experiment::Kind;

    #[test]
    fn every_file_of_the_module_is_embedded() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
        let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
        let embedded: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(files, embedded);
    }

    #[test]
    fn the_program_knows_every_experiment() {
        let main = BASE[1].1;
        for experiment in CATALOGUE.iter().filter(|of| of.kind != Kind::CacheMisses) {
            assert!(main.contains(&format!("\"{}\":", experiment.name)), "{}", experiment.name);
        }
    }

    /// A check whose benchmark no source prints would never be measured. Names are put together in the Go program: only
    /// their first part, the group, and their last can be looked for.
    #[test]
    fn every_check_names_benchmarks_that_its_sources_print() {
        use crate::experiment::Quantity::{Difference, Ratio, Value};
        for experiment in CATALOGUE.iter().filter(|of| of.kind == Kind::Prints) {
            let text: String = experiment.sources.iter().map(|(_, text)| *text).collect();
            for check in experiment.requires.iter().chain(experiment.predicts) {
                let (Value(a) | Ratio(a, _) | Difference(a, _)) = check.quantity;
                let (Value(b) | Ratio(_, b) | Difference(_, b)) = check.quantity;
                for metric in [a, b] {
                    let group = metric.case.split('/').next().unwrap();
                    let last = metric.case.rsplit('/').next().unwrap().split('=').next().unwrap();
                    assert!(text.contains(group) && text.contains(last), "{}", metric.case);
                }
            }
        }
    }
}
