//! Writing a table exactly once per epoch.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_schema::{Schema, SchemaRef};

use crate::columns::{is_zoned, require_distinct_names, require_schema};
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
/// Columns are matched by name. A new table has DuckDB's type for each Arrow type: zoned timestamps are moments, `TIMESTAMP WITH TIME
/// ZONE`, but in nanoseconds, of which that type would lose digits, `TIMESTAMP_NS` in UTC. A table whose column is the naive timestamp
/// of the same unit takes a moment as its time in UTC; one with `TIMESTAMP WITH TIME ZONE` takes nanoseconds that are whole
/// microseconds. Writes to one database wait for each other. No copy of the rows is
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
    let rows = Rows {
        schema,
        moments: database.inputs().register_moments(schema)?,
        naive: database.inputs().register(schema)?,
    };
    rows.moments.set(batches)?;
    rows.naive.set(batches)?;
    connection.execute("BEGIN TRANSACTION")?;
    let written = write_in_transaction(&connection, &rows, &table, write);
    let outcome = written.and_then(|outcome| connection.execute("COMMIT").map(|()| outcome));
    if outcome.is_err() {
        // A failed COMMIT has rolled back already; the first error is the one to tell.
        let _ = connection.execute("ROLLBACK");
    }
    outcome
}

/// The rows of an epoch as two inputs.
struct Rows<'s> {
    schema: &'s Schema,
    /// With `TIMESTAMP WITH TIME ZONE` where that loses nothing.
    moments: Registration,
    /// With naive timestamps only.
    naive: Registration,
}

/// What an INSERT reads: an input and an expression for each of its columns.
struct Selected<'r> {
    input: &'r Registration,
    columns: Vec<String>,
}

impl Rows<'_> {
    /// The columns as the table has them.
    ///
    /// # Errors
    /// `TableMismatch`.
    fn select(&self, connection: &Arc<Connection>, table: &TableName) -> Result<Selected<'_>> {
        let announced = columns_of(connection, &self.moments)?;
        let naive = columns_of(connection, &self.naive)?;
        let existing = described(connection, &format!("SELECT * FROM {}", table.sql()))?;
        let kind_in_table = |name: &str| kind_of(&existing, name).unwrap_or_default();
        let is_naive = |(name, kind): &(String, String)| {
            kind_of(&announced, name) != Some(kind.as_str()) && kind_in_table(name) == kind
        };
        let takes_naive = naive.iter().any(is_naive);
        let (mut columns, mut kinds) = (Vec::new(), Vec::new());
        for ((name, kind), field) in announced.iter().zip(self.schema.fields()) {
            let (quoted, stored) = (quote::identifier(name), kind_in_table(name));
            let is_nanoseconds = is_zoned(field.data_type()) && kind == "TIMESTAMP_NS";
            if is_nanoseconds && stored == MOMENT {
                columns.push(whole_microseconds(name));
                kinds.push((name.clone(), MOMENT.to_owned()));
            } else if is_naive(&(
                name.clone(),
                kind_of(&naive, name).unwrap_or_default().to_owned(),
            )) {
                columns.push(quoted);
                kinds.push((name.clone(), stored.to_owned()));
            } else {
                let is_cast = takes_naive && is_zoned(field.data_type());
                columns.push(if is_cast {
                    format!("CAST({quoted} AS {kind}) AS {quoted}")
                } else {
                    quoted
                });
                kinds.push((name.clone(), kind.clone()));
            }
        }
        table.require(&existing, &kinds)?;
        let input = if takes_naive {
            &self.naive
        } else {
            &self.moments
        };
        Ok(Selected { input, columns })
    }
}

/// DuckDB's name of its type for moments.
const MOMENT: &str = "TIMESTAMP WITH TIME ZONE";

/// A column in nanoseconds as moments, or an error where they have digits below a microsecond.
fn whole_microseconds(name: &str) -> String {
    let quoted = quote::identifier(name);
    let message = format!(
        "column {quoted} has a time in nanoseconds, which {MOMENT} in the table cannot hold; round it in a select before"
    );
    let (refused, kept) = (
        quote::text(&message),
        format!("CAST({quoted} AS TIMESTAMP)"),
    );
    format!(
        "CASE WHEN epoch_ns({quoted}) % 1000 <> 0 THEN CAST(error({refused}) AS TIMESTAMPTZ) ELSE CAST({kept} AS TIMESTAMPTZ) END AS {quoted}"
    )
}

fn write_in_transaction(
    connection: &Arc<Connection>,
    rows: &Rows<'_>,
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
    connection.execute(&format!(
        "CREATE TABLE IF NOT EXISTS {} AS SELECT * FROM {} LIMIT 0",
        table.sql(),
        rows.moments.sql()
    ))?;
    let selected = rows.select(connection, table)?;
    if write.mode == WriteMode::Replace {
        connection.execute(&format!("DELETE FROM {}", table.sql()))?;
    }
    let rows = insert(connection, &selected, table)?;
    ledger::record(connection, &write.ledger, rows, &write.table)?;
    Ok(WriteOutcome {
        rows,
        already_written: false,
    })
}

fn insert(
    connection: &Arc<Connection>,
    Selected { input, columns }: &Selected<'_>,
    table: &TableName,
) -> Result<u64> {
    if columns.is_empty() {
        return Ok(0);
    }
    let (_, counts) = connection.query(&format!(
        "INSERT INTO {} BY NAME SELECT {} FROM {}",
        table.sql(),
        columns.join(", "),
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
    fn require(&self, existing: &[(String, String)], announced: &[(String, String)]) -> Result<()> {
        let mut differences = Vec::new();
        for (name, kind) in announced {
            match kind_of(existing, name) {
                None => differences.push(format!("it has no column \"{name}\" ({kind})")),
                Some(existing) if existing != kind && !widens(kind, existing) => differences.push(
                    format!("column \"{name}\" is {existing} in the table and {kind} in the rows"),
                ),
                Some(_) => {}
            }
        }
        for (name, kind) in existing {
            if kind_of(announced, name).is_none() {
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

/// Whether a table may have the wider type: sums of integers were decimals once.
fn widens(rows: &str, table: &str) -> bool {
    (rows, table) == ("BIGINT", "DECIMAL(38,0)")
}

/// The SQL type of the column of that name.
fn kind_of<'c>(columns: &'c [(String, String)], name: &str) -> Option<&'c str> {
    let mut columns = columns.iter();
    let found = columns.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, kind)| kind.as_str())
}

/// Names and SQL types of the columns of an input.
fn columns_of(connection: &Arc<Connection>, input: &Registration) -> Result<Vec<(String, String)>> {
    described(connection, &format!("SELECT * FROM {}", input.sql()))
}

/// Names and SQL types of the columns of a query.
fn described(connection: &Arc<Connection>, select: &str) -> Result<Vec<(String, String)>> {
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
