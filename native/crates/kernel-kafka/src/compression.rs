//! The compressions of record batches.

use std::io::{self, Read, Write};

use crate::error::Fault;

/// What begins snappy data in the framing of Kafka's Java client (xerial's snappy-java).
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
/// The magic, a version and the oldest version that can read it.
const XERIAL_HEADER_BYTES: usize = XERIAL_MAGIC.len() + 4 + 4;
/// Versions that snappy-java writes.
const XERIAL_VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// What Kafka's Java client compresses with snappy at a time, in bytes.
const SNAPPY_BLOCK_BYTES: usize = 32 << 10;
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;
/// The memory that a zstd frame may ask for, as a power of two (RFC 8878, section 3.1.1.1.2).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How the records of a batch are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// Gzip (RFC 1952).
    Gzip,
    /// Snappy, in pieces with xerial's framing.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard (RFC 8878).
    Zstd,
}

impl Compression {
    /// The compression that has this number in the attributes of a batch.
    pub(crate) fn of(code: i16) -> Result<Self, Fault> {
        match code {
            0 => Ok(Self::None),
            1 => Ok(Self::Gzip),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Lz4),
            4 => Ok(Self::Zstd),
            other => Err(Fault::unsound(format!("there is no compression {other}"))),
        }
    }

    /// The number in the attributes of a batch.
    pub(crate) fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// Adds the compressed bytes. Cost: gzip level 6, zstd level 3.
    pub(crate) fn pack(self, bytes: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::None => packed.extend_from_slice(bytes),
            Self::Gzip => {
                let level = flate2::Compression::new(GZIP_LEVEL);
                let mut encoder = flate2::write::GzEncoder::new(packed, level);
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
            Self::Snappy => pack_snappy(bytes, packed)?,
            Self::Lz4 => {
                let mut encoder = lz4_flex::frame::FrameEncoder::new(packed);
                encoder.write_all(bytes)?;
                encoder.finish()?;
            }
            Self::Zstd => zstd::stream::copy_encode(bytes, packed, ZSTD_LEVEL)?,
        }
        Ok(())
    }

    /// Adds what `packed` unfolds to, at most `limit` bytes.
    pub(crate) fn unpack(
        self,
        packed: &[u8],
        unpacked: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Fault> {
        match self {
            Self::None => {
                unpacked.extend_from_slice(packed);
                Ok(())
            }
            Self::Gzip => read(flate2::read::MultiGzDecoder::new(packed), unpacked, limit),
            Self::Snappy => unpack_snappy(packed, unpacked, limit),
            Self::Lz4 => read(lz4_flex::frame::FrameDecoder::new(packed), unpacked, limit),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed).map_err(unreadable)?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .map_err(unreadable)?;
                read(decoder, unpacked, limit)
            }
        }
    }
}

fn read(source: impl Read, unpacked: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let count = source
        .take(limit as u64 + 1)
        .read_to_end(unpacked)
        .map_err(unreadable)?;
    if count > limit {
        return Err(Fault::TooLarge(limit));
    }
    Ok(())
}

fn unreadable(error: io::Error) -> Fault {
    Fault::unsound(format!("it cannot be decompressed: {error}"))
}

fn unpack_snappy(packed: &[u8], unpacked: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    if !packed.starts_with(XERIAL_MAGIC) {
        return unpack_snappy_block(packed, unpacked, limit);
    }
    let ended = || Fault::unsound("it cannot be decompressed: its snappy data ends too early");
    let mut rest = packed.get(XERIAL_HEADER_BYTES..).ok_or_else(ended)?;
    let mut left = limit;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (block, after) = behind.split_at_checked(length).ok_or_else(ended)?;
        let before = unpacked.len();
        unpack_snappy_block(block, unpacked, left).map_err(|fault| match fault {
            Fault::TooLarge(_) => Fault::TooLarge(limit),
            other => other,
        })?;
        left -= unpacked.len() - before;
        rest = after;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ended())
    }
}

fn unpack_snappy_block(block: &[u8], unpacked: &mut Vec<u8>, limit: usize) -> Result<(), Fault> {
    let unreadable = |error| Fault::unsound(format!("it cannot be decompressed: {error}"));
    let length = snap::raw::decompress_len(block).map_err(unreadable)?;
    if length > limit {
        return Err(Fault::TooLarge(limit));
    }
    let start = unpacked.len();
    unpacked.resize(start + length, 0);
    let written = snap::raw::Decoder::new().decompress(block, &mut unpacked[start..]);
    unpacked.truncate(start + *written.as_ref().unwrap_or(&0));
    written.map(drop).map_err(unreadable)
}

fn pack_snappy(bytes: &[u8], packed: &mut Vec<u8>) -> io::Result<()> {
    packed.extend_from_slice(XERIAL_MAGIC);
    packed.extend_from_slice(&XERIAL_VERSIONS);
    let mut encoder = snap::raw::Encoder::new();
    for block in bytes.chunks(SNAPPY_BLOCK_BYTES) {
        let start = packed.len() + 4;
        packed.resize(start + snap::raw::max_compress_len(block.len()), 0);
        let length = encoder.compress(block, &mut packed[start..])?;
        packed[start - 4..start].copy_from_slice(&(length as u32).to_be_bytes());
        packed.truncate(start + length);
    }
    Ok(())
}
