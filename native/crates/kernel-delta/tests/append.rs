//! Tables read back by the protocol's own words: the log as JSON, line by line, and the Parquet files by their footers.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kernel_delta::disk::{Change, observed};
use kernel_delta::{
    Append, Appended, DataFile, DeltaError, FileStats, Result, Wish, append, parts, plan,
    stored_schema,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

fn numbers(values: &[i64]) -> RecordBatch {
    batch(vec![("n", Arc::new(Int64Array::from(values.to_vec())))])
}

fn wish(rows: &RecordBatch) -> Wish {
    Wish {
        rows: rows.schema(),
        partition_by: Vec::new(),
        merge_schema: false,
    }
}

/// Writes the files of some rows into the folder of a table, as a sink does.
fn staged(
    table: &Path,
    rows: &RecordBatch,
    wish: Wish,
    app_id: &str,
    version: i64,
) -> Result<Append> {
    let planned = plan(table, &wish)?;
    let mut files = Vec::new();
    for (index, part) in parts(rows, &planned.stored, &planned.partition_by)?
        .into_iter()
        .enumerate()
    {
        let name = format!("part-{app_id}-{version}-{index}.parquet").replace('/', "-");
        let path = table.join(&name);
        let schema = part.rows.schema();
        let file = fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), None).unwrap();
        writer.write(&part.rows).unwrap();
        writer.close().unwrap();
        let mut stats = FileStats::new(&schema).unwrap();
        stats.merge(&part.rows).unwrap();
        files.push(DataFile {
            name,
            bytes: fs::metadata(&path).unwrap().len(),
            partition: part.values,
            stats: stats.finish().unwrap(),
        });
    }
    Ok(Append {
        table: table.to_owned(),
        wish,
        app_id: app_id.to_owned(),
        version,
        files,
        temporary: table.join(format!(".{}", app_id.replace('/', "-"))),
    })
}

fn write(table: &TempDir, rows: &RecordBatch, wish: Wish, version: i64) -> Result<Appended> {
    append(&staged(table.path(), rows, wish, "p@h/s", version)?)
}

/// All actions of the log, in order.
fn actions(table: &Path) -> Vec<Value> {
    let mut names: Vec<_> = fs::read_dir(table.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    names.sort();
    let text = names.iter().map(|name| fs::read_to_string(name).unwrap());
    text.collect::<String>()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn all<'a>(actions: &'a [Value], kind: &str) -> Vec<&'a Value> {
    actions
        .iter()
        .filter_map(|action| action.get(kind))
        .collect()
}

/// The numbers of all files that the log adds, sorted.
fn numbers_in(table: &Path) -> Vec<i64> {
    let mut found = Vec::new();
    for add in all(&actions(table), "add") {
        let file = fs::File::open(table.join(add["path"].as_str().unwrap())).unwrap();
        assert_eq!(
            file.metadata().unwrap().len(),
            add["size"].as_u64().unwrap()
        );
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .unwrap()
            .build()
            .unwrap();
        for rows in reader {
            let rows = rows.unwrap();
            let column = rows.column_by_name("n").unwrap().as_any();
            found.extend(column.downcast_ref::<Int64Array>().unwrap().values());
        }
    }
    found.sort_unstable();
    found
}

/// What the file of a writer is named that is about to become a commit, as Delta Lake for Hadoop does it.
fn wanting(commit: &Path) -> PathBuf {
    let name = commit.file_name().unwrap().to_str().unwrap();
    commit.with_file_name(format!(".{name}.6e1f.tmp"))
}

const OTHER: &str = "{\"commitInfo\":{\"timestamp\":0,\"operation\":\"OPTIMIZE\"}}\n";

