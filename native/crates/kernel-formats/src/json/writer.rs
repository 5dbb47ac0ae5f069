//! Record batches → a JSON file.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::encode::{check_schema, write_rows};
use super::params::{JsonLayout, JsonWriteParams};
use crate::durable_file::FileSummary;
use crate::error::Result;
use crate::text_writer::TextWriter;

/// Writes one JSON file (RFC 8259, UTF-8): an object per row, on a line of its own, with every column as a key.
///
/// Numbers are plain digits, floats the shortest text that reads back as the same value; NaN and infinities, which JSON
/// has not, are `null`, as nulls are. Timestamps are RFC 3339 with a fraction of 0, 3, 6 or 9 digits: with `Z` when the
/// column has a zone (the instant in UTC), without when it has none. Binary values are base64. The same rows give the
/// same bytes, however they are cut into batches.
///
/// Types: null, boolean, integers, float32/64, date32, timestamps, decimal128, strings, binary, structs, lists, and
/// dictionaries of those. Memory: at most about 260,000 rows as text.
pub struct JsonWriter {
    writer: TextWriter,
    layout: JsonLayout,
}

impl JsonWriter {
    /// Creates the file, or empties it if it exists.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io),
    /// [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
    pub fn create(
        path: impl AsRef<Path>,
        schema: SchemaRef,
        params: &JsonWriteParams,
    ) -> Result<Self> {
        check_schema(&schema)?;
        let header = header(params.layout).to_vec();
        Ok(Self {
            writer: TextWriter::create(path.as_ref(), schema, params.compression, header)?,
            layout: params.layout,
        })
    }

    /// Adds rows.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`](crate::FormatsError::SchemaMismatch) (nothing is written, the writer
    /// stays usable); [`FormatsError::Io`](crate::FormatsError::Io), after which every further call answers
    /// [`FormatsError::Failed`](crate::FormatsError::Failed).
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let layout = self.layout;
        self.writer.write(batch, &|text, rows, before| {
            write_rows(text, rows, before, layout)
        })
    }

    /// Writes what is pending and waits until the file is on the disk.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io), [`FormatsError::Failed`](crate::FormatsError::Failed).
    pub fn finish(self) -> Result<FileSummary> {
        self.writer.finish(footer(self.layout))
    }
}

/// Encodes a batch as the text [`JsonWriter`] would write.
///
/// Memory: the text. Errors: [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
pub fn encode_json(batch: &RecordBatch, layout: JsonLayout) -> Result<Vec<u8>> {
    check_schema(&batch.schema())?;
    let mut text = header(layout).to_vec();
    write_rows(&mut text, batch, 0, layout)?;
    text.extend_from_slice(footer(layout));
    Ok(text)
}

fn header(layout: JsonLayout) -> &'static [u8] {
    match layout {
        JsonLayout::Lines => b"",
        JsonLayout::Array => b"[",
    }
}

fn footer(layout: JsonLayout) -> &'static [u8] {
    match layout {
        JsonLayout::Lines => b"",
        JsonLayout::Array => b"\n]\n",
    }
}
