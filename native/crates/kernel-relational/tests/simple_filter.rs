//! Filters that need no query against the same conditions in a form that does.

mod support;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray,
    UInt16Array, UInt64Array,
};
use kernel_relational::Projection;
use support::memory_database;

fn rows() -> RecordBatch {
    let pick = |row: usize, step: usize| (!row.is_multiple_of(5)).then_some((row * step) % 7);
    let numbers = |step: usize| (0..300).map(move |row| pick(row, step));
    let floats = [
        0.5,
        -0.0,
        0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e-14,
    ];
    let longs = [i64::MIN, -1, 0, 1, 5, 1 << 53, i64::MAX];
    RecordBatch::try_from_iter_with_nullable([
        (
            "tiny",
            Arc::new(Int8Array::from_iter(
                numbers(3).map(|n| n.map(|n| n as i8 - 3)),
            )) as ArrayRef,
            true,
        ),
        ("i", Arc::new(Int32Array::from_iter_values(0..300)), false),
        (
            "long",
            Arc::new(Int64Array::from_iter(
                numbers(2).map(|n| n.map(|n| longs[n])),
            )),
            true,
        ),
        (
            "u",
            Arc::new(UInt16Array::from_iter(
                numbers(5).map(|n| n.map(|n| n as u16 * 10_000)),
            )),
            true,
        ),
        (
            "big",
            Arc::new(UInt64Array::from_iter(
                numbers(1).map(|n| n.map(|n| n as u64)),
            )),
            true,
        ),
        (
            "x",
            Arc::new(Float64Array::from_iter(
                numbers(4).map(|n| n.map(|n| floats[n])),
            )),
            true,
        ),
        (
            "name",
            Arc::new(StringArray::from_iter(
                numbers(1).map(|n| n.map(|n| format!("n{n}"))),
            )),
            true,
        ),
    ])
    .unwrap()
}

#[test]
fn every_comparison_keeps_the_rows_that_duckdb_keeps() {
    let (rows, database) = (rows(), memory_database());
    let kept = |filter: &str| {
        let columns: Vec<String> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let columns: Vec<(&str, &str)> = columns
            .iter()
            .map(|name| (name.as_str(), name.as_str()))
            .collect();
        let projection =
            Projection::prepare(&database, &rows.schema(), &columns, Some(filter)).unwrap();
        [rows.clone(), rows.slice(17, 100), rows.slice(0, 0)].map(|rows| {
            let batch = projection.apply(&rows, &|| false).unwrap();
            assert_eq!(batch.num_columns(), 7);
            format!("{:?}", batch.columns())
        })
    };
    let mut conditions = vec![
        "x IS NULL".to_string(),
        "name IS NOT NULL".to_string(),
        "name IS NOT NULL AND x IS NULL AND i < 200".to_string(),
        "i BETWEEN 10 AND 20".to_string(),
        "x IN (0.5, 1e-14)".to_string(),
        "long IN (1, 5, -1)".to_string(),
        "100 > i".to_string(),
        "big > 3".to_string(),
        "name = 'n3'".to_string(),
        "i > 1.5".to_string(),
        "x > 12345678901234567890".to_string(),
        "i < 3 OR i > 5".to_string(),
    ];
    for comparison in ["=", "<", "<=", ">", ">="] {
        for (column, literals) in [
            ("tiny", ["0", "-3", "1000"]),
            ("i", ["0", "299", "5000000000"]),
            ("long", ["0", "9007199254740993", "-9223372036854775807"]),
            ("u", ["20000", "-1", "70000"]),
            ("x", ["0", "0.5", "1e-14"]),
        ] {
            conditions.extend(literals.map(|literal| format!("{column} {comparison} {literal}")));
        }
    }
    for condition in conditions {
        // A second term that is always true needs the query.
        let asked = format!("({condition}) AND coalesce(tiny, 0) > -100");
        assert!(kept(&condition) == kept(&asked), "{condition}");
    }
}
