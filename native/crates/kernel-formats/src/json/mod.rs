//! JSON (RFC 8259), as lines of objects or as an array of them ↔ Arrow record batches.

mod column;
mod content;
mod cursor;
mod encode;
mod files;
mod infer;
mod messages;
mod number;
mod params;
mod rows;
mod survey;
mod writer;

pub use files::JsonFilesReader;
pub use infer::infer_json_schema;
pub use messages::JsonMessageDecoder;
pub use params::{JsonLayout, JsonReadParams, JsonWriteParams};
pub(crate) use survey::Unsound;
pub use writer::{JsonWriter, encode_json};