/// A second commit of a table, in whose place another writer puts its own, so long after its link.
fn overwritten_after(delay: Duration) -> (TempDir, Appended) {
    let table = tempdir().unwrap();
    let rows = numbers(&[1]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let next = staged(table.path(), &rows, wish(&rows), "p@h/s", 1).unwrap();
    let mut is_over = false;
    let overwrite = move |change: &Change| {
        let Change::Linked(_, commit) = change else {
            return;
        };
        if is_over || commit.extension().is_none_or(|ending| ending != "json") {
            return;
        }
        let (from, to) = (wanting(commit), commit.clone());
        fs::write(&from, OTHER).unwrap();
        let rename = thread::spawn(move || {
            thread::sleep(delay);
            fs::rename(from, to).unwrap();
        });
        if delay.is_zero() {
            rename.join().unwrap();
        }
        is_over = true;
    };
    let appended = observed(overwrite, || append(&next)).unwrap();
    (table, appended)
}

#[test]
fn a_commit_in_whose_place_another_writer_puts_its_own_is_made_again() {
    for delay in [0, 1, 100] {
        let (table, appended) = overwritten_after(Duration::from_millis(delay));
        assert_eq!(appended.version, Some(2), "after {delay} ms");
        assert_eq!(numbers_in(table.path()), [1, 1]);
        let actions = actions(table.path());
        let operations = all(&actions, "commitInfo");
        assert_eq!(operations[1]["operation"], "OPTIMIZE");
        assert_eq!(all(&actions, "txn").len(), 2);
    }
}

#[test]
fn what_another_writer_left_when_it_died_holds_nobody_up_for_long() {
    let table = tempdir().unwrap();
    let rows = numbers(&[1]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let log = table.path().join("_delta_log");
    for (version, age) in [(1, Duration::from_secs(3600)), (2, Duration::ZERO)] {
        let left = wanting(&log.join(format!("{version:020}.json")));
        fs::write(&left, OTHER).unwrap();
        let file = fs::File::options().write(true).open(&left).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
        let appended = write(&table, &rows, wish(&rows), version).unwrap();
        assert_eq!(appended.version, Some(version as u64));
    }
    assert_eq!(numbers_in(table.path()), [1, 1, 1]);
}

#[test]
fn a_table_is_created_and_every_version_of_an_application_is_in_it_once() {
    let table = tempdir().unwrap();
    let rows = numbers(&[3, 1, 2]);
    let first = staged(table.path(), &rows, wish(&rows), "p@h/s", 0).unwrap();
    assert_eq!(append(&first).unwrap().version, Some(0));
    assert_eq!(append(&first).unwrap().version, None);
    let more = numbers(&[4]);
    assert_eq!(
        write(&table, &more, wish(&more), 1).unwrap().version,
        Some(1)
    );
    assert_eq!(append(&first).unwrap().version, None);
    assert_eq!(numbers_in(table.path()), [1, 2, 3, 4]);
    let log = actions(table.path());
    let transactions: Vec<_> = all(&log, "txn")
        .iter()
        .map(|txn| (txn["appId"].clone(), txn["version"].clone()))
        .collect();
    assert_eq!(
        transactions,
        [(json!("p@h/s"), json!(0)), (json!("p@h/s"), json!(1))]
    );
    assert_eq!(all(&log, "protocol").len(), 1);
    assert!(
        all(&log, "add")
            .iter()
            .all(|add| add["dataChange"] == json!(true))
    );
    let hidden = fs::read_dir(table.path()).unwrap();
    assert_eq!(
        hidden
            .filter(|entry| entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with('.'))
            .count(),
        0
    );
}

#[test]
fn an_add_tells_of_its_file() {
    let table = tempdir().unwrap();
    let rows = batch(vec![
        (
            "x",
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(-2.0)])),
        ),
        ("s", Arc::new(StringArray::from(vec!["b", "ü", "a"]))),
        (
            "not",
            Arc::new(Float64Array::from(vec![1.0, f64::NAN, 2.0])),
        ),
        (
            "t",
            Arc::new(
                TimestampMicrosecondArray::from(vec![0, 1_500_000, 3_000_000]).with_timezone("UTC"),
            ),
        ),
    ]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let log = actions(table.path());
    let stats: Value =
        serde_json::from_str(all(&log, "add")[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], json!(3));
    assert_eq!(
        stats["nullCount"],
        json!({"x": 1, "s": 0, "not": 0, "t": 0})
    );
    assert_eq!(
        (&stats["minValues"]["x"], &stats["maxValues"]["x"]),
        (&json!(-2.0), &json!(1.5))
    );
    assert_eq!(
        (&stats["minValues"]["s"], &stats["maxValues"]["s"]),
        (&json!("a"), &json!("ü"))
    );
    assert_eq!(
        stats["maxValues"]["not"],
        Value::Null,
        "a NaN is greater than every number"
    );
    assert!(
        stats["minValues"]["t"]
            .as_str()
            .unwrap()
            .starts_with("1970-01-01T00:00:00")
    );
}

