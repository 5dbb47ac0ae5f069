//! Many CSV files, for [`FilesReader`](crate::FilesReader).

use std::sync::Arc;

use arrow_schema::{FieldRef, Schema, SchemaRef};

use super::infer::{infer_csv_schema, read_header};
use super::params::CsvReadParams;
use super::reader::CsvReader;
use super::row_scanner::RowScanner;
use crate::error::Result;
use crate::files::{FileRows, InputFile, ReadFile, file_columns};

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
