//! Record batches → messages.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::FlatbuffersSchema;
use super::framing::LENGTH_BYTES;
use super::plan::{ColumnKind, ColumnPlan, FieldPlan, ItemPlan, Plan, Record, Value};
use super::schema::{Enumeration, Scalar};
use crate::conform::{conform, is_convertible};
use crate::error::{FormatsError, Result};

/// Messages, one behind the other, each with its length before it.
#[derive(Debug, Default)]
pub struct EncodedMessages {
    /// All of them.
    pub bytes: Vec<u8>,
    /// Where each is, without its length.
    pub ranges: Vec<Range<usize>>,
}

/// Encodes rows as FlatBuffers messages of one schema.
///
/// Columns are found by name, as the decoder names them, and converted where that loses nothing. What is null, missing, or
/// equal to the default is left out of a message; a table or struct inside is, when all its columns are null. The
/// messages are aligned with their length before them (`FinishSizePrefixed`). Source: flatbuffers.dev, "Internals".
#[derive(Debug, Clone)]
pub struct FlatbuffersEncoder {
    plan: Arc<Plan>,
    columns: SchemaRef,
}

impl FlatbuffersEncoder {
    /// An encoder for rows with these columns.
    ///
    /// Errors: [`FormatsError::UnknownColumn`] (one is not in the schema),
    /// [`FormatsError::UnsupportedType`] (one cannot be converted), [`FormatsError::Unencodable`] (one is
    /// missing that every message must have).
    pub fn new(schema: &FlatbuffersSchema, rows: &Schema) -> Result<Self> {
        let columns = schema.columns();
        for field in rows.fields() {
            let name = field.name();
            let Ok(own) = columns.field_with_name(name) else {
                let names: Vec<&str> = columns
                    .fields()
                    .iter()
                    .map(|one| one.name().as_str())
                    .collect();
                return Err(FormatsError::UnknownColumn {
                    input: "the FlatBuffers schema".to_owned(),
                    column: name.clone(),
                    available: names.join(", "),
                });
            };
            if !is_convertible(field, own) {
                return Err(FormatsError::UnsupportedType {
                    format: "this FlatBuffers schema",
                    column: name.clone(),
                    data_type: field.data_type().to_string(),
                });
            }
        }
        let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
        let fields: Vec<Field> = columns.fields().iter().map(nullable).collect();
        Ok(Self {
            plan: Arc::clone(schema.plan()),
            columns: Arc::new(Schema::new(fields)),
        })
    }

    /// One message per row.
    ///
    /// Errors: [`FormatsError::Unencodable`] for the first row that cannot be a message, [`FormatsError::Drift`]
    /// when the rows do not have the columns that the encoder was created for.
    pub fn encode(&self, rows: &RecordBatch) -> Result<EncodedMessages> {
        let mut encoded = EncodedMessages::default();
        self.append(rows, &mut encoded)?;
        Ok(encoded)
    }

    /// As [`encode`](Self::encode), behind what is there.
    pub(super) fn append(&self, rows: &RecordBatch, encoded: &mut EncodedMessages) -> Result<()> {
        let given = rows.schema();
        let conformed = conform(rows, &self.columns, &[], "the rows")?;
        let mut columns = sources(&self.plan.columns, conformed.columns());
        for (column, plan) in columns.iter_mut().zip(&self.plan.columns) {
            column.is_given = given.field_with_name(&plan.name).is_ok();
        }
        for row in 0..rows.num_rows() {
            let start = encoded.bytes.len();
            encoded.bytes.extend_from_slice(&[0; LENGTH_BYTES]);
            let mut message = Writing {
                bytes: &mut encoded.bytes,
                start,
                given: &given,
            };
            let written = message.root(&self.plan, &columns, row);
            if let Err((column, reason)) = written {
                encoded.bytes.truncate(start);
                return Err(FormatsError::Unencodable {
                    row,
                    column,
                    reason,
                });
            }
            let behind = start + LENGTH_BYTES;
            let length = (encoded.bytes.len() - behind) as u32;
            encoded.bytes[start..behind].copy_from_slice(&length.to_le_bytes());
            encoded.ranges.push(behind..encoded.bytes.len());
        }
        Ok(())
    }
}

