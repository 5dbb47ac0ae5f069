//! A Parquet file → record batches.

use std::fs::File;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaDataBuilder, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::bounds::{check_footer, check_pages};
use super::int96::{check_times, in_wanted_units};
use super::params::ParquetReadParams;
use super::prune::wanted_row_groups;
use crate::condition::Condition;
use crate::error::{FormatsError, Result, require_counts};
use crate::files::{InputFile, file_columns};
use crate::guard::catch;
use crate::input::Input;
use crate::nested::shredded_variant;

/// Reads the Arrow schema of a Parquet file from its footer, field metadata included.
///
/// Cost: two small reads at the end of the file. Errors: [`FormatsError::Io`], [`FormatsError::Corrupt`].
pub fn read_parquet_schema(input: impl Into<Input>) -> Result<SchemaRef> {
    Ok(read_facts(&input.into())?.schema)
}

/// What a footer says about the whole file.
pub(crate) struct FileFacts {
    pub(crate) rows: u64,
    pub(crate) schema: SchemaRef,
}

pub(crate) fn read_facts(input: &Input) -> Result<FileFacts> {
    let metadata = match input {
        Input::Path(path) => load_footer(&input.name(), &open(path)?),
        Input::Bytes(bytes) => load_footer(&input.name(), bytes),
    }?;
    let rows = metadata.metadata().file_metadata().num_rows();
    let rows = u64::try_from(rows)
        .map_err(|_| FormatsError::corrupt_parquet(&input.name(), format!("{rows} rows")))?;
    Ok(FileFacts {
        rows,
        schema: metadata.schema().clone(),
    })
}

/// Reads a Parquet file batch by batch.
///
/// Memory: one batch, and the pages of the selected columns it comes from. Errors while iterating:
/// [`FormatsError::Io`], [`FormatsError::Corrupt`]; after an error the iterator ends.
pub struct ParquetReader {
    name: String,
    schema: SchemaRef,
    rows: u64,
    /// Absent once something failed.
    batches: Option<ParquetRecordBatchReader>,
}

impl ParquetReader {
    /// Opens a file, or the bytes of one, reads its footer, and checks the lengths that its pages claim.
    ///
    /// Cost: a small read per page of the selected columns.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::Corrupt`], [`FormatsError::TooLarge`],
    /// [`FormatsError::UnknownColumn`], [`FormatsError::InvalidParam`].
    pub fn open(input: impl Into<Input>, params: &ParquetReadParams) -> Result<Self> {
        require_counts(&[("batchRows", params.batch_rows)])?;
        let input = input.into();
        let selection = Selection::of(&input, params)?;
        selection.read(&input, selection.row_groups.clone())
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Rows in the file.
    pub fn row_count(&self) -> u64 {
        self.rows
    }
}

impl Iterator for ParquetReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batches = self.batches.take()?;
        let next = guarded(&self.name, || {
            batches.next().transpose().map_err(ParquetError::from)
        });
        if matches!(next, Ok(Some(_))) {
            self.batches = Some(batches);
        }
        next.transpose()
    }
}

/// What is to be read of a file whose footer is known and whose page lengths are checked.
pub(super) struct Selection {
    name: String,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
    batch_rows: usize,
    pub(super) row_groups: Vec<usize>,
}

impl Selection {
    fn of(input: &Input, params: &ParquetReadParams) -> Result<Self> {
        let roots = |schema: &SchemaRef| match &params.columns {
            Some(columns) => root_indices(&input.name(), schema, columns).map(Some),
            None => Ok(None),
        };
        Self::with_roots(
            input,
            input.name(),
            roots,
            &params.conditions,
            params.batch_rows,
            None,
        )
    }

    /// Of one among many files, whose bytes may be at hand in `input`: those of the `wanted` columns that it has.
    ///
    /// Errors: as [`ParquetReader::open`], and [`FormatsError::Drift`] where a wanted column cannot be made of the
    /// file's, or none of them is in it.
    pub(super) fn for_file(
        file: &InputFile,
        input: &Input,
        wanted: &SchemaRef,
        conditions: &[Condition],
    ) -> Result<Self> {
        let name = file.title();
        let roots = |schema: &SchemaRef| {
            let positions = file_columns(schema, wanted, &file.constants, &name)?;
            let read = schema
                .project(&positions)
                .map_err(|error| FormatsError::decode(&name, error.into()))?;
            if let Some(column) = shredded_variant(&read) {
                return Err(FormatsError::Drift {
                    input: name.clone(),
                    column: column.name().clone(),
                    reason: "it holds shredded variants, which are not read".to_owned(),
                });
            }
            Ok((positions.len() < schema.fields().len()).then_some(positions))
        };
        // What the file holds under the name of a constant says nothing about the rows.
        let is_own = |condition: &&Condition| {
            let mut constants = file.constants.iter();
            constants.all(|(name, _)| *name != condition.column)
        };
        let own: Vec<Condition> = conditions.iter().filter(is_own).cloned().collect();
        let batch_rows = ParquetReadParams::default().batch_rows;
        Self::with_roots(input, name.clone(), roots, &own, batch_rows, Some(wanted))
    }

