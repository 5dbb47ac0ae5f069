//! Batches as a table stores them, cut by partition.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_cast::display::array_value_to_string;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use arrow_select::take::take_record_batch;

use crate::error::{DeltaError, Result};

/// Rows that go into one file.
#[derive(Debug)]
pub struct Part {
    /// Values of the partition columns as the log has them; none is null.
    pub values: Vec<Option<String>>,
    /// The other columns, as the table stores them.
    pub rows: RecordBatch,
}

/// The rows with the columns of `stored`, found by name without regard to capitals, cut by the values of `partition_by`.
/// Columns that the rows do not have are left out.
///
/// Cost: one copy of what is converted or cut. Errors: [`DeltaError::Value`].
pub fn parts(rows: &RecordBatch, stored: &SchemaRef, partition_by: &[String]) -> Result<Vec<Part>> {
    let rows = conform(rows, stored)?;
    let is_partition = |name: &String| partition_by.contains(name);
    let names: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let kept: Vec<usize> = (0..names.len())
        .filter(|&index| !is_partition(&names[index]))
        .collect();
    let data = rows.project(&kept).map_err(invalid)?;
    let keys: Vec<Option<&ArrayRef>> = partition_by
        .iter()
        .map(|name| rows.column_by_name(name))
        .collect();
    let present: Vec<ArrayRef> = keys.iter().flatten().map(|key| Arc::clone(key)).collect();
    if present.is_empty() || rows.num_rows() == 0 {
        let values = vec![None; partition_by.len()];
        return Ok(vec![Part { values, rows: data }]);
    }
    groups(&present)?
        .into_iter()
        .map(|indices| {
            let first = indices[0] as usize;
            let values: Result<Vec<Option<String>>> =
                keys.iter().map(|key| value_text(*key, first)).collect();
            let rows = if indices.len() == data.num_rows() {
                data.clone()
            } else {
                take_record_batch(&data, &UInt32Array::from(indices)).map_err(invalid)?
            };
            Ok(Part {
                values: values?,
                rows,
            })
        })
        .collect()
}

/// The rows of each group of equal keys, in the order in which the groups first appear.
fn groups(keys: &[ArrayRef]) -> Result<Vec<Vec<u32>>> {
    let fields = keys
        .iter()
        .map(|key| SortField::new(key.data_type().clone()));
    let converter = RowConverter::new(fields.collect()).map_err(invalid)?;
    let rows = converter.convert_columns(keys).map_err(invalid)?;
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let place = *places.entry(row.data()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(index as u32);
    }
    Ok(groups)
}

/// An empty text is no value: so Delta Lake reads it.
fn value_text(key: Option<&ArrayRef>, row: usize) -> Result<Option<String>> {
    match key {
        Some(key) if !key.is_null(row) => {
            let text = array_value_to_string(key, row).map_err(invalid)?;
            Ok(Some(text).filter(|text| !text.is_empty()))
        }
        _ => Ok(None),
    }
}

fn conform(rows: &RecordBatch, stored: &SchemaRef) -> Result<RecordBatch> {
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    let schema = rows.schema();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for field in stored.fields() {
        let same = |place: &usize| {
            schema
                .field(*place)
                .name()
                .eq_ignore_ascii_case(field.name())
        };
        let Some(place) = (0..schema.fields().len()).find(same) else {
            continue;
        };
        let refused = |reason: String| DeltaError::Value {
            column: field.name().clone(),
            stored: field.data_type().to_string(),
            reason,
        };
        let column = cast_with_options(rows.column(place), field.data_type(), &options)
            .map_err(|error| refused(error.to_string()))?;
        if !field.is_nullable() && column.null_count() > 0 {
            return Err(refused("it has nulls, which the table forbids".into()));
        }
        fields.push(Arc::clone(field));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(invalid)
}

fn invalid(error: ArrowError) -> DeltaError {
    DeltaError::Value {
        column: "rows".into(),
        stored: "a file of the table".into(),
        reason: error.to_string(),
    }
}
