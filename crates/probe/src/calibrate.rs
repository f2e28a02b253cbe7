//! What a hit costs on this machine: some thousand hits on a function of our own, between other work.
#![allow(unsafe_code)]

use std::arch::global_asm;
use std::collections::HashMap;
use std::path::Path;

use gobin::FileOffset;
use goproc::{Maps, RunAddr};

use crate::error::Error;
use crate::governor::{Costs, TRAP_FACTOR};
use crate::kernel::{Counting, Kernel};
use crate::points::Probe;
use crate::process::{ProcessKey, Scope};
use crate::record_layout::{
    COUNT_EVENT_NS, COUNT_FRAMES, COUNT_WALKED, MAX_FRAMES, POINT_SWISS_REHASH, Point,
};
use crate::system::thread_cpu_ns;

// `hit` begins like a Go function where its probe stands. `hit_below(depth, table, type)` calls it below `depth` frames,
// with a table and a type in the registers in which Go has them; the frame pointer is 0 above them, where the walk ends.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".text",
    ".globl mapscope_calibration_hit",
    ".type mapscope_calibration_hit, @function",
    "mapscope_calibration_hit:",
    "push rbp",
    "mov rbp, rsp",
    "pop rbp",
    "ret",
    ".globl mapscope_calibration_hit_below",
    ".type mapscope_calibration_hit_below, @function",
    "mapscope_calibration_hit_below:",
    "push rbp",
    "push rbx",
    "sub rsp, 8",
    "xor ebp, ebp",
    "mov rax, rsi",
    "mov rbx, rdx",
    "call 2f",
    "add rsp, 8",
    "pop rbx",
    "pop rbp",
    "ret",
    "2:",
    "push rbp",
    "mov rbp, rsp",
    "test edi, edi",
    "jz 3f",
    "dec edi",
    "call 2b",
    "pop rbp",
    "ret",
    "3:",
    "call mapscope_calibration_hit",
    "pop rbp",
    "ret",
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".text",
    ".globl mapscope_calibration_hit",
    ".type mapscope_calibration_hit, @function",
    "mapscope_calibration_hit:",
    "b.ls 4f",
    "4:",
    "ret",
    ".globl mapscope_calibration_hit_below",
    ".type mapscope_calibration_hit_below, @function",
    "mapscope_calibration_hit_below:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, xzr",
    "mov w3, w0",
    "mov x0, x1",
    "mov x1, x2",
    "bl 2f",
    "ldp x29, x30, [sp], #16",
    "ret",
    "2:",
    "stp x29, x30, [sp, #-16]!",
    "mov x29, sp",
    "cbz w3, 3f",
    "sub w3, w3, #1",
    "bl 2b",
    "ldp x29, x30, [sp], #16",
    "ret",
    "3:",
    "bl mapscope_calibration_hit",
    "ldp x29, x30, [sp], #16",
    "ret",
);

unsafe extern "C" {
    fn mapscope_calibration_hit();
    fn mapscope_calibration_hit_below(depth: u32, table: *const u8, map_type: *const u8);
}

/// Hits per measurement, and measurements of which the median counts.
const HITS: u32 = 50;
const ROUNDS: usize = 61;
/// Frames in the two measurements of the walk.
const DEPTHS: [u32; 2] = [2, 42];
/// Keys in the map that is written between hits, and writes between two hits.
const KEYS: u64 = 1 << 14;
const WRITES: u64 = 16;

