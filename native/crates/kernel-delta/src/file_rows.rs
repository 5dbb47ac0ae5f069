//! Rows of a Parquet file as rows of the table it belongs to.

use std::path::Path;
use std::sync::Arc;

use arrow_array::new_null_array;
use arrow_array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, UInt32Array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use arrow_select::take::take;

use crate::error::{DeltaError, Result, of_table};
use crate::log::{engine, url_of};
use crate::read::TableFile;

/// A column of a table, and where it is in its files.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadColumn {
    /// As readers of the table see it.
    pub field: FieldRef,
    /// Its name in files and in the partition values of the log.
    pub physical: String,
    /// By which it is found in files instead, where the table says so.
    pub field_id: Option<i64>,
    /// Whether its values are in the log, not in the files.
    pub is_partition: bool,
    /// Whether a variant is in its type.
    pub has_variant: bool,
}

/// Key of the metadata with which a Parquet reader keeps the id of a column.
const FIELD_ID: &str = "PARQUET:field_id";

/// How the rows of one file become rows of the table: names, partition values, deleted rows.
pub struct FileRows {
    columns: Vec<ReadColumn>,
    /// Of the partition columns; one value each.
    constants: Vec<Option<ArrayRef>>,
    /// Places of the deleted rows in the file, ascending.
    deleted: Vec<u64>,
    next_row: u64,
}

impl FileRows {
    /// For those columns of a table that are in `wanted`, and as they are there.
    ///
    /// Cost: the deletion vector is read. Errors: [`DeltaError::Table`], [`DeltaError::Value`] for a partition value that
    /// is not of its column's type.
    pub fn new(
        table: &Path,
        columns: &[ReadColumn],
        wanted: &Schema,
        file: &TableFile,
    ) -> Result<Self> {
        let as_wanted = |column: &ReadColumn| {
            let field = wanted.field_with_name(column.field.name()).ok()?;
            let field = Arc::new(field.clone());
            Some(ReadColumn {
                field,
                ..column.clone()
            })
        };
        let columns: Vec<ReadColumn> = columns.iter().filter_map(as_wanted).collect();
        let constant = |column: &ReadColumn| {
            let value = file.partition.get(&column.physical);
            column
                .is_partition
                .then(|| constant_of(column, value.map(String::as_str)))
                .transpose()
        };
        let deleted = file
            .deleted
            .get_row_indexes(engine().as_ref(), &url_of(table)?)
            .map_err(of_table(table))?;
        Ok(Self {
            constants: columns.iter().map(constant).collect::<Result<_>>()?,
            columns,
            deleted: deleted.unwrap_or_default(),
            next_row: 0,
        })
    }

