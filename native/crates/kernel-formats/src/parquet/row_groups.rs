//! Cuts a stream of batches into row groups, wherever the batches themselves begin and end.

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::params::CheckedWriteParams;

/// Rows collected until they fill a row group.
///
/// Where a row group ends depends on the rows alone: on their number and on the bytes of their
/// values. Memory: the batches of one row group, which are shared with the caller, not copied.
pub(crate) struct RowGroups {
    rows_max: usize,
    bytes_max: u64,
    pieces: Vec<RecordBatch>,
    rows: usize,
    bytes: u64,
}

impl RowGroups {
    pub(crate) fn new(params: &CheckedWriteParams) -> Self {
        Self {
            rows_max: params.row_group_rows,
            bytes_max: params.row_group_bytes_max,
            pieces: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds the rows of `batch` from `start` on, up to the end of the row group, and returns how
    /// many that were. Fewer than the batch holds means that the row group is full.
    pub(crate) fn push(&mut self, batch: &RecordBatch, start: usize) -> usize {
        let available = batch.num_rows() - start;
        let rows = self.rows_that_fit(batch, start, available.min(self.rows_max - self.rows));
        if rows > 0 {
            self.bytes += batch_bytes(batch, start, start + rows);
            self.rows += rows;
            self.pieces.push(batch.slice(start, rows));
        }
        rows
    }

    /// Whether the row group has all the rows it may have.
    pub(crate) fn is_full(&self) -> bool {
        self.rows == self.rows_max
    }

    /// Takes the collected rows, in order, and starts the next row group.
    pub(crate) fn take(&mut self) -> Vec<RecordBatch> {
        self.rows = 0;
        self.bytes = 0;
        std::mem::take(&mut self.pieces)
    }

    fn rows_that_fit(&self, batch: &RecordBatch, start: usize, available: usize) -> usize {
        let fits =
            |rows: usize| self.bytes + batch_bytes(batch, start, start + rows) <= self.bytes_max;
        if fits(available) {
            return available;
        }
        let (mut fitting, mut too_many) = (0, available);
        while too_many - fitting > 1 {
            let middle = fitting + (too_many - fitting) / 2;
            if fits(middle) {
                fitting = middle
            } else {
                too_many = middle
            }
        }
        if fitting == 0 && self.rows == 0 {
            1
        } else {
            fitting
        }
    }
}

fn batch_bytes(batch: &RecordBatch, start: usize, end: usize) -> u64 {
    batch
        .columns()
        .iter()
        .map(|column| value_bytes(column, start, end))
        .sum()
}

/// The bytes of the values in rows `start..end`: additive over ranges, so that it does not matter
/// how the rows were cut. A dictionary counts its keys, a view 16 bytes, a boolean one.
fn value_bytes(array: &dyn Array, start: usize, end: usize) -> u64 {
    let rows = (end - start) as u64;
    let span = |first: usize, last: usize| (last - first) as u64;
    match array.data_type() {
        DataType::Utf8 => {
            let offsets = array.as_string::<i32>().value_offsets();
            4 * rows + span(offsets[start] as usize, offsets[end] as usize)
        }
        DataType::LargeUtf8 => {
            let offsets = array.as_string::<i64>().value_offsets();
            8 * rows + span(offsets[start] as usize, offsets[end] as usize)
        }
        DataType::Binary => {
            let offsets = array.as_binary::<i32>().value_offsets();
            4 * rows + span(offsets[start] as usize, offsets[end] as usize)
        }
        DataType::LargeBinary => {
            let offsets = array.as_binary::<i64>().value_offsets();
            8 * rows + span(offsets[start] as usize, offsets[end] as usize)
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            4 * rows
                + value_bytes(
                    list.values(),
                    offsets[start] as usize,
                    offsets[end] as usize,
                )
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            8 * rows
                + value_bytes(
                    list.values(),
                    offsets[start] as usize,
                    offsets[end] as usize,
                )
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            4 * rows
                + value_bytes(
                    map.entries(),
                    offsets[start] as usize,
                    offsets[end] as usize,
                )
        }
        DataType::FixedSizeList(_, length) => {
            let length = *length as usize;
            value_bytes(
                array.as_fixed_size_list().values(),
                start * length,
                end * length,
            )
        }
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .map(|child| value_bytes(child, start, end))
            .sum(),
        DataType::FixedSizeBinary(width) => rows * *width as u64,
        DataType::Dictionary(key, _) => rows * key.primitive_width().unwrap_or(8) as u64,
        DataType::Utf8View | DataType::BinaryView => 16 * rows,
        other => rows * other.primitive_width().unwrap_or(1) as u64,
    }
}
