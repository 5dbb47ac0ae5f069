//! Queries that are run again over other rows.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use kernel_relational::{QueryInput, QueryPool, QueryRows, RelationalError, RowStream};
use support::memory_database;

fn numbers(name: &str, values: &[i64]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    RecordBatch::try_from_iter([(name, column)]).unwrap()
}

fn texts(values: &[&str]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

/// An input whose rows are all there.
fn input(rows: &RecordBatch) -> QueryInput {
    let stream = RowStream::new(&rows.schema(), None, rows.num_rows() as u64).unwrap();
    stream.push(rows, || ()).unwrap();
    stream.end();
    QueryInput {
        name: "input".to_string(),
        schema: rows.schema(),
        rows: QueryRows::Stream(stream),
    }
}

/// The rows of a query that is read to its end and given back; texts as their lengths.
fn answer(pool: &QueryPool, rows: &RecordBatch, sql: &str) -> Result<Vec<i64>, RelationalError> {
    let mut query = pool.run(vec![input(rows)], sql, Arc::new(|| false))?;
    let mut values = Vec::new();
    for rows in query.by_ref() {
        values.extend_from_slice(rows?.column(0).as_primitive::<Int64Type>().values());
    }
    pool.give_back(sql.to_string(), query);
    Ok(values)
}

#[test]
fn each_run_reads_its_own_rows() {
    let pool = QueryPool::new(memory_database());
    let sum = "SELECT sum(n)::BIGINT FROM input";
    for run in 0..20 {
        let rows = numbers("n", &(0..run + 1).collect::<Vec<_>>());
        assert_eq!(answer(&pool, &rows, sum).unwrap(), [run * (run + 1) / 2]);
    }
    let none = numbers("n", &[]);
    assert_eq!(
        answer(&pool, &none, "SELECT count(*) FROM input").unwrap(),
        [0]
    );
}

#[test]
fn other_columns_are_another_query() {
    let pool = QueryPool::new(memory_database());
    let rows = "SELECT count(*) FROM (SELECT * FROM input)";
    assert_eq!(answer(&pool, &numbers("n", &[1, 2]), rows).unwrap(), [2]);
    assert_eq!(answer(&pool, &texts(&["a", "b", "c"]), rows).unwrap(), [3]);
    assert_eq!(answer(&pool, &numbers("m", &[1]), rows).unwrap(), [1]);
    let longest = "SELECT max(length(n)) FROM input";
    assert_eq!(
        answer(&pool, &texts(&["ab", "abcd"]), longest).unwrap(),
        [4]
    );
    let error = answer(&pool, &numbers("m", &[1]), longest).unwrap_err();
    assert!(matches!(error, RelationalError::Query { .. }), "{error}");
}

#[test]
fn a_query_that_reads_its_input_twice_is_right_every_time() {
    let pool = QueryPool::new(memory_database());
    let pairs = "SELECT count(*) FROM input a, input b";
    for rows in [&[1, 2, 3][..], &[1], &[1, 2]] {
        let count = (rows.len() * rows.len()) as i64;
        assert_eq!(answer(&pool, &numbers("n", rows), pairs).unwrap(), [count]);
    }
}

#[test]
fn a_run_that_fails_or_is_left_spoils_no_other() {
    let pool = QueryPool::new(memory_database());
    let inverse = "SELECT (100 // CASE WHEN n = 0 THEN error('zero') ELSE n END)::BIGINT FROM input ORDER BY n";
    for _ in 0..3 {
        assert_eq!(
            answer(&pool, &numbers("n", &[5, 10]), inverse).unwrap(),
            [20, 10]
        );
        assert!(answer(&pool, &numbers("n", &[5, 0]), inverse).is_err());
        let left = pool
            .run(
                vec![input(&numbers("n", &[1, 2]))],
                inverse,
                Arc::new(|| false),
            )
            .unwrap();
        pool.give_back(inverse.to_string(), left);
    }
}

#[test]
fn a_cancellation_after_the_end_does_not_stop_the_next_run() {
    let pool = QueryPool::new(memory_database());
    let sql = "SELECT n FROM input ORDER BY n";
    let rows = numbers("n", &(0..50_000).collect::<Vec<_>>());
    for _ in 0..50 {
        let closed = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&closed);
        let cancelled = Arc::new(move || asked.load(Ordering::Relaxed));
        let mut query = pool.run(vec![input(&rows)], sql, cancelled).unwrap();
        let read: usize = query.by_ref().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(read, 50_000);
        pool.give_back(sql.to_string(), query);
        closed.store(true, Ordering::Relaxed);
        assert_eq!(answer(&pool, &rows, sql).unwrap().len(), 50_000);
    }
}

#[test]
fn several_threads_run_one_query_at_the_same_time() {
    let pool = Arc::new(QueryPool::new(memory_database()));
    let threads: Vec<_> = (1..=4)
        .map(|thread| {
            let pool = Arc::clone(&pool);
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let rows = numbers("n", &vec![thread; 100]);
                    let sums = answer(&pool, &rows, "SELECT sum(n)::BIGINT FROM input").unwrap();
                    assert_eq!(sums, [100 * thread]);
                }
            })
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}
