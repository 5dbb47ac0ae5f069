//! Opening databases: one DuckDB instance per file and process, with limits and without access to anything else.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::connection::Connection;
use crate::error::{EngineError, RelationalError, Result};
use crate::ffi::{ConnectionHandle, DatabaseHandle, Handle, SUCCESS};
use crate::functions::Functions;
use crate::inputs::Inputs;
use crate::library::{Library, api, text};
use crate::private_folder::PrivateFolder;
use crate::sync::lock;

/// Where a database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// In memory, private to the handle.
    Memory,
    /// In this file, which is created when it does not exist. Its folder must exist.
    File(PathBuf),
}

/// What a database may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Threads for one query, the calling one included. At least 1.
    pub threads: usize,
    /// Bytes that DuckDB may hold for hash tables, sorts and cached pages. Arrow inputs and results are not counted.
    pub memory_bytes: u64,
    /// Below which to spill, in a private folder, when the memory is used up; without it such a query fails with `MemoryLimit`.
    pub temp_directory: Option<PathBuf>,
}

/// A DuckDB instance. It cannot read other files, reach the network or load extensions, and its time zone is UTC.
pub struct Database {
    raw: DatabaseHandle,
    /// For conversions in callbacks. It belongs to no query.
    conversions: ConnectionHandle,
    inputs: Arc<Inputs>,
    functions: OnceLock<Functions>,
    /// Held while a table is written: two writers would fail on each other's ledger.
    writing: Mutex<()>,
    file: Option<Arc<OpenFile>>,
    /// Removed once DuckDB has closed what it spilled.
    _spilled: Option<PrivateFolder>,
    _library: Arc<Library>,
}

// SAFETY: a DuckDB database may be used from several threads.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

/// The place of one file in the registry. `open` stays true until DuckDB has let the file go: its lock does not guard against a second
/// instance in the same process.
#[derive(Default)]
struct OpenFile {
    state: Mutex<FileState>,
    closed: Condvar,
}

#[derive(Default)]
struct FileState {
    open: bool,
    database: Weak<Database>,
}

/// Settings that exist only in an open database. After the last one none can be changed, by no query.
const SETTINGS: &CStr = c"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL lock_configuration = true";

/// DuckDB's name for a database without a file.
const MEMORY: &str = ":memory:";

static FILES: LazyLock<Mutex<HashMap<PathBuf, Arc<OpenFile>>>> = LazyLock::new(Mutex::default);

impl Database {
    /// Opens a database. A file that this process has open already gives the same instance, with the limits of its first opening; it
    /// closes when the last handle is dropped. Costs about 5 ms.
    ///
    /// # Errors
    /// `FileLocked` (with the process id of the holder), `NotADatabase`, `CannotOpen`.
    pub fn open(library: Arc<Library>, location: Location, limits: Limits) -> Result<Arc<Self>> {
        let Location::File(path) = location else {
            return Self::open_instance(library, Path::new(MEMORY), &limits, None).map(Arc::new);
        };
        let path = canonical(&path)?;
        let file = Arc::clone(lock(&FILES).entry(path.clone()).or_default());
        let mut state = lock(&file.state);
        loop {
            if let Some(database) = state.database.upgrade() {
                return Ok(database);
            }
            if !state.open {
                break;
            }
            state = file
                .closed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let database = Arc::new(Self::open_instance(
            library,
            &path,
            &limits,
            Some(Arc::clone(&file)),
        )?);
        *state = FileState {
            open: true,
            database: Arc::downgrade(&database),
        };
        Ok(database)
    }

    fn open_instance(
        library: Arc<Library>,
        path: &Path,
        limits: &Limits,
        file: Option<Arc<OpenFile>>,
    ) -> Result<Self> {
        let spilled = limits.temp_directory.as_deref().map(spill_folder);
        let spilled = spilled.transpose()?;
        let raw = open_raw(path, limits, spilled.as_ref().map(PrivateFolder::path))?;
        let mut conversions = std::ptr::null_mut();
        // SAFETY: the database was opened just now; it is closed when the connection or the table function cannot be had.
        let inputs = unsafe {
            let connected = api().connect(raw, &mut conversions) == SUCCESS;
            let configured = connected
                && api().query(conversions, SETTINGS.as_ptr(), std::ptr::null_mut()) == SUCCESS;
            let inputs = if configured {
                Inputs::install(conversions)
            } else {
                Err(cannot_open(path, "DuckDB refuses its settings".to_string()))
            };
            inputs.inspect_err(|_| close(raw, conversions))?
        };
        Ok(Self {
            raw,
            conversions,
            inputs,
            functions: OnceLock::new(),
            writing: Mutex::new(()),
            file,
            _spilled: spilled,
            _library: library,
        })
    }

    pub(crate) fn handle(&self) -> DatabaseHandle {
        self.raw
    }

    pub(crate) fn inputs(&self) -> &Arc<Inputs> {
        &self.inputs
    }

    /// What expressions may call; read from DuckDB once.
    pub(crate) fn functions(&self, connection: &Arc<Connection>) -> Result<&Functions> {
        if let Some(functions) = self.functions.get() {
            return Ok(functions);
        }
        let read = Functions::read(connection)?;
        Ok(self.functions.get_or_init(|| read))
    }

    /// Waits until no other thread writes a table, and keeps others out.
    pub(crate) fn lock_for_writing(&self) -> MutexGuard<'_, ()> {
        lock(&self.writing)
    }

