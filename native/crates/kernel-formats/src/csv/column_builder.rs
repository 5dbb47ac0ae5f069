//! Text fields → Arrow columns.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BooleanArray, GenericStringArray, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::calendar::{parse_date, parse_instant};
use crate::error::{FormatsError, Result};
use crate::numbers::is_a_double;

/// Collects the values of one column and can take the last ones back.
pub(super) struct ColumnBuilder {
    values: Box<dyn Values>,
    validity: Vec<bool>,
    /// What a field has to be, as a message says it.
    pub(super) expected: String,
}

impl ColumnBuilder {
    /// `is_inferred` when the type is what the first rows have: then it holds only what inference takes for such a value.
    ///
    /// Errors: [`FormatsError::UnsupportedType`].
    pub(super) fn new(field: &Field, is_inferred: bool) -> Result<Self> {
        let inferred = is_inferred.then(|| inferred_values_for(field.data_type()));
        let values = inferred.flatten().or_else(|| values_for(field.data_type()));
        Ok(Self {
            values: values.ok_or_else(|| FormatsError::UnsupportedType {
                format: "CSV",
                column: field.name().clone(),
                data_type: field.data_type().to_string(),
            })?,
            validity: Vec::new(),
            expected: expected_text(field.data_type(), is_inferred),
        })
    }

    /// Adds a null.
    pub(super) fn push_null(&mut self) {
        self.values.push_default();
        self.validity.push(false);
    }

    /// Adds the value that the text stands for; false, and nothing added, when it stands for none.
    pub(super) fn push(&mut self, text: &[u8]) -> bool {
        let understood = self.values.push(text);
        if understood {
            self.validity.push(true);
        }
        understood
    }

    /// Drops all but the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        if self.validity.len() > rows {
            self.values.truncate(rows);
            self.validity.truncate(rows);
        }
    }

    /// Takes the collected values and starts over.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let validity = std::mem::take(&mut self.validity);
        let nulls = NullBuffer::new(BooleanBuffer::from(validity));
        self.values
            .finish(Some(nulls).filter(|nulls| nulls.null_count() > 0))
    }
}

trait Values: Send {
    fn push(&mut self, text: &[u8]) -> bool;
    fn push_default(&mut self);
    fn truncate(&mut self, rows: usize);
    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef;
}

/// Values of a fixed width.
struct Fixed<T: ArrowPrimitiveType, P> {
    values: Vec<T::Native>,
    data_type: DataType,
    parse: P,
}

impl<T, P> Values for Fixed<T, P>
where
    T: ArrowPrimitiveType,
    P: Fn(&[u8]) -> Option<T::Native> + Send,
{
    fn push(&mut self, text: &[u8]) -> bool {
        let value = (self.parse)(text);
        self.values.extend(value);
        value.is_some()
    }

    fn push_default(&mut self) {
        self.values.push(T::Native::default());
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let values = std::mem::take(&mut self.values).into();
        Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(self.data_type.clone()))
    }
}

#[derive(Default)]
struct Booleans(Vec<bool>);

impl Values for Booleans {
    fn push(&mut self, text: &[u8]) -> bool {
        let value = parse_boolean(text);
        self.0.extend(value);
        value.is_some()
    }

    fn push_default(&mut self) {
        self.0.push(false);
    }

    fn truncate(&mut self, rows: usize) {
        self.0.truncate(rows);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let values = std::mem::take(&mut self.0);
        Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
    }
}

struct Strings<O: OffsetSizeTrait> {
    bytes: Vec<u8>,
    offsets: Vec<O>,
}

impl<O: OffsetSizeTrait> Default for Strings<O> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![O::usize_as(0)],
        }
    }
}

impl<O: OffsetSizeTrait> Values for Strings<O> {
    fn push(&mut self, text: &[u8]) -> bool {
        let Some(end) = O::from_usize(self.bytes.len() + text.len()) else {
            return false;
        };
        if std::str::from_utf8(text).is_err() {
            return false;
        }
        self.bytes.extend_from_slice(text);
        self.offsets.push(end);
        true
    }

    fn push_default(&mut self) {
        self.offsets.push(O::usize_as(self.bytes.len()));
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.bytes.truncate(self.offsets[rows].as_usize());
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let Self { bytes, offsets } = std::mem::take(self);
        let offsets = OffsetBuffer::new(offsets.into());
        Arc::new(GenericStringArray::<O>::new(
            offsets,
            Buffer::from_vec(bytes),
            nulls,
        ))
    }
}

fn fixed<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&[u8]) -> Option<T::Native> + Send + 'static,
) -> Option<Box<dyn Values>> {
    Some(Box::new(Fixed::<T, _> {
        values: Vec::new(),
        data_type: data_type.clone(),
        parse,
    }))
}

