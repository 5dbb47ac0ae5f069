//! Any bytes as what a broker answers.

#![no_main]

#[path = "../decoders/kafka.rs"]
mod kafka_decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| kafka_decoder::decode(data));
