//! Changes of the disk that a table's log and folder go through, so that a test can let each of them fail.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

thread_local! {
    static CHANGES: Cell<u64> = const { Cell::new(0) };
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Which change of the disk fails on this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Its number, from 0; all later ones fail as well, as those of a process that is dead.
    pub at: u64,
    /// Whether it is done before it fails.
    pub is_done: bool,
}

/// Runs `work` with a disk that fails, or never does; returns how many changes there were. For tests.
pub fn with_fault<T>(fault: Option<Fault>, work: impl FnOnce() -> T) -> (T, u64) {
    CHANGES.set(0);
    FAULT.set(fault);
    let result = work();
    FAULT.set(None);
    (result, CHANGES.get())
}

/// One change of the disk.
pub(crate) fn change<T>(act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let number = CHANGES.replace(CHANGES.get() + 1);
    match FAULT.get() {
        Some(fault) if number >= fault.at => {
            if number == fault.at && fault.is_done {
                act()?;
            }
            Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "the test disk fails",
            ))
        }
        _ => act(),
    }
}

/// Waits until a file, or the names in a folder, are on the disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    change(|| File::open(path)?.sync_all())
}

/// Gives a file a second name; fails where that name is taken.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    change(|| fs::hard_link(from, to))
}

/// Moves a file, in place of another.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    change(|| fs::rename(from, to))
}

/// Removes a file; it may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    change(|| match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    })
}

/// Writes a file whose bytes are on the disk then, though its name may not be.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = change(|| File::create(path))?;
    change(|| file.write_all(bytes))?;
    change(|| file.sync_all())
}
