//! Many files of one format for JavaScript: read in order, decoded ahead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel_formats::{
    Condition, CsvFiles, CsvReadParams, FilesItem, FilesReader, FlatbuffersFiles, InputFile,
    JsonFilesReader, ParquetFiles, ReadFile,
};
use kernel_relational::RowCondition;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Detail, Failure, Result};
use crate::formats::{
    NativeCsvReadOptions, NativeFlatbuffersSchema, NativeJsonReadOptions, csv_params, input_of,
    json_params,
};
use crate::netcdf::{NativeFile, NativeInvalid};
use crate::schema::{NativeColumn, from_columns, to_columns};
use crate::work::{CancelToken, Cancelled, Work, promise};

/// A value that the place of a file gives to all its rows.
#[napi(object)]
pub struct NativeConstant {
    pub name: String,
    /// Text of the column's type; absent for null.
    pub value: Option<String>,
}

/// What every wanted row fulfils.
#[napi(object)]
pub struct NativeCondition {
    pub column: String,
    #[napi(ts_type = "'<' | '<=' | '>' | '>=' | 'in' | 'is-null' | 'is-not-null'")]
    pub comparison: String,
    pub values: Vec<String>,
}

impl NativeCondition {
    pub fn parse(self) -> Result<Condition> {
        Ok(Condition {
            column: self.column,
            comparison: self.comparison.parse()?,
            values: self.values,
        })
    }
}

impl From<RowCondition> for NativeCondition {
    fn from(condition: RowCondition) -> Self {
        Self {
            column: condition.column,
            comparison: condition.comparison.to_owned(),
            values: condition.values,
        }
    }
}

/// What is wanted of the files.
#[napi(object)]
pub struct NativeReadRequest {
    /// The columns of every batch; those of the first readable file when absent.
    pub schema: Option<Vec<NativeColumn>>,
    /// Without a schema: names of the columns to read of those that the first readable file has.
    pub columns: Option<Vec<String>>,
    pub conditions: Vec<NativeCondition>,
}

/// The next rows, or the next file that gives none.
#[napi(object, object_from_js = false)]
pub struct NativeFilesItem {
    pub batch: Option<NativeBatch>,
    pub invalid: Option<NativeInvalid>,
}

/// Files being read.
#[napi]
pub struct NativeFilesReader {
    columns: Vec<NativeColumn>,
    next: Arc<Mutex<Option<Next>>>,
}

/// What comes next of a reader; it is given whether it should stop to wait.
type Next =
    Box<dyn FnMut(&(dyn Fn() -> bool + Sync)) -> Option<kernel_formats::Result<FilesItem>> + Send>;

fn lock(reader: &Mutex<Option<Next>>) -> MutexGuard<'_, Option<Next>> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

#[napi]
impl NativeFilesReader {
    /// The columns of every batch.
    #[napi(getter)]
    pub fn columns(&self) -> Vec<NativeColumn> {
        self.columns.clone()
    }

    /// What comes next, or null at the end.
    #[napi(ts_return_type = "Promise<NativeFilesItem | null>")]
    pub fn next(&self, token: Option<&CancelToken>) -> AsyncTask<Work<Option<NativeFilesItem>>> {
        let (reader, cancelled) = (Arc::clone(&self.next), Cancelled::from_token(token));
        promise(move || {
            let mut reader = lock(&reader);
            let Some(next) = reader
                .as_mut()
                .and_then(|next| next(&|| cancelled.is_set()))
            else {
                return Ok(None);
            };
            next.map(|item| Some(to_item(item))).map_err(Failure::from)
        })
    }

    /// Stops what is read ahead. Harmless after the end.
    #[napi]
    pub fn close(&self) {
        lock(&self.next).take();
    }
}

