//! Folded stacks, the text that flame graphs are drawn from: `main;fill;runtime.mapassign 12`, the root first.
//!
//! They say neither lines nor how much time a count stands for.

use gopprof::{LocationIdx, MAX_FRAMES, Profile, ProfileBuilder, ValueType};

/// What is behind names of frames, to colour them: inlined, of the kernel, compiled while it ran, waiting.
/// Source: stackcollapse-perf.pl of github.com/brendangregg/FlameGraph.
const MARKS: [&str; 4] = ["_[i]", "_[k]", "_[j]", "_[w]"];
/// Names of the kernel's frames say so in brackets, as elsewhere.
const KERNEL_MARK: &str = "_[k]";

/// Counts of stacks as a profile, and how much of the text is none.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) profile: Profile,
    /// Lines that are no stack with a count.
    pub(crate) n_other: u64,
    /// Stacks without the frames next to the root, which were more than are kept.
    pub(crate) n_cut: u64,
}

/// Whether a line is a stack with a count. One frame alone may be any sentence that ends in a number.
pub(crate) fn is_folded(line: &str) -> bool {
    split(line).is_some_and(|(stack, _)| stack.contains(';'))
}

/// The stack and its count.
fn split(line: &str) -> Option<(&str, i64)> {
    let (stack, count) = line.trim_end().rsplit_once(' ')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some((stack, count.parse().ok().filter(|_| is_number)?))
}

/// Reads all lines.
pub(crate) fn read(text: &[u8]) -> Folded {
    let mut builder = ProfileBuilder::default();
    let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
    builder.profile_mut().sample_types.push(samples);
    let (mut n_other, mut n_cut) = (0, 0);
    let mut stack: Vec<LocationIdx> = Vec::new();
    for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii) {
        let line = String::from_utf8_lossy(line);
        match split(&line) {
            Some((frames, count)) => {
                stack.clear();
                let frames = frames.rsplit(';').filter(|name| !name.is_empty());
                stack.extend(frames.take(MAX_FRAMES + 1).map(|name| frame(name, &mut builder)));
                n_cut += u64::from(stack.len() > MAX_FRAMES);
                stack.truncate(MAX_FRAMES);
                builder.sample(&stack, &[count], &[]);
            }
            None => n_other += u64::from(!line.is_empty()),
        }
    }
    Folded { profile: builder.finish(), n_other, n_cut }
}

fn frame(name: &str, builder: &mut ProfileBuilder) -> LocationIdx {
    let plain = MARKS.iter().find_map(|mark| name.strip_suffix(mark)).unwrap_or(name);
    match name.ends_with(KERNEL_MARK) {
        true => builder.frame("[kernel]", "", 0),
        false => builder.frame(plain, "", 0),
    }
}
