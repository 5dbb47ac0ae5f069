//! Joins with a table that fits in memory: each batch of left rows is answered by itself, in order, without a query.
//!
//! The keys of the table are hashed once. A batch of left rows gives pairs of row numbers, from which the columns are taken. Meaning is
//! DuckDB's, for the key types of [`Lookup::is_possible`], where it is plain equality; a test holds one against the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, UInt32Array};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, SchemaRef};
use arrow_select::take::take;

use crate::error::{RelationalError, Result};

/// Which rows stay without a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKind {
    /// None.
    Inner,
    /// Left rows, with nulls for the table's columns.
    Left,
    /// Those of the table, with nulls for the left columns, once all left rows have passed.
    Right,
    /// Left rows and those of the table.
    Full,
    /// Left rows that have a match, each once.
    Semi,
    /// Left rows that have none.
    Anti,
}

/// Where a column of the result comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupColumn {
    /// The left column of this position.
    Left(usize),
    /// The table's column of this position.
    Right(usize),
    /// A key: the left value, or the table's where there is no left row.
    Key(usize, usize),
}

/// A join before its rows are known.
#[derive(Debug, Clone)]
pub struct LookupParams {
    pub kind: LookupKind,
    /// Positions of the key columns, pairwise left and right, of equal types.
    pub keys: Vec<(usize, usize)>,
    pub columns: Vec<LookupColumn>,
    /// Names, types, units and nulls of the result.
    pub schema: SchemaRef,
}

/// A table that rows are looked up in. May be asked from several threads at once.
pub struct Lookup {
    params: LookupParams,
    table: RecordBatch,
    /// Heads of chains of rows by hash; a power of two of them.
    heads: Vec<u32>,
    /// The next row of the chain that a row is in.
    next: Vec<u32>,
    keys: Vec<Key>,
    matched: Vec<AtomicBool>,
}

/// The end of a chain.
const NONE: u32 = u32::MAX;

impl Lookup {
    /// Whether keys of this type can be looked up: types of which equal values have equal bytes.
    pub fn is_possible(key: &DataType) -> bool {
        key.is_integer()
            || matches!(
                key,
                DataType::Utf8 | DataType::Boolean | DataType::Date32 | DataType::Timestamp(..)
            )
    }

    /// Hashes the keys of `table`. About 20 ns per row.
    ///
    /// # Errors
    /// `BatchTooLarge` above 2³² - 2 rows; `BatchSchema` for key types that cannot be looked up.
    pub fn build(table: RecordBatch, params: LookupParams) -> Result<Self> {
        let rows = table.num_rows();
        if rows >= NONE as usize {
            return Err(RelationalError::BatchTooLarge { rows });
        }
        let keys = params
            .keys
            .iter()
            .map(|(_, right)| Key::new(table.column(*right)));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let mut heads = vec![NONE; (rows * 2).next_power_of_two()];
        let mut next = vec![NONE; rows];
        let hashes = hashes_of(&keys, rows);
        let asked = Hashed::new(&keys, rows, |row| hashes[row]);
        // From the last row, so that a chain gives its rows in their order.
        for row in (0..rows).rev().filter(|row| !asked.is_null(*row)) {
            let slot = hashes[row] as usize & (heads.len() - 1);
            next[row] = std::mem::replace(&mut heads[slot], row as u32);
        }
        let keeps_right = matches!(params.kind, LookupKind::Right | LookupKind::Full);
        let matched = if keeps_right { rows } else { 0 };
        Ok(Self {
            params,
            table,
            heads,
            next,
            keys,
            matched: (0..matched).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    /// How many rows of the table one left row can match at most, or somewhat more: the longest chain of equal hashes.
    pub fn matches_max(&self) -> usize {
        let length = |head: &u32| {
            let (mut row, mut rows) = (*head, 0);
            while row != NONE {
                rows += 1;
                row = self.next[row as usize];
            }
            rows
        };
        self.heads.iter().map(length).max().unwrap_or_default()
    }

    /// The result for a batch of left rows, in their order; several matches of a row come in the order of the table.
    ///
    /// # Errors
    /// `BatchTooLarge` for a batch, or a result, of 2³² rows; `BatchSchema` for other columns than announced.
    pub fn apply(&self, left: &RecordBatch) -> Result<RecordBatch> {
        let rows = left.num_rows();
        if rows >= NONE as usize {
            return Err(RelationalError::BatchTooLarge { rows });
        }
        let keys = self
            .params
            .keys
            .iter()
            .map(|(left_key, _)| Key::new(left.column(*left_key)));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let pairs = self.pairs(&keys, rows);
        if pairs.left.len() >= NONE as usize {
            return Err(RelationalError::BatchTooLarge {
                rows: pairs.left.len(),
            });
        }
        let all = pairs.left.len() == rows
            && pairs
                .left
                .iter()
                .enumerate()
                .all(|(row, left)| row == *left as usize);
        let (left_rows, right) = pairs.into_arrays();
        let columns = self.params.columns.iter().map(|column| match column {
            LookupColumn::Left(index) | LookupColumn::Key(index, _) if all => {
                Ok(Arc::clone(left.column(*index)))
            }
            LookupColumn::Left(index) | LookupColumn::Key(index, _) => {
                Ok(take(left.column(*index), &left_rows, None)?)
            }
            LookupColumn::Right(index) => Ok(take(self.table.column(*index), &right, None)?),
        });
        self.result(columns.collect::<Result<_>>()?, left_rows.len())
    }

    /// Rows of the table that no left row has matched, for the kinds that keep them. To be asked last.
    ///
    /// # Errors
    /// As [`Lookup::apply`].
    pub fn unmatched(&self, left: &SchemaRef) -> Result<RecordBatch> {
        let rows = self.matched.iter().enumerate();
        let rows = rows.filter(|(_, matched)| !matched.load(Ordering::Relaxed));
        let rows = UInt32Array::from_iter_values(rows.map(|(row, _)| row as u32));
        let columns = self.params.columns.iter().map(|column| match column {
            LookupColumn::Left(index) => Ok(arrow_array::new_null_array(
                left.field(*index).data_type(),
                rows.len(),
            )),
            LookupColumn::Right(index) | LookupColumn::Key(_, index) => {
                Ok(take(self.table.column(*index), &rows, None)?)
            }
        });
        self.result(columns.collect::<Result<_>>()?, rows.len())
    }

    fn result(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.params.schema),
            columns,
            &options,
        )?)
    }

