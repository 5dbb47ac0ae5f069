//! JSON values → Arrow columns, as a schema says.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, BooleanArray, GenericBinaryArray, GenericStringArray, ListArray, OffsetSizeTrait,
    PrimitiveArray, StructArray,
};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields, TimeUnit};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::cursor::{Cursor, DEPTH_MAX, Stop};
use super::number::{to_decimal, to_exact_float, to_float, to_integer};
use crate::calendar::{parse_date, parse_instant};
use crate::error::{FormatsError, Result};

/// Keys of an object whose order is remembered for the next one.
const REMEMBERED_KEYS: usize = 1_024;

/// Collects the values of one column and can take the last ones back.
pub(super) struct Column {
    field: FieldRef,
    key: Key,
    rows: usize,
    values: Box<dyn Values>,
    validity: Validity,
}

impl Column {
    fn new(field: &FieldRef, origin: Origin, path: &str, depth: usize) -> Result<Self> {
        Ok(Self {
            field: field.clone(),
            key: Key::new(field.name()),
            rows: 0,
            values: values_for(field.data_type(), origin, path, depth)?,
            validity: Validity::default(),
        })
    }

    /// Takes the value at the cursor.
    #[inline]
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        if cursor.peek() == b'n' && cursor.take(b"null") {
            return self.push_null(cursor);
        }
        match self.values.read(cursor) {
            Ok(()) => {
                self.validity.push_valid();
                self.rows += 1;
                Ok(())
            }
            Err(stop) => {
                if stop == Stop::Misfit {
                    self.explain(cursor);
                }
                Err(stop)
            }
        }
    }

    fn push_null(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        if !self.field.is_nullable() {
            self.explain(cursor);
            return Err(Stop::Misfit);
        }
        self.push_default();
        Ok(())
    }

    fn push_default(&mut self) {
        self.values.push_default();
        self.validity.push_null(self.rows);
        self.rows += 1;
    }

    #[cold]
    fn explain(&self, cursor: &mut Cursor) {
        let misfit = &mut cursor.misfit;
        if misfit.path.is_empty() {
            misfit.expected = expected_text(self.field.data_type());
        }
        misfit.path.push(self.field.name().clone());
    }

    /// Drops all but the first `rows` values, also of what stopped in the middle of a value.
    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.validity.truncate(rows);
        self.rows = rows;
    }

    fn finish(&mut self) -> ArrayRef {
        let nulls = self.validity.finish(self.rows);
        self.rows = 0;
        self.values.finish(nulls)
    }
}

/// A key as most writers write it, quotes included.
struct Key {
    text: Vec<u8>,
    /// Keys of up to 16 bytes are compared as two numbers, which is faster than a call.
    ends: Option<KeyEnds>,
}

/// The first and the last eight bytes of a key, little-endian, or twice all of them.
struct KeyEnds {
    first: u64,
    last: u64,
    /// The bytes that count, and the bits before the last ones.
    mask: u64,
    shift: usize,
}

impl Key {
    fn new(name: &str) -> Self {
        let text = format!("\"{name}\"").into_bytes();
        let length = text.len();
        let mut padded = [0; 16];
        let ends = (length <= 16).then(|| {
            padded[..length].copy_from_slice(&text);
            let all = u128::from_le_bytes(padded);
            let shift = 8 * length.saturating_sub(8);
            KeyEnds {
                first: all as u64,
                last: (all >> shift) as u64,
                mask: u64::MAX >> (8 * (8 - length.min(8))),
                shift,
            }
        });
        Self { text, ends }
    }

    /// Takes the key if it comes next.
    #[inline]
    fn take(&self, cursor: &mut Cursor) -> bool {
        let (Some(ends), Some(text)) = (&self.ends, cursor.peek_16()) else {
            return cursor.take(&self.text);
        };
        let found = text as u64 & ends.mask == ends.first
            && (text >> ends.shift) as u64 & ends.mask == ends.last;
        if found {
            cursor.advance(self.text.len());
        }
        found
    }
}

