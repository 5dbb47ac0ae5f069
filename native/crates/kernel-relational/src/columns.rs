//! Between the engine's columns and DuckDB's: zones taken off and put back.
//!
//! DuckDB cuts `timestamp[ns, UTC]` to microseconds without a word and takes the slow calendar library for every zoned time. Arrow's
//! zoned timestamps are instants in UTC whatever their zone says, so they go in as naive timestamps of the same unit, with DuckDB's
//! `TimeZone` at UTC, and come back tagged `UTC`. Only type tags change; no value is touched or copied. In tables that others read
//! they are `TIMESTAMP WITH TIME ZONE`, as nothing is computed with them there.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Date32Type;
use arrow_array::{Array, Date32Array, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

use crate::error::{RelationalError, Result};

/// The zone of every zoned result.
pub(crate) const UTC: &str = "UTC";

/// Applies `zone` to every timestamp in a type, however deep, and calls list items `item`, as Arrow does and DuckDB does not. Field
/// metadata below the top is dropped: DuckDB would read extension types into it.
fn map_zones(data_type: &DataType, zone: &impl Fn(Option<&str>) -> Option<Arc<str>>) -> DataType {
    map_times(data_type, &|_, old| zone(old))
}

fn map_times(
    data_type: &DataType,
    zone: &impl Fn(TimeUnit, Option<&str>) -> Option<Arc<str>>,
) -> DataType {
    let renamed = |field: &FieldRef, name: &str| {
        Arc::new(Field::new(
            name,
            map_times(field.data_type(), zone),
            field.is_nullable(),
        ))
    };
    let field = |field: &FieldRef| renamed(field, field.name());
    match data_type {
        DataType::Timestamp(unit, old) => DataType::Timestamp(*unit, zone(*unit, old.as_deref())),
        DataType::List(item) => DataType::List(renamed(item, "item")),
        DataType::LargeList(item) => DataType::LargeList(renamed(item, "item")),
        DataType::FixedSizeList(item, length) => {
            DataType::FixedSizeList(renamed(item, "item"), *length)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(map_times(values, zone)))
        }
        other => other.clone(),
    }
}

/// The type with every timestamp naive, as DuckDB gets it.
pub(crate) fn naive_type(data_type: &DataType) -> DataType {
    map_zones(data_type, &|_| None)
}

/// The type of a result, with its naive timestamps in UTC if it stems from zoned ones. Its arrays are lists, as the engine has them.
pub(crate) fn result_type(data_type: &DataType, from_zoned: bool) -> DataType {
    listed_type(&map_zones(data_type, &|zone| {
        zone.or(from_zoned.then_some(UTC)).map(Arc::from)
    }))
}

fn listed_type(data_type: &DataType) -> DataType {
    let listed = |field: &FieldRef| {
        let data_type = listed_type(field.data_type());
        Arc::new(Field::clone(field).with_data_type(data_type))
    };
    match data_type {
        DataType::List(item) | DataType::FixedSizeList(item, _) => DataType::List(listed(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(listed).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(listed(entries), *sorted),
        other => other.clone(),
    }
}

/// Whether a timestamp with a zone is in the type.
pub(crate) fn is_zoned(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, zone) => zone.is_some(),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => is_zoned(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| is_zoned(field.data_type())),
        DataType::Dictionary(_, values) => is_zoned(values),
        _ => false,
    }
}

