//! Many CSV files, for [`FilesReader`](crate::FilesReader).

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use arrow_schema::{FieldRef, Schema, SchemaRef};

use super::infer::{infer_csv_schema, read_header};
use super::params::CsvReadParams;
use super::reader::CsvReader;
use super::row_scanner::RowScanner;
use crate::compressed::{TextCompression, compression_of};
use crate::error::{FormatsError, Result};
use crate::files::{FileRows, InputFile, ReadFile, file_columns};
use crate::input::Input;

/// How CSV files are read together. The schema of the params, if any, has the columns of the files, not those that are
/// wanted of them.
#[derive(Debug, Clone, Default)]
pub struct CsvFiles {
    /// As for one file.
    pub params: CsvReadParams,
}

impl ReadFile for CsvFiles {
    fn schema(&self, file: &InputFile) -> Result<SchemaRef> {
        match &self.params.schema {
            Some(schema) => Ok(Arc::clone(schema)),
            None => infer_csv_schema(file.input.clone(), &self.params),
        }
    }

    fn open(&self, file: &InputFile, wanted: &SchemaRef) -> Result<FileRows> {
        let params = CsvReadParams {
            schema: Some(self.columns(file, wanted)?),
            ..self.params.clone()
        };
        Ok(Box::new(CsvReader::open(file.input.clone(), &params)?))
    }

    fn is_sound(&self, file: &InputFile) -> Result<bool> {
        has_only_plain_rows(&file.input, self.params.row_bytes_max)
    }
}

/// Whether the file is not compressed, no quote is in it, and no row is longer than the bound: nothing else can spoil the
/// rows behind it.
fn has_only_plain_rows(input: &Input, row_bytes_max: usize) -> Result<bool> {
    let path = match input {
        Input::Bytes(bytes) => {
            let is_text = compression_of(bytes) == TextCompression::None;
            return Ok(is_text && is_plain(bytes, &mut 0, row_bytes_max));
        }
        Input::Path(path) => path,
    };
    let failed = |error| FormatsError::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let (mut buffer, mut row_bytes, mut is_first) = (vec![0; READ_BYTES], 0, true);
    loop {
        let length = file.read(&mut buffer).map_err(failed)?;
        if std::mem::take(&mut is_first)
            && compression_of(&buffer[..length]) != TextCompression::None
        {
            return Ok(false);
        }
        if length == 0 || !is_plain(&buffer[..length], &mut row_bytes, row_bytes_max) {
            return Ok(length == 0);
        }
    }
}

const READ_BYTES: usize = 1 << 20;

/// `row_bytes` are those of the row that a piece of text begins in, and afterwards of the one it ends in.
fn is_plain(text: &[u8], row_bytes: &mut usize, row_bytes_max: usize) -> bool {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        if *row_bytes + end - start > row_bytes_max {
            return false;
        }
        (start, *row_bytes) = (end + 1, 0);
    }
    *row_bytes += text.len() - start;
    *row_bytes <= row_bytes_max && memchr::memchr(b'"', text).is_none()
}

impl CsvFiles {
    /// The columns to parse: with a header those of the wanted ones that it names, without one all fields by position.
    fn columns(&self, file: &InputFile, wanted: &SchemaRef) -> Result<SchemaRef> {
        let is_constant = |field: &FieldRef| {
            let mut constants = file.constants.iter();
            constants.any(|(name, _)| name == field.name())
        };
        if !self.params.header {
            let own = wanted.fields().iter().filter(|field| !is_constant(field));
            let declared = || own.cloned().collect::<Vec<_>>();
            return Ok(match &self.params.schema {
                Some(schema) => Arc::clone(schema),
                None => Arc::new(Schema::new(declared())),
            });
        }
        let names = read_header(&mut RowScanner::open(&file.input, &self.params)?)?;
        let named = names
            .iter()
            .filter_map(|name| wanted.field_with_name(name).ok());
        let schema = Arc::new(Schema::new(named.cloned().collect::<Vec<_>>()));
        file_columns(&schema, wanted, &file.constants, &file.title())?;
        Ok(schema)
    }
}
