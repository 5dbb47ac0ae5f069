//! Relational work on Arrow batches: SQL expressions checked against a schema and applied to batches, queries over named inputs, and
//! tables written exactly once. The engine behind it is DuckDB's prebuilt library, opened by path and fed in place.
//!
//! Read `database.rs` first, then `projection.rs`. `scan.rs` is how DuckDB reads our batches; `ffi.rs` is the C API it exports.
//!
//! # Types
//! Zoned timestamps are instants: expressions see them as naive timestamps in UTC of the same unit, tables have them as
//! `TIMESTAMP WITH TIME ZONE`, and results that stem from them are
//! tagged `UTC`. DuckDB computes intervals and truncation in microseconds, so `flash_time + INTERVAL 1 SECOND` on nanoseconds gives
//! microseconds; comparisons and plain columns keep every nanosecond. Computed text is `Utf8`, sums of integers are `Int64`
//! (`integer_sums.rs`), other 128-bit integers `Decimal128(38, 0)`; a value that does not fit is an error.

mod columns;
mod compaction;
mod connection;
mod cost;
mod counter;
mod database;
mod decompose;
mod error;
mod exact_json;
mod exact_literals;
mod expression;
mod ffi;
mod functions;
mod gather;
mod inputs;
mod integer_sums;
mod join_side;
mod join_state;
mod ledger;
mod library;
mod lookup;
mod order;
mod partials;
mod prepared_query;
mod private_folder;
mod projection;
mod query;
mod query_pool;
mod query_rules;
mod quote;
mod references;
mod reshape;
mod row_stream;
mod scan;
mod simple_filter;
mod small_bytes;
mod sync;
mod syntax;
mod table_write;
mod units;
mod wide_integers;
mod window_state;
mod windows;

pub use compaction::Compaction;
pub use counter::counter_rows;
pub use database::{Database, Limits, Location};
pub use decompose::{Decomposition, Partial, decompose_measures};
pub use error::{ExpressionIssue, RelationalError, Result};
pub use expression::{check_expression, check_measure};
pub use integer_sums::IntegerSums;
pub use join_state::{JoinAside, JoinInput, JoinRows, JoinState, JoinStateParams, JoinWatermark};
pub use ledger::{LEDGER_TABLE, LedgerKey, ledger_epoch};
pub use library::{DUCKDB_VERSION, Library};
pub use lookup::{Lookup, LookupColumn, LookupKind, LookupParams};
pub use order::needs_order;
pub use partials::Merge;
pub use private_folder::PrivateFolder;
pub use projection::Projection;
pub use query::{Cancelled, Query, QueryInput, QueryRows, check_query};
pub use query_pool::QueryPool;
pub use references::{RowCondition, expression_columns, row_conditions};
pub use reshape::{Unpivot, flatten, unpivot, with_time};
pub use row_stream::{MORSEL_ROWS, RowStream};
pub use table_write::{TableWrite, WriteMode, WriteOutcome, count_rows, write_table};
pub use window_state::{OpenWindows, WINDOW_NAMES, WindowState, WindowStateParams};
pub use windows::{
    Span, WindowParams, Windowed, assign_windows, latest_event_time_ms, split_by_event_time,
    window_time_type,
};
