//! Lookups against the same joins as DuckDB does them.

mod support;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampNanosecondArray,
};
use arrow_schema::{Field, Fields, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use kernel_relational::{
    Lookup, LookupColumn, LookupKind, LookupParams, Query, QueryInput, QueryRows,
};
use support::memory_database;

/// Rows of every kind of key, a third of them null, with their number.
fn rows(count: usize, salt: u64) -> RecordBatch {
    let draw = |row: usize, column: u64| {
        let mixed = (row as u64 * 5 + column + salt * 1000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let value = (mixed >> 40) % 9;
        (value < 6).then_some(value as i64)
    };
    let values = |column: u64| (0..count).map(move |row| draw(row, column));
    let text = |value: i64| ["", "a", "a longer text than twelve", "ä", "b", "a "][value as usize];
    RecordBatch::try_from_iter_with_nullable([
        (
            "small",
            Arc::new(Int32Array::from_iter(
                values(0).map(|v| v.map(|v| v as i32 - 3)),
            )) as ArrayRef,
            true,
        ),
        (
            "large",
            Arc::new(Int64Array::from_iter(values(1).map(|v| v.map(|v| v << 40)))),
            true,
        ),
        (
            "text",
            Arc::new(StringArray::from_iter(values(2).map(|v| v.map(text)))),
            true,
        ),
        (
            "flag",
            Arc::new(BooleanArray::from_iter(values(3).map(|v| v.map(|v| v > 2)))),
            true,
        ),
        (
            "time",
            Arc::new(TimestampNanosecondArray::from_iter(values(4))),
            true,
        ),
        (
            "row",
            Arc::new(Int64Array::from_iter_values(0..count as i64)),
            true,
        ),
    ])
    .unwrap()
}

const KINDS: [(LookupKind, &str); 6] = [
    (LookupKind::Inner, "INNER"),
    (LookupKind::Left, "LEFT"),
    (LookupKind::Right, "RIGHT"),
    (LookupKind::Full, "FULL"),
    (LookupKind::Semi, "SEMI"),
    (LookupKind::Anti, "ANTI"),
];

fn from_left_only(kind: LookupKind) -> bool {
    matches!(kind, LookupKind::Semi | LookupKind::Anti)
}

/// Keys, the left row number, and the right one where the kind gives it.
fn looked_up(
    left: &[RecordBatch],
    right: &RecordBatch,
    keys: &[usize],
    kind: LookupKind,
) -> RecordBatch {
    let mut columns: Vec<LookupColumn> = keys
        .iter()
        .map(|key| LookupColumn::Key(*key, *key))
        .collect();
    columns.push(LookupColumn::Left(5));
    let mut fields: Vec<Field> = keys
        .iter()
        .map(|key| right.schema().field(*key).clone())
        .collect();
    fields.push(Field::new("l", arrow_schema::DataType::Int64, true));
    if !from_left_only(kind) {
        columns.push(LookupColumn::Right(5));
        fields.push(Field::new("r", arrow_schema::DataType::Int64, true));
    }
    let schema: SchemaRef = Arc::new(Schema::new(Fields::from(fields)));
    let params = LookupParams {
        kind,
        keys: keys.iter().map(|key| (*key, *key)).collect(),
        columns,
        schema: Arc::clone(&schema),
    };
    let lookup = Lookup::build(right.clone(), params).unwrap();
    let mut results: Vec<RecordBatch> = left
        .iter()
        .map(|batch| lookup.apply(batch).unwrap())
        .collect();
    results.push(lookup.unmatched(&right.schema()).unwrap());
    concat_batches(&schema, &results).unwrap()
}

fn queried(
    left: &[RecordBatch],
    right: &RecordBatch,
    keys: &[usize],
    kind: (LookupKind, &str),
) -> RecordBatch {
    let input = |name: &str, batches: Vec<RecordBatch>| QueryInput {
        name: name.to_string(),
        schema: right.schema(),
        rows: QueryRows::Batches(batches),
    };
    let names: Vec<String> = keys
        .iter()
        .map(|key| right.schema().field(*key).name().clone())
        .collect();
    let only_left = from_left_only(kind.0);
    let column = |name: &String| {
        if only_left {
            format!("l.{name}")
        } else {
            format!("coalesce(l.{name}, r.{name})")
        }
    };
    let columns: Vec<String> = names.iter().map(column).collect();
    let condition: Vec<String> = names
        .iter()
        .map(|name| format!("l.{name} = r.{name}"))
        .collect();
    let sql = format!(
        "SELECT {}, l.row{} FROM l {} JOIN r ON {}",
        columns.join(", "),
        if only_left { "" } else { ", r.row" },
        kind.1,
        condition.join(" AND ")
    );
    let inputs = vec![input("l", left.to_vec()), input("r", vec![right.clone()])];
    let query = Query::run(&memory_database(), inputs, &sql, Arc::new(|| false)).unwrap();
    let schema = Arc::clone(query.schema());
    concat_batches(&schema, &query.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

fn multiset(batch: &RecordBatch) -> Vec<String> {
    let mut lines: Vec<String> = (0..batch.num_rows())
        .map(|row| format!("{:?}", batch.slice(row, 1).columns()))
        .collect();
    lines.sort();
    lines
}

#[test]
fn every_kind_over_every_type_of_key_gives_what_duckdb_gives() {
    for (left_rows, right_rows) in [(0, 0), (0, 5), (7, 0), (1, 1), (40, 30)] {
        let left = rows(left_rows, 1);
        let cut = left_rows / 3;
        let left = [left.slice(0, cut), left.slice(cut, left_rows - cut)];
        let right = rows(right_rows + 2, 2).slice(2, right_rows);
        for keys in [&[0][..], &[1], &[2], &[3], &[4], &[0, 2], &[3, 4, 1]] {
            for kind in KINDS {
                let found = multiset(&looked_up(&left, &right, keys, kind.0));
                let expected = multiset(&queried(&left, &right, keys, kind));
                assert_eq!(
                    found, expected,
                    "{kind:?}, keys {keys:?}, {left_rows} and {right_rows} rows"
                );
            }
        }
    }
}

#[test]
fn it_is_known_how_many_rows_may_match() {
    let matches = |values: &[i32]| {
        let keys = Int32Array::from(values.to_vec());
        let table = RecordBatch::try_from_iter([("k", Arc::new(keys) as ArrayRef)]).unwrap();
        let params = LookupParams {
            kind: LookupKind::Inner,
            keys: vec![(0, 0)],
            columns: vec![LookupColumn::Left(0)],
            schema: table.schema(),
        };
        Lookup::build(table, params).unwrap().matches_max()
    };
    assert_eq!(matches(&[]), 0);
    assert!((1..=8).contains(&matches(&(0..10_000).collect::<Vec<_>>())));
    assert!((500..=508).contains(&matches(&[[1; 500].as_slice(), &[2; 20]].concat())));
}

#[test]
fn rows_keep_the_order_of_the_left_input_and_then_of_the_table() {
    let (left, right) = (rows(100, 3), rows(50, 4));
    let found = looked_up(&[left], &right, &[0], LookupKind::Inner);
    let numbers = |column: usize| -> Vec<i64> {
        let array = found
            .column(column)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap();
        array.values().to_vec()
    };
    let pairs: Vec<(i64, i64)> = numbers(1).into_iter().zip(numbers(2)).collect();
    assert!(
        pairs.len() > 100 && pairs.is_sorted(),
        "{} pairs",
        pairs.len()
    );
}
