//! DuckDB's arrays, which the engine has as lists.

mod support;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, Int32Array, RecordBatch};
use arrow_schema::DataType;
use kernel_relational::{
    IntegerSums, Projection, Query, QueryInput, QueryRows, RelationalError, check_query,
};
use support::memory_database;

fn table() -> RecordBatch {
    let values: ArrayRef = Arc::new(Int32Array::from_iter_values(0..3));
    RecordBatch::try_from_iter([("a", values)]).unwrap()
}

fn answer(sql: &str) -> Result<RecordBatch, RelationalError> {
    let (database, batch) = (memory_database(), table());
    let inputs = [("t".to_string(), batch.schema())];
    let schema = check_query(&database, &inputs, sql, IntegerSums::Int64)?;
    let input = QueryInput {
        name: "t".to_string(),
        schema: batch.schema(),
        rows: QueryRows::Batches(vec![batch]),
    };
    let query = Query::run(&database, vec![input], sql, Arc::new(|| false))?;
    let rows = query.with_schema(schema.clone())?;
    let batches = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(arrow_select::concat::concat_batches(&schema, &batches).unwrap())
}

fn list_of(item: DataType) -> DataType {
    DataType::new_list(item, true)
}

fn entries(list: &dyn Array) -> Vec<Option<Vec<i32>>> {
    let lists = list.as_list::<i32>().iter();
    let values = |list: ArrayRef| list.as_primitive::<Int32Type>().values().to_vec();
    lists.map(|list| list.map(values)).collect()
}

#[test]
fn arrays_of_a_query_are_lists_in_check_and_run() {
    let rows = answer(
        "SELECT CAST(CASE WHEN a <> 1 THEN [a, a + 10] END AS INTEGER[2]) AS v, {'x': array_value(a, 7)} AS s, [array_value(a)] AS l, \
         [[1, 2], [3, a]]::INTEGER[2][2] AS d, MAP {'k': array_value(a)} AS m FROM t ORDER BY a",
    )
    .unwrap();
    let int = || list_of(DataType::Int32);
    assert_eq!(*rows.column(0).data_type(), int());
    assert_eq!(
        entries(rows.column(0)),
        [Some(vec![0, 10]), None, Some(vec![2, 12])]
    );
    let members = rows.column(1).as_struct();
    assert_eq!(
        entries(members.column(0)),
        [Some(vec![0, 7]), Some(vec![1, 7]), Some(vec![2, 7])]
    );
    assert_eq!(*rows.column(2).data_type(), list_of(int()));
    assert_eq!(*rows.column(3).data_type(), list_of(int()));
    let last = rows.column(3).as_list::<i32>().value(2);
    assert_eq!(entries(&last), [Some(vec![1, 2]), Some(vec![3, 2])]);
    let maps = rows.column(4).as_map();
    assert_eq!(
        entries(maps.values()),
        [Some(vec![0]), Some(vec![1]), Some(vec![2])]
    );
}

#[test]
fn arrays_of_an_expression_are_lists() {
    let columns = [("v", "array_value(a, a + 10)")];
    let schema = table().schema();
    let projection = Projection::prepare(&memory_database(), &schema, &columns, None).unwrap();
    let rows = projection.apply(&table(), &|| false).unwrap();
    assert_eq!(*rows.column(0).data_type(), list_of(DataType::Int32));
    assert_eq!(
        entries(rows.column(0)),
        [Some(vec![0, 10]), Some(vec![1, 11]), Some(vec![2, 12])]
    );
}

#[test]
fn an_infinite_time_in_an_array_is_refused() {
    let error = answer("SELECT array_value('infinity'::TIMESTAMP) AS v FROM t").unwrap_err();
    assert!(matches!(error, RelationalError::Value { .. }), "{error}");
}
