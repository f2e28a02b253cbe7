//! Names of code that was made at run time: a compiler in the program writes `perf-PID.map`, and who keeps it beside the
//! `perf.data` has its functions named.
//!
//! Source: tools/perf/Documentation/jit-interface.txt of Linux 6.18: lines `START SIZE NAME`, numbers hexadecimal.

use std::io::Read;
use std::path::Path;

use evidence::printable;

use crate::regular::open_regular;

/// What is behind is not read. Units: bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Whether a file has the name of one.
pub(crate) fn is_jit_map(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let pid = name.and_then(|name| name.strip_prefix("perf-")?.strip_suffix(".map"));
    pid.is_some_and(|pid| pid.parse::<u32>().is_ok())
}

/// Functions of one process. Order: by start; of those with the same start, the one written last is last.
#[derive(Debug, Default)]
pub(crate) struct JitMap {
    functions: Vec<Function>,
}

#[derive(Debug)]
struct Function {
    start: u64,
    len: u64,
    name: String,
}

impl JitMap {
    /// The map of a process beside a `perf.data`, if there is one.
    pub(crate) fn open_beside(perf_data: &str, pid: u32) -> Option<Self> {
        let path = Path::new(perf_data).with_file_name(format!("perf-{pid}.map"));
        let file = open_regular(&path)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(Self::parse(&bytes))
    }

    /// What is no function is left out.
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut functions: Vec<Function> = text.lines().filter_map(read_line).collect();
        functions.sort_by_key(|function| function.start);
        Self { functions }
    }

    /// The function at an address. Complexity: O(log functions).
    pub(crate) fn name(&self, address: u64) -> Option<&str> {
        let n = self.functions.partition_point(|function| function.start <= address);
        let function = self.functions[..n].last()?;
        (address - function.start < function.len).then_some(function.name.as_str())
    }
}

fn read_line(line: &str) -> Option<Function> {
    let (start, rest) = line.split_once(' ')?;
    let (len, name) = rest.split_once(' ')?;
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    Some(Function { start: number(start)?, len: number(len)?, name: printable(name.trim()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_in_the_place_of_one_is_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = dir.path().join("perf-7.map");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success());
        let perf_data = dir.path().join("perf.data");
        assert!(JitMap::open_beside(&perf_data.to_string_lossy(), 7).is_none());
    }

    #[test]
    fn functions_are_found_by_their_addresses() {
        let map = JitMap::parse(
            b"1000 20 wasm one\n0x2000 10 old\nno function\n2000 8 new\n3000\nffffffffffffffff 9 last\n",
        );
        assert_eq!(map.name(0xfff), None);
        assert_eq!(map.name(0x101f), Some("wasm one"));
        assert_eq!(map.name(0x1020), None);
        assert_eq!((map.name(0x2007), map.name(0x2008)), (Some("new"), None));
        assert_eq!(map.name(u64::MAX), Some("last"));
    }
}