    fn pairs(&self, keys: &[Key], rows: usize) -> Pairs {
        // One number as the key is what most joins have, and four times faster without the general form.
        match (keys, self.keys.as_slice()) {
            ([Key::Four(left, _)], [Key::Four(right, _)]) => self.matched_pairs(
                Hashed::new(keys, rows, |row| mixed(0, left[row].into())),
                |row, other| left[row] == right[other],
            ),
            ([Key::Eight(left, _)], [Key::Eight(right, _)]) => self.matched_pairs(
                Hashed::new(keys, rows, |row| mixed(0, left[row])),
                |row, other| left[row] == right[other],
            ),
            (left, right) => {
                let hashes = hashes_of(left, rows);
                self.matched_pairs(Hashed::new(keys, rows, |row| hashes[row]), |row, other| {
                    let same = |(left, right): (&Key, &Key)| left.equals(row, right, other);
                    left.iter().zip(right).all(same)
                })
            }
        }
    }

    fn matched_pairs(
        &self,
        rows: Hashed<impl Fn(usize) -> u64>,
        is_equal: impl Fn(usize, usize) -> bool,
    ) -> Pairs {
        let mut pairs = Pairs::default();
        let slots = self.heads.len() - 1;
        for row in 0..rows.count {
            let matching = |mut other: u32| {
                while other != NONE && !is_equal(row, other as usize) {
                    other = self.next[other as usize];
                }
                other
            };
            let head = self.heads[(rows.hash)(row) as usize & slots];
            let mut found = if head == NONE || rows.is_null(row) {
                NONE
            } else {
                matching(head)
            };
            match self.params.kind {
                LookupKind::Semi => {
                    if found != NONE {
                        pairs.push(row, NONE);
                    }
                }
                LookupKind::Anti => {
                    if found == NONE {
                        pairs.push(row, NONE);
                    }
                }
                LookupKind::Left | LookupKind::Full if found == NONE => pairs.push(row, NONE),
                _ => {
                    while found != NONE {
                        if let Some(matched) = self.matched.get(found as usize) {
                            matched.store(true, Ordering::Relaxed);
                        }
                        pairs.push(row, found);
                        found = matching(self.next[found as usize]);
                    }
                }
            }
        }
        pairs
    }
}

/// Rows that ask, with the hash of each one's keys. A null equals nothing.
struct Hashed<F: Fn(usize) -> u64> {
    count: usize,
    hash: F,
    nulls: Option<NullBuffer>,
}

