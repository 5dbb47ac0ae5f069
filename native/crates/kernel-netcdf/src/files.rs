use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use rayon::prelude::*;

use crate::error::{NetcdfError, Result};
use crate::glm::{GlmParams, decode_glm};
use crate::limits::{Limits, check};
use crate::netcdf::{NetcdfParams, decode_netcdf};

/// Where the bytes of a file are.
#[derive(Debug, Clone)]
pub enum Content {
    /// On disk. The file is read, not mapped: a mapped file that shrinks would end the process.
    Path(PathBuf),
    /// In memory.
    Bytes(Arc<[u8]>),
}

/// Decodes many GLM files, one per task on the current rayon pool, in the order given.
///
/// Each file is `(name, content)`; the name becomes the `file` column. A file that fails, or panics, does so alone.
/// `cancelled` is asked before each file; files not begun by then give [`NetcdfError::Cancelled`].
/// Memory: per thread one file's bytes, plus all results.
pub fn decode_glm_files(
    files: &[(String, Content)],
    params: &GlmParams,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Result<RecordBatch>> {
    decode_files(files, &params.limits, cancelled, |bytes, name| {
        decode_glm(bytes, name, params)
    })
}

/// Decodes many CF files with the same parameters; otherwise as [`decode_glm_files`].
pub fn decode_netcdf_files(
    files: &[(String, Content)],
    params: &NetcdfParams,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Result<RecordBatch>> {
    decode_files(files, &params.limits, cancelled, |bytes, name| {
        decode_netcdf(bytes, name, params)
    })
}

fn decode_files(
    files: &[(String, Content)],
    limits: &Limits,
    cancelled: &(dyn Fn() -> bool + Sync),
    decode: impl Fn(&[u8], &str) -> Result<RecordBatch> + Sync,
) -> Vec<Result<RecordBatch>> {
    let decode_one = |buffer: &mut Vec<u8>, (name, content): &(String, Content)| {
        if cancelled() {
            return Err(NetcdfError::Cancelled);
        }
        match content {
            Content::Bytes(bytes) => decode(bytes, name),
            Content::Path(path) => {
                read(path, limits, buffer)?;
                decode(buffer, name)
            }
        }
    };
    // One buffer per task and not per file: fresh pages cost more than the decoding.
    files.par_iter().map_init(Vec::new, decode_one).collect()
}

fn read(path: &Path, limits: &Limits, buffer: &mut Vec<u8>) -> Result<()> {
    let failed = |source| NetcdfError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let checked = |length| {
        check(
            "the size of the file in bytes",
            length,
            "file_bytes_max",
            limits.file_bytes_max,
        )
    };
    checked(length)?;
    buffer.clear();
    buffer.reserve(length as usize + 1);
    // Special files report no length, so what is read is bounded too.
    let read = file
        .take(limits.file_bytes_max.saturating_add(1))
        .read_to_end(buffer)
        .map_err(failed)?;
    checked(read as u64)
}
