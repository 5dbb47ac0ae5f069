//! Queries that are run again and again, as every epoch does.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::database::Database;
use crate::error::Result;
use crate::order::needs_order;
use crate::prepared_query::PreparedQuery;
use crate::query::{Cancelled, Query, QueryInput};
use crate::sync::lock;

/// How many queries wait for their next run.
const IDLE_MAX: usize = 64;
/// Texts whose need of order is known.
const TEXTS_MAX: usize = 1_024;

/// The queries of a database, prepared once: over a few rows that takes several times as long as to run them. Keeps the database open.
pub struct QueryPool {
    database: Arc<Database>,
    /// The one that ran last is the last.
    idle: Mutex<VecDeque<IdleQuery>>,
    /// Whether queries of these texts hang on the order of rows.
    ordered: Mutex<HashMap<String, bool>>,
}

struct IdleQuery {
    sql: String,
    prepared: PreparedQuery,
}

impl QueryPool {
    /// A pool without queries.
    pub fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            idle: Mutex::default(),
            ordered: Mutex::default(),
        }
    }

    /// What the queries run in.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// As [`needs_order`], found out once for a text.
    ///
    /// # Errors
    /// As [`needs_order`].
    pub fn needs_order(&self, sql: &str) -> Result<bool> {
        if let Some(known) = lock(&self.ordered).get(sql) {
            return Ok(*known);
        }
        let found = needs_order(&self.database, sql)?;
        let mut ordered = lock(&self.ordered);
        if ordered.len() >= TEXTS_MAX {
            ordered.clear();
        }
        ordered.insert(sql.to_string(), found);
        Ok(found)
    }

    /// As [`Query::run`], with what is left of an earlier query of this text over inputs of the same columns, if there is one.
    ///
    /// # Errors
    /// As [`Query::run`].
    pub fn run(&self, inputs: Vec<QueryInput>, sql: &str, cancelled: Cancelled) -> Result<Query> {
        let Some(mut prepared) = self.take(&inputs, sql) else {
            return Query::run(&self.database, inputs, sql, cancelled);
        };
        prepared.set_inputs(inputs);
        Query::run_again(prepared, cancelled)
    }

    /// Takes a query of this text back. One that was not read to its end, or that cannot be run again, is dropped.
    pub fn give_back(&self, sql: String, query: Query) {
        let Some(prepared) = query.into_prepared() else {
            return;
        };
        let mut idle = lock(&self.idle);
        idle.push_back(IdleQuery { sql, prepared });
        let oldest = (idle.len() > IDLE_MAX).then(|| idle.pop_front());
        drop(idle);
        drop(oldest);
    }

    fn take(&self, inputs: &[QueryInput], sql: &str) -> Option<PreparedQuery> {
        let mut idle = lock(&self.idle);
        let fits = |query: &IdleQuery| query.sql == sql && query.prepared.takes(inputs);
        let index = idle.iter().rposition(fits)?;
        idle.remove(index).map(|query| query.prepared)
    }
}
