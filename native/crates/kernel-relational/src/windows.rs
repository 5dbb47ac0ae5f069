//! Event time: how far it got, and which windows a row belongs to.
//!
//! Windows are aligned to 1970 plus an offset, closed at their start and open at their end. What is late or has no time is told apart
//! here, so that what follows sees only rows that count.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, UInt32Array, make_array,
};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow_select::take::take_record_batch;

use crate::error::{RelationalError, Result};

/// How the windows of a row follow from its time. Milliseconds, all positive but the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// `[start, start + size)` for every `start = offset + n × slide` that holds the row; tumbling when `slide` is `size`.
    Sliding {
        size_ms: i64,
        slide_ms: i64,
        offset_ms: i64,
    },
    /// `[time, time + gap)`, to be merged with those that it touches.
    Session { gap_ms: i64 },
}

impl Span {
    /// From the start of a window, or of a session of one row, to its end.
    pub fn length_ms(&self) -> i64 {
        match self {
            Self::Sliding { size_ms, .. } => *size_ms,
            Self::Session { gap_ms } => *gap_ms,
        }
    }
}

/// Assigns rows to windows.
#[derive(Debug, Clone)]
pub struct WindowParams {
    /// The column that has the event time, a timestamp.
    pub column: String,
    pub span: Span,
    /// A window whose end is not after this is late; none is when there is none. Milliseconds since 1970.
    pub late_ms: Option<i64>,
    /// What late rows say about the watermark. Milliseconds since 1970.
    pub watermark_ms: i64,
    /// Names of the columns with the start and the end of a window, and the watermark.
    pub names: [String; 3],
}

/// A batch told apart.
#[derive(Debug)]
pub struct Windowed {
    /// A row for each window that counts, and after the columns the start of the window.
    pub rows: RecordBatch,
    /// A row for each window that is late, and after the columns its start, its end and the watermark.
    pub late: Option<RecordBatch>,
    /// Rows without event time.
    pub invalid: Option<RecordBatch>,
}

/// The type that times of windows have: that of the event time, but never coarser than milliseconds.
///
/// # Errors
/// `BatchSchema` for a column that is no timestamp.
pub fn window_time_type(event_time: &DataType) -> Result<DataType> {
    match event_time {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            Ok(DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
        }
        DataType::Timestamp(..) => Ok(event_time.clone()),
        other => Err(RelationalError::BatchSchema {
            difference: format!("the event time is {other}, not a timestamp"),
        }),
    }
}

/// The largest time of a timestamp column, rounded down to milliseconds since 1970; none without a time. Linear, about 0.2 ns a row.
///
/// # Errors
/// `BatchSchema` when there is no such column, or it is no timestamp.
pub fn latest_event_time_ms(batch: &RecordBatch, column: &str) -> Result<Option<i64>> {
    let times = Times::of(batch, column)?;
    let largest = match &times.nulls {
        None => times.values.iter().copied().max(),
        Some(nulls) => nulls.valid_indices().map(|row| times.values[row]).max(),
    };
    Ok(largest.map(|time| time.div_euclid(times.per_ms)))
}

/// The rows of a batch whose time is at most `limit_ms`, in milliseconds since 1970, or that have none; and the later ones.
///
/// # Errors
/// `BatchSchema` when there is no such column, or it is no timestamp.
pub fn split_by_event_time(
    batch: &RecordBatch,
    column: &str,
    limit_ms: i64,
) -> Result<(RecordBatch, RecordBatch)> {
    let times = Times::of(batch, column)?;
    let limit = limit_ms.saturating_mul(times.per_ms);
    let is_later = |row: &u32| {
        let has_time = |nulls: &NullBuffer| nulls.is_valid(*row as usize);
        times.values[*row as usize] > limit && times.nulls.as_ref().is_none_or(has_time)
    };
    let (later, kept) = (0..batch.num_rows() as u32).partition(is_later);
    Ok((taken(batch, kept)?, taken(batch, later)?))
}

/// Tells which windows the rows of a batch belong to. Linear in the rows and their windows; rows of tumbling windows among which none is
/// late are not copied.
///
/// # Errors
/// `BatchSchema` when there is no such column, or it is no timestamp.
pub fn assign_windows(batch: &RecordBatch, params: &WindowParams) -> Result<Windowed> {
    let times = Times::of(batch, &params.column)?;
    let mut found = Found::default();
    for row in 0..batch.num_rows() {
        if times.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            found.invalid.push(row as u32);
        } else {
            found.add(row as u32, times.values[row], params, times.per_ms);
        }
    }
    let invalid = match found.invalid.is_empty() {
        true => None,
        false => Some(taken(batch, std::mem::take(&mut found.invalid))?),
    };
    let start = |starts| time_column(starts, &times.data_type);
    let whole = found.rows.len() == batch.num_rows()
        && found
            .rows
            .iter()
            .enumerate()
            .all(|(at, row)| at == *row as usize);
    let kept = match whole {
        true => batch.clone(),
        false => taken(batch, found.rows)?,
    };
    let rows = with_times(&kept, &params.names[..1], vec![start(found.starts)?])?;
    let late = match found.late.is_empty() {
        true => None,
        false => {
            let watermark = params.watermark_ms.saturating_mul(times.per_ms);
            let watermarks = vec![watermark; found.late.len()];
            let columns = vec![
                start(found.late_starts)?,
                start(found.late_ends)?,
                start(watermarks)?,
            ];
            Some(with_times(
                &taken(batch, found.late)?,
                &params.names,
                columns,
            )?)
        }
    };
    Ok(Windowed {
        rows,
        late,
        invalid,
    })
}

