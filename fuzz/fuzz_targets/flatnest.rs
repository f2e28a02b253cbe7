//! Any list of operations: the map and its model agree, and the map's invariants hold.
#![no_main]

#[path = "../../lib/flatnest/tests/it/model.rs"]
mod model;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|list: &[u8]| model::apply_to_some(list));
