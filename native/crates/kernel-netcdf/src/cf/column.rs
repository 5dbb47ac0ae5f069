use std::sync::Arc;

use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, Float64Array, PrimitiveArray, StringArray,
    TimestampNanosecondArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};

use super::{Packing, TimeUnits};
use crate::container::{ElementType, Raw, Stored, with_stored};
use crate::error::{NetcdfError, Result};

/// Unpacked values passed through `then` (a unit conversion, a longitude wrap); missing values are null.
pub(crate) fn float_column(
    raw: &Raw<'_>,
    packing: &Packing,
    then: impl Fn(f64) -> f64,
) -> Float64Array {
    let (scale, offset) = (packing.scale, packing.offset);
    with_stored!(packing.element, S => {
        let values = if packing.is_packed {
            raw.map(|stored: S| then(stored.to_f64() * scale + offset))
        } else {
            raw.map(|stored: S| then(stored.to_f64()))
        };
        Float64Array::new(values.into(), nulls::<S>(raw, packing))
    }, else Float64Array::new_null(raw.element_count))
}

/// Integers as they are stored, in an unsigned type wide enough for any layout; missing values are null.
///
/// Errors: [`NetcdfError::Value`] for a value the type cannot hold.
pub(crate) fn unsigned_column<T>(
    variable: &str,
    raw: &Raw<'_>,
    packing: &Packing,
) -> Result<PrimitiveArray<T>>
where
    T: ArrowPrimitiveType<Native: Stored>,
{
    with_stored!(packing.element, S => {
        let nulls = nulls::<S>(raw, packing);
        let values: Vec<T::Native> = raw.map(|stored: S| T::Native::from_number(stored.to_number()));
        if S::MIN.to_i128() < T::Native::MIN.to_i128() || S::MAX.to_i128() > T::Native::MAX.to_i128() {
            check_range::<S, T::Native>(variable, raw, nulls.as_ref())?;
        }
        Ok(PrimitiveArray::new(values.into(), nulls))
    }, else Ok(PrimitiveArray::new_null(raw.element_count)))
}

fn check_range<S: Stored, T: Stored>(
    variable: &str,
    raw: &Raw<'_>,
    nulls: Option<&NullBuffer>,
) -> Result<()> {
    let (min, max) = (T::MIN.to_i128(), T::MAX.to_i128());
    let is_outside = |stored: S| !(min..=max).contains(&stored.to_i128());
    if !raw.any(is_outside) {
        return Ok(());
    }
    let stored: Vec<S> = raw.map(|stored: S| stored);
    let is_valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    match stored
        .iter()
        .enumerate()
        .find(|(row, stored)| is_valid(*row) && is_outside(**stored))
    {
        None => Ok(()),
        Some((row, stored)) => Err(NetcdfError::Value {
            variable: variable.to_owned(),
            row,
            value: stored.to_string(),
            range: if T::SIZE == 2 {
                "0 to 65535"
            } else {
                "0 to 4294967295"
            },
        }),
    }
}

/// Times in nanoseconds since 1970-01-01T00:00:00Z, rounded to the nearest; missing values and NaN are null.
///
/// Errors: [`NetcdfError::Value`] for a time outside of the years 1677 to 2262, which nanoseconds cannot hold.
pub(crate) fn time_column(
    variable: &str,
    raw: &Raw<'_>,
    packing: &Packing,
    units: TimeUnits,
) -> Result<TimestampNanosecondArray> {
    let times = with_stored!(packing.element, S => {
        let nulls = nulls::<S>(raw, packing);
        match bounded_origin::<S>(packing, units) {
            Some(origin) => {
                let (scale, offset, unit) = (packing.scale, packing.offset, units.unit as f64);
                let values = raw.map(|stored: S| origin + round((stored.to_f64() * scale + offset) * unit));
                TimestampNanosecondArray::new(values.into(), nulls)
            }
            None => checked_times::<S>(variable, raw, packing, units, nulls)?,
        }
    }, else TimestampNanosecondArray::new_null(raw.element_count));
    Ok(times.with_timezone("UTC"))
}

/// Sums and products below this are far from the ends of `i64`, and [`round`] is exact for them.
const ROUND_MAX: f64 = (1_u64 << 51) as f64;

/// The origin as `i64` when no stored value of type `S` can leave the range in which the fast sum is exact.
fn bounded_origin<S: Stored>(packing: &Packing, units: TimeUnits) -> Option<i64> {
    let origin = i64::try_from(units.origin)
        .ok()
        .filter(|origin| origin.unsigned_abs() < 1 << 62)?;
    let bound =
        |stored: S| ((stored.to_f64() * packing.scale + packing.offset) * units.unit as f64).abs();
    (bound(S::MIN) < ROUND_MAX && bound(S::MAX) < ROUND_MAX).then_some(origin)
}

/// Rounds to the nearest integer, ties to even, in plain additions that compile to vector code.
///
/// Adding 1.5 × 2^52 leaves the integer in the low bits of the float64.
fn round(value: f64) -> i64 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    ((value + MAGIC).to_bits() as i64).wrapping_sub(MAGIC.to_bits() as i64)
}

