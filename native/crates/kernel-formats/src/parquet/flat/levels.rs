//! Definition levels of a nullable column, and which values belong to which page.

use arrow_buffer::NullBuffer;

use super::bit_packing::write_varint;
use super::{PAGE_ROWS, PageRange};

/// Cuts rows into pages of [`PAGE_ROWS`].
pub(super) fn page_ranges(rows: usize, nulls: Option<&NullBuffer>) -> Vec<PageRange> {
    let mut value = 0;
    (0..rows)
        .step_by(PAGE_ROWS)
        .map(|start| {
            let rows = start..rows.min(start + PAGE_ROWS);
            let first = value;
            value += rows.len() - null_count(nulls, &rows);
            PageRange {
                rows,
                values: first..value,
            }
        })
        .collect()
}

/// Appends the definition levels of a page, with their length in bytes before them.
pub(super) fn write_levels(out: &mut Vec<u8>, page: &PageRange, nulls: Option<&NullBuffer>) {
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let rows = page.rows.len();
    match nulls.filter(|_| !page.values.is_empty() && page.values.len() < rows) {
        None => {
            write_varint(out, (rows as u64) << 1);
            out.push(u8::from(!page.values.is_empty()));
        }
        Some(nulls) => {
            // Packed levels of one bit are laid out like Arrow's validity bits.
            write_varint(out, (rows.div_ceil(8) as u64) << 1 | 1);
            let validity = nulls.inner().slice(page.rows.start, rows).sliced();
            out.extend_from_slice(&validity.as_slice()[..rows.div_ceil(8)]);
        }
    }
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

fn null_count(nulls: Option<&NullBuffer>, rows: &std::ops::Range<usize>) -> usize {
    nulls.map_or(0, |nulls| nulls.slice(rows.start, rows.len()).null_count())
}
