//! Profiles that are small as files, and of which much more could be made in memory or time.

use std::sync::Arc;

use crate::{ASSIGN, evidence};

#[test]
fn names_are_kept_once_however_many_stacks_have_them() {
    const N: usize = 200_000;
    let stack = |line| format!("1 {ASSIGN};main.put:{line}<main.fill:{line};main.main:1\n");
    let e = evidence(&(1..=N).map(stack).collect::<String>());
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
