use crate::error::{NetcdfError, Result};

/// Bounds on what one file may make the decoder do. They hold before anything is allocated.
///
/// The memory of one decoding thread is at most about
/// `file_bytes_max + dataset_bytes_max + batch_bytes_max`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Largest file read from a path, in bytes. Default 256 MiB.
    pub file_bytes_max: u64,
    /// Largest dataset, in bytes as stored after decompression. Default 256 MiB.
    pub dataset_bytes_max: u64,
    /// Largest decoded table, in bytes over all its columns. Default 256 MiB.
    pub batch_bytes_max: u64,
    /// Deepest tree of any kind (B-trees, heaps). Default 16.
    pub depth_max: usize,
    /// Most structures (headers, tree nodes, heap blocks, chunks) visited in one file. Default 4,000,000.
    pub visits_max: usize,
    /// Largest ratio of decoded to stored bytes of one compressed chunk. Default 1,100: deflate reaches 1,032.
    pub ratio_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 256 << 20,
            dataset_bytes_max: 256 << 20,
            batch_bytes_max: 256 << 20,
            depth_max: 16,
            visits_max: 4_000_000,
            ratio_max: 1_100,
        }
    }
}

impl Limits {
    /// The size of a dataset as `usize`, or an error when it exceeds `dataset_bytes_max`.
    pub(crate) fn dataset_bytes(&self, element_count: u64, element_bytes: usize) -> Result<usize> {
        let claimed = element_count.saturating_mul(element_bytes as u64);
        check(
            "a dataset's size in bytes",
            claimed,
            "dataset_bytes_max",
            self.dataset_bytes_max,
        )?;
        Ok(claimed as usize)
    }

    /// An error when a table of `row_count` rows and `row_bytes` per row exceeds `batch_bytes_max`.
    pub(crate) fn check_batch(&self, row_count: usize, row_bytes: usize) -> Result<()> {
        let claimed = (row_count as u64).saturating_mul(row_bytes as u64);
        check(
            "the decoded table's size in bytes",
            claimed,
            "batch_bytes_max",
            self.batch_bytes_max,
        )
    }

    /// An error when a chunk of `stored` bytes claims to decode to `decoded` bytes beyond `ratio_max`.
    pub(crate) fn check_ratio(&self, stored: u64, decoded: u64) -> Result<()> {
        let allowed = stored.saturating_mul(self.ratio_max);
        check(
            "the decoded size of a compressed chunk in bytes",
            decoded,
            "ratio_max × stored bytes",
            allowed,
        )
    }
}

pub(crate) fn check(what: &str, claimed: u64, limit: &'static str, allowed: u64) -> Result<()> {
    if claimed > allowed {
        return Err(NetcdfError::Limit {
            what: what.to_owned(),
            claimed,
            limit,
            allowed,
        });
    }
    Ok(())
}
