//! The part of DuckDB's C API that this crate calls, as function pointers found in the loaded library.
//!
//! Names and signatures are those of `duckdb.h` 1.5 without the `duckdb_` prefix. Everything DuckDB hands out is an opaque
//! pointer; the aliases say which kind. Nothing outside this crate sees these types.

use std::ffi::{c_char, c_void};

/// An opaque DuckDB object.
pub(crate) type Handle = *mut c_void;
pub(crate) type DatabaseHandle = Handle;
pub(crate) type ConnectionHandle = Handle;
pub(crate) type StatementHandle = Handle;
pub(crate) type PendingHandle = Handle;
pub(crate) type ChunkHandle = Handle;
pub(crate) type VectorHandle = Handle;
pub(crate) type TypeHandle = Handle;
pub(crate) type ErrorHandle = Handle;
/// Zero is success, anything else is failure.
pub(crate) type State = u32;

/// `duckdb_state` of success.
pub(crate) const SUCCESS: State = 0;
/// `DUCKDB_PENDING_RESULT_READY`: the first rows can be fetched.
pub(crate) const PENDING_READY: u32 = 0;
/// `DUCKDB_PENDING_ERROR`: the query failed.
pub(crate) const PENDING_ERROR: u32 = 2;
/// `DUCKDB_PENDING_NO_TASKS`: other threads hold all the work that there is.
pub(crate) const PENDING_NO_TASKS: u32 = 3;
/// `DUCKDB_TYPE_BIGINT`, the type of the table function's only parameter.
pub(crate) const TYPE_BIGINT: u32 = 5;
/// `duckdb_type` of integers of 128 bits.
pub(crate) const TYPE_HUGEINT: u32 = 16;
pub(crate) const TYPE_LIST: u32 = 24;
pub(crate) const TYPE_STRUCT: u32 = 25;
pub(crate) const TYPE_MAP: u32 = 26;
pub(crate) const TYPE_UNION: u32 = 28;
/// Strings of bits.
pub(crate) const TYPE_BIT: u32 = 29;
/// Times of day with an offset from UTC.
pub(crate) const TYPE_TIME_TZ: u32 = 30;
/// Unsigned integers of 128 bits.
pub(crate) const TYPE_UHUGEINT: u32 = 32;
pub(crate) const TYPE_ARRAY: u32 = 33;
/// Integers of any length.
pub(crate) const TYPE_BIGNUM: u32 = 35;
/// `DUCKDB_STATEMENT_TYPE_SELECT`.
pub(crate) const STATEMENT_SELECT: u32 = 1;
/// Rows in one DuckDB vector (`duckdb_vector_size`).
pub(crate) const VECTOR_ROWS: usize = 2048;

/// `duckdb_result`: six words that DuckDB fills, passed by value to fetch.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ResultWords {
    words: [u64; 3],
    pointers: [Handle; 3],
}

impl ResultWords {
    /// The state before a query has filled it.
    pub(crate) fn empty() -> Self {
        Self {
            words: [0; 3],
            pointers: [std::ptr::null_mut(); 3],
        }
    }
}

/// `struct ArrowArray` of the Arrow C data interface with its fields in reach (arrow-rs keeps them private).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ArrowArrayFields {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) buffer_count: i64,
    pub(crate) child_count: i64,
    pub(crate) buffers: *mut c_void,
    pub(crate) children: *mut *mut ArrowArrayFields,
    pub(crate) dictionary: *mut ArrowArrayFields,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowArrayFields)>,
    pub(crate) private_data: *mut c_void,
}

pub(crate) type Callback = unsafe extern "C" fn(Handle);
pub(crate) type ScanCallback = unsafe extern "C" fn(Handle, ChunkHandle);

macro_rules! c_api {
    ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions, resolved once when the library is loaded.
        pub(crate) struct Api {
            $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)*
        }

        impl Api {
            /// Resolves every function, or tells the name of the first one that the library lacks.
            pub(crate) fn resolve(library: &libloading::Library) -> Result<Self, &'static str> {
                Ok(Self {
                    $($name: {
                        const SYMBOL: &str = concat!("duckdb_", stringify!($name));
                        // SAFETY: the signature is the one that duckdb.h declares for this symbol.
                        *unsafe { library.get(SYMBOL.as_bytes()) }.map_err(|_| SYMBOL)?
                    },)*
                })
            }

            $(#[inline]
            pub(crate) unsafe fn $name(&self $(, $argument: $type)*) $(-> $result)? {
                // SAFETY: the caller keeps the contract that duckdb.h states for this function.
                unsafe { (self.$name)($($argument),*) }
            })*
        }
    };
}

