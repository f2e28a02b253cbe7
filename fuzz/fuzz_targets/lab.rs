//! Any text as the output of two runs: spreads are ordered and of no more runs than there were, and every claim is judged.
#![no_main]

use lab::{CATALOGUE, Figures, judge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let middle = (0..=text.len() / 2).rfind(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let mut figures = Figures::default();
    figures.add_run(&text);
    figures.add_run(&text[..middle]);
    for (name, unit, spread) in figures.iter() {
        assert!(spread.low <= spread.median && spread.median <= spread.high);
        assert!((1..=2).contains(&spread.n));
        assert_eq!(figures.spread(name, unit), Some(spread));
    }
    for experiment in CATALOGUE {
        let judgement = judge(experiment, &figures);
        assert!(judgement.predicted.iter().all(|checked| checked.n_met <= 2));
    }
});
