//! `perf.data` in place of a CPU profile, and beside one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::perf_file::{CPU_CLOCK, Writer};
use crate::{binary, diagnose_json, mapscope, sample, stdout_of};

fn perf(program: &str) -> String {
    sample(&format!("{program}/{program}.perf-cpu-clock.data.xz"))
}

fn first_finding(report: &Value) -> (&str, &str, u64) {
    let finding = &report["findings"][0];
    let site = &report["sites"][finding["site"].as_u64().unwrap_or(0) as usize];
    (
        finding["verdict"].as_str().unwrap(),
        site["function"].as_str().unwrap(),
        site["line"].as_u64().unwrap(),
    )
}

#[test]
fn a_recording_of_perf_and_the_binary_give_a_whole_diagnosis() {
    for program in ["nested-1.27.3", "nested-1.21.13"] {
        let report = diagnose_json(&[&perf(program), &binary(program)]);
        assert_eq!(first_finding(&report), ("presize", "main.build", 49), "{program}");
    }
    // The flat twin fills its one map without a hint, too: growth is as much its matter, in one map instead of many.
    for program in ["flat-1.27.3", "flat-1.21.13"] {
        let report = diagnose_json(&[&perf(program), &binary(program)]);
        assert_eq!(first_finding(&report), ("presize", "main.build", 39), "{program}");
        let nested = report["findings"].as_array().unwrap().iter();
        assert!(nested.clone().all(|finding| finding["verdict"] != "flatten"), "{program}");
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
        let output = mapscope(["diagnose", &perf(program), copy.to_str().unwrap()]);
        assert_eq!(output.status.success(), is_known, "{output:?}");
    }
}

/// Samples as `perf report` counts them: 24.70 % in memHashAES and so on are shares of 506 samples.
#[test]
fn samples_are_all_there() {
    let report = diagnose_json(&[&perf("nested-1.27.3"), &binary("nested-1.27.3")]);
    let total = &report["cpu"]["total"];
    assert_eq!((&total["samples"], &total["cpu_ns"]), (&506.into(), &1_014_028_048_u64.into()));
    assert_eq!(report["sources"][0]["kind"], "perf");
}

#[test]
fn samples_of_two_tools_are_not_added_up() {
    let (program, profile) = ("nested-1.27.3", sample("nested-1.27.3/cpu.pprof"));
    let alone = diagnose_json(&[&profile, &binary(program)]);
    let both = diagnose_json(&[&profile, &perf(program), &binary(program)]);
    assert_eq!(alone["cpu"]["total"], both["cpu"]["total"]);
    let aside = &both["sites"][0]["cpu_aside"][0];
    assert_eq!((&aside["source"], &aside["total"]["samples"]), (&1.into(), &506.into()));
    assert_eq!((&aside["map"]["samples"], &aside["growth"]["samples"]), (&286.into(), &212.into()));
    // Both see it, the second with more samples.
    assert_eq!(both["findings"][0]["seen_in"], serde_json::json!([0, 1]));
    assert_eq!(both["findings"][0]["confidence"]["level"], "high");
    assert_eq!(alone["findings"][0]["confidence"]["level"], "medium");
}

#[test]
fn what_is_missing_or_of_another_program_is_said() {
    let refusal = |args: &[&str]| {
        let output = mapscope(["diagnose"].iter().chain(args));
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let message = refusal(&[&perf("nested-1.27.3")]);
    assert!(message.contains("give the binary that ran, too"), "{message}");
    let message = refusal(&[&perf("nested-1.27.3"), &binary("flat-1.27.3")]);
    assert!(message.contains("no process in it ran"), "{message}");
}

/// What `perf script` prints of the same file, added up.
#[test]
fn writing_is_that_of_perf_script() {
    for program in ["nested-1.27.3", "flat-1.27.3"] {
        let perf = sample(&format!("{program}/{program}.perf-tracepoints.data.xz"));
        let report = diagnose_json(&[&perf, &binary(program)]);
        let script = sample(&format!("expected/{program}.perf.tracepoints.script.txt"));
        let script = std::fs::read_to_string(script).unwrap();
        let of = |event: &'static str| script.lines().filter(move |line| line.contains(event));
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
        let storage = &report["storage"];
        assert_eq!(storage["writes"]["n"], of("sys_enter_write:").count(), "{program}");
        assert_eq!(storage["writes"]["bytes"], asked.sum::<u64>(), "{program}");
        assert_eq!(storage["syncs"]["n"], of("sys_enter_fsync:").count(), "{program}");
        assert!(storage["syncs"]["ns"].as_u64() > Some(0));
        assert_eq!(storage["block_writes"]["n"], issued.clone().count(), "{program}");
        assert_eq!(storage["block_writes"]["bytes"], issued.sum::<u64>(), "{program}");
    }
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
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(
        (&report["storage"]["writes"], &report["storage"]["syncs"]),
        (&Value::Null, &Value::Null)
    );
    assert!(report["storage"]["block_writes"]["n"].as_u64() > Some(0));
    assert!(
        report["notices"].to_string().contains("were sampled, not counted"),
        "{}",
        report["notices"]
    );
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
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(
        (&report["storage"]["writes"]["n"], &report["storage"]["writes"]["ns"]),
        (&68.into(), &Value::Null)
    );
    assert_eq!((&report["storage"]["syncs"], &report["cpu"]), (&Value::Null, &Value::Null));
    let beside =
        diagnose_json(&[&sample("nested-1.27.3/cpu.pprof"), &perf, &binary("nested-1.27.3")]);
    assert_eq!(first_finding(&beside).0, "presize");
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
        let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
        assert_eq!(report["cpu"]["total"]["samples"], 200);
        assert!(report["notices"].to_string().contains("306 samples are of other processes"));
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
    let [data, svg, map] =
        ["perf.data".to_owned(), "flame.svg".to_owned(), format!("perf-{pid}.map")]
            .map(|name| dir.path().join(name).to_str().unwrap().to_owned());
    std::fs::write(&data, writer.finish()).unwrap();
    let drawn = |inputs: &[&str]| {
        let args = ["diagnose", "--flamegraph", &svg];
        stdout_of(args.iter().chain(inputs));
        std::fs::read_to_string(&svg).unwrap()
    };
    let program = binary("nested-1.27.3");
    assert!(drawn(&[&data, &program]).contains("[unknown]"));
    std::fs::write(map, "700000000000 20 wasm_add\n").unwrap();
    let named = drawn(&[&data, &program]);
    assert!(named.contains("wasm_add") && !named.contains("[unknown]"));
    // In a folder it is no input of its own.
    std::fs::remove_file(&svg).unwrap();
    assert!(drawn(&[dir.path().to_str().unwrap(), &program]).contains("wasm_add"));
}
