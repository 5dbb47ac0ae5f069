//! A CSV file → record batches.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::column_builder::ColumnBuilder;
use super::infer::{infer_csv_schema, read_header};
use super::params::CsvReadParams;
use super::row_scanner::RowScanner;
use crate::error::{FormatsError, Result};
use crate::input::Input;

const VALUE_CHARACTERS_SHOWN: usize = 64;

/// Reads a CSV file batch by batch.
///
/// A row that does not fit the schema is an error of its own ([`FormatsError::CsvValue`],
/// [`FormatsError::CsvFieldCount`]): the iterator yields it and goes on with the next row. Any other
/// error ends the iteration. Blank lines are skipped, except in files of one column, where they are
/// nulls. Timestamps without a zone are taken as UTC. Where the schema is inferred, what a row has to fit is what
/// inference would have said of it: a code with leading zeros is no integer.
///
/// Memory: one batch, and 1 MiB or twice the longest row.
pub struct CsvReader {
    rows: RowScanner,
    layout: RowLayout,
    columns: Vec<ColumnBuilder>,
    row_count: usize,
    batch_rows: usize,
    null: Vec<u8>,
    ended: bool,
}

impl CsvReader {
    /// Opens a file, or the bytes of one; infers the schema when the params hold none.
    ///
    /// Errors: those of [`infer_csv_schema`], and [`FormatsError::UnknownColumn`] (a column of the
    /// schema is not in the header), [`FormatsError::UnsupportedType`].
    pub fn open(input: impl Into<Input>, params: &CsvReadParams) -> Result<Self> {
        params.check()?;
        let input = input.into();
        let schema = match &params.schema {
            Some(schema) => schema.clone(),
            None => infer_csv_schema(input.clone(), params)?,
        };
        let mut rows = RowScanner::open(&input, params)?;
        let layout = RowLayout::read(&mut rows, schema, params.header)?;
        Self::new(rows, layout, params)
    }

    /// Reads the rows of a scanner that is past the header.
    ///
    /// Errors: [`FormatsError::UnsupportedType`].
    pub(super) fn new(rows: RowScanner, layout: RowLayout, params: &CsvReadParams) -> Result<Self> {
        let fields = layout.schema.fields().iter();
        let columns = fields
            .map(|field| ColumnBuilder::new(field, params.infers()))
            .collect::<Result<_>>()?;
        Ok(Self {
            rows,
            layout,
            columns,
            row_count: 0,
            batch_rows: params.batch_rows,
            null: params.null.as_bytes().to_vec(),
            ended: false,
        })
    }

    /// The schema of the batches.
    pub fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while self.row_count < self.batch_rows {
            if !self.rows.advance()? {
                self.ended = true;
                break;
            }
            if self.rows.is_blank() && self.layout.field_count > 1 {
                continue;
            }
            if let Err(error) = self.read_row() {
                for column in &mut self.columns {
                    column.truncate(self.row_count);
                }
                return Err(error);
            }
            self.row_count += 1;
        }
        if self.row_count == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let options =
            RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.row_count)));
        RecordBatch::try_new_with_options(self.schema(), columns, &options)
            .map(Some)
            .map_err(|error| FormatsError::Corrupt {
                input: self.rows.name().to_owned(),
                format: "CSV",
                reason: error.to_string(),
            })
    }

    fn read_row(&mut self) -> Result<()> {
        let found = self.rows.fields().len();
        if found != self.layout.field_count {
            return Err(FormatsError::CsvFieldCount {
                input: self.rows.name().to_owned(),
                line: self.rows.line(),
                expected: self.layout.field_count,
                found,
            });
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            let position = self.layout.positions[index];
            let field = self.rows.fields()[position];
            let text = self.rows.text(field);
            let is_null = !field.quoted && text == self.null;
            let understood = if is_null {
                let nullable = self.layout.schema.field(index).is_nullable();
                if nullable {
                    column.push_null();
                }
                nullable
            } else {
                column.push(text)
            };
            if !understood {
                let value = String::from_utf8_lossy(text)
                    .chars()
                    .take(VALUE_CHARACTERS_SHOWN)
                    .collect();
                return Err(FormatsError::CsvValue {
                    input: self.rows.name().to_owned(),
                    line: self.rows.line(),
                    column: position + 1,
                    name: self.layout.schema.field(index).name().clone(),
                    value,
                    expected: column.expected.clone(),
                });
            }
        }
        Ok(())
    }
}

impl Iterator for CsvReader {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_batch();
        self.ended |= match &next {
            Ok(batch) => batch.is_none(),
            Err(FormatsError::CsvValue { .. } | FormatsError::CsvFieldCount { .. }) => false,
            Err(_) => true,
        };
        next.transpose()
    }
}

/// Which field of a row each column is.
#[derive(Clone)]
pub(super) struct RowLayout {
    schema: SchemaRef,
    /// For each column of the schema, its position in a row.
    positions: Vec<usize>,
    field_count: usize,
}

impl RowLayout {
    /// By the header, which is read here, or else column by column.
    ///
    /// Errors: those of [`RowScanner::advance`], [`FormatsError::Corrupt`] (no header), [`FormatsError::UnknownColumn`].
    pub(super) fn read(rows: &mut RowScanner, schema: SchemaRef, has_header: bool) -> Result<Self> {
        let (positions, field_count) = if has_header {
            let names = read_header(rows)?;
            (header_positions(rows, &schema, &names)?, names.len())
        } else {
            ((0..schema.fields().len()).collect(), schema.fields().len())
        };
        Ok(Self {
            schema,
            positions,
            field_count,
        })
    }
}

fn header_positions(rows: &RowScanner, schema: &SchemaRef, names: &[String]) -> Result<Vec<usize>> {
    let position = |column: &str| {
        names
            .iter()
            .position(|name| name == column)
            .ok_or_else(|| FormatsError::UnknownColumn {
                input: rows.name().to_owned(),
                column: column.to_owned(),
                available: names.join(", "),
            })
    };
    schema
        .fields()
        .iter()
        .map(|field| position(field.name()))
        .collect()
}
