//! A version of a table, opened for reading: its columns and files.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::{DataType, Schema, SchemaRef};
use delta_kernel::engine::arrow_conversion::TryIntoArrow;
use delta_kernel::history_manager::{HistoryCommitType, latest_version_as_of};
use delta_kernel::scan::state::{DvInfo, ScanFile};
use delta_kernel::schema::DataType as StoredType;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::table_features::ColumnMappingMode;
use delta_kernel::{PredicateRef, Snapshot};

use crate::error::{DeltaError, Result, of_table};
use crate::file_rows::ReadColumn;
use crate::log::{engine, snapshot, url_of};
use crate::skipping::{Condition, predicate_of};

/// Which version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The last one.
    Newest,
    /// The one of this number.
    Version(u64),
    /// The last one that was committed at or before this time, in milliseconds since 1970.
    Time(i64),
}

/// A version of a table.
#[derive(Debug, Clone)]
pub struct TableVersion {
    pub(crate) table: PathBuf,
    pub(crate) snapshot: SnapshotRef,
    columns: Arc<[ReadColumn]>,
}

/// A data file of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableFile {
    /// As in the log: escaped, and relative to the table unless it is absolute.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Size in bytes, as the log says.
    pub bytes: u64,
    /// As the log says, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Version of the table in which it was found.
    pub version: u64,
    /// Values of the partition columns, by their names in files; those that are left out are null.
    pub partition: HashMap<String, String>,
    /// Which of its rows are deleted.
    pub deleted: DvInfo,
}

/// Opens a version of the table in a folder; none where no table is.
///
/// Cost: the log since the checkpoint before the version is listed, and read for the columns. Errors:
/// [`DeltaError::NoVersion`] for one that is not, or no longer, in the log, [`DeltaError::UnsupportedTable`],
/// [`DeltaError::Table`].
pub fn open(table: &Path, at: At) -> Result<Option<TableVersion>> {
    let Some(newest) = snapshot(table)? else {
        return Ok(None);
    };
    let version = match at {
        At::Newest => newest.version(),
        At::Version(version) => version,
        At::Time(time) => version_at(table, &newest, time)?,
    };
    let snapshot = match version.cmp(&newest.version()) {
        Ordering::Equal => newest,
        Ordering::Less => Snapshot::builder_for(url_of(table)?)
            .at_version(version)
            .build(engine().as_ref())
            .map_err(|error| no_version(table, format!("version {version}"), error.to_string()))?,
        Ordering::Greater => {
            let reason = format!("the newest one is {}", newest.version());
            return Err(no_version(table, format!("version {version}"), reason));
        }
    };
    let columns = columns_of(table, &snapshot)?;
    Ok(Some(TableVersion {
        table: table.to_owned(),
        snapshot,
        columns: columns.into(),
    }))
}

fn version_at(table: &Path, newest: &SnapshotRef, time: i64) -> Result<u64> {
    latest_version_as_of(
        newest,
        engine().as_ref(),
        time,
        HistoryCommitType::Recreatable,
    )
    .map(|commit| commit.version)
    .map_err(|error| {
        no_version(
            table,
            format!("version of the time {time}"),
            error.to_string(),
        )
    })
}

fn no_version(table: &Path, what: String, reason: String) -> DeltaError {
    DeltaError::NoVersion {
        table: table.to_owned(),
        what,
        reason,
    }
}

impl TableVersion {
    /// Its number.
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// What the table is called as long as it is not made anew.
    pub fn id(&self) -> &str {
        self.snapshot.table_configuration().metadata().id()
    }

    /// The columns of its rows, partition columns included.
    pub fn schema(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|column| Arc::clone(&column.field));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// Names of its partition columns.
    pub fn partition_by(&self) -> Vec<String> {
        let table = self.snapshot.table_configuration();
        table.logical_partition_columns().to_vec()
    }

    /// How its columns are found in files.
    pub fn columns(&self) -> Arc<[ReadColumn]> {
        Arc::clone(&self.columns)
    }

    /// All files, in the order of their times and then of their names: always the same for a version.
    ///
    /// Cost: the log is read from the checkpoint on. Memory: some 300 bytes for each file.
    pub fn files(&self) -> Result<Vec<TableFile>> {
        let mut files = self.scan(None)?;
        files.sort_by(|a, b| (a.modified_ms, &a.name).cmp(&(b.modified_ms, &b.name)));
        Ok(files)
    }

    /// Names of the files of which the statistics and partition values do not rule out that a row fulfils all conditions;
    /// none when no condition says anything about them.
    ///
    /// Cost: as [`TableVersion::files`].
    pub fn files_for(&self, conditions: &[Condition]) -> Result<Option<HashSet<String>>> {
        let Some(predicate) = predicate_of(conditions, &self.snapshot.schema()) else {
            return Ok(None);
        };
        let files = self.scan(Some(Arc::new(predicate)))?;
        Ok(Some(files.into_iter().map(|file| file.name).collect()))
    }

