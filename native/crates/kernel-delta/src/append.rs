//! One commit with files and the application's transaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::builder::{MapBuilder, StringBuilder};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{FieldRef, Fields, Schema};
use delta_kernel::KernelError;
use delta_kernel::engine::arrow_conversion::TryIntoKernel;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::schema::StructType;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use delta_kernel::transaction::{CommitResult, Transaction, UpdateTableOperation};

use crate::checkpoint::keep_log;
use crate::error::{DeltaError, Result, of_table};
use crate::log::{DurableCommitter, commits, create_log, engine, modified_ms, snapshot, url_of};
use crate::plan::{Plan, Wish, plan_for};
use crate::stats::parse_stats;

pub(crate) const ENGINE: &str = concat!("sferic/", env!("CARGO_PKG_VERSION"));
/// Commits that are tried while others are faster.
pub(crate) const ATTEMPTS_MAX: u32 = 100;

/// A Parquet file in the folder of the table.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Name in that folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Values of the partition columns, in their order.
    pub partition: Vec<Option<String>>,
    /// As [`crate::FileStats::finish`] gave them.
    pub stats: String,
}

/// Files to become part of a table, once.
#[derive(Debug, Clone)]
pub struct Append {
    /// Folder of the table, absolute.
    pub table: PathBuf,
    /// What is in the files.
    pub wish: Wish,
    /// Who writes: for each, versions are accepted in growing order.
    pub app_id: String,
    /// What is written: the epoch.
    pub version: i64,
    /// The files, complete and on the disk.
    pub files: Vec<DataFile>,
    /// Where a commit is written before it gets its name: a path on the disk of the table that nobody else uses.
    pub temporary: PathBuf,
}

/// What [`append`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Version of the table that has the files; none when it had them before.
    pub version: Option<u64>,
}

/// Adds the files to the table in one commit, which says that the application got to this version, and creates the table or
/// adds columns where that is needed. To repeat it changes nothing.
///
/// A commit of another writer in between is no conflict: the files are added to what that left. Survives a power failure
/// once it returns. Cost: the log since the last checkpoint is read.
///
/// Errors: [`DeltaError::Fenced`] when the application's version has other files, [`DeltaError::Busy`] after 100 attempts,
/// and those of [`crate::plan()`].
pub fn append(wanted: &Append) -> Result<Appended> {
    let table = wanted.table.as_path();
    for attempt in 0..ATTEMPTS_MAX {
        std::thread::sleep(Duration::from_millis(u64::from(attempt.min(20))));
        let current = snapshot(table)?;
        let plan = plan_for(table, current.as_ref(), &wanted.wish)?;
        let version = match current {
            None => create(wanted, &plan)?,
            Some(current) if is_done(wanted, &current)? => return Ok(Appended { version: None }),
            Some(current) => extend(wanted, &plan, current)?,
        };
        if version.is_some() {
            return Ok(Appended { version });
        }
    }
    Err(DeltaError::Busy {
        table: table.to_owned(),
        attempts: ATTEMPTS_MAX,
    })
}

