//! Real files of `perf record`, whole, cut and damaged.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{Cursor, Read};

use goperf::{EventKind, Mapping, PerfFile, Record};

fn sample(name: &str) -> Vec<u8> {
    unpacked(&format!("samples/{name}.perf-cpu-clock.data.xz"))
}

fn unpacked(name: &str) -> Vec<u8> {
    std::fs::read(xtask::unpack_xz(&xtask::testdata(name)).unwrap()).unwrap()
}

#[derive(Debug, Default, PartialEq)]
struct Contents {
    stacks: Vec<Vec<u64>>,
    period: u64,
    mappings: Vec<Mapping>,
    n_lost: u64,
}

/// What is readable, with the places of what is not.
fn read(bytes: &[u8]) -> Result<(Contents, Vec<goperf::Error>), goperf::Error> {
    let mut file = PerfFile::open(Cursor::new(bytes))?;
    let mut faults = std::mem::take(&mut file.faults);
    let mut contents = Contents::default();
    let more = file.read_records(|record| match record {
        Record::Sample(sample) => {
            contents.period = contents.period.saturating_add(sample.period.unwrap_or(0));
            contents.stacks.push(sample.stack);
        }
        Record::Mapping(mapping) => contents.mappings.push(mapping),
        Record::Lost { n } => contents.n_lost += n,
        Record::Fork { .. } | Record::Exec { .. } | Record::RoundEnds => {}
    });
    faults.extend(more);
    Ok((contents, faults))
}

#[test]
fn header_names_the_event_and_the_build() {
    let file = PerfFile::open(Cursor::new(sample("nested-1.27.3/nested-1.27.3"))).unwrap();
    let [event] = &*file.events else { panic!("{:?}", file.events) };
    assert_eq!(
        (&*event.name, event.kind, event.frequency),
        ("cpu-clock", EventKind::CpuTime, Some(499))
    );
    assert!(file.faults.is_empty());
    let id = file.build_ids.iter().find(|id| id.file.ends_with("/nested-1.27.3")).unwrap();
    assert_eq!(id.id.len(), 40);
}

/// `perf script` prints a line per sample, then one per address; those of the program as offsets in its file.
#[test]
fn samples_and_addresses_are_those_of_perf_script() {
    let (contents, faults) = read(&sample("nested-1.27.3/nested-1.27.3")).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let packed = xtask::testdata("samples/expected/nested-1.27.3.perf.cpu-clock.script.txt.gz");
    let mut script = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(packed).unwrap())
        .read_to_string(&mut script)
        .unwrap();
    let is_program = |mapping: &&Mapping| mapping.file.ends_with("/nested-1.27.3");
    let program = contents.mappings.iter().find(is_program).unwrap();
    let mut wanted: Vec<Vec<u64>> = Vec::new();
    for line in script.lines() {
        if line.contains("cpu-clock:") {
            wanted.push(Vec::new());
        } else if let Some(address) = line.split_whitespace().next() {
            wanted.last_mut().unwrap().push(u64::from_str_radix(address, 16).unwrap());
        }
    }
    assert_eq!(contents.stacks.len(), 506);
    // The order of the file is that of the buffers, perf's that of time.
    let as_printed = |address: &u64| match address.wrapping_sub(program.start) {
        offset if offset < program.len => offset + program.file_offset,
        _ => *address,
    };
    let mut found: Vec<Vec<u64>> =
        contents.stacks.iter().map(|stack| stack.iter().map(as_printed).collect()).collect();
    found.sort();
    wanted.sort();
    let n_equal = found.iter().zip(&wanted).filter(|(found, wanted)| found == wanted).count();
    assert_eq!(n_equal, wanted.len(), "first found {:x?}, wanted {:x?}", found[0], wanted[0]);
    // "Event count (approx.)" of `perf report`.
    assert_eq!((contents.period, contents.n_lost), (1_014_028_048, 0));
}

#[test]
fn a_cut_file_gives_what_was_readable_and_the_place() {
    let whole = sample("flat-1.27.3/flat-1.27.3");
    let (contents, _) = read(&whole).unwrap();
    for end in (0..whole.len()).step_by(97) {
        match read(&whole[..end]) {
            Err(error) => assert!(error.offset <= end as u64, "{end}: {error}"),
            Ok((cut, faults)) => {
                assert!(!faults.is_empty(), "{end}");
                assert!(contents.stacks.starts_with(&cut.stacks), "{end}");
            }
        }
    }
}

#[test]
fn flipped_bits_neither_panic_nor_take_memory() {
    let whole = sample("flat-1.27.3/flat-1.27.3");
    // Every bit of the header and the first attribute, and some of the rest.
    let places = (0..256).chain((256..whole.len()).step_by(211));
    for (at, bit) in places.flat_map(|at| [(at, at % 8), (at, 7)]) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << bit;
        if let Ok((contents, _)) = read(&damaged) {
            let n_words: usize = contents.stacks.iter().map(Vec::len).sum();
            assert!(8 * n_words <= 2 * whole.len(), "byte {at}");
        }
    }
}