    /// Runs one SQL statement and collects its rows, of any kind, without inputs; for previews and checks.
    ///
    /// # Errors
    /// `Duckdb` for bad SQL, and what the statement fails with.
    pub fn query(self: &Arc<Self>, sql: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let connection = Connection::open(self)?;
        connection.query(sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        close(self.raw, self.conversions);
        if let Some(file) = &self.file {
            lock(&file.state).open = false;
            file.closed.notify_all();
        }
    }
}

fn close(mut database: DatabaseHandle, mut connection: ConnectionHandle) {
    // SAFETY: both belong to the caller, who uses neither again. Null connections are ignored.
    unsafe {
        api().disconnect(&mut connection);
        api().close(&mut database);
    }
}

/// Resolves links in the folder and in the file, when it exists.
fn canonical(path: &Path) -> Result<PathBuf> {
    let failed = |error: std::io::Error| cannot_open(path, error.to_string());
    if path.exists() {
        return path.canonicalize().map_err(failed);
    }
    let name = path
        .file_name()
        .ok_or_else(|| cannot_open(path, "it names no file".to_string()))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok(folder.canonicalize().map_err(failed)?.join(name))
}

/// What a database spills to: two that shared a folder would overwrite each other's files.
fn spill_folder(parent: &Path) -> Result<PrivateFolder> {
    PrivateFolder::create(parent, "spill").map_err(|error| cannot_spill(parent, &error))
}

fn cannot_spill(parent: &Path, error: &std::io::Error) -> RelationalError {
    RelationalError::CannotSpill {
        path: parent.to_path_buf(),
        message: error.to_string(),
    }
}

fn cannot_open(path: &Path, message: String) -> RelationalError {
    RelationalError::CannotOpen {
        path: path.to_path_buf(),
        message,
    }
}

fn open_raw(path: &Path, limits: &Limits, spill: Option<&Path>) -> Result<DatabaseHandle> {
    let name = path
        .to_str()
        .and_then(|name| CString::new(name).ok())
        .ok_or_else(|| cannot_open(path, "its name is not UTF-8".to_string()))?;
    let api = api();
    let mut config = std::ptr::null_mut();
    let mut raw = std::ptr::null_mut();
    let mut message = std::ptr::null_mut();
    // SAFETY: the configuration is destroyed on every path; the message is copied before it is freed.
    unsafe {
        api.create_config(&mut config);
        let configured = set_options(config, limits, spill, path != Path::new(MEMORY))
            .map_err(|option| cannot_open(path, format!("DuckDB refuses the setting {option}")));
        let opened = configured.and_then(|()| {
            if api.open_ext(name.as_ptr(), &mut raw, config, &mut message) == SUCCESS {
                return Ok(raw);
            }
            let error = open_error(path, &text(message));
            api.free(message.cast());
            Err(error)
        });
        api.destroy_config(&mut config);
        opened
    }
}

fn set_options(
    config: Handle,
    limits: &Limits,
    spill: Option<&Path>,
    is_file: bool,
) -> Result<(), String> {
    let options = [
        ("threads", limits.threads.max(1).to_string()),
        ("memory_limit", format!("{}B", limits.memory_bytes)),
        (
            "temp_directory",
            spill
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default(),
        ),
        ("autoinstall_known_extensions", "false".to_string()),
        ("autoload_known_extensions", "false".to_string()),
        ("enable_external_access", "false".to_string()),
        ("errors_as_json", "true".to_string()),
        ("arrow_lossless_conversion", "false".to_string()),
        // What is written to a file keeps its order. A query has SQL's, given by ORDER BY: more would cost it all threads but one.
        ("preserve_insertion_order", is_file.to_string()),
    ];
    for (name, value) in options {
        let option = CString::new(name).expect("no NUL in option names");
        let text = CString::new(value.as_str()).map_err(|_| name.to_string())?;
        // SAFETY: the configuration and both strings live during the call.
        if unsafe { api().set_config(config, option.as_ptr(), text.as_ptr()) } != SUCCESS {
            return Err(format!("{name} = {value:?}"));
        }
    }
    Ok(())
}

fn open_error(path: &Path, message: &str) -> RelationalError {
    let message = EngineError::parse(message).message;
    if message.contains("Could not set lock") {
        let holder = message.split("PID ").nth(1).map(|rest| {
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
        });
        return RelationalError::FileLocked {
            path: path.to_path_buf(),
            holder: holder.and_then(|digits| digits.parse().ok()),
        };
    }
    if message.contains("not a valid DuckDB database file") {
        return RelationalError::NotADatabase {
            path: path.to_path_buf(),
        };
    }
    cannot_open(path, message)
}
