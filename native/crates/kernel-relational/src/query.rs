//! SQL over named inputs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Fields, Schema, SchemaRef};

use crate::columns::{is_zoned, naive_type, result_type, retag};
use crate::connection::{Connection, Rows};
use crate::database::Database;
use crate::error::{RelationalError, Result};
use crate::ffi::TYPE_HUGEINT;
use crate::integer_sums::{IntegerSums, is_narrowed, narrowed, sum_columns, with_sums};
use crate::prepared_query::{OpenInput, PreparedQuery, prepare_select, streams_of};
use crate::query_rules;
use crate::row_stream::{MORSEL_ROWS, RowStream};
use crate::sync::lock;

/// Asked every few milliseconds, from a thread of its own; `true` stops the query.
pub type Cancelled = Arc<dyn Fn() -> bool + Send + Sync>;

/// How often it is asked.
const CANCELLATION_INTERVAL: Duration = Duration::from_millis(10);

/// A table that a query can name.
pub struct QueryInput {
    /// The name in SQL; any characters, quoted there if need be.
    pub name: String,
    pub schema: SchemaRef,
    pub rows: QueryRows,
}

/// Where the rows of an input are.
pub enum QueryRows {
    /// In memory. One batch is read by one thread in its order.
    Batches(Vec<RecordBatch>),
    /// They come while the query runs, and memory holds no more of them than the query must keep. An input that the query reads twice is
    /// kept by DuckDB, on disk beyond the memory limit.
    Stream(Arc<RowStream>),
}

/// One SELECT over inputs, running. An iterator over its rows in batches of at least [`MORSEL_ROWS`] rows but for the last, which are computed as they are asked for.
///
/// Timestamps in the result are tagged `UTC` if any input has a zoned one. Row order is SQL's: given only by ORDER BY.
pub struct Query {
    // First: a scan that waits for rows would keep DuckDB from ending the query.
    _reading: Reading,
    rows: Rows,
    prepared: PreparedQuery,
    schema: SchemaRef,
    state: QueryState,
    cancelled: Cancelled,
    _watch: Watch,
}

/// Streams that are let go when it is dropped.
struct Reading(Vec<Arc<RowStream>>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.iter().for_each(|stream| stream.abandon());
    }
}

#[derive(PartialEq, Eq)]
enum QueryState {
    Running,
    /// All rows have been told.
    Done,
    Failed,
}

impl Query {
    /// Starts `sql`, one SELECT that names `inputs`, and works until its first rows are ready. `cancelled` is asked until the query is
    /// dropped.
    ///
    /// # Errors
    /// `Query` with position and candidates for bad SQL, parameters, several statements, or a statement that is not a SELECT;
    /// `UnsupportedType`, `AmbiguousColumns`, `BatchSchema` for inputs; `Value`, `MemoryLimit`, `DiskFull`, `Cancelled` while it runs.
    pub fn run(
        database: &Arc<Database>,
        inputs: Vec<QueryInput>,
        sql: &str,
        cancelled: Cancelled,
    ) -> Result<Self> {
        let connection = Connection::open(database)?;
        let inputs = inputs
            .into_iter()
            .map(|input| OpenInput::open(&connection, input))
            .collect::<Result<Vec<_>>>()?;
        // To keep a stream, which takes as long as its rows do, is part of preparing.
        let watch = Watch::start(&connection, Arc::clone(&cancelled), streams_of(&inputs));
        let prepared = PreparedQuery::new(&connection, inputs, sql)?;
        Self::start(prepared, cancelled, watch)
    }

    /// Runs a query that has run before; its inputs are set.
    pub(crate) fn run_again(prepared: PreparedQuery, cancelled: Cancelled) -> Result<Self> {
        let watch = Watch::start(
            &prepared.connection,
            Arc::clone(&cancelled),
            prepared.streams(),
        );
        Self::start(prepared, cancelled, watch)
    }

    fn start(prepared: PreparedQuery, cancelled: Cancelled, watch: Watch) -> Result<Self> {
        let rows = prepared
            .statement
            .run(&|| cancelled())
            .map_err(|error| running_error(error, &cancelled))?;
        let zoned = any_zoned(prepared.inputs.iter().map(|input| &input.schema));
        Ok(Self {
            schema: result_schema(&rows.schema, zoned),
            _reading: Reading(prepared.streams()),
            prepared,
            rows,
            state: QueryState::Running,
            cancelled,
            _watch: watch,
        })
    }

    /// What can be run again, when all rows have been read.
    pub(crate) fn into_prepared(self) -> Option<PreparedQuery> {
        let is_done = self.state == QueryState::Done && self.prepared.is_repeatable();
        is_done.then_some(self.prepared)
    }

    /// Names and types of the rows; every column is nullable unless [`Query::with_schema`] said otherwise.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same rows under `schema`, column by column: other names, zones, metadata, and columns without nulls; `Int64` for an integer of
    /// 128 bits, with `Value` for one that does not fit.
    ///
    /// # Errors
    /// `BatchSchema` where the types differ in more than zones.
    pub fn with_schema(mut self, schema: SchemaRef) -> Result<Self> {
        let types = |schema: &Schema| -> Vec<_> {
            let fields = schema.fields().iter();
            fields.map(|field| naive_type(field.data_type())).collect()
        };
        let (mut found, announced) = (types(&self.schema), types(&schema));
        for column in self.prepared.statement.columns_of_type(TYPE_HUGEINT) {
            let wanted = announced.get(column);
            if let Some(wanted) = wanted.filter(|wanted| is_narrowed(&found[column], wanted)) {
                found[column] = wanted.clone();
            }
        }
        if found != announced {
            return Err(RelationalError::BatchSchema {
                difference: format!("{found:?} instead of {announced:?}"),
            });
        }
        self.schema = Arc::clone(&schema);
        Ok(self)
    }
}

