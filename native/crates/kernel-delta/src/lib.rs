//! Delta Lake tables on a local disk: create, append exactly once, evolve, read.
//!
//! - `types`: which Arrow type is stored as what
//! - `rows`: batches as a table stores them, cut by partition
//! - `stats`: what an add action tells of a file
//! - `plan`: how rows fit a table, before anything is written
//! - `append`: one commit with files and the application's transaction
//! - `read`: a version of a table, its columns and files; `skipping`: which of them need not be read
//! - `file_rows`: rows of a Parquet file as rows of the table
//! - `stream`: files in the order in which they came, on `commit`, one version's actions
//! - `log`: the engine behind `delta_kernel`, and commits that survive a power failure
//!
//! Source: Delta Transaction Log Protocol, on the crate `delta_kernel`.

mod append;
mod commit;
mod error;
mod file_rows;
mod log;
mod plan;
mod read;
mod rows;
mod skipping;
mod stats;
mod stream;
mod types;

pub use append::{Append, Appended, DataFile, append};
pub use error::{DeltaError, Result};
pub use file_rows::{FileRows, ReadColumn};
pub use plan::{Plan, Wish, plan};
pub use read::{At, TableFile, TableVersion, open, require_files};
pub use rows::{Part, parts};
pub use skipping::{Comparison, Condition};
pub use stats::FileStats;
pub use stream::{Bounds, OnChange, Origin, Position, Range, TableStream};
pub use types::{Refusal, stored_schema};
