//! What `xtask` gives to tests, and the rules of the house.
#![allow(clippy::unwrap_used)]

mod docs;
mod fixture;
mod go;
mod house;
