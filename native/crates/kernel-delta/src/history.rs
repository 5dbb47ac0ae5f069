//! What a table was and is, for people.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::checkpoint::state_of;
use crate::commit::{commit_path, read_commit};
use crate::error::{DeltaError, Result, of_table};
use crate::log::{engine, modified_ms};
use crate::read::{At, TableVersion, open};

/// One version of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// Its number.
    pub version: u64,
    /// When it was committed, in milliseconds since 1970: as its writer says, or else the time of the file.
    pub time_ms: i64,
    /// What was done, as its writer says.
    pub operation: Option<String>,
    /// Who wrote it, as the writer says.
    pub engine: Option<String>,
    /// Files that were added with new rows.
    pub added: u64,
    /// Files that were removed with their rows.
    pub removed: u64,
    /// Files that came or went without a change of rows.
    pub rearranged: u64,
}

/// What a version of a table is.
#[derive(Debug, Clone)]
pub struct Details {
    /// The version.
    pub version: TableVersion,
    /// When it was committed, in milliseconds since 1970.
    pub time_ms: i64,
    /// Its files.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
    /// Files that earlier versions have, and that are kept for them.
    pub removed_files: u64,
    /// Version of the checkpoint from which the log is read.
    pub checkpoint: Option<u64>,
    /// Properties and features of the table.
    pub properties: BTreeMap<String, String>,
}

/// The newest versions, newest first, at most `limit`, as far as the log goes back; none where no table is.
///
/// Cost: these commits are read.
pub fn history(table: &Path, limit: usize) -> Result<Option<Vec<HistoryEntry>>> {
    let Some(newest) = open(table, At::Newest)? else {
        return Ok(None);
    };
    let mut entries = Vec::new();
    for version in (0..=newest.version()).rev().take(limit) {
        let Some(commit) = read_commit(table, version)? else {
            break;
        };
        let said = |name: &str| commit.info.as_ref().and_then(|info| info.get(name));
        let text = |name: &str| said(name).and_then(Value::as_str).map(str::to_owned);
        let time = said("inCommitTimestamp").or_else(|| said("timestamp"));
        let path = commit_path(table, version);
        entries.push(HistoryEntry {
            version,
            time_ms: match time.and_then(Value::as_i64) {
                Some(time) => time,
                None => modified_ms(&path).map_err(|error| DeltaError::io("read", &path, error))?,
            },
            operation: text("operation"),
            engine: text("engineInfo"),
            added: commit.added.len() as u64,
            removed: commit.removed,
            rearranged: commit.rearranged,
        });
    }
    Ok(Some(entries))
}

/// What a version of a table is; none where no table is.
///
/// Cost: the log is read from the checkpoint on.
pub fn details(table: &Path, at: At) -> Result<Option<Details>> {
    use arrow_array::Array;
    let Some(version) = open(table, at)? else {
        return Ok(None);
    };
    let files = version.files()?;
    let mut removed_files = 0;
    for batch in state_of(table, &version.snapshot)? {
        let batch = batch?;
        let removed = batch.column_by_name("remove");
        removed_files += removed.map_or(0, |removed| (removed.len() - removed.null_count()) as u64);
    }
    let snapshot = &version.snapshot;
    let mut properties: BTreeMap<String, String> = snapshot
        .get_protocol_derived_properties()
        .into_iter()
        .collect();
    let own = snapshot.metadata_configuration().iter();
    properties.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    let time_ms = snapshot.get_timestamp(engine().as_ref());
    Ok(Some(Details {
        time_ms: time_ms.map_err(of_table(table))?,
        files: files.len() as u64,
        bytes: files.iter().map(|file| file.bytes).sum(),
        removed_files,
        checkpoint: snapshot.log_segment().checkpoint_version,
        properties,
        version,
    }))
}
