//! Filter and select: named expressions and a condition, prepared once and applied to batch after batch.

use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use arrow_select::filter::FilterBuilder;
use arrow_select::take::take;

use crate::columns::{require_schema, retag};
use crate::connection::{Connection, Statement};
use crate::database::Database;
use crate::error::{ExpressionIssue, RelationalError, Result};
use crate::exact_literals::exact_literals;
use crate::expression::{Checked, ScanSchema, check};
use crate::inputs::Registration;
use crate::references::whole_condition;
use crate::simple_filter::SimpleFilter;
use crate::sync::lock;

/// What the filter is called in errors.
const FILTER: &str = "the filter";

/// Expressions that were checked against a schema, ready for batches of it. May be applied from several threads at once.
///
/// Columns that are passed on as they are never leave Arrow, whatever their type; only those that an expression uses are read by DuckDB.
pub struct Projection {
    database: Arc<Database>,
    input: SchemaRef,
    output: SchemaRef,
    sources: Vec<Source>,
    /// The computed columns, in the order of the query's columns.
    computed: Vec<Named>,
    computed_schema: SchemaRef,
    filter: Option<Named>,
    /// The filter, where it needs no query.
    simple_filter: Option<SimpleFilter>,
    scan: ScanSchema,
    /// Prepared queries that no thread uses now.
    idle: Mutex<Vec<Session>>,
}

/// Where an output column comes from.
enum Source {
    /// The input's column at this position.
    Input(usize),
    /// The computed column at this position.
    Computed(usize),
}

struct Named {
    name: String,
    expression: Checked,
}

/// A prepared query over an input whose rows change.
struct Session {
    statement: Statement,
    input: Registration,
}

impl Projection {
    /// Checks `columns` (name and expression, in output order) and `filter` against `schema`. Costs about 1 ms for each expression.
    ///
    /// # Errors
    /// As [`check_expression`](crate::check_expression); `Expression` too for a filter that is not boolean; `AmbiguousColumns` when two
    /// used columns differ in case only.
    pub fn prepare(
        database: &Arc<Database>,
        schema: &SchemaRef,
        columns: &[(&str, &str)],
        filter: Option<&str>,
    ) -> Result<Self> {
        let connection = Connection::open(database)?;
        let filter = filter
            .map(|text| checked_filter(&connection, schema, text))
            .transpose()?;
        let mut projection = Self {
            database: Arc::clone(database),
            input: Arc::clone(schema),
            output: Arc::new(Schema::empty()),
            sources: Vec::new(),
            computed: Vec::new(),
            computed_schema: Arc::new(Schema::empty()),
            filter,
            simple_filter: None,
            scan: ScanSchema::new(schema, Vec::new())?,
            idle: Mutex::default(),
        };
        projection.add_columns(&connection, columns)?;
        if projection.computed.is_empty() {
            projection.simple_filter =
                simple_filter(&connection, schema, projection.filter_text())?;
        }
        if let Some(session) = projection
            .has_query()
            .then(|| projection.session())
            .transpose()?
        {
            projection.release(session);
        }
        Ok(projection)
    }

    fn add_columns(
        &mut self,
        connection: &Arc<Connection>,
        columns: &[(&str, &str)],
    ) -> Result<()> {
        let mut fields = Vec::new();
        for (name, text) in columns {
            let expression = check(connection, &self.input, text)?;
            fields.push(expression.field.clone().with_name(*name));
            self.sources.push(match expression.form.bare {
                Some(column) => Source::Input(column),
                None => {
                    self.computed.push(Named {
                        name: (*name).to_string(),
                        expression,
                    });
                    Source::Computed(self.computed.len() - 1)
                }
            });
        }
        let mut used: Vec<usize> = self
            .computed
            .iter()
            .chain(&self.filter)
            .flat_map(|named| named.expression.form.columns.iter().copied())
            .collect();
        used.sort_unstable();
        used.dedup();
        self.scan = ScanSchema::new(&self.input, used)?;
        self.output = Arc::new(Schema::new_with_metadata(
            fields.into_iter().collect::<Fields>(),
            self.input.metadata().clone(),
        ));
        let row = self
            .filter
            .iter()
            .map(|_| Field::new("row_number", DataType::UInt32, false));
        let computed = self
            .computed
            .iter()
            .map(|named| named.expression.field.clone().with_nullable(true));
        self.computed_schema = Arc::new(Schema::new(row.chain(computed).collect::<Fields>()));
        Ok(())
    }

