//! Values of comments and labels, each with its one form as text.

use std::fmt;

use goabi::{GoVersion, MapImpl};
use gomap::GrowKind;

/// Stands for a value that is not known.
pub(crate) const UNKNOWN: &str = "unknown";
/// Items of a list that are kept; more are none.
const MAX_ITEMS: usize = 64;
/// Digits after the point that are kept.
const MAX_DIGITS: usize = 9;

/// What a comment can say.
pub(crate) trait Value: Sized {
    fn text(&self) -> String;

    /// `None` when the text is no such value.
    fn parse(text: &str) -> Option<Self>;
}

/// A value that is one of a few, each with a name.
pub(crate) trait Named: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.name() == name)
    }
}

/// Why a recording ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ending {
    /// The time asked for was over.
    #[default]
    Duration,
    /// The program ended.
    Exit,
    /// A signal asked for it.
    Signal,
    /// Counts could not be read any more: this is what was counted until then.
    Failure,
    /// It has not: this is what was counted since the last recording.
    Rotation,
}

impl Named for Ending {
    const ALL: &'static [Self] =
        &[Self::Duration, Self::Exit, Self::Signal, Self::Failure, Self::Rotation];

    fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Exit => "exit",
            Self::Signal => "signal",
            Self::Failure => "failure",
            Self::Rotation => "rotation",
        }
    }
}

/// How probes were attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// One link for all of them.
    UprobeMulti,
    /// One link for each.
    Perf,
}

impl Named for LinkKind {
    const ALL: &'static [Self] = &[Self::UprobeMulti, Self::Perf];

    fn name(self) -> &'static str {
        match self {
            Self::UprobeMulti => "uprobe_multi",
            Self::Perf => "perf",
        }
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Named for MapImpl {
    const ALL: &'static [Self] = &[Self::Classic, Self::Swiss];

    fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Swiss => "swiss",
        }
    }
}

impl Named for GrowKind {
    const ALL: &'static [Self] = &GrowKind::ALL;

    fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::SameSize => "same-size",
            Self::SmallToTable => "small-to-table",
            Self::Table => "table",
            Self::Split => "split",
        }
    }
}

/// A number with a fraction. It is written with `DIGITS` digits after the point; one that was read keeps those it had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixed<const DIGITS: u8> {
    value: f64,
    digits: u8,
}

impl<const DIGITS: u8> Fixed<DIGITS> {
    /// A number to write.
    pub fn new(value: f64) -> Self {
        Self { value, digits: DIGITS }
    }

    /// The number. Shape: finite when it was read.
    pub fn value(self) -> f64 {
        self.value
    }

    /// Of a number of seconds: nanoseconds, 0 where it is negative.
    pub fn seconds_as_ns(self) -> u64 {
        (self.value.max(0.0) * 1e9) as u64
    }
}

impl<const DIGITS: u8> fmt::Display for Fixed<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.*}", usize::from(self.digits), self.value)
    }
}

impl<const DIGITS: u8> Value for Fixed<DIGITS> {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        let value = text.parse().ok().filter(|value: &f64| value.is_finite())?;
        let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        Some(Self { value, digits: digits.min(MAX_DIGITS) as u8 })
    }
}

impl<T: Named> Value for T {
    fn text(&self) -> String {
        self.name().to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::named(text)
    }
}

impl Value for u64 {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Value for bool {
    fn text(&self) -> String {
        u8::from(*self).to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }
    }
}

impl Value for String {
    fn text(&self) -> String {
        self.clone()
    }

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Value for GoVersion {
    fn text(&self) -> String {
        self.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// A value that is said, but may be said not to be known: what cannot be read is that too.
impl<T: Value> Value for Option<T> {
    fn text(&self) -> String {
        self.as_ref().map_or_else(|| UNKNOWN.to_owned(), T::text)
    }

    fn parse(text: &str) -> Option<Self> {
        Some(T::parse(text))
    }
}

/// A list ends before what is no such value.
impl<T: Value> Value for Vec<T> {
    fn text(&self) -> String {
        self.iter().map(T::text).collect::<Vec<_>>().join(",")
    }

    fn parse(text: &str) -> Option<Self> {
        Some(text.split(',').map_while(|item| T::parse(item.trim())).take(MAX_ITEMS).collect())
    }
}
