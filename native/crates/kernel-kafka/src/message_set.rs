//! Messages of several partitions, where they came in.

use std::ops::Range;

use bytes::Bytes;
use rayon::prelude::*;

use crate::error::{KafkaError, Result};
use crate::fetched::{Block, Bounds, FetchedPartition, read_partition};
use crate::record::{Message, RecordHeader, Span, put_header, take_header};

/// Bounds of what [`MessageSet::parse`] takes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseParams {
    /// What a compressed batch may unfold to, in bytes; more is an error. Default: 128 MiB.
    pub batch_bytes_max: usize,
    /// What all compressed batches together may unfold to before the rest is left for later, in bytes. Default: 256 MiB.
    pub unfolded_bytes: usize,
    /// How many messages there may be before the rest is left for later. Default: 2,097,152.
    pub messages: usize,
}

impl Default for ParseParams {
    fn default() -> Self {
        Self {
            batch_bytes_max: 128 << 20,
            unfolded_bytes: 256 << 20,
            messages: 1 << 21,
        }
    }
}

/// Messages in the order of their partitions, as these were given, and of their offsets.
pub struct MessageSet {
    pub(crate) blocks: Vec<Block>,
    /// The index of each block's first message, and behind them how many messages there are.
    firsts: Vec<usize>,
    next: Vec<(i32, i64)>,
}

/// Messages that lie in one buffer.
pub struct Piece<'a> {
    /// The index of the first one.
    pub first: usize,
    /// The buffer.
    pub bytes: &'a [u8],
    messages: &'a [Message],
}

impl<'a> Piece<'a> {
    /// Where the value of each message is in the buffer; none for a message without a value.
    pub fn values(&self) -> impl Iterator<Item = Option<Range<usize>>> + use<'a> {
        self.messages.iter().map(|message| message.value.range())
    }

    /// How many messages there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.messages.len()
    }
}

impl MessageSet {
    /// Reads record batches as a broker answers them, the partitions beside each other on the threads of the rayon pool:
    /// message format 2, each batch with its checksum. Batches that only hold marks of transactions are left out, and those of
    /// `aborted` transactions. A batch that is cut off ends its partition; so do the bounds, after a whole batch.
    ///
    /// Values stay where they came in; compressed batches are unfolded behind each other. 40 bytes more per message.
    ///
    /// Errors: [`KafkaError::Corrupt`], [`KafkaError::Checksum`], [`KafkaError::OldFormat`], [`KafkaError::TooLarge`],
    /// [`KafkaError::Cancelled`].
    pub fn parse(
        fetched: Vec<FetchedPartition>,
        params: &ParseParams,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self> {
        let share = fetched.len().max(1);
        let bounds = Bounds {
            batch_bytes_max: params.batch_bytes_max,
            unfolded_bytes: (params.unfolded_bytes / share).max(1),
            messages: (params.messages / share).max(1),
        };
        let read = |one: FetchedPartition| {
            let partition = one.partition;
            Ok((partition, read_partition(one, bounds, is_cancelled)?))
        };
        let parts: Vec<_> = fetched.into_par_iter().map(read).collect::<Result<_>>()?;
        let next = parts
            .iter()
            .map(|(partition, part)| (*partition, part.next));
        let next = next.collect();
        let blocks = parts.into_iter().flat_map(|(_, part)| part.blocks);
        Ok(Self::new(blocks.collect(), next))
    }

    pub(crate) fn new(blocks: Vec<Block>, next: Vec<(i32, i64)>) -> Self {
        let mut firsts = vec![0];
        for block in &blocks {
            firsts.push(firsts[firsts.len() - 1] + block.messages.len());
        }
        Self {
            blocks,
            firsts,
            next,
        }
    }

    /// How many messages there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.firsts[self.blocks.len()]
    }

