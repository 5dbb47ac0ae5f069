//! `kernel-delta` as a source for JavaScript: its files are read as Parquet by `kernel-formats`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::{Schema, SchemaRef};
use kernel_delta::{
    At, Bounds, Comparison, DeltaError, FileRows, OnChange, Origin, Position, ReadColumn,
    TableFile, TableStream, TableVersion,
};
use kernel_formats::{
    Condition, FileRows as Rows, FormatsError, Input, InputFile, ParquetFiles, ReadFile,
    read_parquet_schema, shredded_variant,
};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::error::{Failure, Result};
use crate::files::{NativeCondition, NativeFilesReader, NativeReadRequest, start};
use crate::schema::{NativeColumn, from_columns, to_columns};
use crate::work::{Work, promise, promise_on};

/// Which version of a table; the newest when nothing is given.
#[napi(object)]
pub struct NativeDeltaAt {
    pub version: Option<f64>,
    /// The last version at or before this time, in milliseconds since 1970.
    pub time_ms: Option<f64>,
}

/// A version of a table.
#[napi(object)]
pub struct NativeDeltaVersion {
    pub version: f64,
    /// Another one once the table is made anew.
    pub id: String,
    pub columns: Vec<NativeColumn>,
    pub partition_by: Vec<String>,
}

/// Where a stream begins.
#[napi(object)]
pub struct NativeDeltaOrigin {
    /// With all files of this version.
    pub whole: Option<f64>,
    /// Else behind this version; -1 for before the first.
    pub after: Option<f64>,
}

/// How far a stream was read.
#[napi(object)]
pub struct NativeDeltaPosition {
    pub version: f64,
    /// So many files of the version; all when absent.
    pub files: Option<f64>,
}

/// Most that a range may hold.
#[napi(object)]
pub struct NativeDeltaBounds {
    pub files: Option<f64>,
    pub bytes: Option<f64>,
}

/// A range that can be read.
#[napi(object)]
pub struct NativeDeltaRange {
    pub end: NativeDeltaPosition,
    pub files: f64,
}

/// The rows of a range.
#[napi(object, object_from_js = false)]
pub struct NativeDeltaRows {
    pub reader: NativeFilesReader,
    /// Of the files, in all.
    pub bytes: f64,
}

/// A version of a table; null where no table is.
#[napi(ts_return_type = "Promise<NativeDeltaVersion | null>")]
pub fn open_delta(table: String, at: NativeDeltaAt) -> AsyncTask<Work<Option<NativeDeltaVersion>>> {
    promise(move || {
        let opened = kernel_delta::open(Path::new(&table), at_of(&at))?;
        Ok(opened.map(|version| NativeDeltaVersion {
            version: version.version() as f64,
            id: version.id().to_owned(),
            columns: to_columns(&version.schema()),
            partition_by: version.partition_by(),
        }))
    })
}

pub fn at_of(at: &NativeDeltaAt) -> At {
    match (at.version, at.time_ms) {
        (Some(version), _) => At::Version(version as u64),
        (None, Some(time)) => At::Time(time as i64),
        (None, None) => At::Newest,
    }
}

/// A table as a stream. Calls wait for each other in the order they were made.
#[napi]
pub struct NativeDeltaStream {
    table: PathBuf,
    stream: Arc<Mutex<TableStream>>,
    on_change: OnChange,
}

#[napi]
impl NativeDeltaStream {
    #[napi(constructor)]
    pub fn new(table: String, skips_changes: bool) -> Self {
        let on_change = match skips_changes {
            true => OnChange::Skip,
            false => OnChange::Stop,
        };
        let table = PathBuf::from(table);
        Self {
            stream: Arc::new(Mutex::new(TableStream::new(&table, on_change))),
            table,
            on_change,
        }
    }

    /// The range behind `from`, up to `until` at most; null where that is the very beginning.
    #[napi(ts_return_type = "Promise<NativeDeltaRange | null>")]
    pub fn next_range(
        &self,
        origin: NativeDeltaOrigin,
        from: Option<NativeDeltaPosition>,
        until: NativeDeltaPosition,
        bounds: NativeDeltaBounds,
    ) -> AsyncTask<Work<Option<NativeDeltaRange>>> {
        promise_on(&self.stream, move |stream| {
            let most = |bound: Option<f64>| bound.map_or(u64::MAX, |bound| bound as u64);
            let bounds = Bounds {
                files: most(bounds.files),
                bytes: most(bounds.bytes),
            };
            let from = from.as_ref().map(position_of);
            let range = stream.next_range(origin_of(&origin), from, position_of(&until), bounds)?;
            Ok(range.map(|range| NativeDeltaRange {
                end: NativeDeltaPosition {
                    version: range.end.version as f64,
                    files: range.end.files.map(|files| files as f64),
                },
                files: range.files as f64,
            }))
        })
    }

