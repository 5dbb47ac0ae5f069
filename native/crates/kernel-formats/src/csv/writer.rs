//! Record batches → a CSV file.

use std::io::Write;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use super::encode::{check_schema, write_header, write_rows};
use super::params::CsvWriteParams;
use crate::durable_file::{DurableFile, FileSummary};
use crate::error::{FormatsError, Result};

/// Rows that one thread turns into text at a time.
const RANGE_ROWS: usize = 8_192;
/// Ranges in memory as text: while half of them are written, the other half is made.
const WINDOW_RANGES: usize = 16;
/// Text of small batches is collected until it is worth a write.
const FLUSH_BYTES: usize = 1 << 20;

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
    path: PathBuf,
    schema: SchemaRef,
    params: CsvWriteParams,
    file: DurableFile,
    /// Text that is not yet written, in order.
    pending: Vec<Vec<u8>>,
    pending_bytes: usize,
    rows: u64,
    failed: bool,
}

impl CsvWriter {
    /// Creates the file, or empties it if it exists.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::InvalidParam`], [`FormatsError::UnsupportedType`].
    pub fn create(
        path: impl AsRef<Path>,
        schema: SchemaRef,
        params: &CsvWriteParams,
    ) -> Result<Self> {
        let path = path.as_ref();
        params.check()?;
        check_schema(&schema)?;
        let mut header = Vec::new();
        if params.header {
            write_header(&mut header, &schema, params);
        }
        Ok(Self {
            path: path.to_owned(),
            file: DurableFile::create(path)?,
            schema,
            params: params.clone(),
            pending_bytes: header.len(),
            pending: vec![header],
            rows: 0,
            failed: false,
        })
    }

    /// Adds rows.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`] (nothing is written, the writer stays usable);
    /// [`FormatsError::Io`], after which every further call answers [`FormatsError::Failed`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.check_usable()?;
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())
            .map_err(|error| FormatsError::schema_mismatch(&self.path, &error))?;
        let ranges: Vec<RecordBatch> = (0..batch.num_rows())
            .step_by(RANGE_ROWS)
            .map(|start| batch.slice(start, RANGE_ROWS.min(batch.num_rows() - start)))
            .collect();
        for window in ranges.chunks(WINDOW_RANGES) {
            self.write_window(window)?;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes what is pending and waits until the file is on the disk.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::Failed`].
    pub fn finish(mut self) -> Result<FileSummary> {
        self.check_usable()?;
        let pending = std::mem::take(&mut self.pending);
        write_all(&mut self.file, &pending)
            .map_err(|error| FormatsError::io("write", &self.path, error))?;
        let file = self.file.finish()?;
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

    fn write_window(&mut self, window: &[RecordBatch]) -> Result<()> {
        if let [single] = window {
            let mut text = self.pending.pop().unwrap_or_default();
            self.pending_bytes -= text.len();
            write_rows(&mut text, single, &self.params)?;
            self.pending_bytes += text.len();
            self.pending.push(text);
            return if self.pending_bytes < FLUSH_BYTES {
                Ok(())
            } else {
                self.flush()
            };
        }
        let pending = std::mem::take(&mut self.pending);
        let (file, params) = (&mut self.file, &self.params);
        let (written, texts) = rayon::join(
            || write_all(file, &pending),
            || {
                window
                    .par_iter()
                    .map(|range| range_text(range, params))
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

/// Encodes a batch as the text [`CsvWriter`] would write, header included when the params ask for one.
///
/// Memory: the text. Errors: [`FormatsError::InvalidParam`], [`FormatsError::UnsupportedType`].
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

fn range_text(range: &RecordBatch, params: &CsvWriteParams) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(RANGE_ROWS * range.num_columns() * 16);
    write_rows(&mut text, range, params)?;
    Ok(text)
}

fn write_all(file: &mut DurableFile, texts: &[Vec<u8>]) -> std::io::Result<()> {
    texts.iter().try_for_each(|text| file.write_all(text))
}
