//! CSV (RFC 4180, lines ending in LF) ↔ Arrow record batches.

mod calendar;
mod column_builder;
mod encode;
mod infer;
mod params;
mod reader;
mod row_scanner;
mod writer;

pub use infer::infer_csv_schema;
pub use params::{CsvReadParams, CsvWriteParams};
pub use reader::CsvReader;
pub use writer::{CsvWriter, encode_csv};
