//! Parquet, CSV, JSON and FlatBuffers ↔ Arrow record batches.
//!
//! Writers stream with bounded memory, use every core, and give the same bytes for the same rows
//! however the rows are cut into batches. A finished file is on the disk and its checksum known.
//! Readers never trust a file: damage is an error, not a crash.

mod calendar;
mod compressed;
mod condition;
mod conform;
mod csv;
mod durable_file;
mod encoding;
mod error;
mod files;
mod flatbuffers;
mod guard;
mod input;
mod json;
mod messages;
mod nested;
mod numbers;
mod parquet;
mod partition;
mod read_ahead;
mod text_writer;

pub use compressed::TextCompression;
pub use condition::{Comparison, Condition};
pub use conform::{Constant, conform};
pub use csv::{
    CsvFiles, CsvReadParams, CsvReader, CsvWriteParams, CsvWriter, encode_csv, infer_csv_schema,
};
pub use durable_file::{FileChecksum, FileSummary, checksum_file};
pub use encoding::TextEncoding;
pub use error::{FormatsError, Result};
pub use files::{FilePieces, FileRows, FilesItem, FilesReader, InputFile, ReadFile};
pub use flatbuffers::{
    EncodedMessages, FlatbuffersDecoder, FlatbuffersEncoder, FlatbuffersFiles, FlatbuffersSchema,
    FlatbuffersWriter,
};
pub use input::Input;
pub use json::{
    JsonFilesReader, JsonLayout, JsonMessageDecoder, JsonReadParams, JsonWriteParams, JsonWriter,
    encode_json, infer_json_schema,
};
pub use messages::{DecodedMessages, InvalidMessage};
pub use nested::{
    canonical, canonical_schema, canonical_type, key_and_value, map_type, shredded_variant,
};
pub use parquet::{
    Compression, ParquetFiles, ParquetReadParams, ParquetReader, ParquetWriteParams, ParquetWriter,
    encode_parquet, read_parquet_schema,
};
pub use partition::{Partition, partitions};