/// Who says which types the columns have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Declared,
    /// The first rows: a row that they would not have allowed is bad.
    Inferred,
}

/// The columns of an object: those of the rows themselves, or of a struct.
pub(super) struct Columns {
    columns: Vec<Column>,
    positions: HashMap<Vec<u8>, usize>,
    /// Which column the first, second, … key of the last object was.
    order: Vec<Option<usize>>,
    pub(super) rows: usize,
}

impl Columns {
    /// Errors: [`FormatsError::UnsupportedType`], with the path of the column.
    pub(super) fn new(fields: &Fields, origin: Origin) -> Result<Self> {
        Self::within(fields, origin, "", 0)
    }

    fn within(fields: &Fields, origin: Origin, path: &str, depth: usize) -> Result<Self> {
        let column = |field: &FieldRef| {
            let path = match path {
                "" => field.name().clone(),
                _ => format!("{path}.{}", field.name()),
            };
            Column::new(field, origin, &path, depth)
        };
        let positions = fields.iter().enumerate();
        Ok(Self {
            columns: fields.iter().map(column).collect::<Result<_>>()?,
            positions: positions
                .map(|(index, field)| (field.name().as_bytes().to_vec(), index))
                .collect(),
            order: (0..fields.len().min(REMEMBERED_KEYS)).map(Some).collect(),
            rows: 0,
        })
    }

