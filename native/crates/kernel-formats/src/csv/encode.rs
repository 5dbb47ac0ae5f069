//! Record batches → CSV text.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BooleanArray, GenericStringArray, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::params::CsvWriteParams;
use crate::calendar::{write_date, write_instant};
use crate::error::{FormatsError, Result};

/// Checks that every column can be written.
///
/// Errors: [`FormatsError::UnsupportedType`].
pub(super) fn check_schema(schema: &Schema) -> Result<()> {
    schema.fields().iter().try_for_each(|field| {
        let empty = arrow_array::new_empty_array(field.data_type());
        text_column(field, &empty).map(|_| ())
    })
}

/// Appends the header line.
pub(super) fn write_header(out: &mut Vec<u8>, schema: &Schema, params: &CsvWriteParams) {
    let style = Style::new(params);
    for (index, field) in schema.fields().iter().enumerate() {
        if index > 0 {
            out.push(params.delimiter);
        }
        write_text(out, field.name().as_bytes(), &style);
    }
    out.push(b'\n');
}

/// Appends the rows of a batch, a line each. Cost: linear; no allocation per row.
pub(super) fn write_rows(
    out: &mut Vec<u8>,
    batch: &RecordBatch,
    params: &CsvWriteParams,
) -> Result<()> {
    let style = Style::new(params);
    let schema = batch.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| text_column(field, array))
        .collect::<Result<Vec<_>>>()?;
    for row in 0..batch.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                out.push(params.delimiter);
            }
            column.write(out, row, &style);
        }
        out.push(b'\n');
    }
    Ok(())
}

/// What text has to respect.
struct Style<'a> {
    null: &'a [u8],
    /// Bytes that force quotes.
    special: [bool; 256],
}

