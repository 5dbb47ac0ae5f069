//! Settings of the CSV writer and reader.

use arrow_schema::SchemaRef;

use crate::compressed::TextCompression;
use crate::encoding::TextEncoding;
use crate::error::{FormatsError, Result, require_counts};

/// Settings of [`CsvWriter`](crate::CsvWriter).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvWriteParams {
    /// Whether the first line holds the column names. Default: true.
    pub header: bool,
    /// The byte between fields: any but a quote, CR, LF, or part of a UTF-8 sequence. Default: a comma.
    pub delimiter: u8,
    /// How a null is written; a string value that reads the same is quoted. Default: nothing.
    pub null: String,
    /// Default: none.
    pub compression: TextCompression,
}

impl Default for CsvWriteParams {
    fn default() -> Self {
        Self {
            header: true,
            delimiter: b',',
            null: String::new(),
            compression: TextCompression::None,
        }
    }
}

impl CsvWriteParams {
    /// Errors: [`FormatsError::InvalidParam`].
    pub(crate) fn check(&self) -> Result<()> {
        check_delimiter(self.delimiter)?;
        check_null(&self.null, self.delimiter)
    }
}

/// Settings of [`CsvReader`](crate::CsvReader).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvReadParams {
    /// Whether the first line holds the column names. Default: true.
    pub header: bool,
    /// The byte between fields, as in [`CsvWriteParams::delimiter`].
    pub delimiter: u8,
    /// An unquoted field with this text is null. Default: nothing, so an empty field is null.
    pub null: String,
    /// Columns and types. With a header, columns are found by name and others are ignored; without,
    /// they are the fields in order. Inferred from the first rows when absent.
    pub schema: Option<SchemaRef>,
    /// Whether the schema, if there is one, was inferred before: a value that inference would not have taken for one of
    /// its column's type is none, such as a number with leading zeros. Default: false.
    pub is_inferred: bool,
    /// Default: UTF-8.
    pub encoding: TextEncoding,
    /// Rows in a batch (the last one may have fewer), at least 1. Default: 65,536.
    pub batch_rows: usize,
    /// Rows that inference looks at, at least 1. Default: 10,000.
    pub infer_rows: usize,
    /// The longest row that is read, in bytes, a carriage return at its end included, a line feed not; at least 1.
    /// Default: 16 MiB.
    pub row_bytes_max: usize,
}

impl Default for CsvReadParams {
    fn default() -> Self {
        Self {
            header: true,
            delimiter: b',',
            null: String::new(),
            schema: None,
            is_inferred: false,
            encoding: TextEncoding::default(),
            batch_rows: 1 << 16,
            infer_rows: 10_000,
            row_bytes_max: 16 << 20,
        }
    }
}

impl CsvReadParams {
    /// Whether the types of the columns come from inference.
    pub(super) fn infers(&self) -> bool {
        self.is_inferred || self.schema.is_none()
    }

    /// Errors: [`FormatsError::InvalidParam`].
    pub(crate) fn check(&self) -> Result<()> {
        check_delimiter(self.delimiter)?;
        check_null(&self.null, self.delimiter)?;
        require_counts(&[
            ("batchRows", self.batch_rows),
            ("inferRows", self.infer_rows),
            ("rowBytesMax", self.row_bytes_max),
        ])
    }
}

fn check_delimiter(delimiter: u8) -> Result<()> {
    if delimiter.is_ascii() && !matches!(delimiter, b'"' | b'\r' | b'\n') {
        return Ok(());
    }
    Err(FormatsError::InvalidParam {
        name: "delimiter",
        reason: format!(
            "must be one ASCII character other than a quote or a line end, not byte {delimiter}"
        ),
    })
}

fn check_null(null: &str, delimiter: u8) -> Result<()> {
    if null
        .bytes()
        .any(|byte| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n'))
    {
        return Err(FormatsError::InvalidParam {
            name: "null",
            reason: format!("must hold no delimiter, quote or line end, not {null:?}"),
        });
    }
    Ok(())
}
