//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

use crate::types::Refusal;

/// The result of every fallible function here.
pub type Result<T, E = DeltaError> = std::result::Result<T, E>;

/// Why a table could not be read or written: one variant per cause.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// The operating system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Delta Lake has no type for a column, or not as a partition.
    #[error("{0}")]
    UnsupportedType(Refusal),
    /// The rows do not fit the table.
    #[error("rows do not fit the table {}: {reason}", table.display())]
    SchemaMismatch {
        /// The table's folder.
        table: PathBuf,
        /// The first difference, and what to do.
        reason: String,
    },
    /// A value does not fit the type that the table stores.
    #[error("column {column:?} cannot be stored as {stored}: {reason}")]
    Value {
        /// The column.
        column: String,
        /// Type of the table.
        stored: String,
        /// What the conversion says.
        reason: String,
    },
    /// The table needs something of its writers that this one cannot do.
    #[error(
        "the table {} needs the feature {feature:?} of its writers, which is not supported; write to another table",
        table.display()
    )]
    UnsupportedTable {
        /// The table's folder.
        table: PathBuf,
        /// Name of the table feature.
        feature: String,
    },
    /// Another writer used the application id for other rows.
    #[error(
        "another writer has written version {version} of the application {app_id:?} into {}: two runs use copies of one checkpoint. Go on with one of them, and give the other a checkpoint of its own",
        table.display()
    )]
    Fenced {
        /// The table's folder.
        table: PathBuf,
        /// The application id.
        app_id: String,
        /// The application's version, the epoch.
        version: i64,
    },
    /// Others committed first, every time.
    #[error(
        "{attempts} attempts to commit to {} met commits of other writers; run again when they are done",
        table.display()
    )]
    Busy {
        /// The table's folder.
        table: PathBuf,
        /// Commits that were tried.
        attempts: u32,
    },
    /// The table cannot be read, or the commit failed.
    #[error("the Delta table {}: {source}", table.display())]
    Table {
        /// The table's folder.
        table: PathBuf,
        /// What the Delta library says.
        source: Box<delta_kernel::KernelError>,
    },
}

impl DeltaError {
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn mismatch(table: &Path, reason: impl Into<String>) -> Self {
        Self::SchemaMismatch {
            table: table.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Names the table in what the Delta library says; an I/O error inside keeps its kind.
pub(crate) fn of_table(table: &Path) -> impl Fn(delta_kernel::KernelError) -> DeltaError {
    |error| match error {
        delta_kernel::KernelError::IOError(source) => DeltaError::io("use", table, source),
        source => DeltaError::Table {
            table: table.to_owned(),
            source: Box::new(source),
        },
    }
}
