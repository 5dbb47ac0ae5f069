//! Times the decoder of FlatBuffers messages on one thread: `flatbuffers SCHEMA FILE COLUMN [REPEATS]`.
//!
//! FILE holds messages with their lengths before them. Prints `{"rows", "sum", "seconds"}`: the sum of a column of float64, and
//! the least time of the repeats, for all messages into batches of as many rows as the addon has in one.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use kernel_formats::{FlatbuffersDecoder, FlatbuffersSchema};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH_MESSAGES: usize = 1 << 15;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: flatbuffers SCHEMA FILE COLUMN [REPEATS]";
    let schema = FlatbuffersSchema::open(&PathBuf::from(arguments.next().ok_or(usage)?), None)?;
    let bytes = std::fs::read(arguments.next().ok_or(usage)?)?;
    let column = arguments.next().ok_or(usage)?;
    let repeats: usize = arguments.next().map_or(Ok(9), |text| text.parse())?;
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into()?) as usize;
        ranges.push(at + 4..at + 4 + length);
        at += 4 + length;
    }
    let mut decoder = FlatbuffersDecoder::new(&schema);
    let mut seconds = f64::INFINITY;
    let mut sum = 0.0;
    for _ in 0..repeats {
        let mut taken = 0.0;
        sum = 0.0;
        for messages in ranges.chunks(BATCH_MESSAGES) {
            let started = Instant::now();
            let decoded = decoder.decode(&bytes, messages);
            taken += started.elapsed().as_secs_f64();
            let values = decoded.rows.column_by_name(&column).ok_or(usage)?;
            sum += values
                .as_primitive::<Float64Type>()
                .values()
                .iter()
                .sum::<f64>();
            assert_eq!(
                decoded.rows.num_rows(),
                messages.len(),
                "every message is sound"
            );
        }
        seconds = seconds.min(taken);
    }
    let rows = ranges.len();
    println!(r#"{{"rows": {rows}, "sum": {sum}, "seconds": {seconds:.6}}}"#);
    Ok(())
}
