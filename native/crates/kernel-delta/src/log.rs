//! The engine behind `delta_kernel`, and commits that survive a power failure.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use delta_kernel::committer::{CommitMetadata, CommitResponse, Committer, PublishMetadata};
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::{
    Engine, FileMeta, FilteredEngineData, KernelError, KernelResult, KernelResultIterator, Snapshot,
};
use delta_kernel_default_engine::DefaultEngineBuilder;
use url::Url;

use crate::disk::{self, Change};
use crate::error::{DeltaError, Result, of_table};
use crate::store::LocalDisk;

/// Folder of the log in that of a table.
pub(crate) const LOG: &str = "_delta_log";

/// The engine of this process; it has one thread, which waits for the disk.
pub(crate) fn engine() -> &'static Arc<dyn Engine> {
    static ENGINE: OnceLock<Arc<dyn Engine>> = OnceLock::new();
    ENGINE
        .get_or_init(|| Arc::new(DefaultEngineBuilder::new(Arc::new(LocalDisk::default())).build()))
}

/// Address of a folder, with a slash at its end.
pub(crate) fn url_of(table: &Path) -> Result<Url> {
    Url::from_directory_path(table).map_err(|()| {
        let reason = io::Error::new(io::ErrorKind::InvalidInput, "the path must be absolute");
        DeltaError::io("use", table, reason)
    })
}

/// The newest version of a table; none where no commit is.
pub(crate) fn snapshot(table: &Path) -> Result<Option<SnapshotRef>> {
    if commits(table)?.is_empty() {
        return Ok(None);
    }
    Snapshot::builder_for(url_of(table)?)
        .build(engine().as_ref())
        .map(Some)
        .map_err(of_table(table))
}

/// The commits and checkpoints of a log, newest first; none where there is no log.
pub(crate) fn commits(table: &Path) -> Result<Vec<PathBuf>> {
    let folder = table.join(LOG);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| DeltaError::io("read", &folder, error))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry
            .map_err(|error| DeltaError::io("read", &folder, error))?
            .file_name();
        if name
            .to_string_lossy()
            .starts_with(|c: char| c.is_ascii_digit())
        {
            found.push(folder.join(name));
        }
    }
    found.sort();
    found.reverse();
    Ok(found)
}

/// Creates the folder of the log, durably.
pub(crate) fn create_log(table: &Path) -> Result<()> {
    let folder = table.join(LOG);
    fs::create_dir_all(&folder).map_err(|error| DeltaError::io("create", &folder, error))?;
    disk::sync(table).map_err(|error| DeltaError::io("sync", table, error))
}

/// Version of a commit or checkpoint, by its name; that of the last one, of several commits in one file.
pub(crate) fn version_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let mut parts = name.split('.');
    let first = parts.next()?;
    let second = parts.next().filter(|part| part.len() == first.len());
    second.unwrap_or(first).parse().ok()
}

/// Commits by a link: a commit is there whole or not at all, also after a power failure, and never in the place of another.
/// One that another writer puts its own in the place of is a conflict, as if that had been first.
pub(crate) struct DurableCommitter {
    /// Where the commit is written before it gets its name, on the disk of the table.
    pub temporary: PathBuf,
}

impl Committer for DurableCommitter {
    fn commit(
        &self,
        engine: &dyn Engine,
        actions: KernelResultIterator<'_, FilteredEngineData>,
        metadata: CommitMetadata,
    ) -> KernelResult<CommitResponse> {
        let location = metadata.published_commit_path()?;
        let temporary = Url::from_file_path(&self.temporary)
            .map_err(|()| KernelError::generic("the temporary file needs an absolute path"))?;
        let handler = engine.json_handler();
        let mut actions = Some(actions);
        disk::change(Change::Created(self.temporary.clone()), || {
            let actions = actions.take().into_iter().flatten();
            handler
                .write_json_file(&temporary, Box::new(actions), true)
                .map_err(io::Error::other)
        })?;
        let commit = location
            .to_file_path()
            .map_err(|()| KernelError::generic(format!("{location} is not a local file")))?;
        disk::sync(&self.temporary)?;
        let is_kept = match disk::link(&self.temporary, &commit) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            linked => linked.and_then(|()| is_kept(&self.temporary, &commit)),
        };
        disk::remove(&self.temporary)?;
        if !is_kept? {
            let version = metadata.version();
            return Ok(CommitResponse::Conflict { version });
        }
        disk::sync(commit.parent().unwrap_or(&commit))?;
        let size = fs::metadata(&commit)?.len();
        let file_meta = FileMeta::new(location, modified_ms(&commit)?, size);
        Ok(CommitResponse::Committed { file_meta })
    }

    fn is_catalog_committer(&self) -> bool {
        false
    }

    fn publish(&self, _: &dyn Engine, _: PublishMetadata) -> KernelResult<()> {
        Err(KernelError::generic(
            "commits of a folder are not published by a catalog",
        ))
    }
}

/// How long a file of another writer may wait for its name; that of one that has died waits for ever.
const OTHERS_MAX: Duration = Duration::from_secs(2);

/// Whether a commit that got its name still has it when nobody is about to take it.
///
/// Delta Lake's writers for Hadoop's local file system, Spark's among them, write a file of another name, look whether the
/// version is free, and rename. A commit that got the name between the last two is gone then, and neither writer is told
/// (<https://github.com/delta-io/delta/pull/7567>). The file of such a writer is beside the commit at that time.
fn is_kept(own: &Path, commit: &Path) -> io::Result<bool> {
    let begin = Instant::now();
    while begin.elapsed() < OTHERS_MAX && is_wanted(commit)? {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(fs::read(own)? == fs::read(commit)?)
}

/// Whether another writer has a file that is to get this name, and lately touched it.
fn is_wanted(commit: &Path) -> io::Result<bool> {
    let (Some(folder), Some(name)) = (commit.parent(), commit.file_name()) else {
        return Ok(false);
    };
    let prefix = format!(".{}.", name.to_string_lossy());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(".tmp") && is_young(&entry) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One that is gone meanwhile is not. One from the future is: the clock was set back.
fn is_young(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().map_or(true, |age| age < OTHERS_MAX))
}

/// When a file was last changed, in milliseconds since 1970.
pub(crate) fn modified_ms(path: &Path) -> io::Result<i64> {
    let since = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH);
    Ok(since.map_or(0, |since| since.as_millis() as i64))
}
