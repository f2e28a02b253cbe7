//! `perf.data` in place of a CPU profile, and beside one.

use std::fs;
use std::path::Path;

use diagnosis::finding::Level;
use diagnosis::{Diagnosis, Verdict};
use evidence::{Evidence, ProcessStorage, SourceId, SourceKind};
use xtask::samples::{binary, sample};

use crate::perf_file::{CPU_CLOCK, Writer};
use crate::{collected, diagnosed, notices, refusal, try_collect};

fn perf(program: &str) -> String {
    sample(&format!("{program}/{program}.perf-cpu-clock.data.xz"))
}

fn first_finding(diagnosis: &Diagnosis) -> (Verdict, &str, u32) {
    let finding = &diagnosis.findings[0];
    let frame = &diagnosis.evidence.sites[finding.site.unwrap()].frame;
    (finding.verdict(), &frame.function, frame.line)
}

#[test]
fn a_recording_of_perf_and_the_binary_give_a_whole_diagnosis() {
    for program in ["nested-1.27.3", "nested-1.21.13"] {
        let diagnosis = diagnosed(&[&perf(program), &binary(program)]);
        assert_eq!(first_finding(&diagnosis), (Verdict::Presize, "main.build", 49), "{program}");
    }
    // The flat twin fills its one map without a hint, too: growth is as much its matter, in one map instead of many.
    for program in ["flat-1.27.3", "flat-1.21.13"] {
        let diagnosis = diagnosed(&[&perf(program), &binary(program)]);
        assert_eq!(first_finding(&diagnosis), (Verdict::Presize, "main.build", 39), "{program}");
        let mut findings = diagnosis.findings.iter();
        assert!(findings.all(|finding| finding.verdict() != Verdict::Flatten), "{program}");
    }
}

#[test]
fn a_binary_that_was_captured_is_known_under_the_name_that_it_ran_by() {
    // Without a build id only the name is left.
    let program = "nested-1.21.13";
    let dir = tempfile::tempdir().unwrap();
    let name = Path::new(&binary(program)).file_name().unwrap().to_string_lossy().into_owned();
    for (copied_as, is_known) in [("binary.", true), ("other.", false)] {
        let copy = dir.path().join(format!("{copied_as}{name}"));
        fs::copy(binary(program), &copy).unwrap();
        let evidence = try_collect(&[&perf(program), copy.to_str().unwrap()]);
        assert_eq!(evidence.is_ok(), is_known, "{evidence:?}");
    }
}

/// Samples as `perf report` counts them: 24.70 % in memHashAES and so on are shares of 506 samples.
#[test]
fn samples_are_all_there() {
    let evidence = collected(&[&perf("nested-1.27.3"), &binary("nested-1.27.3")]);
    let total = evidence.cpu.unwrap().total;
    assert_eq!((total.samples, total.cpu_ns), (506, 1_014_028_048));
    assert_eq!(evidence.sources.iter().next().unwrap().kind, SourceKind::Perf);
}

