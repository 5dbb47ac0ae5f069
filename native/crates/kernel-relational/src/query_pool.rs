//! Queries that are run again and again, as every epoch does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::database::Database;
use crate::error::Result;
use crate::prepared_query::PreparedQuery;
use crate::query::{Cancelled, Query, QueryInput};
use crate::sync::lock;

/// How many queries wait for their next run.
const IDLE_MAX: usize = 64;

/// The queries of a database, prepared once: over a few rows that takes several times as long as to run them. Keeps the database open.
pub struct QueryPool {
    database: Arc<Database>,
    /// The one that ran last is the last.
    idle: Mutex<VecDeque<IdleQuery>>,
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
        }
    }

    /// What the queries run in.
    pub fn database(&self) -> &Arc<Database> {
        &self.database
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
