//! `kernel-formats` for JavaScript.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use kernel_formats::{
    Compression, CsvReadParams, CsvReader, CsvWriteParams, CsvWriter, FlatbuffersSchema,
    FlatbuffersWriter, FormatsError, Input, JsonLayout, JsonReadParams, JsonWriteParams,
    JsonWriter, ParquetReadParams, ParquetReader, ParquetWriteParams, ParquetWriter,
    TextCompression, TextEncoding, infer_json_schema,
};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Detail, Failure, Result};
use crate::netcdf::NativeFile;
use crate::schema::{NativeColumn, from_columns, to_columns};
use crate::work::{Work, guarded, promise};

/// How a Parquet file is written.
#[napi(object)]
pub struct NativeParquetWriteOptions {
    #[napi(ts_type = "'zstd' | 'snappy' | 'lz4' | 'none'")]
    pub compression: String,
    pub row_group_rows: Option<u32>,
}

/// How a CSV file is written.
#[napi(object)]
pub struct NativeCsvWriteOptions {
    pub header: bool,
    pub delimiter: String,
    /// Text of a null.
    #[napi(js_name = "null")]
    pub null_text: String,
    #[napi(ts_type = "'none' | 'gzip' | 'zstd'")]
    pub compression: String,
}

/// How a JSON file is written.
#[napi(object)]
pub struct NativeJsonWriteOptions {
    #[napi(ts_type = "'lines' | 'array'")]
    pub layout: String,
    #[napi(ts_type = "'none' | 'gzip' | 'zstd'")]
    pub compression: String,
}

/// How a Parquet file is read.
#[napi(object)]
pub struct NativeParquetReadOptions {
    pub columns: Option<Vec<String>>,
}

/// How a CSV file is read.
#[napi(object)]
pub struct NativeCsvReadOptions {
    pub header: bool,
    pub delimiter: String,
    #[napi(ts_type = "'utf-8' | 'utf-16' | 'latin-1'")]
    pub encoding: String,
    pub columns: Option<Vec<NativeColumn>>,
    /// Whether the columns, if there are any, were inferred and not declared.
    pub is_inferred: bool,
}

/// How a JSON file is read.
#[napi(object)]
pub struct NativeJsonReadOptions {
    #[napi(ts_type = "'lines' | 'array'")]
    pub layout: String,
    #[napi(ts_type = "'utf-8' | 'utf-16' | 'latin-1'")]
    pub encoding: String,
    pub columns: Option<Vec<NativeColumn>>,
}

/// A finished file.
#[napi(object)]
pub struct NativeFileSummary {
    pub rows: f64,
    pub bytes: f64,
    /// `xxh64:` and 16 hex digits.
    pub checksum: String,
}

enum Writer {
    Parquet(Box<ParquetWriter>),
    Csv(Box<CsvWriter>),
    Json(Box<JsonWriter>),
    Flatbuffers(Box<FlatbuffersWriter>),
}

impl Writer {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        match self {
            Self::Parquet(writer) => Ok(writer.write(rows)?),
            Self::Csv(writer) => Ok(writer.write(rows)?),
            Self::Json(writer) => Ok(writer.write(rows)?),
            Self::Flatbuffers(writer) => Ok(writer.write(rows)?),
        }
    }

    fn finish(self) -> Result<NativeFileSummary> {
        let summary = match self {
            Self::Parquet(writer) => writer.finish()?,
            Self::Csv(writer) => writer.finish()?,
            Self::Json(writer) => writer.finish()?,
            Self::Flatbuffers(writer) => writer.finish()?,
        };
        Ok(NativeFileSummary {
            rows: summary.rows as f64,
            bytes: summary.bytes as f64,
            checksum: summary.checksum,
        })
    }
}

type Slot<T> = Arc<Mutex<Option<T>>>;

fn lock<T>(slot: &Slot<T>) -> MutexGuard<'_, Option<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file being written. Calls wait for each other in the order they were made.
#[napi]
pub struct NativeFileWriter {
    writer: Slot<Writer>,
}

