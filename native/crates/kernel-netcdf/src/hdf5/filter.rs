//! Chunk filters: deflate, shuffle and fletcher32.

use flate2::{Decompress, FlushDecompress, Status};

use super::checksum::is_intact;
use crate::error::{NetcdfError, Result};

const CHECKSUM_BYTES: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Filter {
    Deflate,
    Shuffle,
    Fletcher32,
}

impl Filter {
    /// The filter of a registered id.
    pub(super) fn of(id: u16) -> Result<Self> {
        match id {
            1 => Ok(Self::Deflate),
            2 => Ok(Self::Shuffle),
            3 => Ok(Self::Fletcher32),
            _ => Err(NetcdfError::unsupported(format!("the chunk filter {id}"))),
        }
    }
}

/// Undoes the filters of one chunk of `chunk_bytes` decoded bytes stored at `offset`; bit `n` of `skipped` says that the
/// writer left out filter `n`.
///
/// Memory: never more than `chunk_bytes` and a checksum per filter.
pub(super) fn decode(
    filters: &[Filter],
    skipped: u32,
    stored: &[u8],
    chunk_bytes: usize,
    element_bytes: usize,
    offset: u64,
) -> Result<Vec<u8>> {
    let is_applied = |index: usize| skipped & (1_u32 << index.min(31)) == 0;
    let applied: Vec<_> = filters
        .iter()
        .enumerate()
        .filter(|(index, _)| is_applied(*index))
        .map(|(_, f)| *f)
        .collect();
    let mut bytes = stored.to_vec();
    for (index, filter) in applied.iter().enumerate().rev() {
        // Checksums added before this filter are part of what it gives back.
        let checksums = applied[..index]
            .iter()
            .filter(|filter| **filter == Filter::Fletcher32)
            .count();
        bytes = match filter {
            Filter::Deflate => inflate(&bytes, chunk_bytes + checksums * CHECKSUM_BYTES, offset)?,
            Filter::Shuffle => unshuffle(&bytes, element_bytes),
            Filter::Fletcher32 => without_checksum(bytes, offset)?,
        };
    }
    if bytes.len() != chunk_bytes {
        let reason = format!(
            "a chunk of {} bytes where {chunk_bytes} are expected",
            bytes.len()
        );
        return Err(NetcdfError::Corrupt { offset, reason });
    }
    Ok(bytes)
}

fn inflate(stored: &[u8], length: usize, offset: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut stream = Decompress::new(true);
    let status = stream.decompress(stored, &mut bytes, FlushDecompress::Finish);
    if !matches!(status, Ok(Status::StreamEnd)) || stream.total_out() != length as u64 {
        return Err(NetcdfError::Corrupt {
            offset,
            reason: "a compressed chunk does not decompress".to_owned(),
        });
    }
    Ok(bytes)
}

/// Brings the bytes of each element together again; bytes that fill no element stay at the end.
fn unshuffle(stored: &[u8], element_bytes: usize) -> Vec<u8> {
    if element_bytes <= 1 {
        return stored.to_vec();
    }
    let mut bytes = stored.to_vec();
    let count = stored.len() / element_bytes;
    for byte in 0..element_bytes {
        for element in 0..count {
            bytes[element * element_bytes + byte] = stored[byte * count + element];
        }
    }
    bytes
}

fn without_checksum(mut bytes: Vec<u8>, offset: u64) -> Result<Vec<u8>> {
    let Some((data, stored)) = bytes.split_last_chunk::<CHECKSUM_BYTES>() else {
        return Err(NetcdfError::Corrupt {
            offset,
            reason: "a chunk shorter than its checksum".to_owned(),
        });
    };
    let (stored, computed) = (u32::from_le_bytes(*stored), fletcher32(data));
    // Libraries before 1.6.3 stored the bytes of each half in the other order on little-endian machines.
    let swapped = (computed & 0x00ff_00ff) << 8 | (computed & 0xff00_ff00) >> 8;
    if !is_intact(stored, computed) && stored != swapped {
        return Err(NetcdfError::Checksum {
            structure: "chunk",
            offset,
        });
    }
    bytes.truncate(bytes.len() - CHECKSUM_BYTES);
    Ok(bytes)
}

/// Fletcher's checksum over big-endian 16-bit words, a last odd byte being the high one.
fn fletcher32(data: &[u8]) -> u32 {
    /// Words whose sums cannot overflow.
    const RUN: usize = 360;
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut low, mut high) = (0_u32, 0_u32);
    for run in data.chunks(2 * RUN) {
        for word in run.chunks(2) {
            low += u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0));
            high += low;
        }
        (low, high) = (fold(low), fold(high));
    }
    (low, high) = (fold(low), fold(high));
    high << 16 | low
}
