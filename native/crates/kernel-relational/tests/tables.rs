//! Tables written exactly once: types, modes, the ledger, files that are shared, locked, broken or killed in the middle.

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel_relational::{
    Database, LedgerKey, Library, Location, RelationalError, TableWrite, WriteMode, WriteOutcome,
    count_rows, ledger_epoch, write_table,
};
use support::{Folder, file_database, library, library_path, limits, memory_database};

fn write(table: &str, epoch: u64, mode: WriteMode) -> TableWrite {
    let ledger = LedgerKey {
        pipeline: "lightning's".to_string(),
        sink: "db".to_string(),
        epoch,
    };
    TableWrite {
        table: table.to_string(),
        ledger,
        mode,
    }
}

fn flashes(start: i64, rows: i64) -> RecordBatch {
    let time = TimestampNanosecondArray::from_iter_values(
        (start..start + rows).map(|row| 1_530_504_000_123_456_789 + row),
    )
    .with_timezone("UTC");
    let name: DictionaryArray<types::Int32Type> = (start..start + rows)
        .map(|row| (row % 2 == 0).then_some("G16"))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        (
            "id",
            Arc::new(Int64Array::from_iter_values(start..start + rows)) as ArrayRef,
            false,
        ),
        ("flash_time", Arc::new(time), true),
        ("satellite \"name\"", Arc::new(name), true),
    ])
    .unwrap()
}

fn numbers(database: &Arc<Database>, sql: &str) -> Vec<i64> {
    let (_, batches) = database.query(sql).unwrap();
    batches
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect()
}

#[test]
fn rows_and_ledger_are_written_once() {
    let folder = Folder::new("once");
    let path = folder.join("a.duckdb");
    let batch = flashes(0, 3_000);
    {
        let database = file_database(&path);
        assert_eq!(ledger_epoch(&database, "lightning's", "db").unwrap(), None);
        let first = write_table(
            &database,
            &batch.schema(),
            &[batch.slice(0, 1_000), batch.slice(1_000, 2_000)],
            &write("flashes", 7, WriteMode::Append),
        )
        .unwrap();
        assert_eq!(
            first,
            WriteOutcome {
                rows: 3_000,
                already_written: false
            }
        );
        let again = write_table(
            &database,
            &batch.schema(),
            &[flashes(0, 1)],
            &write("flashes", 7, WriteMode::Append),
        )
        .unwrap();
        assert_eq!(
            again,
            WriteOutcome {
                rows: 3_000,
                already_written: true
            }
        );
        let none = write_table(
            &database,
            &batch.schema(),
            &[],
            &write("flashes", 8, WriteMode::Append),
        )
        .unwrap();
        assert_eq!(none.rows, 0);
    }
    let database = file_database(&path);
    assert_eq!(count_rows(&database, "flashes").unwrap(), 3_000);
    assert_eq!(
        ledger_epoch(&database, "lightning's", "db").unwrap(),
        Some(8)
    );
    assert_eq!(
        ledger_epoch(&database, "lightning's", "other").unwrap(),
        None
    );
    assert_eq!(
        numbers(&database, "SELECT id FROM flashes"),
        (0..3_000).collect::<Vec<_>>(),
        "rows keep their order"
    );
    assert_eq!(
        numbers(
            &database,
            "SELECT epoch_ns(flash_time) - 1530504000123456789 FROM flashes"
        ),
        (0..3_000).collect::<Vec<_>>(),
        "times keep nanoseconds"
    );
    assert_eq!(
        numbers(
            &database,
            "SELECT count(*) FROM flashes WHERE \"satellite \"\"name\"\"\" IS NULL"
        ),
        [1_500]
    );
}

#[test]
fn replace_leaves_only_the_new_rows() {
    let database = memory_database();
    let schema = flashes(0, 1).schema();
    write_table(
        &database,
        &schema,
        &[flashes(0, 10)],
        &write("t", 0, WriteMode::Append),
    )
    .unwrap();
    write_table(
        &database,
        &schema,
        &[flashes(10, 10)],
        &write("t", 1, WriteMode::Append),
    )
    .unwrap();
    assert_eq!(count_rows(&database, "t").unwrap(), 20);
    write_table(
        &database,
        &schema,
        &[flashes(100, 2)],
        &write("t", 2, WriteMode::Replace),
    )
    .unwrap();
    assert_eq!(numbers(&database, "SELECT id FROM t"), [100, 101]);
    let again = write_table(
        &database,
        &schema,
        &[flashes(0, 9)],
        &write("t", 2, WriteMode::Replace),
    )
    .unwrap();
    assert!(again.already_written);
    assert_eq!(count_rows(&database, "t").unwrap(), 2);
}

