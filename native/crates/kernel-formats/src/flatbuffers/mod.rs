//! FlatBuffers messages ↔ record batches, by a schema that is read when a pipeline is planned.

mod bfbs;
mod column;
mod decode;
mod encode;
mod fbs;
mod fbs_tokens;
mod files;
mod framing;
mod load;
mod plan;
mod resolve;
mod schema;
mod wire;
mod writer;

pub use decode::FlatbuffersDecoder;
pub use encode::{EncodedMessages, FlatbuffersEncoder};
pub use files::FlatbuffersFiles;
pub use load::FlatbuffersSchema;
pub use writer::FlatbuffersWriter;
