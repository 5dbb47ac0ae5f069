//! Queries whose answer hangs on the order of their rows: `first(x)`, ties of `arg_max(x, y)`, LIMIT. Several threads meet rows in another
//! order in every run, so such a query runs on one, which reads its inputs in their order.

use std::sync::Arc;

use serde_json::Value;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::Result;
use crate::functions::{Functions, Refusal};
use crate::syntax;

/// Aggregates whose value follows from the values alone, but for the last bits of sums of floats.
const ORDER_FREE: &[&str] = &[
    "approx_count_distinct",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitstring_agg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "count_if",
    "count_star",
    "countif",
    "covar_pop",
    "covar_samp",
    "entropy",
    "favg",
    "fsum",
    "histogram",
    "histogram_exact",
    "kahan_sum",
    "kurtosis",
    "kurtosis_pop",
    "mad",
    "max",
    "mean",
    "median",
    "min",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "sem",
    "skewness",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "sum_no_overflow",
    "sumkahan",
    "var_pop",
    "var_samp",
    "variance",
];

/// Window functions that are equal for rows which their ORDER BY does not tell apart.
const RANKS: &[&str] = &[
    "WINDOW_RANK",
    "WINDOW_RANK_DENSE",
    "WINDOW_PERCENT_RANK",
    "WINDOW_CUME_DIST",
];

/// What is wrong with a sample, and what to write instead.
pub(crate) const SAMPLE: &str = "a sample depends on chance, so running again would give other rows; write a condition on a hash, such as WHERE hash(id) % 100 < 10";

/// Whether the answer of a query, beyond its own order, follows from the order of its inputs' rows; true for what is not understood.
/// Costs about 0.2 ms.
///
/// # Errors
/// `Duckdb` for a database that fails.
pub fn needs_order(database: &Arc<Database>, sql: &str) -> Result<bool> {
    let connection = Connection::open(database)?;
    let tree = syntax::query_tree(&connection, sql)?;
    let functions = database.functions(&connection)?;
    Ok(tree["error"] != false || hangs_on_order(&tree, functions))
}

fn hangs_on_order(node: &Value, functions: &Functions) -> bool {
    match node {
        Value::Array(items) => items.iter().any(|item| hangs_on_order(item, functions)),
        Value::Object(fields) => {
            is_ordered(node, functions)
                || fields
                    .values()
                    .any(|field| hangs_on_order(field, functions))
        }
        _ => false,
    }
}

fn is_ordered(node: &Value, functions: &Functions) -> bool {
    let kind = node["type"].as_str().unwrap_or_default();
    let name = || {
        node["function_name"]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
    };
    match node["class"].as_str() {
        Some("FUNCTION") => is_ordered_aggregate(&name(), functions),
        Some("WINDOW") if kind == "WINDOW_AGGREGATE" => {
            is_ordered_aggregate(&name(), functions) || counts_rows(node)
        }
        Some("WINDOW") => !RANKS.contains(&kind),
        // Texts that it does not tell apart are ties of min() and max(), and the one that DISTINCT keeps is one of several.
        Some("COLLATE") => true,
        Some(_) => false,
        None => {
            let is_on = node["distinct_on_targets"].as_array();
            let meets = node["ref_type"].as_str();
            // Its quartiles are approximate ones.
            kind == "SHOW_REF"
                || kind.starts_with("LIMIT")
                || is_on.is_some_and(|targets| !targets.is_empty())
                || matches!(meets, Some("ASOF" | "POSITIONAL"))
        }
    }
}

fn is_ordered_aggregate(name: &str, functions: &Functions) -> bool {
    functions.refusal(name) == Some(Refusal::Aggregate) && !ORDER_FREE.contains(&name)
}

/// Whether the frame of a window is a number of rows.
fn counts_rows(window: &Value) -> bool {
    ["start", "end"].iter().any(|bound| {
        let bound = window[*bound].as_str().unwrap_or_default();
        bound.ends_with("_ROWS")
    }) || !matches!(window["exclude_clause"].as_str(), None | Some("NO_OTHER"))
}
