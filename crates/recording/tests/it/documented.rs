//! docs/recording.md says what there is.

use recording::SAMPLE_TYPES;

use crate::round_trip::{all_facts, written};

/// What stands in backquotes in the first column of the table whose head begins like this, in the order of the page.
fn documented(head: &str) -> Vec<String> {
    let page = std::fs::read_to_string(xtask::repo_root().join("docs/recording.md")).unwrap();
    let table = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let cell = row.split('|').nth(1).unwrap();
        let names: Vec<_> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        names
    })
    .collect()
}

fn sorted<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_unstable();
    names
}

#[test]
fn every_sample_type_is_documented_in_its_order() {
    assert_eq!(documented("| sample type |"), SAMPLE_TYPES.map(|(kind, _)| kind));
}

#[test]
fn every_label_is_documented() {
    let profile = written(&all_facts());
    let labels = profile.samples().flat_map(|sample| sample.labels()).map(|label| label.key);
    let mut labels = sorted(labels);
    labels.dedup();
    assert_eq!(sorted(documented("| label |").iter().map(String::as_str)), labels);
}

#[test]
fn every_comment_is_documented() {
    let page = documented("| comment |");
    // The one that only old recordings have is named beside what came in its place.
    let comments: Vec<String> = all_facts().comments().collect();
    let written = comments.iter().map(|comment| comment.split('=').next().unwrap());
    let written = written.filter(|&key| key != "estimate_range_pct");
    assert_eq!(sorted(page.iter().map(String::as_str)), sorted(written));
}