/// Checks that `sql` is one SELECT over tables of these columns that gives the same rows whenever it runs, and tells its columns, as
/// [`Query::schema`] does. Nothing is read. Costs about 1 ms.
///
/// # Errors
/// `Query` with position and candidates, also for functions that read the clock, chance or the session; `UnsupportedType`,
/// `AmbiguousColumns` for inputs.
pub fn check_query(
    database: &Arc<Database>,
    inputs: &[(String, SchemaRef)],
    sql: &str,
    sums: IntegerSums,
) -> Result<SchemaRef> {
    let connection = Connection::open(database)?;
    let open = inputs.iter().map(|(name, schema)| {
        let input = QueryInput {
            name: name.clone(),
            schema: Arc::clone(schema),
            rows: QueryRows::Batches(vec![]),
        };
        OpenInput::open(&connection, input)
    });
    let _inputs = open.collect::<Result<Vec<_>>>()?;
    let is_column = |name: &str| {
        let mut schemas = inputs.iter().map(|(_, schema)| schema);
        schemas.any(|schema| schema.column_with_name(name).is_some())
    };
    let is_table = |name: &str| inputs.iter().any(|(input, _)| input.to_lowercase() == name);
    query_rules::require_closed(&connection, sql, &is_column, &is_table)?;
    let statement = prepare_select(&connection, sql)?;
    let zoned = any_zoned(inputs.iter().map(|(_, schema)| schema));
    let schema = statement.schema()?;
    let sums = match sums {
        IntegerSums::Int64 => sum_columns(&connection, &statement, sql)?,
        IntegerSums::Wide => Vec::new(),
    };
    Ok(result_schema(&with_sums(&schema, &sums), zoned))
}

fn any_zoned<'s>(mut schemas: impl Iterator<Item = &'s SchemaRef>) -> bool {
    schemas.any(|schema| {
        let mut fields = schema.fields().iter();
        fields.any(|field| is_zoned(field.data_type()))
    })
}

fn result_schema(schema: &Schema, zoned: bool) -> SchemaRef {
    let fields = schema.fields().iter();
    let fields =
        fields.map(|field| Field::new(field.name(), result_type(field.data_type(), zoned), true));
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

impl Iterator for Query {
    type Item = Result<RecordBatch>;

    /// The next rows. After an error there are no more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.state != QueryState::Running {
            return None;
        }
        let next = self
            .rows
            .next_batch(MORSEL_ROWS)
            .map_err(|error| running_error(error, &self.cancelled))
            .and_then(|batch| {
                let batch = batch
                    .map(|batch| narrowed(batch, &self.schema))
                    .transpose()?;
                batch.map(|batch| retag(&batch, &self.schema)).transpose()
            });
        match next {
            Ok(Some(_)) => return next.transpose(),
            Ok(None) => self.state = QueryState::Done,
            Err(_) => self.state = QueryState::Failed,
        }
        // A LIMIT may leave rows that nobody reads.
        self.prepared.abandon();
        next.transpose()
    }
}

/// A thread that stops a connection when its query is cancelled: one piece of a join may take minutes, and a scan may wait for rows. Once
/// it is dropped it stops nothing more.
struct Watch {
    watched: Arc<Mutex<Option<Watched>>>,
    _running: Sender<()>,
}

struct Watched {
    connection: Arc<Connection>,
    streams: Vec<Arc<RowStream>>,
}

impl Watch {
    fn start(
        connection: &Arc<Connection>,
        cancelled: Cancelled,
        streams: Vec<Arc<RowStream>>,
    ) -> Self {
        let (running, ended) = channel();
        let watched = Arc::new(Mutex::new(Some(Watched {
            connection: Arc::clone(connection),
            streams,
        })));
        let watching = Arc::clone(&watched);
        std::thread::spawn(move || {
            while ended.recv_timeout(CANCELLATION_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if !cancelled() {
                    continue;
                }
                if let Some(Watched {
                    connection,
                    streams,
                }) = &*lock(&watching)
                {
                    connection.interrupt();
                    streams.iter().for_each(|stream| stream.abandon());
                }
            }
        });
        Self {
            watched,
            _running: running,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The connection may run another query next.
        *lock(&self.watched) = None;
    }
}

/// DuckDB's classes for values that a function or a cast does not take.
const VALUE_KINDS: &[&str] = &["Conversion", "Out of Range", "Invalid Input"];

fn running_error(error: RelationalError, cancelled: &Cancelled) -> RelationalError {
    if cancelled() {
        return RelationalError::Cancelled;
    }
    let RelationalError::Duckdb { message } = &error else {
        return error;
    };
    match message.split_once(": ") {
        Some((kind, message)) if VALUE_KINDS.contains(&kind) => RelationalError::Value {
            message: message.to_string(),
        },
        _ => error,
    }
}