#[napi]
impl NativeFileWriter {
    /// Adds the rows; the batch stays open.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn write(&self, batch: &NativeBatch) -> napi::Result<AsyncTask<Work<()>>> {
        let (slot, rows) = (Arc::clone(&self.writer), batch.rows()?.clone());
        Ok(promise(move || {
            lock(&slot).as_mut().ok_or_else(ended)?.write(&rows)
        }))
    }

    /// Completes, syncs and verifies the file.
    #[napi(ts_return_type = "Promise<NativeFileSummary>")]
    pub fn finish(&self) -> AsyncTask<Work<NativeFileSummary>> {
        let slot = Arc::clone(&self.writer);
        promise(move || {
            let writer = lock(&slot).take().ok_or_else(ended)?;
            writer.finish()
        })
    }

    /// Closes the unfinished file. Harmless after `finish`.
    #[napi]
    pub fn abort(&self) {
        lock(&self.writer).take();
    }
}

#[napi(ts_return_type = "Promise<NativeFileWriter>")]
pub fn create_parquet(
    path: String,
    columns: Vec<NativeColumn>,
    options: NativeParquetWriteOptions,
) -> AsyncTask<Work<NativeFileWriter>> {
    promise(move || {
        let mut params = ParquetWriteParams {
            compression: compression(&options.compression)?,
            ..Default::default()
        };
        if let Some(rows) = options.row_group_rows {
            params.row_group_rows = rows as usize;
        }
        let create = |schema: SchemaRef| ParquetWriter::create(&path, schema, &params);
        new_writer(&columns, |schema| {
            Ok(Writer::Parquet(Box::new(create(schema)?)))
        })
    })
}

#[napi(ts_return_type = "Promise<NativeFileWriter>")]
pub fn create_csv(
    path: String,
    columns: Vec<NativeColumn>,
    options: NativeCsvWriteOptions,
) -> AsyncTask<Work<NativeFileWriter>> {
    promise(move || {
        let NativeCsvWriteOptions {
            header,
            delimiter,
            null_text,
            compression,
        } = options;
        let params = CsvWriteParams {
            header,
            delimiter: delimiter_byte(&delimiter)?,
            null: null_text,
            compression: text_compression(&compression)?,
        };
        new_writer(&columns, |schema| {
            Ok(Writer::Csv(Box::new(CsvWriter::create(
                &path, schema, &params,
            )?)))
        })
    })
}

#[napi(ts_return_type = "Promise<NativeFileWriter>")]
pub fn create_json(
    path: String,
    columns: Vec<NativeColumn>,
    options: NativeJsonWriteOptions,
) -> AsyncTask<Work<NativeFileWriter>> {
    promise(move || {
        let params = JsonWriteParams {
            layout: json_layout(&options.layout)?,
            compression: text_compression(&options.compression)?,
        };
        new_writer(&columns, |schema| {
            Ok(Writer::Json(Box::new(JsonWriter::create(
                &path, schema, &params,
            )?)))
        })
    })
}

/// A FlatBuffers schema with its root table.
#[napi]
pub struct NativeFlatbuffersSchema {
    schema: FlatbuffersSchema,
}

#[napi]
impl NativeFlatbuffersSchema {
    /// The columns of the rows.
    #[napi(getter)]
    pub fn columns(&self) -> Vec<NativeColumn> {
        to_columns(&self.schema.columns())
    }
}

impl NativeFlatbuffersSchema {
    pub fn schema(&self) -> FlatbuffersSchema {
        self.schema.clone()
    }
}

/// A schema by the path of its file, or by its text.
#[napi(object)]
pub struct NativeFlatbuffersOptions {
    pub path: Option<String>,
    pub text: Option<String>,
    /// Full name of the root table; the schema's own when absent.
    pub root: Option<String>,
}

#[napi]
pub fn open_flatbuffers_schema(
    options: NativeFlatbuffersOptions,
) -> napi::Result<NativeFlatbuffersSchema> {
    Ok(guarded(|| {
        let NativeFlatbuffersOptions { path, text, root } = options;
        let schema = match (path, text) {
            (Some(path), _) => FlatbuffersSchema::open(Path::new(&path), root.as_deref())?,
            (None, text) => FlatbuffersSchema::of_text(&text.unwrap_or_default(), root.as_deref())?,
        };
        Ok(NativeFlatbuffersSchema { schema })
    })?)
}

