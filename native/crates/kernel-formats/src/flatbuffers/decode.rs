//! Messages → record batches.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::FlatbuffersSchema;
use super::column::Column;
use super::plan::{ItemPlan, Plan, Record, Value};
use super::schema::Enumeration;
use super::wire::{Fault, MISALIGNED, Message, Table};
use crate::messages::{DecodedMessages, InvalidMessage};

/// Strings and items of lists that a message may unfold to, in bytes: its offsets may lead to the same place many times.
const UNFOLDED_BYTES_MAX: usize = 256 << 20;
/// Bytes of the length that may have been before a message.
const LENGTH_BYTES: usize = 4;
/// Where a batch ends, by its strings and items of lists, in bytes.
const BATCH_BYTES: usize = 64 << 20;

/// Decodes FlatBuffers messages of one schema into columns.
///
/// Every message is verified while it is decoded: bounds, alignment, vtables, the ends and the UTF-8 of strings. Depth is
/// bounded by the schema. No allocation per message. Source: flatbuffers.dev, "Internals".
pub struct FlatbuffersDecoder {
    plan: Arc<Plan>,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
    /// Strings and items of lists in the batch, in bytes.
    unfolded: usize,
    /// What was before the last message when it was aligned: its length, or nothing.
    shift: usize,
}

impl FlatbuffersDecoder {
    /// A decoder without rows.
    #[must_use]
    pub fn new(schema: &FlatbuffersSchema) -> Self {
        let plan = Arc::clone(schema.plan());
        Self {
            columns: Column::all(&plan.columns, 0),
            schema: schema.columns(),
            plan,
            rows: 0,
            unfolded: 0,
            shift: 0,
        }
    }

    /// The columns of every batch.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Decodes the messages that lie at `ranges` of `bytes`, without a length before them, until all are taken or a
    /// batch of about 64 MiB is full; at least one is.
    ///
    /// Panics when a range is not within the bytes.
    pub fn decode(&mut self, bytes: &[u8], ranges: &[Range<usize>]) -> DecodedMessages {
        self.columns = Column::all(&self.plan.columns, ranges.len());
        let mut invalid = Vec::new();
        let mut taken = 0;
        for range in ranges {
            if taken > 0 && self.unfolded >= BATCH_BYTES {
                break;
            }
            if let Err(reason) = self.push(&bytes[range.clone()]) {
                invalid.push(InvalidMessage {
                    index: taken,
                    reason,
                });
            }
            taken += 1;
        }
        DecodedMessages {
            rows: self.finish(),
            invalid,
            taken,
        }
    }

    /// Adds the row of a message, or says why it is none; nothing of it is kept then.
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        // Encoders align with the length before the message or without, as they were told: mostly all in the same way.
        if self.shift != 0 && self.push_aligned(bytes, self.shift).is_ok() {
            return Ok(());
        }
        self.shift = 0;
        match self.push_aligned(bytes, 0) {
            Err(fault) if fault.starts_with(MISALIGNED) => {
                self.push_aligned(bytes, LENGTH_BYTES).map_err(|_| fault)?;
                self.shift = LENGTH_BYTES;
                Ok(())
            }
            other => other,
        }
    }

    fn push_aligned(&mut self, bytes: &[u8], shift: usize) -> Result<(), Fault> {
        let mut reading = Reading {
            message: Message { bytes, shift },
            unfolded: 0,
        };
        let root = reading.message.root();
        let read = root.and_then(|root| reading.table(&self.plan.root, root, &mut self.columns));
        if read.is_err() {
            let rows = self.rows;
            self.columns.iter_mut().for_each(|one| one.truncate(rows));
            return read;
        }
        self.rows += 1;
        self.unfolded += reading.unfolded;
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        let columns = std::mem::take(&mut self.columns);
        let arrays = columns
            .into_iter()
            .zip(&self.plan.columns)
            .map(|(column, plan)| column.finish(&plan.kind))
            .collect::<Result<Vec<_>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let rows = arrays.and_then(|arrays| {
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
        });
        (self.rows, self.unfolded) = (0, 0);
        rows.expect("the columns follow from the plan, as the schema does")
    }
}

