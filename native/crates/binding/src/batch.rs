//! The batch handle: rows stay in Rust, JavaScript holds a name for them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, downcast_primitive_array};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, FieldRef, Schema};
use kernel_formats::canonical;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::error::{Failure, Result};
use crate::schema::{NativeColumn, from_columns, to_columns, type_text};
use crate::work::guarded;

/// A record batch owned by Rust. Sharing is a reference count; closing lets go of this handle's reference.
#[napi]
pub struct NativeBatch {
    rows: Option<RecordBatch>,
}

/// The values of one fixed-width column as bytes in machine order.
#[napi(object)]
pub struct NativeColumnValues {
    /// Type text of the values: integers, floats; dates and times as their integers.
    pub values_type: String,
    pub bytes: Uint8Array,
    /// One byte per row, 1 = valid; absent when nothing is null.
    pub validity: Option<Uint8Array>,
}

impl NativeBatch {
    /// With the type that the text of each column stands for.
    pub fn new(rows: RecordBatch) -> Self {
        Self {
            rows: Some(canonical(rows)),
        }
    }

    /// The rows; `batch-closed` after `close`. Cloning counts references, it copies no values.
    pub fn rows(&self) -> Result<&RecordBatch> {
        self.rows.as_ref().ok_or_else(|| {
            Failure::new(
                "batch-closed",
                "internal",
                "The batch is closed; share() it before it is handed on.",
            )
        })
    }
}

#[napi]
impl NativeBatch {
    #[napi(getter)]
    pub fn columns(&self) -> napi::Result<Vec<NativeColumn>> {
        Ok(to_columns(&self.rows()?.schema()))
    }

    #[napi(getter)]
    pub fn row_count(&self) -> napi::Result<u32> {
        Ok(self.rows()?.num_rows() as u32)
    }

    /// Bytes of the rows; a slice counts only its own rows.
    #[napi(getter)]
    pub fn byte_length(&self) -> napi::Result<f64> {
        let slices = self
            .rows()?
            .columns()
            .iter()
            .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0));
        Ok(slices.sum::<usize>() as f64)
    }

    /// Copy of one fixed-width column.
    #[napi]
    pub fn column(&self, name: String) -> napi::Result<NativeColumnValues> {
        let rows = self.rows()?;
        let column = rows.column_by_name(&name).ok_or_else(|| {
            let names: Vec<&str> = rows
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            Failure::user(
                "unknown-column",
                format!(
                    "There is no column \"{name}\"; there are {}",
                    names.join(", ")
                ),
            )
        })?;
        Ok(column_values(&name, column)?)
    }

    #[napi]
    pub fn share(&self) -> napi::Result<NativeBatch> {
        Ok(Self::new(self.rows()?.clone()))
    }

    #[napi]
    pub fn close(&mut self) {
        self.rows = None;
    }

    /// The batch as an Arrow IPC stream of one message.
    #[napi]
    pub fn to_ipc(&self) -> napi::Result<Uint8Array> {
        Ok(guarded(|| to_ipc(self.rows()?))?.into())
    }
}

/// All rows of an Arrow IPC stream as one batch.
#[napi]
pub fn batch_from_ipc(bytes: Uint8Array) -> napi::Result<NativeBatch> {
    Ok(NativeBatch::new(guarded(|| from_ipc(&bytes))?))
}

/// All rows of the batches, in order; `columns` says what an empty list gives.
#[napi]
pub fn concat_batches(
    batches: Vec<&NativeBatch>,
    columns: Vec<NativeColumn>,
) -> napi::Result<NativeBatch> {
    Ok(NativeBatch::new(guarded(|| concat(&batches, &columns))?))
}

fn concat(batches: &[&NativeBatch], columns: &[NativeColumn]) -> Result<RecordBatch> {
    let rows: Result<Vec<&RecordBatch>> = batches.iter().map(|batch| batch.rows()).collect();
    match rows?.as_slice() {
        [] => Ok(RecordBatch::new_empty(from_columns(columns)?)),
        [only] => Ok((*only).clone()),
        several => {
            let schema = several[0].schema_ref();
            let mismatch = |reason: &str| {
                let message = format!("The batches do not fit together: {reason}");
                Failure::user("schema-mismatch", message)
            };
            if let Some(other) = several
                .iter()
                .find(|rows| !is_like(schema, rows.schema_ref()))
            {
                let (first, other) = (columns_text(schema), columns_text(other.schema_ref()));
                return Err(mismatch(&format!("one has {first}; another has {other}")));
            }
            arrow_select::concat::concat_batches(schema, several.iter().copied())
                .map_err(|error| mismatch(&error.to_string()))
        }
    }
}

/// Whether columns have the same names and types in the same order.
fn is_like(one: &Schema, other: &Schema) -> bool {
    let pairs = one.fields().iter().zip(other.fields());
    one.fields().len() == other.fields().len()
        && pairs
            .into_iter()
            .all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
}

fn columns_text(schema: &Schema) -> String {
    let column = |field: &FieldRef| format!("{}: {}", field.name(), type_text(field.data_type()));
    let columns: Vec<String> = schema.fields().iter().map(column).collect();
    columns.join(", ")
}

fn to_ipc(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer =
        StreamWriter::try_new(&mut bytes, rows.schema_ref()).map_err(Failure::internal)?;
    writer
        .write(rows)
        .and_then(|()| writer.finish())
        .map_err(Failure::internal)?;
    drop(writer);
    Ok(bytes)
}

fn from_ipc(bytes: &[u8]) -> Result<RecordBatch> {
    let invalid = |error| {
        Failure::user(
            "invalid-table",
            format!("The table cannot be taken in: {error}"),
        )
    };
    let reader = StreamReader::try_new(bytes, None).map_err(invalid)?;
    let schema = reader.schema();
    let batches: std::result::Result<Vec<RecordBatch>, _> = reader.collect();
    arrow_select::concat::concat_batches(&schema, &batches.map_err(invalid)?).map_err(invalid)
}

fn column_values(name: &str, column: &ArrayRef) -> Result<NativeColumnValues> {
    let array = column.as_ref();
    let not_fixed_width = || {
        let text = type_text(array.data_type());
        Failure::user(
            "column-type",
            format!("Column \"{name}\" is {text}; only numbers, dates and times can be read"),
        )
    };
    let bytes: Vec<u8> = downcast_primitive_array!(
        array => {
            let data = array.to_data();
            let width = data.data_type().primitive_width().ok_or_else(not_fixed_width)?;
            data.buffers()[0].as_slice()[data.offset() * width..][..data.len() * width].to_vec()
        },
        DataType::Boolean => array.as_boolean().values().iter().map(u8::from).collect(),
        _ => return Err(not_fixed_width()),
    );
    let validity = array.nulls().filter(|nulls| nulls.null_count() > 0);
    let validity = validity.map(|nulls| nulls.iter().map(u8::from).collect::<Vec<u8>>().into());
    Ok(NativeColumnValues {
        values_type: values_type(array.data_type()),
        bytes: bytes.into(),
        validity,
    })
}

/// Type of the machine values behind a column: a timestamp is an `int64`.
fn values_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(..)
        | DataType::Time64(_)
        | DataType::Date64
        | DataType::Duration(_) => "int64".into(),
        DataType::Time32(_) | DataType::Date32 => "int32".into(),
        DataType::Boolean => "uint8".into(),
        other => type_text(other),
    }
}
