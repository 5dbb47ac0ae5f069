//! The form of an expression, read from DuckDB's own parse tree: which columns it uses, and whether it is an expression over one row.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_schema::Schema;
use serde_json::Value;

use crate::connection::Connection;
use crate::cost;
use crate::error::{EngineError, ExpressionIssue, RelationalError, Result};
use crate::exact_json;
use crate::functions::{Functions, Refusal};
use crate::quote;
use crate::units;

/// How many names an issue offers.
const CANDIDATES: usize = 5;
/// Names that SQL reads from the clock or the session without parentheses.
pub(crate) const SURROUNDING_NAMES: &[&str] = &[
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "current_user",
    "session_user",
    "user",
];
/// What stands before an expression to make it a statement.
pub(crate) const PREFIX: &str = "SELECT ";

/// What the text of an expression says before any type is known.
#[derive(Debug)]
pub(crate) struct Form {
    /// Columns it uses, as positions in the schema, each once.
    pub(crate) columns: Vec<usize>,
    /// The column, if it is nothing else.
    pub(crate) bare: Option<usize>,
    /// Whether its value is never null, whatever the rows: a literal, a count, `IS NULL`, `IS NOT NULL`.
    pub(crate) never_null: bool,
    /// What its value is measured in, where that follows from the columns.
    pub(crate) unit: Option<String>,
    /// Byte offsets at which casts are written out.
    pub(crate) casts: HashSet<usize>,
}

/// What an expression may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// One row.
    Row,
    /// The rows of a group, through aggregates.
    Group,
}

/// Parses `expression` and refuses what is not an expression over one row or one group of rows of `schema`.
///
/// # Errors
/// `Expression` with the first issue.
pub(crate) fn parse(
    connection: &Arc<Connection>,
    functions: &Functions,
    schema: &Schema,
    expression: &str,
    over: Over,
) -> Result<Form> {
    let failed = |issue| RelationalError::Expression {
        expression: expression.to_string(),
        issue,
    };
    let tree = match parse_tree(connection, expression)? {
        Ok(tree) => tree,
        Err(issue) => {
            let unquoted = unquoted_column(connection, schema, expression)?;
            return Err(failed(unquoted.unwrap_or(issue)));
        }
    };
    let root = only_expression(&tree, expression).map_err(failed)?;
    let mut walk = Walk {
        schema,
        functions,
        over,
        names: Vec::new(),
        columns: Vec::new(),
        casts: HashSet::new(),
    };
    walk.visit(root).map_err(failed)?;
    cost::require_cheap(connection, root).map_err(failed)?;
    let unit = units::unit_of(root, schema).map_err(failed)?;
    let kind = root["type"].as_str().unwrap_or_default();
    let literal = kind == "VALUE_CONSTANT" && root["value"]["is_null"] == false;
    let bare =
        (root["class"] == "COLUMN_REF" && names_of(root).len() == 1).then(|| walk.columns[0]);
    Ok(Form {
        never_null: literal
            || matches!(kind, "OPERATOR_IS_NULL" | "OPERATOR_IS_NOT_NULL")
            || is_count(root),
        bare,
        unit,
        columns: walk.columns,
        casts: walk.casts,
    })
}

/// The parse tree of one expression.
///
/// # Errors
/// `Expression` for what is not one.
pub(crate) fn root(connection: &Arc<Connection>, expression: &str) -> Result<Value> {
    let failed = |issue| RelationalError::Expression {
        expression: expression.to_string(),
        issue,
    };
    let tree = parse_tree(connection, expression)?.map_err(failed)?;
    only_expression(&tree, expression).cloned().map_err(failed)
}

/// The parse tree of the statement that an expression is put into.
///
/// # Errors
/// `Expression` for what is not one.
pub(crate) fn statement(connection: &Arc<Connection>, expression: &str) -> Result<Value> {
    parse_tree(connection, expression)?.map_err(|issue| RelationalError::Expression {
        expression: expression.to_string(),
        issue,
    })
}

/// The plan of a query as JSON, null where DuckDB cannot write it down.
pub(crate) fn plan(connection: &Arc<Connection>, sql: &str, optimized: bool) -> Result<Value> {
    let json = first_text(
        connection,
        &format!(
            "SELECT json_serialize_plan({}, optimize := {optimized})",
            quote::text(sql)
        ),
    )?;
    Ok(exact_json::parse(&json).unwrap_or(Value::Null))
}

