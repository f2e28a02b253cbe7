//! What a hit costs on this machine: some thousand hits on a function of our own, with the program's probes.
#![allow(unsafe_code)]

use std::arch::global_asm;
use std::fs;
use std::path::Path;

use gobin::FileOffset;

use crate::error::Error;
use crate::governor::Costs;
use crate::kernel::{Kernel, Scope};
use crate::points::Probe;
use crate::record_layout::{
    COUNT_FRAMES, COUNT_WALKED, Control, MAX_FRAMES, POINT_SWISS_REHASH, Point,
};
use crate::system::thread_cpu_ns;

// `hit` begins like a Go function after its stack check. `hit_many(depth, n, table, type)` calls it n times below
// `depth` frames, with a table and a type in the registers in which Go has them; RBP is 0 above them, where the walk
// ends.
global_asm!(
    ".text",
    ".globl mapscope_calibration_hit",
    ".type mapscope_calibration_hit, @function",
    "mapscope_calibration_hit:",
    "push rbp",
    "mov rbp, rsp",
    "pop rbp",
    "ret",
    ".globl mapscope_calibration_hit_many",
    ".type mapscope_calibration_hit_many, @function",
    "mapscope_calibration_hit_many:",
    "push rbp",
    "push rbx",
    "sub rsp, 8",
    "xor ebp, ebp",
    "mov rax, rdx",
    "mov rbx, rcx",
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
    "dec esi",
    "jnz 3b",
    "pop rbp",
    "ret",
);

unsafe extern "C" {
    fn mapscope_calibration_hit();
    fn mapscope_calibration_hit_many(depth: u32, n: u32, table: *const u8, map_type: *const u8);
}

/// Hits per measurement, and measurements of which the fastest counts.
const HITS: u32 = 250;
const ROUNDS: u32 = 4;
/// Frames in the two measurements of the walk.
const DEPTHS: [u32; 2] = [2, 42];

/// Measures what the program will pay. The counts of these hits are under this process' own id.
pub(crate) fn measure(kernel: &mut Kernel) -> Result<Costs, Error> {
    let unprobed = fastest(0);
    let point =
        Point { link_addr: 0, kind: POINT_SWISS_REHASH, flags: 0, type_home: 0, map_home: 0 };
    let probe = Probe { point, offset: offset_of_hit()? };
    let links = kernel.attach(
        Path::new("/proc/self/exe"),
        &[Scope::Process(std::process::id())],
        &[probe],
    )?;
    let mut cost = |control: Control, depth: u32| -> Result<(f64, f64), Error> {
        kernel.control(control)?;
        let before = kernel.counters();
        let ns = fastest(depth);
        let after = kernel.counters();
        let count = |counter: u32| (after[counter as usize] - before[counter as usize]) as f64;
        Ok(((ns - unprobed).max(0.0), count(COUNT_FRAMES) / count(COUNT_WALKED).max(1.0)))
    };
    let event = Control { is_paused: 0, precision: 0, walk_below: 0, max_frames: MAX_FRAMES };
    let (trap_ns, _) = cost(Control { is_paused: 1, ..event }, 0)?;
    let (event_ns, _) = cost(event, 0)?;
    let walked = Control { walk_below: u32::MAX, ..event };
    let (shallow_ns, shallow) = cost(walked, DEPTHS[0])?;
    let (deep_ns, deep) = cost(walked, DEPTHS[1])?;
    drop(links);
    let frame_ns = ((deep_ns - shallow_ns) / (deep - shallow).max(1.0)).max(0.0);
    // What a stack costs beside its frames is charged to each event: it matters for shallow stacks only.
    let event_ns = event_ns.max(trap_ns).max(shallow_ns - shallow * frame_ns);
    Ok(Costs { trap_ns, event_ns, frame_ns })
}

/// Units: nanoseconds per call.
fn fastest(depth: u32) -> f64 {
    // A table of 8 slots, of which 8 are used, as the kernel side reads it.
    let table = [8_u8, 0, 8, 0, 0, 0, 0, 0];
    let rounds = (0..ROUNDS).map(|_| {
        let start = thread_cpu_ns();
        // SAFETY: follows the C calling convention; reads and writes nothing but its stack.
        unsafe { mapscope_calibration_hit_many(depth, HITS, table.as_ptr(), table.as_ptr()) };
        (thread_cpu_ns() - start) as f64 / f64::from(HITS)
    });
    rounds.fold(f64::INFINITY, f64::min)
}

/// Where the function is in the file of this program.
fn offset_of_hit() -> Result<FileOffset, Error> {
    let addr = mapscope_calibration_hit as *const () as u64;
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let offset = maps.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let file_start = fields.nth(1)?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        (hex(start)? <= addr && addr < hex(end)?).then_some(())?;
        Some(FileOffset(addr - hex(start)? + hex(file_start)?))
    });
    offset.ok_or(Error::Kernel {
        what: "measuring the cost of a probe",
        reason: "/proc/self/maps has no line for this program".to_owned(),
    })
}