/// Measures what the program will pay, before it is recorded. Leaves no counts behind.
pub(crate) fn measure(kernel: &mut Kernel) -> Result<Costs, Error> {
    let mut work = Work { map: (0..KEYS).map(|key| (key, 0)).collect(), next: 0 };
    let unprobed = DEPTHS.map(|depth| median((0..ROUNDS).map(|_| work.round(depth)).collect()));
    let point =
        Point { link_addr: 0, kind: POINT_SWISS_REHASH, flags: 0, type_home: 0, map_home: 0 };
    let probe = Probe { point, offset: offset_of_hit()? };
    kernel.control(Counting {
        is_paused: false,
        precision: 0,
        walk_below: u32::MAX,
        max_frames: MAX_FRAMES,
    })?;
    let links = kernel.attach(
        Path::new("/proc/self/exe"),
        &[Scope::Process(std::process::id())],
        &[probe],
    )?;
    let mut cost = |idx: usize| {
        let rounds = (0..ROUNDS).map(|_| Hit::measure(kernel, &mut work, DEPTHS[idx]));
        let rounds = rounds.collect::<Result<Vec<Hit>, Error>>()?;
        let median_of = |of: fn(&Hit) -> f64| median(rounds.iter().map(of).collect());
        let added_ns = |ns: f64| (ns - unprobed[idx]).max(0.0);
        Ok::<Hit, Error>(Hit {
            ns: added_ns(median_of(|hit| hit.ns)),
            trap_ns: added_ns(median_of(|hit| hit.trap_ns)),
            frames: median_of(|hit| hit.frames),
        })
    };
    let (shallow, deep) = (cost(0)?, cost(1)?);
    drop(links);
    // Nothing else was counted by now.
    kernel.take_all()?;
    let own: Vec<ProcessKey> = kernel.processes()?.into_keys().collect();
    kernel.remove_processes(&own)?;
    let frame_ns = ((deep.ns - shallow.ns) / (deep.frames - shallow.frames).max(1.0)).max(0.0);
    let more_ns = shallow.trap_ns * (TRAP_FACTOR - 1.0);
    Ok(Costs {
        trap_ns: shallow.trap_ns + more_ns,
        event_ns: (shallow.ns - shallow.frames * frame_ns).max(0.0) + more_ns,
        frame_ns,
    })
}

/// What a hit took.
struct Hit {
    /// Units: nanoseconds, writes included.
    ns: f64,
    /// What of it was not spent counting.
    trap_ns: f64,
    frames: f64,
}

impl Hit {
    fn measure(kernel: &Kernel, work: &mut Work, depth: u32) -> Result<Self, Error> {
        let before = kernel.counters()?;
        let ns = work.round(depth);
        let after = kernel.counters()?;
        let count = |counter: u32| (after[counter as usize] - before[counter as usize]) as f64;
        let n = count(COUNT_WALKED).max(1.0);
        Ok(Self { ns, trap_ns: ns - count(COUNT_EVENT_NS) / n, frames: count(COUNT_FRAMES) / n })
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes to a map between the hits, as the program will: a trap also costs what it pushes out of the caches, which a
/// loop of nothing but traps does not show.
struct Work {
    map: HashMap<u64, u64>,
    next: u64,
}

impl Work {
    /// Units: nanoseconds per hit, writes included.
    fn round(&mut self, depth: u32) -> f64 {
        // A table of 8 slots, of which 8 are used, as the kernel side reads it.
        let table = [8_u8, 0, 8, 0, 0, 0, 0, 0];
        self.next = 0;
        let start = thread_cpu_ns();
        for _ in 0..HITS {
            self.write();
            // SAFETY: follows the C calling convention; reads and writes nothing but its stack.
            unsafe { mapscope_calibration_hit_below(depth, table.as_ptr(), table.as_ptr()) };
        }
        (thread_cpu_ns() - start) as f64 / f64::from(HITS)
    }

    fn write(&mut self) {
        for _ in 0..WRITES {
            self.next = self.next.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            *self.map.entry((self.next >> 32) % KEYS).or_default() += 1;
        }
    }
}

/// Where the function is in the file of this program.
fn offset_of_hit() -> Result<FileOffset, Error> {
    let addr = mapscope_calibration_hit as *const () as u64;
    let maps = Maps::own()?;
    let offset = maps.at(RunAddr(addr)).and_then(|mapping| mapping.file_offset(RunAddr(addr)));
    offset.ok_or(Error::Kernel {
        what: "measuring the cost of a probe",
        reason: "/proc/self/maps has no line for this program".to_owned(),
    })
}
