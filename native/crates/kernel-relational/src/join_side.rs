//! The rows of one input that a join remembers: found by their keys, forgotten by their time.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use arrow_select::interleave::interleave;
use hashbrown::HashTable;

use crate::error::Result;
use crate::row_stream::{MORSEL_ROWS, byte_size};

/// Rows with their times, all in one unit. About 24 bytes a row and 140 a key, beside the columns.
#[derive(Debug)]
pub(crate) struct JoinSide {
    schema: SchemaRef,
    keys: Vec<usize>,
    converter: RowConverter,
    hasher: BuildHasherDefault<DefaultHasher>,
    groups: HashTable<Group>,
    /// In the order in which the rows came.
    segments: Vec<Segment>,
    /// How many rows there are by the second in which they end to be of use.
    seconds: BTreeMap<i64, usize>,
    units_per_second: i64,
    /// Rows of this time or earlier are of no use.
    ended: i64,
    ended_count: usize,
    next: u64,
    /// The first row of this epoch.
    settled: u64,
}

/// Rows that came one after the other.
#[derive(Debug)]
struct Segment {
    first: u64,
    rows: RecordBatch,
    times: Vec<i64>,
    /// Of the columns.
    bytes: usize,
}

/// Rows with one key.
#[derive(Debug)]
struct Group {
    key: Box<[u8]>,
    rows: Vec<Kept>,
}

/// A row that is remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Its number since the state was made or last put in order.
    pub(crate) number: u64,
    pub(crate) time: i64,
}

/// What a group has outside of the table: its key, if that is short, and room for a few rows.
const GROUP_BYTES: usize = 80;

/// Fewer rows than this are not worth putting in order.
const ENDED_MIN: usize = 4096;

impl JoinSide {
    /// No rows yet, with these columns.
    ///
    /// # Errors
    /// `Arrow` for keys of a type that has no order.
    pub(crate) fn new(schema: SchemaRef, keys: Vec<usize>, per_ms: i64) -> Result<Self> {
        let field = |key: &usize| SortField::new(schema.field(*key).data_type().clone());
        Ok(Self {
            converter: RowConverter::new(keys.iter().map(field).collect())?,
            schema,
            keys,
            hasher: BuildHasherDefault::default(),
            groups: HashTable::new(),
            segments: Vec::new(),
            seconds: BTreeMap::new(),
            units_per_second: per_ms * 1000,
            ended: i64::MIN,
            ended_count: 0,
            next: 0,
            settled: 0,
        })
    }

    /// Columns of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many rows it remembers that may still be of use, or up to a second longer.
    pub(crate) fn row_count(&self) -> usize {
        self.held() - self.ended_count
    }

    /// How many rows came in this epoch.
    pub(crate) fn changed_count(&self) -> usize {
        (self.next - self.settled) as usize
    }

    /// Bytes of memory, about: the columns, the times twice, and what finds rows by their keys.
    pub(crate) fn bytes(&self) -> usize {
        let columns: usize = self.segments.iter().map(|segment| segment.bytes).sum();
        let rows = self.held() * (size_of::<i64>() + size_of::<Kept>());
        columns + rows + self.groups.allocation_size() + self.groups.len() * GROUP_BYTES
    }

    /// The keys of rows in a form in which those of both inputs can be compared.
    pub(crate) fn keys_of(&self, rows: &RecordBatch) -> Result<Rows> {
        let columns: Vec<ArrayRef> = self
            .keys
            .iter()
            .map(|key| rows.column(*key).clone())
            .collect();
        Ok(self.converter.convert_columns(&columns)?)
    }

    /// Whether a row has no value in one of its keys.
    pub(crate) fn has_no_key(&self, rows: &RecordBatch, row: usize) -> bool {
        self.keys.iter().any(|key| rows.column(*key).is_null(row))
    }

    /// Remembers rows of this epoch.
    pub(crate) fn add(&mut self, rows: RecordBatch, times: Vec<i64>, keys: &Rows) -> Result<()> {
        for (row, time) in times.iter().enumerate() {
            let kept = Kept {
                number: self.next + row as u64,
                time: *time,
            };
            self.group_of(keys.row(row).as_ref()).rows.push(kept);
            let second = time.div_euclid(self.units_per_second);
            *self.seconds.entry(second).or_default() += 1;
        }
        let first = self.next;
        self.next += times.len() as u64;
        self.segments.push(Segment {
            first,
            bytes: byte_size(&rows),
            rows,
            times,
        });
        self.merge_small()
    }

