//! A trace that is read piece by piece is read like one in memory.

use std::borrow::Cow;

use gotrace::{ErrorKind, Input, Totals, parse_trace, read_trace, scan};

use crate::{SAMPLES, sample};

/// Hands out copies, as a file does.
#[derive(Debug)]
struct Pieces<'b> {
    bytes: &'b [u8],
    /// What is behind this offset cannot be read.
    readable: u64,
}

impl Input<'static> for Pieces<'_> {
    fn n_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn bytes(&self, offset: u64, len: usize) -> Result<Cow<'static, [u8]>, ErrorKind> {
        if offset >= self.readable {
            return Err(ErrorKind::Unreadable(std::io::ErrorKind::Other));
        }
        Ok(Cow::Owned(self.bytes.bytes(offset, len)?.into_owned()))
    }
}

/// Everything that a scan says.
fn scanned<'a, I: Input<'a>>(input: I) -> String {
    let mut totals = Totals::default();
    let parsed = scan(read_trace(input).unwrap(), &mut totals);
    let scanned = parsed.value;
    let by_stack: std::collections::BTreeMap<_, _> = totals.by_stack.iter().collect();
    let frames: Vec<_> = by_stack
        .keys()
        .flat_map(|(_, stack)| scanned.symbols.frames(*stack))
        .map(|frame| format!("{}:{}", frame.func, frame.line))
        .collect();
    format!(
        "{} {:?} {:?} {by_stack:?} {frames:?} {:?}",
        scanned.n_events, scanned.start, scanned.end, parsed.faults
    )
}

#[test]
fn pieces_are_read_like_the_whole() {
    for name in SAMPLES {
        let bytes = sample(name);
        for cut in [bytes.len(), bytes.len() / 2, bytes.len() / 3, 17] {
            let bytes = &bytes[..cut];
            let pieces = Pieces { bytes, readable: u64::MAX };
            assert!(scanned(pieces) == scanned(bytes), "{name} cut to {cut}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_and_what_precedes_it_kept() {
    let bytes = sample("traces-other/go1.26.6-nested.trace");
    let whole = scan(parse_trace(&bytes).unwrap(), &mut Totals::default());
    let input = Pieces { bytes: &bytes, readable: bytes.len() as u64 / 2 };
    let half = scan(read_trace(input).unwrap(), &mut Totals::default());
    assert!((1..whole.value.n_events).contains(&half.value.n_events));
    let is_unreadable = |kind: &ErrorKind| matches!(kind, ErrorKind::Unreadable(_));
    assert!(half.faults.iter().any(|fault| is_unreadable(&fault.kind)), "{:?}", half.faults);
    let input = Pieces { bytes: &bytes, readable: 0 };
    assert!(is_unreadable(&read_trace(input).unwrap_err().kind));
}
