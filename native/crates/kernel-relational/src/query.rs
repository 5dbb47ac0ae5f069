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

/// Asked every few milliseconds, from a thread of its own; `true` stops the query.
pub type Cancelled = Arc<dyn Fn() -> bool + Send + Sync>;

/// How often it is asked.
const CANCELLATION_INTERVAL: Duration = Duration::from_millis(10);

/// A table that a query can name.
pub struct QueryInput {
    /// The name in SQL; any characters, quoted there if need be.
    pub name: String,
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

/// One SELECT over inputs, running. An iterator over its rows in batches of at most 2,048 rows, which are computed as they are asked for.
///
/// Timestamps in the result are tagged `UTC` if any input has a zoned one. Row order is SQL's: given only by ORDER BY.
pub struct Query {
    rows: Rows,
    schema: SchemaRef,
    ended: bool,
    // The rows point into the inputs until they are dropped.
    _statement: Statement,
    _inputs: Vec<Registration>,
    _watch: Watch,
}

impl Query {
    /// Starts `sql`, one SELECT that names `inputs`. `cancelled` is asked until the query is dropped.
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
        let zoned = inputs
            .iter()
            .flat_map(|input| input.schema.fields())
            .any(|field| is_zoned(field.data_type()));
        let inputs = inputs
            .into_iter()
            .map(|input| register(&connection, input))
            .collect::<Result<Vec<_>>>()?;
        let statement = prepare_select(&connection, sql)?;
        let watch = Watch::start(&connection, Arc::clone(&cancelled));
        let rows = statement.run(&|| cancelled()).map_err(value_error)?;
        let fields = rows
            .schema
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), result_type(field.data_type(), zoned), true));
        let schema = Arc::new(Schema::new(fields.collect::<Fields>()));
        Ok(Self {
            rows,
            schema,
            ended: false,
            _statement: statement,
            _inputs: inputs,
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
        self.schema = schema;
        Ok(self)
    }
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
            .next_batch()
            .map_err(value_error)
            .and_then(|batch| batch.map(|batch| retag(&batch, &self.schema)).transpose());
        self.ended = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

/// A thread that interrupts a connection when its query is cancelled: one piece of a join may take minutes. Ends when dropped.
struct Watch {
    _running: Sender<()>,
}

impl Watch {
    fn start(connection: &Arc<Connection>, cancelled: Cancelled) -> Self {
        let (running, ended) = channel();
        let connection = Arc::downgrade(connection);
        std::thread::spawn(move || {
            while ended.recv_timeout(CANCELLATION_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let Some(connection) = connection.upgrade().filter(|_| cancelled()) else {
                    continue;
                };
                connection.interrupt();
            }
        });
        Self { _running: running }
    }
}

fn register(connection: &Arc<Connection>, input: QueryInput) -> Result<Registration> {
    require_distinct_names(&input.schema)?;
    input
        .batches
        .iter()
        .try_for_each(|batch| require_schema(batch, &input.schema))?;
    let registration = connection.database().inputs().register(&input.schema)?;
    registration.set(&input.batches)?;
    // Temporary views belong to the connection, so that queries do not see each other's inputs.
    connection.execute(&format!(
        "CREATE TEMP VIEW {} AS SELECT * FROM {}",
        quote::identifier(&input.name),
        registration.sql()
    ))?;
    Ok(registration)
}

fn prepare_select(connection: &Arc<Connection>, sql: &str) -> Result<Statement> {
    let refused = |message: &str| RelationalError::Query {
        issue: ExpressionIssue {
            unknown_column: None,
            message: message.to_string(),
            position: None,
            candidates: vec![],
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

fn value_error(error: RelationalError) -> RelationalError {
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
            unknown_column: None,
            message: error.message,
            position: error.position,
            candidates: error.candidates,
        },
    }
}
