//! A table that is kept in order while every change of the disk fails in its turn. The log is read as JSON here, and the
//! numbers from the Parquet files that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use kernel_delta::disk::{Fault, with_fault};
use kernel_delta::{
    Append, At, DataFile, DeltaError, FileStats, Policy, Result, TableFile, Vacuuming, Wish,
    append, details, groups_of, open, plan, rewrite, vacuum,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::tempdir;

fn numbers(values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter_with_nullable([("n", column, true)]).unwrap()
}

/// Writes a data file, durably, as a sink or a compaction would have.
fn written(table: &Path, name: &str, values: &[i64]) -> DataFile {
    let rows = numbers(values);
    let path = table.join(name);
    let file = fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let mut stats = FileStats::new(&rows.schema()).unwrap();
    stats.merge(&rows).unwrap();
    DataFile {
        name: name.to_owned(),
        bytes: fs::metadata(&path).unwrap().len(),
        partition: Vec::new(),
        stats: stats.finish().unwrap(),
    }
}

fn add(table: &Path, version: i64) -> Result<()> {
    add_as(table, "app", version)
}

/// Adds the file of a version of an application, which holds its number.
fn add_as(table: &Path, app_id: &str, version: i64) -> Result<()> {
    let wish = Wish {
        rows: numbers(&[]).schema(),
        partition_by: Vec::new(),
        merge_schema: false,
    };
    plan(table, &wish)?;
    let file = written(table, &format!("{app_id}-{version}.parquet"), &[version]);
    let wanted = Append {
        table: table.to_owned(),
        wish,
        app_id: app_id.to_owned(),
        version,
        files: vec![file],
        temporary: table.join(format!(".commit-{app_id}")),
    };
    append(&wanted).map(|_| ())
}

/// Puts all files of the table together in one of this name.
fn compact(table: &Path, name: &str) -> Result<()> {
    let version = open(table, At::Newest)?.unwrap();
    let groups = groups_of(&version, 1 << 20, Policy::All)?;
    let removed: Vec<TableFile> = groups.into_iter().flat_map(|group| group.files).collect();
    let values: Vec<i64> = removed
        .iter()
        .flat_map(|file| values_in(&file.path))
        .collect();
    let added = written(table, name, &values);
    rewrite(table, &removed, &[added], &table.join(".commit-compact")).map(|_| ())
}

fn values_in(path: &Path) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap());
    let rows = reader.unwrap().build().unwrap().map(Result::unwrap);
    rows.flat_map(|rows| {
        let column = rows.column(0).as_any().downcast_ref::<Int64Array>();
        column.unwrap().values().to_vec()
    })
    .collect()
}

/// The numbers in a table whose log is whole, by its JSON alone.
fn numbers_by_json(table: &Path) -> Vec<i64> {
    let mut files = BTreeMap::new();
    for version in 0.. {
        let path = table.join(format!("_delta_log/{version:020}.json"));
        let Ok(text) = fs::read_to_string(path) else {
            break;
        };
        for line in text.lines() {
            let action: Value = serde_json::from_str(line).unwrap();
            if let Some(path) = action["add"]["path"].as_str() {
                assert!(
                    files.insert(path.to_owned(), ()).is_none(),
                    "{path} is added twice"
                );
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                assert_eq!(action["remove"]["dataChange"], false);
                assert!(
                    files.remove(path).is_some(),
                    "{path} is removed and was not there"
                );
            }
        }
    }
    let mut found: Vec<i64> = files
        .keys()
        .flat_map(|file| values_in(&table.join(file)))
        .collect();
    found.sort_unstable();
    found
}

/// The numbers in a table as a reader gets them that begins at the last checkpoint.
fn numbers_by_checkpoint(table: &Path) -> Vec<i64> {
    let version = open(table, At::Newest).unwrap().unwrap();
    let files = version.files().unwrap();
    let mut found: Vec<i64> = files
        .iter()
        .flat_map(|file| values_in(&file.path))
        .collect();
    found.sort_unstable();
    found
}

