//! What can go wrong, one variant per cause.

use std::path::PathBuf;

use arrow_schema::{ArrowError, DataType};

/// What is wrong with a SQL expression or query, as data that an editor can point at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpressionIssue {
    /// What is wrong and what to do, without the position.
    pub message: String,
    /// Where, as a byte offset in the text that the caller gave.
    pub position: Option<usize>,
    /// The name at `position`, when what is wrong is that no column has it.
    pub unknown_column: Option<String>,
    /// Names that could have been meant (columns, functions), nearest first.
    pub candidates: Vec<String>,
    /// Whether what is wrong is that values of different units meet.
    pub mixes_units: bool,
    /// Whether what is wrong is that planning would compute too much.
    pub is_too_costly: bool,
}

/// Everything that this crate can fail with.
#[derive(Debug, thiserror::Error)]
pub enum RelationalError {
    /// There is no loadable library at the path.
    #[error("the DuckDB library {} cannot be loaded: {reason}. Install the packages again, or name the right file", path.display())]
    LibraryMissing { path: PathBuf, reason: String },
    /// The file is a library, but not DuckDB of the pinned version.
    #[error("{} is {found}, but this build works with DuckDB {expected} only. Install the pinned version of @duckdb/node-bindings", path.display())]
    LibraryVersion {
        path: PathBuf,
        found: String,
        expected: &'static str,
    },
    /// A process can work with one DuckDB library only: two would not see each other's file locks.
    #[error("{} cannot be loaded: this process already uses {}", requested.display(), loaded.display())]
    LibraryAlreadyLoaded { loaded: PathBuf, requested: PathBuf },
    /// Another process has the database file open.
    #[error("the database {} is in use by {}. Stop it, or write to another file", path.display(), holder.map_or("another process".to_string(), |pid| format!("process {pid}")))]
    FileLocked { path: PathBuf, holder: Option<u32> },
    /// The file exists and is something else.
    #[error("{} is not a DuckDB database. Name another file, or move this one away", path.display())]
    NotADatabase { path: PathBuf },
    /// The file is open already with other limits.
    #[error("the database {} cannot be opened: {message}", path.display())]
    CannotOpen { path: PathBuf, message: String },
    /// No folder to spill to can be made.
    #[error("nothing can be spilled below {}: {message}. Name another folder in SFERIC_TEMP_DIR or run.tempDirectory", path.display())]
    CannotSpill { path: PathBuf, message: String },
    /// An expression that cannot be used with the schema it is given.
    #[error("expression `{expression}`: {}", issue.message)]
    Expression {
        expression: String,
        issue: ExpressionIssue,
    },
    /// A query that cannot be used with the inputs it is given.
    #[error("query: {}", issue.message)]
    Query { issue: ExpressionIssue },
    /// A row on which an expression fails. `row` counts from 0 in the batch that was given.
    #[error("{name} (`{expression}`) fails on row {row}: {message}")]
    Row {
        name: String,
        expression: String,
        row: usize,
        message: String,
    },
    /// A value that a query fails on.
    #[error("a value cannot be computed: {message}")]
    Value { message: String },
    /// A column type that has no counterpart in DuckDB.
    #[error(
        "column \"{column}\" has type {data_type}, which expressions and database tables cannot hold. Leave the column out or convert it first"
    )]
    UnsupportedType { column: String, data_type: DataType },
    /// A column of DuckDB's type `TIMETZ`, which Arrow does not have.
    #[error(
        "column \"{column}\" is a time of day with an offset from UTC, which has no counterpart in Arrow. Convert it first: CAST({column} AS TIME) is the time without its offset, CAST({column} AS VARCHAR) the text"
    )]
    TimeWithOffset { column: String },
    /// Names that DuckDB takes for one, because it does not tell upper from lower case.
    #[error(
        "columns \"{first}\" and \"{second}\" differ only in upper and lower case, which SQL takes for one name. Rename one of them"
    )]
    AmbiguousColumns { first: String, second: String },
    /// Rows whose schema is not the one the caller announced.
    #[error("the rows do not have the announced schema: {difference}")]
    BatchSchema { difference: String },
    /// A table that exists and cannot take the rows.
    #[error("table {table} does not fit the rows: {}. Change the columns, or write to another table", differences.join("; "))]
    TableMismatch {
        table: String,
        differences: Vec<String>,
    },
    /// The memory limit is reached and nothing more can be spilled.
    #[error(
        "the memory limit is reached: {message}. Raise the limit, or allow a temporary directory to spill to"
    )]
    MemoryLimit { message: String },
    /// No space on a disk, for the database or for spilled data.
    #[error(
        "no space left on the disk: {message}. Free some space and run again; nothing was half written"
    )]
    DiskFull { message: String },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Too many rows in one batch for 32-bit row numbers.
    #[error("a batch of {rows} rows is too large; the limit is {}", u32::MAX)]
    BatchTooLarge { rows: usize },
    /// DuckDB failed for a reason that has no variant of its own.
    #[error("DuckDB: {message}")]
    Duckdb { message: String },
    /// Arrow refused data that DuckDB returned or that was to be handed over.
    #[error("Arrow: {0}")]
    Arrow(#[from] ArrowError),
}

/// Result of this crate's functions.
pub type Result<T, E = RelationalError> = std::result::Result<T, E>;

/// A DuckDB error taken apart. With `errors_as_json` DuckDB sends an object, behind a prefix for some kinds.
#[derive(Debug, Default)]
pub(crate) struct EngineError {
    /// DuckDB's class: `Binder`, `Parser`, `Conversion`, `IO`, …
    pub(crate) kind: String,
    pub(crate) message: String,
    /// Byte offset in the statement.
    pub(crate) position: Option<usize>,
    pub(crate) candidates: Vec<String>,
}

impl EngineError {
    /// Reads DuckDB's text; a text that is no JSON becomes the message as it is.
    pub(crate) fn parse(text: &str) -> Self {
        let json = text
            .find('{')
            .and_then(|start| serde_json::from_str::<serde_json::Value>(&text[start..]).ok());
        let Some(json) = json else {
            let (kind, message) = text.split_once(" Error: ").unwrap_or(("", text));
            return Self {
                kind: kind.to_string(),
                message: message.to_string(),
                ..Self::default()
            };
        };
        let field = |name: &str| json[name].as_str().unwrap_or_default().to_string();
        Self {
            kind: field("exception_type"),
            message: first_paragraph(&field("exception_message")),
            position: field("position").parse().ok(),
            candidates: field("candidates")
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(String::from)
                .collect(),
        }
    }
}

/// DuckDB appends hints on lines of their own; `candidates` carries what they say.
fn first_paragraph(message: &str) -> String {
    message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_string()
}

/// What the operating system says when a file cannot grow: the disk, the quota or the size limit of the process is used up.
const DISK_FULL: &[&str] = &[
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
];

impl From<EngineError> for RelationalError {
    fn from(error: EngineError) -> Self {
        let message = error.message;
        match error.kind.as_str() {
            "INTERRUPT" | "Interrupt" => Self::Cancelled,
            "Out of Memory" if message.contains("max_temp_directory_size") => {
                Self::DiskFull { message }
            }
            "Out of Memory" => Self::MemoryLimit { message },
            _ if DISK_FULL.iter().any(|reason| message.contains(reason)) => {
                Self::DiskFull { message }
            }
            "" => Self::Duckdb { message },
            kind => Self::Duckdb {
                message: format!("{kind}: {message}"),
            },
        }
    }
}
