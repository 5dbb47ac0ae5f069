//! Version 1 B-trees of chunks (HDF5 File Format Specification 3.0, III.A.1).

use std::borrow::Cow;

use super::filter::{Filter, decode};
use super::header::as_length;
use super::source::{Source, UNDEFINED};
use crate::container::Run;
use crate::error::{NetcdfError, Result};

/// The chunks of a dataset of rank 1.
pub(super) struct Chunks<'s, 'a> {
    pub(super) source: &'s Source<'a>,
    pub(super) filters: &'s [Filter],
    pub(super) element_count: usize,
    pub(super) element_bytes: usize,
    /// Elements of a chunk; the last one is stored in full length too.
    pub(super) chunk: u64,
}

/// A key of the tree: which chunk its child is, and how it is stored.
struct Key {
    stored_bytes: u32,
    skipped_filters: u32,
    start: u64,
}

impl<'a> Chunks<'_, 'a> {
    /// All stored chunks below the tree at `address`, in order.
    pub(super) fn runs(&self, address: u64) -> Result<Vec<Run<'a>>> {
        let mut runs = Vec::new();
        if address != UNDEFINED && self.element_count > 0 {
            self.walk(address, None, &mut runs)?;
        }
        Ok(runs)
    }

    /// Visits one node; `level` is the level it must have, unless it is the root.
    fn walk(&self, address: u64, level: Option<u8>, runs: &mut Vec<Run<'a>>) -> Result<()> {
        const CHUNKS: u8 = 1;
        self.source.visit()?;
        let mut cursor = self.source.cursor(address)?;
        cursor.expect(b"TREE", "chunk index")?;
        let (kind, found_level) = (cursor.u8()?, cursor.u8()?);
        self.source
            .check_depth("the depth of a chunk index", usize::from(found_level))?;
        if kind != CHUNKS || level.is_some_and(|level| level != found_level) {
            return Err(NetcdfError::corrupt(
                as_length(address),
                "a chunk index of another kind or level",
            ));
        }
        let entry_count = cursor.u16()?;
        cursor.skip(16)?;
        for _ in 0..entry_count {
            let key = Key {
                stored_bytes: cursor.u32()?,
                skipped_filters: cursor.u32()?,
                start: cursor.u64()?,
            };
            cursor.skip(8)?;
            let child = cursor.u64()?;
            match found_level.checked_sub(1) {
                Some(child_level) => self.walk(child, Some(child_level), runs)?,
                None => self.push(&key, child, runs)?,
            }
        }
        Ok(())
    }

    fn push(&self, key: &Key, address: u64, runs: &mut Vec<Run<'a>>) -> Result<()> {
        let at = as_length(address);
        // Chunks beyond the end are left over from before a dataset was made shorter.
        let Some(start) = usize::try_from(key.start)
            .ok()
            .filter(|start| *start < self.element_count)
        else {
            return Ok(());
        };
        let is_behind = runs.last().is_none_or(|last| last.start < start);
        if !key.start.is_multiple_of(self.chunk) || !is_behind {
            return Err(NetcdfError::corrupt(
                at,
                format!("a chunk at element {start} out of order"),
            ));
        }
        let kept_bytes =
            self.chunk.min((self.element_count - start) as u64) as usize * self.element_bytes;
        let stored = self.source.slice(address, u64::from(key.stored_bytes))?;
        let bytes = if self.filters.is_empty() {
            let kept = stored.get(..kept_bytes);
            Cow::Borrowed(
                kept.ok_or_else(|| NetcdfError::corrupt(at, "a chunk shorter than its elements"))?,
            )
        } else {
            Cow::Owned(self.unfilter(key, stored, address, kept_bytes)?)
        };
        runs.push(Run { start, bytes });
        Ok(())
    }

    fn unfilter(
        &self,
        key: &Key,
        stored: &[u8],
        address: u64,
        kept_bytes: usize,
    ) -> Result<Vec<u8>> {
        self.source.visit()?;
        let chunk_bytes = self
            .source
            .limits
            .dataset_bytes(self.chunk, self.element_bytes)?;
        self.source
            .limits
            .check_ratio(stored.len() as u64, chunk_bytes as u64)?;
        let (filters, skipped) = (self.filters, key.skipped_filters);
        let mut bytes = decode(
            filters,
            skipped,
            stored,
            chunk_bytes,
            self.element_bytes,
            address,
        )?;
        bytes.truncate(kept_bytes);
        bytes.shrink_to_fit();
        Ok(bytes)
    }
}

/// All elements in one piece.
pub(super) fn contiguous<'a>(bytes: &'a [u8]) -> Vec<Run<'a>> {
    vec![Run {
        start: 0,
        bytes: Cow::Borrowed(bytes),
    }]
}

/// Turns the elements of big-endian runs around.
pub(super) fn reverse_elements(runs: &mut [Run<'_>], element_bytes: usize) {
    for run in runs {
        run.bytes
            .to_mut()
            .chunks_exact_mut(element_bytes)
            .for_each(<[u8]>::reverse);
    }
}