fn upto(count: i64) -> Vec<i64> {
    (0..count).collect()
}

/// Gives a table of one version properties, as another writer would have.
fn set_properties(table: &Path, properties: &str) {
    let path = table.join("_delta_log/00000000000000000000.json");
    let text = fs::read_to_string(&path).unwrap();
    let changed = text.replace(
        r#""configuration":{}"#,
        &format!(r#""configuration":{properties}"#),
    );
    assert_ne!(text, changed);
    fs::write(path, changed).unwrap();
}

fn log_names(table: &Path) -> Vec<String> {
    let entries = fs::read_dir(table.join("_delta_log")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_checkpoint_comes_after_ten_commits_and_the_log_is_read_from_there() {
    let table = tempdir().unwrap();
    for version in 0..25 {
        add(table.path(), version).unwrap();
    }
    let names = log_names(table.path());
    let checkpoints: Vec<&String> = names
        .iter()
        .filter(|name| name.contains("checkpoint"))
        .collect();
    assert_eq!(
        checkpoints,
        [
            "00000000000000000010.checkpoint.parquet",
            "00000000000000000020.checkpoint.parquet",
            "_last_checkpoint"
        ]
    );
    let hint = fs::read_to_string(table.path().join("_delta_log/_last_checkpoint")).unwrap();
    let hint: Value = serde_json::from_str(&hint).unwrap();
    assert_eq!(
        (&hint["version"], &hint["numOfAddFiles"]),
        (&20.into(), &21.into())
    );
    for version in 0..20 {
        fs::remove_file(table.path().join(format!("_delta_log/{version:020}.json"))).unwrap();
    }
    assert_eq!(numbers_by_checkpoint(table.path()), upto(25));
    let found = details(table.path(), At::Newest).unwrap().unwrap();
    assert_eq!((found.checkpoint, found.files), (Some(20), 25));
}

#[test]
fn the_log_before_an_old_checkpoint_is_removed_as_the_table_wishes() {
    let table = tempdir().unwrap();
    add(table.path(), 0).unwrap();
    set_properties(
        table.path(),
        r#"{"delta.checkpointInterval":"3","delta.logRetentionDuration":"interval 0 seconds"}"#,
    );
    for version in 1..10 {
        add(table.path(), version).unwrap();
    }
    let names = log_names(table.path());
    assert!(
        !names.contains(&"00000000000000000002.json".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&"00000000000000000009.json".to_owned()),
        "{names:?}"
    );
    assert_eq!(numbers_by_checkpoint(table.path()), upto(10));
    let gone = open(table.path(), At::Version(1)).unwrap_err();
    assert!(matches!(gone, DeltaError::NoVersion { .. }), "{gone}");
}

/// A process that appends, compacts in between, and can be asked to do it all again.
fn lives(table: &Path, name: &str) -> Result<()> {
    for version in 0..7 {
        add(table, version)?;
        if version == 3 || version == 6 {
            compact(table, &format!("compact-{name}-{version}.parquet"))?;
        }
    }
    Ok(())
}

#[test]
fn whatever_change_of_the_disk_fails_the_next_process_has_every_row_once() {
    let begun = tempdir().unwrap();
    add(begun.path(), 0).unwrap();
    set_properties(begun.path(), r#"{"delta.checkpointInterval":"3"}"#);
    let copy = |to: &Path| {
        fs::create_dir(to.join("_delta_log")).unwrap();
        for name in ["app-0.parquet", "_delta_log/00000000000000000000.json"] {
            fs::copy(begun.path().join(name), to.join(name)).unwrap();
        }
    };
    let whole = tempdir().unwrap();
    copy(whole.path());
    let (lived, changes) = with_fault(None, || lives(whole.path(), "x"));
    lived.unwrap();
    assert!(changes > 60, "{changes} changes");
    for at in 0..changes {
        for is_done in [false, true] {
            let table = tempdir().unwrap();
            copy(table.path());
            let (died, _) = with_fault(Some(Fault { at, is_done }), || lives(table.path(), "x"));
            let context = format!("change {at}, done {is_done}: {died:?}");
            let before = numbers_by_json(table.path());
            assert_eq!(before, upto(before.len() as i64), "{context}");
            lives(table.path(), "y").unwrap();
            assert_eq!(numbers_by_json(table.path()), upto(7), "{context}");
            assert_eq!(numbers_by_checkpoint(table.path()), upto(7), "{context}");
            require_no_strays(table.path(), &context);
        }
    }
}

/// What no version needs is found by vacuum, and what is needed stays.
fn require_no_strays(table: &Path, context: &str) {
    let wish = Vacuuming {
        retention: Some(Duration::ZERO),
        is_forced: true,
        is_rehearsal: false,
    };
    // A file of this very millisecond is not older than it.
    std::thread::sleep(Duration::from_millis(5));
    vacuum(table, &wish).unwrap();
    let files = open(table, At::Newest).unwrap().unwrap().files().unwrap();
    let mut left: Vec<String> = fs::read_dir(table)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".parquet"))
        .collect();
    left.sort();
    let mut names: Vec<String> = files.into_iter().map(|file| file.name).collect();
    names.sort();
    assert_eq!(left, names, "{context}");
    let names = log_names(table);
    let strays: Vec<&String> = names.iter().filter(|name| name.starts_with('.')).collect();
    assert!(strays.is_empty(), "{context}: {strays:?}");
}

#[test]
fn a_rewrite_keeps_what_others_append_and_gives_way_to_who_removes() {
    let table = tempdir().unwrap();
    for version in 0..3 {
        add(table.path(), version).unwrap();
    }
    let seen = open(table.path(), At::Newest).unwrap().unwrap();
    let removed = groups_of(&seen, 1 << 20, Policy::All)
        .unwrap()
        .remove(0)
        .files;
    add_as(table.path(), "other", 3).unwrap();
    let added = written(table.path(), "one.parquet", &[0, 1, 2]);
    rewrite(
        table.path(),
        &removed,
        &[added],
        &table.path().join(".commit"),
    )
    .unwrap();
    assert_eq!(numbers_by_json(table.path()), upto(4));
    let again = written(table.path(), "two.parquet", &[0, 1, 2]);
    let refused = rewrite(
        table.path(),
        &removed,
        &[again],
        &table.path().join(".commit"),
    );
    assert!(
        matches!(refused, Err(DeltaError::Conflict { .. })),
        "{refused:?}"
    );
    assert_eq!(numbers_by_json(table.path()), upto(4));
}

#[test]
fn a_vacuum_keeps_what_was_removed_lately() {
    let table = tempdir().unwrap();
    for version in 0..3 {
        add(table.path(), version).unwrap();
    }
    let old = std::time::SystemTime::now() - Duration::from_secs(3600 * 24 * 30);
    for version in 0..3 {
        let file = fs::File::open(table.path().join(format!("app-{version}.parquet"))).unwrap();
        file.set_modified(old).unwrap();
    }
    written(table.path(), "stray.parquet", &[9]);
    let stray = fs::File::open(table.path().join("stray.parquet")).unwrap();
    stray.set_modified(old).unwrap();
    compact(table.path(), "one.parquet").unwrap();
    let wish = Vacuuming {
        retention: None,
        is_forced: false,
        is_rehearsal: false,
    };
    let found = vacuum(table.path(), &wish).unwrap().unwrap();
    assert_eq!(
        (found.files, found.retention_hours),
        (vec!["stray.parquet".to_owned()], 168)
    );
    let earlier = open(table.path(), At::Version(2)).unwrap().unwrap();
    assert!(
        earlier
            .files()
            .unwrap()
            .iter()
            .all(|file| file.path.exists())
    );
}
