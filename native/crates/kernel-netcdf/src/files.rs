use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

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

/// What the results of one call may hold together, in bytes; no more files are begun beyond it.
const CALL_BYTES_MAX: u64 = 128 << 20;

/// What one file's dataset or table may hold while others are decoded beside it, in bytes.
const SHARED_BYTES_MAX: u64 = 32 << 20;

/// Decodes GLM files on the current rayon pool: the first of `files`, as many as fit in memory, at least one.
///
/// Each file is `(name, content)`; the name becomes the `file` column. A file that fails, or panics, does so alone.
/// The results are those of the first files, in their order; call again with the rest when there are fewer of them
/// than files. `cancelled` is asked before each file; files not begun by then give [`NetcdfError::Cancelled`].
/// Memory: 128 MiB of results and per thread one file's bytes and 64 MiB; or one larger file, alone.
pub fn decode_glm_files(
    files: &[(String, Content)],
    params: &GlmParams,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Result<RecordBatch>> {
    decode_files(files, &params.limits, cancelled, |bytes, name, limits| {
        let params = GlmParams {
            limits: limits.clone(),
            ..params.clone()
        };
        decode_glm(bytes, name, &params)
    })
}

/// Decodes CF files with the same parameters; otherwise as [`decode_glm_files`].
pub fn decode_netcdf_files(
    files: &[(String, Content)],
    params: &NetcdfParams,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Vec<Result<RecordBatch>> {
    decode_files(files, &params.limits, cancelled, |bytes, name, limits| {
        let params = NetcdfParams {
            limits: limits.clone(),
            ..params.clone()
        };
        decode_netcdf(bytes, name, &params)
    })
}

fn decode_files(
    files: &[(String, Content)],
    limits: &Limits,
    cancelled: &(dyn Fn() -> bool + Sync),
    decode: impl Fn(&[u8], &str, &Limits) -> Result<RecordBatch> + Sync,
) -> Vec<Result<RecordBatch>> {
    let decode_one = |(name, content): &(String, Content), limits: &Limits| {
        if cancelled() {
            return Err(NetcdfError::Cancelled);
        }
        match content {
            Content::Bytes(bytes) => decode(bytes, name, limits),
            Content::Path(path) => with_bytes(path, limits, |bytes| decode(bytes, name, limits)),
        }
    };
    if let [_, _, ..] = files {
        let results = decode_beside_each_other(files, limits, decode_one);
        if !results.is_empty() {
            return results;
        }
    }
    let first = files.iter().take(1);
    first.map(|file| decode_one(file, limits)).collect()
}

/// The results of the first files, up to the first one that needs more memory than its share or that was not begun.
fn decode_beside_each_other(
    files: &[(String, Content)],
    limits: &Limits,
    decode_one: impl Fn(&(String, Content), &Limits) -> Result<RecordBatch> + Sync,
) -> Vec<Result<RecordBatch>> {
    let shared = Limits {
        dataset_bytes_max: limits.dataset_bytes_max.min(SHARED_BYTES_MAX),
        batch_bytes_max: limits.batch_bytes_max.min(SHARED_BYTES_MAX),
        ..limits.clone()
    };
    let (next, held) = (AtomicUsize::new(0), AtomicU64::new(0));
    let results: Vec<OnceLock<Result<RecordBatch>>> =
        files.iter().map(|_| OnceLock::new()).collect();
    // Threads take the files in their order, so that what was not begun is at the end.
    let threads = 0..rayon::current_num_threads();
    threads.into_par_iter().for_each(|_| {
        while held.load(Ordering::Relaxed) < CALL_BYTES_MAX {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return };
            let result = decode_one(file, &shared);
            match &result {
                Err(NetcdfError::Limit { .. }) => {
                    return next.store(files.len(), Ordering::Relaxed);
                }
                Ok(batch) => {
                    held.fetch_add(batch.get_array_memory_size() as u64, Ordering::Relaxed)
                }
                Err(_) => 0,
            };
            _ = results[index].set(result);
        }
    });
    let results = results.into_iter().map(OnceLock::into_inner);
    results.map_while(|result| result).collect()
}

thread_local! {
    /// Fresh pages cost more than the decoding of a small file.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a thread keeps for its next file, in bytes.
const KEPT_BYTES_MAX: usize = 4 << 20;

fn with_bytes<T>(path: &Path, limits: &Limits, work: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let mut buffer = BUFFER.take();
    read(path, limits, &mut buffer)?;
    let result = work(&buffer);
    if buffer.capacity() <= KEPT_BYTES_MAX {
        BUFFER.set(buffer);
    }
    result
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