    /// The rows behind `from` up to `to`, with the columns that the table has there.
    #[napi(ts_return_type = "Promise<NativeDeltaRows>")]
    pub fn read(
        &self,
        origin: NativeDeltaOrigin,
        from: Option<NativeDeltaPosition>,
        to: NativeDeltaPosition,
        request: NativeReadRequest,
    ) -> AsyncTask<Work<NativeDeltaRows>> {
        let table = self.table.clone();
        promise_on(&self.stream, move |stream| {
            let (from, to) = (from.as_ref().map(position_of), position_of(&to));
            let conditions: Result<Vec<Condition>> = request
                .conditions
                .into_iter()
                .map(NativeCondition::parse)
                .collect();
            let conditions = conditions?;
            let known: Vec<kernel_delta::Condition> = conditions.iter().map(for_log).collect();
            let files = stream.files_for(origin_of(&origin), from, to, &known)?;
            read_files(
                &table,
                to.version,
                files,
                conditions,
                request.schema,
                request.columns,
            )
        })
    }

    /// Lets go of what is kept between ranges.
    #[napi]
    pub fn close(&self) {
        let emptied = TableStream::new(&self.table, self.on_change);
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = emptied;
    }
}

/// Begins reading files of a table with its columns as of `version`, or the wanted ones of them.
fn read_files(
    table: &Path,
    version: u64,
    files: Vec<TableFile>,
    conditions: Vec<Condition>,
    schema: Option<Vec<NativeColumn>>,
    columns: Option<Vec<String>>,
) -> Result<NativeDeltaRows> {
    kernel_delta::require_files(table, &files)?;
    let opened = kernel_delta::open(table, At::Version(version))?;
    let opened = opened.ok_or_else(|| Failure::new("not-found", "external", no_table(table)))?;
    require_whole_variants(table, &opened, &files)?;
    let found = opened.schema();
    let wanted = match schema {
        Some(schema) => from_columns(&schema)?,
        None => projected(&found, columns.as_deref()),
    };
    if let Some(field) = wanted
        .fields()
        .iter()
        .find(|field| found.index_of(field.name()).is_err())
    {
        let message = format!(
            "the table {} has no column {:?} as of version {version}; start anew with an empty checkpoint",
            table.display(),
            field.name()
        );
        return Err(Failure::user("schema-mismatch", message));
    }
    let bytes = files.iter().map(|file| file.bytes as f64).sum();
    let (format, inputs) = DeltaFiles::of(table, &opened, &files);
    let format = DeltaFiles {
        conditions,
        ..format
    };
    Ok(NativeDeltaRows {
        reader: start(format, inputs, Some(to_columns(&wanted)), None)?,
        bytes,
    })
}

/// Refuses files in which variants are shredded, before a row is read; a writer can shred without the table's feature.
///
/// Cost: the footers, of tables with variants.
pub fn require_whole_variants(
    table: &Path,
    version: &TableVersion,
    files: &[TableFile],
) -> Result<()> {
    if !version.columns().iter().any(|column| column.has_variant) {
        return Ok(());
    }
    for file in files {
        let schema = read_parquet_schema(Input::Path(file.path.clone()))?;
        if let Some(column) = shredded_variant(&schema) {
            let reason = format!(
                "column {:?} holds shredded variants in {}, which are not read",
                column.name(),
                file.name
            );
            let table = table.to_owned();
            return Err(DeltaError::Unreadable { table, reason }.into());
        }
    }
    Ok(())
}

fn no_table(table: &Path) -> String {
    format!(
        "there is no Delta table in {}; check the path, or write the table first",
        table.display()
    )
}