/// A column to be read value by value.
struct Source<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
    /// Whether the rows have it; all null if not.
    is_given: bool,
}

enum Values<'a> {
    Bits(&'a BooleanArray),
    Fixed {
        width: usize,
        bytes: &'a [u8],
    },
    Text(&'a StringArray),
    List {
        ends: &'a OffsetBuffer<i32>,
        items: Vec<Source<'a>>,
    },
}

impl Source<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// The little-endian bytes of a scalar.
    fn scalar(&self, row: usize) -> [u8; 8] {
        let mut stored = [0; 8];
        match &self.values {
            Values::Bits(bits) => stored[0] = bits.value(row).into(),
            Values::Fixed { width, bytes } => {
                stored[..*width].copy_from_slice(&bytes[row * width..(row + 1) * width]);
            }
            Values::Text(_) | Values::List { .. } => unreachable!("the plan gave a scalar"),
        }
        stored
    }

    fn text(&self, row: usize) -> &str {
        match &self.values {
            Values::Text(texts) => texts.value(row),
            _ => unreachable!("the plan gave text"),
        }
    }
}

fn sources<'a>(plans: &[ColumnPlan], arrays: &'a [ArrayRef]) -> Vec<Source<'a>> {
    let pairs = plans.iter().zip(arrays);
    pairs
        .map(|(plan, array)| source(&plan.kind, array))
        .collect()
}

fn source<'a>(kind: &ColumnKind, array: &'a ArrayRef) -> Source<'a> {
    let values = match kind {
        ColumnKind::Scalar(Scalar::Bool) => Values::Bits(array.as_boolean()),
        ColumnKind::Scalar(scalar) => Values::Fixed {
            width: scalar.width(),
            bytes: fixed_bytes(array),
        },
        ColumnKind::Text => Values::Text(array.as_string()),
        ColumnKind::List(item) => {
            let list = array.as_list::<i32>();
            let items = match item.is_record() {
                true => sources(&item.columns, list.values().as_struct().columns()),
                false => vec![source(&item.columns[0].kind, list.values())],
            };
            Values::List {
                ends: list.offsets(),
                items,
            }
        }
    };
    Source {
        values,
        nulls: array.nulls(),
        is_given: true,
    }
}

fn fixed_bytes(array: &ArrayRef) -> &[u8] {
    use arrow_array::types::*;
    macro_rules! bytes {
        ($type:ty) => {
            array.as_primitive::<$type>().values().inner().as_slice()
        };
    }
    match array.data_type() {
        DataType::Int8 => bytes!(Int8Type),
        DataType::UInt8 => bytes!(UInt8Type),
        DataType::Int16 => bytes!(Int16Type),
        DataType::UInt16 => bytes!(UInt16Type),
        DataType::Int32 => bytes!(Int32Type),
        DataType::UInt32 => bytes!(UInt32Type),
        DataType::Int64 => bytes!(Int64Type),
        DataType::UInt64 => bytes!(UInt64Type),
        DataType::Float32 => bytes!(Float32Type),
        DataType::Float64 => bytes!(Float64Type),
        other => unreachable!("no scalar is {other}"),
    }
}

/// A column that is in the way, and why.
type Obstacle = (String, String);

/// A message under construction. A table comes before all that it refers to, as offsets lead forward.
struct Writing<'a> {
    bytes: &'a mut Vec<u8>,
    /// Where its length is, from which it is aligned.
    start: usize,
    given: &'a Schema,
}

