//! Record batches → JSON text.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::params::JsonLayout;
use crate::calendar::{write_date, write_instant};
use crate::csv::{instants, write_decimal, write_float, write_integer};
use crate::error::{FormatsError, Result};
use crate::nested::key_and_value;

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// Appends the value of a row.
type WriteValue<'a> = Box<dyn Fn(&mut Vec<u8>, usize) + 'a>;

/// Checks that every column can be written.
///
/// Errors: [`FormatsError::UnsupportedType`].
pub(super) fn check_schema(schema: &Schema) -> Result<()> {
    schema.fields().iter().try_for_each(|field| {
        let empty = arrow_array::new_empty_array(field.data_type());
        value_writer(field, &empty).map(|_| ())
    })
}

/// Appends the rows of a batch, an object each; `before` rows stand before them. Cost: linear; no allocation per row.
pub(super) fn write_rows(
    out: &mut Vec<u8>,
    batch: &RecordBatch,
    before: u64,
    layout: JsonLayout,
) -> Result<()> {
    let write_row = object_writer(batch.schema_ref().fields(), batch.columns())?;
    for row in 0..batch.num_rows() {
        if layout == JsonLayout::Array {
            let separator: &[u8] = if before + row as u64 == 0 {
                b"\n"
            } else {
                b",\n"
            };
            out.extend_from_slice(separator);
        }
        write_row(out, row);
        if layout == JsonLayout::Lines {
            out.push(b'\n');
        }
    }
    Ok(())
}

fn object_writer<'a>(fields: &Fields, columns: &'a [ArrayRef]) -> Result<WriteValue<'a>> {
    let mut members = Vec::with_capacity(columns.len());
    for (index, (field, column)) in fields.iter().zip(columns).enumerate() {
        let mut key = if index == 0 {
            b"{".to_vec()
        } else {
            b",".to_vec()
        };
        write_string(&mut key, field.name());
        key.push(b':');
        members.push((key, value_writer(field, column)?));
    }
    Ok(Box::new(move |out, row| {
        if members.is_empty() {
            out.push(b'{');
        }
        for (key, write) in &members {
            out.extend_from_slice(key);
            write(out, row);
        }
        out.push(b'}');
    }))
}

fn value_writer<'a>(field: &Field, array: &'a ArrayRef) -> Result<WriteValue<'a>> {
    let write = valid_value_writer(field, array)?;
    let Some(nulls) = array.nulls() else {
        return Ok(write);
    };
    Ok(Box::new(move |out, row| {
        if nulls.is_null(row) {
            out.extend_from_slice(b"null");
        } else {
            write(out, row);
        }
    }))
}

fn valid_value_writer<'a>(field: &Field, array: &'a ArrayRef) -> Result<WriteValue<'a>> {
    Ok(match array.data_type() {
        DataType::Null => Box::new(|out, _| out.extend_from_slice(b"null")),
        DataType::Boolean => {
            let values = array.as_boolean();
            Box::new(|out, row| {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            })
        }
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float32 => floats::<Float32Type>(array, |value| value.is_finite()),
        DataType::Float64 => floats::<Float64Type>(array, |value| value.is_finite()),
        DataType::Decimal128(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>().values(), *scale);
            Box::new(move |out, row| write_decimal(out, values[row], scale))
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values();
            quoted(move |out, row| write_date(out, i64::from(days[row])))
        }
        DataType::Timestamp(unit, zone) => {
            let (ticks, per_second) = instants(array, *unit);
            let suffix: &[u8] = if zone.is_some() { b"Z" } else { b"" };
            quoted(move |out, row| {
                write_instant(out, ticks[row], per_second);
                out.extend_from_slice(suffix);
            })
        }
        DataType::Utf8 => {
            let values = array.as_string::<i32>();
            Box::new(|out, row| write_string(out, values.value(row)))
        }
        DataType::LargeUtf8 => {
            let values = array.as_string::<i64>();
            Box::new(|out, row| write_string(out, values.value(row)))
        }
        DataType::Binary => {
            let values = array.as_binary::<i32>();
            quoted(|out, row| write_base64(out, values.value(row)))
        }
        DataType::LargeBinary => {
            let values = array.as_binary::<i64>();
            quoted(|out, row| write_base64(out, values.value(row)))
        }
        DataType::Struct(fields) => object_writer(fields, array.as_struct().columns())?,
        DataType::List(item) => list_writer(item, array)?,
        DataType::Map(entries, _) => map_writer(field, entries, array)?,
        DataType::Dictionary(_, _) => dictionary_writer(field, array)?,
        other => {
            return Err(FormatsError::UnsupportedType {
                format: "JSON",
                column: field.name().clone(),
                data_type: other.to_string(),
            });
        }
    })
}