impl<F: Fn(usize) -> u64> Hashed<F> {
    fn new(keys: &[Key], count: usize, hash: F) -> Self {
        let nulls = keys.iter().fold(None, |nulls: Option<NullBuffer>, key| {
            NullBuffer::union(nulls.as_ref(), key.nulls())
        });
        Self { count, hash, nulls }
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

/// Numbers of rows that go together; [`NONE`] on the right for a row without a match.
#[derive(Default)]
struct Pairs {
    left: Vec<u32>,
    right: Vec<u32>,
    has_none: bool,
}

impl Pairs {
    fn push(&mut self, left: usize, right: u32) {
        self.left.push(left as u32);
        self.right.push(right);
        self.has_none |= right == NONE;
    }

    fn into_arrays(self) -> (UInt32Array, UInt32Array) {
        let right = if self.has_none {
            UInt32Array::from_iter(
                self.right
                    .iter()
                    .map(|row| Some(*row).filter(|row| *row != NONE)),
            )
        } else {
            UInt32Array::from(self.right)
        };
        (UInt32Array::from(self.left), right)
    }
}

/// The values of a key column in a form that can be compared quickly: by their bits, and text by its bytes.
enum Key {
    One(ScalarBuffer<u8>, Option<NullBuffer>),
    Two(ScalarBuffer<u16>, Option<NullBuffer>),
    Four(ScalarBuffer<u32>, Option<NullBuffer>),
    Eight(ScalarBuffer<u64>, Option<NullBuffer>),
    Text(StringArray),
}

impl Key {
    fn new(column: &ArrayRef) -> Result<Self> {
        if !Lookup::is_possible(column.data_type()) {
            return Err(RelationalError::BatchSchema {
                difference: format!("a {} cannot be looked up", column.data_type()),
            });
        }
        let nulls = column.nulls().cloned();
        if let Some(text) = column.as_string_opt::<i32>() {
            return Ok(Self::Text(text.clone()));
        }
        if let Some(flags) = column.as_boolean_opt() {
            return Ok(Self::One(
                flags.values().iter().map(u8::from).collect(),
                nulls,
            ));
        }
        let data = column.to_data();
        let (values, offset, rows) = (data.buffers()[0].clone(), data.offset(), data.len());
        Ok(match column.data_type().primitive_width() {
            Some(1) => Self::One(ScalarBuffer::new(values, offset, rows), nulls),
            Some(2) => Self::Two(ScalarBuffer::new(values, offset, rows), nulls),
            Some(4) => Self::Four(ScalarBuffer::new(values, offset, rows), nulls),
            _ => Self::Eight(ScalarBuffer::new(values, offset, rows), nulls),
        })
    }

    fn equals(&self, row: usize, other: &Self, other_row: usize) -> bool {
        match (self, other) {
            (Self::One(left, _), Self::One(right, _)) => left[row] == right[other_row],
            (Self::Two(left, _), Self::Two(right, _)) => left[row] == right[other_row],
            (Self::Four(left, _), Self::Four(right, _)) => left[row] == right[other_row],
            (Self::Eight(left, _), Self::Eight(right, _)) => left[row] == right[other_row],
            (Self::Text(left), Self::Text(right)) => left.value(row) == right.value(other_row),
            _ => false,
        }
    }

    /// Mixes every value into its row's hash.
    fn mix(&self, hashes: &mut [u64]) {
        fn mix_all<T: Copy + Into<u64>>(values: &[T], hashes: &mut [u64]) {
            let hashes = hashes.iter_mut().zip(values);
            hashes.for_each(|(hash, value)| *hash = mixed(*hash, (*value).into()));
        }
        match self {
            Self::One(values, _) => mix_all(values, hashes),
            Self::Two(values, _) => mix_all(values, hashes),
            Self::Four(values, _) => mix_all(values, hashes),
            Self::Eight(values, _) => mix_all(values, hashes),
            Self::Text(texts) => hashes.iter_mut().enumerate().for_each(|(row, hash)| {
                *hash = mixed_bytes(*hash, texts.value(row).as_bytes());
            }),
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Self::One(_, nulls)
            | Self::Two(_, nulls)
            | Self::Four(_, nulls)
            | Self::Eight(_, nulls) => nulls.as_ref(),
            Self::Text(texts) => texts.nulls(),
        }
    }
}

/// The hashes of rows' keys; those of a single number are [`mixed`] with 0.
fn hashes_of(keys: &[Key], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0; rows];
    keys.iter().for_each(|key| key.mix(&mut hashes));
    hashes
}

/// Multiplies and folds (after Steele et al., SplitMix, 2014); keys that count up spread over all slots.
fn mixed(hash: u64, value: u64) -> u64 {
    let mixed = (hash.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

fn mixed_bytes(hash: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words
        .iter()
        .fold(hash, |hash, word| mixed(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mixed(
        hash,
        u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56),
    )
}
