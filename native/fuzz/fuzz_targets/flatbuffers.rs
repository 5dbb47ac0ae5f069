//! Any bytes as a message of a schema with every kind of field, and as the text of a schema.

#![no_main]

#[path = "../decoders/flatbuffers.rs"]
mod flatbuffers_decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| flatbuffers_decoder::decode(data));
