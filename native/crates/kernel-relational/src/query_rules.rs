//! What a query may read: its inputs, and nothing of the session, the files or the clock around them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use crate::connection::Connection;
use crate::cost;
use crate::error::{ExpressionIssue, RelationalError, Result};
use crate::functions::{Functions, Refusal};
use crate::order;
use crate::syntax::{SURROUNDING_NAMES, names_of, not_repeatable, serialized};

/// Table functions whose rows follow from their arguments alone. All others that DuckDB has read files, the session, or what their text
/// hides.
const TABLE_FUNCTIONS: &[&str] = &[
    "generate_series",
    "json_each",
    "json_tree",
    "range",
    "repeat",
    "repeat_row",
    "unnest",
];
/// Table functions that run what a text says.
const HIDING_FUNCTIONS: &[&str] = &[
    "histogram",
    "histogram_values",
    "json_execute_serialized_sql",
    "query",
    "query_table",
];
/// Schemas that DuckDB fills with what the session knows.
const SESSION_SCHEMAS: &[&str] = &["information_schema", "pg_catalog"];

/// Refuses what is not one SELECT that reads its inputs alone, and gives the same rows whenever it runs, before DuckDB binds it: binding
/// opens files and makes folders. `is_column` says whether a name is a column, `is_table` whether it is an input.
///
/// # Errors
/// `Query` with the first issue.
pub(crate) fn require_closed(
    connection: &Arc<Connection>,
    sql: &str,
    is_column: &dyn Fn(&str) -> bool,
    is_table: &dyn Fn(&str) -> bool,
) -> Result<()> {
    let failed = |issue| RelationalError::Query { issue };
    let Some(tree) = parsed(connection, sql)? else {
        return Ok(());
    };
    let rules = Rules {
        functions: connection.database().functions(connection)?,
        is_column,
        is_table,
        shared: shared_names(&tree),
    };
    rules.visit(&tree).map_err(failed)?;
    cost::require_cheap_query(connection, &tree).map_err(failed)
}

/// The parse tree of a SELECT; nothing for bad syntax, of which DuckDB's parser says more when it prepares.
fn parsed(connection: &Arc<Connection>, sql: &str) -> Result<Option<Value>> {
    let refused = |message: &str| {
        Err(RelationalError::Query {
            issue: issue(message.to_string(), None),
        })
    };
    if sql.contains('\0') {
        return Ok(None);
    }
    let json = serialized(connection, sql.trim_end().trim_end_matches(';'))?;
    let Ok(tree) = serde_json::from_str::<Value>(&json) else {
        return refused("the query is nested too deeply; take it apart with WITH");
    };
    if tree["error"] == false {
        return Ok(Some(tree));
    }
    if tree["error_type"] == "not implemented" {
        return refused("only a SELECT can be run here");
    }
    Ok(None)
}

/// Names of what WITH defines, anywhere in the query.
fn shared_names(node: &Value) -> HashSet<String> {
    let mut names = HashSet::new();
    collect_shared(node, &mut names);
    names
}

fn collect_shared(node: &Value, names: &mut HashSet<String>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect_shared(item, names)),
        Value::Object(fields) => {
            let defined = node["cte_map"]["map"].as_array().into_iter().flatten();
            names.extend(defined.filter_map(|entry| Some(entry["key"].as_str()?.to_lowercase())));
            fields
                .values()
                .for_each(|field| collect_shared(field, names));
        }
        _ => {}
    }
}

struct Rules<'a> {
    functions: &'a Functions,
    is_column: &'a dyn Fn(&str) -> bool,
    is_table: &'a dyn Fn(&str) -> bool,
    shared: HashSet<String>,
}

