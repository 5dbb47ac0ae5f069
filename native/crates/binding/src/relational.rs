//! `kernel-relational` for JavaScript.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::{Field, Schema};
use kernel_formats::{ParquetReadParams, ParquetReader};
use kernel_relational::{
    Database, ExpressionIssue, IntegerSums, LedgerKey, Library, Limits, Location, PrivateFolder,
    Projection, QueryPool, RelationalError, TableWrite, WriteMode, check_expression, check_measure,
    counter_rows, expression_columns, row_conditions,
};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Detail, Failure, Result};
use crate::files::NativeCondition;
use crate::schema::{NativeColumn, from_columns, to_columns};
use crate::work::{CancelToken, Cancelled, Work, guarded, promise};

/// Path of the DuckDB library, and the in-memory databases that expressions and queries are computed in.
static ENGINE: Mutex<Engine> = Mutex::new(Engine {
    library: None,
    expressions: None,
    queries: BTreeMap::new(),
});

struct Engine {
    library: Option<PathBuf>,
    expressions: Option<Arc<Database>>,
    queries: BTreeMap<QueriesOf, Arc<QueryPool>>,
}

/// Queries that share an in-memory database.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueriesOf {
    /// Folder below which it spills.
    pub temp_directory: PathBuf,
    /// Bytes that it may hold before, 1 GiB when absent; half of them where it is ordered.
    pub memory_bytes: Option<u64>,
    /// Whether it has one thread, which reads rows in their order.
    pub ordered: bool,
}

fn engine() -> MutexGuard<'static, Engine> {
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that DuckDB may hold before it spills, unless a query says otherwise.
const MEMORY_BYTES: u64 = 1 << 30;

/// Names the DuckDB library; it is opened when it is first needed.
#[napi]
pub fn use_duckdb(path: String) {
    engine().library = Some(PathBuf::from(path));
}

/// Opens the named library and its in-memory database on another thread. Costs about 65 ms of one core, once.
#[napi(ts_return_type = "Promise<void>")]
pub fn open_duckdb() -> AsyncTask<Work<()>> {
    promise(|| memory_database().map(drop))
}

/// Version of the DuckDB library this core works with.
#[napi]
pub fn duckdb_version() -> napi::Result<String> {
    guarded(library)?;
    Ok(kernel_relational::DUCKDB_VERSION.to_owned())
}

fn library() -> Result<Arc<Library>> {
    let path = engine().library.clone();
    let path = path.ok_or_else(|| Failure::internal("no DuckDB library was named"))?;
    Ok(Library::load(&path)?)
}

/// The in-memory database that expressions are checked and computed in. What they keep is one batch, so it spills nothing, and no folder
/// is open to it.
pub fn memory_database() -> Result<Arc<Database>> {
    if let Some(database) = &engine().expressions {
        return Ok(Arc::clone(database));
    }
    let library = library()?;
    let mut engine = engine();
    if let Some(database) = &engine.expressions {
        return Ok(Arc::clone(database));
    }
    let database = Database::open(library, Location::Memory, memory_limits(MEMORY_BYTES, None))?;
    engine.expressions = Some(Arc::clone(&database));
    Ok(database)
}

/// The queries of an in-memory database, which is opened when it is first needed.
pub fn memory_queries(of: QueriesOf) -> Result<Arc<QueryPool>> {
    let known = |engine: &Engine| engine.queries.get(&of).map(Arc::clone);
    if let Some(queries) = known(&engine()) {
        return Ok(queries);
    }
    let library = library()?;
    let mut engine = engine();
    if let Some(queries) = known(&engine) {
        return Ok(queries);
    }
    let memory_bytes = of.memory_bytes.unwrap_or(MEMORY_BYTES);
    let mut limits = memory_limits(memory_bytes, Some(of.temp_directory.clone()));
    if of.ordered {
        (limits.threads, limits.memory_bytes) = (1, memory_bytes / 2);
    }
    let database = Database::open(library, Location::Memory, limits)?;
    let queries = Arc::new(QueryPool::new(database));
    engine.queries.insert(of, Arc::clone(&queries));
    Ok(queries)
}

