//! Files that no version needs any more.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch, StructArray};
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use delta_kernel::snapshot::SnapshotRef;

use crate::checkpoint::{TEMPORARY_END, state_of};
use crate::commit::read_commit;
use crate::disk;
use crate::error::{DeltaError, Result, of_table};
use crate::log::{LOG, commits, snapshot, url_of, version_of};
use crate::plan::require_features;
use crate::read::path_of;

/// What [`vacuum`] is to do.
#[derive(Debug, Clone)]
pub struct Vacuuming {
    /// How long a removed file stays; the table's own time when absent.
    pub retention: Option<Duration>,
    /// Whether that may be less than the table asks for.
    pub is_forced: bool,
    /// Whether nothing is removed.
    pub is_rehearsal: bool,
}

/// What [`vacuum`] has removed, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vacuumed {
    /// Paths, relative to the table.
    pub files: Vec<String>,
    /// Their sizes together.
    pub bytes: u64,
    /// Files that go as well once they are older.
    pub younger: u64,
    /// How old a file had to be, in hours.
    pub retention_hours: u64,
}

/// How long removed files are kept, where the table has no `delta.deletedFileRetentionDuration`.
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Removes the data files, deletion vectors and unfinished files of the log that the newest version does not need, that were
/// not removed from it lately, and that are themselves as old. Names that begin with `.` or `_`, and files that are
/// neither Parquet nor deletion vectors, are left alone.
///
/// **Earlier versions can no longer be read**, and a run that was stopped between its epochs for longer cannot go on.
/// None where no table is. Cost: the log is read, and the folder listed.
///
/// Errors: [`DeltaError::RetentionTooShort`], [`DeltaError::UnsupportedTable`], [`DeltaError::Io`].
pub fn vacuum(table: &Path, wish: &Vacuuming) -> Result<Option<Vacuumed>> {
    let Some(newest) = snapshot(table)? else {
        return Ok(None);
    };
    require_features(table, &newest)?;
    let kept = newest.table_properties().deleted_file_retention_duration;
    let kept = kept.unwrap_or(RETENTION);
    let retention = wish.retention.unwrap_or(kept);
    if retention < kept && !wish.is_forced {
        return Err(DeltaError::RetentionTooShort {
            table: table.to_owned(),
            kept_hours: kept.as_secs().div_ceil(3600),
        });
    }
    let cutoff = SystemTime::now()
        .checked_sub(retention)
        .unwrap_or(UNIX_EPOCH);
    let cutoff_ms = cutoff
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_millis() as i64;
    let needed = needed_files(table, &newest, cutoff_ms)?;
    let mut found = Vacuumed {
        retention_hours: retention.as_secs() / 3600,
        ..Vacuumed::default()
    };
    let mut candidates = Vec::new();
    collect(table, &mut candidates)?;
    for (path, found_file) in candidates {
        if needed.contains(&path) {
            continue;
        }
        if found_file
            .modified()
            .is_ok_and(|modified| modified >= cutoff)
        {
            found.younger += 1;
            continue;
        }
        if !wish.is_rehearsal {
            disk::remove(&path).map_err(|error| DeltaError::io("remove", &path, error))?;
        }
        found.bytes += found_file.len();
        let name = path.strip_prefix(table).unwrap_or(&path);
        found.files.push(name.to_string_lossy().into_owned());
    }
    found.files.sort();
    Ok(Some(found))
}

/// Files of the newest version, and those that were removed from one since the cutoff.
fn needed_files(table: &Path, newest: &SnapshotRef, cutoff_ms: i64) -> Result<HashSet<PathBuf>> {
    let mut needed = HashSet::new();
    for batch in state_of(table, newest)? {
        let batch = batch?;
        for (kind, time) in [("add", None), ("remove", Some("deletionTimestamp"))] {
            take_actions(
                table,
                &batch,
                kind,
                time.map(|time| (time, cutoff_ms)),
                &mut needed,
            )?;
        }
    }
    // The state leaves out what was removed longer ago than the table itself wants to know.
    for version in commits(table)?
        .iter()
        .filter(|path| is_commit(path))
        .filter_map(|path| version_of(path))
    {
        let Some(commit) = read_commit(table, version)? else {
            continue;
        };
        for tombstone in commit.tombstones {
            if tombstone.removed_ms >= cutoff_ms {
                needed.insert(path_of(table, &tombstone.name)?);
                needed.extend(vector_path(table, tombstone.deleted)?);
            }
        }
    }
    Ok(needed)
}

