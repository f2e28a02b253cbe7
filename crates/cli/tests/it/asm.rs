//! `mapscope asm` from the outside.

use crate::{binary, mapscope, report_of, sample, stdout_of};

#[test]
fn without_a_profile_samples_are_not_measured() {
    let binary = binary("nested-1.27.3");
    assert!(stdout_of(["asm", &binary, "main.build"]).contains("samples: not measured"));
    let listing = report_of("asm", [&binary, "main.build"]);
    assert!(listing["profile"].is_null() && listing["instructions"][0]["cost"].is_null());
}

#[test]
fn an_event_that_was_not_sampled_is_refused_with_those_that_were() {
    let perf = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let program = binary("nested-1.27.3");
    let output =
        mapscope(["asm", &program, "runtime.mapassign_faststr", &perf, "--event", "branches"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("it has samples of cpu-clock"), "{err}");
}