impl<'a> Style<'a> {
    fn new(params: &'a CsvWriteParams) -> Self {
        let mut special = [false; 256];
        for byte in [params.delimiter, b'"', b'\r', b'\n'] {
            special[usize::from(byte)] = true;
        }
        Self {
            null: params.null.as_bytes(),
            special,
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &[u8], style: &Style) {
    // All bytes are looked at without an early exit: fields are short, and this has no branches.
    let special = text.iter().fold(false, |found, byte| {
        found | style.special[usize::from(*byte)]
    });
    if !special && text != style.null {
        out.extend_from_slice(text);
        return;
    }
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

/// A column and how its values become text.
struct TextColumn<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a [i8]),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt8(&'a [u8]),
    UInt16(&'a [u16]),
    UInt32(&'a [u32]),
    UInt64(&'a [u64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Date(&'a [i32]),
    Instant {
        ticks: &'a [i64],
        per_second: i64,
        zoned: bool,
    },
    Decimal {
        values: &'a [i128],
        scale: i8,
    },
    Utf8(&'a GenericStringArray<i32>),
    LargeUtf8(&'a GenericStringArray<i64>),
    Dictionary {
        keys: Vec<usize>,
        values: Box<TextColumn<'a>>,
    },
}

impl TextColumn<'_> {
    #[inline]
    fn write(&self, out: &mut Vec<u8>, row: usize, style: &Style) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(style.null);
            return;
        }
        match &self.values {
            Values::Null => out.extend_from_slice(style.null),
            Values::Boolean(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" })
            }
            Values::Int8(values) => write_integer(out, values[row]),
            Values::Int16(values) => write_integer(out, values[row]),
            Values::Int32(values) => write_integer(out, values[row]),
            Values::Int64(values) => write_integer(out, values[row]),
            Values::UInt8(values) => write_integer(out, values[row]),
            Values::UInt16(values) => write_integer(out, values[row]),
            Values::UInt32(values) => write_integer(out, values[row]),
            Values::UInt64(values) => write_integer(out, values[row]),
            Values::Float32(values) => write_float(out, values[row]),
            Values::Float64(values) => write_float(out, values[row]),
            Values::Date(days) => write_date(out, i64::from(days[row])),
            Values::Instant {
                ticks,
                per_second,
                zoned,
            } => {
                write_instant(out, ticks[row], *per_second);
                if *zoned {
                    out.push(b'Z');
                }
            }
            Values::Decimal { values, scale } => write_decimal(out, values[row], *scale),
            Values::Utf8(values) => write_text(out, values.value(row).as_bytes(), style),
            Values::LargeUtf8(values) => write_text(out, values.value(row).as_bytes(), style),
            Values::Dictionary { keys, values } => values.write(out, keys[row], style),
        }
    }
}

/// Appends the digits, with a sign where negative.
pub(crate) fn write_integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends the shortest text that reads back as the same value; `NaN`, `inf`, `-inf`.
pub(crate) fn write_float(out: &mut Vec<u8>, value: impl zmij::Float) {
    out.extend_from_slice(zmij::Buffer::new().format(value).as_bytes());
}

/// Appends `value × 10^-scale`, with all digits of the scale.
pub(crate) fn write_decimal(out: &mut Vec<u8>, value: i128, scale: i8) {
    if value < 0 {
        out.push(b'-');
    }
    let digits = value.unsigned_abs().to_string();
    match usize::try_from(scale) {
        Ok(0) => out.extend_from_slice(digits.as_bytes()),
        Ok(scale) => {
            let digits = format!("{digits:0>width$}", width = scale + 1);
            let (whole, fraction) = digits.split_at(digits.len() - scale);
            out.extend_from_slice(whole.as_bytes());
            out.push(b'.');
            out.extend_from_slice(fraction.as_bytes());
        }
        Err(_) => {
            out.extend_from_slice(digits.as_bytes());
            if value != 0 {
                out.extend(std::iter::repeat_n(b'0', usize::from(scale.unsigned_abs())));
            }
        }
    }
}

fn values_of<T: ArrowPrimitiveType>(array: &ArrayRef) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

fn text_column<'a>(field: &Field, array: &'a ArrayRef) -> Result<TextColumn<'a>> {
    let values = match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Boolean(array.as_boolean()),
        DataType::Int8 => Values::Int8(values_of::<Int8Type>(array)),
        DataType::Int16 => Values::Int16(values_of::<Int16Type>(array)),
        DataType::Int32 => Values::Int32(values_of::<Int32Type>(array)),
        DataType::Int64 => Values::Int64(values_of::<Int64Type>(array)),
        DataType::UInt8 => Values::UInt8(values_of::<UInt8Type>(array)),
        DataType::UInt16 => Values::UInt16(values_of::<UInt16Type>(array)),
        DataType::UInt32 => Values::UInt32(values_of::<UInt32Type>(array)),
        DataType::UInt64 => Values::UInt64(values_of::<UInt64Type>(array)),
        DataType::Float32 => Values::Float32(values_of::<Float32Type>(array)),
        DataType::Float64 => Values::Float64(values_of::<Float64Type>(array)),
        DataType::Date32 => Values::Date(values_of::<Date32Type>(array)),
        DataType::Timestamp(unit, zone) => {
            let (ticks, per_second) = instants(array, *unit);
            Values::Instant {
                ticks,
                per_second,
                zoned: zone.is_some(),
            }
        }
        DataType::Decimal128(_, scale) => Values::Decimal {
            values: values_of::<Decimal128Type>(array),
            scale: *scale,
        },
        DataType::Utf8 => Values::Utf8(array.as_string()),
        DataType::LargeUtf8 => Values::LargeUtf8(array.as_string()),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let values = Box::new(text_column(field, dictionary.values())?);
            // `normalized_keys` wants a value; without one, every key is null and none is looked up.
            let keys = if dictionary.values().is_empty() {
                Vec::new()
            } else {
                dictionary.normalized_keys()
            };
            Values::Dictionary { keys, values }
        }
        other => {
            return Err(FormatsError::UnsupportedType {
                format: "CSV",
                column: field.name().clone(),
                data_type: other.to_string(),
            });
        }
    };
    Ok(TextColumn {
        nulls: array.nulls(),
        values,
    })
}

/// The values of a timestamp column, and how many of them a second has.
pub(crate) fn instants(array: &ArrayRef, unit: TimeUnit) -> (&[i64], i64) {
    match unit {
        TimeUnit::Second => (values_of::<TimestampSecondType>(array), 1),
        TimeUnit::Millisecond => (values_of::<TimestampMillisecondType>(array), 1_000),
        TimeUnit::Microsecond => (values_of::<TimestampMicrosecondType>(array), 1_000_000),
        TimeUnit::Nanosecond => (values_of::<TimestampNanosecondType>(array), 1_000_000_000),
    }
}