    /// Bytes that the messages and what is known about them take.
    #[must_use]
    pub fn byte_length(&self) -> usize {
        let mut bytes = 0;
        let mut before: *const u8 = std::ptr::null();
        for block in &self.blocks {
            if block.bytes.as_ptr() != before {
                bytes += block.bytes.len();
                before = block.bytes.as_ptr();
            }
            bytes += size_of_val(block.messages.as_slice());
        }
        bytes
    }

    /// Per partition, in the order in which they were given, the offset to go on from: behind the last batch that was read,
    /// and not behind the offsets that were wanted.
    #[must_use]
    pub fn next(&self) -> &[(i32, i64)] {
        &self.next
    }

    /// The value of a message, unless it has none. Cost: the logarithm of the number of blocks.
    ///
    /// Errors: [`KafkaError::NoMessage`].
    pub fn value(&self, index: usize) -> Result<Option<&[u8]>> {
        let (block, message) = self.message(index)?;
        Ok(message.value.range().map(|range| &block.bytes[range]))
    }

    /// Partition and offset of a message. Cost and errors as of [`MessageSet::value`].
    pub fn position(&self, index: usize) -> Result<(i32, i64)> {
        let (block, message) = self.message(index)?;
        Ok((block.partition, message.offset))
    }

    /// All messages, at most so many in a piece; at least 1.
    #[must_use]
    pub fn pieces(&self, messages_max: usize) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        for (block, first) in self.blocks.iter().zip(&self.firsts) {
            let mut first = *first;
            for messages in block.messages.chunks(messages_max) {
                pieces.push(Piece {
                    first,
                    bytes: &block.bytes,
                    messages,
                });
                first += messages.len();
            }
        }
        pieces
    }

    pub(crate) fn message(&self, index: usize) -> Result<(&Block, &Message)> {
        let count = self.count();
        if index >= count {
            return Err(KafkaError::NoMessage { index, count });
        }
        let block = self.firsts.partition_point(|first| *first <= index) - 1;
        let found = &self.blocks[block];
        Ok((found, &found.messages[index - self.firsts[block]]))
    }
}

/// A message that was read by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainMessage<'a> {
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970; -1 for none.
    pub timestamp: i64,
    /// Its key, unless it has none.
    pub key: Option<&'a [u8]>,
    /// Its value, unless it has none.
    pub value: Option<&'a [u8]>,
}

/// Collects messages of one partition that were read by somebody else.
#[derive(Debug, Default)]
pub struct MessageSetBuilder {
    bytes: Vec<u8>,
    messages: Vec<Message>,
}

impl MessageSetBuilder {
    /// Adds a message with its headers; copies them. Cost: linear in their bytes.
    pub fn push<'a>(
        &mut self,
        message: &PlainMessage,
        headers: impl IntoIterator<Item = RecordHeader<'a>>,
    ) {
        let key = self.keep(message.key);
        let value = self.keep(message.value);
        let start = self.bytes.len() as u32;
        let mut header_count = 0;
        for header in headers {
            put_header(&mut self.bytes, header);
            header_count += 1;
        }
        self.messages.push(Message {
            offset: message.offset,
            timestamp: message.timestamp,
            key,
            value,
            headers: start,
            header_count,
        });
    }

    /// The messages, with the offset to go on from.
    #[must_use]
    pub fn finish(self, partition: i32, next: i64) -> MessageSet {
        let block = Block {
            partition,
            bytes: Bytes::from(self.bytes),
            messages: self.messages,
        };
        MessageSet::new(vec![block], vec![(partition, next)])
    }

    fn keep(&mut self, bytes: Option<&[u8]>) -> Span {
        let Some(bytes) = bytes else {
            return Span::ABSENT;
        };
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span::new(start..self.bytes.len())
    }
}

/// The headers of a message.
pub(crate) fn headers_of<'a>(
    block: &'a Block,
    message: &Message,
) -> impl Iterator<Item = RecordHeader<'a>> + use<'a> {
    let mut rest = &block.bytes[message.headers as usize..];
    (0..message.header_count).map_while(move |_| take_header(&mut rest))
}
