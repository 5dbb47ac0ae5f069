//! Compresses pages.

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};

/// A compressor whose working memory is used again for every page.
pub(super) enum Codec {
    None,
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4,
}

impl Codec {
    pub(super) fn new(compression: Compression) -> Result<Self> {
        Ok(match compression {
            Compression::UNCOMPRESSED => Self::None,
            Compression::ZSTD(level) => {
                Self::Zstd(zstd::bulk::Compressor::new(level.compression_level())?)
            }
            Compression::SNAPPY => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::LZ4_RAW => Self::Lz4,
            other => return Err(ParquetError::NYI(format!("compression {other}"))),
        })
    }

    pub(super) fn compress(&mut self, page: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(page),
            Self::Zstd(compressor) => Ok(compressor.compress(&page)?),
            Self::Snappy(encoder) => Ok(encoder.compress_vec(&page)?),
            Self::Lz4 => Ok(lz4_flex::block::compress(&page)),
        }
    }
}
