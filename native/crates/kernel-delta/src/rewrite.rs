//! Small files become large ones, without a change of rows.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use delta_kernel::engine::arrow_data::EngineDataArrowExt;
use delta_kernel::scan::state::DvInfo;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::transaction::UpdateTableOperation;
use delta_kernel::{EngineData, FilteredEngineData};

use crate::append::{ATTEMPTS_MAX, DataFile, ENGINE, commit_files};
use crate::disk;
use crate::error::{DeltaError, Result, of_table};
use crate::log::{DurableCommitter, engine, snapshot};
use crate::plan::require_features;
use crate::read::{TableFile, TableVersion};

/// Which files are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Those of which there are many of about one size: a row is rewritten a few times until its file is large, and the
    /// number of files stays bounded. See [`groups_of`].
    Tail,
    /// All that are small, and those with deleted rows.
    All,
}

/// Files of one partition that become one.
#[derive(Debug, Clone)]
pub struct Group {
    /// In the order of their times.
    pub files: Vec<TableFile>,
    /// Values of the partition columns, in their order.
    pub partition: Vec<Option<String>>,
}

/// Small files of one size from which on they are put together.
const FILES_PER_SIZE: usize = 16;
/// What the largest of a size is to its smallest.
const SIZE_RATIO: u64 = 16;
/// All smaller files are of one size.
const SMALLEST_BYTES: u64 = 4096;

/// What of the files of a version is to be put together to have about `target_bytes`.
///
/// A file is small below half of that. With [`Policy::Tail`], small files are told apart by their size, in ratios of 16; 16 of
/// one size in a partition become one file, or fewer of them when these reach the target. So a partition has at most
/// 15 files of each of at most `1 + log16(target / 8 KiB)` sizes, and those that are not small.
///
/// Errors: [`DeltaError::UnsupportedTable`] where files cannot be rewritten.
pub fn groups_of(version: &TableVersion, target_bytes: u64, policy: Policy) -> Result<Vec<Group>> {
    require_rewritable(&version.table, &version.snapshot)?;
    let names: Vec<String> = {
        let columns = version.columns();
        let physical = |name: &String| {
            let column = columns.iter().find(|column| column.field.name() == name);
            column.map_or_else(|| name.clone(), |column| column.physical.clone())
        };
        version.partition_by().iter().map(physical).collect()
    };
    let mut partitions: BTreeMap<Vec<Option<String>>, Vec<TableFile>> = BTreeMap::new();
    for file in version.files()? {
        let key = names.iter().map(|name| file.partition.get(name).cloned());
        partitions.entry(key.collect()).or_default().push(file);
    }
    let mut groups = Vec::new();
    for (partition, files) in partitions {
        let cut = match policy {
            Policy::Tail => of_one_size(files, target_bytes),
            Policy::All => all_small(files, target_bytes),
        };
        groups.extend(cut.into_iter().map(|files| Group {
            files,
            partition: partition.clone(),
        }));
    }
    Ok(groups)
}

fn of_one_size(files: Vec<TableFile>, target: u64) -> Vec<Vec<TableFile>> {
    let mut sizes: BTreeMap<u32, Vec<TableFile>> = BTreeMap::new();
    for file in files {
        if let Some(size) = size_of(file.bytes, target) {
            sizes.entry(size).or_default().push(file);
        }
    }
    let many = sizes
        .into_values()
        .filter(|files| files.len() >= FILES_PER_SIZE);
    many.flat_map(|files| filled(files, target))
        .filter(|group| group.len() > 1)
        .collect()
}

/// How often the file must grow by the ratio to be large; none when it is.
fn size_of(bytes: u64, target: u64) -> Option<u32> {
    let mut bytes = bytes.max(SMALLEST_BYTES);
    let mut size = None;
    while bytes < target / 2 {
        bytes = bytes.saturating_mul(SIZE_RATIO);
        size = Some(size.map_or(0, |size| size + 1));
    }
    size
}

fn all_small(files: Vec<TableFile>, target: u64) -> Vec<Vec<TableFile>> {
    let is_wanted = |file: &TableFile| file.bytes < target / 2 || file.deleted.has_vector();
    let wanted = files.into_iter().filter(is_wanted).collect();
    let is_useful = |group: &Vec<TableFile>| {
        group.len() > 1 || group.iter().any(|file| file.deleted.has_vector())
    };
    filled(wanted, target)
        .into_iter()
        .filter(is_useful)
        .collect()
}