/// Version of the commit that creates the table with the files; none when another writer was first.
fn create(wanted: &Append, plan: &Plan) -> Result<Option<u64>> {
    let table = wanted.table.as_path();
    let failed = of_table(table);
    create_log(table)?;
    let schema = stored_struct(plan.stored.as_ref()).map_err(&failed)?;
    let mut builder = create_table(url_of(table)?, Arc::new(schema), ENGINE, true)
        .with_transaction_id(wanted.app_id.clone(), wanted.version);
    if !plan.partition_by.is_empty() {
        let names = plan.partition_by.iter().map(String::as_str);
        builder = builder.with_data_layout(DataLayout::partitioned(names));
    }
    match builder.build(engine().as_ref(), committer(wanted)) {
        Ok(creation) => commit(wanted, plan, creation),
        Err(KernelError::TableAlreadyExistsAtPath(_)) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Version of the commit that adds the files, and the plan's new columns; none when another writer was first.
fn extend(wanted: &Append, plan: &Plan, current: SnapshotRef) -> Result<Option<u64>> {
    let failed = of_table(&wanted.table);
    let is_added = |field: &&FieldRef| plan.added.contains(field.name());
    let added: Fields = plan
        .stored
        .fields()
        .iter()
        .filter(is_added)
        .cloned()
        .collect();
    let added = stored_struct(&Schema::new(added)).map_err(&failed)?;
    let mut builder = current
        .update_table(UpdateTableOperation::Write, ENGINE, true)
        .with_transaction_id(wanted.app_id.clone(), wanted.version);
    for column in added.fields() {
        builder = builder.add_column(column.clone());
    }
    if plan.added.is_empty() {
        builder = builder.with_blind_append();
    }
    let transaction = builder
        .build(engine().as_ref(), committer(wanted))
        .map_err(failed)?;
    commit(wanted, plan, transaction)
}

fn commit<S>(wanted: &Append, plan: &Plan, transaction: Transaction<S>) -> Result<Option<u64>> {
    commit_files(
        &wanted.table,
        &wanted.files,
        &plan.partition_by,
        transaction,
    )
}

/// Version of the commit of a transaction with these files added; none when another writer was first. Then puts the log in
/// order: what fails of that is tried again by the next commit, as nothing depends on it.
pub(crate) fn commit_files<S>(
    table: &Path,
    files: &[DataFile],
    partition_by: &[String],
    mut transaction: Transaction<S>,
) -> Result<Option<u64>> {
    let failed = of_table(table);
    if !files.is_empty() {
        let expected = transaction.stats_schema().map_err(&failed)?;
        let files = added_files(table, files, partition_by, &expected)?;
        transaction.add_files(Box::new(ArrowEngineData::new(files)));
    }
    match transaction.commit(engine().as_ref()).map_err(&failed)? {
        CommitResult::Committed(done) => {
            if let Some(newest) = done.post_commit_snapshot() {
                let _ = keep_log(table, newest);
            }
            Ok(Some(done.commit_version()))
        }
        CommitResult::Conflicted(_) => Ok(None),
        CommitResult::Retryable(failure) => Err(failed(failure.error)),
    }
}

fn stored_struct(columns: &Schema) -> Result<StructType, KernelError> {
    Ok(columns.try_into_kernel()?)
}

/// The files as rows of `delta_kernel`'s schema of added files.
fn added_files(
    table: &Path,
    files: &[DataFile],
    partition_by: &[String],
    stats: &StructType,
) -> Result<RecordBatch> {
    let failed = of_table(table);
    let texts: Vec<&str> = files.iter().map(|file| file.stats.as_str()).collect();
    let stats = parse_stats(&texts, stats).map_err(&failed)?;
    let mut times = Vec::new();
    for DataFile { name, .. } in files {
        let path = table.join(name);
        times.push(modified_ms(&path).map_err(|error| DeltaError::io("read", &path, error))?);
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "path",
            Arc::new(StringArray::from_iter_values(
                files.iter().map(|file| &file.name),
            )),
        ),
        ("partitionValues", partition_values(files, partition_by)),
        (
            "size",
            Arc::new(Int64Array::from_iter_values(
                files.iter().map(|file| file.bytes as i64),
            )),
        ),
        ("modificationTime", Arc::new(Int64Array::from(times))),
        ("stats", Arc::new(stats)),
    ];
    RecordBatch::try_from_iter(columns).map_err(|error| failed(error.into()))
}

fn partition_values(files: &[DataFile], names: &[String]) -> ArrayRef {
    let mut values = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for file in files {
        for (name, value) in names.iter().zip(&file.partition) {
            values.keys().append_value(name);
            values.values().append_option(value.as_deref());
        }
        values.append(true).expect("as many keys as values");
    }
    Arc::new(values.finish())
}

/// Whether an earlier call has committed these files.
fn is_done(wanted: &Append, current: &SnapshotRef) -> Result<bool> {
    let reached = current
        .get_app_id_version(&wanted.app_id, engine().as_ref())
        .map_err(of_table(&wanted.table))?;
    if reached.is_none_or(|reached| reached < wanted.version) {
        return Ok(false);
    }
    match commit_of(wanted)? {
        Some(commit) if wanted.files.iter().any(|file| !commit.contains(&file.name)) => {
            Err(DeltaError::Fenced {
                table: wanted.table.clone(),
                app_id: wanted.app_id.clone(),
                version: wanted.version,
            })
        }
        _ => Ok(true),
    }
}

/// Text of the commit with the application's version; none once the log was cleaned of it.
fn commit_of(wanted: &Append) -> Result<Option<String>> {
    let id = format!("\"appId\":{}", json_text(&wanted.app_id));
    let version = format!("\"version\":{},", wanted.version);
    let last = format!("\"version\":{}}}", wanted.version);
    for path in commits(&wanted.table)? {
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let text = read(&path)?;
        let is_it = |line: &str| {
            line.starts_with("{\"txn\":")
                && line.contains(&id)
                && (line.contains(&version) || line.contains(&last))
        };
        if text.lines().any(is_it) {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| DeltaError::io("read", path, error))
}

/// A text as JSON has it.
fn json_text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

fn committer(wanted: &Append) -> Box<DurableCommitter> {
    Box::new(DurableCommitter {
        temporary: wanted.temporary.clone(),
    })
}
