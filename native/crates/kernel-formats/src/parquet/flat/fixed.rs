//! Columns of numbers and instants.

use std::borrow::Cow;

use arrow_buffer::{NullBuffer, ToByteSlice};
use parquet::basic::{BoundaryOrder, Compression, Encoding};
use parquet::errors::Result;
use parquet::schema::types::ColumnDescPtr;

use super::bit_packing::{bit_width, write_hybrid};
use super::choice::{Bits, ValueEncoding, choose};
use super::chunk::{ChunkWriter, PageFacts};
use super::delta::write_delta;
use super::dictionary::{Dictionary, build};
use super::levels::{page_ranges, write_levels};
use super::value::{FlatValue, bounds};
use super::{FlatChunk, PageRange};

/// Values in the form in which they go into pages.
enum Stored<'a, T> {
    Plain(&'a [T]),
    Delta(&'a [T]),
    Dictionary(Dictionary<Bits>),
}

/// Encodes a column; `values` has a value of no meaning where `nulls` has a null.
pub(super) fn encode<T: FlatValue>(
    column: &ColumnDescPtr,
    values: &[T],
    nulls: Option<&NullBuffer>,
    compression: Compression,
) -> Result<FlatChunk> {
    let pages = page_ranges(values.len(), nulls);
    let present = present(values, nulls);
    let stored = store(&present);
    let mut chunk = ChunkWriter::new(column, compression, stored.encoding())?;
    stored.write_dictionary(&mut chunk)?;
    let mut page_bounds = Vec::with_capacity(pages.len());
    let mut body = Vec::new();
    for range in pages {
        let bounds = bounds(&present[range.values.clone()]);
        body.clear();
        if chunk.is_nullable() {
            write_levels(&mut body, &range, nulls);
        }
        stored.write_values(&mut body, &range);
        let null_count = (range.rows.len() - range.values.len()) as u64;
        chunk.write_data(
            &body,
            &PageFacts {
                range,
                statistics: T::statistics(bounds, null_count),
            },
        )?;
        page_bounds.extend(bounds);
    }
    let null_count = (values.len() - present.len()) as u64;
    chunk.finish(
        T::statistics(union(&page_bounds), null_count),
        order(&page_bounds),
    )
}

/// The values that are not null.
fn present<'a, T: FlatValue>(values: &'a [T], nulls: Option<&NullBuffer>) -> Cow<'a, [T]> {
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => Cow::Borrowed(values),
        Some(nulls) => Cow::Owned(nulls.valid_indices().map(|row| values[row]).collect()),
    }
}

fn store<T: FlatValue>(values: &[T]) -> Stored<'_, T> {
    for encoding in choose(values) {
        match encoding {
            ValueEncoding::Plain => return Stored::Plain(values),
            ValueEncoding::Delta => return Stored::Delta(values),
            ValueEncoding::Dictionary => {
                let keys = values.iter().map(|value| Bits(value.bits()));
                if let Some(dictionary) = build(keys, values.len() / 2) {
                    return Stored::Dictionary(dictionary);
                }
            }
        }
    }
    Stored::Plain(values)
}

impl<T: FlatValue> Stored<'_, T> {
    fn encoding(&self) -> Encoding {
        match self {
            Self::Plain(_) => Encoding::PLAIN,
            Self::Delta(_) => Encoding::DELTA_BINARY_PACKED,
            Self::Dictionary(_) => Encoding::RLE_DICTIONARY,
        }
    }

    fn write_dictionary(&self, chunk: &mut ChunkWriter) -> Result<()> {
        let Self::Dictionary(dictionary) = self else {
            return Ok(());
        };
        let mut entries = Vec::with_capacity(dictionary.entries.len() * T::WIDTH);
        for Bits(bits) in &dictionary.entries {
            entries.extend_from_slice(&bits.to_le_bytes()[..T::WIDTH]);
        }
        chunk.write_dictionary(&entries, dictionary.entries.len())
    }

    fn write_values(&self, body: &mut Vec<u8>, page: &PageRange) {
        match self {
            Self::Plain(values) => {
                body.extend_from_slice(values[page.values.clone()].to_byte_slice())
            }
            Self::Delta(values) => write_delta(body, &values[page.values.clone()]),
            Self::Dictionary(dictionary) => write_indices(body, dictionary, page),
        }
    }
}

/// Appends the dictionary indices of a page, with their width in bits before them.
pub(super) fn write_indices<K>(body: &mut Vec<u8>, dictionary: &Dictionary<K>, page: &PageRange) {
    let width = bit_width(dictionary.entries.len().saturating_sub(1) as u64).max(1);
    body.push(width as u8);
    write_hybrid(body, &dictionary.indices[page.values.clone()], width);
}

fn union<T: FlatValue>(pages: &[(T, T)]) -> Option<(T, T)> {
    pages
        .iter()
        .copied()
        .reduce(|(min, max), (page_min, page_max)| {
            (
                if page_min < min { page_min } else { min },
                if page_max > max { page_max } else { max },
            )
        })
}

fn order<T: FlatValue>(pages: &[(T, T)]) -> BoundaryOrder {
    if pages.is_sorted_by(|a, b| a.0 <= b.0 && a.1 <= b.1) {
        BoundaryOrder::ASCENDING
    } else if pages.is_sorted_by(|a, b| a.0 >= b.0 && a.1 >= b.1) {
        BoundaryOrder::DESCENDING
    } else {
        BoundaryOrder::UNORDERED
    }
}
