//! Many Parquet files, for [`FilesReader`](crate::FilesReader).

use std::fs::File;
use std::io::Read;

use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::reader::{ParquetReader, read_parquet_schema};
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
        let rows = ParquetReader::open_for(file, input, wanted, &self.conditions)?;
        Ok(Box::new(rows))
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
