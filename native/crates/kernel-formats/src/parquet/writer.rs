//! Record batches → a Parquet file.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::encode_queue::EncodeQueue;
use super::params::{CheckedWriteParams, ParquetWriteParams};
use super::reader::{FileFacts, read_facts};
use super::row_groups::RowGroups;
use crate::durable_file::{DurableFile, FileSummary};
use crate::error::{FormatsError, Result};
use crate::guard::catch;
use crate::input::{Input, MEMORY};

/// Pages reach the file in writes of at least this size.
const BUFFER_BYTES: usize = 1 << 18;
const CREATED_BY: &str = concat!("sferic ", env!("CARGO_PKG_VERSION"));

/// Writes one Parquet file, row group by row group.
///
/// The same rows give the same bytes, however they are cut into batches and however many threads
/// encode. The Arrow schema is kept in the footer (`ARROW:schema`), so field metadata such as `unit`
/// survives. Timestamps keep their unit; with a zone they are `TIMESTAMP(…, isAdjustedToUTC = true)`.
///
/// Memory: at most three row groups, uncompressed (see [`ParquetWriteParams`]), beside the batches the
/// caller holds. Dropping an unfinished writer leaves a partial file.
///
/// Source: Apache Parquet format 2.11.
pub struct ParquetWriter {
    output: Output<BufWriter<DurableFile>>,
    rows: u64,
}

impl ParquetWriter {
    /// Creates the file, or empties it if it exists.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::InvalidParam`], [`FormatsError::UnsupportedType`].
    pub fn create(
        path: impl AsRef<Path>,
        schema: SchemaRef,
        params: &ParquetWriteParams,
    ) -> Result<Self> {
        let path = path.as_ref();
        let params = params.check()?;
        let sink = || {
            Ok(BufWriter::with_capacity(
                BUFFER_BYTES,
                DurableFile::create(path)?,
            ))
        };
        let output = Output::new(path, schema, &params, sink)?;
        Ok(Self { output, rows: 0 })
    }

    /// Adds rows; returns before they are encoded.
    ///
    /// Errors: [`FormatsError::SchemaMismatch`] (nothing is written, the writer stays usable);
    /// [`FormatsError::Io`] and [`FormatsError::Encode`], possibly of rows given earlier, after which
    /// every further call answers [`FormatsError::Failed`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.output.write(batch)?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Writes the footer, waits until the file is on the disk, and reads the footer back.
    ///
    /// Errors: as [`Self::write`], and [`FormatsError::Verification`].
    pub fn finish(self) -> Result<FileSummary> {
        let path = self.output.path.clone();
        let expected = FileFacts {
            rows: self.rows,
            schema: self.output.schema.clone(),
        };
        let file = self.output.finish()?.into_inner();
        let file = file
            .map_err(|error| FormatsError::io("write", &path, error.into_error()))?
            .finish()?;
        verify(&path, &expected)?;
        Ok(FileSummary {
            rows: self.rows,
            bytes: file.bytes,
            checksum: file.checksum,
        })
    }
}

/// Encodes batches into the bytes of a Parquet file: the bytes [`ParquetWriter`] would write.
///
/// Memory: the encoded file besides what [`ParquetWriter`] needs. Errors: as [`ParquetWriter`].
pub fn encode_parquet<'a>(
    schema: SchemaRef,
    batches: impl IntoIterator<Item = &'a RecordBatch>,
    params: &ParquetWriteParams,
) -> Result<Vec<u8>> {
    let mut output = Output::new(Path::new(MEMORY), schema, &params.check()?, || {
        Ok(Vec::new())
    })?;
    for batch in batches {
        output.write(batch)?;
    }
    output.finish()
}

fn verify(path: &Path, expected: &FileFacts) -> Result<()> {
    let found = read_facts(&Input::from(path))?;
    let reason = if found.rows != expected.rows {
        format!("{} rows instead of {}", found.rows, expected.rows)
    } else if found.schema != expected.schema {
        format!("schema {} instead of {}", found.schema, expected.schema)
    } else {
        return Ok(());
    };
    Err(FormatsError::Verification {
        path: path.to_owned(),
        reason,
    })
}

/// The part of a writer that does not care where the bytes go.
struct Output<W: Write + Send> {
    path: PathBuf,
    schema: SchemaRef,
    row_groups: RowGroups,
    /// Absent once something failed.
    queue: Option<EncodeQueue<W>>,
}

impl<W: Write + Send> Output<W> {
    fn new(
        path: &Path,
        schema: SchemaRef,
        params: &CheckedWriteParams,
        sink: impl FnOnce() -> Result<W>,
    ) -> Result<Self> {
        let properties = properties(params);
        // The schema is tried on a throw-away sink, so that one that does not fit leaves no file.
        let convert = |error: ParquetError| unsupported(&schema, &error);
        EncodeQueue::new(std::io::sink(), schema.clone(), properties.clone()).map_err(convert)?;
        let queue = EncodeQueue::new(sink()?, schema.clone(), properties)
            .map_err(|error| FormatsError::encode(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            row_groups: RowGroups::new(params),
            schema,
            queue: Some(queue),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = RecordBatch::try_new(self.schema.clone(), batch.columns().to_vec())
            .map_err(|error| FormatsError::schema_mismatch(&self.path, &error))?;
        let mut start = 0;
        while start < batch.num_rows() {
            start += self.row_groups.push(&batch, start);
            if start < batch.num_rows() || self.row_groups.is_full() {
                self.flush_row_group()?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<W> {
        self.flush_row_group()?;
        let queue = self.queue.take().ok_or_else(|| FormatsError::Failed {
            path: self.path.clone(),
        })?;
        self.guarded(|| queue.finish())
    }

    fn flush_row_group(&mut self) -> Result<()> {
        let failed = || FormatsError::Failed {
            path: self.path.clone(),
        };
        let mut queue = self.queue.take().ok_or_else(failed)?;
        let pieces = self.row_groups.take();
        if !pieces.is_empty() {
            self.guarded(|| queue.push(pieces))?;
        }
        self.queue = Some(queue);
        Ok(())
    }

    fn guarded<T>(&self, work: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T> {
        catch(work)
            .unwrap_or_else(|reason| Err(ParquetError::General(reason)))
            .map_err(|error| FormatsError::encode(&self.path, error))
    }
}

fn properties(params: &CheckedWriteParams) -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_compression(params.codec)
        .set_statistics_enabled(EnabledStatistics::Page)
        .build()
}

fn unsupported(schema: &SchemaRef, error: &ParquetError) -> FormatsError {
    let fields = schema.fields().iter();
    let culprit = fields.clone().find(|field| {
        let alone = arrow_schema::Schema::new(vec![field.as_ref().clone()]);
        parquet::arrow::ArrowSchemaConverter::new()
            .convert(&alone)
            .is_err()
    });
    match culprit {
        Some(field) => FormatsError::UnsupportedType {
            format: "Parquet",
            column: field.name().clone(),
            data_type: field.data_type().to_string(),
        },
        None => FormatsError::InvalidParam {
            name: "schema",
            reason: format!("cannot be written: {error}"),
        },
    }
}
