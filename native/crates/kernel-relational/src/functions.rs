//! Which functions an expression may call: those whose result follows from their arguments alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;

use crate::connection::Connection;
use crate::error::Result;

/// Why a name cannot be called in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Works on many rows.
    Aggregate,
    /// Gives rows, or reads files.
    Table,
    /// Depends on the clock, on chance or on the session: a replay would give other rows.
    NotRepeatable,
}

/// Functions and macros that DuckDB declares consistent although they read the clock, the session or its settings, or draw at random.
const READS_SURROUNDINGS: &[&str] = &[
    "ago",
    "current_catalog",
    "current_connection_id",
    "current_database",
    "current_localtime",
    "current_localtimestamp",
    "current_query",
    "current_query_id",
    "current_role",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_user",
    "get_block_size",
    "getenv",
    "getvariable",
    "in_search_path",
    "json_execute_serialized_sql",
    "json_serialize_plan",
    "reservoir_quantile",
    "session_user",
    "txid_current",
    "user",
    "write_log",
];

/// DuckDB's functions by lower-case name.
pub(crate) struct Functions {
    refusals: HashMap<String, Option<Refusal>>,
    /// Those of DuckDB's own that give tables.
    tables: HashSet<String>,
    /// Views that show what the session knows.
    views: HashSet<String>,
}

impl Functions {
    /// Reads the catalogue of the connection's database.
    pub(crate) fn read(connection: &Arc<Connection>) -> Result<Self> {
        let (_, batches) = connection.query(
            "SELECT lower(function_name), min(CASE \
               WHEN function_type = 'macro' AND schema_name = 'pg_catalog' \
                 AND function_name NOT IN ('pg_typeof', 'pg_size_pretty', 'format_type', 'format_pg_type') THEN 1 \
               WHEN function_type IN ('scalar', 'macro') AND coalesce(stability, 'CONSISTENT') = 'CONSISTENT' THEN 0 \
               WHEN function_type IN ('scalar', 'macro') THEN 1 WHEN function_type = 'aggregate' THEN 2 ELSE 3 END)::INTEGER \
             FROM duckdb_functions() WHERE function_type <> 'pragma' GROUP BY 1",
        )?;
        let mut refusals = HashMap::new();
        for batch in &batches {
            let kinds = batch
                .column(1)
                .as_primitive::<arrow_array::types::Int32Type>();
            for (name, kind) in batch.column(0).as_string::<i32>().iter().zip(kinds) {
                let refusal = match kind {
                    Some(0) => None,
                    Some(1) => Some(Refusal::NotRepeatable),
                    Some(2) => Some(Refusal::Aggregate),
                    _ => Some(Refusal::Table),
                };
                refusals.insert(name.unwrap_or_default().to_string(), refusal);
            }
        }
        for name in READS_SURROUNDINGS {
            refusals.insert((*name).to_string(), Some(Refusal::NotRepeatable));
        }
        let names = |sql: &str| -> Result<HashSet<String>> {
            let (_, batches) = connection.query(sql)?;
            let columns = batches
                .iter()
                .map(|batch| batch.column(0).as_string::<i32>());
            Ok(columns
                .flat_map(|names| names.iter().flatten().map(String::from))
                .collect())
        };
        Ok(Self {
            refusals,
            tables: names(
                "SELECT DISTINCT lower(function_name) FROM duckdb_functions() \
                 WHERE function_type IN ('table', 'table_macro') AND internal",
            )?,
            views: names("SELECT DISTINCT lower(view_name) FROM duckdb_views() WHERE internal")?,
        })
    }

    /// Whether DuckDB itself has a function of the name that gives a table.
    pub(crate) fn is_table_function(&self, name: &str) -> bool {
        self.tables.contains(&name.to_lowercase())
    }

    /// Whether DuckDB itself has a view of the lower-case name, which shows what the session knows.
    pub(crate) fn is_system_view(&self, name: &str) -> bool {
        self.views.contains(name)
    }

    /// Why `name` is refused, if it is. Names that DuckDB does not know are left to its binder, which offers candidates.
    pub(crate) fn refusal(&self, name: &str) -> Option<Refusal> {
        self.refusals.get(&name.to_lowercase()).copied().flatten()
    }
}
