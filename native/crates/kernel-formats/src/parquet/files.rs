//! Many Parquet files, for [`FilesReader`](crate::FilesReader).

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use rayon::prelude::*;

use super::reader::{Selection, read_parquet_schema};
use crate::condition::Condition;
use crate::error::{FormatsError, Result};
use crate::files::{FileRows, InputFile, ReadFile};
use crate::input::Input;

/// Files up to this size are read at once; of larger ones only the pages that are needed.
const WHOLE_BYTES_MAX: u64 = 4 << 20;

/// How Parquet files are read together.
#[derive(Debug, Clone, Default)]
pub struct ParquetFiles {
    /// As in [`ParquetReadParams`](crate::ParquetReadParams); each file is judged by its own statistics.
    pub conditions: Vec<Condition>,
}

impl ReadFile for ParquetFiles {
    fn schema(&self, file: &InputFile) -> Result<SchemaRef> {
        read_parquet_schema(file.input.clone())
    }

    fn open(&self, file: &InputFile, wanted: &SchemaRef) -> Result<FileRows> {
        let input = in_memory_if_small(&file.input)?;
        let selection = Selection::for_file(file, &input, wanted, &self.conditions)?;
        let beside = BYTES_BESIDE_MAX / selection.row_group_bytes_max().max(1);
        let row_groups = selection.row_groups.clone();
        if matches!(input, Input::Bytes(_)) || row_groups.len() < 2 || beside < 2 {
            return Ok(Box::new(selection.read(&input, row_groups)?));
        }
        Ok(Box::new(RowGroups {
            beside: usize::try_from(beside).unwrap_or(usize::MAX),
            input,
            selection,
            left: row_groups.into(),
            ready: VecDeque::new(),
        }))
    }
}

/// What row groups may hold that are decoded beside each other, in bytes.
const BYTES_BESIDE_MAX: u64 = 64 << 20;

/// The rows of a large file, whose row groups are decoded beside each other as far as they are small.
struct RowGroups {
    input: Input,
    selection: Selection,
    beside: usize,
    left: VecDeque<usize>,
    ready: VecDeque<Result<RecordBatch>>,
}

impl Iterator for RowGroups {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ready.is_empty() && !self.left.is_empty() {
            let count = self
                .beside
                .min(rayon::current_num_threads())
                .min(self.left.len());
            let next: Vec<usize> = self.left.drain(..count).collect();
            let decoded: Vec<Vec<Result<RecordBatch>>> = next
                .into_par_iter()
                .map(
                    |row_group| match self.selection.read(&self.input, vec![row_group]) {
                        Ok(rows) => rows.collect(),
                        Err(error) => vec![Err(error)],
                    },
                )
                .collect();
            self.ready.extend(decoded.into_iter().flatten());
        }
        let next = self.ready.pop_front()?;
        if next.is_err() {
            self.left.clear();
            self.ready.clear();
        }
        Some(next)
    }
}

/// One call of the system for a small file, instead of one per page.
fn in_memory_if_small(input: &Input) -> Result<Input> {
    let Input::Path(path) = input else {
        return Ok(input.clone());
    };
    let failed = |error| FormatsError::io("read", path, error);
    let file = File::open(path).map_err(|error| FormatsError::io("open", path, error))?;
    let length = file.metadata().map_err(failed)?.len();
    if length > WHOLE_BYTES_MAX {
        return Ok(input.clone());
    }
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(WHOLE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Input::Bytes(Bytes::from(bytes)))
}
