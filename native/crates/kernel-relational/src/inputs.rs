//! Registered inputs: Arrow batches that SQL can name, with their schema in DuckDB's form.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow_array::ffi::FFI_ArrowArray;
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{Schema, SchemaRef};

use crate::columns::{moment_schema, naive_schema, retag};
use crate::error::{RelationalError, Result};
use crate::ffi::{
    ConnectionHandle, Handle, TYPE_ARRAY, TYPE_LIST, TYPE_MAP, TYPE_STRUCT, TYPE_UNION, TypeHandle,
};
use crate::library::{api, check};
use crate::row_stream::RowStream;
use crate::scan::{self, FUNCTION};
use crate::sync::lock;

/// The inputs of one database, by the number that SQL names them with.
pub(crate) struct Inputs {
    /// For conversions only; it runs no query.
    pub(crate) connection: ConnectionHandle,
    by_id: Mutex<HashMap<i64, Arc<Input>>>,
    next_id: AtomicI64,
}

// SAFETY: the connection is used for Arrow conversion only, which reads its settings and is called by DuckDB's own threads in parallel.
unsafe impl Send for Inputs {}
// SAFETY: as above.
unsafe impl Sync for Inputs {}

/// Batches of one schema that SQL can read. Dropping it forgets them.
pub(crate) struct Registration {
    inputs: Arc<Inputs>,
    input: Arc<Input>,
    id: i64,
}

/// What the scan reads.
pub(crate) struct Input {
    /// As DuckDB sees it: naive timestamps, unless they are for a table.
    pub(crate) schema: SchemaRef,
    /// DuckDB's type of each column.
    pub(crate) types: Vec<LogicalType>,
    rows: Mutex<InputRows>,
    scans: AtomicUsize,
}

/// Where the rows of an input are.
#[derive(Clone)]
pub(crate) enum InputRows {
    /// There already; may be read often.
    Batches(Arc<Vec<RecordBatch>>),
    /// They come while the query runs, and can be read once.
    Stream(Arc<RowStream>),
}

impl InputRows {
    /// The number of rows, or a guess.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Batches(batches) => {
                batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64
            }
            Self::Stream(stream) => stream.row_count_hint(),
        }
    }

    /// How many threads can read it at once.
    pub(crate) fn threads(&self) -> u64 {
        match self {
            Self::Batches(batches) => batches.len().max(1) as u64,
            Self::Stream(_) => u64::MAX,
        }
    }
}

pub(crate) struct LogicalType(pub(crate) TypeHandle);

// SAFETY: a logical type is immutable once made.
unsafe impl Send for LogicalType {}
// SAFETY: as above.
unsafe impl Sync for LogicalType {}

impl Drop for LogicalType {
    fn drop(&mut self) {
        // SAFETY: made by DuckDB and destroyed once.
        unsafe { api().destroy_logical_type(&mut self.0) }
    }
}

impl LogicalType {
    /// What kind of type it is, a `TYPE_…` of `ffi.rs`.
    pub(crate) fn kind(&self) -> u32 {
        // SAFETY: the type is alive.
        unsafe { api().get_type_id(self.0) }
    }

    /// The kinds that its values are made of, however deep: of lists, structs and the like those of their members.
    pub(crate) fn plain_kinds(&self) -> Vec<u32> {
        let members = self.members();
        if members.is_empty() {
            return vec![self.kind()];
        }
        members.iter().flat_map(Self::plain_kinds).collect()
    }

    fn members(&self) -> Vec<Self> {
        let (api, raw) = (api(), self.0);
        // SAFETY: the type is alive, of the kind that each call is for; what is returned is destroyed when it is dropped.
        unsafe {
            match self.kind() {
                TYPE_LIST => vec![Self(api.list_type_child_type(raw))],
                TYPE_ARRAY => vec![Self(api.array_type_child_type(raw))],
                TYPE_MAP => vec![
                    Self(api.map_type_key_type(raw)),
                    Self(api.map_type_value_type(raw)),
                ],
                TYPE_STRUCT => (0..api.struct_type_child_count(raw))
                    .map(|index| Self(api.struct_type_child_type(raw, index)))
                    .collect(),
                TYPE_UNION => (0..api.union_type_member_count(raw))
                    .map(|index| Self(api.union_type_member_type(raw, index)))
                    .collect(),
                _ => Vec::new(),
            }
        }
    }
}

/// A schema in the form that DuckDB converts arrays by.
pub(crate) struct ConvertedSchema(pub(crate) Handle);

// SAFETY: read-only once made.
unsafe impl Send for ConvertedSchema {}
// SAFETY: as above.
unsafe impl Sync for ConvertedSchema {}

impl Drop for ConvertedSchema {
    fn drop(&mut self) {
        // SAFETY: made by DuckDB and destroyed once.
        unsafe { api().destroy_arrow_converted_schema(&mut self.0) }
    }
}

impl Inputs {
    /// Registers the table function in the database of `connection`, which must stay connected for as long as queries run.
    pub(crate) fn install(connection: ConnectionHandle) -> Result<Arc<Self>> {
        let inputs = Arc::new(Self {
            connection,
            by_id: Mutex::default(),
            next_id: AtomicI64::new(1),
        });
        scan::register(connection, &inputs)?;
        Ok(inputs)
    }

