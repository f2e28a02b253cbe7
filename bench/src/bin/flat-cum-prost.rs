//! As flat-cum, with prost as the decoder: the rival of the hand-written one.

use std::io::Read;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    kind: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "3")]
    address: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: flat-cum-prost FILE")?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    let profile = Profile::decode(bytes.as_slice())?;
    drop(bytes);
    // The big profile has dense ids; a reader for all profiles would have to map and check them here.
    let n_functions = profile.function.len();
    let (mut flat, mut cum) = (vec![0i64; n_functions], vec![0i64; n_functions]);
    let mut seen_in = vec![0u32; n_functions];
    for (nth, sample) in (1..).zip(&profile.sample) {
        let value = sample.value.last().copied().unwrap_or(0);
        let mut is_leaf = true;
        for location in &sample.location_id {
            for line in &profile.location[*location as usize - 1].line {
                let function = line.function_id as usize - 1;
                if std::mem::take(&mut is_leaf) {
                    flat[function] += value;
                }
                if std::mem::replace(&mut seen_in[function], nth) != nth {
                    cum[function] += value;
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n_functions).collect();
    order.sort_by_key(|&f| std::cmp::Reverse((flat[f], cum[f])));
    for &f in order.iter().take(10) {
        let name = &profile.string_table[profile.function[f].name as usize];
        println!("{:>16} {:>16} {name}", flat[f], cum[f]);
    }
    Ok(())
}
