//! Many CSV files, for [`FilesReader`](crate::FilesReader).

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};

use super::infer::{infer_csv_schema, read_header};
use super::params::CsvReadParams;
use super::reader::{CsvReader, RowLayout};
use super::row_scanner::RowScanner;
use super::survey::survey;
use crate::compressed::is_plain_text;
use crate::error::{FormatsError, Result};
use crate::files::{FilePieces, FileRows, InputFile, ReadFile, file_columns};
use crate::read_ahead::IsStopped;

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
            is_inferred: self.params.infers(),
            ..self.params.clone()
        };
        Ok(Box::new(CsvReader::open(file.input.clone(), &params)?))
    }

    fn pieces(
        &self,
        file: &InputFile,
        wanted: &SchemaRef,
        is_stopped: IsStopped,
    ) -> Result<Option<FilePieces>> {
        let byte_length = file.input.byte_length()?;
        if byte_length <= WHOLE_BYTES_MAX || !is_plain_text(&file.input, self.params.encoding)? {
            return Ok(None);
        }
        let params = self.params.clone();
        let schema = self.columns(file, wanted)?;
        if !fits_as_it_is(&schema, wanted, file) {
            return Ok(None);
        }
        let mut rows = RowScanner::open(&file.input, &params)?;
        let layout = RowLayout::read(&mut rows, schema, params.header)?;
        let Some(cuts) = survey(&file.input, rows.place(), &params, is_stopped)? else {
            return Ok(None);
        };
        let input = file.input.clone();
        Ok(Some(FilePieces {
            count: cuts.len() - 1,
            byte_length,
            open: Box::new(move |index| {
                let (start, end) = (cuts[index], cuts[index + 1]);
                let text = input.range(start.offset, end.offset)?;
                let rows = RowScanner::of_rows(input.name(), text, start.line, &params);
                let rows = CsvReader::new(rows, layout.clone(), &params)?;
                Ok(Box::new(rows))
            }),
        }))
    }
}

/// Files up to this size, in bytes, are decoded by one thread.
const WHOLE_BYTES_MAX: u64 = 16 << 20;

/// Whether the rows of a file need no conversion, which could fail for values far into it.
fn fits_as_it_is(schema: &SchemaRef, wanted: &SchemaRef, file: &InputFile) -> bool {
    let is_constant = |name: &str| file.constants.iter().any(|(constant, _)| constant == name);
    wanted
        .fields()
        .iter()
        .all(|field| match schema.field_with_name(field.name()) {
            _ if is_constant(field.name()) => true,
            Ok(found) => {
                found.data_type() == field.data_type()
                    && (field.is_nullable() || !found.is_nullable())
            }
            Err(_) => field.is_nullable(),
        })
}

/// A name that two columns have, as in schemas that were inferred before names were made distinct.
fn name_twice(schema: &SchemaRef) -> Option<&str> {
    let mut seen = HashSet::new();
    let mut names = schema.fields().iter().map(|field| field.name().as_str());
    names.find(|name| !seen.insert(*name))
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
        if let Some(name) = name_twice(wanted) {
            return Err(FormatsError::Drift {
                input: file.title(),
                column: name.to_owned(),
                reason: "it is expected twice, so that a header cannot tell the two apart"
                    .to_owned(),
            });
        }
        let names = read_header(&mut RowScanner::open(&file.input, &self.params)?)?;
        let wanted_field = |name: &String| wanted.field_with_name(name).ok().cloned();
        let any = |name: &String| Field::new(name, DataType::Utf8, true);
        let all = names
            .iter()
            .map(|name| wanted_field(name).unwrap_or_else(|| any(name)));
        let all = Arc::new(Schema::new(all.collect::<Vec<_>>()));
        file_columns(&all, wanted, &file.constants, &file.title())?;
        let named: Vec<_> = names.iter().filter_map(wanted_field).collect();
        Ok(Arc::new(Schema::new(named)))
    }
}