/// The files in groups that just reach the target, the last one perhaps not.
fn filled(files: Vec<TableFile>, target: u64) -> Vec<Vec<TableFile>> {
    let mut groups: Vec<Vec<TableFile>> = Vec::new();
    let mut bytes = target;
    for file in files {
        if bytes >= target {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.bytes;
        if let Some(group) = groups.last_mut() {
            group.push(file);
        }
    }
    groups
}

/// Puts the files in the place of the removed ones, in one commit that changes no rows; returns its version. Who appends
/// meanwhile is no conflict.
///
/// Survives a power failure once it returns. Cost: the log is read for each attempt.
///
/// Errors: [`DeltaError::Conflict`] when a file was removed, or rows of it deleted, since it was read; nothing is committed
/// then. [`DeltaError::UnsupportedTable`], [`DeltaError::Busy`].
pub fn rewrite(
    table: &Path,
    removed: &[TableFile],
    added: &[DataFile],
    temporary: &Path,
) -> Result<u64> {
    disk::sync(table).map_err(|error| DeltaError::io("sync", table, error))?;
    let failed = of_table(table);
    for attempt in 0..ATTEMPTS_MAX {
        std::thread::sleep(std::time::Duration::from_millis(u64::from(attempt.min(20))));
        let current = snapshot(table)?.ok_or_else(|| no_table(table))?;
        require_rewritable(table, &current)?;
        let partition_by = current
            .table_configuration()
            .logical_partition_columns()
            .to_vec();
        let found = rows_of(table, &current, removed)?;
        let committer = DurableCommitter {
            temporary: temporary.to_owned(),
        };
        let mut transaction = current
            .update_table(UpdateTableOperation::Optimize, ENGINE, false)
            .build(engine().as_ref(), Box::new(committer))
            .map_err(&failed)?;
        for files in found {
            transaction.remove_files(files);
        }
        if let Some(version) = commit_files(table, added, &partition_by, transaction)? {
            return Ok(version);
        }
    }
    Err(DeltaError::Busy {
        table: table.to_owned(),
        attempts: ATTEMPTS_MAX,
    })
}

/// Errors: [`DeltaError::UnsupportedTable`] where rewritten rows would have to keep what this writer does not know of.
fn require_rewritable(table: &Path, current: &SnapshotRef) -> Result<()> {
    require_features(table, current)?;
    if current.table_properties().enable_row_tracking != Some(true) {
        return Ok(());
    }
    Err(DeltaError::UnsupportedTable {
        table: table.to_owned(),
        feature: "rowTracking".into(),
    })
}

fn no_table(table: &Path) -> DeltaError {
    DeltaError::mismatch(table, "there is no table any more")
}

/// The files as the log has them now, for a transaction that removes them.
fn rows_of(
    table: &Path,
    current: &SnapshotRef,
    files: &[TableFile],
) -> Result<Vec<FilteredEngineData>> {
    let failed = of_table(table);
    let mut missing: HashMap<&str, &DvInfo> = files
        .iter()
        .map(|file| (file.name.as_str(), &file.deleted))
        .collect();
    let scan = current
        .clone()
        .scan_builder()
        .without_row_transforms()
        .build()
        .map_err(&failed)?;
    let mut found = Vec::new();
    for metadata in scan.scan_metadata(engine().as_ref()).map_err(&failed)? {
        let metadata = metadata.map_err(&failed)?;
        let known = metadata
            .visit_scan_files(Vec::new(), |known, file| {
                known.push((file.path, file.dv_info))
            })
            .map_err(&failed)?;
        for (name, deleted) in known {
            if missing
                .get(name.as_str())
                .is_some_and(|expected| **expected != deleted)
            {
                return Err(conflict(table, &name));
            }
        }
        let (data, selected) = metadata.scan_files.into_parts();
        let rows = data.try_into_record_batch().map_err(&failed)?;
        let chosen = chosen(&rows, &selected, &mut missing);
        if chosen.contains(&true) {
            let data: Box<dyn EngineData> =
                Box::new(delta_kernel::engine::arrow_data::ArrowEngineData::new(rows));
            found.push(FilteredEngineData::try_new(data, chosen).map_err(&failed)?);
        }
    }
    match missing.keys().next() {
        None => Ok(found),
        Some(name) => Err(conflict(table, name)),
    }
}

/// Which of the selected rows are files that are still missing; they are not any more.
fn chosen(
    rows: &RecordBatch,
    selected: &[bool],
    missing: &mut HashMap<&str, &DvInfo>,
) -> Vec<bool> {
    let Some(paths) = rows
        .column_by_name("path")
        .and_then(|paths| paths.as_string_opt::<i32>())
    else {
        return vec![false; rows.num_rows()];
    };
    let is_chosen = |row: usize| {
        selected.get(row).copied().unwrap_or(true)
            && !paths.is_null(row)
            && missing.remove(paths.value(row)).is_some()
    };
    (0..rows.num_rows()).map(is_chosen).collect()
}

fn conflict(table: &Path, file: &str) -> DeltaError {
    DeltaError::Conflict {
        table: table.to_owned(),
        file: file.to_owned(),
    }
}
