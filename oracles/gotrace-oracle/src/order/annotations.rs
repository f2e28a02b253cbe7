//! What changes no state of the scheduler: metrics, labels, tasks, regions, logs, events of experiments.

use gotrace::{Ev, StrId};

use super::{Order, Outcome, Step};
use crate::error::Contradiction;
use crate::event::{EventKind, Metric, Region, Task, TaskId};

/// A task that has begun.
#[derive(Debug)]
pub(crate) struct TaskState {
    /// Its end may come in a generation that does not have the string.
    name: Box<str>,
    parent: Option<TaskId>,
}

impl Order {
    pub(super) fn metric(&mut self, step: &mut Step) -> Outcome {
        let [value, stack, ..] = step.timed.args();
        let metric = match step.timed.ev {
            Ev::HEAP_ALLOC => Metric::HeapLive,
            Ev::HEAP_GOAL => Metric::HeapGoal,
            _ => Metric::Procs,
        };
        let kind = EventKind::Metric { metric, value };
        if metric == Metric::Procs {
            self.need_both(step)?;
            return Ok(Some(self.event_with(step, stack, kind)));
        }
        self.need_proc(step)?;
        Ok(Some(self.event(step, kind)))
    }

    pub(super) fn label(&mut self, step: &mut Step) -> Outcome {
        self.need_both(step)?;
        let label = self.string(step, step.timed.arg(0));
        Ok(Some(self.event(step, EventKind::Label { label })))
    }

    pub(super) fn log(&mut self, step: &mut Step) -> Outcome {
        self.need_both(step)?;
        let [task, category, message, stack] = step.timed.args();
        let (category, message) = (self.string(step, category), self.string(step, message));
        let kind = EventKind::Log { task: TaskId(task), category, message };
        Ok(Some(self.event_with(step, stack, kind)))
    }

    /// The end of a task may come without its beginning, and more than once; only a second beginning is wrong.
    pub(super) fn task_begin(&mut self, step: &mut Step) -> Outcome {
        self.need_both(step)?;
        let [id, parent, name, stack] = step.timed.args();
        if self.tasks.contains_key(&id) {
            return Err(Contradiction::TaskOpen(id));
        }
        // Here 0 is no task, not the background.
        let parent = (parent != 0).then_some(TaskId(parent));
        let name = self.string(step, name);
        self.tasks.insert(id, TaskState { name: step.tables.text(name).into(), parent });
        let task = Task { id: TaskId(id), parent, name };
        Ok(Some(self.event_with(step, stack, EventKind::TaskBegin(task))))
    }

    pub(super) fn task_end(&mut self, step: &mut Step) -> Outcome {
        self.need_both(step)?;
        let [id, stack, ..] = step.timed.args();
        let (parent, name) = match self.tasks.remove(&id) {
            Some(task) => (task.parent, step.tables.add_text(&task.name)),
            None => (None, StrId::EMPTY),
        };
        let task = Task { id: TaskId(id), parent, name };
        Ok(Some(self.event_with(step, stack, EventKind::TaskEnd(task))))
    }

    pub(super) fn region(&mut self, step: &mut Step) -> Outcome {
        let (_, slot) = self.need_both(step)?;
        let [task, name, stack, _] = step.timed.args();
        let name = self.string(step, name);
        let text = step.tables.text(name);
        let region = Region { task: TaskId(task), name };
        let regions = &mut self.goroutines[slot as usize].regions;
        if step.timed.ev == Ev::USER_REGION_BEGIN {
            regions.push((task, text.into()));
            return Ok(Some(self.event_with(step, stack, EventKind::RegionBegin(region))));
        }
        // Regions that began before the trace are not known.
        if let Some((open_task, open_name)) = regions.last() {
            if (*open_task, &**open_name) != (task, text) {
                return Err(Contradiction::RegionNesting);
            }
            regions.pop();
        }
        Ok(Some(self.event_with(step, stack, EventKind::RegionEnd(region))))
    }

    pub(super) fn experimental(&mut self, step: &mut Step) -> Outcome {
        self.need_thread(step)?;
        let Some(spec) = step.timed.ev.spec() else { return Err(Contradiction::NoThread) };
        let mut args = step.timed.args();
        args[spec.args.len() - 1..].fill(0);
        Ok(Some(self.event(step, EventKind::Experimental { ev: step.timed.ev, args })))
    }
}
