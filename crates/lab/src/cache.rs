//! Cache misses per lookup: of hardware counters where the machine has them, else simulated, else not measured.
//!
//! The program runs twice, with lookups and without; the difference is what the lookups cost.

use std::path::Path;
use std::process::Command;

use crate::process;

/// Lookups of the longer run.
const LOOKUPS: u64 = 100_000;
/// A first-level cache of 32 KiB and a last-level one of 16 MiB, whatever this machine has: simulated figures of two
/// machines can be compared.
const CACHEGRIND: [&str; 6] = [
    "--tool=cachegrind",
    "--cache-sim=yes",
    "--I1=32768,8,64",
    "--D1=32768,8,64",
    "--LL=16777216,16,64",
    "--cachegrind-out-file=/dev/null",
];

/// Who counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// `perf stat` with the hardware's own counters.
    Hardware,
    /// `valgrind --tool=cachegrind`.
    Cachegrind,
}

impl Counter {
    /// The best that works here; an error in words where none does.
    pub(crate) fn find(scratch: &Path) -> Result<Self, String> {
        let is_counting = |counter: Self| counter.count(Command::new("true"), scratch).is_ok();
        [Self::Hardware, Self::Cachegrind].into_iter().find(|&counter| is_counting(counter)).ok_or_else(|| {
            "no hardware counters (perf stat) and no valgrind here; install valgrind for simulated figures".to_owned()
        })
    }

    /// Misses per lookup in each layout, as lines of the Go benchmark text format.
    pub(crate) fn measure(
        self,
        binary: &Path,
        is_quick: bool,
        scratch: &Path,
    ) -> Result<String, String> {
        let mut out = format!("note: {}\n", self.note());
        for layout in ["flat", "nested"] {
            let count = |lookups: u64| {
                let mut program = Command::new(binary);
                program.env("GOMAXPROCS", "1").args(["-lookups", &lookups.to_string()]);
                program.args(is_quick.then_some("-quick")).arg(format!("cache-misses/{layout}"));
                self.count(program, scratch)
            };
            let misses = count(LOOKUPS)? as f64 - count(0)? as f64;
            let per_lookup = misses / LOOKUPS as f64;
            out +=
                &format!("BenchmarkCacheMisses/{layout} {LOOKUPS} {per_lookup:.4} D1-misses/op\n");
        }
        Ok(out)
    }

    fn note(self) -> &'static str {
        match self {
            Self::Hardware => "first-level data cache, loads, by hardware counters (perf stat)",
            Self::Cachegrind => {
                "simulated by valgrind's cachegrind: first level 32 KiB of 8 ways, last level 16 MiB of 16 ways"
            }
        }
    }

    /// First-level data cache misses of a program.
    fn count(self, program: Command, scratch: &Path) -> Result<u64, String> {
        let mut command = match self {
            Self::Hardware => {
                let mut perf = Command::new("perf");
                perf.args(["stat", "-x,", "-e", "L1-dcache-load-misses:u"]);
                perf
            }
            Self::Cachegrind => {
                let mut valgrind = Command::new("valgrind");
                valgrind.args(CACHEGRIND);
                valgrind
            }
        };
        command.env("LC_ALL", "C").arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            value.map(|value| command.env(name, value));
        }
        let printed = process::run(&mut command, scratch)?;
        self.parse(&printed.stderr).ok_or_else(|| "no count of cache misses was printed".to_owned())
    }

    /// `12345,,L1-dcache-load-misses:u,…` of perf, `==7== D1  misses:  136,821  (…)` of cachegrind.
    fn parse(self, text: &str) -> Option<u64> {
        let count = match self {
            Self::Hardware => text
                .lines()
                .find(|line| line.contains("L1-dcache-load-misses"))?
                .split(',')
                .next()?,
            Self::Cachegrind => {
                let (_, rest) = text.split_once("D1  misses:")?;
                rest.split_ascii_whitespace().next()?
            }
        };
        count.replace(',', "").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn counts_are_read_as_the_tools_print_them() {
        let cachegrind = "==7== D   refs:  1,200\n==7== D1  misses:       136,821  (   67,386 rd   +    69,435 wr)";
        assert_eq!(Counter::Cachegrind.parse(cachegrind), Some(136_821));
        assert_eq!(
            Counter::Hardware.parse("91,,L1-dcache-load-misses:u,1200,100.00,,\n"),
            Some(91)
        );
        let without = "<not supported>,,L1-dcache-load-misses:u,0,100.00,,";
        assert_eq!(Counter::Hardware.parse(without), None);
        assert_eq!(Counter::Cachegrind.parse("valgrind: fatal"), None);
    }
}
