//! Parquet ↔ Arrow record batches.

mod bounds;
mod encode_queue;
mod files;
mod flat;
mod int96;
mod params;
mod prune;
mod reader;
mod row_groups;
mod thrift;
mod writer;

pub use files::ParquetFiles;
pub use params::{Compression, ParquetReadParams, ParquetWriteParams};
pub use reader::{ParquetReader, read_parquet_schema};
pub use writer::{ParquetWriter, encode_parquet};
