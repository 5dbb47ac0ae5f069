//! What an add action tells of a file: rows, nulls, least and greatest values.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::{RecordBatch, StructArray};
use arrow_schema::Schema;
use delta_kernel::KernelError as Error;
use delta_kernel::arrow::json::{LineDelimitedWriter, ReaderBuilder};
use delta_kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema::StructType;
use delta_kernel_default_engine::stats::FileStatsAccumulator;

/// Columns that are counted, from the left: Delta Lake's own default.
const COLUMNS_MAX: usize = 32;

/// Statistics of one file, of its first 32 columns that are neither list nor struct. Texts are cut as Delta Lake says;
/// there are no bounds where a NaN is.
pub struct FileStats {
    accumulator: FileStatsAccumulator,
}

impl FileStats {
    /// For a file with these columns, as stored.
    pub fn new(file: &Schema) -> Result<Self, Error> {
        let plain = file
            .fields()
            .iter()
            .filter(|field| !field.data_type().is_nested());
        let names: Vec<ColumnName> = plain
            .take(COLUMNS_MAX)
            .map(|field| ColumnName::new([field.name().as_str()]))
            .collect();
        let stored: StructType = file.try_into_kernel()?;
        Ok(Self {
            accumulator: FileStatsAccumulator::new(&names, &stored),
        })
    }

    /// Counts rows. Cost: one pass over the values.
    pub fn merge(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.accumulator.merge(rows)
    }

    /// The statistics as one JSON object, as in the log.
    pub fn finish(self) -> Result<String, Error> {
        let Some(stats) = self.accumulator.finish()? else {
            return Ok(r#"{"numRecords":0}"#.to_owned());
        };
        let mut text = Vec::new();
        let mut writer = LineDelimitedWriter::new(&mut text);
        writer.write(&RecordBatch::from(&stats))?;
        writer.finish()?;
        drop(writer);
        Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
    }
}

/// The statistics of several files, as the log's own schema of them has it.
pub(crate) fn parse_stats(texts: &[&str], expected: &StructType) -> Result<StructArray, Error> {
    let schema: Schema = expected.try_into_arrow()?;
    let schema = Arc::new(schema);
    let mut reader = ReaderBuilder::new(Arc::clone(&schema))
        .with_batch_size(texts.len())
        .build(Cursor::new(texts.join("\n")))?;
    let batch = reader
        .next()
        .transpose()?
        .unwrap_or_else(|| RecordBatch::new_empty(schema));
    Ok(StructArray::from(batch))
}