#[napi(ts_return_type = "Promise<NativeFileWriter>")]
pub fn create_flatbuffers(
    path: String,
    columns: Vec<NativeColumn>,
    schema: &NativeFlatbuffersSchema,
) -> AsyncTask<Work<NativeFileWriter>> {
    let own = schema.schema();
    promise(move || {
        new_writer(&columns, |rows| {
            let writer = FlatbuffersWriter::create(&path, rows, &own)?;
            Ok(Writer::Flatbuffers(Box::new(writer)))
        })
    })
}

fn new_writer(
    columns: &[NativeColumn],
    create: impl Fn(SchemaRef) -> Result<Writer>,
) -> Result<NativeFileWriter> {
    let writer = create(from_columns(columns)?)?;
    Ok(NativeFileWriter {
        writer: Arc::new(Mutex::new(Some(writer))),
    })
}

type Rows = Box<dyn Iterator<Item = std::result::Result<RecordBatch, FormatsError>> + Send>;

/// A file being read, batch by batch.
#[napi]
pub struct NativeFileReader {
    columns: Vec<NativeColumn>,
    rows: Slot<Rows>,
}

#[napi]
impl NativeFileReader {
    #[napi(getter)]
    pub fn columns(&self) -> Vec<NativeColumn> {
        self.columns.clone()
    }

    /// The next rows, or null at the end.
    #[napi(ts_return_type = "Promise<NativeBatch | null>")]
    pub fn next(&self) -> AsyncTask<Work<Option<NativeBatch>>> {
        let slot = Arc::clone(&self.rows);
        promise(
            move || match lock(&slot).as_mut().and_then(Iterator::next) {
                Some(rows) => Ok(Some(NativeBatch::new(rows?))),
                None => Ok(None),
            },
        )
    }
}

#[napi(ts_return_type = "Promise<NativeFileReader>")]
pub fn open_parquet(
    file: NativeFile,
    options: NativeParquetReadOptions,
) -> AsyncTask<Work<NativeFileReader>> {
    let input = input_of(file);
    promise(move || {
        let params = ParquetReadParams {
            columns: options.columns,
            ..Default::default()
        };
        let reader = ParquetReader::open(input, &params)?;
        Ok(new_reader(&reader.schema(), Box::new(reader)))
    })
}

#[napi(ts_return_type = "Promise<NativeFileReader>")]
pub fn open_csv(
    file: NativeFile,
    options: NativeCsvReadOptions,
) -> AsyncTask<Work<NativeFileReader>> {
    let input = input_of(file);
    promise(move || {
        let reader = CsvReader::open(input, &csv_params(options)?)?;
        Ok(new_reader(&reader.schema(), Box::new(reader)))
    })
}

pub fn csv_params(options: NativeCsvReadOptions) -> Result<CsvReadParams> {
    Ok(CsvReadParams {
        header: options.header,
        delimiter: delimiter_byte(&options.delimiter)?,
        encoding: text_encoding(&options.encoding)?,
        schema: options.columns.as_deref().map(from_columns).transpose()?,
        is_inferred: options.is_inferred,
        ..Default::default()
    })
}

/// Columns of a JSON file, inferred from its first rows.
#[napi(ts_return_type = "Promise<NativeColumn[]>")]
pub fn json_schema(
    file: NativeFile,
    options: NativeJsonReadOptions,
) -> AsyncTask<Work<Vec<NativeColumn>>> {
    let input = input_of(file);
    promise(move || {
        let schema = infer_json_schema(input, &json_params(options)?)?;
        Ok(to_columns(&schema))
    })
}

pub fn json_params(options: NativeJsonReadOptions) -> Result<JsonReadParams> {
    Ok(JsonReadParams {
        layout: json_layout(&options.layout)?,
        encoding: text_encoding(&options.encoding)?,
        schema: options.columns.as_deref().map(from_columns).transpose()?,
        ..Default::default()
    })
}

/// Size and checksum of a file on disk; `rows` is 0.
#[napi(ts_return_type = "Promise<NativeFileSummary>")]
pub fn checksum_file(path: String) -> AsyncTask<Work<NativeFileSummary>> {
    promise(move || {
        let found = kernel_formats::checksum_file(&path)?;
        Ok(NativeFileSummary {
            rows: 0.0,
            bytes: found.bytes as f64,
            checksum: found.checksum,
        })
    })
}

