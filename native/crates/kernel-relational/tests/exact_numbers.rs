//! Numbers keep their digits: literals that meet floats, integers of 128 bits, sums.

mod support;

use std::sync::{Arc, OnceLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use kernel_relational::{
    Database, IntegerSums, Query, QueryInput, QueryRows, RelationalError, check_query,
};
use support::memory_database;

fn database() -> &'static Arc<Database> {
    static DATABASE: OnceLock<Arc<Database>> = OnceLock::new();
    DATABASE.get_or_init(memory_database)
}

/// Doubles whose shortest text has up to 17 digits, positive and negative.
fn doubles() -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..150).flat_map(|_| [next(), -next()]).collect()
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn run(batch: &RecordBatch, sql: &str) -> Result<Vec<RecordBatch>, RelationalError> {
    let input = QueryInput {
        name: "t".to_string(),
        schema: batch.schema(),
        rows: QueryRows::Batches(vec![batch.clone()]),
    };
    Query::run(database(), vec![input], sql, Arc::new(|| false))?.collect()
}

fn checked(
    batch: &RecordBatch,
    sql: &str,
    sums: IntegerSums,
) -> Result<SchemaRef, RelationalError> {
    check_query(database(), &[("t".to_string(), batch.schema())], sql, sums)
}

/// The answer of a query as its check announces it.
fn answer(batch: &RecordBatch, sql: &str) -> Result<RecordBatch, RelationalError> {
    let schema = checked(batch, sql, IntegerSums::Int64)?;
    let input = QueryInput {
        name: "t".to_string(),
        schema: batch.schema(),
        rows: QueryRows::Batches(vec![batch.clone()]),
    };
    let query = Query::run(database(), vec![input], sql, Arc::new(|| false))?;
    let batches = query
        .with_schema(schema.clone())?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(arrow_select::concat::concat_batches(&schema, &batches).unwrap())
}

