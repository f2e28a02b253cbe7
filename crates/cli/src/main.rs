//! The binary `mapscope`.
fn main() {}