impl Rules<'_> {
    fn visit(&self, node: &Value) -> Result<(), ExpressionIssue> {
        match node {
            Value::Array(items) => items.iter().try_for_each(|item| self.visit(item)),
            Value::Object(fields) => {
                self.visit_node(node)?;
                fields.values().try_for_each(|field| self.visit(field))
            }
            _ => Ok(()),
        }
    }

    fn visit_node(&self, node: &Value) -> Result<(), ExpressionIssue> {
        if node["sample"].is_object() {
            return Err(issue(order::SAMPLE.to_string(), None));
        }
        let class = node["class"].as_str().or_else(|| node["type"].as_str());
        match class.unwrap_or_default() {
            "FUNCTION" | "WINDOW" => self.visit_function(node),
            "COLUMN_REF" => self.visit_column(node),
            "TABLE_FUNCTION" => self.visit_table_function(&node["function"]),
            "BASE_TABLE" => self.visit_table(node),
            "SHOW_REF" if node["query"].is_null() => {
                Err(issue(not_repeatable("SHOW"), place(node)))
            }
            _ => Ok(()),
        }
    }

    fn visit_function(&self, node: &Value) -> Result<(), ExpressionIssue> {
        let name = node["function_name"].as_str().unwrap_or_default();
        if self.functions.refusal(name) == Some(Refusal::NotRepeatable) {
            return Err(issue(not_repeatable(name), place(node)));
        }
        Ok(())
    }

    fn visit_column(&self, node: &Value) -> Result<(), ExpressionIssue> {
        let names = names_of(node);
        let surrounding = names.first().copied().filter(|name| {
            let mut known = SURROUNDING_NAMES.iter();
            known.any(|known| known.eq_ignore_ascii_case(name)) && !(self.is_column)(name)
        });
        match surrounding {
            Some(name) => Err(issue(not_repeatable(name), place(node))),
            None => Ok(()),
        }
    }

    fn visit_table_function(&self, function: &Value) -> Result<(), ExpressionIssue> {
        let name = function["function_name"].as_str().unwrap_or_default();
        let is_in = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if is_in(TABLE_FUNCTIONS) || !self.functions.is_table_function(name) {
            return Ok(());
        }
        let message = if is_in(HIDING_FUNCTIONS) {
            format!("{name}() runs what a text says; write the query itself")
        } else if reads_files(name) {
            format!(
                "{name}() reads files, but file system operations are disabled: a query reads its inputs only. Make the file a source"
            )
        } else {
            not_repeatable(&format!("{name}()"))
        };
        Err(issue(message, place(function)))
    }

    fn visit_table(&self, node: &Value) -> Result<(), ExpressionIssue> {
        let text = |field: &str| node[field].as_str().unwrap_or_default().to_lowercase();
        let (catalog, schema, name) = (
            text("catalog_name"),
            text("schema_name"),
            text("table_name"),
        );
        let qualifies =
            |names: &[&str]| names.contains(&schema.as_str()) || names.contains(&catalog.as_str());
        let is_known = schema.is_empty() && (self.shared.contains(&name) || (self.is_table)(&name));
        let is_session = qualifies(SESSION_SCHEMAS)
            || catalog == "system"
            || (self.functions.is_system_view(&name) && !is_known);
        if is_session {
            return Err(issue(not_repeatable(&name), place(node)));
        }
        let is_path =
            name.contains(['/', '\\', '*', '?']) || name.contains("://") || has_extension(&name);
        if is_path && schema.is_empty() && !is_known {
            let message = format!(
                "\"{name}\" names a file, but file system operations are disabled: a query reads its inputs only. Make the file a source"
            );
            return Err(issue(message, place(node)));
        }
        Ok(())
    }
}

/// Whether DuckDB takes a table's name for that of a file.
fn has_extension(name: &str) -> bool {
    let endings = [
        ".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".geojson", ".db", ".duckdb",
        ".arrow", ".arrows", ".ipc", ".feather", ".avro", ".xlsx", ".txt", ".gz", ".zst",
        ".vortex", ".shp",
    ];
    endings.iter().any(|ending| name.ends_with(ending))
}

fn reads_files(name: &str) -> bool {
    let name = name.to_lowercase();
    let starts = [
        "read_",
        "parquet_",
        "sniff_",
        "glob",
        "arrow_scan",
        "which_secret",
    ];
    starts.iter().any(|start| name.starts_with(start))
}

fn issue(message: String, position: Option<usize>) -> ExpressionIssue {
    ExpressionIssue {
        message,
        position,
        ..ExpressionIssue::default()
    }
}

/// Where a node stands in the query; DuckDB marks nodes of its own making with the largest number.
fn place(node: &Value) -> Option<usize> {
    let place = usize::try_from(node["query_location"].as_u64()?).ok()?;
    (place != usize::MAX).then_some(place)
}
