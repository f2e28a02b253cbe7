//! Sums flat and cumulative values by function with gopprof: what a list of hot functions takes at least.

use std::fs::File;

use gopprof::{Limits, read_profile};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: flat-cum FILE")?;
    let profile = read_profile(File::open(path)?, &Limits::default())?.value;
    let n_functions = profile.functions.len();
    let (mut flat, mut cum) = (vec![0i64; n_functions], vec![0i64; n_functions]);
    let mut seen_in = vec![0u32; n_functions];
    for (nth, sample) in (1..).zip(profile.samples()) {
        let value = sample.values().last().unwrap_or(0);
        let mut is_leaf = true;
        for location in sample.locations() {
            for line in &profile.locations[location.index()].lines {
                let Some(function) = line.function else { continue };
                let function = function.index();
                if std::mem::take(&mut is_leaf) {
                    flat[function] += value;
                }
                // A recursive function counts once for each sample.
                if std::mem::replace(&mut seen_in[function], nth) != nth {
                    cum[function] += value;
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n_functions).collect();
    order.sort_by_key(|&f| std::cmp::Reverse((flat[f], cum[f])));
    for &f in order.iter().take(10) {
        println!("{:>16} {:>16} {}", flat[f], cum[f], profile.str(profile.functions[f].name));
    }
    Ok(())
}
