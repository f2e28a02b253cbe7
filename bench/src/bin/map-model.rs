//! Times the model of Go's map: the closed form a call, the simulation an operation, at the work that mapops does.

use std::hint::black_box;
use std::time::{Duration, Instant};

use goabi::GoVersion;
use gomap::MapShape;
use gomap_oracle::{Op, Simulation};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [version, rounds] = &arguments[..] else { panic!("usage: map-model VERSION ROUNDS") };
    let version = GoVersion::parse(&format!("go{version}")).expect("a version");
    let shape = shape(version, "map[int]int");
    let bench = Bench { version, shape, rounds: rounds.parse().expect("a number of rounds") };
    bench.simulations();
    bench.forecasts();
}

struct Bench {
    version: GoVersion,
    shape: MapShape,
    rounds: u32,
}

impl Bench {
    fn simulations(&self) {
        let million = || self.insert(0, 1_000_000);
        self.report("insert/1000000", 1_000_000, million);
        self.report("insert/1000", 1_000_000, || (0..1000).for_each(|_| self.insert(0, 1000)));
        self.report("insert/8", 800_000, || (0..100_000).for_each(|_| self.insert(0, 8)));
        self.report("hinted/100000", 100_000, || self.insert(100_000, 100_000));
        self.report("window/3000", 600_000, || self.window(3000, 300_000));
        self.report("overwrite/1000", 1_000_000, || self.overwrite());
    }

    fn forecasts(&self) {
        for map in ["map[int]int", "map[string]int"] {
            let shape = shape(self.version, map);
            for (n, hint) in [(8, 0), (244, 0), (1000, 1000), (10_000, 0), (1_000_000, 0)] {
                let name = format!("forecast/{map}/{n}/{hint}");
                let call = || _ = black_box(shape.forecast(black_box(n), black_box(hint)));
                self.report(&name, 10_000, || (0..10_000).for_each(|_| call()));
            }
        }
    }

    fn report(&self, name: &str, n_ops: u32, work: impl Fn()) {
        let time = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        let best = (0..self.rounds).map(time).min().unwrap_or(Duration::ZERO);
        println!("{name} {:.1}", best.as_nanos() as f64 / f64::from(n_ops));
    }

    fn make(&self, hint: u64) -> Simulation {
        Simulation::new(self.shape, hint, 1).expect("a small hint")
    }

    fn insert(&self, hint: u64, n: u64) {
        let mut map = self.make(hint);
        (0..n).for_each(|key| map.apply(Op::Set(key)));
        black_box(map.outcome());
    }

    fn window(&self, n: u64, total: u64) {
        let mut map = self.make(0);
        for key in 0..total {
            map.apply(Op::Set(key));
            map.apply(Op::Delete(key.wrapping_sub(n)));
        }
        black_box(map.outcome());
    }

    fn overwrite(&self) {
        let mut map = self.make(0);
        (0..1_000_000).for_each(|key| map.apply(Op::Set(key % 1000)));
        black_box(map.outcome());
    }
}

fn shape(version: GoVersion, map: &str) -> MapShape {
    let map = map.parse().expect("a map type");
    MapShape::new(version, &map).expect("a known version")
}
