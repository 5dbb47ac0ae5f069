//! Connections, prepared statements and streamed results, safe to use from Rust.

use std::ffi::CString;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::ffi::{FFI_ArrowArray, from_ffi};
use arrow_array::{RecordBatch, StructArray};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::columns::refuse_infinite;
use crate::database::Database;
use crate::error::{EngineError, RelationalError, Result};
use crate::ffi::{
    ChunkHandle, ConnectionHandle, Handle, PENDING_ERROR, PENDING_NO_TASKS, PENDING_READY,
    PendingHandle, ResultWords, STATEMENT_SELECT, SUCCESS, StatementHandle, TypeHandle,
};
use crate::gather::Column;
use crate::inputs::LogicalType;
use crate::library::{api, check, text};
use crate::row_stream::MORSEL_ROWS;
use crate::wide_integers::WideColumns;

/// How long to sleep while other threads hold all the work.
const WAIT: Duration = Duration::from_micros(50);

/// One connection. It runs one statement at a time: a new one ends the streamed result before it.
pub(crate) struct Connection {
    raw: ConnectionHandle,
    arrow_options: Handle,
    database: Arc<Database>,
}

// SAFETY: a DuckDB connection may move between threads.
unsafe impl Send for Connection {}
// SAFETY: DuckDB locks the client context in every call on a connection.
unsafe impl Sync for Connection {}

impl Connection {
    pub(crate) fn open(database: &Arc<Database>) -> Result<Arc<Self>> {
        let mut raw = std::ptr::null_mut();
        let mut arrow_options = std::ptr::null_mut();
        // SAFETY: the database is open for as long as the `Arc` is held.
        unsafe {
            if api().connect(database.handle(), &mut raw) != SUCCESS {
                return Err(RelationalError::Duckdb {
                    message: "a connection cannot be opened".to_string(),
                });
            }
            api().connection_get_arrow_options(raw, &mut arrow_options);
        }
        Ok(Arc::new(Self {
            raw,
            arrow_options,
            database: Arc::clone(database),
        }))
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Prepares the only statement in `sql`.
    pub(crate) fn prepare(self: &Arc<Self>, sql: &str) -> Result<Statement, EngineError> {
        let refused = |message: &str| EngineError {
            message: message.to_string(),
            ..EngineError::default()
        };
        let sql = CString::new(sql).map_err(|error| EngineError {
            position: Some(error.nul_position()),
            ..refused("a NUL character cannot stand in SQL")
        })?;
        let api = api();
        let mut extracted = std::ptr::null_mut();
        let mut raw = std::ptr::null_mut();
        // SAFETY: all handles come from this connection and are destroyed once.
        unsafe {
            let count = api.extract_statements(self.raw, sql.as_ptr(), &mut extracted);
            let outcome = match count {
                0 => Err(match text(api.extract_statements_error(extracted)) {
                    message if message.is_empty() => refused("there is no statement"),
                    message => EngineError::parse(&message),
                }),
                1 if api.prepare_extracted_statement(self.raw, extracted, 0, &mut raw)
                    == SUCCESS =>
                {
                    Ok(Statement {
                        raw,
                        connection: Arc::clone(self),
                    })
                }
                1 => {
                    let error = EngineError::parse(&text(api.prepare_error(raw)));
                    api.destroy_prepare(&mut raw);
                    Err(error)
                }
                _ => Err(refused("there is more than one statement; write one")),
            };
            api.destroy_extracted(&mut extracted);
            outcome
        }
    }

    /// Runs one statement and drops its rows.
    pub(crate) fn execute(self: &Arc<Self>, sql: &str) -> Result<()> {
        self.query(sql).map(drop)
    }

    /// Runs one statement and collects its rows; for small results.
    pub(crate) fn query(self: &Arc<Self>, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let statement = self.prepare(sql)?;
        let mut rows = statement.run(&|| false)?;
        let mut batches = Vec::new();
        while let Some(batch) = rows.next_batch(MORSEL_ROWS)? {
            batches.push(batch);
        }
        Ok((Arc::clone(&rows.schema), batches))
    }

    /// Stops what the connection runs, from any thread. Without effect on a connection that runs nothing.
    pub(crate) fn interrupt(&self) {
        // SAFETY: the connection is alive, and DuckDB allows this call from any thread.
        unsafe { api().interrupt(self.raw) }
    }

    fn arrow_schema(
        &self,
        mut types: Vec<TypeHandle>,
        mut names: Vec<*const std::ffi::c_char>,
    ) -> Result<FFI_ArrowSchema> {
        let mut schema = FFI_ArrowSchema::empty();
        // SAFETY: both lists have the same length and live during the call; the types are destroyed once.
        let converted = unsafe {
            let error = api().to_arrow_schema(
                self.arrow_options,
                types.as_mut_ptr(),
                names.as_mut_ptr(),
                types.len() as u64,
                (&raw mut schema).cast(),
            );
            types
                .iter_mut()
                .for_each(|logical_type| api().destroy_logical_type(logical_type));
            check(error)
        };
        converted.map_err(|message| RelationalError::Duckdb { message })?;
        Ok(schema)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: statements and results hold this connection, so none is left.
        unsafe {
            api().destroy_arrow_options(&mut self.arrow_options);
            api().disconnect(&mut self.raw);
        }
    }
}

/// A prepared statement without parameters to fill in.
pub(crate) struct Statement {
    raw: StatementHandle,
    connection: Arc<Connection>,
}

// SAFETY: a prepared statement is used by one thread at a time and may move between threads.
unsafe impl Send for Statement {}

impl Statement {
    /// Whether it only reads.
    pub(crate) fn is_select(&self) -> bool {
        // SAFETY: the statement is alive.
        unsafe { api().prepared_statement_type(self.raw) == STATEMENT_SELECT }
    }

