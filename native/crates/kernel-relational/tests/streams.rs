//! Queries over rows that come while they run.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel_relational::{
    Cancelled, Database, IntegerSums, MORSEL_ROWS, Query, QueryInput, QueryRows, RelationalError,
    RowStream, check_query,
};
use support::memory_database;

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]))
}

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
    RecordBatch::try_new(schema(), vec![column]).unwrap()
}

fn stream(row_number: Option<&str>) -> Arc<RowStream> {
    RowStream::new(&schema(), row_number, 1_000_000).unwrap()
}

fn input(name: &str, stream: &Arc<RowStream>) -> QueryInput {
    QueryInput {
        name: name.to_string(),
        schema: schema(),
        rows: QueryRows::Stream(Arc::clone(stream)),
    }
}

/// Pushes `0..rows` in batches and ends the stream, waiting for room after each.
fn feed(stream: &Arc<RowStream>, rows: i64, batch_rows: i64) -> JoinHandle<()> {
    let stream = Arc::clone(stream);
    std::thread::spawn(move || {
        let mut start = 0;
        while start < rows {
            let end = (start + batch_rows).min(rows);
            let (room, told) = channel();
            stream
                .push(&numbers(start..end), move || room.send(()).unwrap())
                .unwrap();
            told.recv().unwrap();
            start = end;
        }
        stream.end();
    })
}

fn database() -> &'static Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    DATABASE.get_or_init(memory_database)
}

fn run(inputs: Vec<QueryInput>, sql: &str) -> Result<Vec<i64>, RelationalError> {
    let query = Query::run(database(), inputs, sql, Arc::new(|| false))?;
    let mut values = Vec::new();
    for rows in query {
        values.extend_from_slice(rows?.column(0).as_primitive::<Int64Type>().values());
    }
    Ok(values)
}

#[test]
fn two_streams_are_joined_whatever_their_batches() {
    for batch_rows in [1, 977, 70_000] {
        let rows = if batch_rows == 1 { 3_000 } else { 200_000 };
        let (left, right) = (stream(None), stream(None));
        let feeds = [feed(&left, rows, batch_rows), feed(&right, rows, 4_096)];
        let sql = "SELECT sum(l.n)::BIGINT FROM l JOIN r ON l.n = 2 * r.n";
        let sum = run(vec![input("l", &left), input("r", &right)], sql).unwrap();
        let half = (rows + 1) / 2;
        assert_eq!(sum, [half * (half - 1)]);
        feeds.into_iter().for_each(|feed| feed.join().unwrap());
    }
}

#[test]
fn a_stream_that_is_read_twice_is_kept() {
    let rows = stream(None);
    let feeding = feed(&rows, 150_000, 10_000);
    let sql = "SELECT count(*)::BIGINT FROM t a JOIN t b ON a.n = b.n + 1";
    assert_eq!(run(vec![input("t", &rows)], sql).unwrap(), [149_999]);
    feeding.join().unwrap();
}

#[test]
fn rows_that_nobody_reads_do_not_stop_their_producer() {
    let (unused, limited) = (stream(None), stream(None));
    let feeds = [
        feed(&unused, 8_000_000, 65_536),
        feed(&limited, 8_000_000, 65_536),
    ];
    let sql = "SELECT n FROM limited LIMIT 3";
    let rows = run(
        vec![input("unused", &unused), input("limited", &limited)],
        sql,
    )
    .unwrap();
    assert_eq!(rows, [0, 1, 2]);
    feeds.into_iter().for_each(|feed| feed.join().unwrap());
}

#[test]
fn rows_are_numbered_in_the_order_they_came() {
    let rows = stream(Some("place"));
    let feeding = feed(&rows, 3 * MORSEL_ROWS as i64 + 5, 1_000);
    let sql = "SELECT count(*)::BIGINT FROM t WHERE n = place";
    assert_eq!(
        run(vec![input("t", &rows)], sql).unwrap(),
        [3 * MORSEL_ROWS as i64 + 5]
    );
    feeding.join().unwrap();
}

#[test]
fn a_stream_without_rows_is_a_table_without_rows() {
    let rows = stream(None);
    rows.push(&numbers(0..0), || {}).unwrap();
    rows.end();
    let sql = "SELECT count(*)::BIGINT FROM t";
    assert_eq!(run(vec![input("t", &rows)], sql).unwrap(), [0]);
}

#[test]
fn a_query_that_waits_for_rows_can_be_cancelled() {
    let rows = stream(None);
    rows.push(&numbers(0..10), || {}).unwrap();
    let flag = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&flag);
    let cancelled: Cancelled = Arc::new(move || asked.load(Ordering::Relaxed));
    let sql = "SELECT sum(n)::BIGINT FROM t";
    let inputs = vec![input("t", &rows)];
    let running =
        std::thread::spawn(move || Query::run(database(), inputs, sql, cancelled).map(drop));
    std::thread::sleep(Duration::from_millis(50));
    let since = Instant::now();
    flag.store(true, Ordering::Relaxed);
    let error = running.join().unwrap().unwrap_err();
    assert!(matches!(error, RelationalError::Cancelled), "{error}");
    assert!(since.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_producer_is_held_back_while_nobody_reads() {
    let rows = stream(None);
    let pushed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&pushed);
    let batch = numbers(0..1_000_000);
    for _ in 0..6 {
        let count = Arc::clone(&count);
        let on_room = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        rows.push(&batch, on_room).unwrap();
    }
    // 8 MiB are one of these batches and a part of another; from the second on they wait.
    assert_eq!(pushed.load(Ordering::Relaxed), 1);
    rows.end();
    let sql = "SELECT count(*)::BIGINT FROM t";
    assert_eq!(run(vec![input("t", &rows)], sql).unwrap(), [6_000_000]);
    assert_eq!(pushed.load(Ordering::Relaxed), 6);
}

#[test]
fn a_query_is_checked_without_rows() {
    let inputs = [("t".to_string(), schema())];
    let check = |sql: &str| {
        check_query(database(), &inputs, sql, IntegerSums::Int64).map_err(|error| error.to_string())
    };
    let columns = check("SELECT n, n / 2 AS half FROM t").unwrap();
    assert_eq!(columns.field(1).name(), "half");
    assert_eq!(columns.field(1).data_type(), &DataType::Float64);
    for (sql, part) in [
        ("SELECT m FROM t", "m"),
        ("SELECT n, random() FROM t", "random"),
        (
            "SELECT n FROM t WHERE now() > TIMESTAMP '2020-01-01'",
            "now",
        ),
        ("SELECT n, current_date FROM t", "current_date"),
        ("CREATE TABLE u (n INTEGER)", "SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
    ] {
        let message = check(sql).unwrap_err();
        assert!(message.contains(part), "{sql}: {message}");
    }
}