    /// Makes batches of `schema` readable. Costs a few microseconds per column and copies no values.
    ///
    /// # Errors
    /// `UnsupportedType` names the first column that DuckDB cannot read.
    pub(crate) fn register(self: &Arc<Self>, schema: &Schema) -> Result<Registration> {
        self.register_as(schema, naive_schema(schema))
    }

    /// As [`Inputs::register`], with zoned timestamps of the type that a table has for them.
    pub(crate) fn register_moments(self: &Arc<Self>, schema: &Schema) -> Result<Registration> {
        self.register_as(schema, moment_schema(schema))
    }

    fn register_as(self: &Arc<Self>, schema: &Schema, naive: SchemaRef) -> Result<Registration> {
        let types = match self.logical_types(&naive) {
            Ok(types) => types,
            Err(error) => return Err(self.culprit(schema, &naive).unwrap_or(error)),
        };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let input = Arc::new(Input {
            schema: naive,
            types,
            rows: Mutex::new(InputRows::Batches(Arc::default())),
            scans: AtomicUsize::new(0),
        });
        lock(&self.by_id).insert(id, Arc::clone(&input));
        Ok(Registration {
            inputs: Arc::clone(self),
            input,
            id,
        })
    }

    fn culprit(&self, schema: &Schema, naive: &SchemaRef) -> Option<RelationalError> {
        schema
            .fields()
            .iter()
            .enumerate()
            .find_map(|(index, field)| {
                let alone = Arc::new(naive.project(&[index]).ok()?);
                self.logical_types(&alone)
                    .is_err()
                    .then(|| RelationalError::UnsupportedType {
                        column: field.name().clone(),
                        data_type: field.data_type().clone(),
                    })
            })
    }

    /// The input that SQL names by `id`.
    pub(crate) fn find(&self, id: i64) -> Result<Arc<Input>, String> {
        lock(&self.by_id)
            .get(&id)
            .cloned()
            .ok_or_else(|| format!("{FUNCTION}({id}) names no input that is open"))
    }

    /// Makes the form of a schema that DuckDB converts arrays by.
    pub(crate) fn convert_schema(&self, schema: &Schema) -> Result<ConvertedSchema, String> {
        let mut exported = FFI_ArrowSchema::try_from(schema).map_err(|error| error.to_string())?;
        let mut converted = std::ptr::null_mut();
        // SAFETY: both pointers are valid for the call; DuckDB reads the exported schema and keeps nothing of it.
        let error = unsafe {
            api().schema_from_arrow(self.connection, (&raw mut exported).cast(), &mut converted)
        };
        let converted = ConvertedSchema(converted);
        check(error).map(|()| converted)
    }

    /// The DuckDB types of a schema: the API tells them only as the types of an (empty) chunk that was converted.
    fn logical_types(&self, schema: &SchemaRef) -> Result<Vec<LogicalType>> {
        let failed = |message: String| RelationalError::Duckdb { message };
        let converted = self.convert_schema(schema).map_err(failed)?;
        let empty = StructArray::from(RecordBatch::new_empty(Arc::clone(schema))).into_data();
        let mut exported = FFI_ArrowArray::new(&empty);
        let mut chunk = std::ptr::null_mut();
        let api = api();
        // SAFETY: DuckDB takes the exported array over by setting its release to null, and frees it with the chunk.
        unsafe {
            check(api.data_chunk_from_arrow(
                self.connection,
                (&raw mut exported).cast(),
                converted.0,
                &mut chunk,
            ))
            .map_err(failed)?;
            let columns = 0..schema.fields().len() as u64;
            let types = columns
                .map(|column| {
                    LogicalType(
                        api.vector_get_column_type(api.data_chunk_get_vector(chunk, column)),
                    )
                })
                .collect();
            api.destroy_data_chunk(&mut chunk);
            Ok(types)
        }
    }
}

impl Input {
    /// The rows as they are now. They stay valid for whoever holds them, whatever is set later.
    pub(crate) fn rows(&self) -> InputRows {
        lock(&self.rows).clone()
    }

    /// Tells that a query has been bound that scans the input once.
    pub(crate) fn count_scan(&self) {
        self.scans.fetch_add(1, Ordering::Relaxed);
    }
}

impl Registration {
    /// The call to write into SQL after FROM.
    pub(crate) fn sql(&self) -> String {
        format!("{FUNCTION}({})", self.id)
    }

    /// Replaces the rows that the next query reads. The batches must have the registered schema.
    pub(crate) fn set(&self, batches: &[RecordBatch]) -> Result<()> {
        let naive = batches
            .iter()
            .map(|batch| retag(batch, &self.input.schema))
            .collect::<Result<Vec<_>>>()?;
        *lock(&self.input.rows) = InputRows::Batches(Arc::new(naive));
        Ok(())
    }

    /// Makes the next query read a stream of the registered schema.
    pub(crate) fn set_stream(&self, stream: &Arc<RowStream>) {
        *lock(&self.input.rows) = InputRows::Stream(Arc::clone(stream));
    }

    /// How often queries have been bound that scan it.
    pub(crate) fn scan_count(&self) -> usize {
        self.input.scans.load(Ordering::Relaxed)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.inputs.by_id).remove(&self.id);
    }
}