#[test]
fn samples_of_two_tools_are_not_added_up() {
    let (program, profile) = ("nested-1.27.3", sample("nested-1.27.3/cpu.pprof"));
    let alone = diagnosed(&[&profile, &binary(program)]);
    let both = diagnosed(&[&profile, &perf(program), &binary(program)]);
    let total = |diagnosis: &Diagnosis| diagnosis.evidence.cpu.as_ref().unwrap().total;
    assert_eq!(total(&alone), total(&both));
    let aside = both.evidence.sites[0].cpu_aside[0];
    assert_eq!((aside.source.index(), aside.total.samples), (1, 506));
    assert_eq!((aside.map.samples, aside.growth.samples), (286, 212));
    // Both see it, the second with more samples.
    let seen_in = both.sources_of(&both.findings[0]);
    assert_eq!(seen_in.into_iter().map(SourceId::index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(both.findings[0].confidence.level, Level::High);
    assert_eq!(alone.findings[0].confidence.level, Level::Medium);
}

#[test]
fn what_is_missing_or_of_another_program_is_said() {
    let message = refusal(&[&perf("nested-1.27.3")]);
    assert!(message.contains("give the binary that ran, too"), "{message}");
    let message = refusal(&[&perf("nested-1.27.3"), &binary("flat-1.27.3")]);
    assert!(message.contains("no process in it ran"), "{message}");
}

/// Without a build id only the name is left, and whether callers are at calls.
#[test]
fn an_executable_of_the_same_name_is_not_taken_for_the_one_that_ran() {
    let dir = tempfile::tempdir().unwrap();
    let name = Path::new(&binary("nested-1.21.13")).file_name().unwrap().to_owned();
    let copy = dir.path().join(name);
    fs::copy(binary("flat-1.21.13"), &copy).unwrap();
    let message = refusal(&[&perf("nested-1.21.13"), copy.to_str().unwrap()]);
    assert!(message.contains("callers are not at its calls"), "{message}");
}

#[test]
fn a_recording_that_is_given_twice_counts_once() {
    let (recorded, program) = (perf("nested-1.27.3"), binary("nested-1.27.3"));
    let twice = collected(&[&recorded, &recorded, &program]);
    assert_eq!(twice.cpu.as_ref().unwrap().total.samples, 506);
    assert!(notices(&twice).contains("it is the same as"), "{}", notices(&twice));
}

/// What `perf script` prints of the same file, added up.
#[test]
fn writing_is_that_of_perf_script() {
    for program in ["nested-1.27.3", "flat-1.27.3"] {
        let perf = sample(&format!("{program}/{program}.perf-tracepoints.data.xz"));
        let storage = storage_of(&[&perf, &binary(program)]);
        let script = sample(&format!("expected/{program}.perf.tracepoints.script.txt"));
        let script = std::fs::read_to_string(script).unwrap();
        let of = |event: &'static str| script.lines().filter(move |line| line.contains(event));
        let n = |event| of(event).count() as u64;
        let asked = of("sys_enter_write:").map(|line| {
            let count = line.rsplit("count: 0x").next().unwrap();
            u64::from_str_radix(count.trim(), 16).unwrap()
        });
        let issued = of("block_rq_issue:").filter_map(|line| {
            let mut words =
                line.split("block_rq_issue:").nth(1).unwrap().split_whitespace().skip(1);
            let is_write = words.next().unwrap().contains('W');
            is_write.then(|| words.next().unwrap().parse::<u64>().unwrap())
        });
        let [writes, syncs] = [storage.writes, storage.syncs].map(Option::unwrap);
        assert_eq!(writes.n, n("sys_enter_write:"), "{program}");
        assert_eq!(writes.bytes, asked.sum::<u64>(), "{program}");
        assert_eq!(syncs.n, n("sys_enter_fsync:"), "{program}");
        assert!(syncs.ns > Some(0));
        let blocks = storage.blocks.unwrap();
        assert_eq!(blocks.n, issued.clone().count() as u64, "{program}");
        assert_eq!(blocks.bytes, issued.sum::<u64>(), "{program}");
    }
}

fn storage_of(inputs: &[&str]) -> ProcessStorage {
    collected(inputs).storage.unwrap()
}

/// A file of tracepoints with its numbers changed: sampled by frequency, or without the ends of calls.
fn with_attrs(change: impl Fn(&mut [u8], &str)) -> (tempfile::TempDir, String) {
    let path = sample("nested-1.27.3/nested-1.27.3.perf-tracepoints.data.xz");
    let mut bytes = std::fs::read(&path).unwrap();
    let names: Vec<String> = goperf::PerfFile::open(std::io::Cursor::new(bytes.clone()))
        .unwrap()
        .events
        .into_iter()
        .map(|event| event.name)
        .collect();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (entry, table) = (number(16), number(24));
    for (at, name) in names.iter().enumerate() {
        change(&mut bytes[table + at * entry..][..entry], name);
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("perf.data");
    std::fs::write(&file, bytes).unwrap();
    (dir, file.to_str().unwrap().to_owned())
}

#[test]
fn sampled_tracepoints_are_no_counts() {
    const FLAG_FREQUENCY: u8 = 1 << 2;
    let (_dir, perf) = with_attrs(|attr, name| {
        if name.starts_with("syscalls:") {
            attr[41] |= FLAG_FREQUENCY;
        }
    });
    let evidence = collected(&[&perf, &binary("nested-1.27.3")]);
    let notices = notices(&evidence);
    let storage = evidence.storage.unwrap();
    assert_eq!((storage.writes, storage.syncs), (None, None));
    assert!(storage.blocks.unwrap().n > 0);
    assert!(notices.contains("were sampled, not counted"), "{notices}");
}

#[test]
fn what_was_not_recorded_is_null_and_no_cpu_event_is_no_error() {
    // Another kind of event in place of those that are taken away.
    const BREAKPOINT: u8 = 5;
    let (_dir, perf) = with_attrs(|attr, name| {
        if name.contains("fsync") || name.contains("exit_write") || name.starts_with("cpu-clock") {
            attr[0] = BREAKPOINT;
        }
    });
    let evidence = collected(&[&perf, &binary("nested-1.27.3")]);
    assert!(evidence.cpu.is_none());
    let storage = evidence.storage.unwrap();
    let writes = storage.writes.unwrap();
    assert_eq!((writes.n, writes.ns, storage.syncs), (68, None, None));
    let beside = diagnosed(&[&sample("nested-1.27.3/cpu.pprof"), &perf, &binary("nested-1.27.3")]);
    assert_eq!(first_finding(&beside).0, Verdict::Presize);
}

/// A record of exec of the process and time of this sample: kind, flags, size, process, thread, name; what all records end with.
fn exec_at(sample: &[u8]) -> Vec<u8> {
    let (thread, time) = (&sample[16..24], &sample[24..32]);
    let pid = &thread[..4];
    [&[3, 0, 0, 0, 0, 1 << 5, 40, 0][..], pid, pid, b"other\0\0\0", thread, time].concat()
}

/// A recording of one event in which the process runs another program at the time of one of its samples.
fn with_exec(at_sample: usize, place: impl Fn(&[usize]) -> usize) -> (tempfile::TempDir, String) {
    const SAMPLE: u32 = 9;
    /// Address, process and thread, time, call chain, period.
    const SAMPLE_TYPE: usize = 1 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 8;
    let bytes = std::fs::read(perf("nested-1.27.3")).unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    assert_eq!(number(number(24) + 24), SAMPLE_TYPE);
    let (start, len) = (number(40), number(48));
    let mut samples = Vec::new();
    let mut at = start;
    while at < start + len {
        if u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) == SAMPLE {
            samples.push(at);
        }
        at += usize::from(u16::from_le_bytes(bytes[at + 6..at + 8].try_into().unwrap()));
    }
    let mut by_time = samples.clone();
    by_time.sort_by_key(|&at| number(at + 24));
    let exec = exec_at(&bytes[by_time[at_sample]..]);
    let place = place(&samples);
    let mut longer = [&bytes[..place], &exec, &bytes[place..start + len]].concat();
    longer[48..56].copy_from_slice(&((len + exec.len()) as u64).to_le_bytes());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("perf.data");
    std::fs::write(&path, longer).unwrap();
    (dir, path.to_str().unwrap().to_owned())
}

/// A process that runs another program has other code at the same addresses from then on, wherever the file has the record.
#[test]
fn samples_after_an_exec_are_not_those_of_the_program_before() {
    let places: [fn(&[usize]) -> usize; 3] =
        [|samples| samples[0], |samples| samples[300], |samples| samples[505]];
    for place in places {
        let (_dir, perf) = with_exec(200, place);
        let evidence = collected(&[&perf, &binary("nested-1.27.3")]);
        assert!(notices(&evidence).contains("306 samples are of other processes"));
        assert_eq!(evidence.cpu.unwrap().total.samples, 200);
    }
}

#[test]
fn code_of_a_jit_has_the_names_of_the_map_beside() {
    const JIT: u64 = 0x7000_0000_0010;
    let mut file =
        goperf::PerfFile::open(std::fs::File::open(perf("nested-1.27.3")).unwrap()).unwrap();
    let mut writer = Writer::new(&[CPU_CLOCK]);
    let mut pid = 0;
    file.read_records(|record| match record {
        goperf::Record::Mapping(mapping) => writer.mapping(&mapping),
        goperf::Record::Sample(mut sample) => {
            pid = sample.pid.unwrap();
            sample.stack.insert(0, JIT);
            writer.sample(0, &sample, 1_000_000);
        }
        _ => {}
    });
    let dir = tempfile::tempdir().unwrap();
    let [data, map] = ["perf.data".to_owned(), format!("perf-{pid}.map")]
        .map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&data, writer.finish()).unwrap();
    let program = binary("nested-1.27.3");
    assert!(is_on_stacks("[unknown]", &collected(&[&data, &program])));
    std::fs::write(map, "700000000000 20 wasm_add\n").unwrap();
    let named = collected(&[&data, &program]);
    assert!(is_on_stacks("wasm_add", &named) && !is_on_stacks("[unknown]", &named));
    // In a folder it is no input of its own.
    let of_folder = collected(&[dir.path().to_str().unwrap(), &program]);
    assert!(is_on_stacks("wasm_add", &of_folder));
    assert_eq!(of_folder.sources.iter().count(), 2);
}

fn is_on_stacks(name: &str, evidence: &Evidence) -> bool {
    let stacks = evidence.stacks.as_ref().unwrap();
    stacks.nodes.iter().any(|node| &*stacks.names[node.name as usize] == name)
}
