//! Answers that depend on the order of rows are the same in every run.

mod support;

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use kernel_relational::{Database, Query, QueryInput, QueryRows, RowStream, needs_order};
use support::{memory_database, serial_database};

const ROWS: i64 = 200_000;

fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        ("n", Arc::new(Int64Array::from_iter_values(range.clone()))),
        (
            "k",
            Arc::new(Int64Array::from_iter_values(range.map(|n| n % 3))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn schema() -> SchemaRef {
    numbers(0..1).schema()
}

/// The answer as text, of a query over `rows` numbers that come in batches.
fn answer(database: &Arc<Database>, sql: &str, rows: i64, batch_rows: i64) -> String {
    let stream = RowStream::new(&schema(), None, rows as u64).unwrap();
    let feeding = {
        let stream = Arc::clone(&stream);
        std::thread::spawn(move || {
            for start in (0..rows).step_by(batch_rows as usize) {
                let (room, told) = std::sync::mpsc::channel();
                let batch = numbers(start..(start + batch_rows).min(rows));
                stream.push(&batch, move || room.send(()).unwrap()).unwrap();
                told.recv().unwrap();
            }
            stream.end();
        })
    };
    let input = QueryInput {
        name: "t".to_string(),
        schema: schema(),
        rows: QueryRows::Stream(stream),
    };
    let query = Query::run(database, vec![input], sql, Arc::new(|| false)).unwrap();
    let batches: Vec<RecordBatch> = query.collect::<Result<_, _>>().unwrap();
    feeding.join().unwrap();
    let whole = concat_batches(&batches[0].schema(), &batches).unwrap();
    format!("{:?}", whole.columns())
}

#[test]
fn it_is_known_which_queries_depend_on_the_order_of_rows() {
    let database = memory_database();
    let dependent = [
        "SELECT first(n) FROM t",
        "SELECT k, last(n) FROM t GROUP BY k",
        "SELECT any_value(n) FROM t",
        "SELECT list(n) FROM t",
        "SELECT array_agg(n) FROM t",
        "SELECT string_agg(n::VARCHAR, ',') FROM t",
        "SELECT arg_min(n, k) FROM t",
        "SELECT arg_max(n, k, 3) FROM t",
        "SELECT max_by(n, k) FROM t",
        "SELECT mode(k) FROM t",
        "SELECT approx_quantile(n, 0.5) FROM t",
        "SELECT approx_top_k(n, 2) FROM t",
        "SELECT n FROM t LIMIT 3",
        "SELECT n FROM t ORDER BY k LIMIT 10%",
        "SELECT DISTINCT ON (k) n FROM t",
        "SELECT n, row_number() OVER () FROM t",
        "SELECT n, lag(n) OVER (ORDER BY k) FROM t",
        "SELECT sum(n) OVER (ORDER BY k ROWS 3 PRECEDING) FROM t",
        "SELECT k FROM (SELECT first(k) AS k FROM t)",
        "WITH w AS (SELECT n FROM t LIMIT 1) SELECT * FROM w",
        "SELECT * FROM t WHERE n = (SELECT first(n) FROM t)",
        "SELECT * FROM t a POSITIONAL JOIN t b",
        "SELECT * FROM t a ASOF JOIN t b ON a.n >= b.n",
        "SELECT ARRAY(SELECT n FROM t)",
        "SELECT min(n::VARCHAR COLLATE NOCASE) FROM t",
        "SELECT * FROM (SUMMARIZE t)",
    ];
    for sql in dependent {
        assert!(needs_order(&database, sql).unwrap(), "{sql}");
    }
    let independent = [
        "SELECT k, count(*), sum(n), min(n), max(n), avg(n), median(n) FROM t GROUP BY k",
        "SELECT n FROM t WHERE k = 1 ORDER BY n",
        "SELECT n, rank() OVER (ORDER BY k) FROM t",
        "SELECT sum(n) OVER (PARTITION BY k) FROM t",
        "SELECT DISTINCT k FROM t",
        "SELECT a.n FROM t a JOIN t b USING (n)",
        "SELECT quantile_cont(n, 0.5), approx_count_distinct(n) FROM t",
    ];
    for sql in independent {
        assert!(!needs_order(&database, sql).unwrap(), "{sql}");
    }
}

#[test]
fn one_thread_gives_the_same_rows_however_they_come() {
    let queries = [
        "SELECT k, first(n), last(n), arg_min(n, 1), arg_max(n, k), mode(n) FROM t GROUP BY k ORDER BY k",
        "SELECT k, hash(list(n)), hash(string_agg(n::VARCHAR, ',')) FROM t GROUP BY k ORDER BY k",
        "SELECT approx_quantile(n, 0.37), approx_quantile(hash(n) % 1000, 0.5) FROM t",
        "SELECT approx_top_k(hash(n) % 7, 2) FROM t",
        "SELECT n FROM t ORDER BY k LIMIT 5",
        "SELECT max(n) FROM (SELECT n, row_number() OVER () AS r FROM t) WHERE n + 1 = r",
        "SELECT DISTINCT ON (k) k, n FROM t ORDER BY k",
        "SELECT k, count(*) FROM t GROUP BY k LIMIT 2",
    ];
    for sql in queries {
        let expected = answer(&serial_database(), sql, ROWS, 65_536);
        for batch_rows in [7, 1_000, 65_536, ROWS] {
            let found = answer(&serial_database(), sql, ROWS, batch_rows);
            assert_eq!(found, expected, "{sql}, batches of {batch_rows}");
        }
    }
    let small = "SELECT list(n), first(n), last(n) FROM t";
    for batch_rows in [1, 7, 500] {
        assert_eq!(
            answer(&serial_database(), small, 500, batch_rows),
            answer(&serial_database(), small, 500, 500)
        );
    }
}
