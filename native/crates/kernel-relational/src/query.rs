//! SQL over named inputs.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Fields, Schema, SchemaRef};

use crate::columns::{
    is_zoned, naive_type, require_distinct_names, require_schema, result_type, retag,
};
use crate::connection::{Connection, Rows, Statement};
use crate::database::Database;
use crate::error::{EngineError, ExpressionIssue, RelationalError, Result};
use crate::inputs::Registration;
use crate::quote;
use crate::row_stream::{MORSEL_ROWS, RowStream};
use crate::syntax;

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
    inputs: Vec<OpenInput>,
    rows: Rows,
    schema: SchemaRef,
    ended: bool,
    cancelled: Cancelled,
    _statement: Statement,
    _watch: Watch,
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
        let zoned = any_zoned(inputs.iter().map(|input| &input.schema));
        let inputs = inputs
            .into_iter()
            .map(|input| OpenInput::open(&connection, input))
            .collect::<Result<Vec<_>>>()?;
        let watch = Watch::start(&connection, Arc::clone(&cancelled), streams_of(&inputs));
        let statement = prepare_over_streams(&connection, &inputs, sql)?;
        let rows = statement
            .run(&|| cancelled())
            .map_err(|error| running_error(error, &cancelled))?;
        Ok(Self {
            inputs,
            schema: result_schema(&rows.schema, zoned),
            rows,
            ended: false,
            cancelled,
            _statement: statement,
            _watch: watch,
        })
    }

    /// Names and types of the rows; every column is nullable unless [`Query::with_schema`] said otherwise.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The same rows under `schema`, column by column: other names, zones, metadata, and columns without nulls.
    ///
    /// # Errors
    /// `BatchSchema` where the types differ in more than zones.
    pub fn with_schema(mut self, schema: SchemaRef) -> Result<Self> {
        let types = |schema: &Schema| -> Vec<_> {
            let fields = schema.fields().iter();
            fields.map(|field| naive_type(field.data_type())).collect()
        };
        let (found, announced) = (types(&self.schema), types(&schema));
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
    let statement = prepare_select(&connection, sql)?;
    let is_column = |name: &str| {
        let mut schemas = inputs.iter().map(|(_, schema)| schema);
        schemas.any(|schema| schema.column_with_name(name).is_some())
    };
    syntax::refuse_surroundings(&connection, sql, &is_column)?;
    let zoned = any_zoned(inputs.iter().map(|(_, schema)| schema));
    Ok(result_schema(&statement.schema()?, zoned))
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
        if self.ended {
            return None;
        }
        let next = self
            .rows
            .next_batch(MORSEL_ROWS)
            .map_err(|error| running_error(error, &self.cancelled))
            .and_then(|batch| batch.map(|batch| retag(&batch, &self.schema)).transpose());
        self.ended = !matches!(next, Ok(Some(_)));
        if self.ended {
            // A LIMIT may leave rows that nobody reads.
            self.inputs.iter().for_each(OpenInput::abandon);
        }
        next.transpose()
    }
}

/// A thread that stops a connection when its query is cancelled: one piece of a join may take minutes, and a scan may wait for rows. Ends
/// when dropped.
struct Watch {
    _running: Sender<()>,
}

impl Watch {
    fn start(
        connection: &Arc<Connection>,
        cancelled: Cancelled,
        streams: Vec<Arc<RowStream>>,
    ) -> Self {
        let (running, ended) = channel();
        let connection = Arc::downgrade(connection);
        std::thread::spawn(move || {
            while ended.recv_timeout(CANCELLATION_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let Some(connection) = connection.upgrade().filter(|_| cancelled()) else {
                    continue;
                };
                connection.interrupt();
                streams.iter().for_each(|stream| stream.abandon());
            }
        });
        Self { _running: running }
    }
}

/// An input that the connection's queries can name.
struct OpenInput {
    name: String,
    registration: Registration,
    stream: Option<Arc<RowStream>>,
}

impl OpenInput {
    fn open(connection: &Arc<Connection>, input: QueryInput) -> Result<Self> {
        require_distinct_names(&input.schema)?;
        let inputs = connection.database().inputs();
        let (registration, stream) = match input.rows {
            QueryRows::Batches(batches) => {
                batches
                    .iter()
                    .try_for_each(|batch| require_schema(batch, &input.schema))?;
                let registration = inputs.register(&input.schema)?;
                registration.set(&batches)?;
                (registration, None)
            }
            QueryRows::Stream(stream) => {
                let registration = inputs.register(stream.schema())?;
                registration.set_stream(&stream);
                (registration, Some(stream))
            }
        };
        let opened = Self {
            name: input.name,
            registration,
            stream,
        };
        // Temporary views belong to the connection, so that queries do not see each other's inputs.
        connection.execute(&format!(
            "CREATE TEMP VIEW {} AS SELECT * FROM {}",
            quote::identifier(&opened.name),
            opened.registration.sql()
        ))?;
        Ok(opened)
    }

    /// Moves the rows of a stream, which can be read once, to a table that can be read often.
    fn keep(&self, connection: &Arc<Connection>) -> Result<()> {
        let name = quote::identifier(&self.name);
        connection.execute(&format!("DROP VIEW {name}"))?;
        connection.execute(&format!(
            "CREATE TEMP TABLE {name} AS SELECT * FROM {}",
            self.registration.sql()
        ))
    }

    /// Lets whoever fills its stream go on without effect.
    fn abandon(&self) {
        if let Some(stream) = &self.stream {
            stream.abandon();
        }
    }
}

impl Drop for OpenInput {
    fn drop(&mut self) {
        self.abandon();
    }
}

fn streams_of(inputs: &[OpenInput]) -> Vec<Arc<RowStream>> {
    inputs
        .iter()
        .filter_map(|input| input.stream.clone())
        .collect()
}

/// Prepares `sql`; streams that it reads twice become tables first, and those that it does not read are let go.
fn prepare_over_streams(
    connection: &Arc<Connection>,
    inputs: &[OpenInput],
    sql: &str,
) -> Result<Statement> {
    let streamed: Vec<&OpenInput> = inputs
        .iter()
        .filter(|input| input.stream.is_some())
        .collect();
    let scans = |input: &&OpenInput| input.registration.scan_count();
    let before: Vec<usize> = streamed.iter().map(scans).collect();
    let statement = prepare_select(connection, sql)?;
    let after: Vec<usize> = streamed.iter().map(scans).collect();
    let mut kept = false;
    for (input, scans) in streamed.iter().zip(after.iter().zip(before)) {
        match scans.0 - scans.1 {
            0 => input.abandon(),
            1 => {}
            _ => {
                input.keep(connection)?;
                kept = true;
            }
        }
    }
    if kept {
        drop(statement);
        return prepare_select(connection, sql);
    }
    Ok(statement)
}

fn prepare_select(connection: &Arc<Connection>, sql: &str) -> Result<Statement> {
    let refused = |message: &str| RelationalError::Query {
        issue: ExpressionIssue {
            message: message.to_string(),
            ..ExpressionIssue::default()
        },
    };
    let statement = connection.prepare(sql).map_err(query_error)?;
    if statement.parameter_count() > 0 {
        return Err(refused(
            "a parameter (? or $1) has no value here; write the value",
        ));
    }
    if !statement.is_select() {
        return Err(refused("only a SELECT can be run here"));
    }
    Ok(statement)
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

fn query_error(error: EngineError) -> RelationalError {
    RelationalError::Query {
        issue: ExpressionIssue {
            message: error.message,
            position: error.position,
            candidates: error.candidates,
            ..ExpressionIssue::default()
        },
    }
}
