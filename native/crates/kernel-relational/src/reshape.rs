//! Other shapes of the same values: nested columns laid flat, columns turned into rows.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, TimestampMillisecondArray,
    UInt32Array, make_array,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use crate::error::{RelationalError, Result};

/// The columns at `paths` under the names and nullability of `schema`, in order. A path names a column and then fields inside it; a field
/// is null where any struct around it is. No copy but of validity.
///
/// # Errors
/// `BatchSchema` for a path that leads to nothing, or to another type than `schema` has.
pub fn flatten(
    batch: &RecordBatch,
    paths: &[Vec<String>],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let columns = paths
        .iter()
        .map(|path| column_at(batch, path))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// The rows with one more column at the end, which has the same time in every row: milliseconds since 1970 as
/// `timestamp[ms, UTC]`. 8 bytes a row.
pub fn with_time(batch: &RecordBatch, name: &str, milliseconds: i64) -> RecordBatch {
    let times = TimestampMillisecondArray::from_value(milliseconds, batch.num_rows());
    let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
    let schema = batch.schema();
    let time = Arc::new(Field::new(name, times.data_type().clone(), false));
    let fields: Fields = schema.fields().iter().cloned().chain([time]).collect();
    let columns = batch.columns().iter().cloned().chain([times]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .expect("the column was made as long as the batch")
}

fn column_at(batch: &RecordBatch, path: &[String]) -> Result<ArrayRef> {
    let absent = || RelationalError::BatchSchema {
        difference: format!("there is no column at {}", path.join(".")),
    };
    let (first, inner) = path.split_first().ok_or_else(absent)?;
    let mut column = Arc::clone(batch.column_by_name(first).ok_or_else(absent)?);
    for name in inner {
        let outer = column.as_struct_opt().ok_or_else(absent)?;
        let field = outer.column_by_name(name).ok_or_else(absent)?;
        column = masked(field, outer.nulls())?;
    }
    Ok(column)
}

fn masked(column: &ArrayRef, outer: Option<&NullBuffer>) -> Result<ArrayRef> {
    let Some(outer) = outer.filter(|nulls| nulls.null_count() > 0) else {
        return Ok(Arc::clone(column));
    };
    if *column.data_type() == DataType::Null {
        return Ok(Arc::clone(column));
    }
    let nulls = NullBuffer::union(column.nulls(), Some(outer));
    let data = column.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(data))
}

/// Which columns become rows, and what the result is called.
#[derive(Debug, Clone)]
pub struct Unpivot {
    /// Columns whose values are repeated in every row that stems from a row.
    pub kept: Vec<String>,
    /// Columns that each give a row; all of one type.
    pub unpivoted: Vec<String>,
    /// Columns of the result: those kept, a text column of names, and a column of values.
    pub schema: SchemaRef,
    /// Whether a null gives a row too.
    pub nulls: bool,
}

/// One row per row and unpivoted column, the rows of a row one after the other in the order of the columns. Copies values.
///
/// # Errors
/// `BatchSchema` for columns that are not there or differ in type; `BatchTooLarge` above 2³² rows of result.
pub fn unpivot(batch: &RecordBatch, params: &Unpivot) -> Result<RecordBatch> {
    let (rows, count) = (batch.num_rows(), params.unpivoted.len());
    u32::try_from(rows * count)
        .map_err(|_| RelationalError::BatchTooLarge { rows: rows * count })?;
    let repeated = UInt32Array::from_iter_values(
        (0..rows as u32).flat_map(|row| std::iter::repeat_n(row, count)),
    );
    let kept = params
        .kept
        .iter()
        .map(|name| Ok(take(&named(batch, name)?, &repeated, None)?));
    let mut columns = kept.collect::<Result<Vec<ArrayRef>>>()?;
    let mut names = StringBuilder::with_capacity(rows * count, 0);
    for _ in 0..rows {
        params
            .unpivoted
            .iter()
            .for_each(|name| names.append_value(name));
    }
    columns.push(Arc::new(names.finish()));
    let sources = params
        .unpivoted
        .iter()
        .map(|name| named(batch, name))
        .collect::<Result<Vec<_>>>()?;
    let sources: Vec<&dyn Array> = sources.iter().map(AsRef::as_ref).collect();
    let places: Vec<(usize, usize)> = (0..rows)
        .flat_map(|row| (0..count).map(move |column| (column, row)))
        .collect();
    let values = if sources.is_empty() || rows == 0 {
        let fields = params.schema.fields();
        arrow_array::new_empty_array(fields[fields.len() - 1].data_type())
    } else {
        interleave(&sources, &places)?
    };
    let valid = values
        .nulls()
        .map(|nulls| BooleanArray::new(nulls.inner().clone(), None));
    columns.push(values);
    let all = RecordBatch::try_new(nullable(&params.schema, params.nulls), columns)?;
    let some = match valid.filter(|_| !params.nulls) {
        Some(valid) => filter_record_batch(&all, &valid)?,
        None => all,
    };
    Ok(RecordBatch::try_new(
        Arc::clone(&params.schema),
        some.columns().to_vec(),
    )?)
}

fn named(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    column_at(batch, &[name.to_string()])
}

/// The schema with a value column that can hold nulls, until those rows are taken away.
fn nullable(schema: &SchemaRef, as_is: bool) -> SchemaRef {
    if as_is {
        return Arc::clone(schema);
    }
    let last = schema.fields().len() - 1;
    let fields = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| -> FieldRef {
            if index == last {
                Arc::new(field.as_ref().clone().with_nullable(true))
            } else {
                Arc::clone(field)
            }
        });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}
