//! Sums of integers are 64-bit integers. DuckDB adds them up in 128 bits, so that one that does not fit is found when it is handed out.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use serde_json::Value;

use crate::connection::{Connection, Statement};
use crate::decompose;
use crate::error::{RelationalError, Result};
use crate::ffi::TYPE_HUGEINT;
use crate::syntax;
use crate::wide_integers::WIDE;

/// What sums of integers are declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerSums {
    /// `Int64`.
    Int64,
    /// `Decimal128(38, 0)`, as in checkpoints of before, and within partial aggregates.
    Wide,
}

/// DuckDB's aggregates whose value over integers has 128 bits.
const SUMS: &[&str] = &["sum", "count_if", "countif"];

/// Which columns of a prepared query are integers of 128 bits only because sums are: if every sum in it were one of 64, so would they be.
/// Costs about 1 ms where there is a column of 128 bits, else nothing.
pub(crate) fn sum_columns(
    connection: &Arc<Connection>,
    statement: &Statement,
    sql: &str,
) -> Result<Vec<usize>> {
    let wide = statement.columns_of_type(TYPE_HUGEINT);
    if wide.is_empty() {
        return Ok(wide);
    }
    let mut tree = syntax::query_tree(connection, sql)?;
    keep_names(connection, &mut tree)?;
    let cast = syntax::root(connection, "CAST(NULL AS BIGINT)")?;
    narrow(&mut tree, &cast);
    let text = syntax::text_of(connection, &tree);
    let Ok(narrowed) = text
        .map_err(drop)
        .and_then(|text| connection.prepare(&text).map_err(drop))
    else {
        return Ok(Vec::new());
    };
    let still_wide = narrowed.columns_of_type(TYPE_HUGEINT);
    let is_sum = |column: &usize| !still_wide.contains(column);
    Ok(wide.into_iter().filter(is_sum).collect())
}

/// Gives the columns with sums the names that DuckDB makes of their text, which changes.
fn keep_names(connection: &Arc<Connection>, node: &mut Value) -> Result<()> {
    match node {
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| keep_names(connection, item))?,
        Value::Object(fields) => fields
            .values_mut()
            .try_for_each(|field| keep_names(connection, field))?,
        _ => {}
    }
    let columns = node.get_mut("select_list").and_then(Value::as_array_mut);
    let columns = columns.into_iter().flatten();
    for column in columns.filter(|column| column["alias"] == "" && has_sum(column)) {
        let text = decompose::text_of(connection, column)?;
        column["alias"] = Value::from(text);
    }
    Ok(())
}

fn has_sum(node: &Value) -> bool {
    match node {
        Value::Array(items) => items.iter().any(has_sum),
        Value::Object(fields) => is_sum(node) || fields.values().any(has_sum),
        _ => false,
    }
}

fn is_sum(node: &Value) -> bool {
    let is_call = node["class"] == "FUNCTION" || node["class"] == "WINDOW";
    let name = node["function_name"].as_str().unwrap_or_default();
    is_call && SUMS.iter().any(|sum| sum.eq_ignore_ascii_case(name))
}

/// Puts every sum of a tree into a cast.
fn narrow(node: &mut Value, cast: &Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(|item| narrow(item, cast)),
        Value::Object(fields) => fields.values_mut().for_each(|field| narrow(field, cast)),
        _ => {}
    }
    if is_sum(node) {
        let mut sum = node.take();
        let mut narrowed = cast.clone();
        narrowed["alias"] = std::mem::replace(&mut sum["alias"], Value::from(""));
        narrowed["child"] = sum;
        *node = narrowed;
    }
}

/// The schema with `Int64` for these columns.
pub(crate) fn with_sums(schema: &Schema, columns: &[usize]) -> Schema {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let field = field.as_ref().clone();
        match columns.contains(&index) {
            true => field.with_data_type(DataType::Int64),
            false => field,
        }
    });
    Schema::new_with_metadata(fields.collect::<Vec<Field>>(), schema.metadata().clone())
}

/// Whether a column of DuckDB's result is handed out as a 64-bit integer.
pub(crate) fn is_narrowed(found: &DataType, announced: &DataType) -> bool {
    *found == WIDE && *announced == DataType::Int64
}

/// The batch with `Int64` where `announced` says so.
///
/// # Errors
/// `Value` for a sum that does not fit.
pub(crate) fn narrowed(batch: RecordBatch, announced: &Schema) -> Result<RecordBatch> {
    let pairs = || batch.schema_ref().fields().iter().zip(announced.fields());
    let is_narrow = |(found, wanted): (&Arc<Field>, &Arc<Field>)| {
        is_narrowed(found.data_type(), wanted.data_type())
    };
    if !pairs().any(is_narrow) {
        return Ok(batch);
    }
    let narrow: Vec<usize> = pairs()
        .enumerate()
        .filter(|(_, pair)| is_narrow(*pair))
        .map(|(index, _)| index)
        .collect();
    let columns = batch.columns().iter().enumerate().map(|(index, column)| {
        if narrow.contains(&index) {
            narrowed_column(column, announced.field(index).name())
        } else {
            Ok(Arc::clone(column))
        }
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let schema = with_sums(batch.schema_ref(), &narrow);
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn narrowed_column(column: &ArrayRef, name: &str) -> Result<ArrayRef> {
    let wide = column.as_primitive::<Decimal128Type>();
    let values = wide.iter().map(|value| match value {
        None => Ok(None),
        Some(value) => i64::try_from(value).map(Some).map_err(|_| RelationalError::Value {
            message: format!(
                "the sum {value} in \"{name}\" is beyond int64; write sum(CAST(… AS DECIMAL(38, 0)))"
            ),
        }),
    });
    Ok(Arc::new(values.collect::<Result<Int64Array>>()?))
}