/// The schema that DuckDB gets: naive timestamps, no metadata.
pub(crate) fn naive_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        Field::new(
            field.name(),
            naive_type(field.data_type()),
            field.is_nullable(),
        )
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// The schema of rows for a table: a zoned timestamp is DuckDB's `TIMESTAMP WITH TIME ZONE`, but naive in nanoseconds, of which
/// that type would lose digits. No metadata.
pub(crate) fn moment_schema(schema: &Schema) -> SchemaRef {
    let moment = |unit: TimeUnit, zone: Option<&str>| {
        let has_type = zone.is_some() && unit != TimeUnit::Nanosecond;
        has_type.then(|| Arc::from(UTC))
    };
    let fields = schema.fields().iter().map(|field| {
        let data_type = map_times(field.data_type(), &moment);
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

/// Refuses dates and times that are DuckDB's `infinity` or `-infinity`, which no other format has: they would be dates.
/// Nanoseconds pass: their last value is a time of 2262 as well, which rows that come from elsewhere may hold.
pub(crate) fn refuse_infinite(batch: &RecordBatch) -> Result<()> {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if is_infinite(column.as_ref()) {
            let name = field.name();
            return Err(RelationalError::Value {
                message: format!(
                    "column \"{name}\" has infinity as a time, which has no counterpart in Arrow. Make it null or a date, for \
                     instance with CASE WHEN isfinite({name}) THEN {name} END"
                ),
            });
        }
    }
    Ok(())
}

fn is_infinite(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::Date32 => has_infinite(column.as_primitive::<Date32Type>(), i32::MAX, -i32::MAX),
        DataType::Timestamp(unit, _) if *unit != TimeUnit::Nanosecond => {
            let data = column.to_data();
            let ticks = &data.buffers()[0].typed_data::<i64>()[data.offset()..][..data.len()];
            let is_end = |tick: i64| (tick == i64::MAX) | (tick == -i64::MAX);
            ticks
                .iter()
                .fold(false, |found, tick| found | is_end(*tick))
                && (0..ticks.len()).any(|row| column.is_valid(row) && is_end(ticks[row]))
        }
        DataType::List(_) => is_infinite(column.as_list::<i32>().values()),
        DataType::FixedSizeList(..) => is_infinite(column.as_fixed_size_list().values()),
        DataType::Struct(_) => {
            let members = column.as_struct().columns();
            members.iter().any(|member| is_infinite(member.as_ref()))
        }
        _ => false,
    }
}

fn has_infinite(days: &Date32Array, last: i32, first: i32) -> bool {
    let is_end = |day: i32| (day == last) | (day == first);
    let found = days
        .values()
        .iter()
        .fold(false, |found, day| found | is_end(*day));
    found && days.iter().flatten().any(is_end)
}

/// The same columns under `schema`, whose types differ from the batch's in zones, nested names, metadata, and lists instead of arrays
/// only. Copies no values.
pub(crate) fn retag(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| {
            if column.data_type() == field.data_type() {
                return Ok(Arc::clone(column));
            }
            Ok(make_array(retag_data(column.to_data(), field.data_type())?))
        });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

fn retag_data(data: ArrayData, to: &DataType) -> Result<ArrayData> {
    let child_types: Vec<&DataType> = match to {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => vec![item.data_type()],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Dictionary(_, values) => vec![values],
        _ => vec![],
    };
    let children = data
        .child_data()
        .iter()
        .zip(child_types)
        .map(|(child, to)| retag_data(child.clone(), to));
    let children = children.collect::<Result<Vec<_>>>()?;
    if let (DataType::FixedSizeList(_, size), DataType::List(_)) = (data.data_type(), to) {
        return list_data(&data, *size as usize, to, children);
    }
    Ok(data
        .into_builder()
        .data_type(to.clone())
        .child_data(children)
        .build()?)
}

/// Arrays of `size` values each as lists.
fn list_data(
    data: &ArrayData,
    size: usize,
    to: &DataType,
    children: Vec<ArrayData>,
) -> Result<ArrayData> {
    let rows = data.offset()..=data.offset() + data.len();
    let offsets = rows.map(|row| {
        i32::try_from(row * size).map_err(|_| RelationalError::Value {
            message: "the arrays of these rows have more than 2,147,483,647 values".to_string(),
        })
    });
    let offsets = offsets.collect::<Result<Vec<i32>>>()?;
    let builder = ArrayData::builder(to.clone())
        .len(data.len())
        .add_buffer(offsets.into())
        .nulls(data.nulls().cloned());
    Ok(builder.child_data(children).build()?)
}

/// Refuses names that DuckDB would take for one another.
pub(crate) fn require_distinct_names(schema: &Schema) -> Result<()> {
    let mut seen = std::collections::HashMap::new();
    for field in schema.fields() {
        if let Some(first) = seen.insert(field.name().to_lowercase(), field.name()) {
            return Err(RelationalError::AmbiguousColumns {
                first: first.clone(),
                second: field.name().clone(),
            });
        }
    }
    Ok(())
}

/// Checks that a batch has the columns, by position, that `schema` announces.
pub(crate) fn require_schema(batch: &RecordBatch, schema: &Schema) -> Result<()> {
    let found = batch.schema_ref();
    let differs = |difference: String| Err(RelationalError::BatchSchema { difference });
    if found.fields().len() != schema.fields().len() {
        return differs(format!(
            "{} columns instead of {}",
            found.fields().len(),
            schema.fields().len()
        ));
    }
    for (found, expected) in found.fields().iter().zip(schema.fields()) {
        if found.name() != expected.name() || found.data_type() != expected.data_type() {
            return differs(format!(
                "column \"{}\" of type {} stands where \"{}\" of type {} was announced",
                found.name(),
                found.data_type(),
                expected.name(),
                expected.data_type()
            ));
        }
    }
    Ok(())
}
