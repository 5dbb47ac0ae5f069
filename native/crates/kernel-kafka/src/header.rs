//! The header of a record batch. Source: the message format of Apache Kafka, version 2 ("RecordBatch").

use crate::error::Fault;

/// Bytes of a header: what stands before the records.
pub(crate) const HEADER_BYTES: usize = 61;
/// Bytes before what [`Header::length`] counts.
pub(crate) const PREFIX_BYTES: usize = 12;
/// Where the byte is that tells the message format, in every format.
pub(crate) const MAGIC_AT: usize = 16;
/// The message format that is read and written here.
pub(crate) const MAGIC: u8 = 2;
/// Where the checksum is, and where the bytes begin that it is of.
pub(crate) const CHECKSUM_AT: usize = 17;
pub(crate) const CHECKED_FROM: usize = 21;

const COMPRESSION_BITS: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// The header of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) base_offset: i64,
    /// Bytes of the whole batch.
    pub(crate) length: usize,
    checksum: u32,
    attributes: i16,
    last_offset_delta: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    pub(crate) producer: i64,
    pub(crate) record_count: usize,
}

impl Header {
    /// The header of the batch that begins here; nothing when the bytes end before the batch does.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, Fault> {
        if bytes.len() < PREFIX_BYTES {
            return Ok(None);
        }
        let length = i32::from_be_bytes(array(bytes, 8));
        let body = usize::try_from(length)
            .ok()
            .filter(|body| *body >= HEADER_BYTES - PREFIX_BYTES)
            .ok_or_else(|| Fault::unsound(format!("its length is {length}")))?;
        if bytes.len() - PREFIX_BYTES < body {
            return Ok(None);
        }
        let header = Self {
            base_offset: i64::from_be_bytes(array(bytes, 0)),
            length: PREFIX_BYTES + body,
            checksum: u32::from_be_bytes(array(bytes, CHECKSUM_AT)),
            attributes: i16::from_be_bytes(array(bytes, 21)),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)),
            base_timestamp: i64::from_be_bytes(array(bytes, 27)),
            max_timestamp: i64::from_be_bytes(array(bytes, 35)),
            producer: i64::from_be_bytes(array(bytes, 43)),
            record_count: i32::from_be_bytes(array(bytes, 57)).max(0) as usize,
        };
        if header.base_offset < 0 || header.last_offset_delta < 0 || header.next_offset().is_none()
        {
            let (first, delta) = (header.base_offset, header.last_offset_delta);
            let reason = format!("its offsets are {first} and {delta} more");
            return Err(Fault::unsound(reason));
        }
        Ok(Some(header))
    }

    /// Checks the bytes of the whole batch. Cost: linear, about 20 GB a second.
    pub(crate) fn verify(&self, batch: &[u8]) -> Result<(), Fault> {
        let found = crc32c::crc32c(&batch[CHECKED_FROM..]);
        if found == self.checksum || cfg!(fuzzing) {
            return Ok(());
        }
        Err(Fault::Checksum {
            expected: self.checksum,
            found,
        })
    }

    pub(crate) fn compression(&self) -> i16 {
        self.attributes & COMPRESSION_BITS
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    pub(crate) fn has_producer(&self) -> bool {
        self.producer >= 0
    }

    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// The offset behind the batch; checked to exist when the header is parsed.
    fn next_offset(&self) -> Option<i64> {
        self.base_offset
            .checked_add(i64::from(self.last_offset_delta))?
            .checked_add(1)
    }

    /// The offset of a record; nothing when it is not one of the batch.
    #[inline]
    pub(crate) fn offset(&self, delta: i64) -> Option<i64> {
        (0..=i64::from(self.last_offset_delta))
            .contains(&delta)
            .then_some(self.base_offset + delta)
    }

    /// The time of a record in milliseconds since 1970: as its producer said, or when the broker took the batch.
    #[inline]
    pub(crate) fn timestamp(&self, delta: i64) -> i64 {
        if self.attributes & LOG_APPEND_TIME != 0 {
            return self.max_timestamp;
        }
        self.base_timestamp.wrapping_add(delta)
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N]
        .try_into()
        .expect("a slice of this length")
}
