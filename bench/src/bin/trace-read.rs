//! Counts the events of an execution trace in order, as tests do, or sums up its ranges by stack without order, as
//! mapscope does.
//!
//! The file is mapped, so that the resident memory beside the file is what reading takes: it is printed last.

use std::process::ExitCode;

use gotrace::{Totals, parse_trace, scan};
use gotrace_oracle::Ordered;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mode, path] = &args[..] else {
        eprintln!("usage: trace-read count|totals TRACE");
        return ExitCode::from(2);
    };
    let file = std::fs::File::open(path).expect("the trace opens");
    // SAFETY: the benchmark alone uses the file.
    let bytes = unsafe { memmap2::Mmap::map(&file) }.expect("the trace maps");
    let generations = parse_trace(&bytes).expect("the trace has a header that is known");
    let faults: Vec<String> = match mode.as_str() {
        "count" => {
            let mut events = Ordered::new(generations);
            let mut n = 0u64;
            while events.next_event().is_some() {
                n += 1;
            }
            println!("events {n}");
            events.faults().iter().map(ToString::to_string).collect()
        }
        _ => {
            let mut totals = Totals::default();
            let parsed = scan(generations, &mut totals);
            println!("events {}", parsed.value.n_events);
            print_totals(&totals, &parsed.value.symbols);
            parsed.faults.iter().map(ToString::to_string).collect()
        }
    };
    faults.iter().for_each(|fault| println!("{fault}"));
    print_memory();
    ExitCode::SUCCESS
}

fn print_totals(totals: &Totals, symbols: &gotrace::Symbols) {
    let print = |name: &str, sum: &gotrace::Sum| {
        println!("{name}: {}, {} ns, on CPU {} ns", sum.n, sum.wall_ns, sum.on_cpu_ns);
    };
    print("GC concurrent mark phase", &totals.gc_cycles);
    print("GC incremental sweep", &totals.sweeps);
    print("GC mark assist", &totals.assists);
    for (&reason, sum) in &totals.stops {
        print(&format!("stop-the-world ({})", symbols.text(reason)), sum);
    }
    println!("stacks {}", totals.by_stack.len());
}

fn print_memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status.lines().filter(|line| line.starts_with("RssAnon") || line.starts_with("VmHWM"));
    lines.for_each(|line| println!("{line}"));
}
