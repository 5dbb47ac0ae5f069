//! Batches through DuckDB and back: every Arrow type, exact, whole or sliced, and what filters and projections make of them.

mod support;

use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::types::{Int32Type, UInt8Type};
use arrow_array::*;
use arrow_buffer::{IntervalMonthDayNano, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use kernel_relational::{Database, Projection, Query, QueryInput, QueryRows, RelationalError};
use support::{memory_database, serial_database};

/// More rows than one DuckDB vector has, and not a multiple.
const ROWS: usize = 5_003;

fn is_null(row: usize) -> bool {
    row % 3 == 1
}

fn some<T, A: FromIterator<Option<T>>>(value: impl Fn(usize) -> T) -> A {
    (0..ROWS)
        .map(|row| (!is_null(row)).then(|| value(row)))
        .collect()
}

/// Columns whose type comes back as it went in.
fn exact_columns() -> Vec<(&'static str, ArrayRef)> {
    let nanoseconds: TimestampNanosecondArray = some(|row| 1_530_504_000_123_456_789 + row as i64);
    let extremes: TimestampNanosecondArray = some(|row| {
        if row % 2 == 0 {
            i64::MAX - 2
        } else {
            -1_000_000_007
        }
    });
    let microseconds: TimestampMicrosecondArray = some(|row| 1_530_504_000_123_456 + row as i64);
    let decimal: Decimal128Array = some(|row| 10i128.pow(30) + row as i128);
    let small_decimal: Decimal128Array = some(|row| row as i128 - 77);
    let places = StructArray::new(
        vec![
            Field::new("id", DataType::Int64, true),
            Field::new("tag", DataType::Utf8, true),
        ]
        .into(),
        vec![
            Arc::new(some::<_, Int64Array>(|row| row as i64)),
            Arc::new(some::<_, StringArray>(|row| {
                format!("a tag of row {row} that is not inlined")
            })),
        ],
        Some(NullBuffer::from_iter((0..ROWS).map(|row| row % 5 != 4))),
    );
    let nested = ListArray::new(
        Arc::new(Field::new("item", places.data_type().clone(), true)),
        OffsetBuffer::from_lengths(vec![1; ROWS]),
        Arc::new(places.clone()),
        None,
    );
    vec![
        (
            "boolean",
            Arc::new(some::<_, BooleanArray>(|row| row % 2 == 0)),
        ),
        ("int8", Arc::new(some::<_, Int8Array>(|row| row as i8))),
        (
            "int16",
            Arc::new(some::<_, Int16Array>(|row| row as i16 - 7)),
        ),
        (
            "int32",
            Arc::new(some::<_, Int32Array>(|row| i32::MIN + row as i32)),
        ),
        (
            "int64",
            Arc::new(some::<_, Int64Array>(|row| i64::MAX - row as i64)),
        ),
        ("uint8", Arc::new(some::<_, UInt8Array>(|row| row as u8))),
        (
            "uint16",
            Arc::new(some::<_, UInt16Array>(|row| u16::MAX - row as u16)),
        ),
        (
            "uint32",
            Arc::new(some::<_, UInt32Array>(|row| u32::MAX - row as u32)),
        ),
        (
            "uint64",
            Arc::new(some::<_, UInt64Array>(|row| u64::MAX - row as u64)),
        ),
        (
            "float32",
            Arc::new(some::<_, Float32Array>(|row| {
                [f32::INFINITY, -0.0, f32::MIN_POSITIVE][row % 3] * row as f32
            })),
        ),
        (
            "float64",
            Arc::new(some::<_, Float64Array>(|row| row as f64 / 7.0 - 1e-300)),
        ),
        (
            "text",
            Arc::new(some::<_, StringArray>(|row| {
                format!("text of row {row} — Ä\u{0}ß")
            })),
        ),
        (
            "binary",
            Arc::new(some::<_, BinaryArray>(|row| vec![row as u8; row % 20])),
        ),
        (
            "date",
            Arc::new(some::<_, Date32Array>(|row| row as i32 - 2_000)),
        ),
        (
            "time",
            Arc::new(some::<_, Time64MicrosecondArray>(|row| {
                1_000_003 * row as i64
            })),
        ),
        ("nanoseconds", Arc::new(nanoseconds.clone())),
        (
            "nanoseconds_utc",
            Arc::new(nanoseconds.with_timezone("UTC")),
        ),
        ("extremes_utc", Arc::new(extremes.with_timezone("UTC"))),
        ("microseconds", Arc::new(microseconds.clone())),
        (
            "microseconds_utc",
            Arc::new(microseconds.with_timezone("UTC")),
        ),
        (
            "milliseconds_utc",
            Arc::new(
                some::<_, TimestampMillisecondArray>(|row| row as i64 - 9).with_timezone("UTC"),
            ),
        ),
        (
            "seconds_utc",
            Arc::new(some::<_, TimestampSecondArray>(|row| row as i64 - 9).with_timezone("UTC")),
        ),
        (
            "interval",
            Arc::new(some::<_, IntervalMonthDayNanoArray>(|row| {
                IntervalMonthDayNano::new(row as i32, -3, 1_000 * row as i64)
            })),
        ),
        (
            "decimal",
            Arc::new(decimal.with_precision_and_scale(38, 10).unwrap()),
        ),
        (
            "decimal_small",
            Arc::new(small_decimal.with_precision_and_scale(9, 2).unwrap()),
        ),
        ("list", Arc::new(lists())),
        ("struct", Arc::new(places)),
        ("list_of_struct", Arc::new(nested)),
        ("map", Arc::new(maps())),
    ]
}

fn lists() -> ListArray {
    let mut lists = ListBuilder::new(Int32Builder::new());
    for row in 0..ROWS {
        (0..row % 4).for_each(|item| {
            lists
                .values()
                .append_option((item != 2).then_some((row + item) as i32))
        });
        lists.append(!is_null(row));
    }
    lists.finish()
}

fn maps() -> MapArray {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    for row in 0..ROWS {
        maps.keys().append_value(format!("key {row}"));
        maps.values().append_value(row as i32);
        maps.append(true).unwrap();
    }
    maps.finish()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

fn select_all(database: &Arc<Database>, batches: Vec<RecordBatch>) -> RecordBatch {
    let input = QueryInput {
        name: "input".to_string(),
        schema: batches[0].schema(),
        rows: QueryRows::Batches(batches),
    };
    let mut query = Query::run(
        database,
        vec![input],
        "SELECT * FROM input",
        Arc::new(|| false),
    )
    .unwrap();
    let schema = Arc::clone(query.schema());
    let rows: Vec<RecordBatch> = query.by_ref().collect::<Result<_, _>>().unwrap();
    concat_batches(&schema, &rows).unwrap()
}

fn assert_same_values(found: &RecordBatch, expected: &RecordBatch, case: &str) {
    assert_eq!(found.num_rows(), expected.num_rows(), "{case}");
    for ((found, expected), field) in found
        .columns()
        .iter()
        .zip(expected.columns())
        .zip(expected.schema().fields())
    {
        // Names of list items and map entries are not values.
        if matches!(field.data_type(), DataType::Map(..)) {
            let (found, expected) = (
                found.as_any().downcast_ref::<MapArray>().unwrap(),
                expected.as_any().downcast_ref::<MapArray>().unwrap(),
            );
            for row in 0..expected.len() {
                assert_eq!(
                    found.value(row).columns(),
                    expected.value(row).columns(),
                    "{case}, row {row} of {}",
                    field.name()
                );
            }
        } else {
            assert_eq!(
                found.as_ref(),
                expected.as_ref(),
                "{case}, column {}",
                field.name()
            );
        }
    }
}

#[test]
fn every_type_comes_back_exactly() {
    let database = memory_database();
    for (name, column) in exact_columns() {
        // Naive and zoned times in one query would all come back zoned, so each column goes alone.
        let whole = batch(vec![(name, column)]);
        let slices = [(0, ROWS), (1, 2_048), (1_001, 2_500), (ROWS - 1, 1), (7, 0)];
        for (start, rows) in slices {
            let slice = whole.slice(start, rows);
            assert_same_values(
                &select_all(&database, vec![slice.clone()]),
                &slice,
                &format!("rows {start}+{rows}"),
            );
        }
    }
}

#[test]
fn many_columns_and_batches_come_back_in_order() {
    let columns = exact_columns()
        .into_iter()
        .filter(|(_, column)| !matches!(column.data_type(), DataType::Timestamp(_, None)));
    let whole = batch(columns.collect());
    let mut cuts = vec![];
    let mut start = 0;
    for rows in [1, 0, 2_048, 1, 2_049, 100].into_iter().chain([usize::MAX]) {
        let rows = rows.min(ROWS - start);
        cuts.push(whole.slice(start, rows));
        start += rows;
    }
    assert_same_values(
        &select_all(&serial_database(), cuts),
        &whole,
        "cut into batches",
    );
}

#[test]
fn other_forms_of_text_and_lists_come_back_in_the_plain_form() {
    // One thread: several may take the batches of a query in any order.
    let database = serial_database();
    let plain: StringArray =
        some(|row| ["red", "a colour with a long name", "blue"][row % 3].to_string());
    let large: LargeStringArray = plain.iter().collect();
    let view: StringViewArray = plain.iter().collect();
    let dictionary: DictionaryArray<Int32Type> = plain.iter().collect();
    let small_dictionary: DictionaryArray<UInt8Type> = plain.iter().collect();
    let expected = batch(vec![("c", Arc::new(plain))]);
    let forms: [ArrayRef; 4] = [
        Arc::new(large),
        Arc::new(view),
        Arc::new(dictionary),
        Arc::new(small_dictionary),
    ];
    for form in forms {
        let name = form.data_type().to_string();
        let given = batch(vec![("c", form)]);
        assert_same_values(
            &select_all(&database, vec![given.clone()]),
            &expected,
            &name,
        );
        assert_same_values(
            &select_all(
                &database,
                vec![given.slice(1_003, 3_000), given.slice(0, 10)],
            ),
            &concat_batches(
                &expected.schema(),
                &[expected.slice(1_003, 3_000), expected.slice(0, 10)],
            )
            .unwrap(),
            &name,
        );
    }
}

#[test]
fn a_type_without_a_counterpart_is_named() {
    let wide: Decimal256Array = some(|row| arrow_buffer::i256::from_i128(row as i128));
    let given = batch(vec![
        ("fine", Arc::new(lists())),
        (
            "wide",
            Arc::new(wide.with_precision_and_scale(70, 2).unwrap()),
        ),
    ]);
    let input = QueryInput {
        name: "input".to_string(),
        schema: given.schema(),
        rows: QueryRows::Batches(vec![given]),
    };
    let error = Query::run(
        &memory_database(),
        vec![input],
        "SELECT * FROM input",
        Arc::new(|| false),
    )
    .err()
    .unwrap();
    assert!(
        matches!(&error, RelationalError::UnsupportedType { column, .. } if column == "wide"),
        "{error}"
    );
}

fn flashes(rows: usize) -> RecordBatch {
    let energy: Float64Array = (0..rows)
        .map(|row| (row % 4 != 1).then_some(row as f64))
        .collect();
    let time = TimestampNanosecondArray::from_iter_values(
        (0..rows).map(|row| 1_530_504_000_000_000_001 + row as i64),
    )
    .with_timezone("UTC");
    let text: DictionaryArray<Int32Type> = (0..rows)
        .map(|row| Some(if row % 10 == 9 { "none" } else { "7" }))
        .collect();
    let schema = Arc::new(Schema::new(vec![
        Field::new("flash_time", time.data_type().clone(), false),
        Field::new("flash_energy", DataType::Float64, true)
            .with_metadata([("unit".to_string(), "J".to_string())].into()),
        Field::new("quality_flag", DataType::UInt16, false),
        Field::new("text", text.data_type().clone(), false),
    ]));
    let flags = UInt16Array::from_iter_values((0..rows).map(|row| (row % 3) as u16));
    RecordBatch::try_new(
        schema,
        vec![
            Arc::new(time),
            Arc::new(energy),
            Arc::new(flags),
            Arc::new(text),
        ],
    )
    .unwrap()
}

fn project(input: &RecordBatch, columns: &[(&str, &str)], filter: Option<&str>) -> RecordBatch {
    let projection =
        Projection::prepare(&memory_database(), &input.schema(), columns, filter).unwrap();
    let output = projection.apply(input, &|| false).unwrap();
    assert_eq!(&output.schema(), projection.schema());
    output
}

#[test]
fn filters_keep_order_and_drop_null() {
    for rows in [0, 1, 100, 10_000] {
        let input = flashes(rows);
        let output = project(
            &input,
            &[
                ("flash_time", "flash_time"),
                ("text", "text"),
                ("double", "flash_energy * 2"),
            ],
            Some("quality_flag = 0 AND flash_energy > 6"),
        );
        let kept: Vec<usize> = (0..rows)
            .filter(|row| row % 3 == 0 && row % 4 != 1 && *row > 6)
            .collect();
        let times = output
            .column(0)
            .as_any()
            .downcast_ref::<TimestampNanosecondArray>()
            .unwrap();
        assert_eq!(
            times.values().to_vec(),
            kept.iter()
                .map(|row| 1_530_504_000_000_000_001 + *row as i64)
                .collect::<Vec<_>>()
        );
        assert_eq!(
            output.column(1).data_type(),
            input.column(3).data_type(),
            "plain columns keep their type"
        );
        let doubled = output
            .column(2)
            .as_any()
            .downcast_ref::<Float64Array>()
            .unwrap();
        assert_eq!(
            doubled.values().to_vec(),
            kept.iter().map(|row| 2.0 * *row as f64).collect::<Vec<_>>()
        );
    }
}

#[test]
fn literal_times_compare_with_every_nanosecond() {
    let input = flashes(10);
    let output = project(
        &input,
        &[("t", "flash_time")],
        Some(
            "flash_time > '2018-07-02T04:00:00.000000003Z' AND flash_time <= TIMESTAMP_NS '2018-07-02 04:00:00.000000006'",
        ),
    );
    assert_eq!(output.num_rows(), 3);
    let after_the_second = Some("flash_time > TIMESTAMP '2018-07-02 04:00:00'");
    let output = project(&input, &[("t", "flash_time")], after_the_second);
    assert_eq!(
        output.num_rows(),
        10,
        "the column is not cut to the literal's microseconds"
    );
    let output = project(
        &input,
        &[
            ("n", "epoch_ns(flash_time)"),
            ("same", "coalesce(flash_time, flash_time)"),
        ],
        None,
    );
    let numbers = output
        .column(0)
        .as_any()
        .downcast_ref::<Int64Array>()
        .unwrap();
    assert_eq!(numbers.value(7), 1_530_504_000_000_000_008);
    assert_eq!(
        output.column(1).as_ref(),
        input.column(0).as_ref(),
        "computed times keep nanoseconds and are tagged UTC"
    );
}

#[test]
fn plain_columns_keep_units_names_follow_the_select() {
    let input = flashes(5);
    let output = project(
        &input,
        &[
            ("energy", "flash_energy"),
            ("again", "FLASH_ENERGY"),
            ("one", "1"),
            ("date", "CAST(flash_time AS DATE)"),
        ],
        None,
    );
    let schema = output.schema();
    assert_eq!(schema.field(0).metadata()["unit"], "J");
    assert_eq!(
        schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect::<Vec<_>>(),
        ["energy", "again", "one", "date"]
    );
    assert_eq!(output.column(0).as_ref(), output.column(1).as_ref());
    assert!(!schema.field(2).is_nullable());
    assert_eq!(
        output
            .column(3)
            .as_any()
            .downcast_ref::<Date32Array>()
            .unwrap()
            .value(0),
        17_714
    );
}

#[test]
fn a_filter_alone_and_a_select_of_nothing_keep_row_counts() {
    let input = flashes(10);
    assert_eq!(project(&input, &[], Some("quality_flag = 1")).num_rows(), 3);
    assert_eq!(project(&input, &[], Some("true")).num_rows(), 10);
    assert_eq!(project(&input, &[], None).num_rows(), 10);
    assert_eq!(
        project(&input.slice(3, 4), &[("t", "text")], None)
            .column(0)
            .as_ref(),
        input.column(3).slice(3, 4).as_ref()
    );
}

#[test]
fn a_failing_row_is_named_with_its_expression() {
    let input = flashes(5_000);
    let projection = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[
            ("ok", "flash_energy + 1"),
            ("number", "CAST(text AS INTEGER)"),
        ],
        Some("quality_flag = 0"),
    )
    .unwrap();
    match projection.apply(&input, &|| false).unwrap_err() {
        RelationalError::Row {
            name,
            expression,
            row,
            message,
        } => {
            assert_eq!(
                (name.as_str(), expression.as_str(), row),
                ("number", "CAST(text AS INTEGER)", 9)
            );
            assert!(message.contains("none"), "{message}");
        }
        other => panic!("{other}"),
    }
    let good = projection.apply(&input.slice(0, 9), &|| false).unwrap();
    assert_eq!(good.num_rows(), 3, "a failure leaves the projection usable");

    let projection = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[("t", "text")],
        Some("CAST(text AS INTEGER) > 3"),
    )
    .unwrap();
    let error = projection.apply(&input, &|| false).unwrap_err();
    assert!(
        matches!(&error, RelationalError::Row { name, row: 9, .. } if name == "the filter"),
        "{error}"
    );

    let projection = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[("big", "(quality_flag + 65534)::USMALLINT")],
        None,
    )
    .unwrap();
    let error = projection.apply(&input, &|| false).unwrap_err();
    assert!(
        matches!(&error, RelationalError::Row { row: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_cast_is_spared_on_rows_that_the_filter_drops() {
    let output = project(
        &flashes(100),
        &[("number", "CAST(text AS INTEGER)")],
        Some("text <> 'none'"),
    );
    assert_eq!(output.num_rows(), 90);
}

#[test]
fn cancelling_and_wrong_batches_are_told() {
    let input = flashes(100);
    let projection = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[("e", "flash_energy * 2")],
        None,
    )
    .unwrap();
    assert!(matches!(
        projection.apply(&input, &|| true),
        Err(RelationalError::Cancelled)
    ));
    assert_eq!(projection.apply(&input, &|| false).unwrap().num_rows(), 100);
    let other = batch(vec![("c", Arc::new(lists()))]);
    assert!(matches!(
        projection.apply(&other, &|| false),
        Err(RelationalError::BatchSchema { .. })
    ));
    let error = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[],
        Some("quality_flag + 1"),
    )
    .err()
    .unwrap();
    assert!(
        matches!(error, RelationalError::Expression { .. }),
        "{error}"
    );
}

#[test]
fn one_projection_serves_several_threads() {
    let input = flashes(3_000);
    let projection = Projection::prepare(
        &memory_database(),
        &input.schema(),
        &[("e", "flash_energy * 2")],
        Some("quality_flag = 0"),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (projection, input) = (&projection, &input);
            scope.spawn(move || {
                for rows in (thread..2_000).step_by(97) {
                    assert_eq!(
                        projection
                            .apply(&input.slice(0, rows), &|| false)
                            .unwrap()
                            .num_rows(),
                        rows.div_ceil(3)
                    );
                }
            });
        }
    });
}

