//! Any bytes in each form: an error, or valid profiles with a value for each type.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otlp::{Form, parse};

fuzz_target!(|bytes: &[u8]| {
    let _ = Form::of(bytes);
    for form in [Form::Proto, Form::FramedProto, Form::Json] {
        let Ok(parsed) = parse(bytes, form) else { continue };
        for of in parsed.value {
            of.profile.check_valid().expect("what was read is valid");
            for sample in of.profile.samples() {
                assert_eq!(sample.values().count(), of.profile.sample_types.len());
            }
        }
    }
});