c_api! {
    fn free(memory: *mut c_void);

    fn create_config(out: *mut Handle) -> State;
    fn set_config(config: Handle, name: *const c_char, value: *const c_char) -> State;
    fn destroy_config(config: *mut Handle);
    fn open_ext(path: *const c_char, out: *mut DatabaseHandle, config: Handle, error: *mut *mut c_char) -> State;
    fn close(database: *mut DatabaseHandle);
    fn connect(database: DatabaseHandle, out: *mut ConnectionHandle) -> State;
    fn disconnect(connection: *mut ConnectionHandle);
    fn query(connection: ConnectionHandle, sql: *const c_char, out: *mut ResultWords) -> State;
    fn interrupt(connection: ConnectionHandle);

    fn extract_statements(connection: ConnectionHandle, sql: *const c_char, out: *mut Handle) -> u64;
    fn extract_statements_error(statements: Handle) -> *const c_char;
    fn prepare_extracted_statement(connection: ConnectionHandle, statements: Handle, index: u64, out: *mut StatementHandle) -> State;
    fn destroy_extracted(statements: *mut Handle);
    fn prepare_error(statement: StatementHandle) -> *const c_char;
    fn prepared_statement_type(statement: StatementHandle) -> u32;
    fn nparams(statement: StatementHandle) -> u64;
    fn prepared_statement_column_count(statement: StatementHandle) -> u64;
    fn prepared_statement_column_name(statement: StatementHandle, index: u64) -> *const c_char;
    fn prepared_statement_column_logical_type(statement: StatementHandle, index: u64) -> TypeHandle;
    fn prepared_statement_column_type(statement: StatementHandle, index: u64) -> u32;
    fn destroy_prepare(statement: *mut StatementHandle);
    fn pending_prepared_streaming(statement: StatementHandle, out: *mut PendingHandle) -> State;
    fn pending_execute_task(pending: PendingHandle) -> u32;
    fn pending_error(pending: PendingHandle) -> *const c_char;
    fn execute_pending(pending: PendingHandle, out: *mut ResultWords) -> State;
    fn destroy_pending(pending: *mut PendingHandle);
    fn result_error(result: *mut ResultWords) -> *const c_char;
    fn destroy_result(result: *mut ResultWords);
    fn fetch_chunk(result: ResultWords) -> ChunkHandle;

    fn connection_get_arrow_options(connection: ConnectionHandle, out: *mut Handle);
    fn destroy_arrow_options(options: *mut Handle);
    fn to_arrow_schema(options: Handle, types: *mut TypeHandle, names: *mut *const c_char, count: u64, out: *mut c_void) -> ErrorHandle;
    fn data_chunk_to_arrow(options: Handle, chunk: ChunkHandle, out: *mut c_void) -> ErrorHandle;
    fn schema_from_arrow(connection: ConnectionHandle, schema: *mut c_void, out: *mut Handle) -> ErrorHandle;
    fn destroy_arrow_converted_schema(schema: *mut Handle);
    fn data_chunk_from_arrow(connection: ConnectionHandle, array: *mut c_void, schema: Handle, out: *mut ChunkHandle) -> ErrorHandle;
    fn error_data_message(error: ErrorHandle) -> *const c_char;
    fn destroy_error_data(error: *mut ErrorHandle);

    fn create_logical_type(kind: u32) -> TypeHandle;
    fn get_type_id(logical_type: TypeHandle) -> u32;
    fn list_type_child_type(logical_type: TypeHandle) -> TypeHandle;
    fn array_type_child_type(logical_type: TypeHandle) -> TypeHandle;
    fn map_type_key_type(logical_type: TypeHandle) -> TypeHandle;
    fn map_type_value_type(logical_type: TypeHandle) -> TypeHandle;
    fn struct_type_child_count(logical_type: TypeHandle) -> u64;
    fn struct_type_child_type(logical_type: TypeHandle, index: u64) -> TypeHandle;
    fn union_type_member_count(logical_type: TypeHandle) -> u64;
    fn union_type_member_type(logical_type: TypeHandle, index: u64) -> TypeHandle;
    fn destroy_logical_type(logical_type: *mut TypeHandle);
    fn destroy_data_chunk(chunk: *mut ChunkHandle);
    fn data_chunk_get_size(chunk: ChunkHandle) -> u64;
    fn data_chunk_set_size(chunk: ChunkHandle, rows: u64);
    fn data_chunk_get_vector(chunk: ChunkHandle, column: u64) -> VectorHandle;
    fn vector_get_data(vector: VectorHandle) -> *mut c_void;
    fn vector_get_validity(vector: VectorHandle) -> *const u64;
    fn vector_reference_vector(to: VectorHandle, from: VectorHandle);
    fn vector_get_column_type(vector: VectorHandle) -> TypeHandle;
    fn get_int64(value: Handle) -> i64;
    fn destroy_value(value: *mut Handle);

    fn create_table_function() -> Handle;
    fn destroy_table_function(function: *mut Handle);
    fn table_function_set_name(function: Handle, name: *const c_char);
    fn table_function_add_parameter(function: Handle, parameter: TypeHandle);
    fn table_function_set_extra_info(function: Handle, info: *mut c_void, destroy: Option<Callback>);
    fn table_function_set_bind(function: Handle, callback: Callback);
    fn table_function_set_init(function: Handle, callback: Callback);
    fn table_function_set_local_init(function: Handle, callback: Callback);
    fn table_function_set_function(function: Handle, callback: ScanCallback);
    fn table_function_supports_projection_pushdown(function: Handle, supported: bool);
    fn register_table_function(connection: ConnectionHandle, function: Handle) -> State;
    fn bind_get_extra_info(info: Handle) -> *mut c_void;
    fn bind_get_parameter(info: Handle, index: u64) -> Handle;
    fn bind_add_result_column(info: Handle, name: *const c_char, logical_type: TypeHandle);
    fn bind_set_bind_data(info: Handle, data: *mut c_void, destroy: Option<Callback>);
    fn bind_set_cardinality(info: Handle, rows: u64, exact: bool);
    fn bind_set_error(info: Handle, message: *const c_char);
    fn init_get_extra_info(info: Handle) -> *mut c_void;
    fn init_get_bind_data(info: Handle) -> *mut c_void;
    fn init_get_column_count(info: Handle) -> u64;
    fn init_get_column_index(info: Handle, position: u64) -> u64;
    fn init_set_init_data(info: Handle, data: *mut c_void, destroy: Option<Callback>);
    fn init_set_max_threads(info: Handle, threads: u64);
    fn init_set_error(info: Handle, message: *const c_char);
    fn function_get_init_data(info: Handle) -> *mut c_void;
    fn function_get_local_init_data(info: Handle) -> *mut c_void;
    fn function_set_error(info: Handle, message: *const c_char);
}
