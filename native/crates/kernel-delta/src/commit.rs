//! What one commit says, line by line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::scan::state::DvInfo;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{DeltaError, Result};
use crate::log::LOG;
use crate::read::{TableFile, path_of};

/// The actions of a commit that say something about its files.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    /// Files that were added with new rows.
    pub added: Vec<TableFile>,
    /// Files that were removed together with their rows.
    pub removed: u64,
    /// Files that came or went without a change of rows.
    pub rearranged: u64,
    /// Removed files of all kinds, with when that was, in milliseconds since 1970.
    pub tombstones: Vec<Tombstone>,
    /// Who wrote it, when and how, as the writer saw fit.
    pub info: Option<Value>,
}

/// A file that a version removed, which earlier ones have.
#[derive(Debug)]
pub(crate) struct Tombstone {
    /// As in the log.
    pub name: String,
    /// In milliseconds since 1970; never, where the writer does not say.
    pub removed_ms: i64,
    /// Which of its rows were deleted before.
    pub deleted: Option<DeletionVectorDescriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    add: Option<Add>,
    remove: Option<Remove>,
    commit_info: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Add {
    path: String,
    partition_values: HashMap<String, Option<String>>,
    size: u64,
    modification_time: i64,
    data_change: bool,
    deletion_vector: Option<DeletionVectorDescriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Remove {
    path: String,
    #[serde(default)]
    data_change: bool,
    deletion_timestamp: Option<i64>,
    deletion_vector: Option<DeletionVectorDescriptor>,
}

/// Where the commit of a version is.
pub(crate) fn commit_path(table: &Path, version: u64) -> PathBuf {
    table.join(LOG).join(format!("{version:020}.json"))
}

/// Reads a commit; none where it is not in the log. Files are in the order in which the commit has them.
///
/// Errors: [`DeltaError::Io`], [`DeltaError::Unreadable`].
pub(crate) fn read_commit(table: &Path, version: u64) -> Result<Option<Commit>> {
    let path = commit_path(table, version);
    let file = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| DeltaError::io("open", &path, error))?,
    };
    let mut commit = Commit::default();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| DeltaError::io("read", &path, error))?;
        if line.trim().is_empty() {
            continue;
        }
        let actions: Line =
            serde_json::from_str(&line).map_err(|error| DeltaError::Unreadable {
                table: table.to_owned(),
                reason: format!("line {} of version {version}: {error}", index + 1),
            })?;
        commit.take(table, version, actions)?;
    }
    Ok(Some(commit))
}

impl Commit {
    fn take(&mut self, table: &Path, version: u64, line: Line) -> Result<()> {
        self.info = line.commit_info.or(self.info.take());
        if let Some(remove) = line.remove {
            match remove.data_change {
                true => self.removed += 1,
                false => self.rearranged += 1,
            }
            self.tombstones.push(Tombstone {
                name: remove.path,
                removed_ms: remove.deletion_timestamp.unwrap_or(0),
                deleted: remove.deletion_vector,
            });
        }
        match line.add {
            Some(add) if add.data_change => self.added.push(add.into_file(table, version)?),
            Some(_) => self.rearranged += 1,
            None => {}
        }
        Ok(())
    }
}

impl Add {
    fn into_file(self, table: &Path, version: u64) -> Result<TableFile> {
        let values = self.partition_values.into_iter();
        Ok(TableFile {
            path: path_of(table, &self.path)?,
            name: self.path,
            bytes: self.size,
            modified_ms: self.modification_time,
            version,
            partition: values
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            deleted: self
                .deletion_vector
                .map_or_else(DvInfo::default, DvInfo::from),
        })
    }
}