fn found(batch: &RecordBatch, condition: &str) -> i64 {
    let rows = run(batch, &format!("SELECT count(*) FROM t WHERE {condition}")).unwrap();
    rows[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[test]
fn a_literal_is_the_closest_float() {
    let values = doubles();
    let batch = table(vec![
        ("x", Arc::new(Float64Array::from(values.clone()))),
        (
            "y",
            Arc::new(Float32Array::from_iter_values(
                values.iter().map(|x| *x as f32),
            )),
        ),
    ]);
    for value in values {
        // The first is a decimal for DuckDB, the second a float.
        for literal in [format!("{value}"), format!("{value:e}")] {
            let single = value as f32;
            assert_eq!(found(&batch, &format!("x = {literal}")), 1, "{literal}");
            assert_eq!(
                found(&batch, &format!("x IN (7.5, {literal})")),
                1,
                "{literal}"
            );
            assert_eq!(
                found(&batch, &format!("{literal} <= x AND x <= {literal}")),
                1,
                "{literal}"
            );
            assert!(found(&batch, &format!("y = {single}")) >= 1, "{single}");
        }
    }
}

#[test]
fn an_integer_literal_of_many_digits_is_the_closest_float() {
    for step in 0..400_u32 {
        let value = 1.0e19 + f64::from(step) * 7.0e16;
        let batch = table(vec![(
            "x",
            Arc::new(Float64Array::from(vec![value, -value])),
        )]);
        assert_eq!(found(&batch, &format!("x = {value:.0}")), 1, "{value}");
        assert_eq!(found(&batch, &format!("x = -{value:.0}")), 1, "{value}");
    }
}

#[test]
fn decimals_that_meet_decimals_stay_decimals() {
    let batch = table(vec![("k", Arc::new(Int64Array::from(vec![1])))]);
    let rows = run(
        &batch,
        "SELECT 0.12345678901234567 + 0.00000000000000001 AS d FROM t",
    )
    .unwrap();
    assert_eq!(rows[0].column(0).data_type(), &DataType::Decimal128(18, 17));
    assert_eq!(
        rows[0].column(0).as_primitive::<Decimal128Type>().value(0),
        12_345_678_901_234_568
    );
}

#[test]
fn integers_of_38_digits_are_exact_and_longer_ones_refused() {
    let batch = table(vec![("k", Arc::new(Int64Array::from(vec![1])))]);
    let nines = 10_i128.pow(38) - 1;
    for digits in [nines, -nines, 0] {
        for kind in ["HUGEINT", "UHUGEINT"] {
            if digits < 0 && kind == "UHUGEINT" {
                continue;
            }
            let rows = run(&batch, &format!("SELECT '{digits}'::{kind} AS h FROM t")).unwrap();
            assert_eq!(
                rows[0].column(0).as_primitive::<Decimal128Type>().value(0),
                digits
            );
        }
    }
    let refused = [
        (
            "(-170141183460469231731687303715884105728)::HUGEINT",
            "38 digits",
        ),
        (
            "170141183460469231731687303715884105727::HUGEINT",
            "38 digits",
        ),
        (
            "340282366920938463463374607431768211455::UHUGEINT",
            "340282366920938463463374607431768211455",
        ),
        (
            "[1::HUGEINT, 100000000000000000000000000000000000000::HUGEINT]",
            "38 digits",
        ),
        (
            "{'a': 100000000000000000000000000000000000000::HUGEINT}",
            "38 digits",
        ),
        ("[1::UHUGEINT]", "UHUGEINT"),
        ("'12'::BIGNUM", "BIGNUM"),
        ("['10110'::BIT]", "BIT"),
    ];
    for (expression, text) in refused {
        let error = run(&batch, &format!("SELECT {expression} AS h FROM t")).unwrap_err();
        assert!(error.to_string().contains(text), "{expression}: {error}");
    }
}

#[test]
fn sums_of_integers_are_64_bit_integers() {
    let batch = table(vec![
        ("k", Arc::new(Int64Array::from(vec![1, 1, 2]))),
        (
            "n",
            Arc::new(Int64Array::from(vec![Some(5), None, Some(7)])),
        ),
    ]);
    let sums = [
        ("SELECT sum(n) AS s FROM t", 12),
        ("SELECT sum(n) + 1 AS s FROM t", 13),
        ("SELECT count_if(n > 5) AS s FROM t", 1),
        (
            "SELECT sum(s) AS s FROM (SELECT k, sum(n) AS s FROM t GROUP BY k)",
            12,
        ),
        ("SELECT \"sum(n)\" AS s FROM (SELECT sum(n) FROM t)", 12),
        (
            "SELECT s FROM (SELECT sum(n) OVER () AS s FROM t) LIMIT 1",
            12,
        ),
        (
            "WITH w AS (SELECT sum(n) AS s FROM t) SELECT coalesce(s, 0) AS s FROM w",
            12,
        ),
    ];
    for (sql, sum) in sums {
        let rows = answer(&batch, sql).unwrap();
        assert_eq!(
            rows.schema().field(0).data_type(),
            &DataType::Int64,
            "{sql}"
        );
        assert_eq!(
            rows.column(0).as_primitive::<Int64Type>().value(0),
            sum,
            "{sql}"
        );
        let wide = checked(&batch, sql, IntegerSums::Wide).unwrap();
        assert_eq!(
            wide.field(0).data_type(),
            &DataType::Decimal128(38, 0),
            "{sql}"
        );
    }
    for sql in [
        "SELECT sum(CAST(n AS DECIMAL(38, 0))) AS s FROM t",
        "SELECT sum(n)::DECIMAL(38, 0) AS s FROM t",
        "SELECT sum(n::HUGEINT) + 100000000000000000000::HUGEINT AS s FROM t",
    ] {
        let schema = checked(&batch, sql, IntegerSums::Int64).unwrap();
        assert_eq!(
            schema.field(0).data_type(),
            &DataType::Decimal128(38, 0),
            "{sql}"
        );
    }
}

#[test]
fn a_sum_beyond_64_bits_is_an_error() {
    let batch = table(vec![("n", Arc::new(Int64Array::from(vec![i64::MAX, 1])))]);
    let error = answer(&batch, "SELECT sum(n) AS s FROM t").unwrap_err();
    assert!(matches!(error, RelationalError::Value { .. }), "{error:?}");
    assert!(error.to_string().contains("9223372036854775808"), "{error}");
    let wide = answer(&batch, "SELECT sum(CAST(n AS DECIMAL(38, 0))) AS s FROM t").unwrap();
    assert_eq!(
        wide.column(0).as_primitive::<Decimal128Type>().value(0),
        1_i128 << 63
    );
    let none = answer(&batch.slice(0, 0), "SELECT sum(n) AS s FROM t").unwrap();
    assert!(none.column(0).is_null(0));
    let field = Field::new("s", DataType::Int64, true);
    assert_eq!(none.schema(), Arc::new(Schema::new(vec![field])));
}
