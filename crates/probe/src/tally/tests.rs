//! Counts of several processes become one.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::record_layout::MAX_FRAMES;

fn stack(frames: &[u64]) -> Stack {
    let mut all = [0; MAX_FRAMES as usize];
    all[..frames.len()].copy_from_slice(frames);
    Stack { n_frames: frames.len() as u64, frames: all }
}

fn grow(process: u32, stack: u64, n: u64) -> (GrowKey, GrowValue) {
    let (map_type, kind, log2_capacity, precision, epoch) = (0, 2, 4, 0, 0);
    let key = GrowKey { map_type, stack, process, kind, log2_capacity, precision, epoch };
    (key, GrowValue { n, entries: n * 14 })
}

/// A Go executable of the samples.
fn executable() -> Vec<u8> {
    let packed = xtask::testdata("samples/bin/nested-1.27.3.xz");
    std::fs::read(xtask::unpack_xz(&packed).unwrap()).unwrap()
}

#[test]
fn processes_at_other_addresses_add_up() {
    let bytes = executable();
    let binary = Binary::parse(&bytes).unwrap().value;
    let text = binary.functions().text().start.0;
    let bias = 0x5550_0000_0000;
    let (mut tally, mut memory) = (Tally::default(), Memory::default());
    memory.add_processes(&HashMap::from([(ProcessKey(1), 0), (ProcessKey(2), bias)]));
    let outside = 0x7fff_1234_5678;
    memory.add_stacks(vec![
        (10, stack(&[text + 1, text + 9])),
        (20, stack(&[text + 1 + bias, text + 9 + bias])),
        (30, stack(&[text + 1 + bias, outside])),
        (31, stack(&[text + 1 + bias, outside + 0x1000])),
    ]);
    let grows = vec![grow(1, 10, 3), grow(2, 20, 4), grow(2, 30, 1), grow(2, 31, 1)];
    let samples = vec![
        (SampleKey { stack: 10, process: 1, epoch: 3 }, 2),
        (SampleKey { stack: 20, process: 2, epoch: 4 }, 5),
        (SampleKey { stack: 0, process: 2, epoch: 4 }, 1),
    ];
    let mut folding = Folding::new(&mut tally, &mut memory, &binary);
    folding.add_grows(&grows);
    folding.add_samples(&samples);
    let mut sums: Vec<_> = tally.events.values().map(|c| (c.seen.n, c.seen.entries)).collect();
    sums.sort_by(|a, b| b.partial_cmp(a).unwrap());
    assert_eq!(sums, [(7.0, 98.0), (2.0, 28.0)], "where C code stands differs in each process");
    let mut samples: Vec<_> = tally.samples.values().copied().collect();
    samples.sort_unstable();
    assert_eq!(samples, [1, 7]);
    let stacks = tally.stacks.values();
    assert!(stacks.values().any(|frames| frames[..] == [text + 1, text + 9]));
}

#[test]
fn events_of_windows_are_kept_by_group_and_weighed_at_the_end() {
    let bytes = executable();
    let binary = Binary::parse(&bytes).unwrap().value;
    let (mut tally, mut memory) = (Tally::default(), Memory::default());
    let mut folding = Folding::new(&mut tally, &mut memory, &binary);
    for (group, aimed) in [(3, 10.0), (3, 20.0), (4, 10.0)] {
        let weight = Weight { aimed, held_up: aimed };
        folding.add_window(&OfWindow { group, weight, grows: vec![grow(1, 0, 2)] });
    }
    let scale = Scale { factor: 2.0, held_up: 0.5 };
    let mut sums: Vec<_> =
        tally.events.iter().map(|(key, counted)| (key.group, counted.estimate(scale).n)).collect();
    sums.sort_by_key(|(group, _)| *group);
    assert_eq!(sums, [(3, 4.0 + 2.0 * 90.0), (4, 2.0 + 2.0 * 30.0)]);
}

