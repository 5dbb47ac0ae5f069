//! Record batches of Apache Kafka, message format 2, as brokers send and take them.
//!
//! [`MessageSet`] reads them: checksums, compression and records, without a copy per message, and never trusting what
//! came. What its messages hold is for others to decode; what they have beside it becomes Arrow columns
//! ([`Metadata`]).
//!
//! [`StagedMessages`] writes them: rows of a file become batches of every partition, which [`stamp_batch`] finishes when
//! they are sent.

mod batch_writer;
mod compression;
mod error;
mod fetched;
mod header;
mod key_line;
mod message_set;
mod metadata;
mod partitioner;
mod record;
mod row_reader;
mod staged;
mod varint;

pub use batch_writer::{Stamp, stamp_batch};
pub use compression::Compression;
pub use error::{KafkaError, Result};
pub use fetched::{AbortedTransaction, FetchedPartition};
pub use message_set::{MessageSet, MessageSetBuilder, ParseParams, Piece, PlainMessage};
pub use metadata::Metadata;
pub use partitioner::{Partitioner, partition_of_key};
pub use row_reader::Framing;
pub use staged::{EncodedBatch, StagedMessages, StagedParams};