fn numbers(rows: i64, batch_rows: i64) -> (SchemaRef, Vec<RecordBatch>) {
    let make = |start: i64| {
        batch(vec![(
            "n",
            Arc::new(Int64Array::from_iter_values(
                start..(start + batch_rows).min(rows),
            )),
        )])
    };
    let batches: Vec<RecordBatch> = (0..rows).step_by(batch_rows as usize).map(make).collect();
    (batches[0].schema(), batches)
}

fn query(
    sql: &str,
    cancelled: kernel_relational::Cancelled,
) -> Result<Vec<RecordBatch>, RelationalError> {
    let (schema, batches) = numbers(3_000_000, 65_536);
    let left = QueryInput {
        name: "left side".to_string(),
        schema: Arc::clone(&schema),
        rows: QueryRows::Batches(batches.clone()),
    };
    let right = QueryInput {
        name: "right".to_string(),
        schema,
        rows: QueryRows::Batches(batches),
    };
    Query::run(&memory_database(), vec![left, right], sql, cancelled)?.collect()
}

#[test]
fn queries_join_and_aggregate_named_inputs() {
    let rows = query("SELECT count(*)::BIGINT AS c, sum(l.n)::BIGINT AS s FROM \"left side\" l JOIN \"right\" r USING (n) WHERE n < 1000", Arc::new(|| false)).unwrap();
    assert_eq!(
        rows[0]
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .value(0),
        1_000
    );
    assert_eq!(
        rows[0]
            .column(1)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .value(0),
        499_500
    );
    let rows = query(
        "SELECT n FROM \"left side\" WHERE n % 3 = 0",
        Arc::new(|| false),
    )
    .unwrap();
    let mut values: Vec<i64> = rows
        .iter()
        .flat_map(|batch| {
            batch
                .column(0)
                .as_any()
                .downcast_ref::<Int64Array>()
                .unwrap()
                .values()
                .to_vec()
        })
        .collect();
    values.sort_unstable();
    assert!(
        values == (0..3_000_000).step_by(3).collect::<Vec<_>>(),
        "every third number once"
    );
    let count = query("SELECT count(*)::BIGINT FROM \"right\"", Arc::new(|| false)).unwrap();
    assert_eq!(
        count[0]
            .column(0)
            .as_any()
            .downcast_ref::<Int64Array>()
            .unwrap()
            .value(0),
        3_000_000
    );
}

