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
/// Programs that the stacks of a text are of at most, by their roots.
const MAX_PROGRAMS: usize = 64;

/// Counts of stacks as profiles, and how much of the text is none.
#[derive(Debug)]
pub(crate) struct Folded {
    /// By program, where the root of each stack is the name of one: perf's is. Shape: one at least.
    pub(crate) profiles: Vec<(Option<String>, Profile)>,
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
    let roots = roots(text);
    let new = || {
        let mut builder = ProfileBuilder::default();
        let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
        builder.profile_mut().sample_types.push(samples);
        builder
    };
    let mut builders: Vec<ProfileBuilder> = (0..roots.len().max(1)).map(|_| new()).collect();
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
                let at = roots.iter().position(|of| of == root(frames)).unwrap_or(0);
                let Some(builder) = builders.get_mut(at) else { continue };
                let frames = frames.rsplit(';').filter(|name| !name.is_empty());
                stack.extend(frames.take(MAX_FRAMES + 1).map(|name| frame(name, builder)));
                n_cut += u64::from(stack.len() > MAX_FRAMES);
                stack.truncate(MAX_FRAMES);
                builder.sample(&stack, &[count], &[]);
            }
            None => n_other += u64::from(!line.is_empty()),
        }
    }
    let n_more = lines.filter(|line| !line.is_empty()).count() as u64;
    // One program may have any root.
    let names = if roots.len() > 1 { roots.into_iter().map(Some).collect() } else { vec![None] };
    let profiles = builders.into_iter().map(ProfileBuilder::finish);
    let profiles = names.into_iter().zip(profiles).collect();
    Folded { profiles, not_cpu: counts.not_cpu(), n_other, n_more, n_cut }
}

fn root(frames: &str) -> &str {
    frames.split(';').find(|name| !name.is_empty()).unwrap_or_default()
}

/// The roots of all stacks, each once, where they are names of programs and not of functions; else none.
fn roots(text: &[u8]) -> Vec<String> {
    let mut roots: Vec<String> = Vec::new();
    for line in text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).take(MAX_LINES) {
        let line = String::from_utf8_lossy(line);
        let Some((frames, _)) = split(&line) else { continue };
        let root = root(frames);
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
        let is_program = !root.is_empty() && root.bytes().all(is_word);
        if !is_program || roots.len() == MAX_PROGRAMS {
            return Vec::new();
        }
        if !roots.iter().any(|of| of == root) {
            roots.push(root.to_owned());
        }
    }
    roots
}

/// What all counts together tell of what they are.
#[derive(Debug, Default)]
struct Counts {
    n: u64,
    divisor: u64,
    /// Stacks that end in a number: there are two counts in a line.
    n_double: u64,
}

impl Counts {
    fn add(&mut self, frames: &str, count: u64) {
        self.n += 1;
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
        None
    }
}

/// Of 0 and a number, that.
pub(crate) fn gcd(mut a: u64, mut b: u64) -> u64 {
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
