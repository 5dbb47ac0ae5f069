//! Rows of a result, gathered from DuckDB's vectors straight into Arrow columns.
//!
//! A join or a filter gives many small chunks. DuckDB's own conversion makes Arrow arrays of each, which costs about 25 µs a chunk before
//! any value is copied; these columns are appended to for as long as the caller wants one batch. Nested and rare types take DuckDB's way.

use arrow_array::{ArrayRef, make_array};
use arrow_buffer::{
    BooleanBuffer, BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer, NullBufferBuilder,
};
use arrow_data::ArrayData;
use arrow_schema::{DataType, TimeUnit};

use crate::error::Result;
use crate::ffi::{TYPE_HUGEINT, TYPE_UHUGEINT, VectorHandle};
use crate::library::api;
use crate::wide_integers::WIDE;

/// A column under construction.
pub(crate) struct Column {
    data_type: DataType,
    values: Values,
    nulls: NullBufferBuilder,
    rows: usize,
}

enum Values {
    Bool(BooleanBufferBuilder),
    /// Values of this many bytes, equal in both engines.
    Fixed(usize, MutableBuffer),
    /// Integers of this many bytes, widened to 16.
    Decimal(usize, MutableBuffer),
    Text(Vec<i32>, MutableBuffer),
}

impl Column {
    /// A column for results of DuckDB's type `kind` (`duckdb_type`), which Arrow calls `data_type`; nothing for types that are converted.
    pub(crate) fn new(kind: u32, data_type: &DataType) -> Option<Self> {
        use DataType as D;
        let fixed = |width| Some(Values::Fixed(width, MutableBuffer::new(0)));
        let values = match (kind, data_type) {
            (1, D::Boolean) => Some(Values::Bool(BooleanBufferBuilder::new(0))),
            (2, D::Int8) | (6, D::UInt8) => fixed(1),
            (3, D::Int16) | (7, D::UInt16) => fixed(2),
            (4, D::Int32) | (8, D::UInt32) | (10, D::Float32) | (13, D::Date32) => fixed(4),
            (5, D::Int64) | (9, D::UInt64) | (11, D::Float64) => fixed(8),
            (12 | 31, D::Timestamp(TimeUnit::Microsecond, _))
            | (14, D::Time64(TimeUnit::Microsecond))
            | (20, D::Timestamp(TimeUnit::Second, _))
            | (21, D::Timestamp(TimeUnit::Millisecond, _))
            | (22, D::Timestamp(TimeUnit::Nanosecond, _)) => fixed(8),
            (17, D::Utf8) | (18, D::Binary) => Some(Values::Text(vec![0], MutableBuffer::new(0))),
            (TYPE_HUGEINT | TYPE_UHUGEINT, &WIDE) => {
                Some(Values::Decimal(16, MutableBuffer::new(0)))
            }
            (19, D::Decimal128(precision, _)) => {
                let width = match precision {
                    ..=4 => 2,
                    5..=9 => 4,
                    10..=18 => 8,
                    _ => 16,
                };
                Some(Values::Decimal(width, MutableBuffer::new(0)))
            }
            _ => None,
        };
        values.map(|values| Self {
            data_type: data_type.clone(),
            values,
            nulls: NullBufferBuilder::new(0),
            rows: 0,
        })
    }

    /// Appends the rows of a flat vector.
    ///
    /// # Safety
    /// `vector` is flat, of the type that the column was made for, and holds at least `rows` rows.
    pub(crate) unsafe fn append(&mut self, vector: VectorHandle, rows: usize) {
        // SAFETY: DuckDB lays vectors out as duckdb.h says, and the caller vouches for type and length.
        unsafe {
            let data = api().vector_get_data(vector).cast::<u8>();
            let validity = api().vector_get_validity(vector);
            let valid = valid_rows(validity, rows);
            match &mut self.values {
                Values::Bool(builder) => {
                    (0..rows).for_each(|row| builder.append(*data.add(row) != 0))
                }
                Values::Fixed(width, buffer) => {
                    buffer.extend_from_slice(std::slice::from_raw_parts(data, rows * *width));
                }
                Values::Decimal(width, buffer) => append_decimals(buffer, data, *width, rows),
                Values::Text(offsets, buffer) => {
                    append_texts(offsets, buffer, data.cast(), valid.as_ref(), rows);
                }
            }
            match valid {
                Some(valid) => self.nulls.append_buffer(&valid),
                None => self.nulls.append_n_non_nulls(rows),
            }
        }
        self.rows += rows;
    }