    /// How many `?` and `$n` are unbound.
    pub(crate) fn parameter_count(&self) -> u64 {
        // SAFETY: the statement is alive.
        unsafe { api().nparams(self.raw) }
    }

    /// Names and types of the result's columns, as DuckDB returns them. All are nullable.
    ///
    /// # Errors
    /// As [`WideColumns::of`].
    pub(crate) fn schema(&self) -> Result<Schema> {
        self.wide_schema().map(|(schema, _)| schema)
    }

    /// The positions of the columns of one of DuckDB's types.
    pub(crate) fn columns_of_type(&self, kind: u32) -> Vec<usize> {
        // SAFETY: the statement is alive, and every column is one that it has.
        let columns = unsafe {
            let count = api().prepared_statement_column_count(self.raw);
            (0..count)
                .filter(|column| api().prepared_statement_column_type(self.raw, *column) == kind)
        };
        columns.map(|column| column as usize).collect()
    }

    /// The schema, and where it has integers of 128 bits.
    fn wide_schema(&self) -> Result<(Schema, WideColumns)> {
        let schema = self.arrow_types()?;
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns = names.enumerate().map(|(index, name)| {
            // SAFETY: the statement is alive and has a column for every field; the type is destroyed when it is dropped.
            let found =
                unsafe { api().prepared_statement_column_logical_type(self.raw, index as u64) };
            (name, LogicalType(found))
        });
        let wide = WideColumns::of(columns)?;
        Ok((schema, wide))
    }

    fn arrow_types(&self) -> Result<Schema> {
        let api = api();
        // SAFETY: the statement is alive; names are freed after the conversion copied them.
        unsafe {
            let columns = 0..api.prepared_statement_column_count(self.raw);
            let types = columns
                .clone()
                .map(|column| api.prepared_statement_column_logical_type(self.raw, column))
                .collect();
            let names: Vec<_> = columns
                .map(|column| api.prepared_statement_column_name(self.raw, column))
                .collect();
            let schema = self.connection.arrow_schema(types, names.clone());
            names
                .into_iter()
                .for_each(|name| api.free(name.cast_mut().cast()));
            Ok(Schema::try_from(&schema?)?)
        }
    }