fn values_for(data_type: &DataType) -> Option<Box<dyn Values>> {
    match data_type {
        DataType::Boolean => Some(Box::new(Booleans::default())),
        DataType::Int8 => fixed::<Int8Type>(data_type, parse_standard),
        DataType::Int16 => fixed::<Int16Type>(data_type, parse_standard),
        DataType::Int32 => fixed::<Int32Type>(data_type, parse_standard),
        DataType::Int64 => fixed::<Int64Type>(data_type, parse_standard),
        DataType::UInt8 => fixed::<UInt8Type>(data_type, parse_standard),
        DataType::UInt16 => fixed::<UInt16Type>(data_type, parse_standard),
        DataType::UInt32 => fixed::<UInt32Type>(data_type, parse_standard),
        DataType::UInt64 => fixed::<UInt64Type>(data_type, parse_standard),
        DataType::Float32 => fixed::<Float32Type>(data_type, parse_standard),
        DataType::Float64 => fixed::<Float64Type>(data_type, parse_standard),
        DataType::Date32 => {
            fixed::<Date32Type>(data_type, |text| i32::try_from(parse_date(text)?).ok())
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            fixed::<TimestampSecondType>(data_type, |text| parse_instant(text, 1))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            fixed::<TimestampMillisecondType>(data_type, |text| parse_instant(text, 1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            fixed::<TimestampMicrosecondType>(data_type, |text| parse_instant(text, 1_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            fixed::<TimestampNanosecondType>(data_type, |text| parse_instant(text, 1_000_000_000))
        }
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            fixed::<Decimal128Type>(data_type, move |text| parse_decimal(text, precision, scale))
        }
        DataType::Utf8 => Some(Box::new(Strings::<i32>::default())),
        DataType::LargeUtf8 => Some(Box::new(Strings::<i64>::default())),
        _ => None,
    }
}

/// What a field has to be, as a message says it.
fn expected_text(data_type: &DataType, is_inferred: bool) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => {
            "text in UTF-8; set \"encoding\" if the file has another one".to_owned()
        }
        _ if is_inferred => format!(
            "a value of type {data_type}, as the first rows are; declare the column in \"schema\" if it has another type"
        ),
        _ => format!("a value of type {data_type}"),
    }
}

/// As [`values_for`], for types that take more texts for a value than inference does; none for the others.
fn inferred_values_for(data_type: &DataType) -> Option<Box<dyn Values>> {
    match data_type {
        DataType::Int64 => fixed::<Int64Type>(data_type, |text| parse_standard(plain(text)?)),
        DataType::Float64 => fixed::<Float64Type>(data_type, parse_inferred_float),
        DataType::Decimal128(precision, 0) => {
            let precision = *precision;
            fixed::<Decimal128Type>(data_type, move |text| {
                let is_integer = !text.contains(&b'.');
                parse_decimal(plain(text).filter(|_| is_integer)?, precision, 0)
            })
        }
        _ => None,
    }
}

/// The text of a number, unless it is more likely a code: with a plus before it, or zeros.
pub(super) fn plain(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_code = matches!(digits, [b'+', ..] | [b'0', b'0'..=b'9', ..]);
    (!is_code).then_some(text)
}

/// A float: no integer that none has, and no number beyond all of them.
pub(super) fn parse_inferred_float(text: &[u8]) -> Option<f64> {
    let value: f64 = parse_standard(plain(text)?)?;
    if !value.is_finite() && text.iter().any(u8::is_ascii_digit) {
        return None;
    }
    // Shorter integers are all doubles.
    if text.len() > 15
        && let Some(integer) = parse_integer(text)
    {
        return integer.is_some_and(is_a_double).then_some(value);
    }
    Some(value)
}

/// The integer that a text of digits stands for, or that it is too long; none for another text.
pub(super) fn parse_integer(text: &[u8]) -> Option<Option<i128>> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_integer.then(|| parse_standard(text))
}

/// Integers and floats as Rust reads them: decimal, a sign and an exponent allowed, no blanks.
fn parse_standard<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `true` or `false`, in any case.
pub(super) fn parse_boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

/// A decimal number that the type holds exactly, as a multiple of `10^-scale`.
pub(crate) fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let point = digits
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(digits.len());
    let fraction = digits.get(point + 1..).unwrap_or_default();
    if point + fraction.len() == 0 {
        return None;
    }
    let mut value: i128 = 0;
    for digit in digits[..point].iter().chain(fraction) {
        let digit = digit.is_ascii_digit().then(|| i128::from(digit - b'0'))?;
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    let shift = i64::from(scale) - fraction.len() as i64;
    let power = 10_i128.checked_pow(u32::try_from(shift.unsigned_abs()).ok()?)?;
    let value = match shift {
        0.. => value.checked_mul(power)?,
        _ if value % power == 0 => value / power,
        _ => return None,
    };
    let bound = 10_i128.pow(u32::from(precision));
    (value < bound).then_some(if negative { -value } else { value })
}
