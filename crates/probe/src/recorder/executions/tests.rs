//! What follows from what processes executed.

use std::time::Duration;

use super::*;
use crate::record_layout::{EXECS_LEFT_LINKS, PROCESS_MAX_EXECS};

#[test]
fn what_was_missed_of_a_process_began_after_the_look_before() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut followed = Followed::from(at(0));
    followed.seen_at = at(1);
    followed.see_away([7].into_iter());
    followed.seen_at = at(2);
    followed.see_away([7, 8].into_iter());
    assert_eq!(followed.away, HashMap::from([(7, at(1)), (8, at(2))]));
    followed.see_away([8].into_iter());
    assert!(!followed.is_away(7) && followed.is_away(8));
}

#[test]
fn links_are_lacking_after_each_execution_by_another_thread_until_there_are_others() {
    let mut followed = Followed::from(Instant::now());
    let by_first = Executions(1);
    let by_other = Executions(2 + EXECS_LEFT_LINKS);
    assert!(!followed.lacks_links(7, Executions::default()) && !followed.lacks_links(7, by_first));
    assert!(followed.lacks_links(7, by_other));
    followed.n_left_links.insert(7, by_other.n_left_links());
    assert!(!followed.lacks_links(7, by_other));
    let in_between = Executions(by_other.0 + EXECS_LEFT_LINKS);
    assert!(followed.lacks_links(7, in_between), "what user space knows does not undo it");
    assert!(followed.lacks_links(8, by_other), "of another process");
}

#[test]
fn links_left_behind_do_not_change_which_process_it_is() {
    let process = Executions(PROCESS_MAX_EXECS).process(Pid(7));
    let left = Executions(PROCESS_MAX_EXECS + 3 * EXECS_LEFT_LINKS);
    assert_eq!((left.process(Pid(7)), left.n_left_links()), (process, 3));
    assert_ne!(process, Executions(1).process(Pid(7)));
    assert_eq!(process.pid(), Pid(7));
}
