//! The Node addon: the only crate that knows JavaScript. Small option objects, bytes, handles and promises cross here,
//! never rows. `batch` is the file to read first; then one file per kernel crate.

// napi-derive registers nothing in test builds, so that every exported function looks unused there.
#![cfg_attr(test, allow(dead_code))]

mod allocator;
mod batch;
mod cluster;
mod delta;
mod delta_keep;
mod delta_read;
mod error;
mod file_lock;
mod files;
mod formats;
mod join_state;
mod kafka;
mod lookup;
mod netcdf;
mod query;
mod relational;
mod reshape;
mod schema;
mod staged_messages;
mod state_file;
mod windows;
mod work;