    fn scan(&self, predicate: Option<PredicateRef>) -> Result<Vec<TableFile>> {
        let failed = of_table(&self.table);
        let scan = Arc::clone(&self.snapshot)
            .scan_builder()
            .with_predicate(predicate)
            .without_row_transforms()
            .build()
            .map_err(&failed)?;
        let mut found: Vec<ScanFile> = Vec::new();
        for metadata in scan.scan_metadata(engine().as_ref()).map_err(&failed)? {
            let metadata = metadata.map_err(&failed)?;
            found = metadata
                .visit_scan_files(found, |files, file| files.push(file))
                .map_err(&failed)?;
        }
        let file = |file: ScanFile| {
            Ok(TableFile {
                path: path_of(&self.table, &file.path)?,
                name: file.path,
                bytes: file.size.max(0) as u64,
                modified_ms: file.modification_time,
                version: self.version(),
                partition: file.partition_values,
                deleted: file.dv_info,
            })
        };
        found.into_iter().map(file).collect()
    }
}

/// Where a file of the log is.
pub(crate) fn path_of(table: &Path, name: &str) -> Result<PathBuf> {
    let invalid =
        || DeltaError::mismatch(table, format!("{name:?} is not the name of a file here"));
    let url = url_of(table)?.join(name).map_err(|_| invalid())?;
    url.to_file_path().map_err(|()| invalid())
}

/// Errors: [`DeltaError::FileGone`] for the first file that is no longer there, or of another size.
///
/// Cost: one question to the system for each file.
pub fn require_files(table: &Path, files: &[TableFile]) -> Result<()> {
    for file in files {
        let reason = match fs::metadata(&file.path) {
            Ok(found) if found.len() == file.bytes => continue,
            Ok(found) => format!("has {} bytes instead of {}", found.len(), file.bytes),
            Err(error) => error.to_string(),
        };
        return Err(DeltaError::FileGone {
            table: table.to_owned(),
            version: file.version,
            file: file.name.clone(),
            reason,
        });
    }
    Ok(())
}

fn columns_of(table: &Path, snapshot: &SnapshotRef) -> Result<Vec<ReadColumn>> {
    // What a reader of the table has to know is checked where a scan is made.
    Arc::clone(snapshot)
        .scan_builder()
        .build()
        .map_err(|error| unreadable(table, error.to_string()))?;
    let stored = snapshot.schema();
    let arrow: Schema = stored
        .as_ref()
        .try_into_arrow()
        .map_err(|error| of_table(table)(error.into()))?;
    let configuration = snapshot.table_configuration();
    let mode = configuration.column_mapping_mode();
    let partition_by = configuration.logical_partition_columns();
    let column = |(own, field): (
        &delta_kernel::schema::StructField,
        &Arc<arrow_schema::Field>,
    )| {
        let plain = without_metadata(field);
        let is_mapped = mode != ColumnMappingMode::None;
        if !is_readable(plain.data_type(), is_mapped) {
            let what = if is_mapped { " of mapped columns" } else { "" };
            let name = field.name();
            return Err(unreadable(
                table,
                format!(
                    "column {name:?} is {}{what}, which is not read",
                    field.data_type()
                ),
            ));
        }
        let has_variant = has_variant(own.data_type());
        if has_variant && is_shredding(snapshot) {
            let name = field.name();
            let reason = format!("column {name:?} may hold shredded variants, which are not read");
            return Err(unreadable(table, reason));
        }
        Ok(ReadColumn {
            has_variant,
            physical: own.physical_name(mode).to_owned(),
            field_id: own
                .column_mapping_id()
                .filter(|_| mode == ColumnMappingMode::Id),
            is_partition: partition_by.contains(field.name()),
            field: Arc::new(plain),
        })
    };
    stored.fields().zip(arrow.fields()).map(column).collect()
}

/// Whether files of the table may hold parts of variants in columns of their own.
fn is_shredding(snapshot: &SnapshotRef) -> bool {
    let properties = snapshot.get_protocol_derived_properties();
    let mut names = properties.keys();
    names.any(|name| name.starts_with("delta.feature.variantShredding"))
}

fn has_variant(data_type: &StoredType) -> bool {
    match data_type {
        StoredType::Variant(_) => true,
        StoredType::Primitive(_) => false,
        StoredType::Array(array) => has_variant(&array.element_type),
        StoredType::Map(map) => has_variant(&map.key_type) || has_variant(&map.value_type),
        StoredType::Struct(fields) => fields.fields().any(|field| has_variant(field.data_type())),
    }
}

/// Structs of mapped columns have other names in files than in the table.
fn is_readable(data_type: &DataType, is_mapped: bool) -> bool {
    match data_type {
        DataType::Map(..) | DataType::Union(..) => false,
        DataType::List(item) => is_readable(item.data_type(), is_mapped),
        DataType::Struct(fields) => {
            !is_mapped
                && fields
                    .iter()
                    .all(|field| is_readable(field.data_type(), is_mapped))
        }
        _ => true,
    }
}

fn without_metadata(field: &arrow_schema::Field) -> arrow_schema::Field {
    let plain = |field: &Arc<arrow_schema::Field>| Arc::new(without_metadata(field));
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(plain(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect()),
        other => other.clone(),
    };
    arrow_schema::Field::new(field.name(), data_type, field.is_nullable())
}

fn unreadable(table: &Path, reason: String) -> DeltaError {
    DeltaError::Unreadable {
        table: table.to_owned(),
        reason,
    }
}
