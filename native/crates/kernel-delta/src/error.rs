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
    /// What was to be rewritten was changed by another writer.
    #[error(
        "another writer has changed {file} of the table {} while it was being rewritten; nothing is lost, run again",
        table.display()
    )]
    Conflict {
        /// The table's folder.
        table: PathBuf,
        /// The file, as in the log.
        file: String,
    },
    /// Files would be removed that readers may still need.
    #[error(
        "the table {} keeps removed files for {kept_hours} hours; readers and runs that go on may need them. Give a longer time, or force it when nobody else uses the table",
        table.display()
    )]
    RetentionTooShort {
        /// The table's folder.
        table: PathBuf,
        /// What the table asks for.
        kept_hours: u64,
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
    /// A version that is not there, or whose log is no longer.
    #[error(
        "the table {} cannot be read as of {what}: {reason}; choose another one, which \"sferic delta history\" lists",
        table.display()
    )]
    NoVersion {
        /// The table's folder.
        table: PathBuf,
        /// The version, or its time.
        what: String,
        /// Why not.
        reason: String,
    },
    /// A stream needs a commit that the log was cleaned of.
    #[error(
        "version {version} of the table {} is no longer in its log: rows that were not read yet may be gone. Keep the log for longer with the property \"delta.logRetentionDuration\", and start anew with an empty checkpoint",
        table.display()
    )]
    VersionGone {
        /// The table's folder.
        table: PathBuf,
        /// The version.
        version: u64,
    },
    /// A stream comes to a version that deletes or rewrites rows.
    #[error(
        "version {version} of the table {} takes {removed} files of rows away, which a stream cannot pass on; pass over such versions with \"onChange\": \"skip\", or start anew with an empty checkpoint",
        table.display()
    )]
    RowsChanged {
        /// The table's folder.
        table: PathBuf,
        /// The version.
        version: u64,
        /// Files that it removes.
        removed: u64,
    },
    /// A file that the log has is no longer there.
    #[error(
        "{file} of version {version} of the table {} {reason}: it was vacuumed, or changed. Keep files for longer, and start anew with an empty checkpoint or a newer version",
        table.display()
    )]
    FileGone {
        /// The table's folder.
        table: PathBuf,
        /// Version of the table that is read.
        version: u64,
        /// The file, as in the log.
        file: String,
        /// What is there instead.
        reason: String,
    },
    /// The table has something that readers must know, and this one does not.
    #[error("the table {} cannot be read: {reason}", table.display())]
    Unreadable {
        /// The table's folder.
        table: PathBuf,
        /// What it is.
        reason: String,
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
