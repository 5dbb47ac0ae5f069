//! Messages that are a JSON object each → record batches.

use std::ops::Range;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::column::{Columns, Origin, row_bytes};
use super::cursor::{Cursor, Stop};
use super::rows::reason_of;
use crate::error::Result;
use crate::messages::{DecodedMessages, InvalidMessage};

/// Where a batch ends, by its values of fixed width and its text, in bytes.
const BATCH_BYTES: usize = 64 << 20;

/// Decodes messages that are one JSON object each into columns, which are found by name as in files.
///
/// Blanks and line breaks may stand before, within and after the object. A message that is something else, or has a value
/// of another type than its column's, is invalid alone.
pub struct JsonMessageDecoder {
    schema: SchemaRef,
    columns: Columns,
    /// What a row takes beside its text, in bytes.
    width: usize,
}

impl JsonMessageDecoder {
    /// Errors: [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            schema: schema.clone(),
            columns: Columns::new(schema.fields(), Origin::Declared)?,
            width: row_bytes(schema.fields()),
        })
    }

    /// Decodes the messages that lie at `ranges` of `bytes` until all are taken or a batch of about 64 MiB is full; at
    /// least one is. Cost: linear.
    ///
    /// Panics when a range is not within the bytes.
    pub fn decode(&mut self, bytes: &[u8], ranges: &[Range<usize>]) -> DecodedMessages {
        let mut invalid = Vec::new();
        let (mut taken, mut held) = (0, 0);
        for range in ranges {
            if taken > 0 && held >= BATCH_BYTES {
                break;
            }
            let text = &bytes[range.clone()];
            match self.push(text) {
                Ok(()) => held += self.width + text.len(),
                Err(reason) => invalid.push(InvalidMessage {
                    index: taken,
                    reason,
                }),
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
    fn push(&mut self, text: &[u8]) -> std::result::Result<(), String> {
        let rows = self.columns.rows;
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        let read = self.columns.read(&mut cursor).and_then(|()| {
            cursor.skip_blanks();
            if cursor.position() < text.len() {
                return Err(Stop::Syntax("something follows the object"));
            }
            Ok(())
        });
        read.map_err(|stop| {
            self.columns.truncate(rows);
            let position = cursor.position().min(text.len());
            let reason = reason_of(stop, &mut cursor, &text[position..]);
            format!("{reason} (byte {position})")
        })
    }

    fn finish(&mut self) -> RecordBatch {
        let options = RecordBatchOptions::new().with_row_count(Some(self.columns.rows));
        let columns = self.columns.finish();
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("the columns are built for the schema")
    }
}
