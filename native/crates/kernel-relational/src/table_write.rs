//! Writing a table exactly once per epoch.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_schema::{Schema, SchemaRef};

use crate::columns::{require_distinct_names, require_schema};
use crate::connection::Connection;
use crate::database::Database;
use crate::error::{RelationalError, Result};
use crate::inputs::Registration;
use crate::ledger::{self, LEDGER_TABLE, LedgerKey};
use crate::quote;

/// What happens to the rows that a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// They stay.
    Append,
    /// They go, in the same transaction.
    Replace,
}

/// Where rows go and which epoch they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableWrite {
    /// `table` or `schema.table`. The parts are names, not SQL: any character but the dot may stand in them.
    pub table: String,
    pub ledger: LedgerKey,
    pub mode: WriteMode,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Rows of this epoch in the table, written now or before.
    pub rows: u64,
    /// Whether the ledger had the epoch already, so that nothing was done.
    pub already_written: bool,
}

/// Writes the rows of one epoch in one transaction: creates the table (and its schema) if it is missing, inserts the rows in order, enters the epoch in
/// the table `sferic_ledger`. An epoch that is in the ledger is not written again. After it returns, the rows survive a crash and are
/// visible to readers; before, nothing of them is.
///
/// Columns are matched by name. A new table has DuckDB's type for each Arrow type; zoned timestamps become naive timestamps in UTC of
/// their unit (`timestamp[ns, UTC]` becomes `TIMESTAMP_NS`, exact). Writes to one database wait for each other. No copy of the rows is
/// made in memory.
///
/// # Errors
/// `TableMismatch` names the columns that do not fit an existing table; `UnsupportedType`, `AmbiguousColumns`, `BatchSchema`;
/// `DiskFull`, `MemoryLimit`; `Duckdb` for constraints that the table has. After an error nothing is written.
pub fn write_table(
    database: &Arc<Database>,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    write: &TableWrite,
) -> Result<WriteOutcome> {
    require_distinct_names(schema)?;
    batches
        .iter()
        .try_for_each(|batch| require_schema(batch, schema))?;
    let table = TableName::parse(&write.table)?;
    let _alone = database.lock_for_writing();
    let connection = Connection::open(database)?;
    let input = database.inputs().register(schema)?;
    input.set(batches)?;
    connection.execute("BEGIN TRANSACTION")?;
    let written = write_in_transaction(&connection, schema, &input, &table, write);
    let outcome = written.and_then(|outcome| connection.execute("COMMIT").map(|()| outcome));
    if outcome.is_err() {
        // A failed COMMIT has rolled back already; the first error is the one to tell.
        let _ = connection.execute("ROLLBACK");
    }
    outcome
}

fn write_in_transaction(
    connection: &Arc<Connection>,
    schema: &Schema,
    input: &Registration,
    table: &TableName,
    write: &TableWrite,
) -> Result<WriteOutcome> {
    ledger::create(connection)?;
    if let Some(rows) = ledger::written_rows(connection, &write.ledger)? {
        return Ok(WriteOutcome {
            rows,
            already_written: true,
        });
    }
    if let Some(schema) = &table.schema {
        connection.execute(&format!(
            "CREATE SCHEMA IF NOT EXISTS {}",
            quote::identifier(schema)
        ))?;
    }
    let announced = columns_of(connection, &format!("SELECT * FROM {}", input.sql()))?;
    connection.execute(&format!(
        "CREATE TABLE IF NOT EXISTS {} AS SELECT * FROM {} LIMIT 0",
        table.sql(),
        input.sql()
    ))?;
    table.require(connection, &announced)?;
    if write.mode == WriteMode::Replace {
        connection.execute(&format!("DELETE FROM {}", table.sql()))?;
    }
    let rows = insert(connection, schema, input, table)?;
    ledger::record(connection, &write.ledger, rows, &write.table)?;
    Ok(WriteOutcome {
        rows,
        already_written: false,
    })
}