fn to_item(item: FilesItem) -> NativeFilesItem {
    match item {
        FilesItem::Rows(rows) => NativeFilesItem {
            batch: Some(NativeBatch::new(rows)),
            invalid: None,
        },
        FilesItem::Invalid { name, error } => {
            let is_part = error.leaves_other_rows();
            let failure = Failure::from(error);
            let position = match failure.details.get("position") {
                Some(Detail::Number(position)) => Some(*position as f64),
                _ => None,
            };
            NativeFilesItem {
                batch: None,
                invalid: Some(NativeInvalid {
                    name,
                    reason: failure.message,
                    position,
                    is_part,
                }),
            }
        }
    }
}

#[napi(ts_return_type = "Promise<NativeFilesReader>")]
pub fn read_parquet_files(
    files: Vec<NativeFile>,
    request: NativeReadRequest,
) -> AsyncTask<Work<NativeFilesReader>> {
    let files = files.into_iter().map(input_file).collect();
    promise(move || {
        let NativeReadRequest {
            schema,
            columns,
            conditions,
        } = request;
        let conditions: Result<Vec<Condition>> =
            conditions.into_iter().map(NativeCondition::parse).collect();
        let format = ParquetFiles {
            conditions: conditions?,
        };
        start(format, files, schema, columns)
    })
}

/// `options.columns` are those of the files; the conditions of the request are not looked at.
#[napi(ts_return_type = "Promise<NativeFilesReader>")]
pub fn read_csv_files(
    files: Vec<NativeFile>,
    options: NativeCsvReadOptions,
    request: NativeReadRequest,
) -> AsyncTask<Work<NativeFilesReader>> {
    let files = files.into_iter().map(input_file).collect();
    promise(move || {
        let params: CsvReadParams = csv_params(options)?;
        start(CsvFiles { params }, files, request.schema, request.columns)
    })
}

/// As [`read_csv_files`].
#[napi(ts_return_type = "Promise<NativeFilesReader>")]
pub fn read_json_files(
    files: Vec<NativeFile>,
    options: NativeJsonReadOptions,
    request: NativeReadRequest,
) -> AsyncTask<Work<NativeFilesReader>> {
    let files = files.into_iter().map(input_file).collect();
    promise(move || {
        let params = json_params(options)?;
        let schema = request.schema.as_deref().map(from_columns).transpose()?;
        let mut reader = JsonFilesReader::start(params, files, schema, request.columns.as_deref())?;
        Ok(NativeFilesReader {
            columns: to_columns(&reader.schema()),
            next: Arc::new(Mutex::new(Some(Box::new(move |cancelled| {
                reader.next(cancelled)
            })))),
        })
    })
}

/// Files of messages, each with its length before it; the conditions of the request are not looked at.
#[napi(ts_return_type = "Promise<NativeFilesReader>")]
pub fn read_flatbuffers_files(
    files: Vec<NativeFile>,
    schema: &NativeFlatbuffersSchema,
    request: NativeReadRequest,
) -> AsyncTask<Work<NativeFilesReader>> {
    let files = files.into_iter().map(input_file).collect();
    let schema = schema.schema();
    promise(move || {
        let format = FlatbuffersFiles { schema };
        start(format, files, request.schema, request.columns)
    })
}

/// Begins reading the files of a format.
pub fn start(
    format: impl ReadFile,
    files: Vec<InputFile>,
    schema: Option<Vec<NativeColumn>>,
    columns: Option<Vec<String>>,
) -> Result<NativeFilesReader> {
    let schema = schema.as_deref().map(from_columns).transpose()?;
    let mut reader = FilesReader::start(format, files, schema, columns.as_deref())?;
    Ok(NativeFilesReader {
        columns: to_columns(&reader.schema()),
        next: Arc::new(Mutex::new(Some(Box::new(move |cancelled| {
            reader.next(cancelled)
        })))),
    })
}

/// A file of JavaScript's for a reader of many.
pub fn input_file(mut file: NativeFile) -> InputFile {
    let constants = file.constants.take().unwrap_or_default();
    InputFile {
        name: file.name.clone(),
        input: input_of(file),
        constants: constants
            .into_iter()
            .map(|NativeConstant { name, value }| (name, value))
            .collect(),
    }
}
