//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function here.
pub type Result<T, E = KafkaError> = std::result::Result<T, E>;

/// Why messages could not be read or written: one variant per cause.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// A record batch is not what the message format says.
    #[error(
        "partition {partition}, record batch at offset {offset}: {reason}; the batch is damaged, at the broker or on its way"
    )]
    Corrupt {
        /// Where it was fetched from.
        partition: i32,
        /// The first offset that the batch says it has.
        offset: i64,
        /// What was found.
        reason: String,
    },
    /// The bytes of a record batch are not those that its producer wrote.
    #[error(
        "partition {partition}, record batch at offset {offset}: its checksum is {found:#010x}, not {expected:#010x}; the batch is damaged, at the broker or on its way"
    )]
    Checksum {
        /// Where it was fetched from.
        partition: i32,
        /// The first offset of the batch.
        offset: i64,
        /// What the batch says.
        expected: u32,
        /// CRC-32C of its bytes.
        found: u32,
    },
    /// Messages of a format that Kafka wrote before version 0.11.
    #[error(
        "partition {partition}, offset {offset}: messages of format {magic} are not read; Kafka writes format 2 since version 0.11, copy the topic with a newer client"
    )]
    OldFormat {
        /// Where they were fetched from.
        partition: i32,
        /// The offset of the first one.
        offset: i64,
        /// The format's number.
        magic: i8,
    },
    /// A compressed record batch unfolds to more than is taken.
    #[error(
        "partition {partition}, record batch at offset {offset}: it unfolds to more than {limit} bytes; write smaller batches"
    )]
    TooLarge {
        /// Where it was fetched from.
        partition: i32,
        /// The first offset of the batch.
        offset: i64,
        /// What a batch may unfold to, in bytes.
        limit: usize,
    },
    /// The keys or headers of the messages do not fit into one column.
    #[error("the {what} of these messages are more than 2 GiB; read fewer messages at a time")]
    ColumnTooLarge {
        /// "keys" or "headers".
        what: &'static str,
    },
    /// A message is asked for that is not there.
    #[error("there is no message {index}; there are {count}")]
    NoMessage {
        /// The one asked for, from 0.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// The operating system refused a staged file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A staged file is not what was written.
    #[error("{} {reason}; it was changed since it was written", path.display())]
    Staged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A batch, of one message as a rule, is larger than the topic takes.
    #[error(
        "row {row} is a message of {bytes} bytes, and the topic takes {limit} at a time; raise its \"max.message.bytes\", compress the messages, or make them smaller"
    )]
    MessageTooLarge {
        /// The row, from 0.
        row: u64,
        /// What its value has.
        bytes: usize,
        /// What the topic takes.
        limit: usize,
    },
    /// There is no partition to write to.
    #[error("a topic has at least one partition")]
    NoPartition,
    /// A batch could not be compressed.
    #[error("a record batch could not be compressed: {source}")]
    Compress {
        /// What the library said.
        source: io::Error,
    },
    /// Something else than a record batch was given to be sent.
    #[error("{bytes} bytes are no record batch")]
    NotABatch {
        /// How many there are.
        bytes: usize,
    },
    /// Whoever asked for the messages does not want them any more.
    #[error("the reading was cancelled")]
    Cancelled,
}

impl KafkaError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { path, source }
    }
}

/// What is wrong with a batch, before its place is known.
#[derive(Debug)]
pub(crate) enum Fault {
    Unsound(String),
    TooLarge(usize),
    Checksum { expected: u32, found: u32 },
}

impl Fault {
    pub(crate) fn unsound(reason: impl Into<String>) -> Self {
        Self::Unsound(reason.into())
    }

    pub(crate) fn at(self, partition: i32, offset: i64) -> KafkaError {
        match self {
            Self::Unsound(reason) => KafkaError::Corrupt {
                partition,
                offset,
                reason,
            },
            Self::TooLarge(limit) => KafkaError::TooLarge {
                partition,
                offset,
                limit,
            },
            Self::Checksum { expected, found } => KafkaError::Checksum {
                partition,
                offset,
                expected,
                found,
            },
        }
    }
}
