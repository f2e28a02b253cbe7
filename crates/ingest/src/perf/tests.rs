use super::*;

#[test]
fn events_of_one_name_are_told_apart() {
    let events = told_apart(["cache-misses", "dTLB-load-misses", "cache-misses"].into_iter());
    let names: Vec<&str> = events.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["cache-misses", "dTLB-load-misses", "cache-misses #2"]);
}
