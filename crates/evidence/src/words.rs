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

/// "1 growth was", "2 growths were".
pub fn were(n: u64, noun: &str) -> String {
    format!("{n} {} {}", plural(n, noun), if n == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_something_is_no_plural() {
        let all = |n| ["site", "process", "entry"].map(|noun| plural(n, noun));
        assert_eq!(all(1), ["site", "process", "entry"]);
        assert_eq!(all(2), ["sites", "processes", "entries"]);
        assert_eq!([were(1, "growth"), were(0, "growth")], ["1 growth was", "0 growths were"]);
    }
}
