//! CSV (RFC 4180, lines ending in LF) ↔ Arrow record batches.

mod column_builder;
mod encode;
mod files;
mod infer;
mod params;
mod reader;
mod row_scanner;
mod survey;
mod writer;

pub(crate) use column_builder::parse_decimal;
pub(crate) use encode::{instants, write_decimal, write_float, write_integer};
pub use files::CsvFiles;
pub use infer::infer_csv_schema;
pub use params::{CsvReadParams, CsvWriteParams};
pub use reader::CsvReader;
pub use writer::{CsvWriter, encode_csv};
