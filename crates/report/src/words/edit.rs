//! What to change, on one line: what to look for in the code. Conditions, reasons and sizes stand in `advice.rs`.

use std::borrow::Cow;

use diagnosis::finding::{Advice, Makes, NoMakes, Relief, Twice};
use evidence::Frame;

use super::short_place;
use crate::numbers::count;

/// Longest type that stands in a call to write.
const LONGEST_TYPE: usize = 60;

/// `make(map[string]int, 224) at main.go:46`.
pub(crate) fn edit(advice: &Advice) -> Cow<'static, str> {
    match advice {
        Advice::Presize { made, n, .. } => hint(made, *n).into(),
        Advice::AssistLess { by: Relief::Presize(made) } => hint(made, None).into(),
        Advice::FinishGrowth { made, .. } => {
            format!("{}, with an n that leaves room", hint(made, None)).into()
        }
        Advice::RaiseHint { make, n, .. } => {
            format!("raise the hint at {} to {}", short_place(make), number(*n)).into()
        }
        Advice::PresizeSlices { .. } => {
            "give each slice its capacity when its key is first seen, where it is known".into()
        }
        Advice::MoveToGo { release, .. } => {
            format!("build with Go {}.{}", release.major, release.minor).into()
        }
        Advice::AssistLess { by: Relief::AllocateLess }
        | Advice::CollectLess
        | Advice::MarkingIsCheap { .. } => "allocate less, or raise GOGC".into(),
        Advice::Shard { .. } => "several maps with a lock each, if one key is used at a time".into(),
        Advice::Flatten { outer_key, inner_key, up_to_entries, .. } => format!(
            "one map with key struct {{ {outer_key}; {inner_key} }}, if inner maps hold {} entries or fewer",
            count(*up_to_entries)
        )
        .into(),
        Advice::FlattenForRandomAccess { .. } => {
            "one map with a compound key, if access is random".into()
        }
        Advice::KeysInPlace => "integers or arrays as keys in place of strings".into(),
        Advice::SmallerEntries => "smaller entries, or lookups in an order that keeps near".into(),
        Advice::ReuseGoroutines => "let goroutines live longer".into(),
        Advice::PointToElements { elem, .. } => format!("keep pointers to {elem} in the map").into(),
        Advice::ConcreteKey { .. } => "a key type that is no interface, if all keys are of one".into(),
        Advice::HashFewerBytes { .. } => "shorter keys, or integers".into(),
        Advice::BuildKeysOnce => "build keys once, or use their parts as a struct key".into(),
        Advice::NoPointers { .. } => "keys and elements without pointers".into(),
        Advice::ClearAndReuse { is_local: true } => "keep the map and clear() it between uses".into(),
        Advice::ClearAndReuse { is_local: false } => {
            "keep the map and clear() it, if it is not handed on".into()
        }
        Advice::FewerMaps { .. } => "make fewer of them: they are handed on, and cannot be cleared".into(),
        Advice::LowerHint { make, .. } => {
            format!("lower the hint at {}: the number of different keys", short_place(make)).into()
        }
        Advice::CopyToNewMap { .. } => {
            "copy what is left into a new map, if it was much larger once".into()
        }
        Advice::ClearLess { .. } => "a new map where a set is small, if it held much once".into(),
        Advice::IterateLess { .. } => "a slice or a second map in place of loops over the map".into(),
        Advice::BatchWrites { .. } => "write and sync once for many entries".into(),
        Advice::KeepNested { .. } => "nothing; where a loop stays in one inner map, hold it in a variable".into(),
        Advice::FewerOperations => "nothing at this line; only fewer operations would help".into(),
        Advice::FewerLookups { twice: None } => {
            "nothing at this line; fewer lookups would help: hold what was found in variables".into()
        }
        Advice::FewerLookups { twice: Some(twice) } => look_up_once(twice).into(),
        Advice::LookElsewhere | Advice::LookForHabit { map_type: None, .. } => {
            "nothing here: look elsewhere".into()
        }
        Advice::LookForHabit { map_type: Some(name), .. } => {
            format!("no single line: look at {name} as a whole").into()
        }
        Advice::LookAtMarking => "nothing about pauses: look at what is marked".into(),
    }
}

fn number(n: Option<u64>) -> String {
    n.map_or("n".to_owned(), |n| n.to_string())
}

/// The call to write and where, as surely as it is known.
fn hint(made: &Makes, n: Option<u64>) -> String {
    let places = |frames: &[Frame]| {
        let places: Vec<String> = frames.iter().take(2).map(short_place).collect();
        places.join(" or ")
    };
    let condition = if made.are_traced || made.makes_are_counted { "" } else { ", if made there" };
    if let (None, [_, ..], true) = (made.makes.first(), made.hinted.as_slice(), made.are_traced) {
        return format!("raise the hint at {} to {}", places(&made.hinted), number(n));
    }
    let name = made.map_type.as_deref().filter(|name| name.len() <= LONGEST_TYPE);
    let call = format!("make({}, {})", name.unwrap_or("map[K]V"), number(n));
    match (made.makes.as_slice(), made.no_makes_because) {
        ([], Some(NoMakes::NoBinary)) => format!("{call} where it is made: the binary may show it"),
        ([], _) => format!("{call} where it is made, which is not known"),
        (makes, _) => format!("{call} at {}{condition}", places(makes)),
    }
}

fn look_up_once(twice: &Twice) -> String {
    let (read, write) = (short_place(&twice.read), short_place(&twice.write));
    match read == write {
        true => format!("put the key of {read} into a variable first: one search in place of two"),
        false => {
            format!("one lookup in place of two at {read} and {write}, if they are of the same key")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(lines: &[u32], are_traced: bool) -> Makes {
        let frame =
            |&line: &u32| Frame { function: "main.fill".into(), file: "/s/main.go".into(), line };
        Makes {
            map_type: Some("map[string]int".to_owned()),
            makes: lines.iter().map(frame).collect(),
            hinted: Vec::new(),
            makes_are_counted: false,
            are_traced,
            is_inner: false,
            no_makes_because: lines.is_empty().then_some(NoMakes::NotSeen),
        }
    }

    #[test]
    fn a_hint_is_a_call_to_copy_and_its_place_as_surely_as_it_is_known() {
        let call = "make(map[string]int, 224)";
        assert_eq!(hint(&made(&[46], true), Some(224)), format!("{call} at main.go:46"));
        assert_eq!(
            hint(&made(&[46], false), Some(224)),
            format!("{call} at main.go:46, if made there")
        );
        let unknown = hint(&made(&[], false), None);
        assert_eq!(unknown, "make(map[string]int, n) where it is made, which is not known");
        let mut hinted = made(&[], true);
        hinted.hinted = made(&[9], true).makes;
        assert_eq!(hint(&hinted, Some(50)), "raise the hint at main.go:9 to 50");
        let long = Makes { map_type: Some("map[".repeat(30)), ..made(&[46], true) };
        assert_eq!(hint(&long, None), "make(map[K]V, n) at main.go:46");
    }

    #[test]
    fn every_advice_fits_one_line() {
        let twice = Twice {
            map_type: "map[string]int".to_owned(),
            elem: "int".to_owned(),
            read: made(&[7], true).makes[0].clone(),
            write: made(&[8], true).makes[0].clone(),
        };
        let text = edit(&Advice::FewerLookups { twice: Some(twice) });
        assert_eq!(
            text,
            "one lookup in place of two at main.go:7 and main.go:8, if they are of the same key"
        );
        assert!(text.len() < 90);
    }
}
