//! Rows → a text file, made into text by all cores.

use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use crate::compressed::{TextCompression, TextFile};
use crate::durable_file::FileSummary;
use crate::error::{FormatsError, Result};

/// Rows that one thread turns into text at a time.
const RANGE_ROWS: usize = 8_192;
/// Ranges in memory as text: while half of them are written, the other half is made.
const WINDOW_RANGES: usize = 16;
/// Text of small batches is collected until it is worth a write.
const FLUSH_BYTES: usize = 1 << 20;

/// Appends rows as text. The number is how many rows the file has before them.
pub(crate) type Encode<'a> = &'a (dyn Fn(&mut Vec<u8>, &RecordBatch, u64) -> Result<()> + Sync);

/// A text file under construction.
///
/// The same rows give the same bytes, however they are cut into batches. Memory: at most about 260,000 rows as text.
pub(crate) struct TextWriter {
    path: PathBuf,
    schema: SchemaRef,
    file: TextFile,
    /// Text that is not yet written, in order.
    pending: Vec<Vec<u8>>,
    pending_bytes: usize,
    rows: u64,
    failed: bool,
}

impl TextWriter {
    /// Creates the file, or empties it if it exists. Errors: [`FormatsError::Io`].
    pub(crate) fn create(
        path: &Path,
        schema: SchemaRef,
        compression: TextCompression,
        header: Vec<u8>,
    ) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            schema,
            file: TextFile::create(path, compression)?,
            pending_bytes: header.len(),
            pending: vec![header],
            rows: 0,
            failed: false,
        })
    }

    /// Adds rows.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`] (nothing is written, the writer stays usable); [`FormatsError::Io`],
    /// after which every further call answers [`FormatsError::Failed`].
    pub(crate) fn write(&mut self, batch: &RecordBatch, encode: Encode) -> Result<()> {
        self.check_usable()?;
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())
            .map_err(|error| FormatsError::schema_mismatch(&self.path, &error))?;
        let ranges: Vec<(RecordBatch, u64)> = (0..batch.num_rows())
            .step_by(RANGE_ROWS)
            .map(|start| {
                let range = batch.slice(start, RANGE_ROWS.min(batch.num_rows() - start));
                (range, self.rows + start as u64)
            })
            .collect();
        for window in ranges.chunks(WINDOW_RANGES) {
            self.write_window(window, encode)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes what is pending and the footer, and waits until the file is on the disk.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::Failed`].
    pub(crate) fn finish(mut self, footer: &[u8]) -> Result<FileSummary> {
        self.check_usable()?;
        let mut pending = std::mem::take(&mut self.pending);
        pending.push(footer.to_vec());
        write_all(&mut self.file, &pending)
            .map_err(|error| FormatsError::io("write", &self.path, error))?;
        let file = self.file.finish(&self.path)?;
        Ok(FileSummary {
            rows: self.rows,
            bytes: file.bytes,
            checksum: file.checksum,
        })
    }

    fn check_usable(&self) -> Result<()> {
        if self.failed {
            return Err(FormatsError::Failed {
                path: self.path.clone(),
            });
        }
        Ok(())
    }

    fn write_window(&mut self, window: &[(RecordBatch, u64)], encode: Encode) -> Result<()> {
        if let [(single, before)] = window {
            let mut text = self.pending.pop().unwrap_or_default();
            self.pending_bytes -= text.len();
            encode(&mut text, single, *before)?;
            self.pending_bytes += text.len();
            self.pending.push(text);
            return if self.pending_bytes < FLUSH_BYTES {
                Ok(())
            } else {
                self.flush()
            };
        }
        let pending = std::mem::take(&mut self.pending);
        let file = &mut self.file;
        let (written, texts) = rayon::join(
            || write_all(file, &pending),
            || {
                window
                    .par_iter()
                    .map(|(range, before)| range_text(range, *before, encode))
                    .collect::<Result<Vec<_>>>()
            },
        );
        self.failed = written.is_err();
        written.map_err(|error| FormatsError::io("write", &self.path, error))?;
        self.pending = texts?;
        self.pending_bytes = self.pending.iter().map(Vec::len).sum();
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let written = write_all(&mut self.file, &pending);
        self.failed = written.is_err();
        written.map_err(|error| FormatsError::io("write", &self.path, error))
    }
}

fn range_text(range: &RecordBatch, before: u64, encode: Encode) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(RANGE_ROWS * range.num_columns() * 16);
    encode(&mut text, range, before)?;
    Ok(text)
}

fn write_all(file: &mut TextFile, texts: &[Vec<u8>]) -> std::io::Result<()> {
    texts.iter().try_for_each(|text| file.write_all(text))
}
