//! What decoders of single messages, such as those of a topic, give.

use arrow_array::RecordBatch;

/// A message that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMessage {
    /// Which of the messages it is, from 0.
    pub index: usize,
    /// What is wrong with it; places in it are bytes from its beginning, from 0.
    pub reason: String,
}

/// What messages gave.
#[derive(Debug)]
pub struct DecodedMessages {
    /// The rows of the sound messages, in their order, one each.
    pub rows: RecordBatch,
    /// The others.
    pub invalid: Vec<InvalidMessage>,
    /// How many messages that were; the batch was full before the next one.
    pub taken: usize,
}
