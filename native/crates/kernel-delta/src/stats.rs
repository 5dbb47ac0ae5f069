//! What an add action tells of a file: rows, nulls, least and greatest values.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{DataType, Schema};
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
        writer.write(&with_wide_zeros(&RecordBatch::from(&stats))?)?;
        writer.finish()?;
        drop(writer);
        Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
    }
}

/// A zero as the least value stands for either zero, and so does one as the greatest: readers that compare floats in total
/// order would skip the other one. Source: parquet.thrift, `ColumnOrder`.
fn with_wide_zeros(stats: &RecordBatch) -> Result<RecordBatch, Error> {
    let schema = stats.schema();
    let columns = schema.fields().iter().zip(stats.columns());
    let columns = columns.map(|(field, column)| match field.name().as_str() {
        "minValues" => with_zero(column, -0.0),
        "maxValues" => with_zero(column, 0.0),
        _ => Arc::clone(column),
    });
    let columns = columns.collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Floats with `zero` in the place of every zero, in structs too.
fn with_zero(column: &ArrayRef, zero: f64) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            let of = |value| if value == 0.0 { zero as f32 } else { value };
            Arc::new(
                column
                    .as_primitive::<Float32Type>()
                    .unary::<_, Float32Type>(of),
            )
        }
        DataType::Float64 => {
            let of = |value| if value == 0.0 { zero } else { value };
            Arc::new(
                column
                    .as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(of),
            )
        }
        DataType::Struct(fields) => {
            let own = column.as_struct();
            let members = own.columns().iter();
            Arc::new(StructArray::new(
                fields.clone(),
                members.map(|member| with_zero(member, zero)).collect(),
                own.nulls().cloned(),
            ))
        }
        _ => Arc::clone(column),
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

#[cfg(test)]
mod tests {
    use arrow_array::{Float32Array, Float64Array};
    use arrow_schema::Field;

    use super::*;

    fn stats(columns: Vec<ArrayRef>) -> serde_json::Value {
        let field = |(index, column): (usize, &ArrayRef)| {
            Field::new(format!("c{index}"), column.data_type().clone(), true)
        };
        let fields: Vec<Field> = columns.iter().enumerate().map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        let mut stats = FileStats::new(&schema).unwrap();
        stats
            .merge(&RecordBatch::try_new(schema, columns).unwrap())
            .unwrap();
        serde_json::from_str(&stats.finish().unwrap()).unwrap()
    }

    #[test]
    fn a_zero_bound_stands_for_both_zeros() {
        for zero in [0.0, -0.0] {
            let single: ArrayRef = Arc::new(Float32Array::from(vec![zero as f32; 2]));
            let double: ArrayRef = Arc::new(Float64Array::from(vec![zero, zero]));
            let found = stats(vec![single, double]);
            for column in ["c0", "c1"] {
                let is_negative = |bounds: &str| {
                    let value = found[bounds][column].as_f64().unwrap();
                    assert_eq!(value, 0.0);
                    value.is_sign_negative()
                };
                assert!(is_negative("minValues"), "{found}");
                assert!(!is_negative("maxValues"), "{found}");
            }
        }
    }

    #[test]
    fn other_bounds_stay_and_nan_leaves_none() {
        let plain: ArrayRef = Arc::new(Float64Array::from(vec![-1.5, 2.5]));
        let with_nan: ArrayRef = Arc::new(Float64Array::from(vec![0.0, f64::NAN]));
        let found = stats(vec![plain, with_nan]);
        assert_eq!(found["minValues"]["c0"], -1.5);
        assert_eq!(found["maxValues"]["c0"], 2.5);
        assert!(found["maxValues"]["c1"].is_null(), "{found}");
    }
}
