//! What the tests share: the library, databases, small batches.
#![allow(dead_code, reason = "every test file uses some of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel_relational::{Database, Library, Limits, Location};

/// The DuckDB library: `SFERIC_DUCKDB_LIBRARY`, else the installed package in this folder or one above. Fails when there is none.
pub fn library() -> Arc<Library> {
    Library::load(&library_path()).expect("the DuckDB library loads")
}

pub fn library_path() -> PathBuf {
    if let Some(path) = std::env::var_os("SFERIC_DUCKDB_LIBRARY") {
        return path.into();
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .find_map(installed)
        .expect("no DuckDB library: run `npm ci`, or set SFERIC_DUCKDB_LIBRARY to libduckdb's path")
}

fn installed(folder: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(folder.join("node_modules/@duckdb")).ok()?;
    let names = ["libduckdb.so", "libduckdb.dylib", "duckdb.dll"];
    packages.flatten().find_map(|package| {
        names
            .iter()
            .map(|name| package.path().join(name))
            .find(|path| path.exists())
    })
}

pub fn limits() -> Limits {
    Limits {
        threads: 2,
        memory_bytes: 1 << 30,
        temp_directory: None,
    }
}

pub fn memory_database() -> Arc<Database> {
    Database::open(library(), Location::Memory, limits()).expect("a database in memory opens")
}

/// One thread, so that rows come in the order of the input.
pub fn serial_database() -> Arc<Database> {
    let one = Limits {
        threads: 1,
        ..limits()
    };
    Database::open(library(), Location::Memory, one).expect("a database in memory opens")
}

pub fn file_database(path: &Path) -> Arc<Database> {
    Database::open(library(), Location::File(path.to_path_buf()), limits()).expect("the file opens")
}

/// A fresh folder for one test, removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("kernel-relational-{test}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("the temporary folder can be made");
        Self(path)
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
