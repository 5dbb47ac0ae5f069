//! `kernel-delta` for JavaScript, with the Parquet files of `kernel-formats`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::SchemaRef;
use kernel_delta::{Append, DataFile, DeltaError, FileStats, Wish};
use kernel_formats::{ParquetWriteParams, ParquetWriter};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Failure, Result};
use crate::formats::compression;
use crate::schema::{NativeColumn, from_columns, to_columns};
use crate::work::{Work, promise};

/// A column that Delta Lake cannot hold.
#[napi(object)]
pub struct NativeDeltaRefusal {
    pub column: String,
    pub reason: String,
    pub hint: String,
}

/// What is wanted of a table.
#[napi(object)]
pub struct NativeDeltaWish {
    /// Columns of the rows.
    pub columns: Vec<NativeColumn>,
    pub partition_by: Vec<String>,
    pub merge_schema: bool,
}

/// How rows are written into a table.
#[napi(object)]
pub struct NativeDeltaPlan {
    /// Columns of the rows as the table stores them.
    pub columns: Vec<NativeColumn>,
    pub partition_by: Vec<String>,
}

/// Rows that go into one file.
#[napi(object, object_from_js = false)]
pub struct NativeDeltaPart {
    pub values: Vec<Option<String>>,
    pub batch: NativeBatch,
}

/// A finished data file.
#[napi(object)]
pub struct NativeDeltaSummary {
    pub rows: f64,
    pub bytes: f64,
    /// `xxh64:` and 16 hex digits.
    pub checksum: String,
    /// JSON, as in the log.
    pub stats: String,
}

/// A data file that becomes part of a table.
#[napi(object)]
pub struct NativeDeltaFile {
    pub name: String,
    pub bytes: f64,
    pub values: Vec<Option<String>>,
    pub stats: String,
}

/// Files to become part of a table, once.
#[napi(object)]
pub struct NativeDeltaAppend {
    pub table: String,
    pub wish: NativeDeltaWish,
    pub app_id: String,
    pub version: f64,
    pub files: Vec<NativeDeltaFile>,
    pub temporary: String,
}

/// Which of the columns Delta Lake cannot hold.
#[napi]
pub fn delta_refusals(columns: Vec<NativeColumn>) -> napi::Result<Vec<NativeDeltaRefusal>> {
    let schema = from_columns(&columns)?;
    let refusals = kernel_delta::stored_schema(&schema)
        .err()
        .unwrap_or_default();
    let refusal = |refusal: kernel_delta::Refusal| NativeDeltaRefusal {
        column: refusal.column,
        reason: refusal.reason,
        hint: refusal.hint,
    };
    Ok(refusals.into_iter().map(refusal).collect())
}

/// How rows fit the table as it is, or a new one where none is.
#[napi(ts_return_type = "Promise<NativeDeltaPlan>")]
pub fn plan_delta(table: String, wish: NativeDeltaWish) -> AsyncTask<Work<NativeDeltaPlan>> {
    promise(move || {
        let plan = kernel_delta::plan(Path::new(&table), &wish_of(wish)?)?;
        Ok(NativeDeltaPlan {
            columns: to_columns(&plan.stored),
            partition_by: plan.partition_by,
        })
    })
}

/// The rows as the table stores them, cut by partition; the batch stays open.
#[napi(ts_return_type = "Promise<NativeDeltaPart[]>")]
pub fn delta_parts(
    batch: &NativeBatch,
    plan: NativeDeltaPlan,
) -> napi::Result<AsyncTask<Work<Vec<NativeDeltaPart>>>> {
    let rows = batch.rows()?.clone();
    Ok(promise(move || {
        let stored = from_columns(&plan.columns)?;
        let parts = kernel_delta::parts(&rows, &stored, &plan.partition_by)?;
        let part = |part: kernel_delta::Part| NativeDeltaPart {
            values: part.values,
            batch: NativeBatch::new(part.rows),
        };
        Ok(parts.into_iter().map(part).collect())
    }))
}

struct Open {
    writer: ParquetWriter,
    stats: FileStats,
}

/// A data file being written. Calls wait for each other in the order they were made.
#[napi]
pub struct NativeDeltaWriter {
    open: Arc<Mutex<Option<Open>>>,
}

