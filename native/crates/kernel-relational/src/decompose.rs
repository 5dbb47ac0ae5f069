//! Measures as partial aggregates that can be merged, and an expression over them.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema};
use serde_json::{Value, json};

use crate::connection::Connection;
use crate::database::Database;
use crate::error::{ExpressionIssue, RelationalError, Result};
use crate::expression::check_measure;
use crate::functions::Refusal;
use crate::integer_sums::IntegerSums;
use crate::partials::{Merge, Partials};
use crate::quote;
use crate::syntax;

/// A partial aggregate of a group's rows.
#[derive(Debug, Clone)]
pub struct Partial {
    /// SQL over the rows of a group.
    pub expression: String,
    /// Its column, under the name that [`Decomposition::finals`] use.
    pub field: Field,
    pub merge: Merge,
}

/// What measures are made of.
#[derive(Debug, Clone, Default)]
pub struct Decomposition {
    /// What an epoch computes and a state keeps.
    pub partials: Vec<Partial>,
    /// Per measure, SQL over the partials and the group's columns.
    pub finals: Vec<String>,
}

/// Takes measures, which [`check_measure`] has found to be right, apart: `avg(x)` is a sum and a count.
///
/// # Errors
/// `Expression` with the place for an aggregate whose value over all rows does not follow from those over parts of them, such as
/// `median(x)`, `count(DISTINCT x)` or `list(x)`, and for sums of intervals and the like.
pub fn decompose_measures(
    database: &Arc<Database>,
    schema: &Schema,
    group_by: &[&str],
    measures: &[String],
) -> Result<Decomposition> {
    let connection = Connection::open(database)?;
    let mut taking = Taking {
        database,
        connection,
        schema,
        group_by,
        found: Decomposition::default(),
    };
    for measure in measures {
        let mut root = syntax::root(&taking.connection, measure)?;
        taking.visit(&mut root, measure)?;
        let text = text_of(&taking.connection, &root)?;
        taking.found.finals.push(text);
    }
    Ok(taking.found)
}

struct Taking<'a> {
    database: &'a Arc<Database>,
    connection: Arc<Connection>,
    schema: &'a Schema,
    group_by: &'a [&'a str],
    found: Decomposition,
}

