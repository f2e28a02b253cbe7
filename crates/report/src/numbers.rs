//! The one place where numbers become text.

use diagnosis::finding::{Amount, CpuPart, Span};
pub(crate) use evidence::words::{counted, thousands as count};
use evidence::{Bounds, Cost, CpuUnit, Figure, ProcessCpu};

/// Shown for what no input measured.
pub(crate) const NOT_MEASURED: &str = "not measured";

/// Shown where an input was given and has nothing about a line.
pub(crate) const NONE_SAMPLED: &str = "none sampled";

/// What to show for a figure that is missing.
pub(crate) fn missing(was_measured: bool) -> &'static str {
    if was_measured { NONE_SAMPLED } else { NOT_MEASURED }
}

/// "37.2 %".
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

/// "25 %".
pub(crate) fn whole_percent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

/// "37.2 % (35 of 94 samples)".
pub(crate) fn share(part: Cost, whole: Cost) -> String {
    sampled_share(part.share_of(whole), part.samples, whole.samples)
}

/// As [`share`], of what the samples stand for.
pub(crate) fn sampled_share(fraction: f64, samples: u64, of: u64) -> String {
    let (n, of) = (count(samples), counted(of, "sample"));
    format!("{} ({n} of {of})", percent(fraction))
}

/// "62.0 % (523 ms of 841 ms)".
pub(crate) fn time_share(part_ns: u64, whole_ns: u64) -> String {
    let fraction = if whole_ns == 0 { 0.0 } else { part_ns as f64 / whole_ns as f64 };
    format!("{} ({} of {})", percent(fraction), duration(part_ns), duration(whole_ns))
}

/// "54.5 KiB", with whole bytes below 1 KiB.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// "0.34 ms", "940 ms", "12.4 s".
pub(crate) fn duration(ns: u64) -> String {
    match ns {
        1..10_000_000 => format!("{:.2} ms", ns as f64 / 1e6),
        0..1_000_000_000 => format!("{} ms", count(ns / 1_000_000)),
        _ => format!("{:.1} s", ns as f64 / 1e9),
    }
}

/// "1.43".
pub(crate) fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}

/// At most two digits behind the point, none that are 0: "0.5", "120".
pub(crate) fn decimal(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A measured value to three digits: "0", "0.425", "80.9", "1,234".
pub(crate) fn figure(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.0005 if value > 0.0 => "<0.001".to_owned(),
        ..0.0005 => ">-0.001".to_owned(),
        size if size < 0.9995 => format!("{value:.3}"),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        size => format!("{sign}{}", count(size.round() as u64)),
    }
}

/// Nanoseconds in the unit that suits them: "88.3 ns", "1.20 ms", "12.4 s".
pub(crate) fn fine_duration(ns: f64) -> String {
    scaled(ns, 1000.0, &["ns", "µs", "ms", "s"])
}