    /// The rows with this key.
    pub(crate) fn matching(&self, key: &[u8]) -> &[Kept] {
        let found = self
            .groups
            .find(self.hasher.hash_one(key), |group| *group.key == *key);
        found.map_or(&[], |group| &group.rows)
    }

    /// The columns at these positions of the rows with these numbers.
    pub(crate) fn gather(&self, numbers: &[u64], columns: &[usize]) -> Result<Vec<ArrayRef>> {
        let place = |number: &u64| {
            let after = self
                .segments
                .partition_point(|segment| segment.first <= *number);
            let segment = &self.segments[after - 1];
            (after - 1, (number - segment.first) as usize)
        };
        let places: Vec<(usize, usize)> = numbers.iter().map(place).collect();
        let gathered = columns.iter().map(|column| {
            let parts: Vec<&dyn Array> = self
                .segments
                .iter()
                .map(|segment| segment.rows.column(*column).as_ref())
                .collect();
            Ok(interleave(&parts, &places)?)
        });
        gathered.collect()
    }

    /// Tells that rows of this time or earlier are of no use any more.
    pub(crate) fn end(&mut self, time: i64) {
        self.ended = self.ended.max(time);
        while let Some(second) = self.seconds.first_entry() {
            let last = (second.key() + 1).saturating_mul(self.units_per_second) - 1;
            if last > self.ended {
                break;
            }
            self.ended_count += second.remove();
        }
    }

    /// Begins an epoch. Rows that are of no use go when they are the most: linear in the rows there are, but only then.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.ended_count >= ENDED_MIN && self.ended_count * 2 > self.held() {
            let rows = self.useful(0)?;
            let times = self.segments.iter().flat_map(|segment| &segment.times);
            let times = times.copied().filter(|time| *time > self.ended).collect();
            self.clear();
            self.insert_sliced(&rows, times)?;
        }
        self.settled = self.next;
        Ok(())
    }

    /// The rows that may still be of use; of this epoch only, or all.
    pub(crate) fn snapshot(&self, is_whole: bool) -> Result<RecordBatch> {
        self.useful(if is_whole { 0 } else { self.settled })
    }

    /// Takes in rows of a snapshot.
    pub(crate) fn insert_sliced(&mut self, rows: &RecordBatch, times: Vec<i64>) -> Result<()> {
        for (index, times) in times.chunks(MORSEL_ROWS).enumerate() {
            let slice = rows.slice(index * MORSEL_ROWS, times.len());
            let keys = self.keys_of(&slice)?;
            self.add(slice, times.to_vec(), &keys)?;
        }
        self.settled = self.next;
        Ok(())
    }

    fn held(&self) -> usize {
        let rows = |segment: &Segment| segment.times.len();
        self.segments.iter().map(rows).sum()
    }

    fn clear(&mut self) {
        self.groups.clear();
        self.segments.clear();
        self.seconds.clear();
        self.ended_count = 0;
        self.next = 0;
    }

    fn group_of(&mut self, key: &[u8]) -> &mut Group {
        let hasher = self.hasher.clone();
        let entry = self.groups.entry(
            hasher.hash_one(key),
            |group| *group.key == *key,
            |group| hasher.hash_one(&*group.key),
        );
        let made = || Group {
            key: key.into(),
            rows: Vec::new(),
        };
        entry.or_insert_with(made).into_mut()
    }

    /// Puts short segments together, each row a few times at most: many of them would make every lookup slow.
    fn merge_small(&mut self) -> Result<()> {
        while let [.., before, last] = self.segments.as_slice() {
            let (older, newer) = (before.times.len(), last.times.len());
            if older > newer * 2 || older + newer > MORSEL_ROWS {
                break;
            }
            let rows = concat_batches(&self.schema, [&before.rows, &last.rows])?;
            let last = self.segments.pop();
            if let (Some(kept), Some(last)) = (self.segments.last_mut(), last) {
                kept.bytes = byte_size(&rows);
                kept.rows = rows;
                kept.times.extend(last.times);
            }
        }
        Ok(())
    }

    /// The rows from a number on whose time has not ended.
    fn useful(&self, since: u64) -> Result<RecordBatch> {
        let parts = self.segments.iter().filter_map(|segment| {
            let skipped = since.saturating_sub(segment.first) as usize;
            let times = segment
                .times
                .get(skipped..)
                .filter(|times| !times.is_empty())?;
            let rows = segment.rows.slice(skipped, times.len());
            let is_useful: BooleanArray =
                times.iter().map(|time| Some(*time > self.ended)).collect();
            Some(filter_record_batch(&rows, &is_useful))
        });
        let parts = parts.collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(concat_batches(&self.schema, &parts)?)
    }
}
