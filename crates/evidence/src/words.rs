//! Numbers of things in words, for the sentences in notices, summaries and reports.

const VOWELS: [char; 5] = ['a', 'e', 'i', 'o', 'u'];

/// The noun as it stands after a number: "sample", "samples", "processes", "copies".
pub fn plural(n: u64, noun: &str) -> String {
    match noun {
        _ if n == 1 => noun.to_owned(),
        _ if noun.ends_with('s') => format!("{noun}es"),
        _ => match noun.strip_suffix('y').filter(|stem| !stem.ends_with(VOWELS)) {
            Some(stem) => format!("{stem}ies"),
            None => format!("{noun}s"),
        },
    }
}

/// "1,843".
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 growth", "1,843 growths".
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {}", thousands(n), plural(n, noun))
}

/// The last part of a path.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// "1 growth was", "2 growths were".
pub fn were(n: u64, noun: &str) -> String {
    format!("{n} {} {}", plural(n, noun), if n == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        assert_eq!(
            [0, 999, 1000, 27_510, 1_234_567].map(thousands),
            ["0", "999", "1,000", "27,510", "1,234,567"]
        );
        assert_eq!([counted(1, "growth"), counted(1843, "growth")], ["1 growth", "1,843 growths"]);
    }

    #[test]
    fn one_of_something_is_no_plural() {
        let all = |n| ["site", "process", "entry"].map(|noun| plural(n, noun));
        assert_eq!(all(1), ["site", "process", "entry"]);
        assert_eq!(all(2), ["sites", "processes", "entries"]);
        assert_eq!([were(1, "growth"), were(0, "growth")], ["1 growth was", "0 growths were"]);
    }
}