#[test]
fn rows_are_cut_by_their_partition() {
    let table = tempdir().unwrap();
    let rows = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5]))),
        (
            "site",
            Arc::new(StringArray::from(vec![
                Some("a/b c"),
                None,
                Some("a/b c"),
                Some(""),
                Some("z"),
            ])),
        ),
    ]);
    let by_site = Wish {
        partition_by: vec!["site".into()],
        ..wish(&rows)
    };
    write(&table, &rows, by_site, 0).unwrap();
    let log = actions(table.path());
    assert_eq!(
        all(&log, "metaData")[0]["partitionColumns"],
        json!(["site"])
    );
    let values: Vec<Value> = all(&log, "add")
        .iter()
        .map(|add| add["partitionValues"]["site"].clone())
        .collect();
    assert_eq!(values[0], json!("a/b c"));
    assert_eq!(values.last().unwrap(), &json!("z"));
    assert_eq!(
        values.iter().filter(|value| value.is_null()).count(),
        values.len() - 2
    );
    assert_eq!(numbers_in(table.path()), [1, 2, 3, 4, 5]);
    let otherwise = Wish {
        partition_by: vec!["n".into()],
        ..wish(&rows)
    };
    assert!(
        write(&table, &rows, otherwise, 1)
            .unwrap_err()
            .to_string()
            .contains("partitioned by [site]")
    );
}

#[test]
fn rows_without_a_partition_column_have_none() {
    let table = tempdir().unwrap();
    let rows = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![1]))),
        ("site", Arc::new(StringArray::from(vec!["a"]))),
    ]);
    let by_site = Wish {
        partition_by: vec!["site".into()],
        ..wish(&rows)
    };
    write(&table, &rows, by_site, 0).unwrap();
    let fewer = numbers(&[2, 3]);
    write(&table, &fewer, wish(&fewer), 1).unwrap();
    assert_eq!(numbers_in(table.path()), [1, 2, 3]);
    let log = actions(table.path());
    assert_eq!(all(&log, "add")[1]["partitionValues"]["site"], Value::Null);
}

#[test]
fn two_writers_append_beside_each_other() {
    let table = tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4_i64 {
            let path = table.path();
            scope.spawn(move || {
                for version in 0..10 {
                    let rows = numbers(&[writer * 100 + version]);
                    let staged =
                        staged(path, &rows, wish(&rows), &format!("w{writer}"), version).unwrap();
                    append(&staged).unwrap();
                }
            });
        }
    });
    let expected: Vec<i64> = (0..4)
        .flat_map(|writer| (0..10).map(move |n| writer * 100 + n))
        .collect();
    assert_eq!(numbers_in(table.path()), expected);
}