/// Closes the databases that spill below a folder, or all, as soon as the queries that run in them have ended. What they spilled is
/// removed with them.
#[napi]
pub fn close_queries(temp_directory: Option<String>) {
    let ends = |parent: &Path| {
        let wanted = temp_directory.as_deref().map(Path::new);
        wanted.is_none_or(|wanted| wanted == parent)
    };
    let mut closed = Vec::new();
    engine().queries.retain(|of, queries| {
        if ends(&of.temp_directory) {
            closed.push(Arc::clone(queries));
        }
        !ends(&of.temp_directory)
    });
    // Closing takes a while: others go on meanwhile.
    drop(closed);
}

/// Opens a database file; what it spills goes below `temp_directory`.
pub fn open(path: &str, temp_directory: Option<String>) -> Result<Arc<Database>> {
    match path {
        ":memory:" => memory_database(),
        // Inserts that keep the order of rows are faster on one thread: 2.9 against 1.6 million rows a second on two cores.
        path => Ok(Database::open(
            library()?,
            Location::File(PathBuf::from(path)),
            Limits {
                threads: 1,
                memory_bytes: MEMORY_BYTES,
                temp_directory: temp_directory.map(PathBuf::from),
            },
        )?),
    }
}

fn memory_limits(memory_bytes: u64, temp_directory: Option<PathBuf>) -> Limits {
    Limits {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes,
        temp_directory,
    }
}

/// Removes private folders below `parent` whose owners are gone.
#[napi]
pub fn sweep_private_folders(parent: String) {
    PrivateFolder::sweep(Path::new(&parent));
}

/// Removes all private folders of this process, at its end.
#[napi]
pub fn remove_private_folders() {
    close_queries(None);
    PrivateFolder::remove_all();
}

/// What is wrong with an expression.
#[napi(object)]
pub struct NativeExpressionIssue {
    pub message: String,
    /// UTF-16 offset in the expression, as JavaScript counts.
    pub position: Option<u32>,
    /// The name there, when it is one that names no column.
    pub identifier: Option<String>,
    /// Names that could have been meant, nearest first.
    pub candidates: Vec<String>,
    /// Whether what is wrong is that values of different units meet.
    pub mixes_units: bool,
    /// Whether what is wrong is that planning would compute too much.
    pub is_too_costly: bool,
}

/// One expression: what it gives, or what is wrong.
#[napi(object)]
pub struct NativeChecked {
    pub column: Option<NativeColumn>,
    pub issue: Option<NativeExpressionIssue>,
}

/// Types expressions against columns, without data.
#[napi]
pub fn check_expressions(
    columns: Vec<NativeColumn>,
    expressions: Vec<String>,
) -> napi::Result<Vec<NativeChecked>> {
    let checked = guarded(|| {
        let (schema, database) = (from_columns(&columns)?, memory_database()?);
        expressions
            .iter()
            .map(|expression| checked(check_expression(&database, &schema, expression), expression))
            .collect::<Result<Vec<_>>>()
    });
    Ok(checked?)
}

/// Rows `start`, `start + 1` … of a counter, with a column of random numbers for each of `random`: its name, and the number of its stream.
#[napi(js_name = "counterRows", ts_return_type = "Promise<NativeBatch>")]
pub fn native_counter_rows(
    start: f64,
    rows: u32,
    seed: f64,
    random: Vec<NativeRandom>,
) -> AsyncTask<Work<NativeBatch>> {
    promise(move || {
        let streams: Vec<(String, u64)> = random
            .into_iter()
            .map(|NativeRandom { name, stream }| (name, u64::from(stream)))
            .collect();
        let rows = counter_rows(start as i64, rows as usize, seed as i64 as u64, &streams);
        Ok(NativeBatch::new(rows))
    })
}

