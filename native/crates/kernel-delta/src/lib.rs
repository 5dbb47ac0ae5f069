//! Delta Lake tables on a local disk: create, append exactly once, evolve.
//!
//! - `types`: which Arrow type is stored as what
//! - `rows`: batches as a table stores them, cut by partition
//! - `stats`: what an add action tells of a file
//! - `plan`: how rows fit a table, before anything is written
//! - `append`: one commit with files and the application's transaction
//! - `log`: the engine behind `delta_kernel`, and commits that survive a power failure
//!
//! Source: Delta Transaction Log Protocol, on the crate `delta_kernel`.

mod append;
mod error;
mod log;
mod plan;
mod rows;
mod stats;
mod types;

pub use append::{Append, Appended, DataFile, append};
pub use error::{DeltaError, Result};
pub use plan::{Plan, Wish, plan};
pub use rows::{Part, parts};
pub use stats::FileStats;
pub use types::{Refusal, stored_schema};
