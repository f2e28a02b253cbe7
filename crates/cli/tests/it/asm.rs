//! Instructions with samples and meaning.

use crate::{binary, mapscope, report_of, sample, stdout_of};

#[test]
fn samples_of_a_function_are_its_flat_share_and_map_instructions_have_a_meaning() {
    for (name, own, meaning) in
        [("nested-1.27.3", 23_u64, "growth"), ("nested-1.21.13", 12, "load buckets pointer")]
    {
        let (binary, profile) = (binary(name), sample(&format!("{name}/cpu.pprof")));
        let listing = report_of("asm", [&binary, "runtime.mapassign_faststr", &profile]);
        let instructions = listing["instructions"].as_array().unwrap();
        assert!(instructions.iter().any(|i| i["meaning"] == meaning), "{name}: no {meaning}");
        let sum: u64 = instructions.iter().map(|i| i["cost"]["samples"].as_u64().unwrap()).sum();
        // Own samples of the machine code include those of functions inlined into it.
        assert_eq!((sum, &listing["profile"]["own"]["samples"]), (own, &own.into()), "{name}");
    }
}

#[test]
fn without_a_profile_samples_are_not_measured() {
    let binary = binary("nested-1.27.3");
    assert!(stdout_of(["asm", &binary, "main.build"]).contains("samples: not measured"));
    let listing = report_of("asm", [&binary, "main.build"]);
    assert!(listing["profile"].is_null() && listing["instructions"][0]["cost"].is_null());
}

#[test]
fn a_name_that_is_not_there_gets_suggestions() {
    let output = mapscope(["asm", &binary("nested-1.27.3"), "mapassign_faststr"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("did you mean runtime.mapassign_faststr?"), "{err}");
}