/// The parse tree of a query, null where DuckDB cannot write it down.
pub(crate) fn query_tree(connection: &Arc<Connection>, sql: &str) -> Result<Value> {
    let json = serialized(connection, sql.trim_end().trim_end_matches(';'))?;
    Ok(exact_json::parse(&json).unwrap_or(Value::Null))
}

/// The SQL of a statement's parse tree.
pub(crate) fn text_of(connection: &Arc<Connection>, tree: &Value) -> Result<String> {
    first_text(
        connection,
        &format!(
            "SELECT json_deserialize_sql({})",
            quote::text(&exact_json::text(tree))
        ),
    )
}

fn is_count(node: &Value) -> bool {
    node["class"] == "FUNCTION"
        && node["function_name"].as_str().is_some_and(|name| {
            ["count", "count_star"]
                .iter()
                .any(|count| count.eq_ignore_ascii_case(name))
        })
}

fn issue(message: impl Into<String>, position: Option<usize>) -> ExpressionIssue {
    ExpressionIssue {
        message: message.into(),
        position,
        ..ExpressionIssue::default()
    }
}

/// What DuckDB's parser makes of a SELECT, as JSON: its tree, or why there is none; no JSON where it is nested too deeply.
pub(crate) fn serialized(connection: &Arc<Connection>, sql: &str) -> Result<String> {
    first_text(
        connection,
        &format!("SELECT json_serialize_sql({})", quote::text(sql)),
    )
}

/// The text in the only row of a query; empty without a row.
fn first_text(connection: &Arc<Connection>, sql: &str) -> Result<String> {
    let (_, batches) = connection.query(sql)?;
    let text = batches
        .first()
        .map(|batch| batch.column(0).as_string::<i32>().value(0));
    Ok(text.unwrap_or_default().to_string())
}

fn parse_tree(
    connection: &Arc<Connection>,
    expression: &str,
) -> Result<Result<Value, ExpressionIssue>> {
    if expression.trim().is_empty() {
        return Ok(Err(issue("the expression is empty", Some(0))));
    }
    if let Some(position) = expression.find('\0') {
        return Ok(Err(issue(
            "a NUL character cannot stand in an expression",
            Some(position),
        )));
    }
    let json = serialized(connection, &format!("{PREFIX}{expression}"))?;
    let Some(tree) = exact_json::parse(&json) else {
        return Ok(Err(issue(
            "the expression is nested too deeply; at most about 60 operators may stand inside one another",
            None,
        )));
    };
    if tree["error"] == false {
        return Ok(Ok(tree));
    }
    let error = EngineError::parse(&json);
    let message = tree["error_message"]
        .as_str()
        .unwrap_or(&error.message)
        .lines()
        .next()
        .unwrap_or_default()
        .to_string();
    if message.contains("Only SELECT statements") {
        return Ok(Err(issue(
            "this is a statement, not an expression",
            Some(0),
        )));
    }
    let position = error
        .position
        .map(|position| position.saturating_sub(PREFIX.len()).min(expression.len()));
    Ok(Err(issue(message, position)))
}

/// A column of the schema that stands in the expression without quotes although its name is a word of SQL, if that is what is wrong.
fn unquoted_column(
    connection: &Arc<Connection>,
    schema: &Schema,
    expression: &str,
) -> Result<Option<ExpressionIssue>> {
    for field in schema.fields() {
        let name = field.name();
        let Some(place) = find_word(expression, name) else {
            continue;
        };
        let quoted = quote::identifier(name);
        let (before, after) = (&expression[..place], &expression[place + name.len()..]);
        if parse_tree(connection, &format!("{before}{quoted}{after}"))?.is_ok() {
            let message =
                format!("{name} is a word of SQL; the column of that name is written {quoted}");
            return Ok(Some(ExpressionIssue {
                candidates: vec![quoted],
                ..issue(message, Some(place))
            }));
        }
    }
    Ok(None)
}

