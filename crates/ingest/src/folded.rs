//! Folded stacks, the text that flame graphs are drawn from: `main;fill;runtime.mapassign 12`, the root first.
//!
//! They say neither lines, nor of how many programs they are, nor what they count: samples of CPU time is what is most often
//! meant. All frames of the kernel are one.

use gopprof::{LocationIdx, MAX_FRAMES, Profile, ProfileBuilder, ValueType};

/// What is behind names of frames, to colour them: inlined, of the kernel, compiled while it ran, waiting.
/// Source: stackcollapse-perf.pl of github.com/brendangregg/FlameGraph.
const MARKS: [&str; 4] = ["_[i]", "_[k]", "_[j]", "_[w]"];
/// Names of the kernel's frames say so in brackets, as elsewhere.
const KERNEL_MARK: &str = "_[k]";

/// Lines of a text that are gone through. Basis: a profile of 250,000 stacks is large.
const MAX_LINES: usize = 4_000_000;
/// Lines that tell what a text is.
const LOOKED_AT: usize = 10;
/// Numbers that all share a divisor as large as this are times or bytes.
const LARGEST_DIVISOR: u64 = 1000;
/// Part of the samples below which waiting goroutines are there by chance.
const FEW_WAITING: f64 = 0.02;
/// Leaves of goroutines and threads that do not run.
const WAITS: [&str; 2] = ["runtime.gopark", "runtime.notetsleep"];

/// Counts of stacks as a profile, and how much of the text is none.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) profile: Profile,
    /// What its counts are, where they cannot be samples of CPU time.
    pub(crate) not_cpu: Option<&'static str>,
    /// Lines that are no stack with a count.
    pub(crate) n_other: u64,
    /// Lines beyond those that are gone through.
    pub(crate) n_more: u64,
    /// Stacks without the frames next to the root, which were more than are kept.
    pub(crate) n_cut: u64,
}

/// Whether a text begins with stacks with counts, one of several frames among them. Its last line may be cut.
pub(crate) fn is_folded(head: &str) -> bool {
    let whole = head.rsplit_once('\n').map_or(head, |(whole, _)| whole);
    let lines = || whole.lines().filter(|line| !line.trim().is_empty());
    let has_frames = lines().any(|line| line.contains(';'));
    let looked_at = lines().take(LOOKED_AT).count();
    let stacks = lines().take(LOOKED_AT).filter(|line| split(line).is_some()).count();
    has_frames && stacks * 2 > looked_at
}

/// The stack and its count.
fn split(line: &str) -> Option<(&str, i64)> {
    let (stack, count) = line.trim_end().rsplit_once(' ')?;
    let is_number = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    Some((stack, count.parse().ok().filter(|_| is_number)?))
}

/// Reads all lines.
pub(crate) fn parse(text: &[u8]) -> Folded {
    let mut builder = ProfileBuilder::default();
    let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
    builder.profile_mut().sample_types.push(samples);
    let (mut n_other, mut n_cut) = (0, 0);
    let mut counts = Counts::default();
    let mut stack: Vec<LocationIdx> = Vec::new();
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.by_ref().take(MAX_LINES) {
        let line = String::from_utf8_lossy(line);
        match split(&line) {
            Some((frames, count)) => {
                counts.add(frames, count.unsigned_abs());
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
    let n_more = lines.filter(|line| !line.is_empty()).count() as u64;
    Folded { profile: builder.finish(), not_cpu: counts.not_cpu(), n_other, n_more, n_cut }
}

/// What all counts together tell of what they are.
#[derive(Debug, Default)]
struct Counts {
    n: u64,
    sum: f64,
    /// Of stacks whose leaf only waits.
    waiting: f64,
    divisor: u64,
    /// Stacks that end in a number: there are two counts in a line.
    n_double: u64,
}

impl Counts {
    fn add(&mut self, frames: &str, count: u64) {
        self.n += 1;
        self.sum += count as f64;
        let leaf = frames.rsplit(';').next().unwrap_or_default();
        if WAITS.iter().any(|name| leaf.starts_with(name)) {
            self.waiting += count as f64;
        }
        self.divisor = gcd(self.divisor, count);
        self.n_double += u64::from(split(frames).is_some());
    }

    fn not_cpu(&self) -> Option<&'static str> {
        if self.n_double * 2 > self.n {
            return Some("with two counts in each line, the difference of two");
        }
        if self.n > 1 && self.divisor >= LARGEST_DIVISOR {
            return Some(
                "of times or bytes, and not of samples: its numbers share a large divisor",
            );
        }
        let is_waiting = self.waiting > FEW_WAITING * self.sum;
        is_waiting.then_some("of goroutines that wait, and not of CPU time")
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn frame(name: &str, builder: &mut ProfileBuilder) -> LocationIdx {
    if name.ends_with(KERNEL_MARK) {
        return builder.frame("[kernel]", "", 0);
    }
    let plain = MARKS.iter().find_map(|mark| name.strip_suffix(mark)).unwrap_or(name);
    // perf has the offset in the function behind its name, others the line.
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = plain.rsplit_once("+0x").filter(|(_, at)| is_hex(at)).map_or(plain, |of| of.0);
    let line = plain.rsplit_once(':').and_then(|(name, line)| Some((name, line.parse().ok()?)));
    let (name, line) = line.unwrap_or((plain, 0));
    builder.frame(name, "", line)
}
