//! Which functions an expression may call: those whose result follows from their arguments alone.

use std::collections::HashMap;
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
    "current_localtime",
    "current_localtimestamp",
    "current_role",
    "current_setting",
    "current_user",
    "get_block_size",
    "getvariable",
    "json_execute_serialized_sql",
    "json_serialize_plan",
    "reservoir_quantile",
    "session_user",
    "user",
];

/// DuckDB's functions by lower-case name.
pub(crate) struct Functions {
    refusals: HashMap<String, Option<Refusal>>,
}

impl Functions {
    /// Reads the catalogue of the connection's database.
    pub(crate) fn read(connection: &Arc<Connection>) -> Result<Self> {
        let (_, batches) = connection.query(
            "SELECT lower(function_name), min(CASE \
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
        Ok(Self { refusals })
    }

    /// Why `name` is refused, if it is. Names that DuckDB does not know are left to its binder, which offers candidates.
    pub(crate) fn refusal(&self, name: &str) -> Option<Refusal> {
        self.refusals.get(&name.to_lowercase()).copied().flatten()
    }
}
