//! Folders for temporary files that belong to one owner in one process.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use crate::sync::lock;

/// What the names of all private folders begin with; random digits end them.
const PREFIX: &str = "sferic-";
/// Random bytes in a name.
const RANDOM_BYTES: usize = 16;
/// The file in a folder whose lock its owner holds. The lock ends with the process, in whatever namespace or on whatever host it ran.
const OWNER: &str = "owner";
/// How often a folder is made again that a sweep took for one of a dead owner before its lock was held.
const ATTEMPTS: usize = 16;

/// The folders of this process that exist now.
static LIVE: LazyLock<Mutex<BTreeSet<PathBuf>>> = LazyLock::new(Mutex::default);

/// A folder that only its owner's user can enter (mode 0700), under a name that cannot be guessed. Removed with all it holds when it is
/// dropped; one whose owner died is removed by the next [`PrivateFolder::create`] or [`PrivateFolder::sweep`] in its parent.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    /// Locked for as long as the folder lives.
    _owner: File,
}

impl PrivateFolder {
    /// Makes a folder below `parent`, which is created if need be, after [sweeping](Self::sweep) it. `purpose` becomes a part of the name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create(parent: &Path, purpose: &str) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        let parent = parent.canonicalize()?;
        Self::sweep(&parent);
        for _ in 0..ATTEMPTS {
            let path = parent.join(format!("{PREFIX}{purpose}-{}", random_digits()?));
            if let Some(owner) = claim(&path)? {
                lock(&LIVE).insert(path.clone());
                return Ok(Self {
                    path,
                    _owner: owner,
                });
            }
        }
        Err(io::Error::other("other processes remove every new folder"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the private folders in `parent` whose owners are gone and that belong to this user. What cannot be looked at stays.
    pub fn sweep(parent: &Path) {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_private_name) {
                let _ = remove_if_dead(&entry.path());
            }
        }
    }

    /// Removes all folders of this process, at its end.
    pub fn remove_all() {
        for path in std::mem::take(&mut *lock(&LIVE)) {
            let _ = remove(&path);
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if lock(&LIVE).remove(&self.path) {
            let _ = remove(&self.path);
        }
    }
}

/// Makes the folder and locks its owner file; nothing if a sweep of another process came in between.
fn claim(path: &Path) -> io::Result<Option<File>> {
    make_private(path)?;
    let owner = match OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path.join(OWNER))
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match owner.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        // A file system without locks: nobody can lock the file, so nobody takes its owner for dead.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    Ok(path.join(OWNER).exists().then_some(owner))
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

fn random_digits() -> io::Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn is_private_name(name: &str) -> bool {
    let digits = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.rsplit_once('-'))
        .map(|(_, digits)| digits);
    digits.is_some_and(|digits| {
        digits.len() == 2 * RANDOM_BYTES && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn remove_if_dead(path: &Path) -> io::Result<()> {
    if !is_own_folder(path)? {
        return Ok(());
    }
    match OpenOptions::new().write(true).open(path.join(OWNER)) {
        // Its owner has not come to the file yet, or died before: a folder that holds anything stays.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::remove_dir(path),
        Err(error) => Err(error),
        Ok(owner) => match owner.try_lock() {
            Ok(()) => remove(path),
            Err(_) => Ok(()),
        },
    }
}

/// Whether it is a folder, no link, of this process's user.
#[cfg(unix)]
fn is_own_folder(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: it only reads.
    let user = unsafe { libc::geteuid() };
    let metadata = fs::symlink_metadata(path)?;
    Ok(metadata.is_dir() && metadata.uid() == user)
}

#[cfg(not(unix))]
fn is_own_folder(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_dir())
}

/// Removes a folder, its owner file last: a folder without one counts as new.
fn remove(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.flatten() {
        let (inner, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(inner)?;
        } else if name != OWNER {
            fs::remove_file(inner)?;
        }
    }
    fs::remove_file(path.join(OWNER))?;
    fs::remove_dir(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of the test's own.
    fn parent() -> PrivateFolder {
        PrivateFolder::create(&std::env::temp_dir(), "test").unwrap()
    }

    fn names(path: &Path) -> usize {
        fs::read_dir(path).unwrap().count()
    }

    #[test]
    fn it_is_private_and_goes_with_what_it_holds() {
        let parent = parent();
        let folder = PrivateFolder::create(parent.path(), "spill").unwrap();
        let path = folder.path().to_path_buf();
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "rows").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o700
            );
        }
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn the_living_stay_and_the_dead_go() {
        let parent = parent();
        let living = PrivateFolder::create(parent.path(), "spill").unwrap();
        fs::write(living.path().join("rows"), "rows").unwrap();
        let dead = parent
            .path()
            .join(format!("{PREFIX}spill-{}", "0".repeat(32)));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("rows"), "rows").unwrap();
        fs::write(dead.join(OWNER), "").unwrap();
        let other = parent.path().join("sferic-notes");
        fs::create_dir(&other).unwrap();
        let next = PrivateFolder::create(parent.path(), "spill").unwrap();
        assert!(living.path().join("rows").exists());
        assert!(!dead.exists());
        assert!(other.exists());
        assert_ne!(next.path(), living.path());
    }

    #[test]
    fn many_at_once_never_meet() {
        let parent = parent();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let folder = PrivateFolder::create(parent.path(), "spill").unwrap();
                        fs::write(folder.path().join("rows"), "rows").unwrap();
                        assert!(folder.path().join("rows").exists());
                    }
                });
            }
        });
        assert_eq!(names(parent.path()), 1, "only its owner file");
    }
}
