//! Checks a file's lengths against its size and fixed bounds before a decoder allocates by them.

use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::ChunkReader;

use super::thrift::{Flaw, Walker};
use crate::error::{FormatsError, Result};

/// The longest footer that is read, in bytes.
const FOOTER_BYTES_MAX: u64 = 32 << 20;
/// The largest page that is read, in bytes before compression.
const PAGE_BYTES_MAX: u64 = 256 << 20;
/// The most values that a column of lists may have in a row group: few bytes can stand for many.
const LISTED_VALUES_MAX: u64 = 1 << 26;
/// The most bytes that the fixed-size binary values of a batch may take.
const FIXED_BYTES_MAX: u64 = 256 << 20;
/// Bytes first read of a page header; most fit.
const HEADER_BYTES: u64 = 128;
/// The longest page header that is read, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// The deepest nesting of columns that is read.
const SCHEMA_DEPTH_MAX: u64 = 64;

const MAGIC: &[u8; 4] = b"PAR1";
const TAIL_BYTES: u64 = 8;

// Field numbers of FileMetaData and SchemaElement (parquet.thrift).
const SCHEMA_NAME: &[i16] = &[2, 4];
const SCHEMA_MEMBERS: &[i16] = &[2, 5];
// Field numbers of PageHeader and the structures in it (parquet.thrift).
const UNCOMPRESSED_SIZE: &[i16] = &[2];
const COMPRESSED_SIZE: &[i16] = &[3];
const DATA_VALUES: &[i16] = &[5, 1];
const DICTIONARY_VALUES: &[i16] = &[7, 1];
const DATA_V2_VALUES: &[i16] = &[8, 1];

/// Checks the footer's length and every length in it. Cost: reads the footer once.
///
/// Errors: [`FormatsError::Corrupt`], [`FormatsError::TooLarge`], [`FormatsError::Io`].
pub(super) fn check_footer<R: ChunkReader>(name: &str, chunks: &R) -> Result<()> {
    let size = chunks.len();
    if size < TAIL_BYTES + MAGIC.len() as u64 {
        return Err(FormatsError::corrupt_parquet(
            name,
            format!("it has {size} bytes"),
        ));
    }
    let tail = read(name, chunks, size - TAIL_BYTES, TAIL_BYTES)?;
    let [l0, l1, l2, l3, magic @ ..] = tail.as_ref() else {
        return Err(FormatsError::corrupt_parquet(name, "its end is missing"));
    };
    if magic != MAGIC {
        return Err(FormatsError::corrupt_parquet(
            name,
            "it does not end with PAR1",
        ));
    }
    let length = u64::from(u32::from_le_bytes([*l0, *l1, *l2, *l3]));
    if length > size - TAIL_BYTES {
        return Err(FormatsError::corrupt_parquet(
            name,
            "the footer is longer than the file",
        ));
    }
    check_at_most(name, "the footer", length, FOOTER_BYTES_MAX)?;
    let footer = read(name, chunks, size - TAIL_BYTES - length, length)?;
    let mut schema = SchemaDepth::default();
    Walker::new(&footer)
        .walk(&mut Vec::new(), &mut |path, integer| {
            schema.visit(path, integer)
        })
        .map_err(|_| FormatsError::corrupt_parquet(name, "a length in the footer is impossible"))?;
    check_at_most(
        name,
        "the depth of the schema",
        schema.deepest,
        SCHEMA_DEPTH_MAX,
    )
}

/// Follows the schema, a tree in depth-first order, because decoders descend it recursively.
#[derive(Debug, Default)]
struct SchemaDepth {
    /// For each open group, the members that are still to come.
    open: Vec<i64>,
    deepest: u64,
}

impl SchemaDepth {
    fn visit(&mut self, path: &[i16], integer: Option<i64>) {
        match path {
            SCHEMA_NAME => {
                while self.open.pop_if(|members| *members <= 0).is_some() {}
                if let Some(members) = self.open.last_mut() {
                    *members -= 1;
                }
            }
            SCHEMA_MEMBERS => {
                self.open.push(integer.unwrap_or(0));
                self.deepest = self.deepest.max(self.open.len() as u64);
            }
            _ => {}
        }
    }
}

/// Checks every page of some row groups, of the leaf columns for which `selected` is true, for batches of `batch_rows`.
/// Cost: a small read per page.
///
/// Errors: as [`check_footer`].
pub(super) fn check_pages<R: ChunkReader>(
    name: &str,
    chunks: &R,
    metadata: &ParquetMetaData,
    row_groups: &[usize],
    selected: impl Fn(usize) -> bool,
    batch_rows: usize,
) -> Result<()> {
    for row_group in row_groups.iter().map(|index| metadata.row_group(*index)) {
        for (leaf, column) in row_group
            .columns()
            .iter()
            .enumerate()
            .filter(|(leaf, _)| selected(*leaf))
        {
            check_width(name, column, batch_rows)?;
            check_chunk(name, chunks, column).map_err(|error| {
                in_column(
                    error,
                    metadata.file_metadata().schema_descr().column(leaf).name(),
                )
            })?;
        }
    }
    Ok(())
}

