//! Any bytes as a CF file: the schema, the table of the default dimension, and some constants.

#![no_main]

#[path = "../decoders/netcdf.rs"]
mod netcdf_decoder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| netcdf_decoder::decode(data));
