//! Locks on files that end with the process that holds them, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{Failure, Result};
use crate::work::{Work, promise};

/// How often a file that was replaced while it was locked is opened again.
const ATTEMPTS: usize = 10;

/// A lock that is held until it is released, or until the process ends.
#[napi]
pub struct NativeFileLock {
    file: Mutex<Option<File>>,
}

#[napi]
impl NativeFileLock {
    /// Frees the lock. Harmless to repeat.
    #[napi]
    pub fn release(&self) {
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

/// Locks a file that is there, for this process alone; null when somebody else holds it. Nothing waits.
/// Fails with `lock-unsupported` where the file system has no such locks.
#[napi(ts_return_type = "Promise<NativeFileLock | null>")]
pub fn lock_file(path: String) -> AsyncTask<Work<Option<NativeFileLock>>> {
    promise(move || {
        let held = try_lock(Path::new(&path))?;
        Ok(held.map(|file| NativeFileLock {
            file: Mutex::new(Some(file)),
        }))
    })
}

/// The lock counts only for the file that has the name once it is locked: another may have come in its place.
fn try_lock(path: &Path) -> Result<Option<File>> {
    let failed = |error: io::Error| failure(path, &error);
    for _ in 0..ATTEMPTS {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) if is_named(&file, path) => return Ok(Some(file)),
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    Ok(None)
}

#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> bool {
    true
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let code = match error.kind() {
        io::ErrorKind::NotFound => "not-found",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "permission-denied",
        _ => "lock-unsupported",
    };
    let message = format!("{} cannot be locked: {error}", path.display());
    Failure::new(code, "external", message)
}