#[test]
fn another_writer_under_the_same_name_is_fenced_off() {
    let table = tempdir().unwrap();
    let rows = numbers(&[1]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    write(&table, &rows, wish(&rows), 1).unwrap();
    for version in [0, 1] {
        let mut other = staged(table.path(), &rows, wish(&rows), "p@h/s", version).unwrap();
        let name = format!("other-{version}.parquet");
        fs::rename(
            table.path().join(&other.files[0].name),
            table.path().join(&name),
        )
        .unwrap();
        other.files[0].name = name;
        assert!(
            matches!(append(&other), Err(DeltaError::Fenced { version: v, .. }) if v == version)
        );
    }
    assert_eq!(all(&actions(table.path()), "add").len(), 2);
}

#[test]
fn new_columns_are_added_when_asked_for_and_refused_otherwise() {
    let table = tempdir().unwrap();
    let rows = numbers(&[1]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let wider = batch(vec![
        ("N", Arc::new(Int64Array::from(vec![2]))),
        ("name", Arc::new(StringArray::from(vec!["b"]))),
    ]);
    let refused = write(&table, &wider, wish(&wider), 1).unwrap_err();
    assert!(
        refused.to_string().contains("no column \"name\"")
            && refused.to_string().contains("mergeSchema")
    );
    let merging = Wish {
        merge_schema: true,
        ..wish(&wider)
    };
    write(&table, &wider, merging, 1).unwrap();
    let log = actions(table.path());
    let schema: Value =
        serde_json::from_str(all(&log, "metaData")[1]["schemaString"].as_str().unwrap()).unwrap();
    let names: Vec<&Value> = schema["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["name"])
        .collect();
    assert_eq!(names, ["n", "name"]);
    write(&table, &rows, wish(&rows), 2).unwrap();
    assert_eq!(numbers_in(table.path()), [1, 1, 2]);
}

#[test]
fn other_types_are_refused_unless_every_value_fits() {
    let table = tempdir().unwrap();
    let rows = numbers(&[1]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let text = batch(vec![("n", Arc::new(StringArray::from(vec!["2"])))]);
    let refused = write(&table, &text, wish(&text), 1)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("\"n\" is Utf8 in the rows and Int64 in the table"),
        "{refused}"
    );
    let narrow = batch(vec![(
        "n",
        Arc::new(arrow_array::Int16Array::from(vec![7])),
    )]);
    write(&table, &narrow, wish(&narrow), 1).unwrap();
    assert_eq!(numbers_in(table.path()), [1, 7]);
}

#[test]
fn types_are_stored_as_the_table_says() {
    let zone: DataType = DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into()));
    let kept: HashMap<&str, (DataType, DataType)> = HashMap::from([
        ("u8", (DataType::UInt8, DataType::Int16)),
        ("u32", (DataType::UInt32, DataType::Int64)),
        ("u64", (DataType::UInt64, DataType::Decimal128(20, 0))),
        ("text", (DataType::LargeUtf8, DataType::Utf8)),
        (
            "words",
            (
                DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()),
                DataType::Utf8,
            ),
        ),
        (
            "time",
            (
                zone,
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ),
        ),
    ]);
    for (name, (from, to)) in kept {
        let rows = Schema::new(vec![Field::new(name, from, false)]);
        assert_eq!(
            stored_schema(&rows).unwrap().field(0).data_type(),
            &to,
            "{name}"
        );
    }
    let refused: SchemaRef = Arc::new(Schema::new(vec![
        Field::new("ns", DataType::Timestamp(TimeUnit::Nanosecond, None), true),
        Field::new("clock", DataType::Time64(TimeUnit::Microsecond), true),
        Field::new("Clock", DataType::Int8, true),
    ]));
    let refusals: Vec<String> = stored_schema(&refused)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(refusals.len(), 3);
    assert!(
        refusals[0].contains(r#"CAST("ns" AS TIMESTAMP)"#),
        "{}",
        refusals[0]
    );
    assert!(refusals[2].contains("capitals"), "{}", refusals[2]);
}

#[test]
fn the_largest_unsigned_number_is_kept() {
    let table = tempdir().unwrap();
    let rows = batch(vec![("u", Arc::new(UInt64Array::from(vec![u64::MAX])))]);
    write(&table, &rows, wish(&rows), 0).unwrap();
    let log = actions(table.path());
    assert!(
        all(&log, "metaData")[0]["schemaString"]
            .as_str()
            .unwrap()
            .contains("decimal(20,0)")
    );
    let stats = all(&log, "add")[0]["stats"].as_str().unwrap();
    assert!(stats.contains("18446744073709551615"), "{stats}");
}

#[test]
fn a_log_that_cannot_be_read_is_told() {
    let table = tempdir().unwrap();
    fs::create_dir(table.path().join("_delta_log")).unwrap();
    fs::write(
        table.path().join("_delta_log/00000000000000000000.json"),
        "a diary",
    )
    .unwrap();
    let rows = numbers(&[1]);
    let refused = plan(table.path(), &wish(&rows)).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains(&table.path().display().to_string()),
        "{refused}"
    );
}
