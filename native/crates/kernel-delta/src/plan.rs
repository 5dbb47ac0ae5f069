//! How rows fit a table, before anything is written.

use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use delta_kernel::engine::arrow_conversion::TryIntoArrow;
use delta_kernel::snapshot::SnapshotRef;

use crate::error::{DeltaError, Result, of_table};
use crate::log::snapshot;
use crate::types::{Refusal, can_partition, stored_schema, widens};

/// What is wanted of a table.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Columns of the rows.
    pub rows: SchemaRef,
    /// Columns whose values cut the rows into files; of a table that is there, none or its own.
    pub partition_by: Vec<String>,
    /// Whether columns that a table does not have are added to it.
    pub merge_schema: bool,
}

/// How rows are written into a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Columns of the rows as the table stores them, under its names.
    pub stored: SchemaRef,
    /// Partition columns under the table's names.
    pub partition_by: Vec<String>,
    /// Columns that the table gets.
    pub added: Vec<String>,
}

/// Table features that ask nothing of a writer that only appends, or that `delta_kernel` sees to.
const SUPPORTED_FEATURES: [&str; 14] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "deletionVectors",
    "domainMetadata",
    "inCommitTimestamp",
    "invariants",
    "rowTracking",
    "timestampNtz",
    "typeWidening",
    "typeWidening-preview",
    "v2Checkpoint",
    "vacuumProtocolCheck",
    "variantType",
];

/// How the rows fit the table as it is, or a new one where none is.
///
/// Errors: [`DeltaError::UnsupportedType`], [`DeltaError::SchemaMismatch`], [`DeltaError::UnsupportedTable`] and those of
/// reading the log.
pub fn plan(table: &Path, wish: &Wish) -> Result<Plan> {
    plan_for(table, snapshot(table)?.as_ref(), wish)
}

pub(crate) fn plan_for(table: &Path, current: Option<&SnapshotRef>, wish: &Wish) -> Result<Plan> {
    let rows = stored_schema(&wish.rows)
        .map_err(|mut refusals| DeltaError::UnsupportedType(refusals.swap_remove(0)))?;
    let Some(current) = current else {
        let partition_by = wish.partition_by.clone();
        check_partitions(table, &rows, &partition_by)?;
        let added = Vec::new();
        return Ok(Plan {
            stored: rows,
            partition_by,
            added,
        });
    };
    require_features(table, current)?;
    let partition_by = partitions_of(table, current, &wish.partition_by)?;
    let columns: Schema = current
        .schema()
        .as_ref()
        .try_into_arrow()
        .map_err(|error| of_table(table)(error.into()))?;
    let mut stored: Vec<FieldRef> = Vec::new();
    let mut added = Vec::new();
    for field in rows.fields() {
        match find(&columns, field.name()) {
            Some(column) => stored.push(fitting(table, field, column)?),
            None if wish.merge_schema => {
                added.push(field.name().clone());
                stored.push(Arc::clone(field));
            }
            None => {
                let reason = format!(
                    "it has no column {:?}; leave the column out, or let the table get it with \"mergeSchema\": true",
                    field.name()
                );
                return Err(DeltaError::mismatch(table, reason));
            }
        }
    }
    require_all(table, &columns, &rows)?;
    Ok(Plan {
        stored: Arc::new(Schema::new(stored)),
        partition_by,
        added,
    })
}

/// Columns of the rows that can cut them into files, or why not.
fn check_partitions(table: &Path, rows: &Schema, partition_by: &[String]) -> Result<()> {
    for name in partition_by {
        let Ok(field) = rows.field_with_name(name) else {
            let reason = format!("they have no column {name:?} to be partitioned by");
            return Err(DeltaError::mismatch(table, reason));
        };
        if !can_partition(field.data_type()) {
            return Err(DeltaError::UnsupportedType(Refusal {
                column: name.clone(),
                reason: "cannot be a partition column".into(),
                hint:
                    "use a bool, an integer, a text or a date, such as one made in a select before"
                        .into(),
            }));
        }
    }
    if partition_by.len() < rows.fields().len() {
        return Ok(());
    }
    Err(DeltaError::mismatch(
        table,
        "one column at least must not be a partition column",
    ))
}

fn partitions_of(table: &Path, current: &SnapshotRef, wished: &[String]) -> Result<Vec<String>> {
    let own = current
        .table_configuration()
        .logical_partition_columns()
        .to_vec();
    let same = |(one, other): (&String, &String)| one.eq_ignore_ascii_case(other);
    let is_same = own.len() == wished.len() && own.iter().zip(wished).all(same);
    if wished.is_empty() || is_same {
        return Ok(own);
    }
    let reason = format!(
        "it is partitioned by [{}], not by [{}]; leave \"partitionBy\" out, or write to another table",
        own.join(", "),
        wished.join(", ")
    );
    Err(DeltaError::mismatch(table, reason))
}

/// The column as the table has it, when all values of the rows fit it.
fn fitting(table: &Path, rows: &Field, column: &Field) -> Result<FieldRef> {
    let (from, to) = (rows.data_type(), column.data_type());
    if is_alike(from, to) || widens(from, to) {
        return Ok(Arc::new(column.clone().with_metadata(Default::default())));
    }
    let reason = format!(
        "column {:?} is {from} in the rows and {to} in the table; convert it in a select before",
        column.name()
    );
    Err(DeltaError::mismatch(table, reason))
}

/// The same types, whatever may be null and however items are named.
fn is_alike(one: &DataType, other: &DataType) -> bool {
    match (one, other) {
        (DataType::List(one), DataType::List(other)) => {
            is_alike(one.data_type(), other.data_type())
        }
        (DataType::Struct(one), DataType::Struct(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| {
                    one.name() == other.name() && is_alike(one.data_type(), other.data_type())
                })
        }
        _ => one == other,
    }
}

/// Every column that may not be null has to come.
fn require_all(table: &Path, columns: &Schema, rows: &Schema) -> Result<()> {
    let is_missing =
        |column: &&FieldRef| !column.is_nullable() && find(rows, column.name()).is_none();
    match columns.fields().iter().find(is_missing) {
        None => Ok(()),
        Some(column) => {
            let reason = format!(
                "they have no column {:?}, which may not be null in the table; add it in a select before",
                column.name()
            );
            Err(DeltaError::mismatch(table, reason))
        }
    }
}

/// Errors: [`DeltaError::UnsupportedTable`] for a feature that is not supported of a writer.
pub(crate) fn require_features(table: &Path, current: &SnapshotRef) -> Result<()> {
    let unsupported = |feature: &str| {
        Err(DeltaError::UnsupportedTable {
            table: table.to_owned(),
            feature: feature.to_owned(),
        })
    };
    for property in current.get_protocol_derived_properties().keys() {
        if let Some(feature) = property.strip_prefix("delta.feature.")
            && !SUPPORTED_FEATURES.contains(&feature)
        {
            return unsupported(feature);
        }
    }
    let mapping = current
        .metadata_configuration()
        .get("delta.columnMapping.mode");
    match mapping.map(String::as_str) {
        None | Some("none") => Ok(()),
        Some(_) => unsupported("columnMapping"),
    }
}

fn find<'a>(schema: &'a Schema, name: &str) -> Option<&'a FieldRef> {
    let same = |field: &&FieldRef| field.name().eq_ignore_ascii_case(name);
    schema.fields().iter().find(same)
}