    /// Columns to gather the result in, if all its types can be gathered.
    fn columns(&self, schema: &Schema) -> Option<Vec<Column>> {
        let fields = schema.fields().iter().enumerate();
        fields
            .map(|(index, field)| {
                // SAFETY: the statement is alive and has a column for every field.
                let kind = unsafe { api().prepared_statement_column_type(self.raw, index as u64) };
                Column::new(kind, field.data_type())
            })
            .collect()
    }

    /// Starts the statement and works until its first rows are ready. `cancelled` is asked between pieces of work of a few milliseconds.
    ///
    /// # Errors
    /// `Cancelled`, `MemoryLimit`, `DiskFull`, `Duckdb`.
    pub(crate) fn run(&self, cancelled: &dyn Fn() -> bool) -> Result<Rows> {
        let api = api();
        let mut pending = std::ptr::null_mut();
        // SAFETY: the statement is alive; the pending result is destroyed on every path.
        unsafe {
            let started = api.pending_prepared_streaming(self.raw, &mut pending) == SUCCESS;
            let ready = if started {
                self.work(pending, cancelled)
            } else {
                Err(pending_error(pending))
            };
            let mut result = ResultWords::empty();
            let outcome = ready.and_then(|()| {
                if api.execute_pending(pending, &mut result) == SUCCESS {
                    return Ok(());
                }
                let error = engine_error(&text(api.result_error(&mut result)));
                api.destroy_result(&mut result);
                Err(error)
            });
            api.destroy_pending(&mut pending);
            outcome?;
            let exported = self
                .wide_schema()
                .and_then(|(schema, wide)| Ok((FFI_ArrowSchema::try_from(&schema)?, schema, wide)));
            match exported {
                Ok((exported, schema, wide)) => Ok(Rows {
                    wide,
                    result,
                    exported,
                    columns: self.columns(&schema),
                    ended: false,
                    schema: Arc::new(schema),
                    connection: Arc::clone(&self.connection),
                }),
                Err(error) => {
                    api.destroy_result(&mut result);
                    Err(error)
                }
            }
        }
    }

    fn work(&self, pending: PendingHandle, cancelled: &dyn Fn() -> bool) -> Result<()> {
        loop {
            if cancelled() {
                self.connection.interrupt();
                return Err(RelationalError::Cancelled);
            }
            // SAFETY: the pending result is alive.
            match unsafe { api().pending_execute_task(pending) } {
                PENDING_READY => return Ok(()),
                PENDING_ERROR => return Err(pending_error(pending)),
                PENDING_NO_TASKS => std::thread::sleep(WAIT),
                _ => {}
            }
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: made by this connection and destroyed once.
        unsafe { api().destroy_prepare(&mut self.raw) }
    }
}

fn pending_error(pending: PendingHandle) -> RelationalError {
    // SAFETY: the pending result is alive; the message is copied.
    engine_error(&unsafe { text(api().pending_error(pending)) })
}

fn engine_error(message: &str) -> RelationalError {
    EngineError::parse(message).into()
}

/// The rows of a running statement.
pub(crate) struct Rows {
    result: ResultWords,
    exported: FFI_ArrowSchema,
    pub(crate) schema: SchemaRef,
    wide: WideColumns,
    /// Columns that chunks are appended to; nothing when some type must be converted.
    columns: Option<Vec<Column>>,
    /// DuckDB fails when it is asked for more than there is.
    ended: bool,
    connection: Arc<Connection>,
}

// SAFETY: a result is used by one thread at a time and may move between threads.
unsafe impl Send for Rows {}

/// Bytes of values after which a batch is handed out, however few its rows: offsets of text are 32-bit.
const BATCH_BYTES: usize = 256 << 20;

impl Rows {
    /// The next rows, at least `wanted` unless the end or many bytes come first; nothing at the end.
    ///
    /// # Errors
    /// As [`Statement::run`]; `Value` for an integer of more than 38 digits.
    pub(crate) fn next_batch(&mut self, wanted: usize) -> Result<Option<RecordBatch>> {
        let batch = self.gathered(wanted)?;
        if let Some(batch) = &batch {
            self.wide.require_digits(batch)?;
        }
        Ok(batch)
    }