/// A column of random numbers.
#[napi(object)]
pub struct NativeRandom {
    pub name: String,
    pub stream: u32,
}

/// Names of the columns that expressions use; `grouped` ones may hold aggregates.
#[napi(js_name = "expressionColumns")]
pub fn native_expression_columns(
    columns: Vec<NativeColumn>,
    expressions: Vec<String>,
    grouped: bool,
) -> napi::Result<Vec<String>> {
    Ok(guarded(|| {
        let (schema, database) = (from_columns(&columns)?, memory_database()?);
        Ok(expression_columns(
            &database,
            &schema,
            &expressions,
            grouped,
        )?)
    })?)
}

/// Conditions on single columns that hold wherever `condition` is true.
#[napi(js_name = "rowConditions")]
pub fn native_row_conditions(
    columns: Vec<NativeColumn>,
    condition: String,
) -> napi::Result<Vec<NativeCondition>> {
    Ok(guarded(|| {
        let (schema, database) = (from_columns(&columns)?, memory_database()?);
        let conditions = row_conditions(&database, &schema, &condition)?;
        Ok(conditions.into_iter().map(NativeCondition::from).collect())
    })?)
}

/// What sums of integers are: int64, or what checkpoints of before have.
fn integer_sums(wide: bool) -> IntegerSums {
    if wide {
        IntegerSums::Wide
    } else {
        IntegerSums::Int64
    }
}

/// Types SQL expressions over groups of rows against columns, without data.
#[napi]
pub fn check_measures(
    columns: Vec<NativeColumn>,
    group_by: Vec<String>,
    measures: Vec<String>,
    wide_sums: bool,
) -> napi::Result<Vec<NativeChecked>> {
    let checked = guarded(|| {
        let (schema, database) = (from_columns(&columns)?, memory_database()?);
        let keys: Vec<&str> = group_by.iter().map(String::as_str).collect();
        measures
            .iter()
            .map(|measure| {
                let sums = integer_sums(wide_sums);
                let field = check_measure(&database, &schema, &keys, measure, sums);
                checked(field, measure)
            })
            .collect::<Result<Vec<_>>>()
    });
    Ok(checked?)
}

fn checked(outcome: kernel_relational::Result<Field>, expression: &str) -> Result<NativeChecked> {
    match outcome {
        Ok(field) => Ok(NativeChecked {
            column: to_columns(&Schema::new(vec![field])).pop(),
            issue: None,
        }),
        Err(RelationalError::Expression { issue, .. }) => Ok(NativeChecked {
            column: None,
            issue: Some(to_issue(issue, expression)),
        }),
        Err(
            error @ (RelationalError::UnsupportedType { .. }
            | RelationalError::TimeWithOffset { .. }
            | RelationalError::AmbiguousColumns { .. }),
        ) => Ok(NativeChecked {
            column: None,
            issue: Some(plain_issue(&error)),
        }),
        Err(error) => Err(error.into()),
    }
}

fn plain_issue(error: &RelationalError) -> NativeExpressionIssue {
    NativeExpressionIssue {
        message: error.to_string(),
        position: None,
        identifier: None,
        candidates: Vec::new(),
        mixes_units: false,
        is_too_costly: false,
    }
}

pub fn to_issue(issue: ExpressionIssue, expression: &str) -> NativeExpressionIssue {
    let start = issue
        .position
        .filter(|position| expression.is_char_boundary(*position));
    let position = start.map(|start| expression[..start].encode_utf16().count() as u32);
    NativeExpressionIssue {
        message: issue.message,
        position,
        identifier: issue.unknown_column,
        candidates: issue.candidates,
        mixes_units: issue.mixes_units,
        is_too_costly: issue.is_too_costly,
    }
}

/// A filter and expressions, prepared for one input schema.
#[napi]
pub struct NativeProjection {
    projection: Arc<Projection>,
}