/// Bytes in the unit that suits them, parts of a byte included: "0.250 B", "54.5 KiB".
pub(crate) fn fine_bytes(bytes: f64) -> String {
    scaled(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    format!("{} {}", figure(value), units[unit])
}

/// "38.2 % (1,200 of 3,141)".
fn event_share(part: u64, whole: u64) -> String {
    let fraction = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    format!("{} ({} of {})", percent(fraction), count(part), count(whole))
}

/// "about 20 (11 to 34)", "at least 20".
pub(crate) fn estimate(n: u64, range: Bounds) -> String {
    match range {
        Bounds { low, high: Some(high) } if low == n && high == n => count(n),
        Bounds { low, high: Some(high) } => {
            format!("about {} ({} to {})", count(range.round(n, n)), count(low), count(high))
        }
        Bounds { low, high: None } if low >= n => format!("at least {}", count(low)),
        Bounds { low, high: None } => {
            format!("about {} (at least {})", count(range.round(n, n)), count(low))
        }
    }
}

/// "1,843", "about 1,843", "at least 1,843".
pub(crate) fn recorded(figure: Figure, text: impl Fn(u64) -> String) -> String {
    let sign = match figure {
        Figure::Exact(_) => "",
        Figure::About(_) => "about ",
        Figure::AtLeast(_) => "at least ",
    };
    format!("{sign}{}", text(figure.number()))
}

/// A figure of a finding; empty for plain facts.
pub(crate) fn amount(amount: Amount) -> String {
    match amount {
        Amount::Share { part, whole } => share(part, whole),
        Amount::TimeShare { part_ns, whole_ns } => time_share(part_ns, whole_ns),
        Amount::EventShare { part, whole } => event_share(part, whole),
        Amount::Time(ns) => duration(ns),
        Amount::Bytes(n) => bytes(n),
        Amount::Count(n) => count(n),
        Amount::Range { low, high } => format!("{} to {}", count(low), count(high)),
        Amount::Estimate { n, range } => estimate(n, range),
        Amount::Ratio(value) => ratio(value),
        Amount::RatioRange { low, high } => format!("{} to {}", ratio(low), ratio(high)),
        Amount::Fact | Amount::NoSizes(_) => String::new(),
    }
}

/// "1,843", or "1,843 to 2,000"; what is below 0 with a minus.
pub(crate) fn span(span: Span, text: fn(u64) -> String) -> String {
    let signed = |n: i64| format!("{}{}", if n < 0 { "-" } else { "" }, text(n.unsigned_abs()));
    let (low, high) = (signed(span.low), signed(span.high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// "about 12.3 % of the CPU, between 5.0 % and 18.0 %".
pub(crate) fn cpu_part(CpuPart { low, best, high }: CpuPart) -> String {
    format!("about {} of the CPU, between {} and {}", percent(best), percent(low), percent(high))
}

/// "1.2 s in 120 samples".
pub(crate) fn cpu_time(cpu: &ProcessCpu) -> String {
    let samples = counted(cpu.total.samples, "sample");
    match cpu.unit {
        CpuUnit::Nanoseconds => format!("{} in {samples}", duration(cpu.total.cpu_ns)),
        CpuUnit::Samples => format!("{samples}; their CPU time is {NOT_MEASURED}"),
    }
}

/// A bar of `width` cells, filled in proportion.
pub(crate) fn bar(fraction: f64, width: usize) -> String {
    let filled = (fraction.clamp(0.0, 1.0) * width as f64).round() as usize;
    "█".repeat(filled) + &"·".repeat(width - filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_alike_everywhere() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1023, 1024, 55_808, 1 << 30].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "54.5 KiB", "1.0 GiB"]
        );
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
        assert_eq!([940_000_000, 12_400_000_000].map(duration), ["940 ms", "12.4 s"]);
        assert_eq!(percent(0.3716), "37.2 %");
        assert_eq!([0.0, 0.5, 1.25, 120.0].map(decimal), ["0", "0.5", "1.25", "120"]);
        assert_eq!([0, 1, 1000].map(|n| counted(n, "map")), ["0 maps", "1 map", "1,000 maps"]);
        let (part, whole) = (Cost { samples: 35, cpu_ns: 350 }, Cost { samples: 94, cpu_ns: 940 });
        assert_eq!(share(part, whole), "37.2 % (35 of 94 samples)");
        assert_eq!(
            [0.0, 1e-5, -1e-5, 0.4251, -2.5, 80.94, 99.96, 123_456.7].map(figure),
            ["0", "<0.001", ">-0.001", "0.425", "-2.50", "80.9", "100", "123,457"]
        );
        assert_eq!([88.3, 1.2e6, 3.6e12].map(fine_duration), ["88.3 ns", "1.20 ms", "3,600 s"]);
        assert_eq!([0.25, 55_808.0].map(fine_bytes), ["0.250 B", "54.5 KiB"]);
        let range = |low, high| Bounds { low, high };
        assert_eq!(estimate(1200, range(900, Some(1500))), "about 1,200 (900 to 1,500)");
        assert_eq!(estimate(20, range(11, None)), "about 20 (at least 11)");
        assert_eq!(estimate(76_736, range(1_760, None)), "about 77,000 (at least 1,760)");
        assert_eq!(
            [estimate(20, range(20, None)), estimate(5, range(5, Some(5)))],
            ["at least 20", "5"]
        );
        assert_eq!(bar(0.5, 4), "██··");
        assert_eq!(bar(f64::NAN, 2), "··");
    }
}