fn in_column(error: FormatsError, column: &str) -> FormatsError {
    match error {
        FormatsError::Corrupt {
            input,
            format,
            reason,
        } => FormatsError::Corrupt {
            input,
            format,
            reason: format!("column {column:?}: {reason}"),
        },
        other => other,
    }
}

fn check_width(name: &str, column: &ColumnChunkMetaData, batch_rows: usize) -> Result<()> {
    if column.column_type() != Type::FIXED_LEN_BYTE_ARRAY {
        return Ok(());
    }
    let width = u64::try_from(column.column_descr().type_length()).unwrap_or(0);
    let bytes = width.saturating_mul(batch_rows as u64);
    check_at_most(name, "a batch of fixed-size values", bytes, FIXED_BYTES_MAX)
}

fn check_chunk<R: ChunkReader>(name: &str, chunks: &R, column: &ColumnChunkMetaData) -> Result<()> {
    let corrupt = |reason: &str| FormatsError::corrupt_parquet(name, reason);
    let start = column
        .dictionary_page_offset()
        .unwrap_or(column.data_page_offset());
    let start = u64::try_from(start).map_err(|_| corrupt("a page begins before the file"))?;
    let length =
        u64::try_from(column.compressed_size()).map_err(|_| corrupt("its size is negative"))?;
    let end = start.checked_add(length).filter(|end| *end <= chunks.len());
    let end = end.ok_or_else(|| corrupt("it goes on after the end of the file"))?;
    let is_listed = column.column_descr().max_rep_level() > 0;
    let mut position = start;
    let mut values = 0;
    while position < end {
        let page = read_page_header(name, chunks, position, end)?;
        check_at_most(name, "a page", page.uncompressed_bytes, PAGE_BYTES_MAX)?;
        if page.dictionary_values > page.uncompressed_bytes {
            return Err(corrupt("a dictionary has more values than bytes"));
        }
        values = u64::saturating_add(values, page.data_values);
        if is_listed {
            check_at_most(
                name,
                "the number of values in a column of lists",
                values,
                LISTED_VALUES_MAX,
            )?;
        }
        position = page.end;
        if position > end {
            return Err(corrupt("a page goes on after the end of its column"));
        }
    }
    Ok(())
}

/// The lengths in a page header.
#[derive(Debug, Default)]
struct PageLengths {
    uncompressed_bytes: u64,
    data_values: u64,
    dictionary_values: u64,
    /// Where the page ends in the file.
    end: u64,
}

fn read_page_header<R: ChunkReader>(
    name: &str,
    chunks: &R,
    position: u64,
    end: u64,
) -> Result<PageLengths> {
    let mut length = HEADER_BYTES;
    loop {
        let available = length.min(end - position);
        let bytes = read(name, chunks, position, available)?;
        match walk_page_header(&bytes) {
            Ok((mut page, header_bytes, compressed_bytes)) => {
                page.end = position + header_bytes + compressed_bytes;
                return Ok(page);
            }
            Err(Flaw::Truncated) if available == length && length < HEADER_BYTES_MAX => length *= 8,
            Err(_) => {
                return Err(FormatsError::corrupt_parquet(
                    name,
                    "a page header cannot be read",
                ));
            }
        }
    }
}

fn walk_page_header(bytes: &[u8]) -> std::result::Result<(PageLengths, u64, u64), Flaw> {
    let mut page = PageLengths::default();
    let mut compressed_bytes = 0;
    let mut negative = false;
    let mut walker = Walker::new(bytes);
    walker.walk(&mut Vec::new(), &mut |path, integer| {
        let target = match path {
            UNCOMPRESSED_SIZE => &mut page.uncompressed_bytes,
            COMPRESSED_SIZE => &mut compressed_bytes,
            DATA_VALUES | DATA_V2_VALUES => &mut page.data_values,
            DICTIONARY_VALUES => &mut page.dictionary_values,
            _ => return,
        };
        let integer = integer.unwrap_or(-1);
        negative |= integer < 0;
        *target = integer.unsigned_abs();
    })?;
    if negative {
        return Err(Flaw::Invalid);
    }
    Ok((
        page,
        (bytes.len() - walker.remaining()) as u64,
        compressed_bytes,
    ))
}

fn read<R: ChunkReader>(name: &str, chunks: &R, start: u64, length: u64) -> Result<bytes::Bytes> {
    chunks
        .get_bytes(start, length as usize)
        .map_err(|error| FormatsError::decode(name, error))
}

fn check_at_most(name: &str, what: &str, bytes: u64, limit: u64) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    Err(FormatsError::TooLarge {
        input: name.to_owned(),
        what: what.to_owned(),
        bytes,
        limit,
    })
}
