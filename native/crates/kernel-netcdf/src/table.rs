//! Parts that the GLM and the generic tables share.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};

use crate::error::{NetcdfError, Result};
use crate::limits::{Limits, check};

/// The key of a field's metadata that holds its units, such as `"J"` or `"degrees_north"`.
pub(crate) const UNIT: &str = "unit";

pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// A nullable field with its units in the metadata.
pub(crate) fn field(name: &str, data_type: DataType, unit: Option<&str>) -> Field {
    let metadata = unit.map(|unit| (UNIT.to_owned(), unit.to_owned()));
    Field::new(name, data_type, true).with_metadata(HashMap::from_iter(metadata))
}

/// A column that holds `text` in each of `row_count` rows, or only nulls.
///
/// Errors: [`NetcdfError::Limit`] when its text exceeds `batch_bytes_max` or the 2 GiB of Arrow's `Utf8`.
pub(crate) fn constant_text(
    text: Option<&str>,
    row_count: usize,
    limits: &Limits,
) -> Result<ArrayRef> {
    let Some(text) = text else {
        return Ok(Arc::new(StringArray::new_null(row_count)));
    };
    limits.check_batch(row_count, text.len())?;
    let byte_count = text.len() * row_count;
    let offset_max = byte_count.max(row_count) as u64;
    check(
        "the size of a text column",
        offset_max,
        "Arrow's offsets",
        i32::MAX as u64,
    )?;
    let step = text.len() as i32;
    let offsets: Vec<i32> = (0..=row_count as i32).map(|row| row * step).collect();
    let mut values = Vec::with_capacity(byte_count);
    values.extend_from_slice(&text.as_bytes()[..text.len().min(byte_count)]);
    while values.len() < byte_count {
        values.extend_from_within(..values.len().min(byte_count - values.len()));
    }
    // SAFETY: the values are whole copies of a `str`, and the offsets are the ascending multiples of its length.
    let column = unsafe {
        let offsets = OffsetBuffer::new_unchecked(ScalarBuffer::from(offsets));
        StringArray::new_unchecked(offsets, Buffer::from_vec(values), None)
    };
    Ok(Arc::new(column))
}

/// A batch of `row_count` rows; columns that contradict the schema are a defect of this crate.
pub(crate) fn batch(
    schema: SchemaRef,
    columns: Vec<ArrayRef>,
    row_count: usize,
) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(row_count));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(|error| {
        NetcdfError::Panicked {
            reason: error.to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    #[test]
    fn constant_text_repeats_whole_words() {
        for row_count in [0, 1, 2, 3, 1_000] {
            let column = constant_text(Some("naïve"), row_count, &Limits::default()).unwrap();
            let expected = StringArray::from(vec!["naïve"; row_count]);
            assert_eq!(column.to_data(), expected.to_data());
        }
        assert_eq!(
            constant_text(None, 3, &Limits::default())
                .unwrap()
                .null_count(),
            3
        );
    }

    #[test]
    fn constant_text_stays_within_the_batch_limit() {
        let limits = Limits {
            batch_bytes_max: 100,
            ..Limits::default()
        };
        assert_eq!(
            constant_text(Some("0123456789"), 11, &limits)
                .unwrap_err()
                .code(),
            "limit"
        );
    }
}
