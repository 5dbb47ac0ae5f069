//! Settings of the Parquet writer and reader.

use parquet::basic::{Compression as Codec, ZstdLevel};

use crate::condition::Condition;
use crate::error::{FormatsError, Result};

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard at a level from 1 (fast) to 22 (small).
    Zstd(i32),
    /// Snappy.
    Snappy,
    /// LZ4, in the raw block layout that other readers understand (`LZ4_RAW`).
    Lz4,
    /// Not at all.
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(3)
    }
}

/// Settings of [`ParquetWriter`](crate::ParquetWriter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParquetWriteParams {
    /// How pages are compressed. Default: Zstandard, level 3.
    pub compression: Compression,
    /// Rows in a row group (the last one may have fewer), 1 to 16,777,216. Default: 262,144.
    pub row_group_rows: usize,
    /// A row group also ends where its values, uncompressed, would pass this many bytes; a single
    /// larger row is a row group of its own. At least 1 MiB. Default: 128 MiB.
    pub row_group_bytes_max: u64,
}

impl Default for ParquetWriteParams {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            row_group_rows: 1 << 18,
            row_group_bytes_max: 128 << 20,
        }
    }
}

const ROW_GROUP_ROWS_MAX: usize = 1 << 24;
const ROW_GROUP_BYTES_MIN: u64 = 1 << 20;

/// [`ParquetWriteParams`] that are within their ranges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CheckedWriteParams {
    pub(crate) codec: Codec,
    pub(crate) row_group_rows: usize,
    pub(crate) row_group_bytes_max: u64,
}

impl ParquetWriteParams {
    /// Errors: [`FormatsError::InvalidParam`].
    pub(crate) fn check(&self) -> Result<CheckedWriteParams> {
        if !(1..=ROW_GROUP_ROWS_MAX).contains(&self.row_group_rows) {
            return Err(FormatsError::InvalidParam {
                name: "rowGroupRows",
                reason: format!(
                    "must be from 1 to {ROW_GROUP_ROWS_MAX}, not {}",
                    self.row_group_rows
                ),
            });
        }
        if self.row_group_bytes_max < ROW_GROUP_BYTES_MIN {
            return Err(FormatsError::InvalidParam {
                name: "rowGroupBytesMax",
                reason: format!(
                    "must be at least {ROW_GROUP_BYTES_MIN}, not {}",
                    self.row_group_bytes_max
                ),
            });
        }
        Ok(CheckedWriteParams {
            codec: self.compression.codec()?,
            row_group_rows: self.row_group_rows,
            row_group_bytes_max: self.row_group_bytes_max,
        })
    }
}

impl Compression {
    fn codec(self) -> Result<Codec> {
        Ok(match self {
            Self::Zstd(level) => {
                Codec::ZSTD(
                    ZstdLevel::try_new(level).map_err(|_| FormatsError::InvalidParam {
                        name: "compressionLevel",
                        reason: format!("must be from 1 to 22 for zstd, not {level}"),
                    })?,
                )
            }
            Self::Snappy => Codec::SNAPPY,
            Self::Lz4 => Codec::LZ4_RAW,
            Self::None => Codec::UNCOMPRESSED,
        })
    }
}

/// Settings of [`ParquetReader`](crate::ParquetReader).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParquetReadParams {
    /// The top-level columns to read, in this order of the file; all when absent.
    pub columns: Option<Vec<String>>,
    /// What all wanted rows fulfil: row groups whose statistics rule that out are left out. Default: none.
    pub conditions: Vec<Condition>,
    /// Rows in a batch (the last one may have fewer), at least 1. Default: 65,536.
    pub batch_rows: usize,
}

impl Default for ParquetReadParams {
    fn default() -> Self {
        Self {
            columns: None,
            conditions: Vec::new(),
            batch_rows: 1 << 16,
        }
    }
}