fn is_commit(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

fn take_actions(
    table: &Path,
    batch: &RecordBatch,
    kind: &str,
    since: Option<(&str, i64)>,
    needed: &mut HashSet<PathBuf>,
) -> Result<()> {
    let Some(actions) = batch
        .column_by_name(kind)
        .and_then(|column| column.as_struct_opt())
    else {
        return Ok(());
    };
    let Some(paths) = actions
        .column_by_name("path")
        .and_then(|paths| paths.as_string_opt::<i32>())
    else {
        return Ok(());
    };
    let times = since.and_then(|(name, _)| {
        actions
            .column_by_name(name)?
            .as_primitive_opt::<Int64Type>()
    });
    for row in 0..batch.num_rows() {
        if actions.is_null(row) || paths.is_null(row) {
            continue;
        }
        let time = times
            .filter(|times| times.is_valid(row))
            .map_or(0, |times| times.value(row));
        if since.is_some_and(|(_, cutoff)| time < cutoff) {
            continue;
        }
        needed.insert(path_of(table, paths.value(row))?);
        needed.extend(vector_path(table, vector_of(actions, row))?);
    }
    Ok(())
}

/// The deletion vector of an action of a state.
fn vector_of(actions: &StructArray, row: usize) -> Option<DeletionVectorDescriptor> {
    let vectors = actions.column_by_name("deletionVector")?.as_struct_opt()?;
    if vectors.is_null(row) {
        return None;
    }
    let text = |name: &str| {
        let texts = vectors.column_by_name(name)?.as_string_opt::<i32>()?;
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let offset = vectors
        .column_by_name("offset")?
        .as_primitive_opt::<Int32Type>()?;
    let storage: DeletionVectorStorageType = text("storageType")?.parse().ok()?;
    let offset = offset.is_valid(row).then(|| offset.value(row));
    DeletionVectorDescriptor::try_new(storage, text("pathOrInlineDv")?, offset, 1, 0).ok()
}

/// The file that holds a deletion vector; none when the log holds it.
fn vector_path(table: &Path, vector: Option<DeletionVectorDescriptor>) -> Result<Option<PathBuf>> {
    let Some(vector) = vector else {
        return Ok(None);
    };
    let url = vector
        .absolute_path(&url_of(table)?)
        .map_err(of_table(table))?;
    Ok(url.and_then(|url| url.to_file_path().ok()))
}

/// Every file below a folder that may be one of the table's, and unfinished ones of the log.
fn collect(table: &Path, into: &mut Vec<(PathBuf, fs::Metadata)>) -> Result<()> {
    let mut folders = vec![table.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| DeltaError::io("read", &folder, error);
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let kind = entry.file_type().map_err(failed)?;
            let is_log = folder.file_name().is_some_and(|name| name == LOG);
            let is_hidden = name.starts_with(['.', '_']) && !name.contains('=');
            if kind.is_dir() && (!is_hidden || (name == LOG && folder == table)) {
                folders.push(path);
            } else if kind.is_file() && is_removable(&name, is_log, is_hidden) {
                let found = entry.metadata().map_err(failed)?;
                into.push((path, found));
            }
        }
    }
    Ok(())
}

fn is_removable(name: &str, is_log: bool, is_hidden: bool) -> bool {
    match is_log {
        true => is_hidden && name.starts_with('.') && written_name(name).ends_with(TEMPORARY_END),
        false => {
            !is_hidden
                && (name.ends_with(".parquet")
                    || (name.starts_with("deletion_vector_") && name.ends_with(".bin")))
        }
    }
}

/// The name that a file gets once it is written: until then the object store puts `#` and a number behind it, which stay
/// when its process is killed.
fn written_name(name: &str) -> &str {
    match name.rsplit_once('#') {
        Some((written, number)) if number.parse::<u64>().is_ok() => written,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_leaves_in_the_log_can_be_removed() {
        for name in [".a.json.tmp", ".a.json.tmp#1"] {
            assert!(is_removable(name, true, true), "{name}");
        }
        for name in ["00000000000000000001.json", ".a.json#1", ".a.tmp#b"] {
            assert!(!is_removable(name, true, name.starts_with('.')), "{name}");
        }
    }
}
