//! Units of expressions.

mod support;

use std::collections::HashMap;

use arrow_schema::{DataType, Field, Fields, Schema};
use kernel_relational::{IntegerSums, RelationalError, check_expression, check_measure};
use support::memory_database;

fn schema() -> Schema {
    let field = |name: &str, unit: Option<&str>| {
        let metadata = unit.map(|unit| ("unit".to_string(), unit.to_string()));
        Field::new(name, DataType::Float64, true)
            .with_metadata(metadata.into_iter().collect::<HashMap<_, _>>())
    };
    Schema::new(Fields::from(vec![
        field("dc", Some("W")),
        field("ac", Some("W")),
        field("rated", Some("kW")),
        field("plain", None),
    ]))
}

#[test]
fn results_have_the_unit_that_follows_from_the_columns() {
    let database = memory_database();
    for (expression, unit) in [
        ("dc", Some("W")),
        ("dc - ac", Some("W")),
        ("-dc", Some("W")),
        ("dc + 5", Some("W")),
        ("abs(round(dc, 1))", Some("W")),
        ("dc::FLOAT", Some("W")),
        ("coalesce(dc, ac, 0)", Some("W")),
        ("CASE WHEN rated > 1 THEN dc ELSE ac END", Some("W")),
        ("greatest(dc, ac)", Some("W")),
        ("dc + plain", None),
        ("dc * 0.001", None),
        ("dc / ac", None),
        ("dc * ac + rated", None),
        ("dc > ac", None),
        ("1 + 2", None),
    ] {
        let field = check_expression(&database, &schema(), expression).unwrap();
        assert_eq!(
            field.metadata().get("unit").map(String::as_str),
            unit,
            "{expression}"
        );
    }
    for (measure, unit) in [
        ("sum(dc) - min(ac)", Some("W")),
        ("avg(dc)", Some("W")),
        ("count(dc)", None),
    ] {
        let field = check_measure(&database, &schema(), &[], measure, IntegerSums::Int64).unwrap();
        assert_eq!(
            field.metadata().get("unit").map(String::as_str),
            unit,
            "{measure}"
        );
    }
}

#[test]
fn values_of_different_units_do_not_meet() {
    let database = memory_database();
    for (expression, position) in [
        ("dc + rated", Some(3)),
        ("1 + (rated - ac)", Some(11)),
        ("dc > rated", Some(3)),
        ("plain > 0 AND dc BETWEEN 0 AND rated", None),
        ("dc IN (1, rated)", None),
        ("coalesce(dc, rated)", None),
        ("CASE WHEN plain > 0 THEN dc ELSE rated END", None),
        ("least(dc, rated)", None),
        ("sqrt(dc + rated)", None),
        ("abs(dc) + max(rated, 1)", None),
    ] {
        match check_expression(&database, &schema(), expression) {
            Err(RelationalError::Expression { issue, .. }) if issue.mixes_units => {
                assert!(
                    issue.message.contains("in W and in kW")
                        || issue.message.contains("in kW and in W"),
                    "{issue:?}"
                );
                if position.is_some() {
                    assert_eq!(issue.position, position, "{expression}");
                }
            }
            Err(RelationalError::Expression { issue, .. }) if expression.contains("max(") => {
                assert!(issue.message.contains("many rows"), "{issue:?}");
            }
            other => panic!("{expression}: {other:?}"),
        }
    }
    let error = check_measure(
        &database,
        &schema(),
        &[],
        "sum(dc) + sum(rated)",
        IntegerSums::Int64,
    )
    .unwrap_err();
    assert!(error.to_string().contains("kW"), "{error}");
}
