//! One SELECT with the inputs that it names, ready to run.

use std::sync::Arc;

use arrow_schema::SchemaRef;

use crate::columns::{require_distinct_names, require_schema};
use crate::connection::{Connection, Statement};
use crate::error::{EngineError, ExpressionIssue, RelationalError, Result};
use crate::exact_literals::exact_literals;
use crate::inputs::Registration;
use crate::query::{QueryInput, QueryRows};
use crate::quote;
use crate::row_stream::RowStream;

/// A statement on a connection of its own. Each run of it reads the rows that its inputs have then.
pub(crate) struct PreparedQuery {
    pub(crate) statement: Statement,
    pub(crate) inputs: Vec<OpenInput>,
    pub(crate) connection: Arc<Connection>,
    /// Whether the rows of its inputs are read while it runs, and not before.
    is_repeatable: bool,
}

impl PreparedQuery {
    /// Prepares `sql`; streams that it reads twice become tables first, and those that it does not read are let go.
    pub(crate) fn new(
        connection: &Arc<Connection>,
        inputs: Vec<OpenInput>,
        sql: &str,
    ) -> Result<Self> {
        let sql = exact_literals(connection, sql)?;
        let sql = sql.as_ref();
        let scans = |input: &OpenInput| input.registration.scan_count();
        let before: Vec<usize> = inputs.iter().map(scans).collect();
        let mut statement = prepare_select(connection, sql)?;
        let added = inputs.iter().zip(before);
        let added: Vec<usize> = added.map(|(input, before)| scans(input) - before).collect();
        let mut kept = false;
        for (input, scans) in inputs.iter().zip(&added) {
            match scans {
                0 => input.abandon(),
                1 => {}
                _ => kept |= input.keep(connection)?,
            }
        }
        if kept {
            statement = prepare_select(connection, sql)?;
        }
        let is_repeatable = added.iter().all(|scans| *scans == 1)
            && inputs.iter().all(|input| input.stream.is_some());
        Ok(Self {
            statement,
            inputs,
            connection: Arc::clone(connection),
            is_repeatable,
        })
    }

    /// Whether another run would read what its inputs, all streams, have then.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// Whether `inputs` have the names, columns and about the sizes that it was prepared for.
    pub(crate) fn takes(&self, inputs: &[QueryInput]) -> bool {
        let mut pairs = self.inputs.iter().zip(inputs);
        self.inputs.len() == inputs.len() && pairs.all(|(open, input)| open.takes(input))
    }

    /// Gives it the rows of its next run, which it [takes](Self::takes).
    pub(crate) fn set_inputs(&mut self, inputs: Vec<QueryInput>) {
        for (open, input) in self.inputs.iter_mut().zip(inputs) {
            if let QueryRows::Stream(stream) = input.rows {
                open.registration.set_stream(&stream);
                open.stream = Some(stream);
            }
        }
    }

    /// The streams that it reads.
    pub(crate) fn streams(&self) -> Vec<Arc<RowStream>> {
        streams_of(&self.inputs)
    }

    /// Lets whoever fills its streams go on without effect.
    pub(crate) fn abandon(&self) {
        self.inputs.iter().for_each(OpenInput::abandon);
    }
}

/// An input that the connection's queries can name.
pub(crate) struct OpenInput {
    name: String,
    pub(crate) schema: SchemaRef,
    registration: Registration,
    stream: Option<Arc<RowStream>>,
}

impl OpenInput {
    pub(crate) fn open(connection: &Arc<Connection>, input: QueryInput) -> Result<Self> {
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
            schema: input.schema,
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

    fn takes(&self, input: &QueryInput) -> bool {
        let (Some(before), QueryRows::Stream(stream)) = (&self.stream, &input.rows) else {
            return false;
        };
        // The plan follows from how many rows there are: which side of a join is kept.
        let magnitude = |stream: &RowStream| stream.row_count_hint().max(1).ilog10();
        self.name == input.name
            && self.schema == input.schema
            && before.schema() == stream.schema()
            && magnitude(before) == magnitude(stream)
    }

    /// Moves the rows of a stream, which can be read once, to a table that can be read often; false where there is no stream.
    fn keep(&self, connection: &Arc<Connection>) -> Result<bool> {
        if self.stream.is_none() {
            return Ok(false);
        }
        let name = quote::identifier(&self.name);
        connection.execute(&format!("DROP VIEW {name}"))?;
        connection.execute(&format!(
            "CREATE TEMP TABLE {name} AS SELECT * FROM {}",
            self.registration.sql()
        ))?;
        Ok(true)
    }

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

/// The streams among inputs.
pub(crate) fn streams_of(inputs: &[OpenInput]) -> Vec<Arc<RowStream>> {
    let streams = inputs.iter().filter_map(|input| input.stream.clone());
    streams.collect()
}

/// Prepares the SELECT `sql` over what the connection knows.
pub(crate) fn prepare_select(connection: &Arc<Connection>, sql: &str) -> Result<Statement> {
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