fn projected(schema: &SchemaRef, columns: Option<&[String]>) -> SchemaRef {
    let is_wanted = |name: &String| columns.is_none_or(|columns| columns.contains(name));
    let fields = schema
        .fields()
        .iter()
        .filter(|field| is_wanted(field.name()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

fn input_of(file: &TableFile) -> InputFile {
    InputFile {
        name: file.name.clone(),
        input: Input::Path(file.path.clone()),
        constants: Vec::new(),
    }
}

/// Files of a table, whose rows get the names, partition values and deletions that the log tells.
pub struct DeltaFiles {
    table: PathBuf,
    schema: SchemaRef,
    columns: Arc<[ReadColumn]>,
    /// By name.
    files: HashMap<String, TableFile>,
    conditions: Vec<Condition>,
}

impl DeltaFiles {
    /// All columns of some files of a version, and the files for a reader.
    pub fn of(table: &Path, version: &TableVersion, files: &[TableFile]) -> (Self, Vec<InputFile>) {
        let by_name = |file: &TableFile| (file.name.clone(), file.clone());
        let format = Self {
            table: table.to_owned(),
            schema: version.schema(),
            columns: version.columns(),
            files: files.iter().map(by_name).collect(),
            conditions: Vec::new(),
        };
        (format, files.iter().map(input_of).collect())
    }

    /// The conditions that the row groups of a file can be judged by: none when rows are counted.
    fn physical_conditions(&self, rows: &FileRows) -> Vec<Condition> {
        if rows.has_deleted() {
            return Vec::new();
        }
        let physical = |condition: &Condition| {
            let column = rows.physical_name(&condition.column)?.to_owned();
            Some(Condition {
                column,
                ..condition.clone()
            })
        };
        self.conditions.iter().filter_map(physical).collect()
    }
}

impl ReadFile for DeltaFiles {
    fn schema(&self, _: &InputFile) -> kernel_formats::Result<SchemaRef> {
        Ok(Arc::clone(&self.schema))
    }

    fn is_trusted(&self) -> bool {
        true
    }

    fn open(&self, file: &InputFile, wanted: &SchemaRef) -> kernel_formats::Result<Rows> {
        let failed = failed_on(file.name.clone());
        let facts = &self.files[&file.name];
        let mut rows = FileRows::new(&self.table, &self.columns, wanted, facts).map_err(&failed)?;
        let parquet = ParquetFiles {
            conditions: self.physical_conditions(&rows),
        };
        let simple = match rows.is_simple() {
            true => parquet.open(file, &rows.physical(None)),
            false => Err(drift(&file.name, String::new())),
        };
        let (own, batches) = match simple {
            Ok(batches) => (None, batches),
            Err(FormatsError::Drift { .. }) => {
                let own = read_parquet_schema(file.input.clone())?;
                let batches = parquet.open(file, &rows.physical(Some(&own)))?;
                (Some(own), batches)
            }
            Err(error) => return Err(error),
        };
        Ok(Box::new(batches.map(move |batch| {
            rows.logical(&batch?, own.as_deref()).map_err(&failed)
        })))
    }
}

fn failed_on(name: String) -> impl Fn(DeltaError) -> FormatsError {
    move |error| drift(&name, error.to_string())
}

fn drift(input: &str, reason: String) -> FormatsError {
    FormatsError::Drift {
        input: input.to_owned(),
        column: String::new(),
        reason,
    }
}

fn for_log(condition: &Condition) -> kernel_delta::Condition {
    use kernel_formats::Comparison as C;
    kernel_delta::Condition {
        column: condition.column.clone(),
        comparison: match condition.comparison {
            C::Less => Comparison::Less,
            C::LessOrEqual => Comparison::LessOrEqual,
            C::Greater => Comparison::Greater,
            C::GreaterOrEqual => Comparison::GreaterOrEqual,
            C::In => Comparison::In,
            C::IsNull => Comparison::IsNull,
            C::IsNotNull => Comparison::IsNotNull,
        },
        values: condition.values.clone(),
    }
}

fn origin_of(origin: &NativeDeltaOrigin) -> Origin {
    match (origin.whole, origin.after) {
        (Some(version), _) => Origin::Whole(version as u64),
        (None, Some(version)) if version >= 0.0 => Origin::After(Some(version as u64)),
        _ => Origin::After(None),
    }
}

fn position_of(position: &NativeDeltaPosition) -> Position {
    Position {
        version: position.version as u64,
        files: position.files.map(|files| files as u64),
    }
}
