//! Profiles that are small as files, and of which much more could be made in memory or time.

use std::sync::Arc;

use evidence::Evidence;
use gopprof::{Line, Location, LocationIdx, ProfileBuilder};

use crate::{ASSIGN, cpu_builder, encode, evidence, evidence_of, samples};

#[test]
fn names_are_kept_once_however_many_stacks_have_them() {
    const N: usize = 200_000;
    let stack = |line| format!("1 {ASSIGN};main.put:{line}<main.fill:{line};main.main:1\n");
    // Without anything below map functions, frames would have been filtered out.
    let below = format!("1 runtime.memhash64:1;{ASSIGN};main.put:1<main.fill:1;main.main:1\n");
    let e = evidence(&(1..=N).map(stack).chain([below]).collect::<String>());
    assert_eq!(e.sites.len(), N);
    let names = e.stacks.unwrap().names;
    let known = |name: &str| names.iter().find(|known| ***known == *name).unwrap();
    let (file, callee) = (&e.sites[0].frame.file, known("runtime.mapassign_faststr"));
    for site in &e.sites {
        let ([outer], cpu) = (&site.inlined_into[..], site.cpu.as_ref().unwrap()) else { panic!() };
        for (name, known) in [
            (&site.frame.function, known("main.put")),
            (&outer.function, known("main.fill")),
            (&cpu.entry_points[0].name, callee),
            (&cpu.leaves[0].name, callee),
            (&site.frame.file, file),
            (&outer.file, file),
        ] {
            assert!(Arc::ptr_eq(name, known), "{name}");
        }
    }
}

/// A location at which `main.put` was inlined into itself a million times, around a map operation.
fn million_lines(builder: &mut ProfileBuilder) -> LocationIdx {
    let mut line_of = |function: &str| {
        let at = builder.frame(function, "file.go", 9);
        builder.profile_mut().locations[at.index()].lines[0]
    };
    let (assign, put) = (line_of("runtime.mapassign_faststr"), line_of("main.put"));
    let outer = (1..=1_000_000).map(|line| Line { line, ..put });
    let lines = std::iter::once(assign).chain(outer).collect();
    builder.location(Location { lines, ..Location::default() })
}

fn is_said(evidence: &Evidence, what: &str) -> bool {
    evidence.notices.iter().any(|notice| notice.text.contains(what))
}

/// Samples times lines would be 5,000 million frames.
#[test]
fn samples_go_through_no_more_lines_of_a_location_than_inlining_makes() {
    let mut builder = cpu_builder("");
    let put = million_lines(&mut builder);
    for line in 1..=5000 {
        let root = builder.frame("main.main", "file.go", line);
        builder.sample(&[put, root], &[1, 10_000], &[]);
    }
    let (hash, root) = (
        builder.frame("runtime.memhash64", "file.go", 1),
        builder.frame("main.main", "file.go", 1),
    );
    builder.sample(&[hash, put, root], &[1, 10_000], &[]);
    let e = evidence_of(&[encode(builder)]);
    let [site] = &e.sites[..] else { panic!("{} sites", e.sites.len()) };
    assert_eq!((&*site.frame.function, site.frame.line), ("main.put", 1));
    assert_eq!(samples(site.cpu.as_ref().unwrap().map), 5001);
    let outer: Vec<u32> = site.inlined_into.iter().map(|frame| frame.line).collect();
    assert_eq!(outer, (2..=255).chain([1_000_000]).collect::<Vec<_>>());
    assert!(is_said(&e, "a location has 1000001 lines, of which 257 are kept"), "{:?}", e.notices);
}

/// The frames of this stack would not fit in memory.
#[test]
fn a_stack_has_no_more_locations_than_profilers_take() {
    let mut builder = cpu_builder("");
    let stack = vec![million_lines(&mut builder); 1_000_000];
    builder.sample(&stack, &[1, 10_000], &[]);
    let e = evidence_of(&[encode(builder)]);
    assert_eq!(samples(e.cpu.as_ref().unwrap().total), 1);
    assert!(is_said(&e, "a sample has more than 4096 locations"), "{:?}", e.notices);
    assert!(is_said(&e, "a sample has more than 4096 frames"), "{:?}", e.notices);
}

/// Five samples of a thousand locations of 257 lines each, which are a kilobyte of gzip, would be a tree of a million nodes.
#[test]
fn locations_with_many_lines_make_no_large_call_tree() {
    let mut builder = cpu_builder("");
    let wide = million_lines(&mut builder);
    for line in 1..=5 {
        let root = builder.frame(&format!("main.main{line}"), "file.go", line);
        let mut stack = vec![wide; 1000];
        stack.extend([root, root]);
        builder.sample(&stack, &[1, 10_000], &[]);
    }
    let e = evidence_of(&[encode(builder)]);
    assert_eq!(samples(e.cpu.as_ref().unwrap().total), 5);
    assert_eq!(samples(e.sites[0].cpu.as_ref().unwrap().map), 5);
    let nodes = e.stacks.unwrap().nodes;
    assert!(nodes.len() <= 1 + 5 * 4096, "{}", nodes.len());
}