#[napi]
impl NativeProjection {
    /// The columns of a batch under their new names, at once, or null when there is something to compute.
    #[napi]
    pub fn apply_plain(&self, batch: &NativeBatch) -> napi::Result<Option<NativeBatch>> {
        if !self.projection.is_plain() {
            return Ok(None);
        }
        let rows = guarded(|| Ok(self.projection.apply(batch.rows()?, &|| false)?));
        Ok(Some(NativeBatch::new(rows?)))
    }

    /// The rows for which the filter is true, with the prepared columns.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn apply(
        &self,
        batch: &NativeBatch,
        token: Option<&CancelToken>,
    ) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
        let (rows, cancelled) = (batch.rows()?.clone(), Cancelled::from_token(token));
        let projection = Arc::clone(&self.projection);
        Ok(promise(move || {
            Ok(NativeBatch::new(
                projection.apply(&rows, &|| cancelled.is_set())?,
            ))
        }))
    }
}

#[napi]
pub fn prepare_projection(
    columns: Vec<NativeColumn>,
    names: Vec<String>,
    expressions: Vec<String>,
    filter: Option<String>,
) -> napi::Result<NativeProjection> {
    let projection = guarded(|| {
        let named: Vec<(&str, &str)> = names
            .iter()
            .map(String::as_str)
            .zip(expressions.iter().map(String::as_str))
            .collect();
        Ok(Projection::prepare(
            &memory_database()?,
            &from_columns(&columns)?,
            &named,
            filter.as_deref(),
        )?)
    });
    Ok(NativeProjection {
        projection: Arc::new(projection?),
    })
}

/// A table of a query that is checked.
#[napi(object)]
pub struct NativeTable {
    pub name: String,
    pub columns: Vec<NativeColumn>,
}

/// A checked query: its columns, or what is wrong.
#[napi(object)]
pub struct NativeCheckedQuery {
    pub columns: Option<Vec<NativeColumn>>,
    pub issue: Option<NativeExpressionIssue>,
}

/// Types one SELECT over tables, without data.
#[napi]
pub fn check_query(
    tables: Vec<NativeTable>,
    sql: String,
    wide_sums: bool,
    database: Option<String>,
) -> napi::Result<NativeCheckedQuery> {
    let checked = guarded(|| {
        let database = match database {
            Some(path) => open(&path, None)?,
            None => memory_database()?,
        };
        let tables = tables
            .into_iter()
            .map(|table| Ok((table.name, from_columns(&table.columns)?)))
            .collect::<Result<Vec<_>>>()?;
        match kernel_relational::check_query(&database, &tables, &sql, integer_sums(wide_sums)) {
            Ok(schema) => Ok(NativeCheckedQuery {
                columns: Some(to_columns(&schema)),
                issue: None,
            }),
            Err(RelationalError::Query { issue }) => Ok(NativeCheckedQuery {
                columns: None,
                issue: Some(to_issue(issue, &sql)),
            }),
            Err(
                error @ (RelationalError::UnsupportedType { .. }
                | RelationalError::TimeWithOffset { .. }
                | RelationalError::AmbiguousColumns { .. }),
            ) => Ok(NativeCheckedQuery {
                columns: None,
                issue: Some(plain_issue(&error)),
            }),
            Err(error) => Err(error.into()),
        }
    });
    Ok(checked?)
}

/// Where and how the rows of a Parquet file go into a table.
#[napi(object)]
pub struct NativeTableWrite {
    pub database: String,
    pub table: String,
    #[napi(ts_type = "'append' | 'replace'")]
    pub mode: String,
    pub parquet: String,
    pub pipeline: String,
    pub sink: String,
    pub epoch: f64,
    /// Below which it spills.
    pub temp_directory: String,
}

#[napi(object)]
pub struct NativeWriteOutcome {
    pub rows: f64,
    pub already_written: bool,
}