fn integers<T: ArrowPrimitiveType<Native: itoa::Integer>>(array: &ArrayRef) -> WriteValue<'_> {
    let values = array.as_primitive::<T>().values();
    Box::new(|out, row| write_integer(out, values[row]))
}

fn floats<T: ArrowPrimitiveType<Native: zmij::Float>>(
    array: &ArrayRef,
    is_finite: fn(T::Native) -> bool,
) -> WriteValue<'_> {
    let values = array.as_primitive::<T>().values();
    Box::new(move |out, row| {
        if is_finite(values[row]) {
            write_float(out, values[row]);
        } else {
            out.extend_from_slice(b"null");
        }
    })
}

fn list_writer<'a>(item: &Field, array: &'a ArrayRef) -> Result<WriteValue<'a>> {
    let list = array.as_list::<i32>();
    let (offsets, write) = (list.value_offsets(), value_writer(item, list.values())?);
    Ok(Box::new(move |out, row| {
        out.push(b'[');
        for index in offsets[row]..offsets[row + 1] {
            if index > offsets[row] {
                out.push(b',');
            }
            write(out, index as usize);
        }
        out.push(b']');
    }))
}

/// A map is an object, whose keys are texts; only keys of one text each can be written.
fn map_writer<'a>(field: &Field, entries: &Field, array: &'a ArrayRef) -> Result<WriteValue<'a>> {
    let map = array.as_map();
    let key = map_key_writer(map.keys())?;
    let Some((key, (_, value))) = key.zip(key_and_value(entries)) else {
        return Err(FormatsError::UnsupportedType {
            format: "JSON",
            column: field.name().clone(),
            data_type: array.data_type().to_string(),
        });
    };
    let (offsets, write) = (map.value_offsets(), value_writer(value, map.values())?);
    Ok(Box::new(move |out, row| {
        out.push(b'{');
        for index in offsets[row]..offsets[row + 1] {
            if index > offsets[row] {
                out.push(b',');
            }
            key(out, index as usize);
            out.push(b':');
            write(out, index as usize);
        }
        out.push(b'}');
    }))
}

/// None for keys that cannot be written.
fn map_key_writer(keys: &ArrayRef) -> Result<Option<WriteValue<'_>>> {
    let data_type = keys.data_type();
    let is_quoted = matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Date32 | DataType::Timestamp(..)
    );
    if !is_quoted && !data_type.is_integer() && *data_type != DataType::Boolean {
        return Ok(None);
    }
    let write = valid_value_writer(&Field::new("key", data_type.clone(), false), keys)?;
    Ok(Some(if is_quoted { write } else { quoted(write) }))
}

fn dictionary_writer<'a>(field: &Field, array: &'a ArrayRef) -> Result<WriteValue<'a>> {
    let dictionary = array.as_any_dictionary();
    let write = value_writer(field, dictionary.values())?;
    // `normalized_keys` wants a value; without one, every key is null and none is looked up.
    let keys = if dictionary.values().is_empty() {
        Vec::new()
    } else {
        dictionary.normalized_keys()
    };
    Ok(Box::new(move |out, row| write(out, keys[row])))
}

fn quoted<'a>(write: impl Fn(&mut Vec<u8>, usize) + 'a) -> WriteValue<'a> {
    Box::new(move |out, row| {
        out.push(b'"');
        write(out, row);
        out.push(b'"');
    })
}

fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    BASE64_STANDARD
        .encode_slice(bytes, &mut out[start..])
        .expect("the room is what base64 needs");
}

fn write_string(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    out.push(b'"');
    // All bytes are looked at without an early exit: strings are short, and this has no branches.
    if !text
        .bytes()
        .fold(false, |found, byte| found | is_special(byte))
    {
        out.extend_from_slice(text.as_bytes());
    } else {
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..0x20 => {
                    let low = HEXADECIMAL[usize::from(byte % 16)];
                    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + byte / 16, low]);
                }
                _ => out.push(byte),
            }
        }
    }
    out.push(b'"');
}
