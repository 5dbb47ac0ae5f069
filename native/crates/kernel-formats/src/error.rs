//! The one error type of this crate.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

use crate::json::Unsound;

/// The result of every fallible function here.
pub type Result<T, E = FormatsError> = std::result::Result<T, E>;

/// Why a file could not be written or read: one variant per cause.
///
/// `input` and `path` name the file, or are `<memory>` for bytes that never were one.
#[derive(Debug, thiserror::Error)]
pub enum FormatsError {
    /// The operating system refused; `source.kind()` tells a full disk from a missing permission.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried: "create", "write", "read", …
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The bytes are not a file of this format, or are damaged.
    #[error(
        "{input} is not a readable {format} file: {reason}; write the file again or leave it out"
    )]
    Corrupt {
        /// The file.
        input: String,
        /// "Parquet" or "CSV".
        format: &'static str,
        /// What the decoder found.
        reason: String,
    },
    /// The input asks for more memory than the reader's bound allows.
    #[error(
        "{input}: {what} is {bytes} bytes, more than the bound of {limit}; raise the bound if the file is to be trusted"
    )]
    TooLarge {
        /// The file.
        input: String,
        /// The part that is too large.
        what: String,
        /// Its size, in bytes.
        bytes: u64,
        /// The bound, in bytes.
        limit: u64,
    },
    /// The format cannot hold this column's type.
    #[error("{format} cannot hold column {column:?} of type {data_type}; cast it or leave it out")]
    UnsupportedType {
        /// "Parquet" or "CSV".
        format: &'static str,
        /// The column.
        column: String,
        /// Its Arrow type.
        data_type: String,
    },
    /// A batch does not have the columns the writer was created with.
    #[error("a batch for {} does not fit the schema it was created with: {reason}", path.display())]
    SchemaMismatch {
        /// The file being written.
        path: PathBuf,
        /// The first difference.
        reason: String,
    },
    /// A requested column is not in the file.
    #[error("{input} has no column {column:?}; it has {available}")]
    UnknownColumn {
        /// The file.
        input: String,
        /// The column asked for.
        column: String,
        /// The columns there are.
        available: String,
    },
    /// A file's column is not what is expected of all files.
    #[error(
        "{input}: column {column:?} does not fit the columns expected of every file: {reason}; convert the file, or read it by itself"
    )]
    Drift {
        /// The file.
        input: String,
        /// The column.
        column: String,
        /// The difference.
        reason: String,
    },
    /// Whoever asked for the rows does not want them any more.
    #[error("the reading was cancelled")]
    Cancelled,
    /// A setting is outside its range.
    #[error("{name} {reason}")]
    InvalidParam {
        /// The setting.
        name: &'static str,
        /// The range and what was given.
        reason: String,
    },
    /// A CSV field does not hold a value of its column's type.
    #[error("{input}, line {line}, column {column} ({name}): {value:?} is not {expected}")]
    CsvValue {
        /// The file.
        input: String,
        /// The line on which the row begins, from 1.
        line: u64,
        /// The field's position in the row, from 1.
        column: usize,
        /// The column's name.
        name: String,
        /// The field's text, cut after 64 characters.
        value: String,
        /// What the column's type wants.
        expected: String,
    },
    /// A CSV row has too few or too many fields.
    #[error(
        "{input}, line {line}, column {found}: the row has {found} fields where {expected} are expected"
    )]
    CsvFieldCount {
        /// The file.
        input: String,
        /// The line on which the row begins, from 1.
        line: u64,
        /// The fields of the header or schema.
        expected: usize,
        /// The fields of this row.
        found: usize,
    },
    /// A CSV quote is never closed, or text follows a closing quote.
    #[error("{input}, line {line}, column {column}: {reason}")]
    CsvQuote {
        /// The file.
        input: String,
        /// The line on which the row begins, from 1.
        line: u64,
        /// The field's position in the row, from 1.
        column: usize,
        /// What is wrong with the quote.
        reason: &'static str,
    },
    /// A row of a JSON file cannot be read, or the file's outline is unsound.
    #[error("{input}, {place}: {reason}")]
    Json {
        /// The file.
        input: String,
        /// Where the fault is, as a message says it.
        place: String,
        /// The line from 1, or the byte from 0 when the layout is an array.
        position: u64,
        /// What is wrong.
        reason: String,
        /// Whether it is a row, and other rows of the file are read.
        is_row: bool,
    },
    /// A FlatBuffers schema cannot be used.
    #[error("{schema}: {reason}")]
    FlatbuffersSchema {
        /// The schema's file, and the line where one is known.
        schema: String,
        /// What is wrong.
        reason: String,
    },
    /// The lengths before a file's messages do not lead to its end.
    #[error(
        "{input}, byte {position}: {reason}; each message needs its length before it, 4 bytes, little-endian"
    )]
    Messages {
        /// The file.
        input: String,
        /// Where the last length is that was looked at, from 0.
        position: u64,
        /// What is wrong.
        reason: String,
    },
    /// A message of a file is not a sound one of its schema.
    #[error("{input}, message at byte {position}: {reason}")]
    Message {
        /// The file.
        input: String,
        /// Where the message's length is, from 0.
        position: u64,
        /// What is wrong, and the message's bytes.
        reason: String,
    },
    /// A row cannot be a FlatBuffers message.
    #[error("row {row}, column {column:?}: {reason}")]
    Unencodable {
        /// The row in its batch, from 0.
        row: usize,
        /// The column.
        column: String,
        /// What is in the way.
        reason: String,
    },
    /// More rows of a file than are told one by one cannot be read.
    #[error("{input}, after {place}: {count} more rows cannot be read")]
    MoreRows {
        /// The file.
        input: String,
        /// Where the last row is that was told, as a message says it.
        place: String,
        /// The same as a number.
        position: u64,
        /// How many rows it were.
        count: u64,
    },
    /// The encoder failed on these rows.
    #[error("cannot encode rows for {}: {reason}", path.display())]
    Encode {
        /// The file being written.
        path: PathBuf,
        /// What the encoder said.
        reason: String,
    },
    /// The finished file, read back, is not what was written.
    #[error("{} was written, but reads back differently: {reason}; do not publish it", path.display())]
    Verification {
        /// The file.
        path: PathBuf,
        /// The difference.
        reason: String,
    },
    /// An earlier write to this file failed, so its content is unknown.
    #[error("an earlier write to {} failed; remove the file and write it again", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
    },
}