fn new_reader(schema: &SchemaRef, rows: Rows) -> NativeFileReader {
    NativeFileReader {
        columns: to_columns(schema),
        rows: Arc::new(Mutex::new(Some(rows))),
    }
}

pub fn input_of(file: NativeFile) -> Input {
    match (file.path, file.bytes) {
        (Some(path), _) => Input::from(PathBuf::from(path)),
        (None, bytes) => Input::from(bytes.map(|bytes| bytes.to_vec()).unwrap_or_default()),
    }
}

pub fn compression(name: &str) -> Result<Compression> {
    match name {
        "zstd" => Ok(Compression::Zstd(3)),
        "snappy" => Ok(Compression::Snappy),
        "lz4" => Ok(Compression::Lz4),
        "none" => Ok(Compression::None),
        other => Err(Failure::user(
            "invalid-value",
            format!("\"{other}\" is not a compression: zstd, snappy, lz4, none"),
        )),
    }
}

fn text_encoding(name: &str) -> Result<TextEncoding> {
    match name {
        "utf-8" => Ok(TextEncoding::Utf8),
        "utf-16" => Ok(TextEncoding::Utf16),
        "latin-1" => Ok(TextEncoding::Latin1),
        other => Err(Failure::user(
            "invalid-value",
            format!("\"{other}\" is not an encoding of text: utf-8, utf-16, latin-1"),
        )),
    }
}

fn text_compression(name: &str) -> Result<TextCompression> {
    match name {
        "none" => Ok(TextCompression::None),
        "gzip" => Ok(TextCompression::Gzip),
        "zstd" => Ok(TextCompression::Zstd),
        other => Err(Failure::user(
            "invalid-value",
            format!("\"{other}\" is not a compression of text: none, gzip, zstd"),
        )),
    }
}

fn json_layout(name: &str) -> Result<JsonLayout> {
    match name {
        "lines" => Ok(JsonLayout::Lines),
        "array" => Ok(JsonLayout::Array),
        other => Err(Failure::user(
            "invalid-value",
            format!("\"{other}\" is not a layout of JSON: lines, array"),
        )),
    }
}

fn delimiter_byte(text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(Failure::user(
            "invalid-value",
            format!("the delimiter {text:?} must be one ASCII character"),
        )),
    }
}

fn ended() -> Failure {
    Failure::internal("the file was finished or aborted already")
}

impl From<FormatsError> for Failure {
    fn from(error: FormatsError) -> Self {
        use FormatsError as E;
        match &error {
            E::Io { source, .. } => Failure::io(source.kind(), &error),
            E::CsvValue { line, .. } | E::CsvFieldCount { line, .. } | E::CsvQuote { line, .. } => {
                Failure::new("invalid-file", "external", &error)
                    .with("position", Detail::Number(*line))
            }
            E::Json { position, .. }
            | E::MoreRows { position, .. }
            | E::Messages { position, .. }
            | E::Message { position, .. } => Failure::new("invalid-file", "external", &error)
                .with("position", Detail::Number(*position)),
            E::Corrupt { .. } | E::TooLarge { .. } | E::Drift { .. } => {
                Failure::new("invalid-file", "external", &error)
            }
            E::Cancelled => Failure::user("aborted", &error),
            E::UnsupportedType { .. } => Failure::user("unsupported-type", &error),
            E::SchemaMismatch { .. } => Failure::user("schema-mismatch", &error),
            E::UnknownColumn { .. } => Failure::user("unknown-column", &error),
            E::FlatbuffersSchema { .. } => Failure::user("invalid-schema", &error),
            E::Unencodable { .. } => Failure::user("unencodable-row", &error),
            E::InvalidParam { .. } => Failure::user("invalid-value", &error),
            E::Verification { .. } => Failure::new("verification-failed", "external", &error),
            // The encoder's closing flush reports a full disk as text only.
            E::Encode { reason, .. } if reason.contains("os error 28") => {
                Failure::io(std::io::ErrorKind::StorageFull, &error)
            }
            E::Encode { .. } | E::Failed { .. } => Failure::internal(&error),
        }
    }
}