/// A message being read.
struct Reading<'a> {
    message: Message<'a>,
    /// Strings and items of lists so far, in bytes.
    unfolded: usize,
}

impl Reading<'_> {
    fn table(
        &mut self,
        record: &Record,
        table: Table,
        columns: &mut [Column],
    ) -> Result<(), Fault> {
        for field in &record.fields {
            match table.field(field.slot, field.size, field.align)? {
                Some(place) => self.value(&field.value, place, columns)?,
                None if field.is_required => {
                    let (name, place) = (&field.name, table.place());
                    return Err(format!(
                        "the table at byte {place} has no {name}, which is required"
                    ));
                }
                None => absent(&field.value, columns),
            }
        }
        Ok(())
    }

    /// Reads what is stored at a place, whose bytes are within the message.
    #[inline]
    fn value(&mut self, value: &Value, place: usize, columns: &mut [Column]) -> Result<(), Fault> {
        let message = self.message;
        match value {
            Value::Scalar { column, .. } => columns[*column].push_scalar(&message.bytes[place..]),
            Value::Enum { column, known, .. } => {
                push_name(&mut columns[*column], known, &message.bytes[place..]);
            }
            Value::Text { column, .. } => {
                let text = message.text(message.target(place)?)?;
                self.unfold(text.len())?;
                columns[*column].push_text(text);
            }
            Value::Table(record) => {
                let table = message.table(message.target(place)?)?;
                self.unfold(4)?;
                self.table(record, table, columns)?;
            }
            Value::Struct(record) => {
                for field in &record.fields {
                    self.value(&field.value, place + field.slot, columns)?;
                }
            }
            Value::Vector { column, item } => {
                let target = message.target(place)?;
                let (items, count) = message.vector(target, item.size, item.align)?;
                self.list(&mut columns[*column], item, items, count)?;
            }
            Value::Array {
                column,
                item,
                count,
            } => self.list(&mut columns[*column], item, place, *count)?,
        }
        Ok(())
    }

    fn list(
        &mut self,
        column: &mut Column,
        plan: &ItemPlan,
        place: usize,
        count: usize,
    ) -> Result<(), Fault> {
        self.unfold(count.saturating_mul(plan.size.max(1)))?;
        let items = column.items();
        if let Value::Scalar { column, .. } = plan.value {
            let stored = &self.message.bytes[place..place + count * plan.size];
            items[column].push_scalars(stored, count);
        } else {
            for index in 0..count {
                self.value(&plan.value, place + index * plan.size, items)?;
            }
        }
        column.end_list();
        Ok(())
    }

    fn unfold(&mut self, bytes: usize) -> Result<(), Fault> {
        self.unfolded = self.unfolded.saturating_add(bytes);
        if self.unfolded > UNFOLDED_BYTES_MAX {
            return Err(format!(
                "its strings and lists unfold to more than {UNFOLDED_BYTES_MAX} bytes"
            ));
        }
        Ok(())
    }
}

/// Adds what a field is that is not in its table.
fn absent(value: &Value, columns: &mut [Column]) {
    match value {
        Value::Scalar {
            column,
            default: Some(default),
            ..
        } => columns[*column].push_scalar(default),
        Value::Enum {
            column,
            default: Some(default),
            known,
        } => push_name(&mut columns[*column], known, default),
        Value::Text {
            column,
            default: Some(default),
        } => columns[*column].push_text(default),
        Value::Table(record) | Value::Struct(record) => {
            for column in &mut columns[record.columns.clone()] {
                column.push_null();
            }
        }
        Value::Scalar { column, .. }
        | Value::Enum { column, .. }
        | Value::Text { column, .. }
        | Value::Vector { column, .. }
        | Value::Array { column, .. } => columns[*column].push_null(),
    }
}

/// A value that the schema does not know, as a newer one may, is its number.
fn push_name(column: &mut Column, known: &Enumeration, bytes: &[u8]) {
    let value = known.underlying.integer(bytes);
    match known.name_of(value) {
        Some(name) => column.push_text(name),
        None => column.push_text(&value.to_string()),
    }
}