impl Writing<'_> {
    fn root(&mut self, plan: &Plan, columns: &[Source], row: usize) -> Result<(), Obstacle> {
        let root = self.placeholder();
        if let Some(identifier) = plan.identifier {
            self.bytes.extend_from_slice(&identifier);
        }
        let table = self.table(&plan.root, columns, row)?;
        self.refer(root, table);
        Ok(())
    }

    /// Zeros up to where a value of this alignment may begin.
    fn align(&mut self, align: usize) {
        let length = self.bytes.len() - self.start;
        self.bytes
            .resize(self.start + length.next_multiple_of(align), 0);
    }

    fn placeholder(&mut self) -> usize {
        let place = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        place
    }

    fn refer(&mut self, from: usize, to: usize) {
        self.bytes[from..from + 4].copy_from_slice(&((to - from) as u32).to_le_bytes());
    }

    fn table(
        &mut self,
        record: &Record,
        columns: &[Source],
        row: usize,
    ) -> Result<usize, Obstacle> {
        let mut present = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            if is_present(field, columns, row).map_err(|reason| self.obstacle(field, reason))? {
                present.push(field);
            }
        }
        // The widest first, so that little is lost to alignment.
        present.sort_by_key(|field| std::cmp::Reverse(field.align));
        let slots = present
            .iter()
            .map(|field| field.slot + 1)
            .max()
            .unwrap_or(0);
        self.align(2);
        let vtable = self.bytes.len();
        let vtable_bytes = 4 + 2 * slots;
        self.bytes.resize(vtable + vtable_bytes, 0);
        self.align(4);
        let table = self.placeholder();
        self.refer_back(table, vtable);
        let mut stored = Vec::new();
        for field in present {
            self.align(field.align);
            let place = self.bytes.len();
            let Ok(offset) = u16::try_from(place - table) else {
                return Err(self.obstacle(field, "the table is larger than 65535 bytes".to_owned()));
            };
            let entry = vtable + 4 + 2 * field.slot;
            self.bytes[entry..entry + 2].copy_from_slice(&offset.to_le_bytes());
            if field.value.is_inline() {
                self.inline(&field.value, columns, row)
                    .map_err(|reason| self.obstacle(field, reason))?;
            } else {
                stored.push((field, self.placeholder()));
            }
        }
        let Ok(size) = u16::try_from(self.bytes.len() - table) else {
            let reason = "its table is larger than 65535 bytes".to_owned();
            return Err((String::new(), reason));
        };
        self.bytes[vtable..vtable + 2].copy_from_slice(&(vtable_bytes as u16).to_le_bytes());
        self.bytes[vtable + 2..vtable + 4].copy_from_slice(&size.to_le_bytes());
        for (field, place) in stored {
            let target = self.referred(field, &field.value, columns, row)?;
            self.refer(place, target);
        }
        Ok(table)
    }

    fn refer_back(&mut self, table: usize, vtable: usize) {
        let back = (table - vtable) as i32;
        self.bytes[table..table + 4].copy_from_slice(&back.to_le_bytes());
    }

    fn obstacle(&self, field: &FieldPlan, reason: String) -> Obstacle {
        let known = self.given.field_with_name(&field.name);
        let reason = match known {
            Ok(_) => reason,
            Err(_) => format!("{reason} (the rows have no column of this name)"),
        };
        (field.name.clone(), reason)
    }

    /// Writes what is stored in a table, struct or vector itself.
    fn inline(&mut self, value: &Value, columns: &[Source], row: usize) -> Result<(), String> {
        match value {
            Value::Scalar { column, scalar, .. } => {
                let source = &columns[*column];
                if source.is_null(row) {
                    return Err(NULL_INSIDE.to_owned());
                }
                let stored = source.scalar(row);
                self.bytes.extend_from_slice(&stored[..scalar.width()]);
            }
            Value::Enum { column, known, .. } => {
                let source = &columns[*column];
                if source.is_null(row) {
                    return Err(NULL_INSIDE.to_owned());
                }
                let stored = enum_bytes(known, source.text(row))?;
                self.bytes
                    .extend_from_slice(&stored[..known.underlying.width()]);
            }
            Value::Struct(record) => {
                let start = self.bytes.len();
                for field in &record.fields {
                    self.bytes.resize(start + field.slot, 0);
                    self.inline(&field.value, columns, row)
                        .map_err(|reason| format!("{}: {reason}", field.name))?;
                }
                self.bytes.resize(start + record.size, 0);
            }
            Value::Array {
                column,
                item,
                count,
            } => {
                let source = &columns[*column];
                let Values::List { ends, items } = &source.values else {
                    unreachable!("the plan gave a list");
                };
                let (start, end) = (ends[row] as usize, ends[row + 1] as usize);
                if source.is_null(row) || end - start != *count {
                    return Err(format!("an array of {count} items is needed"));
                }
                for index in start..end {
                    self.inline(&item.value, items, index)?;
                }
            }
            Value::Text { .. } | Value::Table(_) | Value::Vector { .. } => {
                unreachable!("these are referred to")
            }
        }
        Ok(())
    }

    /// Writes what a table or vector refers to, and gives its place.
    fn referred(
        &mut self,
        field: &FieldPlan,
        value: &Value,
        columns: &[Source],
        row: usize,
    ) -> Result<usize, Obstacle> {
        match value {
            Value::Text { column, .. } => {
                let source = &columns[*column];
                if source.is_null(row) {
                    return Err(self.obstacle(field, NULL_INSIDE.to_owned()));
                }
                let text = source.text(row);
                self.align(4);
                let place = self.bytes.len();
                self.bytes
                    .extend_from_slice(&(text.len() as u32).to_le_bytes());
                self.bytes.extend_from_slice(text.as_bytes());
                self.bytes.push(0);
                Ok(place)
            }
            Value::Table(record) => self.table(record, columns, row),
            Value::Vector { column, item } => {
                let Values::List { ends, items } = &columns[*column].values else {
                    unreachable!("the plan gave a list");
                };
                let range = ends[row] as usize..ends[row + 1] as usize;
                self.vector(field, item, items, range)
            }
            _ => unreachable!("the others are stored in place"),
        }
    }

    fn vector(
        &mut self,
        field: &FieldPlan,
        item: &ItemPlan,
        items: &[Source],
        rows: Range<usize>,
    ) -> Result<usize, Obstacle> {
        self.align(4);
        // The items, behind their number, are what must be aligned.
        while !(self.bytes.len() + 4 - self.start).is_multiple_of(item.align) {
            self.bytes.extend_from_slice(&[0; 4]);
        }
        let place = self.bytes.len();
        self.bytes
            .extend_from_slice(&(rows.len() as u32).to_le_bytes());
        if item.value.is_inline() {
            for row in rows {
                self.inline(&item.value, items, row)
                    .map_err(|reason| self.obstacle(field, reason))?;
            }
            return Ok(place);
        }
        let first = self.bytes.len();
        self.bytes.resize(first + 4 * rows.len(), 0);
        for (index, row) in rows.enumerate() {
            let target = self.referred(field, &item.value, items, row)?;
            self.refer(first + 4 * index, target);
        }
        Ok(place)
    }
}

