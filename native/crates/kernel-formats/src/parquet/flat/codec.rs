//! Compresses pages.

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};

/// A compressor whose working memory is used again for every page.
pub(super) struct Codec {
    method: Method,
    output: Vec<u8>,
}

enum Method {
    None,
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Lz4,
}

impl Codec {
    pub(super) fn new(compression: Compression) -> Result<Self> {
        let method = match compression {
            Compression::UNCOMPRESSED => Method::None,
            Compression::ZSTD(level) => {
                Method::Zstd(zstd::bulk::Compressor::new(level.compression_level())?)
            }
            Compression::SNAPPY => Method::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::LZ4_RAW => Method::Lz4,
            other => return Err(ParquetError::NYI(format!("compression {other}"))),
        };
        Ok(Self {
            method,
            output: Vec::new(),
        })
    }

    /// The compressed page, valid until the next call.
    pub(super) fn compress<'a>(&'a mut self, page: &'a [u8]) -> Result<&'a [u8]> {
        let bound = match self.method {
            Method::None => return Ok(page),
            Method::Zstd(_) => zstd::zstd_safe::compress_bound(page.len()),
            Method::Snappy(_) => snap::raw::max_compress_len(page.len()),
            Method::Lz4 => lz4_flex::block::get_maximum_output_size(page.len()),
        };
        if self.output.len() < bound {
            self.output.resize(bound, 0);
        }
        let output = self.output.as_mut_slice();
        let length = match &mut self.method {
            Method::None => 0,
            Method::Zstd(compressor) => compressor.compress_to_buffer(page, output)?,
            Method::Snappy(encoder) => encoder.compress(page, output)?,
            Method::Lz4 => lz4_flex::block::compress_into(page, output)
                .map_err(|error| ParquetError::External(Box::new(error)))?,
        };
        Ok(&self.output[..length])
    }
}
