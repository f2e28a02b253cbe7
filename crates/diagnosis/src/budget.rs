//! Limits on maps, kept beside the source: what a program's sites may cost.
//!
//! A limit names sites by the function or by the map type, and says what each of them may have at most. A limit that
//! cannot be checked, since a measurement or a site is missing, is never passed in silence.

use std::ops::Range;

use regex::Regex;
use serde::Deserialize;
use toml::Spanned;

use evidence::{Evidence, ProcessGrowth, Site, SiteGrowth, TypeGrowth};
use goabi::MapOp;

use crate::rules::FEW_SAMPLES;

/// The limits of a file.
#[derive(Debug)]
pub struct Budget {
    /// In the order of the file.
    pub limits: Vec<Limit>,
}

/// One `[[limit]]`.
#[derive(Debug)]
pub struct Limit {
    /// Line in the file, from 1.
    pub line: usize,
    /// Which functions, by Go's name; any if `None`.
    function: Option<Regex>,
    /// Which map types, by Go's name; any if `None`.
    map_type: Option<Regex>,
    /// What is limited, and to how much, in the order of [`Measure::ALL`].
    maxima: Vec<(Measure, f64)>,
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// CPU time in map operations of the site, in percent of the process' CPU time.
    CpuPercent,
    /// Growths in a second of recording.
    GrowsPerSecond,
    /// Write amplification of the maps that grew, in entries.
    WriteAmplification,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CpuPercent, Self::GrowsPerSecond, Self::WriteAmplification];

    /// Its key in the file.
    pub fn key(self) -> &'static str {
        match self {
            Self::CpuPercent => "max_cpu_percent",
            Self::GrowsPerSecond => "max_grows_per_second",
            Self::WriteAmplification => "max_write_amplification",
        }
    }

    fn is_of_growths(self) -> bool {
        matches!(self, Self::GrowsPerSecond | Self::WriteAmplification)
    }

    /// The figure of a site; `None` when no input measured it. Of a range, what it is at least.
    fn of(self, site: &Site, evidence: &Evidence) -> Option<f64> {
        match self {
            Self::CpuPercent => {
                let process = evidence.cpu.as_ref()?;
                Some(site.cpu.as_ref().map_or(0.0, |cpu| cpu.map.share_of(process.total) * 100.0))
            }
            Self::GrowsPerSecond => {
                let process = evidence.growth.as_ref()?;
                let seconds = process.duration_ns as f64 / 1e9;
                let grows = site.growth.as_ref().map_or(0, fewest_grows);
                (seconds > 0.0).then(|| grows as f64 / seconds)
            }
            Self::WriteAmplification => {
                evidence.growth.as_ref()?;
                site.growth.as_ref().map_or(Some(1.0), write_amplification)
            }
        }
    }
}

/// Whether maps can grow at a line: it writes to one, as far as the binary or else samples of its reads say.
fn may_grow(site: &Site) -> bool {
    let writes = |op| matches!(op, MapOp::Assign | MapOp::Sync);
    match (&site.maps, &site.cpu) {
        (Some(maps), _) if !maps.is_empty() => maps.iter().any(|map| writes(map.op)),
        (_, Some(cpu)) if cpu.by_op.get(MapOp::Read).samples >= FEW_SAMPLES => {
            MapOp::ALL.into_iter().any(|op| writes(op) && cpu.by_op.get(op).samples > 0)
        }
        _ => true,
    }
}

/// What the growths of a site are at least.
fn fewest_grows(growth: &SiteGrowth) -> u64 {
    let of_type =
        |growth: &TypeGrowth| growth.grows_range.map_or(growth.total.grows, |range| range.low);
    growth.types.iter().map(of_type).fold(0, u64::saturating_add)
}

/// The highest of the site's map types; 1 where nothing grew, `None` where sizes are not known.
fn write_amplification(growth: &SiteGrowth) -> Option<f64> {
    let of_type = |growth: &TypeGrowth| Some(growth.sizes.as_ref().ok()?.write_amplification()?.0);
    let mut known = growth.types.iter().filter(|growth| growth.total.grows > 0).map(of_type);
    known.try_fold(1.0, |highest: f64, of_type| Some(highest.max(of_type?)))
}

/// A site over a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Excess {
    /// Index into [`Evidence::sites`].
    pub site: usize,
    /// What is over.
    pub measure: Measure,
    /// What was measured.
    pub value: f64,
    /// What is allowed.
    pub limit: f64,
    /// Line of the limit.
    pub line: usize,
}

/// A limit that could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unchecked {
    /// Line of the limit.
    pub line: usize,
    /// Why.
    pub reason: Reason,
}

/// Why a limit could not be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No input measures this at the sites that the limit names.
    NotMeasured(Measure),
    /// No growth was met at a line that the limit names, and not every growth was counted.
    NotMet(Measure),
    /// No site has the function or type.
    NoSite,
}

/// What a budget says about a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// Sites over a limit, by limit.
    pub excesses: Vec<Excess>,
    /// Limits that could not be checked.
    pub unchecked: Vec<Unchecked>,
}

