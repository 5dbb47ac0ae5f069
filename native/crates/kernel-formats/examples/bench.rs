//! Times the writers on a table held in memory: `bench FILE [zstd|snappy|csv] [REPEATS]`.
//!
//! FILE is a Parquet file (apps/bench/peers/parquet.py makes it). Prints `{"seconds", "bytes", "rows"}`,
//! seconds being the minimum of the repeats, from the creation of the file until it is on the disk.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use kernel_formats::{
    Compression, CsvWriteParams, CsvWriter, FileSummary, ParquetReadParams, ParquetReader,
    ParquetWriteParams, ParquetWriter,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(
        arguments
            .next()
            .ok_or("usage: bench FILE [zstd|snappy|csv] [REPEATS]")?,
    );
    let codec = arguments.next().unwrap_or_else(|| "zstd".to_owned());
    let repeats = arguments
        .next()
        .map_or(Ok(5), |text| text.parse::<usize>())?
        .max(1);

    let reader = ParquetReader::open(&source, &ParquetReadParams::default())?;
    let schema = reader.schema();
    let batches = reader.collect::<kernel_formats::Result<Vec<_>>>()?;

    let target = source.with_extension(format!("bench-{codec}"));
    let mut best = f64::INFINITY;
    let mut summary = None;
    for _ in 0..repeats {
        if target.exists() {
            std::fs::remove_file(&target)?;
        }
        let begin = Instant::now();
        summary = Some(write(&target, &codec, schema.clone(), &batches)?);
        best = best.min(begin.elapsed().as_secs_f64());
    }
    if std::env::var_os("KEEP").is_none() {
        std::fs::remove_file(&target)?;
    }
    let summary = summary.ok_or("nothing was written")?;
    println!(
        r#"{{"seconds": {best:.4}, "bytes": {}, "rows": {}}}"#,
        summary.bytes, summary.rows
    );
    Ok(())
}

fn write(
    target: &Path,
    codec: &str,
    schema: SchemaRef,
    batches: &[RecordBatch],
) -> Result<FileSummary, Box<dyn Error>> {
    if codec == "csv" {
        let mut writer = CsvWriter::create(target, schema, &CsvWriteParams::default())?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        return Ok(writer.finish()?);
    }
    let compression = match codec {
        "zstd" => Compression::Zstd(3),
        "snappy" => Compression::Snappy,
        other => return Err(format!("unknown codec {other:?}").into()),
    };
    let params = ParquetWriteParams {
        compression,
        ..ParquetWriteParams::default()
    };
    let mut writer = ParquetWriter::create(target, schema, &params)?;
    batches.iter().try_for_each(|batch| writer.write(batch))?;
    Ok(writer.finish()?)
}