    /// Whether the rows have to come whole and in their order, since some are deleted by their place.
    pub fn has_deleted(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// The column in files of one of the table; none for a partition column.
    pub fn physical_name(&self, column: &str) -> Option<&str> {
        let own = self.own().find(|own| own.field.name() == column)?;
        Some(&own.physical)
    }

    /// Whether the columns to read follow from the table alone, and not from the file.
    pub fn is_simple(&self) -> bool {
        self.own()
            .all(|column| column.field_id.is_none() && !column.field.data_type().is_nested())
    }

    /// The columns to read of a file, whose own ones may be given: then one of them at least, and nested ones as they are
    /// there.
    pub fn physical(&self, file: Option<&Schema>) -> SchemaRef {
        let field = |column: &ReadColumn| {
            let own = file.and_then(|file| find(column, file));
            let data_type = match own {
                Some(own) if own.data_type().is_nested() => own.data_type(),
                _ => column.field.data_type(),
            };
            let name = own.map_or(&column.physical, |own| own.name());
            Field::new(name, data_type.clone(), column.field.is_nullable())
        };
        let mut fields: Vec<FieldRef> = self.own().map(|column| Arc::new(field(column))).collect();
        if let Some(file) = file
            && !self.own().any(|column| find(column, file).is_some())
            && let Some(any) = file
                .fields()
                .iter()
                .min_by_key(|field| field.data_type().is_nested())
        {
            // The file says how many rows there are only together with a column.
            fields.push(Arc::clone(any));
        }
        Arc::new(Schema::new(fields))
    }

    /// The next rows of the file, as rows of the table but for types that were widened since. `file` is what [`FileRows::physical`] was given.
    pub fn logical(&mut self, rows: &RecordBatch, file: Option<&Schema>) -> Result<RecordBatch> {
        let count = rows.num_rows();
        let mut fields = Vec::with_capacity(self.columns.len());
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (column, constant) in self.columns.iter().zip(&self.constants) {
            let array = match constant {
                Some(value) => repeated(value, count).map_err(|error| invalid(column, error))?,
                None => read_column(column, rows, file),
            };
            fields.push(Arc::new(Field::new(
                column.field.name(),
                array.data_type().clone(),
                column.field.is_nullable() || array.null_count() > 0,
            )));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let all =
            RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
        let first = self.next_row;
        self.next_row += count as u64;
        self.without_deleted(all.map_err(invalid_rows)?, first)
    }

    fn without_deleted(&self, rows: RecordBatch, first: u64) -> Result<RecordBatch> {
        let end = first + rows.num_rows() as u64;
        let from = self.deleted.partition_point(|&row| row < first);
        let to = self.deleted.partition_point(|&row| row < end);
        if from == to {
            return Ok(rows);
        }
        let mut is_kept = vec![true; rows.num_rows()];
        for row in &self.deleted[from..to] {
            is_kept[(row - first) as usize] = false;
        }
        filter_record_batch(&rows, &BooleanArray::from(is_kept)).map_err(invalid_rows)
    }

    fn own(&self) -> impl Iterator<Item = &ReadColumn> {
        self.columns.iter().filter(|column| !column.is_partition)
    }
}

/// The column as a file has it.
fn find<'a>(column: &ReadColumn, file: &'a Schema) -> Option<&'a FieldRef> {
    let is_it = |field: &&FieldRef| match column.field_id {
        None => *field.name() == column.physical,
        Some(id) => field
            .metadata()
            .get(FIELD_ID)
            .is_some_and(|text| *text == id.to_string()),
    };
    file.fields().iter().find(is_it)
}

/// As the file has it; whoever reads it makes the table's type of it.
fn read_column(column: &ReadColumn, rows: &RecordBatch, file: Option<&Schema>) -> ArrayRef {
    let name = match file {
        None => Some(column.physical.as_str()),
        Some(file) => find(column, file).map(|field| field.name().as_str()),
    };
    match name.and_then(|name| rows.column_by_name(name)) {
        None => new_null_array(column.field.data_type(), rows.num_rows()),
        Some(array) => Arc::clone(array),
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    cast_with_options(array, to, &options)
}

/// One value of a partition column.
fn constant_of(column: &ReadColumn, value: Option<&str>) -> Result<ArrayRef> {
    let data_type = column.field.data_type();
    match value {
        Some(text) if !text.is_empty() => {
            let text: ArrayRef = Arc::new(StringArray::from(vec![text]));
            cast(&text, data_type).map_err(|error| invalid(column, error))
        }
        _ => Ok(new_null_array(data_type, 1)),
    }
}

fn repeated(value: &ArrayRef, count: usize) -> Result<ArrayRef, ArrowError> {
    take(value, &UInt32Array::from(vec![0; count]), None)
}

fn invalid(column: &ReadColumn, error: ArrowError) -> DeltaError {
    DeltaError::Value {
        column: column.field.name().clone(),
        stored: column.field.data_type().to_string(),
        reason: error.to_string(),
    }
}

fn invalid_rows(error: ArrowError) -> DeltaError {
    DeltaError::Value {
        column: "rows".into(),
        stored: "a file of the table".into(),
        reason: error.to_string(),
    }
}
