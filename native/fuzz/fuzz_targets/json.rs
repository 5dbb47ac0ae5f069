//! Any bytes as a JSON file, in both layouts: the inferred schema, all rows that fit it, and the others' messages.

#![no_main]

#[path = "../decoders/json.rs"]
mod json_decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| json_decoder::decode(data));
