//! Files that engineers have beside profiles, named so that the message helps.

use evidence::printable;

/// What begins like this, and what to do about it.
const KNOWN: [(&[u8], &str); 27] = [
    (b"<!", WEB_PAGE),
    (b"<html", WEB_PAGE),
    (b"MZ", NOT_ELF),
    (b"\xcf\xfa\xed\xfe", NOT_ELF),
    (b"\xca\xfe\xba\xbe", NOT_ELF),
    (b"PK\x03\x04", "this is an archive; unpack it first: unzip"),
    (b"\xfd7zXZ", "this is compressed by xz; unpack it first: xz -d"),
    (b"BZh", "this is compressed by bzip2; unpack it first: bunzip2"),
    (b"\x28\xb5\x2f\xfd", "this is compressed by zstd; unpack it first: zstd -d"),
    (b"FLR\0", "this is a recording of Java's Flight Recorder; of Go programs there is none"),
    (b"goroutine profile: ", TEXT_PROFILE),
    (b"goroutine ", "this is a list of goroutines (debug=2), which says nothing of maps"),
    (
        b"GO PREPROFILE",
        "this is what `go tool preprofile` makes for the compiler; give the profile that it was made of",
    ),
    (b"File: ", PRINTED),
    (b"Type: ", PRINTED),
    (b"digraph ", PRINTED),
    (b"positions: ", PRINTED),
    (
        b"{\"$schema\":\"https://www.speedscope",
        "this is a file of speedscope; give the profile that it was made of",
    ),
    (b"{\"nodes\":", "this is a CPU profile of V8 (JavaScript)"),
    (b"heap profile: ", TEXT_PROFILE),
    (b"--- ", TEXT_PROFILE),
    (b"\0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0", GPERFTOOLS),
    (b"\0\0\0\0\x03\0\0\0\0\0\0\0", GPERFTOOLS),
    (b"PeriodType: ", "this is what `pprof -raw` prints; give the profile that it was made of"),
    (b"SQLite format", "this is a database"),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
];

const WEB_PAGE: &str = "this is a web page; is the URL that of a pprof endpoint?";
const NOT_ELF: &str = "this executable is not ELF: only Linux executables can be read";
const PRINTED: &str = "this is what `go tool pprof` prints; give the profile that it was made of";
/// Words of 8 or 4 bytes: 0, 3, the version. Source: docs/cpuprofile-fileformat.html of gperftools.
const GPERFTOOLS: &str = "this is a CPU profile as gperftools writes it, and Go did up to 1.8; convert it: `go tool pprof -proto`";
const TEXT_PROFILE: &str = "this is a profile in text form; fetch it without `debug=1`";

const UTF_16: &str = "this is text in UTF-16, not a profile";
/// Where archives of tar have their mark, and that.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// Characters of a text that are shown.
const SHOWN_TEXT: usize = 40;

/// What a file is that begins with this and is none that can be read; `None` where it may be one.
pub(crate) fn name(head: &[u8]) -> Option<String> {
    if head.is_empty() {
        return Some("the file is empty".to_owned());
    }
    if is_tar(head) {
        return Some("this is an archive of files; unpack it first: tar xf".to_owned());
    }
    if let Some((_, what)) = KNOWN.iter().find(|(begin, _)| head.starts_with(begin)) {
        return Some((*what).to_owned());
    }
    let line = first_line(head)?;
    if line.contains(" profile: total ") {
        return Some(TEXT_PROFILE.to_owned());
    }
    let shown: String = printable(line.trim()).chars().take(SHOWN_TEXT).collect();
    Some(format!("this is text, not a profile: {shown:?}"))
}

/// What a file is that is compressed by gzip and begins with this when it is inflated.
pub(crate) fn name_packed(inflated: &[u8]) -> Option<String> {
    let unpack = "which is compressed; unpack it first: gunzip";
    match inflated {
        [] => None,
        _ if is_tar(inflated) => {
            Some("this is an archive of files; unpack it first: tar xzf".to_owned())
        }
        _ if inflated.starts_with(b"\x1f\x8b") => {
            Some("this is compressed twice; unpack it once: gunzip".to_owned())
        }
        _ if inflated.starts_with(b"PERFILE2") => {
            Some(format!("this is a perf.data file, {unpack}"))
        }
        _ if inflated.starts_with(b"\x7fELF") => Some(format!("this is an executable, {unpack}")),
        _ => name(inflated).map(|what| format!("{what} (compressed)")),
    }
}

fn is_tar(head: &[u8]) -> bool {
    let (at, mark) = TAR;
    head.get(at..).is_some_and(|rest| rest.starts_with(mark))
}

/// The first line with something in it, if all of it is text.
pub(crate) fn first_line(head: &[u8]) -> Option<&str> {
    Some(text(head)?.lines().find(|line| !line.trim().is_empty()).unwrap_or_default())
}

/// All of it, if it is text.
pub(crate) fn text(head: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_text = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().all(is_text).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_named() {
        let cases: [(&[u8], &str); 16] = [
            (b"", "empty"),
            (b"404 page not found\n", "\"404 page not found\""),
            (b"\n  MIT License\n\nCopyright", "\"MIT License\""),
            (b"FLR\0\0\x02", "Flight Recorder"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd -d"),
            (b"<!doctype html>", "web page"),
            (b"\xff\xfeh\0i\0", "UTF-16"),
            (b"heap profile: 1: 2 [3: 4]", "debug=1"),
            (b"goroutine 1 [running]:\nmain.main()", "debug=2"),
            (b"GO PREPROFILE V1\n", "go tool preprofile"),
            (b"File: shop\nType: cpu\n", "`go tool pprof` prints"),
            (b"\xfd7zXZ\0", "xz -d"),
            (b"threadcreate profile: total 7\n1 @ 0x1", "debug=1"),
            (b"PeriodType: cpu nanoseconds\n", "`pprof -raw` prints"),
            (b"\0\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0", "gperftools"),
            ("a\u{202e}b".as_bytes(), "a\u{fffd}b"),
        ];
        for (head, what) in cases {
            let said = name(head).expect("it is named");
            assert!(said.contains(what), "{what}: {said}");
        }
    }

    /// A profile that is not compressed begins with a newline, and the length of a message.
    #[test]
    fn what_may_be_a_profile_is_none() {
        assert_eq!(name(b"\n\x04\x08\x01\x10\x02"), None);
        // A sample type without fields, and one more.
        assert_eq!(name(b"\x0a\0\x0a\x04\x08\x01\x10\x02"), None);
        assert_eq!(name(b"\x1f\x8b\x08\0"), None);
    }

    #[test]
    fn a_character_cut_at_the_end_is_text_still() {
        assert!(name(&"license ©".as_bytes()[..9]).is_some_and(|said| said.contains("license")));
    }
}
