//! Parquet and CSV ↔ Arrow record batches.
//!
//! Writers stream with bounded memory, use every core, and give the same bytes for the same rows
//! however the rows are cut into batches. A finished file is on the disk and its checksum known.
//! Readers never trust a file: damage is an error, not a crash.

mod csv;
mod durable_file;
mod error;
mod guard;
mod input;
mod parquet;

pub use csv::{CsvReadParams, CsvReader, CsvWriteParams, CsvWriter, encode_csv, infer_csv_schema};
pub use durable_file::{FileChecksum, FileSummary, checksum_file};
pub use error::{FormatsError, Result};
pub use input::Input;
pub use parquet::{
    Compression, ParquetReadParams, ParquetReader, ParquetWriteParams, ParquetWriter,
    encode_parquet, read_parquet_schema,
};
