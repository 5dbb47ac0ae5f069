//! Rows of a file with the columns that are expected of all files.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Int64Array, LargeStringArray, PrimitiveArray,
    RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Field, FieldRef, SchemaRef, TimeUnit};
use arrow_select::take::take;

use crate::calendar::parse_date;
use crate::error::{FormatsError, Result};
use crate::nested::reshaped;

const SECONDS_PER_DAY: i64 = 86_400;

/// A value that the place of a file gives to all its rows: a column's name, and text of its type or none for null.
pub type Constant = (String, Option<String>);

/// `rows` with exactly the columns of `schema`, found by name; `input` names them in errors.
///
/// Columns of `constants` are filled with their value, whatever the file holds under that name; nullable columns that
/// the file has not are null; columns of another type are converted where that loses nothing (integers and floats to
/// wider ones and to decimals, decimals to wider ones, dates to times without zone, times to another unit, text, binary and lists to another layout), inside of lists, maps and structs too.
/// Members of structs are found by name, as columns are; the names of list items and map entries do not matter. Other
/// columns of the file are dropped. No copy where the type is right.
///
/// Errors: [`FormatsError::Drift`] for what cannot be conformed.
pub fn conform(
    rows: &RecordBatch,
    schema: &SchemaRef,
    constants: &[Constant],
    input: &str,
) -> Result<RecordBatch> {
    if constants.is_empty() && rows.schema_ref().fields() == schema.fields() {
        return Ok(rows.clone());
    }
    let columns: Result<Vec<ArrayRef>> = schema
        .fields()
        .iter()
        .map(|field| column_of(rows, field, constants, input))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
        .map_err(|error| drift(input, "", error.to_string()))
}

fn column_of(
    rows: &RecordBatch,
    field: &FieldRef,
    constants: &[Constant],
    input: &str,
) -> Result<ArrayRef> {
    let failed = |reason: String| drift(input, field.name(), reason);
    if let Some((_, value)) = constants.iter().find(|(name, _)| name == field.name()) {
        return repeated(value.as_deref(), field.data_type(), rows.num_rows())
            .ok_or_else(|| failed(format!("{value:?} is not {}", field.data_type())));
    }
    let column = match rows.column_by_name(field.name()) {
        Some(column) => widened(column, field.data_type()).map_err(failed)?,
        None => new_null_array(field.data_type(), rows.num_rows()),
    };
    if column.null_count() > 0 && !field.is_nullable() {
        return Err(failed("it has nulls, where none are expected".to_owned()));
    }
    Ok(column)
}

/// Whether [`conform`] may be able to make a column of type `to` from one of type `from`.
pub(crate) fn is_convertible(from: &Field, to: &Field) -> bool {
    widened(&new_null_array(from.data_type(), 0), to.data_type()).is_ok()
}

fn drift(input: &str, column: &str, reason: String) -> FormatsError {
    FormatsError::Drift {
        input: input.to_owned(),
        column: column.to_owned(),
        reason,
    }
}

/// None when the text is not of the type, or when no text can be.
fn repeated(value: Option<&str>, data_type: &DataType, rows: usize) -> Option<ArrayRef> {
    let Some(text) = value else {
        return Some(new_null_array(data_type, rows));
    };
    Some(match data_type {
        DataType::Int64 => Arc::new(Int64Array::from_value(text.parse().ok()?, rows)),
        DataType::Date32 => {
            let days = i32::try_from(parse_date(text.as_bytes())?).ok()?;
            Arc::new(Date32Array::from_value(days, rows))
        }
        DataType::Utf8 => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(
            text, rows,
        ))),
        _ => return None,
    })
}