    /// Bytes of values so far.
    pub(crate) fn byte_size(&self) -> usize {
        match &self.values {
            Values::Bool(builder) => builder.len() / 8,
            Values::Fixed(_, buffer) | Values::Decimal(_, buffer) | Values::Text(_, buffer) => {
                buffer.len()
            }
        }
    }

    /// The rows that were appended; the column is empty afterwards.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef> {
        let take = |buffer: &mut MutableBuffer| -> Buffer {
            std::mem::replace(buffer, MutableBuffer::new(0)).into()
        };
        let buffers = match &mut self.values {
            Values::Bool(builder) => vec![builder.finish().into_inner()],
            Values::Fixed(_, buffer) | Values::Decimal(_, buffer) => vec![take(buffer)],
            Values::Text(offsets, buffer) => {
                vec![
                    Buffer::from_vec(std::mem::replace(offsets, vec![0])),
                    take(buffer),
                ]
            }
        };
        let rows = std::mem::take(&mut self.rows);
        let data = ArrayData::builder(self.data_type.clone())
            .len(rows)
            .buffers(buffers)
            .nulls(self.nulls.finish());
        // SAFETY: every buffer holds `rows` values of the type as appended; texts are UTF-8 because DuckDB checks them.
        Ok(make_array(unsafe { data.build_unchecked() }))
    }
}

/// Which rows are valid; nothing when all are.
unsafe fn valid_rows(validity: *const u64, rows: usize) -> Option<NullBuffer> {
    if validity.is_null() {
        return None;
    }
    // SAFETY: a validity mask has a bit for every row of the vector, in words of 64.
    let words = unsafe { std::slice::from_raw_parts(validity, rows.div_ceil(64)) };
    let bits = BooleanBuffer::new(Buffer::from_slice_ref(words), 0, rows);
    Some(NullBuffer::new(bits)).filter(|nulls| nulls.null_count() > 0)
}

unsafe fn append_decimals(buffer: &mut MutableBuffer, data: *const u8, width: usize, rows: usize) {
    macro_rules! widened {
        ($type:ty) => {{
            // SAFETY: the vector holds `rows` integers of this width.
            let values = unsafe { std::slice::from_raw_parts(data.cast::<$type>(), rows) };
            buffer.extend(values.iter().map(|value| i128::from(*value)));
        }};
    }
    match width {
        2 => widened!(i16),
        4 => widened!(i32),
        8 => widened!(i64),
        // SAFETY: as above; a hugeint is an i128 whose address need not be aligned to 16.
        _ => buffer.extend_from_slice(unsafe { std::slice::from_raw_parts(data, rows * 16) }),
    }
}

/// `duckdb_string_t`: up to 12 bytes stand in place, others where the pointer in the last 8 bytes leads.
#[repr(C)]
#[derive(Clone, Copy)]
struct StringWords {
    length: u32,
    prefix: [u8; 4],
    pointer: *const u8,
}

const INLINE_BYTES: u32 = 12;

unsafe fn append_texts(
    offsets: &mut Vec<i32>,
    buffer: &mut MutableBuffer,
    texts: *const StringWords,
    valid: Option<&NullBuffer>,
    rows: usize,
) {
    offsets.reserve(rows);
    for row in 0..rows {
        if valid.is_none_or(|valid| valid.is_valid(row)) {
            // SAFETY: a valid row holds a string that lives as long as its vector.
            unsafe {
                let text = &*texts.add(row);
                let bytes = if text.length <= INLINE_BYTES {
                    text.prefix.as_ptr()
                } else {
                    text.pointer
                };
                buffer.extend_from_slice(std::slice::from_raw_parts(bytes, text.length as usize));
            }
        }
        offsets.push(buffer.len() as i32);
    }
}
