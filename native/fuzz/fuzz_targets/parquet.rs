//! Any bytes as a Parquet file: its schema, and all batches of two sizes.

#![no_main]

#[path = "../decoders/parquet.rs"]
mod parquet_decoder;

use libfuzzer_sys::fuzz_target;

// Panics of the libraries below are contained by the kernel, which is no finding; one that leaves it aborts.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |data: &[u8]| parquet_decoder::decode(data));
