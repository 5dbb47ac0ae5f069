//! Queries of `kernel-relational` over rows that JavaScript hands over while they run.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arrow_array::RecordBatch;
use kernel_relational::{Query, QueryInput, QueryRows, RowStream, needs_order};
use napi::bindgen_prelude::Object;
use napi::{Env, JsDeferred};
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Failure, Result};
use crate::relational::{QueriesOf, memory_database, memory_queries, open};
use crate::schema::{NativeColumn, from_columns};
use crate::work::guarded;

/// Batches of the answer that wait for JavaScript before the query does.
const ANSWERS_WAITING: usize = 2;

/// A table that a query names, whose rows are still to come.
#[napi(object)]
pub struct NativeQueryInput {
    pub name: String,
    pub columns: Vec<NativeColumn>,
    /// Name of a further column, int64, with the number of each row from 0.
    pub row_number: Option<String>,
    /// A guess: DuckDB keeps the smaller side of a join.
    pub row_count_hint: f64,
}

type Resolver<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;
type Deferred<T> = JsDeferred<T, Resolver<T>>;

/// A query that runs on a thread of its own.
#[napi]
pub struct NativeQuery {
    inputs: HashMap<String, Arc<RowStream>>,
    answers: Arc<Answers>,
    closed: Arc<AtomicBool>,
}

#[napi]
impl NativeQuery {
    /// Hands rows over; the batch stays open. The promise resolves when there is room for more, or nobody reads on.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn push<'e>(
        &self,
        env: &'e Env,
        name: String,
        batch: &NativeBatch,
    ) -> napi::Result<Object<'e>> {
        let stream = self.input(&name)?;
        let (deferred, promise) = env.create_deferred::<(), Resolver<()>>()?;
        let on_room = move || deferred.resolve(Box::new(|_| Ok(())));
        stream.push(batch.rows()?, on_room).map_err(Failure::from)?;
        Ok(promise)
    }

    /// No more rows of an input.
    #[napi]
    pub fn end(&self, name: String) -> napi::Result<()> {
        self.input(&name)?.end();
        Ok(())
    }

    /// The next rows of the answer, or null at the end. One call at a time.
    #[napi(ts_return_type = "Promise<NativeBatch | null>")]
    pub fn next<'e>(&self, env: &'e Env) -> napi::Result<Object<'e>> {
        let (deferred, promise) = env.create_deferred()?;
        self.answers.ask(deferred);
        Ok(promise)
    }

    /// Stops the query soon; what was asked of it ends.
    #[napi]
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.answers.close();
    }

    fn input(&self, name: &str) -> Result<&Arc<RowStream>> {
        let unknown = || Failure::internal(format!("the query has no input {name:?}"));
        self.inputs.get(name).ok_or_else(unknown)
    }
}

