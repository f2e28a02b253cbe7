//! Without the right to look at the processes of others, only those of one user are recorded. The kernel side knows their
//! real user only: what a process with the rights of another did, as one that a set-user-ID program started, is left out
//! here. Of one that ended before it could be looked at nothing is known.

use std::collections::{HashMap, HashSet};

use super::Recorder;
use crate::error::Error;
use crate::process::ProcessKey;

/// Processes that were looked at, and whether they have the rights of one user alone.
#[derive(Debug, Default)]
pub(super) struct Owners {
    are_ours: HashMap<ProcessKey, bool>,
}

impl Owners {
    fn look(&mut self, process: ProcessKey, user: u32) {
        if !self.are_ours.contains_key(&process)
            && let Some(users) = process.pid().users()
        {
            self.are_ours.insert(process, users == [user; 3]);
        }
    }

    /// Whether what it does is recorded.
    pub(super) fn may_record(&self, process: u32) -> bool {
        self.are_ours.get(&ProcessKey(process)).is_none_or(|&is_ours| is_ours)
    }

    /// Forgets processes that have ended.
    pub(super) fn forget(&mut self, ended: &HashSet<ProcessKey>) {
        self.are_ours.retain(|process, _| !ended.contains(process));
    }
}

impl Recorder {
    /// The only user whose processes are recorded, where not each was named and looked at before.
    fn only_user(&self) -> Option<u32> {
        let is_asked = self.found.is_all() && !self.reach.is_proc_foreign;
        self.reach.user.filter(|_| is_asked)
    }

    pub(super) fn look_at_owners(&mut self, processes: impl Iterator<Item = ProcessKey>) {
        if let Some(user) = self.only_user() {
            processes.for_each(|process| self.owners.look(process, user));
        }
    }

    /// Looks at all that run.
    pub(super) fn look_at_all_owners(&mut self) -> Result<(), Error> {
        if self.only_user().is_some() {
            self.look_at_owners(self.kernel.running()?.into_keys());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use goproc::Pid;

    use super::*;
    use crate::process::Executions;

    #[test]
    fn a_process_of_another_user_is_left_out() {
        let own = Executions::default().process(Pid::own());
        let gone = Executions::default().process(Pid(0));
        let [user, ..] = Pid::own().users().expect("it runs");
        for (user, is_ours) in [(user, true), (user + 1, false)] {
            let mut owners = Owners::default();
            owners.look(own, user);
            owners.look(gone, user);
            assert_eq!((owners.may_record(own.0), owners.may_record(gone.0)), (is_ours, true));
            owners.forget(&HashSet::from([own]));
            assert!(owners.may_record(own.0));
        }
    }
}
