//! The ledger: which epochs of which sinks a database holds. It is written in the same transaction as the rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::Result;
use crate::quote;

/// The ledger's table, in the database's main schema.
pub const LEDGER_TABLE: &str = "sferic_ledger";

/// One epoch of one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerKey {
    pub pipeline: String,
    pub sink: String,
    pub epoch: u64,
}

/// The newest epoch that a sink has written, or nothing when it has written none.
///
/// # Errors
/// What DuckDB fails with.
pub fn ledger_epoch(database: &Arc<Database>, pipeline: &str, sink: &str) -> Result<Option<u64>> {
    let connection = Connection::open(database)?;
    if !exists(&connection)? {
        return Ok(None);
    }
    let condition = format!(
        "pipeline = {} AND sink = {}",
        quote::text(pipeline),
        quote::text(sink)
    );
    first_number(
        &connection,
        &format!("SELECT max(epoch) FROM main.{LEDGER_TABLE} WHERE {condition}"),
    )
}

/// The rows that an epoch wrote, or nothing when it is not in the ledger.
pub(crate) fn written_rows(connection: &Arc<Connection>, key: &LedgerKey) -> Result<Option<u64>> {
    let condition = format!(
        "pipeline = {} AND sink = {} AND epoch = {}",
        quote::text(&key.pipeline),
        quote::text(&key.sink),
        key.epoch
    );
    first_number(
        connection,
        &format!("SELECT row_count FROM main.{LEDGER_TABLE} WHERE {condition}"),
    )
}

pub(crate) fn create(connection: &Arc<Connection>) -> Result<()> {
    connection.execute(&format!(
        "CREATE TABLE IF NOT EXISTS main.{LEDGER_TABLE} (pipeline VARCHAR NOT NULL, sink VARCHAR NOT NULL, epoch UBIGINT NOT NULL, \
         row_count UBIGINT NOT NULL, table_name VARCHAR NOT NULL, PRIMARY KEY (pipeline, sink, epoch))"
    ))
}

pub(crate) fn record(
    connection: &Arc<Connection>,
    key: &LedgerKey,
    rows: u64,
    table: &str,
) -> Result<()> {
    let (pipeline, sink, table) = (
        quote::text(&key.pipeline),
        quote::text(&key.sink),
        quote::text(table),
    );
    connection.execute(&format!(
        "INSERT INTO main.{LEDGER_TABLE} VALUES ({pipeline}, {sink}, {}, {rows}, {table})",
        key.epoch
    ))
}

fn exists(connection: &Arc<Connection>) -> Result<bool> {
    let found = first_number(
        connection,
        &format!(
            "SELECT count(*)::UBIGINT FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' AND table_name = {}",
            quote::text(LEDGER_TABLE)
        ),
    )?;
    Ok(found != Some(0))
}

/// The first value of a query that gives at most one unsigned number.
pub(crate) fn first_number(connection: &Arc<Connection>, sql: &str) -> Result<Option<u64>> {
    let (_, batches) = connection.query(sql)?;
    Ok(batches.first().and_then(|batch| {
        batch
            .column(0)
            .as_primitive::<UInt64Type>()
            .iter()
            .next()
            .flatten()
    }))
}