#[napi]
impl NativeDeltaWriter {
    /// Adds the rows; the batch stays open.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write(&self, batch: &NativeBatch) -> napi::Result<AsyncTask<Work<()>>> {
        let (slot, rows) = (Arc::clone(&self.open), batch.rows()?.clone());
        Ok(promise(move || {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let open = slot.as_mut().ok_or_else(ended)?;
            open.stats.merge(&rows).map_err(Failure::internal)?;
            Ok(open.writer.write(&rows)?)
        }))
    }

    /// Completes, syncs and verifies the file.
    #[napi(ts_return_type = "Promise<NativeDeltaSummary>")]
    pub fn finish(&self) -> AsyncTask<Work<NativeDeltaSummary>> {
        let slot = Arc::clone(&self.open);
        promise(move || {
            let open = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Open { writer, stats } = open.ok_or_else(ended)?;
            let summary = writer.finish()?;
            Ok(NativeDeltaSummary {
                rows: summary.rows as f64,
                bytes: summary.bytes as f64,
                checksum: summary.checksum,
                stats: stats.finish().map_err(Failure::internal)?,
            })
        })
    }

    /// Closes the unfinished file. Harmless after `finish`.
    #[napi]
    pub fn abort(&self) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

#[napi(ts_return_type = "Promise<NativeDeltaWriter>")]
pub fn create_delta_file(
    path: String,
    columns: Vec<NativeColumn>,
    compression_name: String,
) -> AsyncTask<Work<NativeDeltaWriter>> {
    promise(move || {
        let schema: SchemaRef = from_columns(&columns)?;
        let params = ParquetWriteParams {
            compression: compression(&compression_name)?,
            ..Default::default()
        };
        let stats = FileStats::new(&schema).map_err(Failure::internal)?;
        let writer = ParquetWriter::create(&path, schema, &params)?;
        Ok(NativeDeltaWriter {
            open: Arc::new(Mutex::new(Some(Open { writer, stats }))),
        })
    })
}

/// Version of the table that has the files; null when it had them before.
#[napi(ts_return_type = "Promise<number | null>")]
pub fn append_delta(append: NativeDeltaAppend) -> AsyncTask<Work<Option<f64>>> {
    promise(move || {
        let wanted = Append {
            table: PathBuf::from(append.table),
            wish: wish_of(append.wish)?,
            app_id: append.app_id,
            version: append.version as i64,
            files: append.files.into_iter().map(data_file).collect(),
            temporary: PathBuf::from(append.temporary),
        };
        let appended = kernel_delta::append(&wanted)?;
        Ok(appended.version.map(|version| version as f64))
    })
}

fn data_file(file: NativeDeltaFile) -> DataFile {
    DataFile {
        name: file.name,
        bytes: file.bytes as u64,
        partition: file.values,
        stats: file.stats,
    }
}

fn wish_of(wish: NativeDeltaWish) -> Result<Wish> {
    Ok(Wish {
        rows: from_columns(&wish.columns)?,
        partition_by: wish.partition_by,
        merge_schema: wish.merge_schema,
    })
}

fn ended() -> Failure {
    Failure::internal("the file was finished or aborted already")
}

impl From<DeltaError> for Failure {
    fn from(error: DeltaError) -> Self {
        use DeltaError as E;
        match &error {
            E::Io { source, .. } => Failure::io(source.kind(), &error),
            E::UnsupportedType(_) => Failure::user("unsupported-type", &error),
            E::SchemaMismatch { .. } | E::Value { .. } => Failure::user("schema-mismatch", &error),
            E::UnsupportedTable { .. } => Failure::new("unsupported-table", "external", &error),
            E::Fenced { .. } => Failure::user("fenced", &error),
            E::Conflict { .. } => Failure::new("table-changed", "external", &error),
            E::RetentionTooShort { .. } => Failure::user("retention-too-short", &error),
            E::Busy { .. } => Failure::new("table-busy", "external", &error),
            E::NoVersion { .. } => Failure::user("no-version", &error),
            E::VersionGone { .. } => Failure::new("data-gone", "external", &error),
            E::FileGone { .. } | E::RowsChanged { .. } => {
                Failure::new("source-changed", "external", &error)
            }
            E::Unreadable { .. } => Failure::new("unsupported-table", "external", &error),
            E::Table { .. } => Failure::new("invalid-table", "external", &error),
        }
    }
}