fn insert(
    connection: &Arc<Connection>,
    schema: &Schema,
    input: &Registration,
    table: &TableName,
) -> Result<u64> {
    if schema.fields().is_empty() {
        return Ok(0);
    }
    let (_, counts) = connection.query(&format!(
        "INSERT INTO {} BY NAME SELECT * FROM {}",
        table.sql(),
        input.sql()
    ))?;
    let count = counts.first().map(|batch| {
        batch
            .column(0)
            .as_primitive::<arrow_array::types::Int64Type>()
            .value(0)
    });
    Ok(count
        .and_then(|count| u64::try_from(count).ok())
        .unwrap_or_default())
}

/// The number of rows of a table (`table` or `schema.table`).
///
/// # Errors
/// `Duckdb` when there is no such table.
pub fn count_rows(database: &Arc<Database>, table: &str) -> Result<u64> {
    let connection = Connection::open(database)?;
    let sql = format!(
        "SELECT count(*)::UBIGINT FROM {}",
        TableName::parse(table)?.sql()
    );
    Ok(ledger::first_number(&connection, &sql)?.unwrap_or_default())
}

struct TableName {
    schema: Option<String>,
    table: String,
}

impl TableName {
    fn parse(name: &str) -> Result<Self> {
        let parts: Vec<&str> = name.split('.').collect();
        let refused = |reason: &str| RelationalError::TableMismatch {
            table: format!("{name:?}"),
            differences: vec![reason.to_string()],
        };
        if parts.iter().any(|part| part.is_empty()) || name.contains('\0') || parts.len() > 2 {
            return Err(refused("a table is named \"table\" or \"schema.table\""));
        }
        let table = parts[parts.len() - 1].to_string();
        if table.eq_ignore_ascii_case(LEDGER_TABLE) {
            return Err(refused("this table is the ledger of what was written"));
        }
        let schema = (parts.len() == 2).then(|| parts[0].to_string());
        Ok(Self { schema, table })
    }

    fn sql(&self) -> String {
        format!(
            "{}.{}",
            quote::identifier(self.schema.as_deref().unwrap_or("main")),
            quote::identifier(&self.table)
        )
    }

    /// Checks that the table has exactly the announced columns, in any order.
    fn require(&self, connection: &Arc<Connection>, announced: &[(String, String)]) -> Result<()> {
        let existing = columns_of(connection, &format!("SELECT * FROM {}", self.sql()))?;
        let find = |columns: &[(String, String)], name: &str| {
            columns
                .iter()
                .find(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, kind)| kind.clone())
        };
        let mut differences = Vec::new();
        for (name, kind) in announced {
            match find(&existing, name) {
                None => differences.push(format!("it has no column \"{name}\" ({kind})")),
                Some(existing) if existing != *kind => differences.push(format!(
                    "column \"{name}\" is {existing} in the table and {kind} in the rows"
                )),
                Some(_) => {}
            }
        }
        for (name, kind) in &existing {
            if find(announced, name).is_none() {
                differences.push(format!("the rows have no column \"{name}\" ({kind})"));
            }
        }
        if differences.is_empty() {
            Ok(())
        } else {
            Err(RelationalError::TableMismatch {
                table: self.sql(),
                differences,
            })
        }
    }
}

/// Names and SQL types of the columns of a query.
fn columns_of(connection: &Arc<Connection>, select: &str) -> Result<Vec<(String, String)>> {
    let (_, batches) = connection.query(&format!("DESCRIBE {select}"))?;
    let columns = batches.iter().flat_map(|batch| {
        let (names, types) = (
            batch.column(0).as_string::<i32>().clone(),
            batch.column(1).as_string::<i32>().clone(),
        );
        (0..batch.num_rows())
            .map(move |row| (names.value(row).to_string(), types.value(row).to_string()))
    });
    Ok(columns.collect())
}
