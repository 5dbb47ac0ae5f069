//! Bits, little-endian, as Parquet packs them, and the hybrid of runs and packed groups.

/// Runs shorter than this are packed: a packed group has 8 values.
const RUN_MIN: usize = 8;

/// Appends an unsigned LEB128 number.
pub(super) fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bits needed for the numbers from 0 to `max`.
pub(super) fn bit_width(max: u64) -> u32 {
    u64::BITS - max.leading_zeros()
}

/// Appends values of `width` bits each (0 to 64), lowest bit first, padded with zeros to a whole byte.
pub(super) fn pack(out: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    if width == 0 {
        return;
    }
    let mut word = 0;
    let mut filled = 0;
    for value in values {
        word |= value << filled;
        filled += width;
        if filled >= u64::BITS {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= u64::BITS;
            word = if filled == 0 {
                0
            } else {
                value >> (width - filled)
            };
        }
    }
    out.extend_from_slice(&word.to_le_bytes()[..filled.div_ceil(8) as usize]);
}

/// Appends `indices` of `width` bits (1 to 32) in the RLE / bit-packing hybrid encoding.
pub(super) fn write_hybrid(out: &mut Vec<u8>, indices: &[u32], width: u32) {
    let mut packed_from = 0;
    let mut position = 0;
    while position < indices.len() {
        let run = run_length(&indices[position..]);
        // A run can only begin where the packed values before it fill their groups of 8; a longer run
        // lends the values that are missing.
        let lent = (packed_from..position).len().next_multiple_of(8) - (position - packed_from);
        if run >= RUN_MIN + lent {
            write_packed(out, &indices[packed_from..position + lent], width);
            write_run(out, indices[position], run - lent, width);
            packed_from = position + run;
        }
        position += run;
    }
    write_packed(out, &indices[packed_from..], width);
}

fn run_length(indices: &[u32]) -> usize {
    let first = indices[0];
    indices.iter().take_while(|index| **index == first).count()
}

fn write_run(out: &mut Vec<u8>, index: u32, count: usize, width: u32) {
    write_varint(out, (count as u64) << 1);
    out.extend_from_slice(&index.to_le_bytes()[..width.div_ceil(8) as usize]);
}

fn write_packed(out: &mut Vec<u8>, indices: &[u32], width: u32) {
    if indices.is_empty() {
        return;
    }
    let groups = indices.len().div_ceil(8);
    write_varint(out, (groups as u64) << 1 | 1);
    let padding = std::iter::repeat_n(0, groups * 8 - indices.len());
    pack(
        out,
        indices.iter().map(|index| u64::from(*index)).chain(padding),
        width,
    );
}
