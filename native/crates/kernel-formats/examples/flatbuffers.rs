//! Times the decoder of FlatBuffers messages: `flatbuffers SCHEMA [COUNT] [REPEATS]`.
//!
//! SCHEMA is a table with the columns satellite_name, timestamp and value (tests/fixtures/flatbuffers/event.fbs). Prints
//! `{"messages", "bytes", "seconds", "per_second"}` for one thread, seconds being the minimum of the repeats.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use kernel_formats::{FlatbuffersDecoder, FlatbuffersEncoder, FlatbuffersSchema};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: flatbuffers SCHEMA [COUNT] [REPEATS]";
    let path = PathBuf::from(arguments.next().ok_or(usage)?);
    let count: usize = arguments
        .next()
        .map_or(Ok(1_000_000), |text| text.parse())?;
    let repeats: usize = arguments.next().map_or(Ok(7), |text| text.parse())?;
    let schema = FlatbuffersSchema::open(&path, None)?;
    let names = (0..count).map(|row| format!("satellite-{:04}", row % 1000));
    let times = (0..count).map(|row| 1_767_225_600_000_000_000 + row as u64);
    let values = (0..count).map(|row| (row as f64 / 7.0).sin());
    let columns: [(&str, ArrayRef); 3] = [
        (
            "satellite_name",
            Arc::new(StringArray::from_iter_values(names)),
        ),
        ("timestamp", Arc::new(UInt64Array::from_iter_values(times))),
        ("value", Arc::new(Float64Array::from_iter_values(values))),
    ];
    let rows = RecordBatch::try_from_iter(columns)?;
    let encoded = FlatbuffersEncoder::new(&schema, &rows.schema())?.encode(&rows)?;
    let mut decoder = FlatbuffersDecoder::new(&schema);
    let mut best = f64::INFINITY;
    for _ in 0..repeats {
        let begin = Instant::now();
        let mut decoded = 0;
        for messages in encoded.ranges.chunks(1 << 16) {
            decoded += decoder.decode(&encoded.bytes, messages).rows.num_rows();
        }
        best = best.min(begin.elapsed().as_secs_f64());
        assert_eq!(decoded, count, "every message is sound");
    }
    let per_second = count as f64 / best;
    println!(
        r#"{{"messages": {count}, "bytes": {}, "seconds": {best:.4}, "per_second": {per_second:.0}}}"#,
        encoded.bytes.len()
    );
    Ok(())
}
