//! Writes a profile of 250,000 distinct stacks of 63 frames, or of 200,000 lines that use maps: `big-profile cpu|heap|sites
//! FILE`. Always the same bytes.
//!
//! Shape: 32 to 35 MB inflated, 24 to 27 MB gzip, as a real heap profile of a Go program with as many stacks (31 and
//! 22). Each frame is one of 1,000 locations at random, so that gzip finds as little as in that one; one location in
//! five holds an inlined function. In the CPU profile two leaves in three are a map assignment with a part of a grow;
//! in the heap profile, where Go leaves out frames of the runtime, samples have the label `bytes`.

use std::fs::File;
use std::io::BufWriter;

use gopprof::{
    Function, Label, LabelValue, Line, Location, LocationIdx, Mapping, MappingIdx, Profile,
    ProfileBuilder, ValueType, write_profile,
};

const N_SAMPLES: usize = 250_000;
const N_FRAMES: usize = 63;
const N_LOCATIONS: u64 = 1_000;
const N_SITES: u64 = 200_000;
const PERIOD_NS: i64 = 10_000_000;

/// The innermost frames of a map assignment, leaf first.
///
/// Source: names and files of Go 1.24 and later.
const MAP_FRAMES: [&[(&str, &str)]; 4] = [
    &[("runtime.mapassign_faststr", "internal/runtime/maps/runtime_faststr.go")],
    &[
        ("internal/runtime/maps.(*table).uncheckedPutSlot", "internal/runtime/maps/table.go"),
        ("internal/runtime/maps.(*table).grow", "internal/runtime/maps/table.go"),
        ("internal/runtime/maps.(*table).rehash", "internal/runtime/maps/table.go"),
        ("runtime.mapassign_faststr", "internal/runtime/maps/runtime_faststr.go"),
    ],
    &[
        ("aeshashbody", "runtime/asm_amd64.s"),
        ("runtime.mapassign_faststr", "internal/runtime/maps/runtime_faststr.go"),
    ],
    &[
        ("runtime.memclrNoHeapPointers", "runtime/memclr_amd64.s"),
        ("runtime.mallocgcLarge", "runtime/malloc.go"),
        ("runtime.mallocgc", "runtime/malloc.go"),
        ("internal/runtime/maps.newarray", "runtime/malloc.go"),
        ("internal/runtime/maps.(*table).reset", "internal/runtime/maps/table.go"),
        ("internal/runtime/maps.newTable", "internal/runtime/maps/table.go"),
        ("internal/runtime/maps.(*table).grow", "internal/runtime/maps/table.go"),
        ("internal/runtime/maps.(*table).rehash", "internal/runtime/maps/table.go"),
        ("runtime.mapassign_faststr", "internal/runtime/maps/runtime_faststr.go"),
    ],
];

/// Block sizes of a growing `map[string]int`, Swiss.
const BLOCK_BYTES: [i64; 6] = [200, 416, 896, 1792, 3456, 6528];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let profile = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["cpu", _] => cpu_profile(),
        ["heap", _] => heap_profile(),
        ["sites", _] => sites_profile(),
        _ => return Err("usage: big-profile cpu|heap|sites FILE".into()),
    };
    write_profile(&profile, BufWriter::new(File::create(&args[1])?))?;
    Ok(())
}

fn cpu_profile() -> Profile {
    let mut maker = Maker::new(&[("samples", "count"), ("cpu", "nanoseconds")], PERIOD_NS);
    let map_stacks = MAP_FRAMES.map(|frames| maker.map_stack(frames));
    maker.add_samples(|random, stack| {
        if random.below(3) > 0 {
            stack.extend(&map_stacks[random.below(4) as usize]);
        }
        let n = 1 + random.below(3) as i64;
        (vec![n, n * PERIOD_NS], None)
    });
    maker.builder.finish()
}

/// Each sample at a line of its own, in a function of its own.
fn sites_profile() -> Profile {
    let mut maker = Maker::new(&[("samples", "count"), ("cpu", "nanoseconds")], PERIOD_NS);
    let assign = maker.map_stack(MAP_FRAMES[0]);
    let main = maker.map_stack(&[("runtime.main", "runtime/proc.go")]);
    for site in 0..N_SITES {
        let user = maker.user_location(2 * site);
        let stack = [assign[0], user, main[0]];
        maker.builder.sample(&stack, &[1, PERIOD_NS], &[]);
    }
    maker.builder.finish()
}