impl FormatsError {
    /// Whether other files can still be read: this one is damaged, too large, or not like the others.
    pub fn is_of_the_file(&self) -> bool {
        matches!(
            self,
            Self::Corrupt { .. }
                | Self::TooLarge { .. }
                | Self::CsvValue { .. }
                | Self::CsvFieldCount { .. }
                | Self::CsvQuote { .. }
                | Self::Json { .. }
                | Self::MoreRows { .. }
                | Self::Drift { .. }
                | Self::Messages { .. }
                | Self::Message { .. }
        )
    }

    /// Whether other rows of the file can still be read: only this one does not fit.
    pub(crate) fn is_of_a_row(&self) -> bool {
        matches!(
            self,
            Self::CsvValue { .. } | Self::CsvFieldCount { .. } | Self::Message { .. }
        )
    }

    /// Whether it is about single rows of a file whose other rows were read.
    #[must_use]
    pub fn leaves_other_rows(&self) -> bool {
        self.is_of_a_row()
            || matches!(
                self,
                Self::Json { is_row: true, .. } | Self::MoreRows { .. }
            )
    }

    /// The error that stands for `count` more rows of a file after this one; none for none.
    pub(crate) fn and_more(&self, count: u64) -> Option<Self> {
        let (input, place, position) = match self {
            Self::CsvValue { input, line, .. } | Self::CsvFieldCount { input, line, .. } => {
                (input, format!("line {line}"), *line)
            }
            Self::Json {
                input,
                place,
                position,
                ..
            } => (input, place.clone(), *position),
            Self::Message {
                input, position, ..
            } => (input, format!("byte {position}"), *position),
            _ => return None,
        };
        (count > 0).then(|| Self::MoreRows {
            input: input.clone(),
            place,
            position,
            count,
        })
    }

    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    /// Turns an encoder's failure into ours; an I/O error inside it keeps its kind.
    pub(crate) fn encode(path: &Path, error: ParquetError) -> Self {
        match into_io(error) {
            Ok(source) => Self::io("write", path, source),
            Err(error) => Self::Encode {
                path: path.to_owned(),
                reason: error.to_string(),
            },
        }
    }

    /// Turns a decoder's failure into ours; an I/O error inside it keeps its kind.
    pub(crate) fn decode(input: &str, error: ParquetError) -> Self {
        match into_io(error) {
            Ok(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                Self::io("read", Path::new(input), source)
            }
            Ok(source) => Self::corrupt_parquet(input, source.to_string()),
            Err(error) => Self::corrupt_parquet(input, error.to_string()),
        }
    }

    pub(crate) fn corrupt_parquet(input: &str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            input: input.to_owned(),
            format: "Parquet",
            reason: reason.into(),
        }
    }

    pub(crate) fn json_outline(input: &str, Unsound { offset, reason }: Unsound) -> Self {
        Self::Json {
            input: input.to_owned(),
            place: format!("byte {offset}"),
            position: offset,
            reason,
            is_row: false,
        }
    }

    pub(crate) fn schema_mismatch(path: &Path, error: &ArrowError) -> Self {
        Self::SchemaMismatch {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

/// Refuses the first of some named settings that is 0.
///
/// Errors: [`FormatsError::InvalidParam`].
pub(crate) fn require_counts(counts: &[(&'static str, usize)]) -> Result<()> {
    match counts.iter().find(|(_, count)| *count == 0) {
        Some((name, _)) => Err(FormatsError::InvalidParam {
            name,
            reason: "must be at least 1".to_owned(),
        }),
        None => Ok(()),
    }
}

fn into_io(error: ParquetError) -> std::result::Result<io::Error, ParquetError> {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(source) => Ok(*source),
            Err(cause) => Err(ParquetError::External(cause)),
        },
        other => Err(other),
    }
}