/// Where a name stands by itself, not as a part of another and not in quotes.
fn find_word(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '"';
    let mut places = text.match_indices(name).map(|(place, _)| place);
    places.find(|place| {
        let before = text[..*place].chars().next_back();
        let after = text[place + name.len()..].chars().next();
        !name.is_empty() && !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The expression of a tree that is one SELECT of one expression and nothing more.
fn only_expression<'t>(tree: &'t Value, expression: &str) -> Result<&'t Value, ExpressionIssue> {
    let one = |list: &'t Value| {
        list.as_array()
            .filter(|items| items.len() == 1)
            .map(|items| &items[0])
    };
    let Some(statement) = one(&tree["statements"]) else {
        return Err(issue(
            "there is more than one statement; write one expression",
            expression.find(';'),
        ));
    };
    let node = &statement["node"];
    let Some(root) = one(&node["select_list"]) else {
        let second = node["select_list"][1]["query_location"].as_u64();
        return Err(issue(
            "there is more than one expression; write one",
            second.and_then(position),
        ));
    };
    let is_empty = |name: &str| node[name].as_array().is_none_or(Vec::is_empty);
    let alone = node["type"] == "SELECT_NODE"
        && node["from_table"]["type"] == "EMPTY"
        && is_empty("modifiers")
        && is_empty("group_expressions")
        && ["where_clause", "having", "qualify", "sample"]
            .iter()
            .all(|clause| node[clause].is_null());
    if !alone {
        return Err(issue(
            "this is a query, not an expression; write only what would stand between SELECT and FROM",
            None,
        ));
    }
    if root["alias"]
        .as_str()
        .is_some_and(|alias| !alias.is_empty())
    {
        return Err(issue(
            "an expression cannot name itself; leave out AS",
            None,
        ));
    }
    if expression.trim_end().ends_with(';') {
        return Err(issue(
            "an expression does not end with a semicolon",
            expression.rfind(';'),
        ));
    }
    Ok(root)
}

/// DuckDB's location of a node as an offset in the expression; it marks nodes of its own making with the largest number.
fn position(location: u64) -> Option<usize> {
    usize::try_from(location)
        .ok()
        .filter(|location| *location != usize::MAX)?
        .checked_sub(PREFIX.len())
}

pub(crate) fn place(node: &Value) -> Option<usize> {
    node["query_location"].as_u64().and_then(position)
}

