//! Live recorder of Go map growth: attaches eBPF probes to an unmodified, running Go program.
//!
//! 1. [`Target`] says what to record; its executable tells, through `gobin`, where the growth functions are, inlined
//!    copies included (`points`).
//! 2. The kernel side (`bpf/recorder.bpf.c`) counts growths per map type, stack and capacity, and CPU samples per
//!    stack (`kernel`). `bpf/record.h` is the layout both sides share.
//! 3. A `governor` keeps the cost within a budget: exact counts while they fit, then fewer stacks, then windows.
//! 4. At the end the counts become a recording (`profile`), a pprof profile whose form is the crate `recording`'s.
//!
//! Probes stand after the stack check of a function, never on its first instruction, and never on its return: the
//! program is not changed. This is the only crate that needs privileges. `cfg(live)`, set by the build script, is Linux
//! on x86-64 or arm64; elsewhere the crate says so and does nothing.

mod error;
mod options;
mod outcome;
mod requirement;

#[cfg(live)]
mod beat;
mod bpf;
#[cfg(live)]
mod calibrate;
#[cfg(live)]
mod capabilities;
#[cfg(live)]
mod check;
#[cfg(live)]
mod clocks;
#[cfg(live)]
mod code;
#[cfg(live)]
mod governor;
#[cfg(live)]
mod kernel;
#[cfg(live)]
mod multi;
#[cfg(not(live))]
mod no_recorder;
#[cfg(live)]
mod others;
#[cfg(live)]
mod points;
#[cfg(live)]
mod process;
#[cfg(live)]
mod profile;
#[cfg(live)]
mod program;
#[cfg(live)]
mod reach;
#[cfg(live)]
mod recorder;
#[cfg(live)]
mod refusal;
#[cfg(all(test, live))]
mod simulation;
#[cfg(live)]
mod system;
#[cfg(live)]
mod tally;
#[cfg(live)]
mod target;
#[cfg(live)]
mod typenames;
#[cfg(live)]
mod windows;

pub use error::Error;
#[cfg(not(live))]
pub use no_recorder::Recorder;
pub use options::{Links, Options, Target};
pub use outcome::{Attached, Recording, Status};
#[cfg(live)]
pub use recorder::Recorder;
pub use recording::Ending;
pub use requirement::{Requirement, State};

/// What this machine allows, and what to do about each gap; with the processes that are to be recorded.
#[cfg(live)]
pub fn check(pids: &[u32]) -> Vec<Requirement> {
    check::requirements(pids)
}

/// What this machine lacks.
#[cfg(not(live))]
pub fn check(_: &[u32]) -> Vec<Requirement> {
    vec![Requirement {
        what: "Linux on x86-64 or arm64".to_owned(),
        state: State::Missing {
            advice: "record on such a machine; recordings can be diagnosed anywhere".to_owned(),
        },
    }]
}

/// Gives up every capability of this thread, for good: of one that was started before the rights of the others are.
///
/// # Errors
/// When the kernel does not let us.
#[cfg(live)]
pub fn give_up_rights() -> Result<(), Error> {
    capabilities::give_up_all()
}

/// There is nothing that it takes them for.
///
/// # Errors
/// Never.
#[cfg(not(live))]
pub fn give_up_rights() -> Result<(), Error> {
    Ok(())
}

/// The records that the kernel side writes. Made from `bpf/record.h` by the build script.
#[cfg(live)]
#[allow(dead_code)]
mod record_layout {
    include!(concat!(env!("OUT_DIR"), "/record.rs"));

    #[allow(unsafe_code)]
    mod pod {
        use super::{Control, Counters, GrowKey, GrowValue, Point, SampleKey, Stack, ThreadCount};

        // SAFETY: made of integers without padding, so any bytes are a value (record.h spells padding out).
        unsafe impl aya::Pod for Control {}
        // SAFETY: as above.
        unsafe impl aya::Pod for Counters {}
        // SAFETY: as above.
        unsafe impl aya::Pod for ThreadCount {}
        // SAFETY: as above.
        unsafe impl aya::Pod for GrowKey {}
        // SAFETY: as above.
        unsafe impl aya::Pod for GrowValue {}
        // SAFETY: as above.
        unsafe impl aya::Pod for Point {}
        // SAFETY: as above.
        unsafe impl aya::Pod for SampleKey {}
        // SAFETY: as above.
        unsafe impl aya::Pod for Stack {}
    }
}