fn checked_times<S: Stored>(
    variable: &str,
    raw: &Raw<'_>,
    packing: &Packing,
    units: TimeUnits,
    nulls: Option<NullBuffer>,
) -> Result<TimestampNanosecondArray> {
    let unit = i128::from(units.unit);
    let is_exact = packing.element.is_integer() && !packing.is_packed;
    let time = |stored: S| -> Option<i64> {
        if is_exact {
            return i64::try_from(units.origin + stored.to_i128().checked_mul(unit)?).ok();
        }
        let value = stored.to_f64() * packing.scale + packing.offset;
        let fraction = (value - value.floor()) * units.unit as f64;
        let whole = value.floor();
        (whole.abs() < 1e20).then_some(())?;
        i64::try_from(units.origin + whole as i128 * unit + fraction.round_ties_even() as i128).ok()
    };
    let stored: Vec<S> = raw.map(|stored: S| stored);
    let mut values = Vec::with_capacity(stored.len());
    let mut is_valid = Vec::with_capacity(stored.len());
    for (row, stored) in stored.into_iter().enumerate() {
        let is_missing = stored.is_nan() || nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        is_valid.push(!is_missing);
        values.push(if is_missing {
            0
        } else {
            time(stored).ok_or_else(|| NetcdfError::Value {
                variable: variable.to_owned(),
                row,
                value: stored.to_string(),
                range: "the years 1677 to 2262 that nanoseconds can hold",
            })?
        });
    }
    let nulls = is_valid
        .contains(&false)
        .then(|| NullBuffer::from(is_valid));
    Ok(TimestampNanosecondArray::new(values.into(), nulls))
}

/// The Arrow type of [`native_column`].
pub(crate) fn native_type(packing: &Packing, units: Option<TimeUnits>) -> DataType {
    if units.is_some() {
        return DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    }
    if packing.is_packed {
        return DataType::Float64;
    }
    match packing.element {
        ElementType::I8 => DataType::Int8,
        ElementType::U8 => DataType::UInt8,
        ElementType::I16 => DataType::Int16,
        ElementType::U16 => DataType::UInt16,
        ElementType::I32 => DataType::Int32,
        ElementType::U32 => DataType::UInt32,
        ElementType::I64 => DataType::Int64,
        ElementType::U64 => DataType::UInt64,
        ElementType::F32 => DataType::Float32,
        ElementType::F64 => DataType::Float64,
        ElementType::Text(_) | ElementType::LongText | ElementType::Other => DataType::Utf8,
    }
}

/// A numeric variable in the type of [`native_type`]: times as timestamps, packed numbers as float64, the rest as stored.
pub(crate) fn native_column(
    variable: &str,
    raw: &Raw<'_>,
    packing: &Packing,
    units: Option<TimeUnits>,
) -> Result<ArrayRef> {
    if let Some(units) = units {
        return Ok(Arc::new(time_column(variable, raw, packing, units)?));
    }
    if packing.is_packed {
        return Ok(Arc::new(float_column(raw, packing, |value| value)));
    }
    Ok(match packing.element {
        ElementType::I8 => stored_column::<Int8Type>(raw, packing),
        ElementType::U8 => stored_column::<UInt8Type>(raw, packing),
        ElementType::I16 => stored_column::<Int16Type>(raw, packing),
        ElementType::U16 => stored_column::<UInt16Type>(raw, packing),
        ElementType::I32 => stored_column::<Int32Type>(raw, packing),
        ElementType::U32 => stored_column::<UInt32Type>(raw, packing),
        ElementType::I64 => stored_column::<Int64Type>(raw, packing),
        ElementType::U64 => stored_column::<UInt64Type>(raw, packing),
        ElementType::F32 => stored_column::<Float32Type>(raw, packing),
        _ => stored_column::<Float64Type>(raw, packing),
    })
}

fn stored_column<T: ArrowPrimitiveType<Native: Stored>>(
    raw: &Raw<'_>,
    packing: &Packing,
) -> ArrayRef {
    let values: Vec<T::Native> = raw.map(|stored: T::Native| stored);
    Arc::new(PrimitiveArray::<T>::new(
        values.into(),
        nulls::<T::Native>(raw, packing),
    ))
}

/// Text as it is stored, without padding; null where it is one of `missing`.
pub(crate) fn text_column(values: Vec<String>, missing: &[&str]) -> ArrayRef {
    if missing.is_empty() {
        return Arc::new(StringArray::from(values));
    }
    let known = |value: &String| !missing.contains(&value.as_str());
    let known = values
        .iter()
        .map(|value| Some(value).filter(|value| known(value)));
    Arc::new(known.collect::<StringArray>())
}

/// Which elements are missing; `None` when none is.
fn nulls<S: Stored>(raw: &Raw<'_>, packing: &Packing) -> Option<NullBuffer> {
    let missing = packing.missing_stored::<S>();
    let is_missing = |stored: S| {
        missing
            .iter()
            .any(|fill| *fill == stored || (fill.is_nan() && stored.is_nan()))
    };
    let found = match missing[..] {
        [] => false,
        [fill] if !fill.is_nan() => raw.any(|stored: S| stored == fill),
        _ => raw.any(is_missing),
    };
    found.then(|| NullBuffer::from(raw.map(|stored: S| !is_missing(stored))))
}