/// Why a file holds no budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBudget {
    #[serde(default)]
    limit: Vec<Spanned<RawLimit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimit {
    function: Option<Spanned<String>>,
    map_type: Option<Spanned<String>>,
    max_cpu_percent: Option<Spanned<f64>>,
    max_grows_per_second: Option<Spanned<f64>>,
    max_write_amplification: Option<Spanned<f64>>,
}

impl Budget {
    /// Reads the text of a budget file.
    ///
    /// # Errors
    /// What is no TOML, an unknown key, a bad regular expression or number, a limit that names or limits nothing; with its
    /// place.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let raw: RawBudget = toml::from_str(text).map_err(|error| {
            at(text, error.span().unwrap_or_default(), error.message().to_owned())
        })?;
        let limits = raw.limit.into_iter().map(|limit| Limit::read(text, limit));
        Ok(Self { limits: limits.collect::<Result<_, _>>()? })
    }

    /// Holds a program against the limits.
    pub fn check(&self, evidence: &Evidence) -> Outcome {
        let mut outcome = Outcome::default();
        for limit in &self.limits {
            limit.check(evidence, &mut outcome);
        }
        outcome
    }
}

impl Limit {
    fn read(text: &str, raw: Spanned<RawLimit>) -> Result<Self, ParseError> {
        let span = raw.span();
        let line = at(text, span.clone(), String::new()).line;
        let raw = raw.into_inner();
        let regex = |pattern: Option<Spanned<String>>| {
            let Some(pattern) = pattern else { return Ok(None) };
            let error = |error: regex::Error| {
                let message = error.to_string().lines().last().unwrap_or_default().to_owned();
                at(text, pattern.span(), message)
            };
            Regex::new(pattern.get_ref()).map(Some).map_err(error)
        };
        let numbers = [raw.max_cpu_percent, raw.max_grows_per_second, raw.max_write_amplification];
        let mut maxima = Vec::new();
        for (measure, number) in Measure::ALL.into_iter().zip(numbers) {
            let Some(number) = number else { continue };
            if !(number.get_ref().is_finite() && *number.get_ref() >= 0.0) {
                return Err(at(text, number.span(), "a limit is a number from 0 on".to_owned()));
            }
            maxima.push((measure, number.into_inner()));
        }
        let (function, map_type) = (regex(raw.function)?, regex(raw.map_type)?);
        if function.is_none() && map_type.is_none() {
            return Err(at(
                text,
                span,
                "say with `function` or `map_type` what is limited".to_owned(),
            ));
        }
        if maxima.is_empty() {
            let keys = Measure::ALL.map(Measure::key).join(", ");
            return Err(at(text, span, format!("the limit has no number: {keys}")));
        }
        Ok(Self { line, function, map_type, maxima })
    }

    fn check(&self, evidence: &Evidence, outcome: &mut Outcome) {
        let sites = || evidence.sites.iter().enumerate().filter(|(_, site)| self.names(site));
        if sites().next().is_none() {
            outcome.unchecked.push(Unchecked { line: self.line, reason: Reason::NoSite });
            return;
        }
        for &(measure, limit) in &self.maxima {
            let mut unchecked = None;
            for (index, site) in sites() {
                match measure.of(site, evidence) {
                    Some(value) if value > limit => {
                        let line = self.line;
                        outcome.excesses.push(Excess { site: index, measure, value, limit, line });
                    }
                    Some(_) if measure.is_of_growths() && self.is_not_met(site, evidence) => {
                        unchecked = unchecked.or(Some(Reason::NotMet(measure)));
                    }
                    Some(_) => {}
                    None => unchecked = Some(Reason::NotMeasured(measure)),
                }
            }
            if let Some(reason) = unchecked {
                outcome.unchecked.push(Unchecked { line: self.line, reason });
            }
        }
    }

    /// Whether that no growth is known at a line, of the type that the limit names, does not mean that there was none.
    fn is_not_met(&self, site: &Site, evidence: &Evidence) -> bool {
        let is_named = |growth: &&TypeGrowth| {
            self.map_type.as_ref().is_none_or(|pattern| pattern.is_match(&growth.map_type))
        };
        let mut named = site.growth.iter().flat_map(|growth| &growth.types).filter(is_named);
        let has_all = evidence.growth.as_ref().is_some_and(ProcessGrowth::has_every_growth);
        !has_all && may_grow(site) && !named.any(|growth| growth.total.grows > 0)
    }

    fn names(&self, site: &Site) -> bool {
        let is_type = |pattern: &Regex| {
            let by_binary = site.known_types();
            let by_recording = site.growth.iter().flat_map(|growth| &growth.types);
            by_binary.into_iter().any(|map_type| pattern.is_match(&map_type.name))
                || by_recording.into_iter().any(|growth| pattern.is_match(&growth.map_type))
        };
        self.function.as_ref().is_none_or(|pattern| pattern.is_match(&site.frame.function))
            && self.map_type.as_ref().is_none_or(is_type)
    }
}

fn at(text: &str, span: Range<usize>, message: String) -> ParseError {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.matches('\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    ParseError { line, column, message }
}

#[cfg(test)]
mod tests;