    /// Takes one object as one row. After a stop, [`Columns::truncate`] must follow.
    ///
    /// Cost: linear in the text; keys in the order of the object before need no look-up. The last of
    /// repeated keys wins, an unknown key is ignored, a missing one is null.
    pub(super) fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        cursor.expect_object()?;
        cursor.skip_blanks();
        let mut given = 0;
        if !cursor.take(b"}") {
            let mut place = 0;
            loop {
                given += self.read_member(cursor, place)?;
                place += 1;
                if !cursor.next_member(b'}')? {
                    break;
                }
            }
        }
        if given < self.columns.len() {
            for column in &mut self.columns {
                if column.rows == self.rows {
                    column.push_null(cursor)?;
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Takes a key and its value; 1 when they are the first for their column in this row, else 0.
    #[inline]
    fn read_member(&mut self, cursor: &mut Cursor, place: usize) -> Result<usize, Stop> {
        let expected = self.order.get(place).copied().flatten();
        let found = match expected {
            Some(index) if self.columns[index].key.take(cursor) => Some(index),
            _ => self.find(cursor, place)?,
        };
        cursor.expect_colon()?;
        let Some(index) = found else {
            cursor.skip_value()?;
            return Ok(0);
        };
        let column = &mut self.columns[index];
        let is_first = column.rows == self.rows;
        if !is_first {
            column.truncate(self.rows);
        }
        column.read(cursor)?;
        Ok(usize::from(is_first))
    }

    fn find(&mut self, cursor: &mut Cursor, place: usize) -> Result<Option<usize>, Stop> {
        let found = self.positions.get(cursor.string()?).copied();
        if place < REMEMBERED_KEYS {
            if self.order.len() <= place {
                self.order.resize(place + 1, None);
            }
            self.order[place] = found;
        }
        Ok(found)
    }

    pub(super) fn push_default(&mut self) {
        self.columns.iter_mut().for_each(Column::push_default);
        self.rows += 1;
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
        self.rows = rows;
    }

    pub(super) fn finish(&mut self) -> Vec<ArrayRef> {
        self.rows = 0;
        self.columns.iter_mut().map(Column::finish).collect()
    }
}

/// Which values are null; no bits are kept while none is.
#[derive(Default)]
struct Validity(Option<BooleanBufferBuilder>);

impl Validity {
    #[inline]
    fn push_valid(&mut self) {
        if let Some(bits) = &mut self.0 {
            bits.append(true);
        }
    }

    fn push_null(&mut self, rows: usize) {
        let bits = self.0.get_or_insert_with(|| {
            let mut bits = BooleanBufferBuilder::new(rows + 1);
            bits.append_n(rows, true);
            bits
        });
        bits.append(false);
    }

    fn truncate(&mut self, rows: usize) {
        if let Some(bits) = &mut self.0 {
            bits.truncate(rows);
        }
    }

    fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        let mut bits = self.0.take()?;
        debug_assert_eq!(bits.len(), rows);
        Some(NullBuffer::new(bits.finish())).filter(|nulls| nulls.null_count() > 0)
    }
}

/// The values of a column without their validity.
trait Values: Send {
    /// Takes a value that is not `null`. After a stop the values must be truncated.
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop>;
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
    P: Fn(&mut Cursor) -> Result<T::Native, Stop> + Send,
{
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        self.values.push((self.parse)(cursor)?);
        Ok(())
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
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        let value = cursor.take(b"true");
        if !value && !cursor.take(b"false") {
            return Err(misfit(cursor));
        }
        self.0.push(value);
        Ok(())
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

/// What the bytes of a [`Varying`] column are.
#[derive(Clone, Copy, PartialEq)]
enum Content {
    /// Strings as they are, all other values as their JSON text.
    Text,
    /// Strings in base64 (RFC 4648, section 4).
    Base64,
}

/// Values of varying length.
struct Varying<O: OffsetSizeTrait> {
    bytes: Vec<u8>,
    offsets: Vec<O>,
    content: Content,
}

impl<O: OffsetSizeTrait> Varying<O> {
    fn new(content: Content) -> Self {
        Self {
            bytes: Vec::new(),
            offsets: vec![O::usize_as(0)],
            content,
        }
    }
}

impl<O: OffsetSizeTrait> Values for Varying<O> {
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        let start = cursor.position();
        let is_string = cursor.peek() == b'"';
        match self.content {
            Content::Base64 if is_string => {
                let text = cursor.string()?;
                if BASE64_STANDARD.decode_vec(text, &mut self.bytes).is_err() {
                    cursor.set_position(start);
                    return Err(Stop::Misfit);
                }
            }
            Content::Base64 => return Err(misfit(cursor)),
            Content::Text => {
                let is_utf8 = cursor.is_utf8;
                let text = if is_string {
                    cursor.string()?
                } else {
                    cursor.skip_value()?;
                    cursor.since(start)
                };
                if !is_utf8 && std::str::from_utf8(text).is_err() {
                    return Err(Stop::Syntax("a string is not UTF-8"));
                }
                self.bytes.extend_from_slice(text);
            }
        }
        let end = O::from_usize(self.bytes.len())
            .ok_or(Stop::Syntax("the strings of a batch exceed 2 GiB"))?;
        self.offsets.push(end);
        Ok(())
    }

    fn push_default(&mut self) {
        self.offsets.push(O::usize_as(self.bytes.len()));
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.bytes.truncate(self.offsets[rows].as_usize());
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let Self { bytes, offsets, .. } = std::mem::replace(self, Self::new(self.content));
        let offsets = OffsetBuffer::new(offsets.into());
        let bytes = Buffer::from_vec(bytes);
        match self.content {
            Content::Text => Arc::new(GenericStringArray::<O>::new(offsets, bytes, nulls)),
            Content::Base64 => Arc::new(GenericBinaryArray::<O>::new(offsets, bytes, nulls)),
        }
    }
}

struct Structs {
    fields: Fields,
    columns: Columns,
}

impl Values for Structs {
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        if cursor.peek() != b'{' {
            return Err(misfit(cursor));
        }
        self.columns.read(cursor)
    }

    fn push_default(&mut self) {
        self.columns.push_default();
    }

    fn truncate(&mut self, rows: usize) {
        self.columns.truncate(rows);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let rows = self.columns.rows;
        let columns = self.columns.finish();
        if columns.is_empty() {
            return Arc::new(StructArray::new_empty_fields(rows, nulls));
        }
        Arc::new(StructArray::new(self.fields.clone(), columns, nulls))
    }
}

struct Lists {
    item: FieldRef,
    items: Column,
    offsets: Vec<i32>,
}

impl Values for Lists {
    fn read(&mut self, cursor: &mut Cursor) -> Result<(), Stop> {
        if cursor.peek() != b'[' {
            return Err(misfit(cursor));
        }
        cursor.expect(b'[', "an array is missing")?;
        cursor.skip_blanks();
        if !cursor.take(b"]") {
            loop {
                self.items.read(cursor)?;
                if !cursor.next_member(b']')? {
                    break;
                }
            }
        }
        let end = i32::try_from(self.items.rows)
            .map_err(|_| Stop::Syntax("the lists of a batch have more than 2^31 elements"))?;
        self.offsets.push(end);
        Ok(())
    }

    fn push_default(&mut self) {
        self.offsets.push(self.items.rows as i32);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.items.truncate(self.offsets[rows] as usize);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let offsets = OffsetBuffer::new(offsets.into());
        Arc::new(ListArray::new(
            self.item.clone(),
            offsets,
            self.items.finish(),
            nulls,
        ))
    }
}

/// A value of another type, when it is a value at all.
#[cold]
fn misfit(cursor: &mut Cursor) -> Stop {
    let start = cursor.position();
    match cursor.skip_value() {
        Ok(()) => {
            cursor.set_position(start);
            Stop::Misfit
        }
        Err(stop) => stop,
    }
}

/// What a value has to be, as a message says it.
fn expected_text(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(_, _) => {
            format!("a time (RFC 3339) that {data_type} holds exactly")
        }
        DataType::Date32 => "a date (YYYY-MM-DD)".to_owned(),
        DataType::Binary | DataType::LargeBinary => "base64 text".to_owned(),
        DataType::Struct(_) => "an object".to_owned(),
        DataType::List(_) => "an array".to_owned(),
        _ => format!("a value of type {data_type}"),
    }
}

fn fixed<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&mut Cursor) -> Result<T::Native, Stop> + Send + 'static,
) -> Box<dyn Values> {
    Box::new(Fixed::<T, _> {
        values: Vec::new(),
        data_type: data_type.clone(),
        parse,
    })
}

