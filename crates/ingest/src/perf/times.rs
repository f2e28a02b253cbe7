//! Times of samples, for the timeline of a trace.

use std::collections::HashMap;

use gobin::Binary;
use gomap::{FrameClass, classify_function, classify_stack};

use super::lines::frames;
use super::processes::Processes;
use super::samples::Stacks;

/// When samples inside map operations were taken, and which of them were under growth. Order: none.
pub(super) fn map_times(
    stacks: &Stacks,
    processes: &Processes<'_>,
    binary: &Binary<'_>,
) -> Vec<(u64, bool)> {
    let mut times = Vec::new();
    let mut classes: Vec<FrameClass> = Vec::new();
    // Frames are many, functions few.
    let mut by_function: HashMap<&str, FrameClass> = HashMap::new();
    for ((image, stack), sampled) in stacks.iter().filter(|(_, sampled)| !sampled.times.is_empty())
    {
        let Some(of_binary) = processes.of_binary.get(image) else { continue };
        classes.clear();
        frames(of_binary, binary, stack, |frame| {
            let known = by_function.entry(frame.function);
            classes.push(*known.or_insert_with_key(|function| classify_function(function)));
            false
        });
        let class = classify_stack(&classes);
        if class.op.is_some() {
            times.extend(sampled.times.iter().map(|&at| (at, class.is_growth())));
        }
    }
    times
}