#[test]
fn odd_table_names_and_schemas_work() {
    let database = memory_database();
    let batch = flashes(0, 4);
    for (epoch, name) in ["odd \"name\"; DROP", "mart.fact table", "order", "Ünï"]
        .into_iter()
        .enumerate()
    {
        write_table(
            &database,
            &batch.schema(),
            std::slice::from_ref(&batch),
            &write(name, epoch as u64, WriteMode::Append),
        )
        .unwrap();
        assert_eq!(count_rows(&database, name).unwrap(), 4, "{name}");
    }
    assert_eq!(
        numbers(&database, "SELECT count(*) FROM mart.\"fact table\""),
        [4]
    );
    for name in ["", "a.b.c", "a.", "sferic_ledger", "main.SFERIC_LEDGER"] {
        let error = write_table(
            &database,
            &batch.schema(),
            &[],
            &write(name, 9, WriteMode::Append),
        )
        .unwrap_err();
        assert!(
            matches!(error, RelationalError::TableMismatch { .. }),
            "{name}: {error}"
        );
    }
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(
        fields
            .iter()
            .map(|(name, data_type)| Field::new(*name, data_type.clone(), true))
            .collect::<Vec<_>>(),
    ))
}

#[test]
fn a_table_that_does_not_fit_is_explained_and_left_alone() {
    let database = memory_database();
    let first = schema(&[
        ("a", DataType::Int32),
        ("b", DataType::Utf8),
        ("c", DataType::Float64),
    ]);
    write_table(
        &database,
        &first,
        &[RecordBatch::new_empty(Arc::clone(&first))],
        &write("t", 0, WriteMode::Append),
    )
    .unwrap();
    let other = schema(&[
        ("b", DataType::Utf8),
        ("a", DataType::Int64),
        ("d", DataType::Boolean),
    ]);
    let error = write_table(&database, &other, &[], &write("t", 1, WriteMode::Append))
        .unwrap_err()
        .to_string();
    for part in [
        "\"a\" is INTEGER in the table and BIGINT in the rows",
        "no column \"d\" (BOOLEAN)",
        "the rows have no column \"c\"",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(
        ledger_epoch(&database, "lightning's", "db").unwrap(),
        Some(0),
        "the failed epoch is not in the ledger"
    );

    let swapped = schema(&[
        ("c", DataType::Float64),
        ("B", DataType::Utf8),
        ("a", DataType::Int32),
    ]);
    let rows = RecordBatch::try_new(
        Arc::clone(&swapped),
        vec![
            Arc::new(Float64Array::from(vec![1.5])),
            Arc::new(StringArray::from(vec!["x"])),
            Arc::new(Int32Array::from(vec![7])),
        ],
    )
    .unwrap();
    write_table(
        &database,
        &swapped,
        &[rows],
        &write("t", 1, WriteMode::Append),
    )
    .unwrap();
    assert_eq!(
        numbers(
            &database,
            "SELECT a::BIGINT FROM t WHERE b = 'x' AND c = 1.5"
        ),
        [7],
        "columns are matched by name"
    );
}

#[test]
fn a_failing_row_leaves_nothing() {
    let database = memory_database();
    database.query("CREATE TABLE t (id BIGINT CHECK (id < 5), flash_time TIMESTAMP_NS, \"satellite \"\"name\"\"\" VARCHAR)").unwrap();
    let schema = flashes(0, 1).schema();
    let error = write_table(
        &database,
        &schema,
        &[flashes(0, 10)],
        &write("t", 0, WriteMode::Replace),
    )
    .unwrap_err();
    assert!(error.to_string().contains("CHECK"), "{error}");
    assert_eq!(count_rows(&database, "t").unwrap(), 0);
    assert_eq!(ledger_epoch(&database, "lightning's", "db").unwrap(), None);
    write_table(
        &database,
        &schema,
        &[flashes(0, 5)],
        &write("t", 0, WriteMode::Replace),
    )
    .unwrap();
    assert_eq!(
        count_rows(&database, "t").unwrap(),
        5,
        "the database is usable after an error"
    );
}

#[test]
fn a_failing_replace_keeps_the_old_rows() {
    let database = memory_database();
    database.query("CREATE TABLE t (id BIGINT CHECK (id < 5), flash_time TIMESTAMP_NS, \"satellite \"\"name\"\"\" VARCHAR)").unwrap();
    let schema = flashes(0, 1).schema();
    write_table(
        &database,
        &schema,
        &[flashes(0, 3)],
        &write("t", 0, WriteMode::Append),
    )
    .unwrap();
    write_table(
        &database,
        &schema,
        &[flashes(3, 9)],
        &write("t", 1, WriteMode::Replace),
    )
    .unwrap_err();
    assert_eq!(numbers(&database, "SELECT id FROM t"), [0, 1, 2]);
}

#[test]
fn rows_whose_ledger_entry_fails_are_taken_back() {
    let database = memory_database();
    let schema = flashes(0, 1).schema();
    write_table(
        &database,
        &schema,
        &[flashes(0, 3)],
        &write("t", 0, WriteMode::Append),
    )
    .unwrap();
    // The same ledger, but refusing epoch 1.
    database.query("CREATE OR REPLACE TABLE sferic_ledger (pipeline VARCHAR, sink VARCHAR, epoch UBIGINT CHECK (epoch <> 1), row_count UBIGINT, table_name VARCHAR)").unwrap();
    for mode in [WriteMode::Append, WriteMode::Replace] {
        write_table(&database, &schema, &[flashes(3, 9)], &write("t", 1, mode)).unwrap_err();
        assert_eq!(
            numbers(&database, "SELECT id FROM t"),
            [0, 1, 2],
            "{mode:?}"
        );
    }
}

#[test]
fn one_file_is_one_instance_and_reopens() {
    let folder = Folder::new("shared");
    let path = folder.join("a.duckdb");
    let first = file_database(&path);
    std::os::unix::fs::symlink(&path, folder.join("link.duckdb")).unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &file_database(&folder.join("link.duckdb"))
    ));
    assert!(Arc::ptr_eq(
        &first,
        &file_database(
            &folder
                .join("../")
                .join(path.parent().unwrap().file_name().unwrap())
                .join("a.duckdb")
        )
    ));
    let schema = flashes(0, 1).schema();
    std::thread::scope(|scope| {
        for sink in 0..4 {
            let (schema, path) = (&schema, &path);
            scope.spawn(move || {
                for epoch in 0..5 {
                    let mut write = write(&format!("t{}", sink % 2), epoch, WriteMode::Append);
                    write.ledger.sink = format!("sink {sink}");
                    write_table(&file_database(path), schema, &[flashes(0, 100)], &write).unwrap();
                }
            });
        }
    });
    assert_eq!(
        count_rows(&first, "t0").unwrap() + count_rows(&first, "t1").unwrap(),
        2_000
    );
    drop(first);
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert_eq!(count_rows(&file_database(&path), "t0").unwrap(), 1_000));
            }
        });
    }
}

