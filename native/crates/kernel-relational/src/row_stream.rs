//! Rows that come while a query runs: a bounded queue between whoever has the batches and DuckDB's scan.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::columns::{naive_schema, require_distinct_names, require_schema, retag};
use crate::error::{RelationalError, Result};
use crate::sync::lock;

/// Rows that one thread takes at a time. An input of no more rows is read by one thread in its order, whatever its batches are.
pub const MORSEL_ROWS: usize = 65_536;
/// Batches that have fewer rows on average are joined into one: DuckDB works on 2,048 rows at a time.
const SMALL_BATCH_ROWS: usize = 8_192;
/// Bytes that wait before the producer is asked to.
const WAITING_BYTES: usize = 8 << 20;

/// A queue of batches of one schema. One side pushes and ends it; the other is a query, which takes each row once.
pub struct RowStream {
    announced: SchemaRef,
    /// With naive timestamps, and with the column of row numbers if there is one.
    read: SchemaRef,
    numbered: bool,
    row_count_hint: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<RecordBatch>,
    rows: usize,
    bytes: usize,
    next_row: i64,
    ended: bool,
    abandoned: bool,
    producers: Vec<Box<dyn FnOnce() + Send>>,
}

impl State {
    fn is_full(&self) -> bool {
        self.bytes >= WAITING_BYTES && !self.abandoned
    }
}

impl RowStream {
    /// `row_number`, if given, names a further column that holds the number of each row, from 0, in the order of the pushes.
    /// `row_count_hint` is a guess from which DuckDB chooses which side of a join it keeps in memory.
    ///
    /// # Errors
    /// `AmbiguousColumns` when two names differ in case only.
    pub fn new(
        schema: &SchemaRef,
        row_number: Option<&str>,
        row_count_hint: u64,
    ) -> Result<Arc<Self>> {
        let naive = naive_schema(schema);
        let number = row_number.map(|name| Arc::new(Field::new(name, DataType::Int64, false)));
        let fields = naive.fields().iter().cloned().chain(number);
        let read = Arc::new(Schema::new(fields.collect::<Fields>()));
        require_distinct_names(&read)?;
        Ok(Arc::new(Self {
            announced: Arc::clone(schema),
            read,
            numbered: row_number.is_some(),
            row_count_hint,
            state: Mutex::default(),
            changed: Condvar::new(),
        }))
    }

    /// The columns that a query reads.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.read
    }

    pub(crate) fn row_count_hint(&self) -> u64 {
        self.row_count_hint
    }

    /// Hands rows over. Never waits: `on_room` is called, from any thread and maybe at once, when there is room for more.
    ///
    /// # Errors
    /// `BatchSchema` for a batch of other columns.
    pub fn push(&self, batch: &RecordBatch, on_room: impl FnOnce() + Send + 'static) -> Result<()> {
        require_schema(batch, &self.announced)?;
        let mut state = lock(&self.state);
        if !state.abandoned && batch.num_rows() > 0 {
            state.rows += batch.num_rows();
            state.bytes += byte_size(batch);
            state.waiting.push_back(batch.clone());
            if state.rows >= MORSEL_ROWS || state.is_full() {
                self.changed.notify_all();
            }
        }
        if state.is_full() {
            state.producers.push(Box::new(on_room));
        } else {
            drop(state);
            on_room();
        }
        Ok(())
    }

    /// No more rows will come.
    pub fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_all();
    }

    /// Nobody reads on: what waits is dropped, and so is what still comes. A scan that waits fails.
    pub(crate) fn abandon(&self) {
        let mut state = lock(&self.state);
        state.abandoned = true;
        state.waiting.clear();
        (state.rows, state.bytes) = (0, 0);
        let producers = std::mem::take(&mut state.producers);
        drop(state);
        self.changed.notify_all();
        producers.into_iter().for_each(|on_room| on_room());
    }

    /// The next rows, at least [`MORSEL_ROWS`] unless the stream ends or its queue is full, in order; waits for them. No batch at the end.
    pub(crate) fn take(&self) -> Result<Vec<RecordBatch>> {
        let mut state = lock(&self.state);
        while state.rows < MORSEL_ROWS && !state.is_full() && !state.ended && !state.abandoned {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.abandoned {
            return Err(RelationalError::Cancelled);
        }
        let (mut pieces, mut rows, mut bytes) = (Vec::new(), 0, 0);
        // However many wait by now, the same ones are taken together in every run.
        while rows < MORSEL_ROWS
            && bytes < WAITING_BYTES
            && let Some(batch) = state.waiting.pop_front()
        {
            rows += batch.num_rows();
            bytes += byte_size(&batch);
            state.bytes -= byte_size(&batch);
            pieces.push(batch);
        }
        state.rows -= rows;
        let first_row = state.next_row;
        state.next_row += rows as i64;
        let producers = if state.is_full() {
            Vec::new()
        } else {
            std::mem::take(&mut state.producers)
        };
        drop(state);
        producers.into_iter().for_each(|on_room| on_room());
        if pieces.len() > 1 && rows < pieces.len() * SMALL_BATCH_ROWS {
            pieces = vec![concat_batches(&self.announced, &pieces)?];
        }
        let mut row = first_row;
        let morsel = pieces.iter().map(|piece| {
            let read = self.readable(piece, row);
            row += piece.num_rows() as i64;
            read
        });
        morsel.collect()
    }

    /// A batch as DuckDB reads it.
    fn readable(&self, batch: &RecordBatch, first_row: i64) -> Result<RecordBatch> {
        if !self.numbered {
            return retag(batch, &self.read);
        }
        let numbers = Int64Array::from_iter_values(first_row..first_row + batch.num_rows() as i64);
        let naive = retag(batch, &naive_schema(&self.announced))?;
        let mut columns = naive.columns().to_vec();
        columns.push(Arc::new(numbers));
        Ok(RecordBatch::try_new(Arc::clone(&self.read), columns)?)
    }
}

/// Bytes of the rows, wherever else their buffers are used.
pub(crate) fn byte_size(batch: &RecordBatch) -> usize {
    let size = |column: &arrow_array::ArrayRef| column.to_data().get_slice_memory_size();
    batch
        .columns()
        .iter()
        // A type whose slices cannot be measured counts by its buffers.
        .map(|column| size(column).unwrap_or_else(|_| column.get_array_memory_size()))
        .sum()
}