#[test]
fn answers_take_names_zones_and_absence_of_nulls_from_the_caller() {
    let run = |sql: &str| {
        Query::run(&memory_database(), vec![], sql, Arc::new(|| false)).map_err(|e| e.to_string())
    };
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int32, false),
        Field::new("t", zoned, true),
    ]));
    let query = run("SELECT 7 AS a, TIMESTAMP '1970-01-01 00:00:01' AS b").unwrap();
    let rows: Vec<_> = query
        .with_schema(Arc::clone(&schema))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(rows[0].schema(), schema);
    let other = run("SELECT 7 AS a, 8 AS b").unwrap();
    assert!(matches!(
        other.with_schema(schema),
        Err(RelationalError::BatchSchema { .. })
    ));
}

#[test]
fn values_that_cannot_be_computed_are_the_fault_of_the_query() {
    for expression in [
        "CASE WHEN n > 5 THEN CAST('x' || n AS INTEGER) END",
        "n + 9223372036854775807",
    ] {
        let sql = format!("SELECT max({expression}) FROM \"right\"");
        let error = query(&sql, Arc::new(|| false)).unwrap_err();
        assert!(matches!(error, RelationalError::Value { .. }), "{error:?}");
    }
}

#[test]
fn queries_stop_when_cancelled() {
    let started = std::time::Instant::now();
    let cancelled = Arc::new(move || started.elapsed().as_millis() > 100);
    let error = query(
        "SELECT count(*) FROM \"left side\" a, \"right\" b WHERE a.n + b.n = -1",
        cancelled,
    )
    .unwrap_err();
    assert!(matches!(error, RelationalError::Cancelled), "{error}");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn bad_queries_are_refused() {
    let cases = [
        ("SELECT nope FROM \"right\"", "nope"),
        ("SELECT * FROM other", "other"),
        ("SELECT 1; SELECT 2", "more than one"),
        ("", "no statement"),
        ("-- nothing", "no statement"),
        ("SELECT ?", "parameter"),
        ("CREATE TABLE x (i INTEGER)", "only a SELECT"),
        ("ATTACH '/tmp/x.db'", "only a SELECT"),
        ("SET threads = 3", "only a SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "disabled"),
        ("SELECT * FROM '/etc/passwd'", "passwd"),
        ("FROM read_text('/etc/passwd')", "disabled"),
        ("COPY \"right\" TO '/tmp/x.csv'", "disabled"),
        ("SELECT * FROM sferic_input(99999)", "no input"),
        ("SEL", "syntax error"),
    ];
    for (sql, message) in cases {
        let error = query(sql, Arc::new(|| false)).unwrap_err();
        assert!(error.to_string().contains(message), "{sql}: {error}");
    }
    match query("SELECT nn FROM \"right\"", Arc::new(|| false)).unwrap_err() {
        RelationalError::Query { issue } => assert_eq!(
            (issue.position, issue.candidates),
            (Some(7), vec!["n".to_string()])
        ),
        other => panic!("{other}"),
    }
}
