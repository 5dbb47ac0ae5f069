//! The records of a batch. Source: the message format of Apache Kafka, version 2 ("Record").

use std::ops::Range;

use crate::error::Fault;
use crate::header::Header;
use crate::varint;

/// The fewest bytes of a record: seven fields of one byte.
const RECORD_BYTES_MIN: usize = 7;

/// Where some bytes of a message are in the buffer that it lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    /// `u32::MAX` for what is not there.
    length: u32,
}

impl Span {
    pub(crate) const ABSENT: Self = Self {
        start: 0,
        length: u32::MAX,
    };

    pub(crate) fn new(range: Range<usize>) -> Self {
        Self {
            start: range.start as u32,
            length: range.len() as u32,
        }
    }

    #[inline]
    pub(crate) fn range(self) -> Option<Range<usize>> {
        let start = self.start as usize;
        (self != Self::ABSENT).then(|| start..start + self.length as usize)
    }
}

/// A message: where its parts are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message {
    pub(crate) offset: i64,
    /// Milliseconds since 1970; -1 for none.
    pub(crate) timestamp: i64,
    pub(crate) key: Span,
    pub(crate) value: Span,
    /// Where the headers begin; each is a length, a name, a length and a value.
    pub(crate) headers: u32,
    pub(crate) header_count: u32,
}

/// A header of a message: its name, and its value unless that is null.
pub(crate) type RecordHeader<'a> = (&'a [u8], Option<&'a [u8]>);

/// Adds the records at `range` of a buffer whose offsets are wanted, of a batch with this header. All of them are checked.
/// The buffer is at most 4 GiB.
pub(crate) fn read_records(
    header: &Header,
    buffer: &[u8],
    range: Range<usize>,
    wanted: &Range<i64>,
    messages: &mut Vec<Message>,
) -> Result<(), Fault> {
    let count = header.record_count;
    if count > range.len() / RECORD_BYTES_MIN {
        let reason = format!("it cannot hold {count} records in {} bytes", range.len());
        return Err(Fault::Unsound(reason));
    }
    messages.reserve(count);
    let unsound =
        |index: usize, reason: &str| Fault::Unsound(format!("record {index} of {count} {reason}"));
    let mut rest = &buffer[range.clone()];
    let mut before = header.base_offset - 1;
    for index in 0..count {
        let length = varint::take(&mut rest).and_then(|length| usize::try_from(length).ok());
        let (record, behind) = length
            .and_then(|length| rest.split_at_checked(length))
            .ok_or_else(|| unsound(index, "is longer than its batch"))?;
        let start = range.end - rest.len();
        let message = read_record(header, record, start)
            .ok_or_else(|| unsound(index, "has fields that do not fit into it"))?;
        if message.offset <= before {
            return Err(unsound(index, "does not follow the offset before it"));
        }
        before = message.offset;
        if wanted.contains(&before) {
            messages.push(message);
        }
        rest = behind;
    }
    if !rest.is_empty() {
        let reason = format!("{} bytes follow its records", rest.len());
        return Err(Fault::Unsound(reason));
    }
    Ok(())
}

/// A record whose first byte is at `start` of the buffer.
#[inline]
fn read_record(header: &Header, record: &[u8], start: usize) -> Option<Message> {
    let (_attributes, mut rest) = record.split_first()?;
    let timestamp = header.timestamp(varint::take(&mut rest)?);
    let offset = header.offset(varint::take(&mut rest)?)?;
    let end = start + record.len();
    let key = take_bytes(&mut rest, end)?;
    let value = take_bytes(&mut rest, end)?;
    let header_count = u32::try_from(varint::take(&mut rest)?).ok()?;
    let headers = (end - rest.len()) as u32;
    for _ in 0..header_count {
        take_header(&mut rest)?;
    }
    rest.is_empty().then_some(Message {
        offset,
        timestamp,
        key,
        value,
        headers,
        header_count,
    })
}

/// Bytes with their length before them, -1 for none; the buffer's bytes behind `rest` begin at `end`.
#[inline]
fn take_bytes(rest: &mut &[u8], end: usize) -> Option<Span> {
    let length = varint::take(rest)?;
    if length == -1 {
        return Some(Span::ABSENT);
    }
    let (bytes, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let start = end - rest.len();
    *rest = behind;
    Some(Span::new(start..start + bytes.len()))
}

/// Takes a header of a message off the front.
pub(crate) fn take_header<'a>(rest: &mut &'a [u8]) -> Option<RecordHeader<'a>> {
    let length = usize::try_from(varint::take(rest)?).ok()?;
    let (name, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    let length = varint::take(rest)?;
    if length == -1 {
        return Some((name, None));
    }
    let (value, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = behind;
    Some((name, Some(value)))
}

/// Adds a header as [`take_header`] takes it.
pub(crate) fn put_header(bytes: &mut Vec<u8>, (name, value): RecordHeader) {
    varint::put(bytes, name.len() as i64);
    bytes.extend_from_slice(name);
    match value {
        None => varint::put(bytes, -1),
        Some(value) => {
            varint::put(bytes, value.len() as i64);
            bytes.extend_from_slice(value);
        }
    }
}
