//! What a broker answered for a partition → its messages.

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;

use crate::compression::Compression;
use crate::error::{Fault, KafkaError, Result};
use crate::header::{HEADER_BYTES, Header, MAGIC, MAGIC_AT};
use crate::record::{Message, read_records};

/// A transaction that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Who wrote it.
    pub producer: i64,
    /// Where it begins.
    pub first_offset: i64,
}

/// Record batches of one partition.
#[derive(Debug, Clone)]
pub struct FetchedPartition {
    /// The partition.
    pub partition: i32,
    /// The batches as the broker sent them; the last one may be cut off.
    pub records: Bytes,
    /// The offsets that are wanted.
    pub wanted: Range<i64>,
    /// Transactions whose messages are left out, as the broker told them; none when all messages are wanted.
    pub aborted: Vec<AbortedTransaction>,
}

/// Bounds of what is taken from the batches of a partition at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// What a compressed batch may unfold to, in bytes.
    pub(crate) batch_bytes_max: usize,
    /// Where to stop after a batch: what all compressed ones have unfolded to, in bytes, and messages.
    pub(crate) unfolded_bytes: usize,
    pub(crate) messages: usize,
}

/// Messages that lie in one buffer.
pub(crate) struct Block {
    pub(crate) partition: i32,
    pub(crate) bytes: Bytes,
    pub(crate) messages: Vec<Message>,
}

/// The messages of a partition.
pub(crate) struct PartitionMessages {
    pub(crate) blocks: Vec<Block>,
    /// The offset to go on from.
    pub(crate) next: i64,
}

/// Reads all batches that are there as a whole, until the wanted offsets end or a bound is reached.
pub(crate) fn read_partition(
    fetched: FetchedPartition,
    bounds: Bounds,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<PartitionMessages> {
    let mut reading = Reading {
        next: fetched.wanted.start,
        behind: 0,
        bounds,
        unfolded: Vec::new(),
        runs: Vec::new(),
        count: 0,
        transactions: Transactions::new(fetched.aborted.clone()),
        fetched,
    };
    let records = reading.fetched.records.clone();
    if u32::try_from(records.len()).is_err() {
        let fault = Fault::TooLarge(u32::MAX as usize);
        return Err(fault.at(reading.fetched.partition, reading.next));
    }
    let mut place = 0;
    while reading.wants_more() {
        if is_cancelled() {
            return Err(KafkaError::Cancelled);
        }
        let Some(header) = reading.header(&records[place..])? else {
            break;
        };
        let range = place..place + header.length;
        reading
            .batch(&header, range)
            .map_err(|fault| fault.at(reading.fetched.partition, header.base_offset))?;
        place += header.length;
    }
    Ok(reading.finish())
}

/// Where a run of messages lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Buffer {
    Fetched,
    Unfolded,
}

struct Reading {
    fetched: FetchedPartition,
    bounds: Bounds,
    /// The offset to go on from.
    next: i64,
    /// The offset behind the batch that was read last.
    behind: i64,
    /// Records of compressed batches, one behind the other.
    unfolded: Vec<u8>,
    runs: Vec<(Buffer, Vec<Message>)>,
    count: usize,
    transactions: Transactions,
}

impl Reading {
    fn wants_more(&self) -> bool {
        self.next < self.fetched.wanted.end
            && self.unfolded.len() < self.bounds.unfolded_bytes
            && self.count < self.bounds.messages
    }

