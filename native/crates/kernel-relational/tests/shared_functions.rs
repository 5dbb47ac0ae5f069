//! The functions that expressions share with Spark, the other executor: every example gives what Spark answered.
//! shared_functions.json lists them; record_shared_functions.py beside it asks Spark.

mod support;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use kernel_relational::{
    Database, IntegerSums, Projection, Query, QueryInput, QueryRows, check_expression,
    check_measure,
};
use serde_json::Value;
use support::serial_database;

fn recorded() -> Value {
    serde_json::from_str(include_str!("shared_functions.json")).expect("the list is JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The rows that all examples are about.
fn table(database: &Arc<Database>, table: &Value) -> RecordBatch {
    let columns = table["columns"].as_object().expect("names and types");
    // Objects of JSON have no order here; the rows have that of the file.
    let order = ["i", "j", "x", "y", "s", "t", "moment", "day", "yes"];
    assert_eq!(order.len(), columns.len());
    let columns = order.iter().enumerate().map(|(index, name)| {
        let cells = list(&table["rows"]).iter().map(|row| &row[index]);
        (*name, column(database, text(&columns[*name]), cells))
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, cells)| (name, cells, true)))
        .expect("columns of one length")
}

fn column<'a>(
    database: &Arc<Database>,
    data_type: &str,
    cells: impl Iterator<Item = &'a Value>,
) -> ArrayRef {
    let integer = |cell: &Value| {
        cell.as_i64()
            .map(|cell| i32::try_from(cell).expect("an int32"))
    };
    match data_type {
        "int32" => Arc::new(cells.map(integer).collect::<Int32Array>()),
        "float64" => Arc::new(cells.map(Value::as_f64).collect::<Float64Array>()),
        "bool" => Arc::new(cells.map(Value::as_bool).collect::<BooleanArray>()),
        "utf8" => Arc::new(cells.map(Value::as_str).collect::<StringArray>()),
        "date" => cast(database, cells.map(Value::as_str).collect(), "DATE"),
        "timestamp" => {
            let naive = cast(database, cells.map(Value::as_str).collect(), "TIMESTAMP");
            let naive = naive.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(naive.with_timezone("UTC"))
        }
        other => panic!("the table has no columns of type {other}"),
    }
}

fn cast(database: &Arc<Database>, cells: StringArray, data_type: &str) -> ArrayRef {
    let given = RecordBatch::try_from_iter([("c", Arc::new(cells) as ArrayRef)]).unwrap();
    Arc::clone(per_row(database, &given, &format!("CAST(c AS {data_type})")).column(0))
}

fn per_row(database: &Arc<Database>, rows: &RecordBatch, expression: &str) -> RecordBatch {
    let columns = [("answer", expression)];
    Projection::prepare(database, &rows.schema(), &columns, None)
        .and_then(|projection| projection.apply(rows, &|| false))
        .unwrap_or_else(|error| panic!("`{expression}`: {error}"))
}

fn over_all(database: &Arc<Database>, rows: &RecordBatch, measure: &str) -> RecordBatch {
    let input = QueryInput {
        name: "input".to_string(),
        schema: rows.schema(),
        rows: QueryRows::Batches(vec![rows.clone()]),
    };
    let sql = format!("SELECT {measure} FROM input");
    let mut answers = Query::run(database, vec![input], &sql, Arc::new(|| false))
        .unwrap_or_else(|error| panic!("`{measure}`: {error}"));
    answers
        .next()
        .expect("one row")
        .unwrap_or_else(|error| panic!("`{measure}`: {error}"))
}

/// What the kernel answers to an example, in the form of the recorded answers.
fn answers(
    database: &Arc<Database>,
    rows: &RecordBatch,
    expression: &str,
    is_aggregate: bool,
) -> Vec<Value> {
    let checked = if is_aggregate {
        check_measure(
            database,
            &rows.schema(),
            &[],
            expression,
            IntegerSums::Int64,
        )
    } else {
        check_expression(database, &rows.schema(), expression)
    };
    let field = checked.unwrap_or_else(|error| panic!("`{expression}`: {error}"));
    let plain = match field.data_type() {
        DataType::Boolean | DataType::Utf8 => expression.to_string(),
        DataType::Date32 | DataType::Timestamp(..) => format!("CAST(({expression}) AS VARCHAR)"),
        number => {
            assert!(number.is_numeric(), "`{expression}` is {number}");
            format!("CAST(({expression}) AS DOUBLE)")
        }
    };
    let found = if is_aggregate {
        over_all(database, rows, &plain)
    } else {
        per_row(database, rows, &plain)
    };
    let found = found.column(0);
    match found.data_type() {
        DataType::Boolean => found.as_boolean().iter().map(Value::from).collect(),
        DataType::Utf8 => found.as_string::<i32>().iter().map(Value::from).collect(),
        _ => {
            let numbers = found.as_primitive::<Float64Type>().iter();
            numbers.map(Value::from).collect()
        }
    }
}

/// Numbers may differ in their last digits: libraries of mathematics do.
fn same(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(found), Some(expected)) => {
            (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3)
        }
        _ => found == expected,
    }
}

#[test]
fn every_shared_function_answers_as_spark_does() {
    let recorded = recorded();
    let database = serial_database();
    let rows = table(&database, &recorded["table"]);
    let mut wrong = vec![];
    for group in list(&recorded["groups"]) {
        let is_aggregate = group["isAggregate"] == true;
        for example in list(&group["functions"])
            .iter()
            .flat_map(|function| list(&function["examples"]))
        {
            let expression = text(&example["expression"]);
            let expected = list(&example["answers"]);
            let found = answers(&database, &rows, expression, is_aggregate);
            let agree = found.len() == expected.len()
                && found.iter().zip(expected).all(|(a, b)| same(a, b));
            if !agree {
                wrong.push(format!(
                    "`{expression}` gives {}, Spark {}",
                    Value::from(found),
                    Value::from(expected)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What answers otherwise than Spark is told to users, so that they know; if it does not, it belongs into the list.
#[test]
fn the_differences_are_differences() {
    let recorded = recorded();
    let database = serial_database();
    let rows = table(&database, &recorded["table"]);
    for difference in list(&recorded["differences"]) {
        let expression = text(&difference["expression"]);
        let found = answers(&database, &rows, expression, false);
        let spark = list(&difference["answers"]);
        assert_eq!(found.len(), spark.len(), "`{expression}`");
        let agree = found.iter().zip(spark).all(|(a, b)| same(a, b));
        assert!(!agree, "`{expression}`");
    }
}

#[test]
fn the_list_says_what_every_function_means() {
    let recorded = recorded();
    let mut names = vec![];
    for function in list(&recorded["groups"])
        .iter()
        .flat_map(|group| list(&group["functions"]))
    {
        names.push(text(&function["name"]).to_string());
        assert!(
            text(&function["meaning"]).ends_with('.'),
            "{}",
            function["name"]
        );
        for example in list(&function["examples"]) {
            let answers = list(&example["answers"]);
            assert!(!answers.iter().all(Value::is_null), "{example}");
        }
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "a name is there twice");
    assert!(count >= 60, "{count}");
}