#[test]
fn other_files_are_refused() {
    for (bytes, wanted) in [
        (&b"PERFILE2"[..], "cut off"),
        (&[0; 200], "not a perf.data file"),
        (
            &{
                let mut swapped = [0; 200];
                swapped[..8].copy_from_slice(b"2ELIFREP");
                swapped
            },
            "byte order",
        ),
        (
            &{
                let mut piped = [0; 200];
                piped[..8].copy_from_slice(b"PERFILE2");
                piped[8] = 16;
                piped
            },
            "record into a file",
        ),
        (
            &{
                let mut compressed = [0; 200];
                compressed[..8].copy_from_slice(b"PERFILE2");
                compressed[8] = 104;
                // The flags of features stand from 72 on.
                compressed[75] = 1 << 3;
                compressed
            },
            "without -z",
        ),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn the_fuzz_corpus_replays() {
    let mut n_readable = 0;
    for seed in std::fs::read_dir(xtask::repo_root().join("fuzz/corpus/goperf")).unwrap() {
        n_readable += u32::from(read(&std::fs::read(seed.unwrap().path()).unwrap()).is_ok());
    }
    assert!(n_readable >= 2);
}

/// A copy of the file with one more record in front of the sample of this number.
fn with_record(bytes: &[u8], before_sample: usize, record: &[u8]) -> Vec<u8> {
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    let (start, len) = (number(40), number(48));
    let mut at = start;
    let mut n_samples = 0;
    loop {
        let kind = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let size = u16::from_le_bytes(bytes[at + 6..at + 8].try_into().unwrap());
        if kind == 9 {
            if n_samples == before_sample {
                break;
            }
            n_samples += 1;
        }
        at += usize::from(size);
    }
    let mut longer = bytes[..at].to_vec();
    longer.extend(record);
    longer.extend(&bytes[at..start + len]);
    longer[48..56].copy_from_slice(&((len + record.len()) as u64).to_le_bytes());
    longer
}

#[test]
fn a_process_that_runs_another_program_says_so() {
    // COMM with the flag of exec: kind, flags, size, process, thread, name.
    let record = |misc: u16| {
        let mut record = 3_u32.to_le_bytes().to_vec();
        record.extend(misc.to_le_bytes());
        record.extend(24_u16.to_le_bytes());
        record.extend(77_u32.to_le_bytes());
        record.extend(77_u32.to_le_bytes());
        record.extend(b"other\0\0\0");
        record
    };
    let n_execs = |misc: u16| {
        let bytes = with_record(&sample("flat-1.27.3/flat-1.27.3"), 10, &record(misc));
        let mut file = PerfFile::open(Cursor::new(bytes)).unwrap();
        let (mut n_samples, mut execs) = (0, Vec::new());
        file.read_records(|record| match record {
            Record::Sample(_) => n_samples += 1,
            Record::Exec { pid: 77, .. } => execs.push(n_samples),
            _ => {}
        });
        execs
    };
    assert_eq!(n_execs(1 << 13), [10]);
    assert_eq!(n_execs(0), [] as [i32; 0], "a new name alone");
}

/// `perf script --ns --show-mmap-events --show-task-events` prints these times, 0 of what perf wrote itself.
#[test]
fn records_beside_samples_have_their_times() {
    let times = |name: &str| {
        let mut file = PerfFile::open(Cursor::new(unpacked(name))).unwrap();
        let mut times = Vec::new();
        file.read_records(|record| match record {
            Record::Mapping(mapping) => times.push(("maps", mapping.time.unwrap())),
            Record::Exec { time, .. } => times.push(("execs", time.unwrap())),
            Record::Fork { time, .. } => times.push(("forks", time.unwrap())),
            _ => {}
        });
        times
    };
    assert_eq!(
        times("samples/nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz"),
        [
            ("maps", 0),
            ("execs", 5_916_350_493_878),
            ("maps", 5_916_350_521_760),
            ("maps", 5_916_350_539_697),
            ("forks", 5_916_351_234_812),
            ("forks", 5_916_351_277_626),
            ("forks", 5_916_351_317_876),
            ("forks", 5_916_505_369_535),
        ]
    );
    // Of several events: records end with the id of theirs, too.
    assert_eq!(
        times("writes/writes-1.27.3.perf.data.xz"),
        [
            ("maps", 0),
            ("execs", 2_579_845_871_231),
            ("maps", 2_579_845_898_211),
            ("maps", 2_579_845_917_630),
            ("forks", 2_579_846_801_007),
            ("forks", 2_579_846_899_804),
            ("forks", 2_579_846_952_562),
        ]
    );
}
