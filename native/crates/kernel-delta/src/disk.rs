//! Changes of the disk that a table's log and folder go through, so that a test can let each of them fail, and know what a
//! power failure may take.

use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

type Observer = Box<dyn FnMut(&Change)>;

thread_local! {
    static CHANGES: Cell<u64> = const { Cell::new(0) };
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static OBSERVER: RefCell<Option<Observer>> = const { RefCell::new(None) };
}

/// A change of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file was created, or emptied.
    Created(PathBuf),
    /// A file has more bytes.
    Written(PathBuf),
    /// The bytes of a file, or the names in a folder, are on the disk.
    Synced(PathBuf),
    /// A file has a second name.
    Linked(PathBuf, PathBuf),
    /// A file has another name.
    Renamed(PathBuf, PathBuf),
    /// A name is gone.
    Removed(PathBuf),
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

/// Tells `observer` of each change on this thread that `work` makes, once it is made. For tests.
pub fn observed<T>(observer: impl FnMut(&Change) + 'static, work: impl FnOnce() -> T) -> T {
    OBSERVER.set(Some(Box::new(observer)));
    let result = work();
    OBSERVER.set(None);
    result
}

/// Makes one change of the disk.
pub(crate) fn change<T>(change: Change, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let number = CHANGES.replace(CHANGES.get() + 1);
    let fault = FAULT.get().filter(|fault| number >= fault.at);
    if fault.is_some_and(|fault| number > fault.at || !fault.is_done) {
        return Err(failed());
    }
    let done = act()?;
    OBSERVER.with_borrow_mut(|observer| {
        if let Some(observer) = observer {
            observer(&change);
        }
    });
    match fault {
        None => Ok(done),
        Some(_) => Err(failed()),
    }
}

fn failed() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "the test disk fails")
}

/// Waits until a file, or the names in a folder, are on the disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    change(Change::Synced(path.to_owned()), || {
        File::open(path)?.sync_all()
    })
}

/// Gives a file a second name; fails where that name is taken.
pub(crate) fn link(from: &Path, to: &Path) -> io::Result<()> {
    let linked = Change::Linked(from.to_owned(), to.to_owned());
    change(linked, || fs::hard_link(from, to))
}

/// Moves a file, in place of another.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let renamed = Change::Renamed(from.to_owned(), to.to_owned());
    change(renamed, || fs::rename(from, to))
}

/// Removes a file; it may be gone already.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    change(Change::Removed(path.to_owned()), || {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    })
}

/// Starts a file, in place of another.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    change(Change::Created(path.to_owned()), || File::create(path))
}

/// Writes a file whose bytes are on the disk then, though its name may not be.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    change(Change::Written(path.to_owned()), || file.write_all(bytes))?;
    change(Change::Synced(path.to_owned()), || file.sync_all())
}
