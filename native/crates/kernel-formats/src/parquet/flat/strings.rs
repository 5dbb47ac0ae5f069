//! Columns of strings.

use arrow_array::{Array, GenericStringArray, OffsetSizeTrait};
use arrow_buffer::NullBuffer;
use parquet::basic::{BoundaryOrder, Compression, Encoding};
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::choice::dictionary_pays;
use super::chunk::{ChunkWriter, PageFacts};
use super::dictionary::{Dictionary, build};
use super::fixed::write_indices;
use super::levels::{page_ranges, write_levels};
use super::{FlatChunk, PageRange};

/// A page of plain strings ends after the string with which it reaches this size.
const PAGE_BYTES: usize = 1 << 20;
/// Longer strings are left out of the statistics, as bounds of this size help nobody.
const BOUND_BYTES_MAX: usize = 64;

/// Encodes a column of strings: in a dictionary when a sample says that it pays, and else plainly.
pub(super) fn encode<O: OffsetSizeTrait>(
    column: &ColumnDescPtr,
    array: &GenericStringArray<O>,
    compression: Compression,
) -> Result<FlatChunk> {
    let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let present: Vec<&[u8]> = match nulls {
        None => (0..array.len())
            .map(|row| array.value(row).as_bytes())
            .collect(),
        Some(nulls) => nulls
            .valid_indices()
            .map(|row| array.value(row).as_bytes())
            .collect(),
    };
    let dictionary = dictionary_pays(present.len(), |index| present[index])
        .then(|| build(present.iter().copied(), present.len() / 2))
        .flatten();
    let encoding = if dictionary.is_some() {
        Encoding::RLE_DICTIONARY
    } else {
        Encoding::PLAIN
    };
    let mut chunk = ChunkWriter::new(column, compression, encoding)?;
    let mut pages = page_ranges(array.len(), nulls);
    match &dictionary {
        Some(dictionary) => {
            let mut entries = Vec::new();
            write_plain(&mut entries, &dictionary.entries);
            chunk.write_dictionary(&entries, dictionary.entries.len())?;
        }
        None => {
            pages = pages
                .into_iter()
                .flat_map(|page| split(page, &present, nulls))
                .collect()
        }
    }
    let mut all = Bounds::default();
    let mut body = Vec::new();
    for range in pages {
        body.clear();
        if chunk.is_nullable() {
            write_levels(&mut body, &range, nulls);
        }
        let bounds = match &dictionary {
            Some(dictionary) => {
                write_indices(&mut body, dictionary, &range);
                dictionary_bounds(dictionary, &range)
            }
            None => {
                write_plain(&mut body, &present[range.values.clone()]);
                Bounds::of(present[range.values.clone()].iter().copied())
            }
        };
        let null_count = range.rows.len() - range.values.len();
        all = all.union(bounds);
        chunk.write_data(
            &body,
            &PageFacts {
                range,
                statistics: bounds.statistics(null_count),
            },
        )?;
    }
    chunk.finish(
        all.statistics(array.len() - present.len()),
        BoundaryOrder::UNORDERED,
    )
}

fn write_plain(out: &mut Vec<u8>, strings: &[&[u8]]) {
    for string in strings {
        out.extend_from_slice(&(string.len() as u32).to_le_bytes());
        out.extend_from_slice(string);
    }
}

/// Cuts a page where its strings reach [`PAGE_BYTES`].
fn split(page: PageRange, present: &[&[u8]], nulls: Option<&NullBuffer>) -> Vec<PageRange> {
    let mut pages = Vec::new();
    let mut rest = page.clone();
    let (mut value, mut bytes) = (page.values.start, 0);
    for row in page.rows {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            bytes += 4 + present[value].len();
            value += 1;
        }
        if bytes >= PAGE_BYTES {
            pages.push(PageRange {
                rows: rest.rows.start..row + 1,
                values: rest.values.start..value,
            });
            rest.rows.start = row + 1;
            rest.values.start = value;
            bytes = 0;
        }
    }
    if !rest.rows.is_empty() {
        pages.push(rest);
    }
    pages
}

/// The smallest and the largest string by bytes, which for UTF-8 is the order of code points.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds<'a>(Option<(&'a [u8], &'a [u8])>);

impl<'a> Bounds<'a> {
    fn of(strings: impl Iterator<Item = &'a [u8]>) -> Self {
        strings
            .map(|string| Self(Some((string, string))))
            .fold(Self(None), Self::union)
    }

    fn union(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some((min, max)), Some((other_min, other_max))) => {
                Self(Some((min.min(other_min), max.max(other_max))))
            }
            (known, None) | (None, known) => Self(known),
        }
    }

    fn statistics(self, null_count: usize) -> Statistics {
        let short = |string: &[u8]| string.len() <= BOUND_BYTES_MAX;
        let (min, max) = self.0.filter(|(min, max)| short(min) && short(max)).unzip();
        let owned = |bound: Option<&[u8]>| bound.map(|bound| ByteArray::from(bound.to_vec()));
        Statistics::byte_array(owned(min), owned(max), None, Some(null_count as u64), false)
    }
}

fn dictionary_bounds<'a>(dictionary: &Dictionary<&'a [u8]>, page: &PageRange) -> Bounds<'a> {
    let mut used = vec![false; dictionary.entries.len()];
    for index in &dictionary.indices[page.values.clone()] {
        used[*index as usize] = true;
    }
    let entries = dictionary.entries.iter().zip(used);
    Bounds::of(entries.filter(|(_, used)| *used).map(|(entry, _)| *entry))
}
