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
//! - `checkpoint`: keeps the log quick to read, and short
//! - `rewrite`: small files become large ones; `vacuum`: files that no version needs any more
//! - `history`: what a table was and is, for people
//! - `log`: the engine behind `delta_kernel`, and commits that survive a power failure
//!
//! Source: Delta Transaction Log Protocol, on the crate `delta_kernel`.

mod append;
mod checkpoint;
mod commit;
pub mod disk;
mod error;
mod file_rows;
mod history;
mod log;
mod plan;
mod read;
mod rewrite;
mod rows;
mod skipping;
mod stats;
mod store;
mod stream;
mod types;
mod vacuum;

pub use append::{Append, Appended, DataFile, append};
pub use error::{DeltaError, Result};
pub use file_rows::{FileRows, ReadColumn};
pub use history::{Details, HistoryEntry, details, history};
pub use plan::{Plan, Wish, plan};
pub use read::{At, TableFile, TableVersion, open, require_files};
pub use rewrite::{Group, Policy, groups_of, rewrite};
pub use rows::{Part, parts};
pub use skipping::{Comparison, Condition};
pub use stats::FileStats;
pub use stream::{Bounds, OnChange, Origin, Position, Range, TableStream};
pub use types::{Refusal, stored_schema};
pub use vacuum::{Vacuumed, Vacuuming, vacuum};
