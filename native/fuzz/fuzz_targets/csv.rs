//! Any bytes as a CSV file: the inferred schema, and all rows that fit it.

#![no_main]

#[path = "../decoders/csv.rs"]
mod csv_decoder;

use libfuzzer_sys::fuzz_target;

// Panics of the libraries below are contained by the kernel, which is no finding; one that leaves it aborts.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| csv_decoder::decode(data));