    /// Names, types, nullability and units of the output.
    pub fn schema(&self) -> &SchemaRef {
        &self.output
    }

    /// Filters and computes one batch of the input's schema. Rows keep their order; a row whose filter is false or null is dropped.
    /// `cancelled` is asked between pieces of work of a few milliseconds.
    ///
    /// # Errors
    /// `Row` names the expression and the first row on which it fails (a cast, an overflow); `Cancelled`; `BatchSchema`;
    /// `BatchTooLarge`; `MemoryLimit`.
    pub fn apply(
        &self,
        batch: &RecordBatch,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<RecordBatch> {
        require_schema(batch, &self.input)?;
        if let Some(filter) = &self.simple_filter {
            return self.assemble_masked(batch, filter.mask(batch));
        }
        if !self.has_query() {
            return self.assemble(batch, None, &[]);
        }
        let rows = u32::try_from(batch.num_rows()).map_err(|_| RelationalError::BatchTooLarge {
            rows: batch.num_rows(),
        })?;
        let read = self.scanned(batch, rows)?;
        let session = self.session()?;
        let outcome = session.run(&read, cancelled);
        self.release(session);
        let result = match outcome {
            Ok((schema, batches)) => concat_batches(&schema, &batches)?,
            Err(RelationalError::Duckdb { message }) => {
                return Err(self.locate(&read, message, cancelled));
            }
            Err(error) => return Err(error),
        };
        let result = retag(&result, &self.computed_schema)?;
        if self.filter.is_none() {
            return self.assemble(batch, None, result.columns());
        }
        let kept = result.column(0).as_primitive::<UInt32Type>();
        self.assemble(
            batch,
            Some(kept).filter(|kept| kept.len() < batch.num_rows()),
            &result.columns()[1..],
        )
    }

    /// Whether it only hands columns on, which takes no time worth a thread.
    pub fn is_plain(&self) -> bool {
        !self.has_query()
    }

    fn has_query(&self) -> bool {
        self.filter.is_some() || !self.computed.is_empty()
    }

    /// The columns that the query reads, and the row numbers.
    fn scanned(&self, batch: &RecordBatch, rows: u32) -> Result<RecordBatch> {
        let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..rows));
        let columns = self
            .scan
            .columns
            .iter()
            .map(|column| Arc::clone(batch.column(*column)));
        let schema = self
            .scan
            .schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone().with_nullable(true));
        Ok(RecordBatch::try_new(
            Arc::new(Schema::new(schema.collect::<Fields>())),
            columns.chain([numbers]).collect(),
        )?)
    }

    fn assemble(
        &self,
        batch: &RecordBatch,
        kept: Option<&UInt32Array>,
        computed: &[ArrayRef],
    ) -> Result<RecordBatch> {
        let columns = self.sources.iter().map(|source| match (source, kept) {
            (Source::Input(column), None) => Ok(Arc::clone(batch.column(*column))),
            (Source::Input(column), Some(kept)) => Ok(take(batch.column(*column), kept, None)?),
            (Source::Computed(column), _) => Ok(Arc::clone(&computed[*column])),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new()
            .with_row_count(Some(kept.map_or(batch.num_rows(), UInt32Array::len)));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.output),
            columns,
            &options,
        )?)
    }

    /// The rows that a mask keeps, when no column is computed.
    fn assemble_masked(&self, batch: &RecordBatch, mask: BooleanBuffer) -> Result<RecordBatch> {
        let kept = mask.count_set_bits();
        if kept == batch.num_rows() {
            return self.assemble(batch, None, &[]);
        }
        let filter = FilterBuilder::new(&BooleanArray::new(mask, None))
            .optimize()
            .build();
        let columns = self.sources.iter().map(|source| match source {
            Source::Input(column) => Ok(filter.filter(batch.column(*column))?),
            Source::Computed(_) => unreachable!("a simple filter stands alone"),
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.output),
            columns,
            &options,
        )?)
    }

    fn session(&self) -> Result<Session> {
        if let Some(session) = lock(&self.idle).pop() {
            return Ok(session);
        }
        let texts: Vec<&str> = self
            .computed
            .iter()
            .map(|named| named.expression.text.as_str())
            .collect();
        Session::prepare(&self.database, &self.scan, &texts, self.filter_text())
    }

    fn release(&self, session: Session) {
        lock(&self.idle).push(session);
    }

    fn filter_text(&self) -> Option<&str> {
        self.filter
            .as_ref()
            .map(|named| named.expression.text.as_str())
    }

    /// Finds the expression and the row behind a failure by running the expressions one by one. Costs some 20 runs, only after a failure.
    fn locate(
        &self,
        read: &RecordBatch,
        message: String,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> RelationalError {
        for named in self.filter.iter().chain(&self.computed) {
            let computed = if named.name == FILTER {
                vec![]
            } else {
                vec![named.expression.text.as_str()]
            };
            match Session::prepare(&self.database, &self.scan, &computed, self.filter_text())
                .and_then(|session| session.first_failure(read, cancelled))
            {
                Ok(None) => {}
                Ok(Some((row, message))) => {
                    return RelationalError::Row {
                        name: named.name.clone(),
                        expression: named.expression.text.clone(),
                        row,
                        message,
                    };
                }
                Err(error) => return error,
            }
        }
        RelationalError::Duckdb { message }
    }
}

