//! Messages → a record batch, and what is only known when it is sent.

use crate::compression::Compression;
use crate::error::{KafkaError, Result};
use crate::header::{CHECKED_FROM, CHECKSUM_AT, HEADER_BYTES, MAGIC, MAGIC_AT, PREFIX_BYTES};
use crate::record::put_header;
use crate::varint;

const LENGTH_AT: usize = 8;
const LEADER_EPOCH_AT: usize = 12;
const LAST_OFFSET_DELTA_AT: usize = 23;
const BASE_TIMESTAMP_AT: usize = 27;
const MAX_TIMESTAMP_AT: usize = 35;
const PRODUCER_AT: usize = 43;
const PRODUCER_EPOCH_AT: usize = 51;
const BASE_SEQUENCE_AT: usize = 53;
const RECORD_COUNT_AT: usize = 57;

/// Headers of every message, as they are written.
pub(crate) struct Headers {
    bytes: Vec<u8>,
    count: usize,
    /// Name of one more, whose value is the index of the message.
    index_name: String,
}

impl Headers {
    pub(crate) fn new(fixed: &[(String, String)], index_name: String) -> Self {
        let mut bytes = Vec::new();
        for (name, value) in fixed {
            put_header(&mut bytes, (name.as_bytes(), Some(value.as_bytes())));
        }
        Self {
            bytes,
            count: fixed.len() + 1,
            index_name,
        }
    }
}

/// Collects the messages of a batch.
pub(crate) struct BatchWriter<'a> {
    headers: &'a Headers,
    /// The header's place and the records behind it.
    bytes: Vec<u8>,
    /// A record without its length.
    record: Vec<u8>,
    pub(crate) count: usize,
}

impl<'a> BatchWriter<'a> {
    pub(crate) fn new(headers: &'a Headers) -> Self {
        Self {
            headers,
            bytes: vec![0; HEADER_BYTES],
            record: Vec::new(),
            count: 0,
        }
    }

    /// Adds a message unless the batch would then have more than `bytes_max` bytes; the first one always. Whether it was
    /// added.
    pub(crate) fn push(
        &mut self,
        index: u64,
        key: Option<&[u8]>,
        value: &[u8],
        bytes_max: usize,
    ) -> bool {
        self.write_record(index, key, value);
        let before = self.bytes.len();
        varint::put(&mut self.bytes, self.record.len() as i64);
        if self.count > 0 && self.bytes.len() + self.record.len() > bytes_max {
            self.bytes.truncate(before);
            return false;
        }
        self.bytes.extend_from_slice(&self.record);
        self.count += 1;
        true
    }

    fn write_record(&mut self, index: u64, key: Option<&[u8]>, value: &[u8]) {
        let record = &mut self.record;
        record.clear();
        // No attributes, and no time after the batch's.
        record.extend_from_slice(&[0, 0]);
        varint::put(record, self.count as i64);
        match key {
            None => varint::put(record, -1),
            Some(key) => {
                varint::put(record, key.len() as i64);
                record.extend_from_slice(key);
            }
        }
        varint::put(record, value.len() as i64);
        record.extend_from_slice(value);
        varint::put(record, self.headers.count as i64);
        record.extend_from_slice(&self.headers.bytes);
        let mut digits = itoa::Buffer::new();
        let text = digits.format(index);
        put_header(
            record,
            (self.headers.index_name.as_bytes(), Some(text.as_bytes())),
        );
    }

    /// The batch, without a checksum, and the writer empty. It is not compressed where that saves nothing. Cost: the
    /// compression.
    ///
    /// Errors: [`KafkaError::Compress`].
    pub(crate) fn finish(&mut self, compression: Compression) -> Result<Vec<u8>> {
        let records = std::mem::replace(&mut self.bytes, vec![0; HEADER_BYTES]);
        let count = std::mem::take(&mut self.count) as i32;
        let (mut batch, compression) = compressed(records, compression)?;
        let length = (batch.len() - PREFIX_BYTES) as i32;
        put(&mut batch, LENGTH_AT, length.to_be_bytes());
        put(&mut batch, LEADER_EPOCH_AT, (-1_i32).to_be_bytes());
        put(&mut batch, MAGIC_AT, [MAGIC]);
        put(&mut batch, CHECKED_FROM, compression.code().to_be_bytes());
        put(&mut batch, LAST_OFFSET_DELTA_AT, (count - 1).to_be_bytes());
        put(&mut batch, RECORD_COUNT_AT, count.to_be_bytes());
        Ok(batch)
    }
}

/// The batch with its records compressed if that makes it smaller, and how they are.
fn compressed(batch: Vec<u8>, compression: Compression) -> Result<(Vec<u8>, Compression)> {
    if compression == Compression::None {
        return Ok((batch, compression));
    }
    let mut packed = vec![0; HEADER_BYTES];
    compression
        .pack(&batch[HEADER_BYTES..], &mut packed)
        .map_err(|source| KafkaError::Compress { source })?;
    if packed.len() >= batch.len() {
        return Ok((batch, Compression::None));
    }
    Ok((packed, compression))
}

/// What a batch gets when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The producer's id and epoch, as the brokers gave them.
    pub producer: i64,
    /// See `producer`.
    pub producer_epoch: i16,
    /// How many messages the producer has sent to the partition before, modulo 2³¹.
    pub base_sequence: i32,
    /// The time of all its messages, in milliseconds since 1970.
    pub timestamp: i64,
}

/// Writes the stamp and then the checksum into a batch of [`StagedMessages`](crate::StagedMessages); again is harmless. Cost:
/// the checksum, about 20 GB a second.
///
/// Errors: [`KafkaError::NotABatch`].
pub fn stamp_batch(batch: &mut [u8], stamp: &Stamp) -> Result<()> {
    if batch.len() < HEADER_BYTES {
        return Err(KafkaError::NotABatch { bytes: batch.len() });
    }
    put(batch, BASE_TIMESTAMP_AT, stamp.timestamp.to_be_bytes());
    put(batch, MAX_TIMESTAMP_AT, stamp.timestamp.to_be_bytes());
    put(batch, PRODUCER_AT, stamp.producer.to_be_bytes());
    put(batch, PRODUCER_EPOCH_AT, stamp.producer_epoch.to_be_bytes());
    put(batch, BASE_SEQUENCE_AT, stamp.base_sequence.to_be_bytes());
    let checksum = crc32c::crc32c(&batch[CHECKED_FROM..]);
    put(batch, CHECKSUM_AT, checksum.to_be_bytes());
    Ok(())
}

fn put<const N: usize>(batch: &mut [u8], at: usize, value: [u8; N]) {
    batch[at..at + N].copy_from_slice(&value);
}