#[test]
fn files_that_cannot_be_opened_are_explained() {
    let folder = Folder::new("broken");
    let open = |path: &Path| {
        Database::open(library(), Location::File(path.to_path_buf()), limits())
            .err()
            .unwrap()
    };
    std::fs::write(
        folder.join("text.duckdb"),
        "this is text, and long enough to be a header. ".repeat(500),
    )
    .unwrap();
    assert!(matches!(
        open(&folder.join("text.duckdb")),
        RelationalError::NotADatabase { .. }
    ));
    std::fs::write(folder.join("short.duckdb"), "short").unwrap();
    assert!(
        matches!(
            open(&folder.join("short.duckdb")),
            RelationalError::NotADatabase { .. }
        ),
        "{}",
        open(&folder.join("short.duckdb"))
    );
    assert!(matches!(
        open(&folder.join("missing/a.duckdb")),
        RelationalError::CannotOpen { .. }
    ));
    assert!(matches!(
        open(&folder.join("..")),
        RelationalError::CannotOpen { .. }
    ));
}

#[test]
fn wrong_libraries_are_explained() {
    let folder = Folder::new("library");
    let load = |path: &Path| Library::load(path).err().unwrap();
    // Before any other library is loaded by this process the causes can be told apart; so this runs in a process of its own.
    if std::env::var_os("SFERIC_TEST_WRONG_LIBRARY").is_none() {
        let status = child("wrong_libraries_are_explained")
            .env("SFERIC_TEST_WRONG_LIBRARY", "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    assert!(matches!(
        load(&folder.join("none.so")),
        RelationalError::LibraryMissing { .. }
    ));
    std::fs::write(folder.join("text.so"), "text").unwrap();
    assert!(matches!(
        load(&folder.join("text.so")),
        RelationalError::LibraryMissing { .. }
    ));
    let other = compile(&folder, "other", "int duckdb(void) { return 1; }");
    assert!(load(&other).to_string().contains("not DuckDB"));
    let older = compile(
        &folder,
        "older",
        "const char *duckdb_library_version(void) { return \"v1.4.0\"; }",
    );
    assert!(
        load(&older).to_string().contains("v1.4.0"),
        "{}",
        load(&older)
    );
    let stub = compile(
        &folder,
        "stub",
        "const char *duckdb_library_version(void) { return \"v1.5.5\"; }",
    );
    assert!(
        load(&stub).to_string().contains("without duckdb_"),
        "{}",
        load(&stub)
    );
    library();
    assert!(matches!(
        load(&stub),
        RelationalError::LibraryAlreadyLoaded { .. }
    ));
    library();
}

