//! The schemas under `docs/schema` are those of the types.

use expect_test::expect_file;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use super::asm::Listing;
use super::compare::{Benchmarks, Comparison};
use super::diagnosis::Diagnosis;
use super::lab::Lab;
use super::recorded::Recorded;
use super::scan::Scan;
use super::what_if::WhatIf;

fn check<T: JsonSchema>(name: &str) {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.into_root_schema_for::<T>();
    let schema = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    let file = format!("{}/../../docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    expect_file![file].assert_eq(&(schema + "\n"));
}

#[test]
fn committed_schemas_are_those_of_the_reports() {
    check::<Diagnosis<'static>>("diagnose");
    check::<Scan<'static>>("scan");
    check::<Listing<'static>>("asm");
    check::<Comparison<'static>>("compare");
    check::<Benchmarks<'static>>("compare-benchmarks");
    check::<WhatIf<'static>>("whatif");
    check::<Recorded<'static>>("whatif-recorded");
    check::<Lab<'static>>("lab");
}