#[napi(ts_return_type = "Promise<NativeWriteOutcome>")]
pub fn write_table(write: NativeTableWrite) -> AsyncTask<Work<NativeWriteOutcome>> {
    promise(move || {
        let reader =
            ParquetReader::open(PathBuf::from(&write.parquet), &ParquetReadParams::default())?;
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>()?;
        let database = open(&write.database, Some(write.temp_directory))?;
        let target = TableWrite {
            table: write.table,
            ledger: LedgerKey {
                pipeline: write.pipeline,
                sink: write.sink,
                epoch: write.epoch as u64,
            },
            mode: if write.mode == "replace" {
                WriteMode::Replace
            } else {
                WriteMode::Append
            },
        };
        let outcome = kernel_relational::write_table(&database, &schema, &batches, &target)?;
        Ok(NativeWriteOutcome {
            rows: outcome.rows as f64,
            already_written: outcome.already_written,
        })
    })
}

/// All rows of a query on a database file.
#[napi(ts_return_type = "Promise<NativeBatch>")]
pub fn query_database(database: String, sql: String) -> AsyncTask<Work<NativeBatch>> {
    promise(move || {
        let (schema, batches) = open(&database, None)?.query(&sql)?;
        let rows =
            arrow_select::concat::concat_batches(&schema, &batches).map_err(Failure::internal)?;
        Ok(NativeBatch::new(rows))
    })
}

impl From<RelationalError> for Failure {
    fn from(error: RelationalError) -> Self {
        use RelationalError as E;
        match &error {
            E::LibraryMissing { .. }
            | E::LibraryVersion { .. }
            | E::LibraryAlreadyLoaded { .. } => Failure::new("duckdb-missing", "external", &error),
            E::FileLocked { .. } => Failure::new("database-locked", "external", &error),
            E::NotADatabase { .. } => Failure::user("not-a-database", &error),
            E::CannotOpen { message, .. }
                if message.contains("Permission denied")
                    || message.contains("Read-only file system") =>
            {
                Failure::new("permission-denied", "external", &error)
            }
            E::CannotOpen { message, .. } if message.contains("No space left") => {
                Failure::new("disk-full", "external", &error)
            }
            E::CannotSpill { message, .. } if message.contains("Permission denied") => {
                Failure::new("permission-denied", "external", &error)
            }
            E::CannotSpill { message, .. } if message.contains("No space left") => {
                Failure::new("disk-full", "external", &error)
            }
            E::CannotSpill { .. } => Failure::new("temp-directory-unusable", "external", &error),
            E::CannotOpen { .. } => Failure::new("cannot-open-database", "external", &error),
            E::Expression { issue, .. } | E::Query { issue } => {
                let candidates = Detail::Texts(issue.candidates.clone());
                let code = match issue.is_too_costly {
                    true => "expression-too-costly",
                    false => "invalid-expression",
                };
                Failure::user(code, &error).with("candidates", candidates)
            }
            E::Row { name, row, .. } => Failure::user("expression-failed", &error)
                .with("column", Detail::Text(name.clone()))
                .with("row", Detail::Number(*row as u64)),
            E::Value { .. } => Failure::user("expression-failed", &error),
            E::UnsupportedType { .. } | E::TimeWithOffset { .. } => {
                Failure::user("unsupported-type", &error)
            }
            E::AmbiguousColumns { .. } => Failure::user("ambiguous-columns", &error),
            E::TableMismatch { .. } => Failure::user("schema-mismatch", &error),
            E::MemoryLimit { .. } => Failure::new("memory-limit", "external", &error),
            E::DiskFull { .. } => Failure::new("disk-full", "external", &error),
            E::Cancelled => Failure::user("aborted", &error),
            E::BatchTooLarge { .. } => Failure::user("batch-too-large", &error),
            E::Duckdb { .. } => Failure::new("duckdb-failed", "external", &error),
            E::BatchSchema { .. } | E::Arrow(_) => Failure::internal(&error),
        }
    }
}
