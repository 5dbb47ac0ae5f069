//! Units of expressions: what may not be added or compared, and what a result is measured in.
//!
//! A unit is the text that a column's metadata has under `unit`. Units are compared as they are written; nothing is converted. Numbers
//! and columns without a unit go with everything.

use arrow_schema::Schema;
use serde_json::Value;

use crate::error::ExpressionIssue;
use crate::syntax::{find_column, names_of, place};

/// Key of a column's unit in its metadata.
pub(crate) const UNIT: &str = "unit";

/// Functions whose result is measured in what their first argument is.
const KEEPING: &[&str] = &[
    "abs",
    "any_value",
    "arg_max",
    "arg_min",
    "avg",
    "ceil",
    "ceiling",
    "first",
    "floor",
    "last",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "round",
    "round_even",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "trunc",
];

/// Functions and operators whose arguments are alternatives for one value.
const CHOOSING: &[&str] = &["greatest", "ifnull", "least", "nullif"];

/// What a part of an expression is measured in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Measure {
    Unit(String),
    /// A literal, which takes the unit of what it meets.
    Literal,
    Unknown,
}

/// The unit of an expression over rows of `schema`, where it is known.
///
/// # Errors
/// An issue where values of different units are added, subtracted, compared or given as alternatives.
pub(crate) fn unit_of(root: &Value, schema: &Schema) -> Result<Option<String>, ExpressionIssue> {
    Ok(match measure(root, schema)? {
        Measure::Unit(unit) => Some(unit),
        Measure::Literal | Measure::Unknown => None,
    })
}

fn measure(node: &Value, schema: &Schema) -> Result<Measure, ExpressionIssue> {
    let list = |name: &str| node[name].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let together = |parts: &[&Value], what: &str| common(node, parts, what, schema);
    match node["class"].as_str().unwrap_or_default() {
        "CONSTANT" => Ok(Measure::Literal),
        "COLUMN_REF" => Ok(of_column(node, schema)),
        "CAST" => measure(&node["child"], schema),
        "FUNCTION" => {
            let children: Vec<&Value> = list("children").iter().collect();
            of_function(node, &children, schema)
        }
        "COMPARISON" => {
            together(&[&node["left"], &node["right"]], "compared").map(|_| Measure::Unknown)
        }
        "BETWEEN" => together(
            &[&node["input"], &node["lower"], &node["upper"]],
            "compared",
        )
        .map(|_| Measure::Unknown),
        "OPERATOR" => {
            let children: Vec<&Value> = list("children").iter().collect();
            match node["type"].as_str().unwrap_or_default() {
                "OPERATOR_COALESCE" | "OPERATOR_NULLIF" => {
                    together(&children, "given for one value")
                }
                "COMPARE_IN" | "COMPARE_NOT_IN" => {
                    together(&children, "compared").map(|_| Measure::Unknown)
                }
                _ => of_parts(node, schema),
            }
        }
        "CASE" => {
            for check in list("case_checks") {
                measure(&check["when_expr"], schema)?;
            }
            let mut results: Vec<&Value> = list("case_checks")
                .iter()
                .map(|check| &check["then_expr"])
                .collect();
            results.push(&node["else_expr"]);
            together(&results, "given for one value")
        }
        _ => of_parts(node, schema),
    }
}

fn of_column(node: &Value, schema: &Schema) -> Measure {
    let column = names_of(node)
        .first()
        .and_then(|name| find_column(schema, name));
    let unit = column.and_then(|column| schema.field(column).metadata().get(UNIT));
    unit.map_or(Measure::Unknown, |unit| Measure::Unit(unit.clone()))
}

fn of_function(
    node: &Value,
    children: &[&Value],
    schema: &Schema,
) -> Result<Measure, ExpressionIssue> {
    let name = node["function_name"]
        .as_str()
        .unwrap_or_default()
        .to_lowercase();
    match (name.as_str(), children) {
        ("+" | "-", [only]) => measure(only, schema),
        ("+", [_, _]) => common(node, children, "added", schema),
        ("-", [_, _]) => common(node, children, "subtracted", schema),
        (name, [_, ..]) if CHOOSING.contains(&name) => {
            common(node, children, "given for one value", schema)
        }
        (name, [first, others @ ..]) if KEEPING.contains(&name) => {
            for other in others {
                measure(other, schema)?;
            }
            measure(first, schema)
        }
        _ => of_parts(node, schema),
    }
}

/// Looks into the parts of something that has no unit that follows from theirs.
fn of_parts(node: &Value, schema: &Schema) -> Result<Measure, ExpressionIssue> {
    match node {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| measure(item, schema).map(drop))?,
        Value::Object(fields) => {
            fields
                .values()
                .try_for_each(|value| measure(value, schema).map(drop))?;
        }
        _ => {}
    }
    Ok(Measure::Unknown)
}

/// The unit that all parts share; literals have it too.
fn common(
    node: &Value,
    parts: &[&Value],
    what: &str,
    schema: &Schema,
) -> Result<Measure, ExpressionIssue> {
    let measures = parts
        .iter()
        .map(|part| measure(part, schema))
        .collect::<Result<Vec<_>, _>>()?;
    let mut units = measures.iter().filter_map(|measure| match measure {
        Measure::Unit(unit) => Some(unit),
        _ => None,
    });
    let Some(first) = units.next() else {
        let literal = measures.iter().all(|measure| *measure == Measure::Literal);
        return Ok(if literal {
            Measure::Literal
        } else {
            Measure::Unknown
        });
    };
    if let Some(other) = units.find(|unit| *unit != first) {
        return Err(ExpressionIssue {
            message: format!(
                "values in {first} and in {other} cannot be {what}; convert one, such as with * 1000"
            ),
            position: place(node),
            mixes_units: true,
            ..ExpressionIssue::default()
        });
    }
    Ok(if measures.contains(&Measure::Unknown) {
        Measure::Unknown
    } else {
        Measure::Unit(first.clone())
    })
}