/// The same values as another type, or why that cannot be.
pub(crate) fn widened(column: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, String> {
    use DataType as D;
    let from = column.data_type();
    if from == to {
        return Ok(Arc::clone(column));
    }
    if let Some(nested) = reshaped(column, to) {
        return nested;
    }
    Ok(match (from, to) {
        (D::Null, _) => new_null_array(to, column.len()),
        (D::Dictionary(_, value), _) if value.as_ref() == to => {
            let dictionary = column.as_any_dictionary();
            take(dictionary.values(), dictionary.keys(), None).map_err(|e| e.to_string())?
        }
        (D::Timestamp(from_unit, from_zone), D::Timestamp(to_unit, to_zone))
            if is_same_clock(from_zone.as_deref(), to_zone.as_deref()) =>
        {
            instants(column, *from_unit, *to_unit, to)?
        }
        (D::Decimal128(precision, scale), D::Decimal128(to_precision, to_scale))
            if to_scale >= scale
                && digits(*to_precision, *to_scale) >= digits(*precision, *scale) =>
        {
            exactly(column, to)?
        }
        (_, D::Decimal128(precision, scale))
            if integer_digits(from).is_some_and(|most| digits(*precision, *scale) >= most) =>
        {
            exactly(column, to)?
        }
        (D::Date32, D::Timestamp(unit, None)) => midnights(column, *unit, to)?,
        (D::LargeUtf8, D::Utf8) => Arc::new(StringArray::from_iter(column.as_string::<i64>())),
        (D::Utf8View, D::Utf8) => Arc::new(StringArray::from_iter(column.as_string_view())),
        (D::Utf8, D::LargeUtf8) => Arc::new(LargeStringArray::from_iter(column.as_string::<i32>())),
        (D::LargeBinary, D::Binary) => Arc::new(BinaryArray::from_iter(column.as_binary::<i64>())),
        (D::BinaryView, D::Binary) => Arc::new(BinaryArray::from_iter(column.as_binary_view())),
        _ => number(column, from, to)
            .ok_or_else(|| format!("it is {from}, where {to} is expected"))?,
    })
}

/// Digits before the point.
fn digits(precision: u8, scale: i8) -> i16 {
    i16::from(precision) - i16::from(scale)
}

/// Digits of the largest integer of a type.
fn integer_digits(data_type: &DataType) -> Option<i16> {
    Some(match data_type {
        DataType::Int8 | DataType::UInt8 => 3,
        DataType::Int16 | DataType::UInt16 => 5,
        DataType::Int32 | DataType::UInt32 => 10,
        DataType::Int64 => 19,
        DataType::UInt64 => 20,
        _ => return None,
    })
}

fn exactly(column: &ArrayRef, to: &DataType) -> std::result::Result<ArrayRef, String> {
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    cast_with_options(column, to, &options).map_err(|error| error.to_string())
}

/// Days as the times of their beginnings.
fn midnights(
    column: &ArrayRef,
    unit: TimeUnit,
    to: &DataType,
) -> std::result::Result<ArrayRef, String> {
    let days = column.as_primitive::<Date32Type>();
    let seconds: PrimitiveArray<TimestampSecondType> =
        days.unary(|day| i64::from(day) * SECONDS_PER_DAY);
    let seconds: ArrayRef = Arc::new(seconds);
    instants(&seconds, TimeUnit::Second, unit, to)
}

/// Whether equal ticks are equal times: Arrow counts zoned ones in UTC, whatever their zone; those without a zone count
/// as UTC next to it only.
fn is_same_clock(from: Option<&str>, to: Option<&str>) -> bool {
    match (from, to) {
        (Some(_), Some(_)) | (None, None) => true,
        (Some(zone), None) | (None, Some(zone)) => is_utc(zone),
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00")
}

/// Conversions between numbers for which every value has an equal one.
fn number(column: &ArrayRef, from: &DataType, to: &DataType) -> Option<ArrayRef> {
    use DataType as D;
    macro_rules! convert {
        ($($source:ident, $from:ident => $($target:ident, $to:ident)|+;)+) => {
            match (from, to) {
                $($((D::$from, D::$to) => Some(mapped::<$source, $target>(column)),)+)+
                _ => None,
            }
        };
    }
    convert! {
        Int8Type, Int8 => Int16Type, Int16 | Int32Type, Int32 | Int64Type, Int64 | Float32Type, Float32 | Float64Type, Float64;
        Int16Type, Int16 => Int32Type, Int32 | Int64Type, Int64 | Float32Type, Float32 | Float64Type, Float64;
        Int32Type, Int32 => Int64Type, Int64 | Float64Type, Float64;
        UInt8Type, UInt8 => UInt16Type, UInt16 | UInt32Type, UInt32 | UInt64Type, UInt64 | Int16Type, Int16 | Int32Type, Int32 | Int64Type, Int64 | Float32Type, Float32 | Float64Type, Float64;
        UInt16Type, UInt16 => UInt32Type, UInt32 | UInt64Type, UInt64 | Int32Type, Int32 | Int64Type, Int64 | Float32Type, Float32 | Float64Type, Float64;
        UInt32Type, UInt32 => UInt64Type, UInt64 | Int64Type, Int64 | Float64Type, Float64;
        Float32Type, Float32 => Float64Type, Float64;
    }
}

fn mapped<S, T>(column: &ArrayRef) -> ArrayRef
where
    S: ArrowPrimitiveType,
    T: ArrowPrimitiveType,
    T::Native: From<S::Native>,
{
    let values: PrimitiveArray<T> = column.as_primitive::<S>().unary(T::Native::from);
    Arc::new(values)
}

/// Times in another unit, as long as each is a whole number of them.
fn instants(
    column: &ArrayRef,
    from: TimeUnit,
    to: TimeUnit,
    data_type: &DataType,
) -> std::result::Result<ArrayRef, String> {
    let (from_ticks, to_ticks) = (ticks_per_second(from), ticks_per_second(to));
    let ticks = column
        .to_data()
        .into_builder()
        .data_type(DataType::Int64)
        .build()
        .map_err(|error| error.to_string())?;
    let ticks = PrimitiveArray::<Int64Type>::from(ticks);
    let converted = if to_ticks >= from_ticks {
        let factor = to_ticks / from_ticks;
        ticks.try_unary::<_, Int64Type, _>(|tick| {
            tick.checked_mul(factor)
                .ok_or_else(|| format!("a time is out of the range of {data_type}"))
        })
    } else {
        let factor = from_ticks / to_ticks;
        ticks.try_unary::<_, Int64Type, _>(|tick| match tick % factor {
            0 => Ok(tick / factor),
            _ => Err(format!("a time is finer than {data_type}")),
        })
    }?;
    Ok(match (to, data_type) {
        (TimeUnit::Second, _) => retyped::<TimestampSecondType>(&converted, data_type),
        (TimeUnit::Millisecond, _) => retyped::<TimestampMillisecondType>(&converted, data_type),
        (TimeUnit::Microsecond, _) => retyped::<TimestampMicrosecondType>(&converted, data_type),
        (TimeUnit::Nanosecond, _) => retyped::<TimestampNanosecondType>(&converted, data_type),
    })
}

fn retyped<T: ArrowPrimitiveType<Native = i64>>(
    ticks: &PrimitiveArray<Int64Type>,
    data_type: &DataType,
) -> ArrayRef {
    let array = PrimitiveArray::<T>::new(ticks.values().clone(), ticks.nulls().cloned());
    Arc::new(array.with_data_type(data_type.clone()))
}

fn ticks_per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}
