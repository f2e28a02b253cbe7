//! What follows from what processes executed.

use super::*;
use crate::record_layout::{EXECS_LEFT_LINKS, PROCESS_MAX_EXECS};

#[test]
fn what_was_missed_of_a_process_began_after_the_look_before() {
    let mut followed = Followed::default();
    followed.see_away([(7, 100)].into_iter());
    followed.see_away([(7, 200), (8, 300)].into_iter());
    assert_eq!(followed.away, HashMap::from([(7, 100), (8, 300)]));
    followed.see_away([(8, 400)].into_iter());
    assert!(!followed.is_away(7) && followed.is_away(8));
}

#[test]
fn links_are_lacking_after_each_execution_by_another_thread_until_there_are_others() {
    let mut followed = Followed::default();
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

#[test]
fn a_process_whose_memory_is_locked_is_not_asked_again_before_it_executes_something() {
    let mut followed = Followed::default();
    let process = |n| Executions(n).process(Pid(7));
    followed.locked.insert(process(1));
    assert!(!followed.may_ask(process(1)) && followed.may_ask(process(2)));
    followed.locked.extend((1..MAX_LOCKED as u32).map(|pid| Executions(1).process(Pid(pid))));
    assert!(!followed.may_ask(process(2)), "too many are");
}

#[test]
fn a_command_that_ended_before_it_began_executed_nothing_else() {
    // Killed before Go's runtime started; recorded to its end; executed another program then.
    assert_eq!(
        [(1, 0), (1, 1), (2, 1)].map(|(execs, restarts)| n_left(execs, restarts, true)),
        [0, 0, 1]
    );
    assert_eq!(
        [(0, 0), (1, 0), (2, 1)].map(|(execs, restarts)| n_left(execs, restarts, false)),
        [0, 1, 1]
    );
}
