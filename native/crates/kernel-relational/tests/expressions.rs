//! Expressions against a schema: what is accepted and with which type, what is refused and where.

mod support;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use kernel_relational::{
    Database, ExpressionIssue, IntegerSums, RelationalError, check_expression, check_measure,
};
use support::memory_database;

fn nanoseconds() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn schema() -> Schema {
    let unit = HashMap::from([("unit".to_string(), "J".to_string())]);
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    let place = DataType::Struct(vec![Field::new("lat", DataType::Float64, true)].into());
    Schema::new(vec![
        Field::new("k", DataType::Int32, false),
        Field::new("flash_time", nanoseconds(), false),
        Field::new("flash_energy", DataType::Float64, true).with_metadata(unit),
        Field::new("flash_lat", DataType::Float32, true),
        Field::new("flash_lon", DataType::Float32, true),
        Field::new("quality_flag", DataType::UInt16, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("odd \"name\"; é", DataType::Int64, true),
        Field::new("values", list, true),
        Field::new("place", place, true),
        Field::new("ready", DataType::Boolean, true),
        Field::new("amount", DataType::Decimal128(10, 2), true),
        Field::new("day", DataType::Date32, true),
        Field::new("union", DataType::Decimal256(70, 2), true),
    ])
}

fn issue(database: &Arc<Database>, expression: &str) -> ExpressionIssue {
    match check_expression(database, &schema(), expression) {
        Err(RelationalError::Expression {
            expression: text,
            issue,
        }) => {
            assert_eq!(text, expression);
            issue
        }
        other => panic!("`{expression}` gave {other:?}"),
    }
}

/// The columns that DuckDB can hold.
fn groupable() -> Schema {
    let schema = schema();
    let fields = schema.fields().iter().cloned();
    Schema::new(
        fields
            .filter(|field| field.name() != "union")
            .collect::<Vec<_>>(),
    )
}

#[test]
fn good_measures_have_types() {
    let database = memory_database();
    let cases = [
        ("count(*)", DataType::Int64, false),
        ("Count(DISTINCT name)", DataType::Int64, false),
        ("sum(k)", DataType::Int64, true),
        (
            "sum(flash_energy) FILTER (WHERE k > 0)",
            DataType::Float64,
            true,
        ),
        ("max(flash_time)", nanoseconds(), true),
        ("string_agg(name, ',' ORDER BY k)", DataType::Utf8, true),
        ("sum(k) / count(*) -- mean", DataType::Float64, true),
        ("quality_flag + max(k)", DataType::Int32, true),
        ("quality_flag", DataType::UInt16, true),
        ("1", DataType::Int32, false),
    ];
    for (measure, data_type, nullable) in cases {
        let field = check_measure(
            &database,
            &groupable(),
            &["quality_flag"],
            measure,
            IntegerSums::Int64,
        )
        .unwrap();
        assert_eq!(field.data_type(), &data_type, "{measure}");
        assert_eq!(field.is_nullable(), nullable, "{measure}");
    }
}

#[test]
fn bad_measures_are_refused_with_their_place() {
    let database = memory_database();
    let cases = [
        ("k + 1", "GROUP BY", Some(0)),
        ("'é' || max(nope)", "no column", Some(12)),
        ("sum(sum(k))", "nested", Some(4)),
        ("sum(k) OVER ()", "window", Some(0)),
        ("max(random())", "chance", Some(4)),
        ("reservoir_quantile(k, 0.5)", "chance", Some(0)),
        ("sum(CASE WHEN k = name THEN 1 END)", "CAST", None),
        ("max((SELECT 1))", "subquery", None),
        ("sum(k), 1", "more than one", Some(8)),
        ("sum(k", "syntax error", None),
        ("*", "many columns", Some(0)),
    ];
    for grouping in [&["quality_flag"][..], &[]] {
        for (measure, message, position) in cases {
            let error = check_measure(
                &database,
                &groupable(),
                grouping,
                measure,
                IntegerSums::Int64,
            )
            .unwrap_err();
            let RelationalError::Expression { issue, .. } = error else {
                panic!("`{measure}` gave {error:?}");
            };
            assert!(issue.message.contains(message), "{measure}: {issue:?}");
            assert!(
                position.is_none() || issue.position == position,
                "{measure}: {issue:?}"
            );
        }
    }
    let error =
        check_measure(&database, &schema(), &[], "count(*)", IntegerSums::Int64).unwrap_err();
    assert!(matches!(error, RelationalError::UnsupportedType { column, .. } if column == "union"));
}

#[test]
fn good_expressions_have_types() {
    let database = memory_database();
    let microseconds = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let cases = [
        ("k", DataType::Int32, false),
        ("K", DataType::Int32, false),
        ("flash_time", nanoseconds(), false),
        ("flash_energy IS NOT NULL", DataType::Boolean, false),
        (
            "quality_flag = 0 AND flash_energy > 1e-14",
            DataType::Boolean,
            true,
        ),
        (
            "flash_time >= '2018-07-02T04:00:00Z'",
            DataType::Boolean,
            true,
        ),
        (
            "flash_time >= TIMESTAMP '2018-07-02 04:00:00.123456789'",
            DataType::Boolean,
            true,
        ),
        (
            "flash_time::TIMESTAMPTZ < TIMESTAMPTZ '2018-07-02 04:00:00+02'",
            DataType::Boolean,
            true,
        ),
        (
            "coalesce(flash_time, '2018-07-02'::TIMESTAMP_NS)",
            nanoseconds(),
            true,
        ),
        ("date_trunc('hour', flash_time)", microseconds.clone(), true),
        (
            "time_bucket(INTERVAL '30 seconds', flash_time)",
            microseconds,
            true,
        ),
        ("year(flash_time) = 2018", DataType::Boolean, true),
        ("flash_time::DATE", DataType::Date32, true),
        ("epoch_ns(flash_time)", DataType::Int64, true),
        ("strftime(flash_time, '%Y-%m')", DataType::Utf8, true),
        ("nullif(name, '')", DataType::Utf8, true),
        (
            "CASE WHEN k > 3 THEN 'high' ELSE 'low' END",
            DataType::Utf8,
            true,
        ),
        ("CAST(name AS INTEGER) + k", DataType::Int32, true),
        ("k = name::INTEGER", DataType::Boolean, true),
        ("k = TRY_CAST(name AS INTEGER)", DataType::Boolean, true),
        ("k = '12'", DataType::Boolean, true),
        ("k / 2", DataType::Float64, true),
        ("amount * 2", DataType::Decimal128(18, 2), true),
        ("\"odd \"\"name\"\"; é\" + 1", DataType::Int64, true),
        (
            "list_sum(list_transform(values, x -> x + 1))",
            DataType::Decimal128(38, 0),
            true,
        ),
        (
            "list_transform(values, lambda x: x + k)[1]",
            DataType::Int32,
            true,
        ),
        ("[x + 1 for x in values if x > 2][1]", DataType::Int32, true),
        ("place.lat", DataType::Float64, true),
        (
            "place",
            schema()
                .field_with_name("place")
                .unwrap()
                .data_type()
                .clone(),
            true,
        ),
        ("k IN (1, 2, 3)", DataType::Boolean, true),
        ("k BETWEEN 1 AND 3", DataType::Boolean, true),
        (
            "name LIKE 'G1%' OR regexp_matches(name, '^G')",
            DataType::Boolean,
            true,
        ),
        ("NOT ready", DataType::Boolean, true),
        ("42", DataType::Int32, false),
        ("'text'", DataType::Utf8, false),
        ("k + 1 -- and a comment", DataType::Int32, true),
        ("/* a comment */ k + 1", DataType::Int32, true),
        ("k = 1 OR name = ') FROM x; --'", DataType::Boolean, true),
    ];
    for (expression, data_type, nullable) in cases {
        let field = check_expression(&database, &schema(), expression)
            .unwrap_or_else(|error| panic!("`{expression}`: {error}"));
        assert_eq!(field.data_type(), &data_type, "type of `{expression}`");
        assert_eq!(
            field.is_nullable(),
            nullable,
            "nullability of `{expression}`"
        );
    }
}

#[test]
fn a_bare_column_keeps_its_unit_and_any_type() {
    let field = check_expression(&memory_database(), &schema(), "flash_energy").unwrap();
    assert_eq!(field.metadata()["unit"], "J");
    assert_eq!(field.name(), "flash_energy");
    let field = check_expression(&memory_database(), &schema(), "\"union\"").unwrap();
    assert_eq!(field.data_type(), &DataType::Decimal256(70, 2));
}

/// Expression, the text that the issue points at, and a part of its message.
const BAD: &[(&str, Option<&str>, &str)] = &[
    (
        "flash_latt > 1",
        Some("flash_latt"),
        "no column \"flash_latt\"",
    ),
    ("k + 1 > 'é' || nope", Some("nope"), "no column \"nope\""),
    (
        "k = 'abc'",
        Some("'abc'"),
        "'abc' cannot be read as INTEGER",
    ),
    (
        "k IN (1, 'é', 'abc')",
        Some("'é'"),
        "cannot be read as INTEGER",
    ),
    ("k > 5 AND k = 'abc'", Some("'abc'"), "'abc' cannot be read"),
    ("k BETWEEN 'a' AND 3", Some("'a'"), "cannot be read"),
    (
        "CASE WHEN k = 'abc' THEN 1 END",
        Some("'abc'"),
        "cannot be read",
    ),
    ("k + 'abc'", Some("+ 'abc'"), "explicit type casts"),
    (
        "flash_energy + 'abc'",
        Some("'abc'"),
        "cannot be read as DOUBLE",
    ),
    ("nullif(k, 'x')", Some("'x'"), "cannot be read"),
    (
        "flash_time > 'not a time'",
        Some("'not a time'"),
        "cannot be read as TIMESTAMP_NS",
    ),
    (
        "k = name",
        Some("name"),
        "text meets a value of type INTEGER",
    ),
    ("name = 3", Some("name"), "text meets"),
    ("k IN (name, 3)", Some("name"), "text meets"),
    ("name AND ready", Some("name"), "text meets"),
    ("upper(name) = k", Some("upper"), "text meets"),
    ("k + name", Some("+ name"), "No function matches"),
    ("upper(k)", Some("upper"), "No function matches"),
    ("uper(name)", Some("uper"), "uper does not exist"),
    ("k +", Some(""), "syntax error"),
    ("k > > 1", Some("> 1"), "syntax error"),
    ("(k", Some(""), "syntax error"),
    ("'open", None, "unterminated"),
    ("", Some(""), "empty"),
    ("  \n", Some("  \n"), "empty"),
    ("k\0", Some("\0"), "NUL"),
    ("k, name", Some("name"), "more than one expression"),
    ("k; SELECT 1", Some("; SELECT"), "more than one statement"),
    ("k;", Some(";"), "semicolon"),
    ("k; DROP TABLE x", None, ""),
    ("k AS other", None, "cannot name itself"),
    ("k FROM other", None, "a query"),
    ("k WHERE k > 1", None, "a query"),
    ("DISTINCT k", None, "a query"),
    ("k ORDER BY 1", None, "a query"),
    ("k UNION SELECT 1", None, "one"),
    (
        "k) FROM x WHERE (k",
        Some(") FROM x WHERE (k"),
        "syntax error",
    ),
    ("*", Some("*"), "many columns"),
    ("COLUMNS(*)", Some("COLUMNS"), "many columns"),
    ("(SELECT 1)", Some("(SELECT 1)"), "subquery"),
    ("k IN (SELECT 1)", None, "subquery"),
    ("EXISTS (SELECT 1)", Some("EXISTS"), "subquery"),
    ("sum(k)", Some("sum"), "many rows"),
    ("count(*)", Some("count"), "many rows"),
    ("geomean(k)", None, "many rows"),
    ("row_number() OVER ()", Some("row_number"), "window"),
    ("sum(k) OVER (ORDER BY k)", Some("sum"), "window"),
    ("k = ?", None, "parameter"),
    ("k = $1", None, "parameter"),
    ("k = $name", None, "parameter"),
    ("#1", None, "cannot stand"),
    ("unnest(values)", Some("unnest"), "many rows"),
    ("read_csv('/etc/passwd')", Some("read_csv"), "a table"),
    ("read_text('/etc/passwd')", Some("read_text"), "a table"),
    ("now()", Some("now"), "clock"),
    ("random()", Some("random"), "clock"),
    ("uuid()", Some("uuid"), "clock"),
    ("current_date", Some("current_date"), "clock"),
    ("CURRENT_TIMESTAMP", None, "clock"),
    ("ago(INTERVAL 1 DAY)", Some("ago"), "clock"),
    (
        "current_setting('threads')",
        Some("current_setting"),
        "clock",
    ),
    ("nextval('s')", Some("nextval"), "clock"),
    (
        "k > 1 AND union IS NULL",
        Some("union"),
        "written \"union\"",
    ),
    ("union", Some("union"), "is a word of SQL"),
];

#[test]
fn bad_expressions_are_refused_with_place_and_reason() {
    let database = memory_database();
    let wrong: Vec<String> = BAD
        .iter()
        .filter_map(|(expression, place, message)| {
            let issue = issue(&database, expression);
            let said = issue.message.contains(message) && !issue.message.contains('\n');
            let pointed = place.is_none_or(|place| points_at(expression, issue.position, place));
            (!said || !pointed).then(|| format!("`{expression}` gives {issue:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the position is where `place` stands; the empty place is the end.
fn points_at(expression: &str, position: Option<usize>, place: &str) -> bool {
    let rest = position.and_then(|position| expression.get(position..));
    rest.is_some_and(|rest| {
        if place.is_empty() {
            rest.is_empty()
        } else {
            rest.starts_with(place)
        }
    })
}

#[test]
fn candidates_are_offered() {
    assert_eq!(
        issue(&memory_database(), "flash_latt > 1").candidates[..2],
        ["flash_lat", "flash_lon"]
    );
    assert!(
        issue(&memory_database(), "uper(name)")
            .candidates
            .iter()
            .any(|candidate| candidate.contains("upper"))
    );
}

#[test]
fn deep_nesting_is_refused_and_does_not_crash() {
    let expression = format!("{}k{}", "abs(".repeat(5_000), ")".repeat(5_000));
    let _ = issue(&memory_database(), &expression);
    let expression = vec!["k"; 300].join(" + ");
    assert!(
        issue(&memory_database(), &expression)
            .message
            .contains("nested too deeply")
    );
}

#[test]
fn unusable_columns_matter_only_when_used() {
    let error = check_expression(&memory_database(), &schema(), "\"union\" > 3").unwrap_err();
    assert!(
        matches!(&error, RelationalError::UnsupportedType { column, .. } if column == "union"),
        "{error}"
    );

    let schema = Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("A", DataType::Int64, true),
    ]);
    let field = check_expression(&memory_database(), &schema, "A + 1").unwrap();
    assert_eq!(field.data_type(), &DataType::Int64);
    let error = check_expression(&memory_database(), &schema, "a + \"A\"").unwrap_err();
    assert!(
        matches!(error, RelationalError::AmbiguousColumns { .. }),
        "{error}"
    );
}
