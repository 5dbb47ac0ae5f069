//! `kernel-delta` for those who keep a table in order: compaction, vacuum, history.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use kernel_delta::{
    At, DataFile, DeltaError, FileStats, Group, Policy, TableFile, TableVersion, Vacuuming,
};
use kernel_formats::{FilesItem, FilesReader, ParquetWriteParams, ParquetWriter};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::delta_read::{DeltaFiles, NativeDeltaAt, at_of, require_whole_variants};
use crate::error::{Failure, Result};
use crate::formats::compression;
use crate::schema::{NativeColumn, to_columns};
use crate::work::{CancelToken, Cancelled, Work, promise};

/// How files of a table are put together.
#[napi(object)]
pub struct NativeDeltaCompaction {
    pub table: String,
    /// Size of a file that is large enough.
    pub target_bytes: f64,
    /// Whether only what there is much of is put together, instead of all that is small.
    pub tail_only: bool,
    pub compression: String,
    /// Part of the names of the new files; nobody uses it twice.
    pub name: String,
}

/// What a compaction did.
#[napi(object)]
pub struct NativeDeltaCompacted {
    /// Of its commit; absent when there was nothing to do.
    pub version: Option<f64>,
    pub removed_files: f64,
    pub removed_bytes: f64,
    pub added_files: f64,
    pub added_bytes: f64,
}

/// What is removed for good.
#[napi(object)]
pub struct NativeDeltaVacuum {
    pub table: String,
    /// How long a removed file stays; the table's own time when absent.
    pub retention_hours: Option<f64>,
    pub force: bool,
    pub dry_run: bool,
}

/// What was removed, or would be.
#[napi(object)]
pub struct NativeDeltaVacuumed {
    pub files: Vec<String>,
    pub bytes: f64,
    pub younger: f64,
    pub retention_hours: f64,
}

/// One version of a table.
#[napi(object)]
pub struct NativeDeltaHistoryEntry {
    pub version: f64,
    pub time_ms: f64,
    pub operation: Option<String>,
    pub engine: Option<String>,
    pub added: f64,
    pub removed: f64,
    pub rearranged: f64,
}

/// A name and a value.
#[napi(object)]
pub struct NativeDeltaProperty {
    pub name: String,
    pub value: String,
}

/// What a version of a table is.
#[napi(object)]
pub struct NativeDeltaDetails {
    pub version: f64,
    pub id: String,
    pub time_ms: f64,
    pub columns: Vec<NativeColumn>,
    pub partition_by: Vec<String>,
    pub files: f64,
    pub bytes: f64,
    pub removed_files: f64,
    pub checkpoint: Option<f64>,
    pub properties: Vec<NativeDeltaProperty>,
}

/// Puts files together in one commit; null where no table is.
#[napi(ts_return_type = "Promise<NativeDeltaCompacted | null>")]
pub fn compact_delta(
    compaction: NativeDeltaCompaction,
    token: Option<&CancelToken>,
) -> AsyncTask<Work<Option<NativeDeltaCompacted>>> {
    let cancelled = Cancelled::from_token(token);
    promise(move || {
        let Some(version) = kernel_delta::open(Path::new(&compaction.table), At::Newest)? else {
            return Ok(None);
        };
        compact(&compaction, &version, &cancelled).map(Some)
    })
}