const NULL_INSIDE: &str =
    "it is null, for which this field has no place; leave such rows out, or give it a value";

/// Whether a table has a field, or none because it is null or as the schema says by default.
fn is_present(field: &FieldPlan, columns: &[Source], row: usize) -> Result<bool, String> {
    let is_null = |column: &usize| columns[*column].is_null(row);
    let is_present = match &field.value {
        Value::Scalar {
            column, default, ..
        }
        | Value::Enum {
            column, default, ..
        } if is_null(column) => match default {
            Some(_) if columns[*column].is_given => return Err(NULL_INSIDE.to_owned()),
            _ => false,
        },
        Value::Scalar {
            column,
            default,
            scalar,
        } => differs(default, columns[*column].scalar(row), *scalar),
        Value::Enum {
            column,
            default,
            known,
        } => {
            let stored = enum_bytes(known, columns[*column].text(row))?;
            differs(default, stored, known.underlying)
        }
        Value::Text { column, .. } | Value::Vector { column, .. } | Value::Array { column, .. } => {
            !is_null(column)
        }
        Value::Table(record) | Value::Struct(record) => {
            let mut own = columns[record.columns.clone()].iter();
            field.is_required || own.any(|column| !column.is_null(row))
        }
    };
    match is_present || !field.is_required {
        true => Ok(is_present),
        false => Err("it is null, but required".to_owned()),
    }
}

fn differs(default: &Option<[u8; 8]>, stored: [u8; 8], scalar: Scalar) -> bool {
    let width = scalar.width();
    default.is_none_or(|default| default[..width] != stored[..width])
}

/// The number of an enum's value, given by its name or as digits.
fn enum_bytes(known: &Enumeration, text: &str) -> Result<[u8; 8], String> {
    let named = known.values.iter().find(|(_, name)| name == text);
    let value = match named {
        Some((value, _)) => *value,
        None => text
            .parse()
            .ok()
            .filter(|value| known.underlying.range().contains(value))
            .ok_or_else(|| format!("{text:?} is no value of {}", known.name))?,
    };
    Ok((value as u64).to_le_bytes())
}