fn compile(folder: &Folder, name: &str, source: &str) -> PathBuf {
    let (code, library) = (
        folder.join(&format!("{name}.c")),
        folder.join(&format!("lib{name}.so")),
    );
    std::fs::write(&code, source).unwrap();
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&code)
        .status()
        .expect("a C compiler");
    assert!(status.success());
    library
}

/// One test of this file in a process of its own.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        test,
        "--exact",
        "--include-ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command.env("SFERIC_DUCKDB_LIBRARY", library_path());
    command
}

/// Starts [`writer`] on a file and waits for its first line.
fn start_writer(path: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = child("writer")
        .env("SFERIC_TEST_DATABASE", path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    while next_line(&mut lines).is_some_and(|line| line != "open") {}
    (child, lines)
}

fn next_line(lines: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (lines.read_line(&mut line).unwrap() > 0).then(|| line.trim().to_string())
}

const KILLED_ROWS: i64 = 150_000;

/// The other process of the tests below: writes epoch after epoch into a file and says when each is done.
#[test]
#[ignore = "a process of the tests below, not a test of its own"]
fn writer() {
    let Some(path) = std::env::var_os("SFERIC_TEST_DATABASE") else {
        return;
    };
    let database = file_database(Path::new(&path));
    println!("\nopen");
    let next = ledger_epoch(&database, "lightning's", "db")
        .unwrap()
        .map_or(0, |epoch| epoch + 1);
    for epoch in next..next + 1_000 {
        let batch = flashes(epoch as i64 * KILLED_ROWS, KILLED_ROWS);
        let cut = [
            batch.slice(0, 1_000),
            batch.slice(1_000, KILLED_ROWS as usize - 1_000),
        ];
        let append = write("flashes", epoch, WriteMode::Append);
        match write_table(&database, &batch.schema(), &cut, &append) {
            Ok(_) => println!("wrote {epoch}"),
            Err(RelationalError::DiskFull { message }) => return println!("full: {message}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_in_use_names_the_process() {
    let folder = Folder::new("locked");
    let path = folder.join("a.duckdb");
    let (mut child, _lines) = start_writer(&path);
    let error = Database::open(library(), Location::File(path), limits())
        .err()
        .unwrap();
    let expected = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        matches!(error, RelationalError::FileLocked { holder: Some(pid), .. } if pid == expected),
        "{error}"
    );
}

/// Checks that the file holds exactly the epochs that its ledger names, and returns the newest.
fn whole_epochs(path: &Path) -> Option<u64> {
    let database = file_database(path);
    let newest = ledger_epoch(&database, "lightning's", "db").unwrap()?;
    let rows = numbers(
        &database,
        "SELECT count(*) FROM flashes UNION ALL SELECT count(DISTINCT id) FROM flashes UNION ALL SELECT max(id) + 1 FROM flashes",
    );
    assert_eq!(rows, vec![(newest as i64 + 1) * KILLED_ROWS; 3]);
    Some(newest)
}

fn epoch_told(line: &str) -> Option<u64> {
    line.strip_prefix("wrote ")
        .map(|epoch| epoch.parse().unwrap())
}

#[test]
fn a_writer_killed_at_any_moment_leaves_whole_epochs() {
    let folder = Folder::new("killed");
    let path = folder.join("a.duckdb");
    let mut told = None;
    for round in 0..8 {
        let (mut child, mut lines) = start_writer(&path);
        std::thread::sleep(std::time::Duration::from_millis(40 + 79 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        while let Some(line) = next_line(&mut lines) {
            told = epoch_told(&line).or(told);
        }
        let newest = whole_epochs(&path);
        assert!(
            newest >= told,
            "epoch {told:?} was reported as written, the ledger ends at {newest:?}"
        );
    }
    assert!(
        told.is_some(),
        "no epoch was written; the test says nothing"
    );
}

#[test]
fn a_full_disk_is_told_and_leaves_whole_epochs() {
    let folder = Folder::new("full");
    let path = folder.join("a.duckdb");
    // A limit on file sizes stands for a full disk: it needs no privileges. 8,000 blocks are 4 or 8 MB.
    let limited = "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\"";
    let writer = child("writer");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", limited])
        .arg(writer.get_program())
        .args(writer.get_args());
    shell
        .env("SFERIC_DUCKDB_LIBRARY", library_path())
        .env("SFERIC_TEST_DATABASE", &path);
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("full: ") && output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told = said.lines().filter_map(epoch_told).next_back();
    assert!(told.is_some(), "{said}");
    assert_eq!(whole_epochs(&path), told);

    let database = file_database(&path);
    let next = told.unwrap() + 1;
    let batch = flashes(next as i64 * KILLED_ROWS, KILLED_ROWS);
    write_table(
        &database,
        &batch.schema(),
        &[batch],
        &write("flashes", next, WriteMode::Append),
    )
    .unwrap();
    drop(database);
    assert_eq!(
        whole_epochs(&path),
        Some(next),
        "the run goes on when there is space"
    );
}

fn moments(unit: &str, ticks: i64) -> RecordBatch {
    let column: ArrayRef = match unit {
        "s" => Arc::new(TimestampSecondArray::from(vec![Some(ticks), None]).with_timezone("UTC")),
        "ms" => {
            Arc::new(TimestampMillisecondArray::from(vec![Some(ticks), None]).with_timezone("UTC"))
        }
        "us" => Arc::new(
            TimestampMicrosecondArray::from(vec![Some(ticks), None]).with_timezone("Asia/Tokyo"),
        ),
        _ => Arc::new(TimestampNanosecondArray::from(vec![Some(ticks), None]).with_timezone("UTC")),
    };
    RecordBatch::try_from_iter_with_nullable([("at", column, true)]).unwrap()
}

#[test]
fn moments_of_every_unit_are_the_same_in_a_table() {
    let database = memory_database();
    let append = |table: &str, epoch, rows: &RecordBatch| {
        let write = write(table, epoch, WriteMode::Append);
        write_table(
            &database,
            &rows.schema(),
            std::slice::from_ref(rows),
            &write,
        )
    };
    let second = 1_782_900_000;
    let kinds = [
        ("s", second, "TIMESTAMP_S"),
        ("ms", second * 1_000, "TIMESTAMP_MS"),
        ("us", second * 1_000_000, "TIMESTAMP"),
        ("ns", second * 1_000_000_000, "TIMESTAMP_NS"),
    ];
    let mut epoch = 0;
    for (unit, ticks, naive) in kinds {
        // A new table, one with the naive type of the unit, and one with the type of moments.
        database
            .query(&format!("CREATE TABLE naive_{unit} (\"at\" {naive})"))
            .unwrap();
        database
            .query(&format!("CREATE TABLE moment_{unit} (\"at\" TIMESTAMPTZ)"))
            .unwrap();
        for table in [
            format!("new_{unit}"),
            format!("naive_{unit}"),
            format!("moment_{unit}"),
        ] {
            epoch += 1;
            append(&table, epoch, &moments(unit, ticks)).unwrap();
            let sql = format!(
                "SELECT epoch_us(\"at\"::TIMESTAMPTZ) FROM {table} WHERE \"at\" IS NOT NULL"
            );
            assert_eq!(numbers(&database, &sql), [second * 1_000_000], "{table}");
            assert_eq!(count_rows(&database, &table).unwrap(), 2, "{table}");
        }
    }
    let finer = append("moment_ns", 90, &moments("ns", 1))
        .unwrap_err()
        .to_string();
    assert!(
        finer.contains("nanoseconds") && finer.contains("at"),
        "{finer}"
    );
    let beyond = append("new_s", 91, &moments("s", i64::MAX / 2))
        .unwrap_err()
        .to_string();
    assert!(beyond.contains("Could not convert"), "{beyond}");
    let zoned = ["new_s", "new_ms", "new_us"];
    for table in zoned {
        let (schema, _) = database
            .query(&format!("SELECT \"at\" FROM {table}"))
            .unwrap();
        let expected = DataType::Timestamp(arrow_schema::TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(schema.field(0).data_type(), &expected, "{table}");
    }
}
