//! What the reader of a report has to know about how a recording was made.

use std::fmt::Display;

use evidence::printable;
use evidence::words::{plural, were};
use recording::{Ending, Facts, Fixed, GrowsRange};

/// Of a recording whose rows add up to so many growths.
pub(super) fn notices(facts: &Facts, grows: u64) -> impl Iterator<Item = String> {
    [
        (!facts.is_of_this_format()).then(|| "written by another version of mapscope; some of it may be missing here".to_owned()),
        (facts.end == Some(Ending::Signal)).then(|| "stopped early by a signal; what was recorded until then is here".to_owned()),
        some(facts.lost_events).map(|n| format!("{} lost, and missing from the counts", were(n, "growth"))),
        some(facts.lost_stacks).map(|n| format!("{} lost: those growths and CPU samples have no line", were(n, "stack"))),
        some(facts.lost_samples).map(|n| format!("{} lost", were(n, "CPU sample"))),
        some(facts.elsewhere).map(|n| {
            format!("{n} of the processes executed another program, and were recorded until they did")
        }),
        some(facts.not_recorded_processes).map(|n| {
            let processes = plural(n, "process");
            format!("{n} more {processes} of the same file ran beside the command, not in it: record with --exe")
        }),
        facts.exe_replaced_s.map(|after| {
            format!(
                "the path of the executable led to another file, as was seen after {after} s: processes that began since it did are not recorded"
            )
        }),
        some(facts.unprobed_processes).map(|n| {
            format!(
                "{} seen not to run the code of the file, as that was changed in a container, copied elsewhere or given back to the \
                 kernel: growths there were not counted",
                were(n, "process")
            )
        }),
        facts.other_go_code.as_ref().filter(|paths| !paths.is_empty()).map(|paths| {
            format!(
                "the processes also had Go code of other files, {}: maps that grow there are not recorded",
                printable(paths)
            )
        }),
        some(facts.other_files_above).map(|n| {
            format!(
                "the processes had mapped more than {n} other files: whether there was Go code in the rest was not looked at"
            )
        }),
        (facts.other_go_code_partly == Some(true)).then(|| {
            "whether there was Go code of other files is not known of all that the processes had mapped".to_owned()
        }),
        facts.lacks_clocks().then(|| {
            "maps grow in threads without a clock, so that growths in windows are lower bounds: those that have just begun have none, and where \
             the kernel gives none at all, record as root, or with kernel.perf_event_paranoid at 2".to_owned()
        }),
        facts.only_user.map(|user| {
            format!("recorded without the right to look at the processes of others: only those of user {user} are here")
        }),
        some_time(facts.frozen_s).map(|time| {
            format!("for {time} s the recorder was stopped, or got no CPU time: growths of that time were not counted")
        }),
        some(facts.unprobed_copies).map(|n| {
            let copies = plural(n, "copy");
            format!("{n} inlined {copies} of growth functions could not be probed: growths there are missing")
        }),
        facts.has_windows().then(|| {
            let range = match facts.grows_range(grows) {
                Some(GrowsRange { low, high: Some(high) }) => format!("between {low} and {high} growths in all"),
                Some(GrowsRange { low, high: None }) => format!("at least {low} growths in all; not enough is known to say how many at most"),
                None => "too few for a range".to_owned(),
            };
            format!(
                "for {} s maps grew, or were made with a hint, more often than the overhead budget of {} % allows: counted in {} windows, each event standing for {}; {range}",
                text(facts.windows_s),
                text(facts.max_overhead_pct),
                text(facts.windows.flatten()),
                text(facts.window_scale),
            )
        }),
        some_time(facts.uncounted_s).map(|time| {
            format!(
                "for {time} s of the program's CPU time nothing was counted, and no window stands for it: every count is a lower bound; record longer, or with --max-overhead 100"
            )
        }),
        some_time(facts.sampled_stacks_s).map(|time| {
            format!(
                "for {time} s stacks were taken of a part of the growths only, to stay within {} % overhead: counts per map type are exact, those per line estimated",
                text(facts.max_overhead_pct)
            )
        }),
    ]
    .into_iter()
    .flatten()
}

fn some(number: Option<u64>) -> Option<u64> {
    number.filter(|&n| n > 0)
}

fn some_time(seconds: Option<Fixed<3>>) -> Option<Fixed<3>> {
    seconds.filter(|seconds| seconds.seconds_as_ns() > 0)
}

fn text(number: Option<impl Display>) -> String {
    number.map_or("an unknown number of".to_owned(), |number| number.to_string())
}
