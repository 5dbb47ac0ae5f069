//! Staged rows → record batches that are ready to be sent.

use std::ops::Range;
use std::path::PathBuf;

use rayon::prelude::*;

use crate::batch_writer::{BatchWriter, Headers};
use crate::compression::Compression;
use crate::error::{KafkaError, Result};
use crate::key_line::push_key;
use crate::partitioner::{Partitioner, partition_of_key};
use crate::row_reader::{Framing, RowReader};

/// What is encoded at a time, in bytes of rows.
const PIECE_BYTES: Range<usize> = 1 << 18..1 << 22;

/// Rows on their way into a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagedParams {
    /// File of the rows.
    pub rows: PathBuf,
    /// How its rows are told apart.
    pub framing: Framing,
    /// File of as many lines: JSON objects of one field, which holds the key.
    pub keys: Option<PathBuf>,
    /// Headers of every message.
    pub headers: Vec<(String, String)>,
    /// Name of the header that holds the index of the row, from 0, as text.
    pub index_header: String,
    /// How many partitions the topic has, at least 1.
    pub partition_count: u32,
    /// How rows are spread over them.
    pub partitioner: Partitioner,
    /// How batches are compressed.
    pub compression: Compression,
    /// Where a batch of several messages ends, in bytes before compression; at most `batch_bytes_max` is used.
    pub batch_bytes: usize,
    /// What a batch may have, in bytes after compression: `max.message.bytes` of the topic.
    pub batch_bytes_max: usize,
}

/// A record batch without the stamp of its sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedBatch {
    /// Where it goes.
    pub partition: u32,
    /// The batch; see [`stamp_batch`](crate::stamp_batch).
    pub bytes: Vec<u8>,
    /// How many messages it holds.
    pub count: usize,
}

/// Reads staged rows and encodes them. The same rows give the same batches, however they were asked for, but for where batches
/// end.
pub struct StagedMessages {
    params: StagedParams,
    headers: Headers,
    rows: RowReader,
    keys: Option<RowReader>,
    /// The index of the next row.
    index: u64,
    /// The partition of the next row without a key.
    turn: u32,
}

/// A row: its index, where its value is, and its key.
struct Row {
    index: u64,
    value: Range<usize>,
    key: Option<Range<usize>>,
}

/// Rows of every partition.
struct Piece {
    partitions: Vec<Vec<Row>>,
    keys: Vec<u8>,
}

impl StagedMessages {
    /// Errors: [`KafkaError::Io`], [`KafkaError::NoPartition`].
    pub fn open(mut params: StagedParams) -> Result<Self> {
        params.batch_bytes = params.batch_bytes.min(params.batch_bytes_max);
        if params.partition_count == 0 {
            return Err(KafkaError::NoPartition);
        }
        let keys = params.keys.as_deref();
        Ok(Self {
            headers: Headers::new(&params.headers, params.index_header.clone()),
            rows: RowReader::open(&params.rows, params.framing)?,
            keys: keys
                .map(|path| RowReader::open(path, Framing::Newline))
                .transpose()?,
            params,
            index: 0,
            turn: 0,
        })
    }

    /// The batches of the next rows, at most so many (at least 1) and not more than a piece of bounded size; nothing when
    /// there are no more. Those of a partition are in the order in which they have to be sent. Partitions are encoded beside
    /// each other on the threads of the rayon pool. Memory: a piece, at most 4 MiB of rows or one row, twice.
    ///
    /// Errors: [`KafkaError::Io`], [`KafkaError::Staged`], [`KafkaError::MessageTooLarge`], [`KafkaError::Compress`].
    pub fn next(&mut self, messages_max: usize) -> Result<Option<Vec<EncodedBatch>>> {
        self.rows.forget();
        let piece = self.piece(messages_max.max(1))?;
        let rows = self.rows.bytes();
        let encode = |(partition, own): (usize, &Vec<Row>)| {
            self.encode(partition as u32, own, rows, &piece.keys)
        };
        let partitions = piece.partitions.par_iter().enumerate();
        let batches: Vec<Vec<EncodedBatch>> = partitions.map(encode).collect::<Result<_>>()?;
        let batches: Vec<EncodedBatch> = batches.into_iter().flatten().collect();
        Ok((!batches.is_empty()).then_some(batches))
    }

    fn piece(&mut self, messages_max: usize) -> Result<Piece> {
        let count = self.params.partition_count as usize;
        let mut piece = Piece {
            partitions: (0..count).map(|_| Vec::new()).collect(),
            keys: Vec::new(),
        };
        let wanted = self.params.batch_bytes.saturating_mul(count);
        let bytes_max = wanted.clamp(PIECE_BYTES.start, PIECE_BYTES.end);
        let (first, mut bytes) = (self.index, 0);
        while ((self.index - first) as usize) < messages_max && bytes < bytes_max {
            let Some(value) = self.rows.next()? else {
                break;
            };
            bytes += value.len();
            let key = self.key(&mut piece.keys)?;
            let partition = self.partition(key.clone().map(|key| &piece.keys[key]));
            let index = self.index;
            piece.partitions[partition as usize].push(Row { index, value, key });
            self.index += 1;
        }
        Ok(piece)
    }

    /// Takes the key of the next row.
    fn key(&mut self, keys: &mut Vec<u8>) -> Result<Option<Range<usize>>> {
        let Some(lines) = &mut self.keys else {
            return Ok(None);
        };
        lines.forget();
        let line = lines.next()?;
        let line = line.ok_or_else(|| lines.unsound("has fewer lines than there are rows"))?;
        let start = keys.len();
        let is_there = push_key(&lines.bytes()[line], keys);
        let is_there =
            is_there.ok_or_else(|| lines.unsound("has a line that is no object of one key"))?;
        Ok(is_there.then_some(start..keys.len()))
    }

    fn partition(&mut self, key: Option<&[u8]>) -> u32 {
        let count = self.params.partition_count;
        if let (Some(key), Partitioner::Key) = (key, self.params.partitioner) {
            return partition_of_key(key, count);
        }
        let partition = self.turn;
        self.turn = (partition + 1) % count;
        partition
    }

    fn encode(
        &self,
        partition: u32,
        own: &[Row],
        rows: &[u8],
        keys: &[u8],
    ) -> Result<Vec<EncodedBatch>> {
        let mut batches = Vec::new();
        let mut writer = BatchWriter::new(&self.headers);
        let mut first = 0;
        for (place, row) in own.iter().enumerate() {
            let (key, value) = (
                row.key.clone().map(|key| &keys[key]),
                &rows[row.value.clone()],
            );
            if !writer.push(row.index, key, value, self.params.batch_bytes) {
                batches.push(self.finish(partition, &own[first..place], &mut writer)?);
                first = place;
                writer.push(row.index, key, value, self.params.batch_bytes);
            }
        }
        if writer.count > 0 {
            batches.push(self.finish(partition, &own[first..], &mut writer)?);
        }
        Ok(batches)
    }

    fn finish(
        &self,
        partition: u32,
        rows: &[Row],
        writer: &mut BatchWriter,
    ) -> Result<EncodedBatch> {
        let bytes = writer.finish(self.params.compression)?;
        let largest = rows.iter().max_by_key(|row| row.value.len());
        if bytes.len() > self.params.batch_bytes_max
            && let Some(largest) = largest
        {
            return Err(KafkaError::MessageTooLarge {
                row: largest.index,
                bytes: largest.value.len(),
                limit: self.params.batch_bytes_max,
            });
        }
        Ok(EncodedBatch {
            partition,
            bytes,
            count: rows.len(),
        })
    }
}
