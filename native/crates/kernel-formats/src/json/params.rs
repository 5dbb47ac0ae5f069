//! Settings of the JSON writer and reader.

use arrow_schema::SchemaRef;

use crate::compressed::TextCompression;
use crate::encoding::TextEncoding;
use crate::error::{Result, require_counts};

/// How the rows of a JSON file follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JsonLayout {
    /// One object per line (JSON lines).
    #[default]
    Lines,
    /// One array of objects.
    Array,
}

/// Settings of [`JsonWriter`](crate::JsonWriter).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JsonWriteParams {
    /// Default: lines.
    pub layout: JsonLayout,
    /// Default: none.
    pub compression: TextCompression,
}

/// Settings of [`JsonFiles`](crate::JsonFiles) and [`infer_json_schema`](crate::infer_json_schema).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonReadParams {
    /// Default: lines.
    pub layout: JsonLayout,
    /// Default: UTF-8.
    pub encoding: TextEncoding,
    /// Columns and types, found by name; other keys are ignored. Inferred from the first file with rows
    /// when absent; a row with an integer that an inferred float64 does not hold exactly is bad then.
    pub schema: Option<SchemaRef>,
    /// Rows in a batch (some have fewer), at least 1. Default: 65,536.
    pub batch_rows: usize,
    /// Rows that inference looks at, at least 1. Default: 20,480.
    pub infer_rows: usize,
    /// Bytes that inference looks at, at least 1. Default: 16 MiB.
    pub infer_bytes: usize,
    /// The longest row that is read, in bytes, at least 1. Default: 16 MiB.
    pub row_bytes_max: usize,
}

impl Default for JsonReadParams {
    fn default() -> Self {
        Self {
            layout: JsonLayout::default(),
            encoding: TextEncoding::default(),
            schema: None,
            batch_rows: 1 << 16,
            infer_rows: 20_480,
            infer_bytes: 16 << 20,
            row_bytes_max: 16 << 20,
        }
    }
}

impl JsonReadParams {
    /// Errors: [`InvalidParam`](crate::FormatsError::InvalidParam).
    pub(crate) fn check(&self) -> Result<()> {
        require_counts(&[
            ("batchRows", self.batch_rows),
            ("inferRows", self.infer_rows),
            ("inferBytes", self.infer_bytes),
            ("rowBytesMax", self.row_bytes_max),
        ])
    }
}
