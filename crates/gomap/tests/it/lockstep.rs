//! The simulation follows a real map operation by operation, given the hashes of its keys.

use std::iter::Peekable;

use gomap::GrowKind;
use gomap_oracle::{Op, Simulation, State};

use crate::fixture::{Fixture, Line, all};

/// FNV-1a over 64-bit numbers, as in `lockstep.go`.
#[derive(Default)]
pub(crate) struct Digest(pub(crate) u64);

impl Digest {
    pub(crate) fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x100_0000_01b3);
    }

    fn add_state(&mut self, live: u64, state: &State) {
        self.add(live);
        match state {
            State::Classic { b, n_overflow, n_evacuated } => {
                self.add(u64::from(*b));
                self.add(*n_overflow);
                n_evacuated.iter().for_each(|&n| self.add(n));
            }
            State::Swiss { global_depth, tables } => {
                global_depth.iter().for_each(|&depth| self.add(u64::from(depth)));
                for table in tables {
                    self.add(table.used);
                    self.add(table.slots);
                    self.add(table.growth_left);
                    self.add(u64::from(table.local_depth));
                }
            }
        }
    }
}

/// The generator of `lockstep.go`.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[derive(Clone, Copy)]
enum Step {
    Set(u64),
    Delete(u64),
    Clear,
}

fn steps(what: &str, n_keys: u64) -> Vec<Step> {
    match what {
        "window" => window(n_keys),
        "churn" => churn(n_keys),
        "small" => small(n_keys),
        _ => panic!("{what}"),
    }
}

fn window(n_keys: u64) -> Vec<Step> {
    let delete = |i: u64| i.checked_sub(45).map(|i| Step::Delete(i % n_keys));
    (0..2 * n_keys).flat_map(|i| [Some(Step::Set(i % n_keys)), delete(i)]).flatten().collect()
}

fn churn(n_keys: u64) -> Vec<Step> {
    let mut random = Random(n_keys);
    let step = |i: u64| {
        let is_deletion = random.below(10) < 3 + i / 1000 % 2 * 4;
        let key = random.below(n_keys);
        if is_deletion { Step::Delete(key) } else { Step::Set(key) }
    };
    (0..6000).map(step).collect()
}

fn small(n_keys: u64) -> Vec<Step> {
    let mut random = Random(n_keys);
    let step = |_| match random.below(100) {
        0 => Step::Clear,
        1..40 => Step::Delete(random.below(n_keys)),
        _ => Step::Set(random.below(n_keys)),
    };
    (0..300).map(step).collect()
}

fn hashes(line: &Line<'_>) -> Vec<u64> {
    let digits = line.rest[0].as_bytes().chunks(16);
    digits
        .map(|hash| u64::from_str_radix(std::str::from_utf8(hash).unwrap(), 16).unwrap())
        .collect()
}

/// The lines of one map: `begin`, `hashes` at first and whenever it was emptied, `end`.
fn follow<'f>(fixture: &Fixture, lines: &mut Peekable<impl Iterator<Item = Line<'f>>>) {
    let begin = lines.next().unwrap();
    let (what, n_keys, hint) = (begin.rest[0], begin.number(1), begin.number(2));
    let mut simulation = Simulation::new(fixture.shape(begin.map), hint, 0).unwrap();
    let mut keys = hashes(&lines.next().unwrap());
    let mut digest = Digest::default();
    for step in steps(what, n_keys) {
        let live = simulation.outcome().live;
        match step {
            Step::Set(key) => simulation.set_hash(keys[key as usize]),
            Step::Delete(key) => simulation.delete_hash(keys[key as usize]),
            Step::Clear => simulation.apply(Op::Clear),
        }
        digest.add_state(simulation.outcome().live, &simulation.state());
        let is_emptied = live > 0 && simulation.outcome().live == 0;
        if is_emptied && let Some(line) = lines.next_if(|line| line.what == "hashes") {
            keys = hashes(&line);
        }
    }
    let end = lines.next().unwrap();
    let counted = simulation.outcome();
    let of = |kind| counted.grows[kind];
    let simulated = [
        digest.0,
        of(GrowKind::Double),
        of(GrowKind::SameSize),
        of(GrowKind::SmallToTable),
        of(GrowKind::Table),
        of(GrowKind::Split),
        counted.moved,
        counted.allocated_bytes,
        counted.allocations,
        counted.slots,
    ];
    let printed: Vec<u64> = (0..simulated.len()).map(|index| end.number(index)).collect();
    assert_eq!(printed, simulated, "{} {}, after {}", fixture.version, end.text, begin.text);
}

pub(crate) fn follow_all(fixture: &Fixture) {
    let is_wanted = |line: &Line<'_>| ["begin", "hashes", "end"].contains(&line.what);
    let mut lines = fixture.lines().filter(is_wanted).peekable();
    while lines.peek().is_some() {
        follow(fixture, &mut lines);
    }
}

#[test]
fn every_state_and_every_byte_is_that_of_the_real_map() {
    all().iter().for_each(follow_all);
}
