//! Parquet ↔ Arrow record batches.

mod bounds;
mod encode_queue;
mod flat;
mod params;
mod reader;
mod row_groups;
mod thrift;
mod writer;

pub use params::{Compression, ParquetReadParams, ParquetWriteParams};
pub use reader::{ParquetReader, read_parquet_schema};
pub use writer::{ParquetWriter, encode_parquet};
