//! What expressions need of their input: the columns they use, and conditions by which parts of it can be left out.

use std::sync::Arc;

use arrow_schema::{DataType, Schema};
use serde_json::Value;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::Result;
use crate::exact_json;
use crate::syntax::{self, Over};

/// What every row fulfils for which some condition is true: `column comparison values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCondition {
    /// Name of a column of the schema.
    pub column: String,
    /// `<`, `<=`, `>`, `>=`, `in`, `is-null`, `is-not-null`.
    pub comparison: &'static str,
    /// Literals: numbers in decimal notation, dates and times in UTC as ISO 8601, text as it is. One, several for `in`,
    /// none for nulls.
    pub values: Vec<String>,
}

/// Names of the columns that `expressions` use, each once, in the order of the schema; `grouped` expressions may hold
/// aggregates. Costs about 0.1 ms each.
///
/// # Errors
/// `Expression` for what is no expression over the schema; types are not checked.
pub fn expression_columns(
    database: &Arc<Database>,
    schema: &Schema,
    expressions: &[String],
    grouped: bool,
) -> Result<Vec<String>> {
    let connection = Connection::open(database)?;
    let functions = database.functions(&connection)?;
    let over = if grouped { Over::Group } else { Over::Row };
    let mut used = vec![false; schema.fields().len()];
    for expression in expressions {
        let form = syntax::parse(&connection, functions, schema, expression, over)?;
        form.columns
            .into_iter()
            .for_each(|column| used[column] = true);
    }
    let fields = schema.fields().iter().zip(used);
    Ok(fields
        .filter(|(_, used)| *used)
        .map(|(field, _)| field.name().clone())
        .collect())
}

/// Conditions on single columns that hold for every row for which `condition` is true, as far as they are understood:
/// comparisons of a column with literals, `BETWEEN`, `IN`, `IS NULL` and `IS NOT NULL`, joined by `AND`. Empty in doubt.
///
/// # Errors
/// `Expression` for what is no expression over the schema.
pub fn row_conditions(
    database: &Arc<Database>,
    schema: &Schema,
    condition: &str,
) -> Result<Vec<RowCondition>> {
    let connection = Connection::open(database)?;
    let functions = database.functions(&connection)?;
    syntax::parse(&connection, functions, schema, condition, Over::Row)?;
    let root = syntax::root(&connection, condition)?;
    Ok(collected(&root, schema).0)
}

/// The same conditions for an expression that was checked already, if they are all that it says.
pub(crate) fn whole_condition(
    connection: &Arc<Connection>,
    schema: &Schema,
    condition: &str,
) -> Result<Option<Vec<RowCondition>>> {
    let root = syntax::root(connection, condition)?;
    let (found, is_whole) = collected(&root, schema);
    Ok(Some(found).filter(|_| is_whole))
}

fn collected(root: &Value, schema: &Schema) -> (Vec<RowCondition>, bool) {
    let mut found = Vec::new();
    let is_whole = collect(root, schema, &mut found);
    (found, is_whole)
}

/// Adds what is understood of a condition; whether that is all of it.
fn collect(node: &Value, schema: &Schema, found: &mut Vec<RowCondition>) -> bool {
    let children = || node["children"].as_array().into_iter().flatten();
    let kind = node["type"].as_str().unwrap_or_default();
    let mut add = |condition: Option<RowCondition>| {
        let is_understood = condition.is_some();
        found.extend(condition);
        is_understood
    };
    match kind {
        "CONJUNCTION_AND" => {
            let mut is_whole = true;
            for child in children() {
                is_whole &= collect(child, schema, found);
            }
            is_whole
        }
        "COMPARE_BETWEEN" => {
            let lower = add(compared(&node["input"], ">=", [&node["lower"]], schema));
            add(compared(&node["input"], "<=", [&node["upper"]], schema)) && lower
        }
        "COMPARE_IN" => {
            let mut operands = children();
            let column = operands.next().unwrap_or(&Value::Null);
            add(compared(column, "in", operands, schema))
        }
        "OPERATOR_IS_NULL" => add(compared(&node["children"][0], "is-null", [], schema)),
        "OPERATOR_IS_NOT_NULL" => add(compared(&node["children"][0], "is-not-null", [], schema)),
        _ => comparison(kind).is_some_and(|(comparison, mirrored)| {
            let (left, right) = (&node["left"], &node["right"]);
            let condition = compared(left, comparison, [right], schema)
                .or_else(|| compared(right, mirrored, [left], schema));
            add(condition)
        }),
    }
}