impl Taking<'_> {
    /// Replaces every aggregate in a tree by what its partials give.
    fn visit(&mut self, node: &mut Value, measure: &str) -> Result<()> {
        if self.is_aggregate(node)? {
            *node = self.take(node, measure)?;
            return Ok(());
        }
        match node {
            Value::Array(items) => items
                .iter_mut()
                .try_for_each(|item| self.visit(item, measure)),
            Value::Object(fields) => fields
                .values_mut()
                .try_for_each(|field| self.visit(field, measure)),
            _ => Ok(()),
        }
    }

    fn is_aggregate(&self, node: &Value) -> Result<bool> {
        let functions = self.database.functions(&self.connection)?;
        let name = node["function_name"].as_str();
        Ok(node["class"] == "FUNCTION"
            && name.is_some_and(|name| functions.refusal(name) == Some(Refusal::Aggregate)))
    }

    fn take(&mut self, node: &Value, measure: &str) -> Result<Value> {
        let name = node["function_name"].as_str().unwrap_or_default();
        let ordered = node["order_bys"]["orders"]
            .as_array()
            .is_some_and(|orders| !orders.is_empty());
        let arguments = node["children"].as_array().map_or(0, Vec::len);
        let refused = || not_mergeable(node, name, measure);
        let (name, is_distinct) = (name.to_lowercase(), node["distinct"] == true);
        let extreme = matches!(name.as_str(), "min" | "max" | "bool_and" | "bool_or");
        if (is_distinct && !extreme) || ordered || arguments > 1 {
            return Err(refused());
        }
        match name.as_str() {
            "count" | "count_star" | "countif" | "count_if" => {
                let count = self.partial(node, Merge::Sum, measure)?;
                // A count of no rows is 0, of sums it would be null. DuckDB counts the true ones in a wider integer.
                let wide = if name.contains("if") {
                    "HUGEINT"
                } else {
                    "BIGINT"
                };
                self.parsed(&format!("CAST(coalesce({count}, 0) AS {wide})"))
            }
            "sum" => {
                let sum = self.partial(node, Merge::Sum, measure)?;
                let whole = self.partial_type(&sum) == &DataType::Decimal128(38, 0);
                let text = if whole {
                    format!("CAST({sum} AS HUGEINT)")
                } else {
                    sum
                };
                self.parsed(&text)
            }
            "avg" | "mean" => {
                let sum = self.partial(&renamed(node, "sum"), Merge::Sum, measure)?;
                let count = self.partial(&renamed(node, "count"), Merge::Sum, measure)?;
                self.parsed(&format!("CAST({sum} AS DOUBLE) / nullif({count}, 0)"))
            }
            "min" | "bool_and" => {
                let least = self.partial(node, Merge::Least, measure)?;
                self.parsed(&least)
            }
            "max" | "bool_or" => {
                let greatest = self.partial(node, Merge::Greatest, measure)?;
                self.parsed(&greatest)
            }
            _ => Err(refused()),
        }
    }

    /// The quoted name of a partial aggregate; the one there is, if it is computed already.
    fn partial(&mut self, node: &Value, merge: Merge, measure: &str) -> Result<String> {
        let expression = text_of(&self.connection, node)?;
        let known = |partial: &&Partial| partial.expression == expression;
        if let Some(partial) = self.found.partials.iter().find(known) {
            return Ok(quote::identifier(partial.field.name()));
        }
        let field = check_measure(
            self.database,
            self.schema,
            self.group_by,
            &expression,
            // Partial sums have all their digits; the sum of them must fit.
            IntegerSums::Wide,
        )?;
        let data_type = field.data_type().clone();
        if Partials::new(&data_type, merge).is_err() {
            let name = node["function_name"].as_str().unwrap_or_default();
            return Err(not_mergeable(node, name, measure));
        }
        let name = format!("partial {}", self.found.partials.len());
        let field = Field::new(&name, data_type, true);
        self.found.partials.push(Partial {
            expression,
            field,
            merge,
        });
        Ok(quote::identifier(&name))
    }

    fn partial_type(&self, quoted: &str) -> &DataType {
        let partials = self.found.partials.iter();
        let mut named =
            partials.filter(|partial| quote::identifier(partial.field.name()) == quoted);
        named
            .next()
            .map_or(&DataType::Null, |partial| partial.field.data_type())
    }

    fn parsed(&self, text: &str) -> Result<Value> {
        syntax::root(&self.connection, text)
    }
}

fn renamed(node: &Value, name: &str) -> Value {
    let mut other = node.clone();
    other["function_name"] = json!(name);
    other
}

fn not_mergeable(node: &Value, name: &str, measure: &str) -> RelationalError {
    let distinct = if node["distinct"] == true {
        " of distinct values"
    } else {
        ""
    };
    RelationalError::Expression {
        expression: measure.to_string(),
        issue: ExpressionIssue {
            message: format!(
                "{name}(){distinct} cannot be kept from epoch to epoch; windows can have count, count_if, sum, avg, min, max, bool_and and bool_or of one value"
            ),
            position: syntax::place(node),
            ..ExpressionIssue::default()
        },
    }
}

/// The SQL of a parse tree.
pub(crate) fn text_of(connection: &Arc<Connection>, root: &Value) -> Result<String> {
    let mut tree = syntax::statement(connection, "NULL")?;
    tree["statements"][0]["node"]["select_list"][0] = root.clone();
    let text = syntax::text_of(connection, &tree)?;
    Ok(text.trim_start_matches("SELECT ").to_string())
}