#[test]
fn what_has_ended_is_forgotten() {
    let mut memory = Memory::default();
    memory.add_processes(&HashMap::from([(ProcessKey(1), 0), (ProcessKey(2), 0)]));
    memory.add_stacks(vec![(10, stack(&[1])), (20, stack(&[2]))]);
    memory.forget(&HashSet::from([ProcessKey(1)]), &HashSet::from([20]));
    assert_eq!(memory.biases.keys().copied().collect::<Vec<_>>(), [ProcessKey(2)]);
    assert_eq!(memory.stacks.keys().copied().collect::<Vec<_>>(), [20]);
}

/// A program that grows maps of ever new types, as it says, in the memory of this process.
#[test]
fn no_more_types_are_kept_than_there_is_room_for() {
    let bytes = executable();
    let binary = Binary::parse(&bytes).unwrap().value;
    let own = ProcessKey(std::process::id());
    let running = HashMap::from([(own, 0)]);
    let program = own.pid().executable().unwrap();
    let mut memory = Memory::default();
    memory.look(&(0..1000).map(|addr| (own, addr)).collect(), &running, &program, &binary);
    assert_eq!(memory.looked_at.len(), MAX_READ);
    memory.forget(&HashSet::new(), &HashSet::new());
    assert_eq!(memory.looked_at.len(), MAX_READ);
    memory.looked_at = (0..MAX_KEPT as u64).map(|addr| (own, addr)).collect();
    assert!(memory.has_looked_at(&(own, u64::MAX)));
    memory.forget(&HashSet::new(), &HashSet::new());
    assert!((memory.types.len(), memory.looked_at.len()) == (0, 0));
}

#[test]
fn stacks_beyond_the_room_for_them_are_counted_and_not_kept() {
    let bytes = executable();
    let binary = Binary::parse(&bytes).unwrap().value;
    let text = binary.functions().text().start.0;
    let (mut tally, mut memory) = (Tally::default(), Memory::default());
    memory.add_stacks((1..=100).map(|key| (key, stack(&[text + key, text]))).collect());
    tally.stacks.room = 1000;
    let grows: Vec<_> = (1..=100).map(|key| grow(1, key, 2)).collect();
    let samples: Vec<_> =
        (1..=100).map(|stack| (SampleKey { stack, process: 1, epoch: 3 }, 3)).collect();
    let mut folding = Folding::new(&mut tally, &mut memory, &binary);
    folding.add_grows(&grows);
    folding.add_samples(&samples);
    let n_kept = tally.stacks.values().len() as u64;
    assert!((10..100).contains(&n_kept), "{n_kept} stacks");
    assert_eq!(tally.n_without_room, (100 - n_kept) * (2 + 3));
    assert_eq!(tally.events.values().map(|counted| counted.seen.n).sum::<f64>(), 200.0);
    assert_eq!(tally.samples.values().sum::<u64>(), 300);
}

#[test]
fn only_memory_of_the_process_that_was_counted_is_read() {
    let own = ProcessKey(std::process::id());
    let program = own.pid().executable().unwrap();
    let mut memory = Memory::default();
    assert!(memory.open_memory(own, &program).is_some());
    let StartTime(start) = memory.starts[&own];
    memory.starts.insert(own, StartTime(start - 1));
    assert!(memory.open_memory(own, &program).is_none(), "one that had its number before");
    memory.forget(&HashSet::from([own]), &HashSet::new());
    let other = Executable::at(std::path::Path::new("/bin/sh")).unwrap();
    assert!(memory.open_memory(own, &other).is_none(), "it runs another program");
}

#[test]
fn memory_that_is_locked_is_not_asked_for_again() {
    let own = ProcessKey(std::process::id());
    let program = own.pid().executable().unwrap();
    let mut memory = Memory::default();
    memory.locked.insert(own);
    assert!(memory.open_memory(own, &program).is_none());
    memory.locked = HashSet::from([ProcessKey(1)]);
    assert!(memory.open_memory(own, &program).is_some());
    memory.locked.extend((2..=MAX_LOCKED as u32).map(ProcessKey));
    assert!(memory.open_memory(own, &program).is_none(), "too many are");
}