    /// `roots` gives the positions of the columns to read, or none for all; `wanted` the types in which they are, where
    /// the file leaves a choice.
    fn with_roots(
        input: &Input,
        name: String,
        roots: impl FnOnce(&SchemaRef) -> Result<Option<Vec<usize>>>,
        conditions: &[Condition],
        batch_rows: usize,
        wanted: Option<&SchemaRef>,
    ) -> Result<Self> {
        match input {
            Input::Path(path) => {
                Self::of_chunks(&open(path)?, name, roots, conditions, batch_rows, wanted)
            }
            Input::Bytes(bytes) => {
                Self::of_chunks(bytes, name, roots, conditions, batch_rows, wanted)
            }
        }
    }

    fn of_chunks<R: ChunkReader>(
        chunks: &R,
        name: String,
        roots: impl FnOnce(&SchemaRef) -> Result<Option<Vec<usize>>>,
        conditions: &[Condition],
        batch_rows: usize,
        wanted: Option<&SchemaRef>,
    ) -> Result<Self> {
        let mut metadata = load_footer(&name, chunks)?;
        if let Some(wanted) = wanted {
            metadata = in_wanted_units(&name, metadata, wanted)?;
        }
        let mask = match roots(metadata.schema())? {
            Some(roots) => ProjectionMask::roots(metadata.parquet_schema(), roots),
            None => ProjectionMask::all(),
        };
        let row_groups = wanted_row_groups(metadata.metadata(), metadata.schema(), conditions);
        check_pages(
            &name,
            chunks,
            metadata.metadata(),
            &row_groups,
            |leaf| mask.leaf_included(leaf),
            batch_rows,
        )?;
        Ok(Self {
            name,
            metadata,
            mask,
            batch_rows,
            row_groups,
        })
    }

    /// Bytes of the selected columns in the largest of the row groups, before compression.
    pub(super) fn row_group_bytes_max(&self) -> u64 {
        let bytes = |index: &usize| -> u64 {
            let columns = self.metadata.metadata().row_group(*index).columns().iter();
            let selected = columns
                .enumerate()
                .filter(|(leaf, _)| self.mask.leaf_included(*leaf));
            selected
                .map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(0))
                .sum()
        };
        self.row_groups.iter().map(bytes).max().unwrap_or(0)
    }

    /// The rows of some of the row groups.
    pub(super) fn read(&self, input: &Input, row_groups: Vec<usize>) -> Result<ParquetReader> {
        match input {
            Input::Path(path) => {
                let open = || open(path);
                self.read_chunks(open, row_groups)
            }
            Input::Bytes(bytes) => self.read_chunks(|| Ok(bytes.clone()), row_groups),
        }
    }

    fn read_chunks<R: ChunkReader + 'static>(
        &self,
        open: impl Fn() -> Result<R>,
        row_groups: Vec<usize>,
    ) -> Result<ParquetReader> {
        let (name, metadata) = (&self.name, &self.metadata);
        check_times(
            name,
            || Ok(Arc::new(open()?)),
            metadata,
            &row_groups,
            &self.mask,
        )?;
        let rows = self.metadata.metadata().file_metadata().num_rows().max(0) as u64;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(open()?, self.metadata.clone())
                .with_batch_size(self.batch_rows)
                .with_row_groups(row_groups)
                .with_projection(self.mask.clone());
        let batches = guarded(&self.name, || builder.build())?;
        Ok(ParquetReader {
            schema: arrow_array::RecordBatchReader::schema(&batches),
            name: self.name.clone(),
            rows,
            batches: Some(batches),
        })
    }
}

fn open(path: &std::path::Path) -> Result<File> {
    File::open(path).map_err(|error| FormatsError::io("open", path, error))
}

fn load_footer<R: ChunkReader>(name: &str, chunks: &R) -> Result<ArrowReaderMetadata> {
    check_footer(name, chunks)?;
    guarded(name, || {
        ArrowReaderMetadata::load(chunks, ArrowReaderOptions::new()).and_then(with_counted_rows)
    })
}

/// The footer with as many rows as its row groups have: writers have left the number of all at 0, by which no row is read.
fn with_counted_rows(
    metadata: ArrowReaderMetadata,
) -> parquet::errors::Result<ArrowReaderMetadata> {
    let (found, file) = (metadata.metadata(), metadata.metadata().file_metadata());
    let counts = found.row_groups().iter().map(RowGroupMetaData::num_rows);
    let rows = counts.fold(0, i64::saturating_add);
    if rows == file.num_rows() {
        return Ok(metadata);
    }
    let counted = FileMetaData::new(
        file.version(),
        rows,
        file.created_by().map(str::to_owned),
        file.key_value_metadata().cloned(),
        file.schema_descr_ptr(),
        file.column_orders().cloned(),
    );
    let footer = ParquetMetaDataBuilder::new(counted).set_row_groups(found.row_groups().to_vec());
    ArrowReaderMetadata::try_new(Arc::new(footer.build()), ArrowReaderOptions::new())
}

pub(super) fn guarded<T>(
    name: &str,
    work: impl FnOnce() -> parquet::errors::Result<T>,
) -> Result<T> {
    catch(work)
        .unwrap_or_else(|reason| Err(ParquetError::General(reason)))
        .map_err(|error| FormatsError::decode(name, error))
}

fn root_indices(name: &str, schema: &SchemaRef, columns: &[String]) -> Result<Vec<usize>> {
    let index = |column: &String| {
        schema
            .index_of(column)
            .map_err(|_| FormatsError::UnknownColumn {
                input: name.to_owned(),
                column: column.clone(),
                available: schema
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    };
    columns.iter().map(index).collect()
}