/// Numbers of rows with their windows.
#[derive(Default)]
struct Found {
    rows: Vec<u32>,
    starts: Vec<i64>,
    late: Vec<u32>,
    late_starts: Vec<i64>,
    late_ends: Vec<i64>,
    invalid: Vec<u32>,
}

impl Found {
    fn add(&mut self, row: u32, time: i64, params: &WindowParams, per_ms: i64) {
        let units = |ms: i64| ms.saturating_mul(per_ms);
        let late = params.late_ms.map(units);
        match params.span {
            Span::Session { gap_ms } => {
                self.put(row, time, time.saturating_add(units(gap_ms)), late);
            }
            Span::Sliding {
                size_ms,
                slide_ms,
                offset_ms,
            } => {
                let (size, slide, offset) = (units(size_ms), units(slide_ms), units(offset_ms));
                // The last window that begins at the row or before.
                let last = time - time.saturating_sub(offset).rem_euclid(slide);
                let count = (size - (time - last) + slide - 1) / slide;
                for back in (0..count).rev() {
                    let start = last.saturating_sub(back.saturating_mul(slide));
                    self.put(row, start, start.saturating_add(size), late);
                }
            }
        }
    }

    fn put(&mut self, row: u32, start: i64, end: i64, late: Option<i64>) {
        if late.is_some_and(|late| end <= late) {
            self.late.push(row);
            self.late_starts.push(start);
            self.late_ends.push(end);
        } else {
            self.rows.push(row);
            self.starts.push(start);
        }
    }
}

/// A timestamp column as integers.
pub(crate) struct Times {
    pub(crate) values: ScalarBuffer<i64>,
    pub(crate) nulls: Option<NullBuffer>,
    /// How many of its units are a millisecond.
    pub(crate) per_ms: i64,
    /// Of times in these units.
    pub(crate) data_type: DataType,
}

impl Times {
    pub(crate) fn of(batch: &RecordBatch, column: &str) -> Result<Self> {
        let column = batch.column(position(batch.schema_ref(), column)?);
        let data_type = window_time_type(column.data_type())?;
        let plain = int64s(column)?;
        let is_seconds = matches!(column.data_type(), DataType::Timestamp(TimeUnit::Second, _));
        let values = match is_seconds {
            true => plain
                .values()
                .iter()
                .map(|time| time.saturating_mul(1000))
                .collect(),
            false => plain.values().clone(),
        };
        Ok(Self {
            values,
            nulls: plain
                .nulls()
                .filter(|nulls| nulls.null_count() > 0)
                .cloned(),
            per_ms: units_per_ms(&data_type),
            data_type,
        })
    }
}

/// How many units of a type that [`window_time_type`] gives are a millisecond.
pub(crate) fn units_per_ms(data_type: &DataType) -> i64 {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1000,
        _ => 1,
    }
}

/// The values of a timestamp column. No copy.
pub(crate) fn int64s(column: &ArrayRef) -> Result<Int64Array> {
    let data = column.to_data().into_builder().data_type(DataType::Int64);
    Ok(make_array(data.build()?)
        .as_primitive::<Int64Type>()
        .clone())
}

/// A column of times from their integers. No copy.
pub(crate) fn time_column(values: Vec<i64>, data_type: &DataType) -> Result<ArrayRef> {
    let data = Int64Array::from(values)
        .into_data()
        .into_builder()
        .data_type(data_type.clone());
    Ok(make_array(data.build()?))
}

fn position(schema: &Schema, column: &str) -> Result<usize> {
    schema
        .index_of(column)
        .map_err(|_| RelationalError::BatchSchema {
            difference: format!("there is no column \"{column}\""),
        })
}

fn taken(batch: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch> {
    Ok(take_record_batch(batch, &UInt32Array::from(rows))?)
}

fn with_times(
    batch: &RecordBatch,
    names: &[String],
    columns: Vec<ArrayRef>,
) -> Result<RecordBatch> {
    let added = names
        .iter()
        .zip(&columns)
        .map(|(name, column)| Arc::new(Field::new(name, column.data_type().clone(), false)));
    let schema = with_fields(batch.schema_ref(), added);
    let columns = batch.columns().iter().cloned().chain(columns).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

fn with_fields(input: &Schema, added: impl Iterator<Item = Arc<Field>>) -> SchemaRef {
    let fields: Fields = input.fields().iter().cloned().chain(added).collect();
    Arc::new(Schema::new(fields))
}
