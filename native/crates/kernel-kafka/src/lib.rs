//! Record batches of Apache Kafka, message format 2, as brokers send and take them.
//!
//! [`MessageSet`] reads them: checksums, compression and records, without a copy per message, and never trusting what
//! came. What its messages hold is for others to decode; what they have beside it becomes Arrow columns
//! ([`Metadata`]).

mod compression;
mod error;
mod fetched;
mod header;
mod message_set;
mod metadata;
mod record;
mod varint;

pub use error::{KafkaError, Result};
pub use fetched::{AbortedTransaction, FetchedPartition};
pub use message_set::{MessageSet, MessageSetBuilder, ParseParams, Piece, PlainMessage};
pub use metadata::Metadata;