pub(crate) fn names_of(node: &Value) -> Vec<&str> {
    node["column_names"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The column of a name; without one, that of a name that differs in case only.
pub(crate) fn find_column(schema: &Schema, name: &str) -> Option<usize> {
    let fields = schema.fields();
    let exact = fields.iter().position(|field| field.name() == name);
    exact.or_else(|| {
        fields
            .iter()
            .position(|field| field.name().to_lowercase() == name.to_lowercase())
    })
}

struct Walk<'a> {
    schema: &'a Schema,
    functions: &'a Functions,
    over: Over,
    /// Parameters of the lambdas around the place.
    names: Vec<String>,
    columns: Vec<usize>,
    casts: HashSet<usize>,
}

impl Walk<'_> {
    fn visit(&mut self, node: &Value) -> Result<(), ExpressionIssue> {
        match node {
            Value::Array(items) => items.iter().try_for_each(|item| self.visit(item)),
            Value::Object(fields) => match fields.get("class").and_then(Value::as_str) {
                Some(class) => self.visit_expression(class, node),
                None => self.visit_fields(node),
            },
            _ => Ok(()),
        }
    }

    fn visit_fields(&mut self, node: &Value) -> Result<(), ExpressionIssue> {
        node.as_object()
            .into_iter()
            .flat_map(|fields| fields.values())
            .try_for_each(|value| self.visit(value))
    }

    fn visit_expression(&mut self, class: &str, node: &Value) -> Result<(), ExpressionIssue> {
        let refused = |message: &str| Err(issue(message, place(node)));
        match class {
            "COLUMN_REF" => self.visit_column(node),
            "FUNCTION" => self.visit_function(node),
            "LAMBDA" => self.visit_lambda(node),
            "CAST" => {
                self.casts.extend(place(node));
                self.visit_fields(node)
            }
            "CONSTANT" => Ok(()),
            "OPERATOR" | "COMPARISON" | "CONJUNCTION" | "BETWEEN" | "CASE" | "COLLATE"
            | "LAMBDA_REF" | "TYPE" => self.visit_fields(node),
            "SUBQUERY" => {
                refused("a subquery cannot stand in an expression; use the sql or join transform")
            }
            "WINDOW" => {
                refused("a window function cannot stand in an expression; use the sql transform")
            }
            "PARAMETER" => refused("a parameter (? or $1) has no value here; write the value"),
            "STAR" => refused("* stands for many columns; name one"),
            _ => refused("this cannot stand in an expression"),
        }
    }

    fn visit_column(&mut self, node: &Value) -> Result<(), ExpressionIssue> {
        let names = names_of(node);
        let Some(name) = names.first() else {
            return Ok(());
        };
        if self
            .names
            .iter()
            .any(|lambda| lambda.eq_ignore_ascii_case(name))
        {
            return Ok(());
        }
        let fields = self.schema.fields();
        if let Some(index) = find_column(self.schema, name) {
            if !self.columns.contains(&index) {
                self.columns.push(index);
            }
            return Ok(());
        }
        if SURROUNDING_NAMES
            .iter()
            .any(|surrounding| surrounding.eq_ignore_ascii_case(name))
        {
            return Err(issue(not_repeatable(name), place(node)));
        }
        let candidates = nearest(name, fields.iter().map(|field| field.name().as_str()));
        Err(ExpressionIssue {
            candidates,
            unknown_column: Some(name.to_string()),
            ..issue(format!("there is no column \"{name}\""), place(node))
        })
    }

    fn visit_function(&mut self, node: &Value) -> Result<(), ExpressionIssue> {
        let name = node["function_name"].as_str().unwrap_or_default();
        let refused = |message: String| Err(issue(message, place(node)));
        if name.eq_ignore_ascii_case("unnest") || name.eq_ignore_ascii_case("unlist") {
            return refused(format!("{name}() gives many rows; use the sql transform"));
        }
        match self.functions.refusal(name) {
            Some(Refusal::Aggregate) if self.over == Over::Group => self.visit_fields(node),
            Some(Refusal::Aggregate) => refused(format!(
                "{name}() works on many rows; use the aggregate transform"
            )),
            Some(Refusal::Table) => refused(format!("{name}() gives a table, not a value")),
            Some(Refusal::NotRepeatable) => refused(not_repeatable(name)),
            None => self.visit_fields(node),
        }
    }

    fn visit_lambda(&mut self, node: &Value) -> Result<(), ExpressionIssue> {
        let depth = self.names.len();
        let left = &node["lhs"];
        let parameters = if left["class"] == "COLUMN_REF" {
            vec![left]
        } else {
            left["children"].as_array().into_iter().flatten().collect()
        };
        let is_column = |name: &str| {
            self.schema
                .fields()
                .iter()
                .any(|field| field.name().eq_ignore_ascii_case(name))
        };
        // `document -> '$.a'` (JSON access) parses as a lambda too: a known column on the left is that column.
        let names: Vec<String> = parameters
            .iter()
            .flat_map(|parameter| names_of(parameter))
            .filter(|name| !is_column(name))
            .map(String::from)
            .collect();
        self.names.extend(names);
        let outcome = self.visit_fields(node);
        self.names.truncate(depth);
        outcome
    }
}

pub(crate) fn not_repeatable(name: &str) -> String {
    format!(
        "{name} depends on the clock, on chance or on the session, so running again would give other rows"
    )
}

/// The names closest to `wanted` by edit distance, nearest first.
fn nearest<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut scored: Vec<(usize, &str)> = names
        .map(|name| {
            (
                edit_distance(&wanted.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .collect();
    scored.sort();
    scored
        .into_iter()
        .take(CANDIDATES)
        .map(|(_, name)| name.to_string())
        .collect()
}

/// Levenshtein distance in characters. O(length²) time, O(length) memory.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances_of_textbook_words() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("flaw", "lawn"), 2);
    }

    #[test]
    fn nearest_names_come_first() {
        let names = ["flash_lon", "flash_lat", "quality_flag"];
        assert_eq!(
            nearest("flash_latt", names.into_iter()),
            ["flash_lat", "flash_lon", "quality_flag"]
        );
    }
}
