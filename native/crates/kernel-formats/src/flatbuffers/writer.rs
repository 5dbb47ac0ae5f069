//! Record batches → a file of messages.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::FlatbuffersSchema;
use super::encode::{EncodedMessages, FlatbuffersEncoder};
use crate::compressed::TextCompression;
use crate::durable_file::FileSummary;
use crate::error::Result;
use crate::text_writer::TextWriter;

/// Writes one file of messages as [`FlatbuffersEncoder`] makes them, each with its length before it.
///
/// The same rows give the same bytes, however they are cut into batches. Memory: at most about 260,000 messages.
pub struct FlatbuffersWriter {
    writer: TextWriter,
    encoder: FlatbuffersEncoder,
}

impl FlatbuffersWriter {
    /// Creates the file, or empties it if it exists.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io), and those of [`FlatbuffersEncoder::new`].
    pub fn create(
        path: impl AsRef<Path>,
        rows: SchemaRef,
        schema: &FlatbuffersSchema,
    ) -> Result<Self> {
        let encoder = FlatbuffersEncoder::new(schema, &rows)?;
        let none = TextCompression::None;
        Ok(Self {
            writer: TextWriter::create(path.as_ref(), rows, none, Vec::new())?,
            encoder,
        })
    }

    /// Adds rows.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`](crate::FormatsError::SchemaMismatch),
    /// [`FormatsError::Unencodable`](crate::FormatsError::Unencodable) and [`FormatsError::Io`](crate::FormatsError::Io),
    /// after which the file is to be given up.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let encoder = &self.encoder;
        self.writer.write(batch, &|bytes, rows, _| {
            let mut encoded = EncodedMessages {
                bytes: std::mem::take(bytes),
                ranges: Vec::new(),
            };
            let appended = encoder.append(rows, &mut encoded);
            *bytes = encoded.bytes;
            appended
        })
    }

    /// Writes what is pending and waits until the file is on the disk.
    ///
    /// Errors: [`FormatsError::Io`](crate::FormatsError::Io), [`FormatsError::Failed`](crate::FormatsError::Failed).
    pub fn finish(self) -> Result<FileSummary> {
        self.writer.finish(&[])
    }
}