/// A column of integers, floats or decimals: `convert` sees the number and its text.
fn numbers<T: ArrowPrimitiveType>(
    data_type: &DataType,
    convert: impl Fn(&super::cursor::Number, &[u8]) -> Option<T::Native> + Send + 'static,
) -> Box<dyn Values> {
    fixed::<T>(data_type, move |cursor| {
        if !matches!(cursor.peek(), b'-' | b'0'..=b'9') {
            return Err(misfit(cursor));
        }
        let start = cursor.position();
        let number = cursor.number()?;
        convert(&number, cursor.since(start)).ok_or_else(|| {
            cursor.set_position(start);
            Stop::Misfit
        })
    })
}

/// A column of values that are written as strings.
fn texts<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&[u8]) -> Option<T::Native> + Send + 'static,
) -> Box<dyn Values> {
    fixed::<T>(data_type, move |cursor| {
        if cursor.peek() != b'"' {
            return Err(misfit(cursor));
        }
        let start = cursor.position();
        let value = parse(cursor.string()?);
        value.ok_or_else(|| {
            cursor.set_position(start);
            Stop::Misfit
        })
    })
}

fn instants<T: ArrowPrimitiveType<Native = i64>>(
    data_type: &DataType,
    ticks_per_second: i64,
) -> Box<dyn Values> {
    texts::<T>(data_type, move |text| parse_instant(text, ticks_per_second))
}

fn integers<T: ArrowPrimitiveType>(data_type: &DataType) -> Box<dyn Values>
where
    T::Native: TryFrom<i128> + TryFrom<i64>,
{
    fixed::<T>(data_type, move |cursor| {
        let start = cursor.position();
        let value = match cursor.short_integer() {
            Some(value) => value.try_into().ok(),
            None => long_integer::<T>(cursor)?,
        };
        value.ok_or_else(|| {
            cursor.set_position(start);
            Stop::Misfit
        })
    })
}

