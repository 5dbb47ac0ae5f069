//! Finding DuckDB: the prebuilt library, opened by its path.

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::error::{RelationalError, Result};
use crate::ffi::{Api, ErrorHandle};

/// The one DuckDB version that this crate is written against.
pub const DUCKDB_VERSION: &str = "v1.5.5";

static LOADED: OnceLock<Arc<Library>> = OnceLock::new();

/// The DuckDB library of this process. It stays loaded until the process ends, because DuckDB's threads may outlive any handle.
pub struct Library {
    pub(crate) api: Api,
    path: PathBuf,
    // Last, so that no function pointer outlives it.
    _code: libloading::Library,
}

impl Library {
    /// Loads the library at `path` (`libduckdb.so`, `.dylib` or `duckdb.dll`) and checks that it is [`DUCKDB_VERSION`].
    /// Costs about 30 ms the first time; later calls with the same file return the same library.
    ///
    /// # Errors
    /// `LibraryMissing` (no such file, not loadable), `LibraryVersion`, `LibraryAlreadyLoaded` (another file was loaded before).
    pub fn load(path: &Path) -> Result<Arc<Self>> {
        let missing = |reason: String| RelationalError::LibraryMissing {
            path: path.to_path_buf(),
            reason,
        };
        let path = path
            .canonicalize()
            .map_err(|error| missing(error.to_string()))?;
        if let Some(loaded) = LOADED.get() {
            return loaded.same_as(path);
        }
        let library = Arc::new(Self::open(path.clone())?);
        LOADED.get_or_init(|| library).same_as(path)
    }

    fn open(path: PathBuf) -> Result<Self> {
        // SAFETY: loading runs the library's initialisers; DuckDB's have no precondition.
        let code = unsafe { libloading::Library::new(&path) }.map_err(|error| {
            RelationalError::LibraryMissing {
                path: path.clone(),
                reason: error.to_string(),
            }
        })?;
        let wrong = |found: String| RelationalError::LibraryVersion {
            path: path.clone(),
            found,
            expected: DUCKDB_VERSION,
        };
        // The version is asked before everything else is resolved: an older library lacks functions, and the version says why.
        // SAFETY: the signature is duckdb.h's; the returned text is static.
        let found = unsafe {
            code.get::<unsafe extern "C" fn() -> *const c_char>(b"duckdb_library_version")
                .map(|version| CStr::from_ptr(version()).to_string_lossy().into_owned())
                .map_err(|_| wrong("not DuckDB".to_string()))?
        };
        if found != DUCKDB_VERSION {
            return Err(wrong(format!("DuckDB {found}")));
        }
        let api = Api::resolve(&code)
            .map_err(|symbol| wrong(format!("a DuckDB {found} without {symbol}")))?;
        Ok(Self {
            api,
            path,
            _code: code,
        })
    }

    fn same_as(self: &Arc<Self>, path: PathBuf) -> Result<Arc<Self>> {
        if self.path == path {
            Ok(Arc::clone(self))
        } else {
            Err(RelationalError::LibraryAlreadyLoaded {
                loaded: self.path.clone(),
                requested: path,
            })
        }
    }

    /// The file that was loaded, with symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The functions, for callbacks: DuckDB calls them only after a library was loaded.
pub(crate) fn api() -> &'static Api {
    &LOADED
        .get()
        .expect("a DuckDB library is loaded before any database is opened")
        .api
}

/// Turns a DuckDB error object into its message.
pub(crate) fn check(mut error: ErrorHandle) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the error is valid until destroyed; its message is copied before.
    unsafe {
        let message = text(api().error_data_message(error));
        api().destroy_error_data(&mut error);
        Err(message)
    }
}

/// Copies a C string; null is empty.
///
/// # Safety
/// `pointer` is null or a NUL-terminated string that lives during the call.
pub(crate) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}