/// A comparison, and the same with its sides exchanged.
fn comparison(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "COMPARE_EQUAL" => ("in", "in"),
        "COMPARE_LESSTHAN" => ("<", ">"),
        "COMPARE_LESSTHANOREQUALTO" => ("<=", ">="),
        "COMPARE_GREATERTHAN" => (">", "<"),
        "COMPARE_GREATERTHANOREQUALTO" => (">=", "<="),
        _ => return None,
    })
}

fn compared<'v>(
    column: &Value,
    comparison: &'static str,
    values: impl IntoIterator<Item = &'v Value>,
    schema: &Schema,
) -> Option<RowCondition> {
    let names = column["column_names"].as_array()?;
    let [name] = names.as_slice() else {
        return None;
    };
    let name = name.as_str()?;
    let fields = schema.fields();
    let exact = fields.iter().find(|field| field.name() == name);
    let field = exact.or_else(|| {
        fields
            .iter()
            .find(|field| field.name().to_lowercase() == name.to_lowercase())
    })?;
    let values: Option<Vec<String>> = values
        .into_iter()
        .map(|value| literal(value, field.data_type()))
        .collect();
    Some(RowCondition {
        column: field.name().clone(),
        comparison,
        values: values?,
    })
}

/// The text of a literal, where comparing it with a column of the type has one plain meaning.
fn literal(node: &Value, data_type: &DataType) -> Option<String> {
    if node["class"] == "CAST" {
        let (text, target) = (&node["child"]["value"], &node["cast_type"]["id"]);
        let text = text["value"]
            .as_str()
            .filter(|_| node["try_cast"] == false)?;
        return match target.as_str()? {
            "DATE" if is_time(data_type) => is_plain_date(text).then(|| text.to_owned()),
            "TIMESTAMP" if is_time(data_type) => is_plain_time(text).then(|| text.to_owned()),
            _ => None,
        };
    }
    if node["class"] != "CONSTANT" || node["value"]["is_null"] != false {
        return None;
    }
    let value = &node["value"]["value"];
    let type_info = &node["value"]["type"];
    match type_info["id"].as_str()? {
        "VARCHAR" => {
            let text = value.as_str()?;
            let is_understood = match data_type {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
                DataType::Date32 => is_plain_date(text),
                DataType::Timestamp(..) => is_plain_time(text),
                _ => false,
            };
            is_understood.then(|| text.to_owned())
        }
        _ if !data_type.is_numeric() => None,
        "INTEGER" | "BIGINT" => value.as_i64().map(|value| value.to_string()),
        "DECIMAL" => {
            let scale = type_info["type_info"]["scale"].as_u64()?;
            value
                .as_i64()
                .map(|unscaled| format!("{unscaled}e-{scale}"))
        }
        "DOUBLE" => {
            let value = exact_json::float(value).filter(|value| value.is_finite())?;
            Some(format!("{value:e}"))
        }
        _ => None,
    }
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Date32 | DataType::Timestamp(..))
}

/// `YYYY-MM-DD`.
fn is_plain_date(text: &str) -> bool {
    let is_in_place = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(is_in_place)
}

/// `YYYY-MM-DD`, or that and a time without a zone.
fn is_plain_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', ' ']) else {
        return is_plain_date(text);
    };
    let is_of_time = |byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.');
    is_plain_date(date) && time.len() >= 8 && time.bytes().all(is_of_time)
}