    /// The header of the batch that begins here, unless the batch is cut off.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>> {
        let partition = self.fetched.partition;
        if let Some((first, _)) = bytes.split_first_chunk::<8>()
            && let Some(&magic) = bytes.get(MAGIC_AT)
            && magic != MAGIC
        {
            return Err(KafkaError::OldFormat {
                partition,
                offset: i64::from_be_bytes(*first),
                magic: magic as i8,
            });
        }
        let header = Header::parse(bytes).map_err(|fault| fault.at(partition, self.behind))?;
        if let Some(header) = header
            && header.base_offset < self.behind
        {
            let fault = Fault::unsound(format!("the batch before it ends at {}", self.behind));
            return Err(fault.at(partition, header.base_offset));
        }
        Ok(header)
    }

    fn batch(&mut self, header: &Header, range: Range<usize>) -> Result<(), Fault> {
        header.verify(&self.fetched.records[range.clone()])?;
        self.behind = header.last_offset() + 1;
        let is_wanted =
            self.behind > self.fetched.wanted.start && header.base_offset < self.fetched.wanted.end;
        if header.is_control() {
            header.verify(&self.fetched.records[range.clone()])?;
            self.transactions
                .end(header, &self.fetched.records[range])?;
        } else if !self.transactions.is_aborted(header) && is_wanted {
            self.records(header, range.start + HEADER_BYTES..range.end)?;
        }
        self.next = self.next.max(self.behind.min(self.fetched.wanted.end));
        Ok(())
    }

    fn records(&mut self, header: &Header, packed: Range<usize>) -> Result<(), Fault> {
        let compression = Compression::of(header.compression())?;
        let (buffer, range) = if compression == Compression::None {
            (Buffer::Fetched, packed)
        } else {
            let start = self.unfolded.len();
            let limit = self.bounds.batch_bytes_max;
            compression.unpack(&self.fetched.records[packed], &mut self.unfolded, limit)?;
            (Buffer::Unfolded, start..self.unfolded.len())
        };
        if self.runs.last().is_none_or(|(last, _)| *last != buffer) {
            self.runs.push((buffer, Vec::new()));
        }
        let Some((_, messages)) = self.runs.last_mut() else {
            return Ok(());
        };
        let bytes = match buffer {
            Buffer::Fetched => &self.fetched.records[..],
            Buffer::Unfolded => &self.unfolded[..],
        };
        let before = messages.len();
        read_records(header, bytes, range, &self.fetched.wanted, messages)?;
        self.count += messages.len() - before;
        Ok(())
    }

    fn finish(self) -> PartitionMessages {
        let unfolded = Bytes::from(self.unfolded);
        let block = |(buffer, messages)| Block {
            partition: self.fetched.partition,
            bytes: match buffer {
                Buffer::Fetched => self.fetched.records.clone(),
                Buffer::Unfolded => unfolded.clone(),
            },
            messages,
        };
        let runs = self.runs.into_iter();
        PartitionMessages {
            blocks: runs
                .filter(|(_, messages)| !messages.is_empty())
                .map(block)
                .collect(),
            next: self.next,
        }
    }
}

/// Which producers are in a transaction that will be given up. A producer can have several of them one after the other,
/// each ended by a control batch.
struct Transactions {
    /// Those not begun yet, the last one first.
    later: Vec<AbortedTransaction>,
    begun: HashSet<i64>,
}

impl Transactions {
    fn new(mut aborted: Vec<AbortedTransaction>) -> Self {
        aborted.sort_unstable_by_key(|one| std::cmp::Reverse(one.first_offset));
        Self {
            later: aborted,
            begun: HashSet::new(),
        }
    }

    fn advance(&mut self, header: &Header) {
        while let Some(next) = self.later.last()
            && next.first_offset <= header.last_offset()
        {
            self.begun.insert(next.producer);
            self.later.pop();
        }
    }

    fn is_aborted(&mut self, header: &Header) -> bool {
        if !header.has_producer() {
            return false;
        }
        self.advance(header);
        header.is_transactional() && self.begun.contains(&header.producer)
    }

    /// Takes a control batch, which may end a transaction of its producer.
    fn end(&mut self, header: &Header, batch: &[u8]) -> Result<(), Fault> {
        if !header.has_producer() {
            return Ok(());
        }
        self.advance(header);
        if self.begun.contains(&header.producer) && is_abort(header, batch)? {
            self.begun.remove(&header.producer);
        }
        Ok(())
    }
}

/// Whether the first record of a control batch says that a transaction was given up: its key is a version and a kind, two
/// bytes each.
fn is_abort(header: &Header, batch: &[u8]) -> Result<bool, Fault> {
    const ABORT: [u8; 2] = [0, 0];
    if header.compression() != 0 {
        return Err(Fault::unsound("it is a compressed control batch"));
    }
    let mut records = Vec::new();
    let all = i64::MIN..i64::MAX;
    read_records(header, batch, HEADER_BYTES..batch.len(), &all, &mut records)?;
    let key = records.first().and_then(|record| record.key.range());
    let kind = key.and_then(|key| batch[key].get(2..4));
    Ok(kind == Some(&ABORT))
}