    fn gathered(&mut self, wanted: usize) -> Result<Option<RecordBatch>> {
        let (mut converted, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while !self.ended && rows < wanted && bytes < BATCH_BYTES {
            let Some(chunk) = self.next_chunk()? else {
                self.ended = true;
                break;
            };
            rows += chunk.rows;
            match &mut self.columns {
                Some(columns) => {
                    chunk.append_to(columns);
                    bytes = columns
                        .iter()
                        .map(Column::byte_size)
                        .max()
                        .unwrap_or_default();
                }
                None => {
                    let batch = self.converted(&chunk)?;
                    bytes += batch.get_array_memory_size();
                    converted.push(batch);
                }
            }
        }
        if rows == 0 {
            return Ok(None);
        }
        let Some(columns) = &mut self.columns else {
            let batch = concat_batches(&self.schema, &converted)?;
            refuse_infinite(&batch)?;
            return Ok(Some(batch));
        };
        let columns = columns
            .iter_mut()
            .map(Column::finish)
            .collect::<Result<_>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        refuse_infinite(&batch)?;
        Ok(Some(batch))
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        let api = api();
        // SAFETY: the result is alive; the chunk is destroyed once, here or when it is dropped.
        unsafe {
            let chunk = Chunk::new(api.fetch_chunk(self.result));
            if chunk.rows > 0 {
                return Ok(Some(chunk));
            }
            let message = text(api.result_error(&mut self.result));
            if message.is_empty() {
                Ok(None)
            } else {
                Err(engine_error(&message))
            }
        }
    }

    fn converted(&self, chunk: &Chunk) -> Result<RecordBatch> {
        let mut array = FFI_ArrowArray::empty();
        // SAFETY: result and chunk are alive; DuckDB copies the chunk into the exported array.
        unsafe {
            let error = api().data_chunk_to_arrow(
                self.connection.arrow_options,
                chunk.raw,
                (&raw mut array).cast(),
            );
            check(error).map_err(|message| RelationalError::Duckdb { message })?;
            Ok(RecordBatch::from(StructArray::from(from_ffi(
                array,
                &self.exported,
            )?)))
        }
    }
}

/// Up to 2,048 rows of a result, as flat vectors.
struct Chunk {
    raw: ChunkHandle,
    rows: usize,
}

impl Chunk {
    /// # Safety
    /// `raw` was fetched from a result and belongs to nobody else; it may be null.
    unsafe fn new(raw: ChunkHandle) -> Self {
        let rows = if raw.is_null() {
            0
        } else {
            // SAFETY: the chunk is alive.
            unsafe { api().data_chunk_get_size(raw) as usize }
        };
        Self { raw, rows }
    }

    fn append_to(&self, columns: &mut [Column]) {
        for (index, column) in columns.iter_mut().enumerate() {
            // SAFETY: the chunk is alive, fetched chunks are flat, and the columns were made for the result's types.
            unsafe {
                column.append(
                    api().data_chunk_get_vector(self.raw, index as u64),
                    self.rows,
                )
            }
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: fetched once and destroyed once; null is ignored.
        unsafe { api().destroy_data_chunk(&mut self.raw) }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // SAFETY: filled by execute and destroyed once.
        unsafe { api().destroy_result(&mut self.result) }
    }
}