fn simple_filter(
    connection: &Arc<Connection>,
    schema: &Schema,
    filter: Option<&str>,
) -> Result<Option<SimpleFilter>> {
    let Some(filter) = filter else {
        return Ok(None);
    };
    let conditions = whole_condition(connection, schema, filter)?;
    Ok(conditions.and_then(|conditions| SimpleFilter::of(&conditions, schema)))
}

fn checked_filter(connection: &Arc<Connection>, schema: &Schema, text: &str) -> Result<Named> {
    let expression = check(connection, schema, text)?;
    if *expression.field.data_type() != DataType::Boolean {
        let message = format!(
            "a filter is true or false, but this is {}",
            expression.field.data_type()
        );
        let issue = ExpressionIssue {
            message,
            position: Some(0),
            ..ExpressionIssue::default()
        };
        return Err(RelationalError::Expression {
            expression: text.to_string(),
            issue,
        });
    }
    Ok(Named {
        name: FILTER.to_string(),
        expression,
    })
}

impl Session {
    fn prepare(
        database: &Arc<Database>,
        scan: &ScanSchema,
        computed: &[&str],
        filter: Option<&str>,
    ) -> Result<Self> {
        let connection = Connection::open(database)?;
        let input = database.inputs().register(&scan.schema)?;
        // The line breaks end comments in the expressions.
        let row = filter.map(|_| scan.row_number());
        let selected: Vec<String> = row
            .into_iter()
            .chain(computed.iter().map(|text| format!("({text}\n)")))
            .collect();
        let condition = filter
            .map(|text| format!(" WHERE ({text}\n)"))
            .unwrap_or_default();
        let sql = format!(
            "SELECT {} FROM {}{condition}",
            selected.join(", "),
            input.sql()
        );
        let statement = connection.prepare(&exact_literals(&connection, &sql)?)?;
        Ok(Self { statement, input })
    }

    fn run(
        &self,
        rows: &RecordBatch,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        self.input.set(std::slice::from_ref(rows))?;
        let outcome = self.collect(cancelled);
        self.input.set(&[])?;
        outcome
    }

    fn collect(
        &self,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let mut result = self.statement.run(&|| cancelled())?;
        let mut batches = Vec::new();
        while let Some(batch) = result.next_batch(usize::MAX)? {
            if cancelled() {
                return Err(RelationalError::Cancelled);
            }
            batches.push(batch);
        }
        Ok((Arc::clone(&result.schema), batches))
    }

    /// The first row on which the query fails, by halving, and what it says about it.
    fn first_failure(
        &self,
        rows: &RecordBatch,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<(usize, String)>> {
        let failure = |count: usize| match self.run(&rows.slice(0, count), cancelled) {
            Ok(_) => Ok(None),
            Err(RelationalError::Duckdb { message }) => Ok(Some(message)),
            Err(error) => Err(error),
        };
        let Some(mut message) = failure(rows.num_rows())? else {
            return Ok(None);
        };
        let (mut good, mut bad) = (0, rows.num_rows());
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            match failure(middle)? {
                Some(earlier) => (bad, message) = (middle, earlier),
                None => good = middle,
            }
        }
        Ok(Some((bad - 1, message)))
    }
}
