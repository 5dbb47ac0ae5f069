//! DELTA_BINARY_PACKED: blocks of differences, each packed in as few bits as its range needs.

use super::bit_packing::{bit_width, pack, write_varint};
use super::value::FlatValue;

const BLOCK_VALUES: usize = 128;
const MINIBLOCK_VALUES: usize = 32;
const MINIBLOCKS: usize = BLOCK_VALUES / MINIBLOCK_VALUES;

/// Appends integers; differences wrap at the width of the type.
pub(super) fn write_delta<T: FlatValue>(out: &mut Vec<u8>, values: &[T]) {
    write_varint(out, BLOCK_VALUES as u64);
    write_varint(out, MINIBLOCKS as u64);
    write_varint(out, values.len() as u64);
    write_varint(
        out,
        zigzag(values.first().map_or(0, |value| signed(*value))),
    );
    let mut deltas = [0; BLOCK_VALUES];
    let mut start = 1;
    while start < values.len() {
        let count = BLOCK_VALUES.min(values.len() - start);
        for (delta, pair) in deltas
            .iter_mut()
            .zip(values[start - 1..start + count].windows(2))
        {
            *delta = difference(pair[0], pair[1]);
        }
        write_block::<T>(out, &mut deltas[..count]);
        start += count;
    }
}

/// The bits that the differences between neighbours take, all in all.
pub(super) fn delta_bits<T: FlatValue>(values: &[T]) -> u64 {
    let mut deltas = [0; MINIBLOCK_VALUES];
    let mut bits = 0;
    for miniblock in values.chunks(MINIBLOCK_VALUES) {
        for (delta, pair) in deltas.iter_mut().zip(miniblock.windows(2)) {
            *delta = difference(pair[0], pair[1]);
        }
        let deltas = &deltas[..miniblock.len() - 1];
        let (min, max) = deltas
            .iter()
            .fold((i64::MAX, i64::MIN), |(min, max), delta| {
                (min.min(*delta), max.max(*delta))
            });
        bits += u64::from(bit_width(range::<T>(min.min(max), max))) * miniblock.len() as u64;
    }
    bits
}

fn write_block<T: FlatValue>(out: &mut Vec<u8>, deltas: &mut [i64]) {
    let min = deltas.iter().copied().min().unwrap_or(0);
    write_varint(out, zigzag(min));
    let widths = out.len();
    out.extend_from_slice(&[0; MINIBLOCKS]);
    for (index, miniblock) in deltas.chunks(MINIBLOCK_VALUES).enumerate() {
        let all = miniblock
            .iter()
            .fold(0, |all, delta| all | range::<T>(min, *delta));
        let width = bit_width(all);
        out[widths + index] = width as u8;
        let padding = std::iter::repeat_n(0, MINIBLOCK_VALUES - miniblock.len());
        pack(
            out,
            miniblock
                .iter()
                .map(|delta| range::<T>(min, *delta))
                .chain(padding),
            width,
        );
    }
}

/// The value as the signed integer of its width.
fn signed<T: FlatValue>(value: T) -> i64 {
    narrow::<T>(value.bits() as i64)
}

fn difference<T: FlatValue>(from: T, to: T) -> i64 {
    narrow::<T>((to.bits() as i64).wrapping_sub(from.bits() as i64))
}

fn range<T: FlatValue>(min: i64, delta: i64) -> u64 {
    let range = delta.wrapping_sub(min) as u64;
    if T::WIDTH == 4 {
        range & u64::from(u32::MAX)
    } else {
        range
    }
}

fn narrow<T: FlatValue>(value: i64) -> i64 {
    if T::WIDTH == 4 {
        i64::from(value as i32)
    } else {
        value
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