/// An integer of up to 20 digits, or what else there is.
fn long_integer<T: ArrowPrimitiveType>(cursor: &mut Cursor) -> Result<Option<T::Native>, Stop>
where
    T::Native: TryFrom<i128>,
{
    if !matches!(cursor.peek(), b'-' | b'0'..=b'9') {
        return Err(misfit(cursor));
    }
    let start = cursor.position();
    let number = cursor.number()?;
    let value = to_integer(&number, cursor.since(start));
    Ok(value.and_then(|value| value.try_into().ok()))
}

fn values_for(
    data_type: &DataType,
    origin: Origin,
    path: &str,
    depth: usize,
) -> Result<Box<dyn Values>> {
    let unsupported = || FormatsError::UnsupportedType {
        format: "JSON",
        column: path.to_owned(),
        data_type: data_type.to_string(),
    };
    if depth == DEPTH_MAX {
        return Err(unsupported());
    }
    Ok(match data_type {
        DataType::Boolean => Box::new(Booleans::default()),
        DataType::Int8 => integers::<Int8Type>(data_type),
        DataType::Int16 => integers::<Int16Type>(data_type),
        DataType::Int32 => integers::<Int32Type>(data_type),
        DataType::Int64 => integers::<Int64Type>(data_type),
        DataType::UInt8 => integers::<UInt8Type>(data_type),
        DataType::UInt16 => integers::<UInt16Type>(data_type),
        DataType::UInt32 => integers::<UInt32Type>(data_type),
        DataType::UInt64 => integers::<UInt64Type>(data_type),
        DataType::Float32 => numbers::<Float32Type>(data_type, |_, text| {
            std::str::from_utf8(text).ok()?.parse().ok()
        }),
        DataType::Float64 => match origin {
            Origin::Declared => numbers::<Float64Type>(data_type, to_float),
            Origin::Inferred => numbers::<Float64Type>(data_type, to_exact_float),
        },
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, *scale);
            numbers::<Decimal128Type>(data_type, move |number, text| {
                to_decimal(number, text, precision, scale)
            })
        }
        DataType::Date32 => {
            texts::<Date32Type>(data_type, |text| i32::try_from(parse_date(text)?).ok())
        }
        DataType::Timestamp(TimeUnit::Second, _) => instants::<TimestampSecondType>(data_type, 1),
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            instants::<TimestampMillisecondType>(data_type, 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            instants::<TimestampMicrosecondType>(data_type, 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            instants::<TimestampNanosecondType>(data_type, 1_000_000_000)
        }
        DataType::Utf8 => Box::new(Varying::<i32>::new(Content::Text)),
        DataType::LargeUtf8 => Box::new(Varying::<i64>::new(Content::Text)),
        DataType::Binary => Box::new(Varying::<i32>::new(Content::Base64)),
        DataType::LargeBinary => Box::new(Varying::<i64>::new(Content::Base64)),
        DataType::Struct(fields) => Box::new(Structs {
            fields: fields.clone(),
            columns: Columns::within(fields, origin, path, depth + 1)?,
        }),
        DataType::List(item) => Box::new(Lists {
            item: item.clone(),
            items: Column::new(item, origin, path, depth + 1)?,
            offsets: vec![0],
        }),
        _ => return Err(unsupported()),
    })
}

/// Bytes that one row takes in a batch at least, nulls included.
pub(super) fn row_bytes(fields: &Fields) -> usize {
    fields.iter().map(|field| value_bytes(field)).sum()
}

fn value_bytes(field: &Field) -> usize {
    match field.data_type() {
        DataType::Struct(fields) => row_bytes(fields) + 1,
        DataType::List(_) => 4,
        data_type => data_type.primitive_width().unwrap_or(8),
    }
}
