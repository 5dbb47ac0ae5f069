//! Where the messages of a file are: each has its length before it.

use std::ops::Range;

use crate::error::{FormatsError, Result};
use crate::input::Input;

/// Bytes of a length, little-endian and without sign.
pub(super) const LENGTH_BYTES: usize = 4;
/// What a message may have, in bytes: more is taken for damage.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;
/// What is looked through at a time, in bytes.
const WINDOW_BYTES: u64 = 1 << 20;

/// Cuts a file into pieces of whole messages, each of at least `piece_bytes` but the last, and gives where they begin
/// and end. Memory: 1 MiB.
///
/// Errors: [`FormatsError::Io`]; [`FormatsError::Corrupt`] where the lengths do not lead to the end of the file.
pub(super) fn cuts(input: &Input, title: &str, piece_bytes: u64) -> Result<Vec<u64>> {
    let size = input.byte_length()?;
    let damaged = |place: u64, reason: String| FormatsError::Messages {
        input: title.to_owned(),
        position: place,
        reason,
    };
    if size == 0 {
        return Err(damaged(0, "the file is empty".to_owned()));
    }
    let mut cuts = vec![0];
    let (mut window, mut window_start) = (Vec::new(), 0);
    let mut place = 0;
    while place < size {
        let behind = place + LENGTH_BYTES as u64;
        if behind > window_start + window.len() as u64 {
            window.clear();
            window_start = place;
            input.append_range(place, place + WINDOW_BYTES, &mut window)?;
        }
        let at = (place - window_start) as usize;
        let Some(length) = window.get(at..at + LENGTH_BYTES) else {
            return Err(damaged(
                place,
                "the file ends in the length of a message".to_owned(),
            ));
        };
        let length = u64::from(length_of(length));
        if length < LENGTH_BYTES as u64 || length > MESSAGE_BYTES_MAX {
            return Err(damaged(
                place,
                format!("a message cannot have {length} bytes"),
            ));
        }
        if behind + length > size {
            let left = size - behind;
            return Err(damaged(
                place,
                format!("a message is said to have {length} bytes, but {left} are left"),
            ));
        }
        place = behind + length;
        if place - cuts[cuts.len() - 1] >= piece_bytes || place == size {
            cuts.push(place);
        }
    }
    Ok(cuts)
}

/// Where the messages are in bytes that hold whole ones, without their lengths.
pub(super) fn messages(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut place = 0;
    while let Some(length) = bytes.get(place..place + LENGTH_BYTES) {
        let start = place + LENGTH_BYTES;
        let end = (start + length_of(length) as usize).min(bytes.len());
        found.push(start..end);
        place = end;
    }
    found
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
