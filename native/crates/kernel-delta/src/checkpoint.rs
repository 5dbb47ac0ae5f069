//! The log in order: checkpoints, so that it is quick to read, and the end of what is too old.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arrow_array::{Array, RecordBatch};
use delta_kernel::KernelError;
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::snapshot::SnapshotRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::disk::{self, Change};
use crate::error::{DeltaError, Result, of_table};
use crate::log::{LOG, commits, engine, version_of};

/// Commits from one checkpoint to the next, where the table has no `delta.checkpointInterval`.
const COMMITS_PER_CHECKPOINT: u64 = 10;
/// How long commits are kept, where the table has no `delta.logRetentionDuration`.
const LOG_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Writes a checkpoint of the version when there are enough commits since the last one, and then removes what is too old of
/// the log. Whether it did.
///
/// The checkpoint is there whole or not at all, also after a power failure; it can be missing and nothing is lost.
/// Cost: the state of the table is read and written. Memory: that of `delta_kernel`, some 1 KiB for each file.
pub(crate) fn keep_log(table: &Path, newest: &SnapshotRef) -> Result<bool> {
    let interval = newest
        .table_properties()
        .checkpoint_interval
        .map_or(COMMITS_PER_CHECKPOINT, |interval| interval.get());
    let last = newest.log_segment().checkpoint_version.unwrap_or(0);
    if newest.version() < last + interval {
        return Ok(false);
    }
    write_checkpoint(table, newest)?;
    remove_old(table, newest)?;
    Ok(true)
}

/// The state of the table at a version, batch by batch, as a checkpoint of it has it.
pub(crate) fn state_of(
    table: &Path,
    version: &SnapshotRef,
) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let failed = of_table(table);
    let writer = version
        .clone()
        .create_checkpoint_writer(engine().as_ref())
        .map_err(&failed)?;
    let data = writer.checkpoint_data(engine().as_ref()).map_err(&failed)?;
    let table = table.to_owned();
    Ok(data.map(move |part| {
        part.and_then(|part| part.apply_selection_vector())
            .and_then(|part| part.try_into_record_batch())
            .map_err(of_table(&table))
    }))
}

/// A name in the log that nobody else uses, and that no reader looks at.
fn temporary(table: &Path, name: &str) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    // Process ids are no names: two containers that share a table have the same.
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    let process = *PROCESS;
    table
        .join(LOG)
        .join(format!(".{name}.{process:016x}-{number}{TEMPORARY_END}"))
}

/// How the names of files end that are being written in the log.
pub(crate) const TEMPORARY_END: &str = ".tmp";

fn write_checkpoint(table: &Path, version: &SnapshotRef) -> Result<()> {
    let name = format!("{:020}.checkpoint.parquet", version.version());
    let path = table.join(LOG).join(&name);
    let temporary = temporary(table, &name);
    let written = write_state(table, version, &temporary);
    let linked = written.and_then(|counts| {
        match disk::link(&temporary, &path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            linked => linked.map_err(|error| DeltaError::io("write", &path, error))?,
        }
        Ok(counts)
    });
    let removed = disk::remove(&temporary);
    let (actions, files) = linked?;
    removed.map_err(|error| DeltaError::io("remove", &temporary, error))?;
    sync_log(table)?;
    let bytes = fs::metadata(&path).map_err(|error| DeltaError::io("read", &path, error))?;
    let hint = format!(
        r#"{{"version":{},"size":{actions},"sizeInBytes":{},"numOfAddFiles":{files}}}"#,
        version.version(),
        bytes.len()
    );
    write_hint(table, version.version(), &hint)
}

/// How many actions there are, and how many of them add files.
fn write_state(table: &Path, version: &SnapshotRef, path: &Path) -> Result<(usize, usize)> {
    let failed = |error| DeltaError::io("write", path, error);
    let of_parquet = |error: parquet::errors::ParquetError| failed(std::io::Error::other(error));
    let file = disk::create(path).map_err(failed)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let (mut file, mut writer) = (Some(file), None);
    let (mut actions, mut files) = (0, 0);
    for batch in state_of(table, version)? {
        let batch = batch?;
        if let Some(file) = file.take() {
            let created = ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()));
            writer = Some(created.map_err(of_parquet)?);
        }
        actions += batch.num_rows();
        files += batch
            .column_by_name("add")
            .map_or(0, |add| add.len() - add.null_count());
        if let Some(writer) = &mut writer {
            writer.write(&batch).map_err(of_parquet)?;
        }
    }
    let writer = writer.ok_or_else(|| {
        of_table(table)(KernelError::generic(
            "the log has no actions for a checkpoint",
        ))
    })?;
    let written = Change::Written(path.to_owned());
    disk::change(written, || writer.close().map_err(std::io::Error::other)).map_err(failed)?;
    disk::sync(path).map_err(failed)?;
    Ok((actions, files))
}

/// Says which checkpoint is the newest, for readers that do not want to look; unless a newer one is named there.
fn write_hint(table: &Path, version: u64, hint: &str) -> Result<()> {
    let path = table.join(LOG).join(LAST_CHECKPOINT);
    let known = fs::read_to_string(&path).unwrap_or_default();
    let known: Option<serde_json::Value> = serde_json::from_str(&known).ok();
    if known.is_some_and(|known| known["version"].as_u64() > Some(version)) {
        return Ok(());
    }
    let failed = |error| DeltaError::io("write", &path, error);
    let temporary = temporary(table, LAST_CHECKPOINT);
    disk::write(&temporary, hint.as_bytes())
        .and_then(|()| disk::rename(&temporary, &path))
        .inspect_err(|_| {
            let _ = disk::remove(&temporary);
        })
        .map_err(failed)?;
    sync_log(table)
}

fn sync_log(table: &Path) -> Result<()> {
    let log = table.join(LOG);
    disk::sync(&log).map_err(|error| DeltaError::io("sync", &log, error))
}

/// Removes the log before the newest checkpoint that is older than commits are kept. The oldest go first, so that what is
/// left is always a whole end of the log.
fn remove_old(table: &Path, newest: &SnapshotRef) -> Result<()> {
    let properties = newest.table_properties();
    if properties.enable_expired_log_cleanup == Some(false) {
        return Ok(());
    }
    let retention = properties.log_retention_duration.unwrap_or(LOG_RETENTION);
    let Some(cutoff) = SystemTime::now().checked_sub(retention) else {
        return Ok(());
    };
    let names = commits(table)?;
    let is_old = |path: &&PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| {
            name.ends_with(".checkpoint.parquet") && name.len() == CHECKPOINT_NAME_LENGTH
        }) && fs::metadata(path)
            .and_then(|found| found.modified())
            .is_ok_and(|modified| modified < cutoff)
    };
    let Some(first) = names.iter().find(is_old).and_then(|path| version_of(path)) else {
        return Ok(());
    };
    for path in names.iter().rev() {
        if version_of(path).is_some_and(|version| version < first) {
            disk::remove(path).map_err(|error| DeltaError::io("remove", path, error))?;
        }
    }
    Ok(())
}

/// Of a checkpoint that is one file: 20 digits and the ending.
const CHECKPOINT_NAME_LENGTH: usize = 20 + ".checkpoint.parquet".len();
