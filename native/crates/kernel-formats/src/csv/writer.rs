//! Record batches → a CSV file.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::encode::{check_schema, write_header, write_rows};
use super::params::CsvWriteParams;
use crate::durable_file::FileSummary;
use crate::error::Result;
use crate::text_writer::TextWriter;

/// Writes one CSV file (RFC 4180, UTF-8, lines ending in LF).
///
/// Floats are the shortest text that reads back as the same value, timestamps RFC 3339 with a
/// fraction of 0, 3, 6 or 9 digits: with `Z` when the column has a zone (the instant in UTC), without
/// when it has none. Strings are quoted when they hold the delimiter, a quote or a line end, or read
/// like a null. The same rows give the same bytes, however they are cut into batches.
///
/// Types: null, boolean, integers, float32/64, date32, timestamps, decimal128, strings, and
/// dictionaries of those. Memory: at most about 260,000 rows as text.
pub struct CsvWriter {
    writer: TextWriter,
    params: CsvWriteParams,
}

impl CsvWriter {
    /// Creates the file, or empties it if it exists.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io),
    /// [`FormatsError::InvalidParam`](crate::FormatsError::InvalidParam),
    /// [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
    pub fn create(
        path: impl AsRef<Path>,
        schema: SchemaRef,
        params: &CsvWriteParams,
    ) -> Result<Self> {
        params.check()?;
        check_schema(&schema)?;
        let mut header = Vec::new();
        if params.header {
            write_header(&mut header, &schema, params);
        }
        Ok(Self {
            writer: TextWriter::create(path.as_ref(), schema, params.compression, header)?,
            params: params.clone(),
        })
    }

    /// Adds rows.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`](crate::FormatsError::SchemaMismatch) (nothing is written, the writer
    /// stays usable); [`FormatsError::Io`](crate::FormatsError::Io), after which every further call answers
    /// [`FormatsError::Failed`](crate::FormatsError::Failed).
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let params = &self.params;
        self.writer
            .write(batch, &|text, rows, _| write_rows(text, rows, params))
    }

    /// Writes what is pending and waits until the file is on the disk.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io), [`FormatsError::Failed`](crate::FormatsError::Failed).
    pub fn finish(self) -> Result<FileSummary> {
        self.writer.finish(&[])
    }
}

/// Encodes a batch as the text [`CsvWriter`] would write, header included when the params ask for one.
///
/// Memory: the text. Errors: [`FormatsError::InvalidParam`](crate::FormatsError::InvalidParam),
/// [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
pub fn encode_csv(batch: &RecordBatch, params: &CsvWriteParams) -> Result<Vec<u8>> {
    params.check()?;
    check_schema(&batch.schema())?;
    let mut text = Vec::new();
    if params.header {
        write_header(&mut text, &batch.schema(), params);
    }
    write_rows(&mut text, batch, params)?;
    Ok(text)
}