fn heap_profile() -> Profile {
    let types = [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ];
    let mut maker = Maker::new(&types, 512 << 10);
    maker.add_samples(|random, _| {
        let bytes = BLOCK_BYTES[random.below(6) as usize];
        let allocated = 1 + random.below(100) as i64;
        let in_use = random.below(2) as i64;
        (vec![allocated, allocated * bytes, in_use, in_use * bytes], Some(bytes))
    });
    maker.builder.finish()
}

struct Maker {
    builder: ProfileBuilder,
    mapping: MappingIdx,
    next_address: u64,
}

impl Maker {
    /// The last type is that of the period.
    fn new(types: &[(&str, &str)], period: i64) -> Maker {
        let mut builder = ProfileBuilder::default();
        let mut value_type = |&(kind, unit): &(&str, &str)| ValueType {
            kind: builder.string(kind),
            unit: builder.string(unit),
        };
        let sample_types: Vec<ValueType> = types.iter().map(&mut value_type).collect();
        let head = builder.profile_mut();
        head.period_type = sample_types.last().copied();
        head.sample_types = sample_types;
        head.period = period;
        head.duration_nanos = 3_000_000_000_000;
        head.time_nanos = 1_750_000_000_000_000_000;
        let filename = builder.string("/srv/service");
        let build_id = builder.string("4d6170730123456789abcdef");
        let mapping = builder.mapping(Mapping {
            memory_start: 0x40_0000,
            memory_limit: 0x140_0000,
            filename,
            build_id,
            has_functions: true,
            ..Mapping::default()
        });
        Maker { builder, mapping, next_address: 0x40_1000 }
    }

    /// Adds the samples; `leaf` may start the stack, and gives the values and the size of the objects.
    fn add_samples(
        &mut self,
        leaf: impl Fn(&mut Random, &mut Vec<LocationIdx>) -> (Vec<i64>, Option<i64>),
    ) {
        let user: Vec<LocationIdx> = (0..N_LOCATIONS).map(|i| self.user_location(i)).collect();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut stack = Vec::with_capacity(N_FRAMES);
        for _ in 0..N_SAMPLES {
            stack.clear();
            let (values, bytes) = leaf(&mut random, &mut stack);
            while stack.len() < N_FRAMES {
                stack.push(user[random.below(N_LOCATIONS) as usize]);
            }
            let label = |value| Label { key: "bytes", value: LabelValue::Num { value, unit: "" } };
            let labels: Vec<Label<'_>> = bytes.map(label).into_iter().collect();
            self.builder.sample(&stack, &values, &labels);
        }
    }

    fn line(&mut self, name: &str, file: &str, line: i64) -> Line {
        let name = self.builder.string(name);
        let filename = self.builder.string(file);
        let function =
            Function { name, system_name: name, filename, start_line: 10, ..Function::default() };
        Line { function: Some(self.builder.function(function)), line, column: 0 }
    }

    fn location(&mut self, lines: Vec<Line>) -> LocationIdx {
        self.next_address += 64;
        let (mapping, address) = (Some(self.mapping), self.next_address);
        self.builder.location(Location { mapping, address, lines, ..Location::default() })
    }

    fn map_stack(&mut self, frames: &[(&str, &str)]) -> Vec<LocationIdx> {
        frames
            .iter()
            .map(|(name, file)| {
                let line = self.line(name, file, 100);
                self.location(vec![line])
            })
            .collect()
    }

    fn user_location(&mut self, i: u64) -> LocationIdx {
        let package = i % 40;
        let file = format!("example.org/service/internal/p{package}/handler.go");
        let name = format!("example.org/service/internal/p{package}.(*Handler).Step{}", i / 2);
        let mut lines = vec![self.line(&name, &file, 20 + i as i64)];
        if i.is_multiple_of(5) {
            let inlined = format!("example.org/service/internal/p{package}.add{}", i / 5);
            lines.insert(0, self.line(&inlined, &file, 12));
        }
        self.location(lines)
    }
}

/// Numbers that look random, the same ones each time.
///
/// Source: xorshift64*, Vigna 2016, "An experimental exploration of Marsaglia's xorshift generators, scrambled".
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }
}