impl Drop for NativeQuery {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether the answer of a query, beyond its own order, depends on the order of its inputs' rows.
#[napi]
pub fn query_depends_on_order(sql: String) -> napi::Result<bool> {
    Ok(guarded(|| Ok(needs_order(&memory_database()?, &sql)?))?)
}

/// Starts one SELECT, over the tables of the file `database` if there is one. What it must keep spills below `temp_directory`. `columns` says what the answer's columns are called and what their zones, units and nulls are. Its failures are told
/// by `next`. An `ordered` query runs on one thread, so that its rows come in the same order in every run; by default one whose
/// answer hangs on the order of its rows.
#[napi]
pub fn start_query(
    inputs: Vec<NativeQueryInput>,
    sql: String,
    columns: Vec<NativeColumn>,
    memory_bytes: Option<f64>,
    database: Option<String>,
    temp_directory: String,
    ordered: Option<bool>,
) -> napi::Result<NativeQuery> {
    let (answers, closed) = (
        Arc::new(Answers::default()),
        Arc::new(AtomicBool::new(false)),
    );
    let (named, streams) = streams_of(inputs)?;
    let schema = from_columns(&columns)?;
    let query = NativeQuery {
        inputs: streams,
        answers: Arc::clone(&answers),
        closed: Arc::clone(&closed),
    };
    std::thread::spawn(move || {
        let outcome = guarded(|| {
            let cancelled = Arc::new(move || closed.load(Ordering::Relaxed));
            if let Some(path) = database {
                let query =
                    Query::run(&open(&path, Some(temp_directory))?, named, &sql, cancelled)?;
                return answers.give(&mut query.with_schema(schema)?);
            }
            let mut of = QueriesOf {
                temp_directory: temp_directory.into(),
                memory_bytes: memory_bytes.map(|bytes| bytes as u64),
                ordered: false,
            };
            let mut pool = memory_queries(of.clone())?;
            of.ordered = ordered.map_or_else(|| pool.needs_order(&sql), Ok)?;
            if of.ordered {
                pool = memory_queries(of)?;
            }
            let mut query = pool.run(named, &sql, cancelled)?.with_schema(schema)?;
            answers.give(&mut query)?;
            pool.give_back(sql, query);
            Ok(())
        });
        answers.finish(outcome);
    });
    Ok(query)
}

type Streams = HashMap<String, Arc<RowStream>>;

fn streams_of(inputs: Vec<NativeQueryInput>) -> Result<(Vec<QueryInput>, Streams)> {
    let (mut named, mut streams) = (Vec::new(), HashMap::new());
    for input in inputs {
        let schema = from_columns(&input.columns)?;
        let row_number = input.row_number.as_deref();
        let stream = RowStream::new(&schema, row_number, input.row_count_hint as u64)?;
        streams.insert(input.name.clone(), Arc::clone(&stream));
        named.push(QueryInput {
            name: input.name,
            schema,
            rows: QueryRows::Stream(stream),
        });
    }
    Ok((named, streams))
}

/// The rows of an answer on their way from the query's thread to JavaScript.
#[derive(Default)]
struct Answers {
    state: Mutex<AnswersState>,
    taken: Condvar,
}

#[derive(Default)]
struct AnswersState {
    ready: VecDeque<RecordBatch>,
    asked: Option<Deferred<Option<NativeBatch>>>,
    outcome: Option<Result<()>>,
    closed: bool,
}

impl Answers {
    /// Passes a query's rows on, and waits while JavaScript does not take them.
    fn give(&self, query: &mut Query) -> Result<()> {
        for rows in query {
            let rows = rows?;
            let mut state = self.lock();
            while state.ready.len() >= ANSWERS_WAITING && !state.closed {
                state = self
                    .taken
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.ready.push_back(rows);
            state.answer();
        }
        Ok(())
    }

    fn finish(&self, outcome: Result<()>) {
        let mut state = self.lock();
        state.outcome = Some(outcome);
        state.answer();
    }

    fn ask(&self, deferred: Deferred<Option<NativeBatch>>) {
        let mut state = self.lock();
        state.asked = Some(deferred);
        state.answer();
        drop(state);
        self.taken.notify_one();
    }

    fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.ready.clear();
        drop(state);
        self.taken.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, AnswersState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnswersState {
    /// Settles the promise that waits, if there is something to settle it with.
    fn answer(&mut self) {
        if self.ready.is_empty() && self.outcome.is_none() {
            return;
        }
        let Some(deferred) = self.asked.take() else {
            return;
        };
        match (self.ready.pop_front(), &mut self.outcome) {
            (Some(rows), _) => deferred.resolve(Box::new(|_| Ok(Some(NativeBatch::new(rows))))),
            (None, Some(outcome)) => match std::mem::replace(outcome, Ok(())) {
                Ok(()) => deferred.resolve(Box::new(|_| Ok(None))),
                Err(failure) => deferred.reject(failure.into()),
            },
            (None, None) => unreachable!("checked above"),
        }
    }
}