fn compact(
    wish: &NativeDeltaCompaction,
    version: &TableVersion,
    cancelled: &Cancelled,
) -> Result<NativeDeltaCompacted> {
    let table = Path::new(&wish.table);
    let policy = match wish.tail_only {
        true => Policy::Tail,
        false => Policy::All,
    };
    let groups = kernel_delta::groups_of(version, wish.target_bytes as u64, policy)?;
    for group in &groups {
        require_whole_variants(table, version, &group.files)?;
    }
    let mut added = Vec::new();
    let written = groups
        .iter()
        .try_for_each(|group| write_group(wish, version, group, &mut added, cancelled));
    let removed: Vec<TableFile> = groups.into_iter().flat_map(|group| group.files).collect();
    let temporary = table.join(format!("_delta_log/.{}.json.tmp", wish.name));
    let committed = written.and_then(|()| {
        if removed.is_empty() {
            return Ok(None);
        }
        match kernel_delta::rewrite(table, &removed, &added, &temporary) {
            Ok(version) => Ok(Some(version as f64)),
            // After any other failure the commit may be there: the files are left to vacuum.
            Err(error @ (DeltaError::Io { .. } | DeltaError::Table { .. })) => {
                added.clear();
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    });
    if committed.is_err() {
        for file in &added {
            let _ = fs::remove_file(table.join(&file.name));
        }
    }
    let bytes = |sizes: &mut dyn Iterator<Item = u64>| sizes.sum::<u64>() as f64;
    Ok(NativeDeltaCompacted {
        version: committed?,
        removed_files: removed.len() as f64,
        removed_bytes: bytes(&mut removed.iter().map(|file| file.bytes)),
        added_files: added.len() as f64,
        added_bytes: bytes(&mut added.iter().map(|file| file.bytes)),
    })
}

/// Bytes of rows, uncompressed, that a row group of a rewritten file may hold.
const ROW_GROUP_BYTES_MAX: u64 = 32 << 20;

/// Writes the rows of a group into one file, which is among `added` from its beginning; none where all rows are deleted.
fn write_group(
    wish: &NativeDeltaCompaction,
    version: &TableVersion,
    group: &Group,
    added: &mut Vec<DataFile>,
    cancelled: &Cancelled,
) -> Result<()> {
    let table = Path::new(&wish.table);
    let stored = stored_columns(version);
    let params = ParquetWriteParams {
        compression: compression(&wish.compression)?,
        row_group_bytes_max: ROW_GROUP_BYTES_MAX,
        ..Default::default()
    };
    let name = format!(
        "part-{:05}-{}.{}.parquet",
        added.len(),
        wish.name,
        wish.compression
    );
    let path: PathBuf = table.join(&name);
    added.push(DataFile {
        name,
        bytes: 0,
        partition: group.partition.clone(),
        stats: String::new(),
    });
    let mut stats = FileStats::new(&stored).map_err(Failure::internal)?;
    let mut writer = ParquetWriter::create(&path, Arc::clone(&stored), &params)?;
    let (format, inputs) = DeltaFiles::of(table, version, &group.files);
    let mut reader = FilesReader::start(format, inputs, Some(stored), None)?;
    while let Some(item) = reader.next(&|| cancelled.is_set()) {
        match item? {
            FilesItem::Rows(rows) => {
                stats.merge(&rows).map_err(Failure::internal)?;
                writer.write(&rows)?;
            }
            FilesItem::Invalid { name, error } => {
                let message = format!(
                    "{name} of the Delta table {} cannot be read: {error}",
                    table.display()
                );
                return Err(Failure::new("invalid-table", "external", message));
            }
        }
    }
    let summary = writer.finish()?;
    if summary.rows == 0 {
        let _ = fs::remove_file(&path);
        added.pop();
        return Ok(());
    }
    if let Some(file) = added.last_mut() {
        file.bytes = summary.bytes;
        file.stats = stats.finish().map_err(Failure::internal)?;
    }
    Ok(())
}

/// The columns of a table that are in its files.
fn stored_columns(version: &TableVersion) -> SchemaRef {
    let columns = version.columns();
    let own = columns.iter().filter(|column| !column.is_partition);
    let fields = own.map(|column| Arc::clone(&column.field));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Removes files that no version needs any more; null where no table is.
#[napi(ts_return_type = "Promise<NativeDeltaVacuumed | null>")]
pub fn vacuum_delta(wish: NativeDeltaVacuum) -> AsyncTask<Work<Option<NativeDeltaVacuumed>>> {
    promise(move || {
        let retention = wish
            .retention_hours
            .map(|hours| Duration::from_secs_f64(hours * 3600.0));
        let wanted = Vacuuming {
            retention,
            is_forced: wish.force,
            is_rehearsal: wish.dry_run,
        };
        let found = kernel_delta::vacuum(Path::new(&wish.table), &wanted)?;
        Ok(found.map(|found| NativeDeltaVacuumed {
            files: found.files,
            bytes: found.bytes as f64,
            younger: found.younger as f64,
            retention_hours: found.retention_hours as f64,
        }))
    })
}

/// The newest versions, newest first; null where no table is.
#[napi(ts_return_type = "Promise<NativeDeltaHistoryEntry[] | null>")]
pub fn delta_history(
    table: String,
    limit: u32,
) -> AsyncTask<Work<Option<Vec<NativeDeltaHistoryEntry>>>> {
    promise(move || {
        let entries = kernel_delta::history(Path::new(&table), limit as usize)?;
        let entry = |entry: kernel_delta::HistoryEntry| NativeDeltaHistoryEntry {
            version: entry.version as f64,
            time_ms: entry.time_ms as f64,
            operation: entry.operation,
            engine: entry.engine,
            added: entry.added as f64,
            removed: entry.removed as f64,
            rearranged: entry.rearranged as f64,
        };
        Ok(entries.map(|entries| entries.into_iter().map(entry).collect()))
    })
}

/// What a version of a table is; null where no table is.
#[napi(ts_return_type = "Promise<NativeDeltaDetails | null>")]
pub fn delta_details(
    table: String,
    at: NativeDeltaAt,
) -> AsyncTask<Work<Option<NativeDeltaDetails>>> {
    promise(move || {
        let found = kernel_delta::details(Path::new(&table), at_of(&at))?;
        Ok(found.map(|found| NativeDeltaDetails {
            version: found.version.version() as f64,
            id: found.version.id().to_owned(),
            time_ms: found.time_ms as f64,
            columns: to_columns(&found.version.schema()),
            partition_by: found.version.partition_by(),
            files: found.files as f64,
            bytes: found.bytes as f64,
            removed_files: found.removed_files as f64,
            checkpoint: found.checkpoint.map(|version| version as f64),
            properties: found
                .properties
                .into_iter()
                .map(|(name, value)| NativeDeltaProperty { name, value })
                .collect(),
        }))
    })
}
