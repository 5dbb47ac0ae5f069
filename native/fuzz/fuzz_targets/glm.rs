//! Any bytes as a GLM granule, all three tables.

#![no_main]

#[path = "../decoders/glm.rs"]
mod glm_decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| glm_decoder::decode(data));
