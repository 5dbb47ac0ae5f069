//! What a join of two streams remembers between epochs: the rows of both inputs that may still meet one that comes.
//!
//! A row is looked up in what came before it from the other input and is then remembered itself, so that each pair is found once,
//! by its later row (a symmetric hash join, Wilschut and Apers 1991). A bound on the distance of their times tells when no more can come.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    ArrayRef, RecordBatch, RecordBatchOptions, StringArray, StructArray, UInt32Array, UnionArray,
    new_null_array,
};
use arrow_buffer::ScalarBuffer;
use arrow_row::Rows;
use arrow_schema::{DataType, Field, Schema, SchemaRef, UnionFields, UnionMode};
use arrow_select::take::{take, take_record_batch};

use crate::error::{RelationalError, Result};
use crate::join_side::JoinSide;
use crate::lookup::LookupColumn;
use crate::row_stream::MORSEL_ROWS;
use crate::windows::{Times, time_column, units_per_ms, window_time_type};

/// One of the inputs of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinInput {
    Left,
    Right,
}

use JoinInput::{Left, Right};

impl JoinInput {
    fn name(self) -> &'static str {
        match self {
            Left => "left",
            Right => "right",
        }
    }

    fn other(self) -> Self {
        match self {
            Left => Right,
            Right => Left,
        }
    }
}

/// The rows of an input.
#[derive(Debug, Clone)]
pub struct JoinRows {
    pub schema: SchemaRef,
    /// Positions of the columns that must be equal, in the order of the other input's, and of the same types.
    pub keys: Vec<usize>,
    /// Column of the event time, a timestamp.
    pub time: String,
}

/// A join of two streams.
#[derive(Debug, Clone)]
pub struct JoinStateParams {
    pub left: JoinRows,
    pub right: JoinRows,
    /// A right row meets left rows whose time is at most this much after its own.
    pub before_ms: i64,
    /// A right row meets left rows whose time is at most this much before its own.
    pub after_ms: i64,
    /// Where the columns of the result come from.
    pub columns: Vec<LookupColumn>,
    /// Columns of the result.
    pub schema: SchemaRef,
    /// Columns of late rows: those of the result, all nullable, the name of the input, the watermark.
    pub late: SchemaRef,
}

/// How far event time has got. Milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct JoinWatermark {
    /// A row of this time or earlier is late.
    pub late_ms: i64,
    /// What late rows say about it.
    pub now_ms: i64,
}

/// Rows that take no part.
#[derive(Debug, Default)]
pub struct JoinAside {
    pub late: Option<RecordBatch>,
    /// Rows without event time; as late ones, without the watermark.
    pub invalid: Option<RecordBatch>,
}

/// Rows of two inputs that wait for their partners. An epoch costs its rows and their matches, and the rows of the same keys.
#[derive(Debug)]
pub struct JoinState {
    params: JoinStateParams,
    left: JoinSide,
    right: JoinSide,
    /// The unit of all times: that of the finer column.
    per_ms: i64,
    pending: Option<Pending>,
}

/// Rows that are being looked up.
#[derive(Debug)]
struct Pending {
    input: JoinInput,
    rows: RecordBatch,
    times: Vec<i64>,
    keys: Rows,
    row: usize,
    /// How many rows with the key of `row` have been looked at.
    seen: usize,
}

/// Rows of an input told apart, by number.
#[derive(Default)]
struct Found {
    kept: Vec<u32>,
    times: Vec<i64>,
    late: Vec<u32>,
    invalid: Vec<u32>,
}

impl JoinState {
    /// Nothing yet.
    ///
    /// # Errors
    /// `BatchSchema` for an event time that is no timestamp; `Arrow` for keys that cannot be compared.
    pub fn new(params: JoinStateParams) -> Result<Self> {
        let per_ms = |JoinRows { schema, time, .. }: &JoinRows| -> Result<i64> {
            let time = schema.field_with_name(time)?;
            Ok(units_per_ms(&window_time_type(time.data_type())?))
        };
        let per_ms = per_ms(&params.left)?.max(per_ms(&params.right)?);
        let side = |JoinRows { schema, keys, .. }: &JoinRows| {
            JoinSide::new(Arc::clone(schema), keys.clone(), per_ms)
        };
        Ok(Self {
            left: side(&params.left)?,
            right: side(&params.right)?,
            params,
            per_ms,
            pending: None,
        })
    }

    /// How many rows it remembers of both inputs.
    pub fn row_count(&self) -> usize {
        self.left.row_count() + self.right.row_count()
    }

    /// How many rows came in this epoch.
    pub fn changed_count(&self) -> usize {
        self.left.changed_count() + self.right.changed_count()
    }

    /// Bytes of memory, about.
    pub fn bytes(&self) -> usize {
        self.left.bytes() + self.right.bytes()
    }

    /// Begins an epoch: nothing has come yet.
    ///
    /// # Errors
    /// None but for a defect.
    pub fn settle(&mut self) -> Result<()> {
        self.left.settle()?;
        self.right.settle()
    }

    /// Remembers rows of an input and begins to look for their partners, which [`JoinState::next_matches`] tells; those of the rows before
    /// have been told by then. A row without a key meets nothing.
    ///
    /// # Errors
    /// `BatchSchema` for other columns than announced.
    pub fn take(
        &mut self,
        input: JoinInput,
        rows: &RecordBatch,
        watermark: Option<JoinWatermark>,
    ) -> Result<JoinAside> {
        let found = self.told_apart(input, rows, watermark)?;
        let now_ms = watermark.map_or(0, |watermark| watermark.now_ms);
        let aside = JoinAside {
            late: self.aside(input, rows, found.late, Some(now_ms))?,
            invalid: self.aside(input, rows, found.invalid, None)?,
        };
        let kept = match found.kept.len() == rows.num_rows() {
            true => rows.clone(),
            false => take_record_batch(rows, &UInt32Array::from(found.kept))?,
        };
        let side = self.side(input);
        let keys = side.keys_of(&kept)?;
        let times = found.times.clone();
        match input {
            Left => self.left.add(kept.clone(), times, &keys)?,
            Right => self.right.add(kept.clone(), times, &keys)?,
        }
        self.pending = Some(Pending {
            input,
            rows: kept,
            times: found.times,
            keys,
            row: 0,
            seen: 0,
        });
        Ok(aside)
    }

    /// Further pairs, up to 65,536, in the order of the rows that came last and for each of them in that of its partners; none at the end.
    ///
    /// # Errors
    /// None but for a defect.
    pub fn next_matches(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut pending) = self.pending.take() else {
            return Ok(None);
        };
        let (rows, partners) = self.pairs(&mut pending);
        if rows.is_empty() {
            return Ok(None);
        }
        let joined = self.joined(&pending, UInt32Array::from(rows), &partners)?;
        self.pending = Some(pending);
        Ok(Some(joined))
    }

    /// Forgets rows that no row can meet that comes after the watermark.
    pub fn close(&mut self, watermark_ms: i64) {
        let until = |distance_ms: i64| {
            let time = watermark_ms.saturating_sub(distance_ms);
            time.saturating_mul(self.per_ms)
        };
        let (left, right) = (until(self.params.after_ms), until(self.params.before_ms));
        self.left.end(left);
        self.right.end(right);
    }

    /// What is remembered, or of it what came in this epoch, in batches of up to 65,536 rows: one column `row`, which is a left one or a
    /// right one.
    ///
    /// # Errors
    /// `Arrow` for more text in one column than 2 GiB.
    pub fn snapshot(&self, is_whole: bool) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for input in [Left, Right] {
            let rows = self.side(input).snapshot(is_whole)?;
            for start in (0..rows.num_rows()).step_by(MORSEL_ROWS) {
                let count = MORSEL_ROWS.min(rows.num_rows() - start);
                batches.push(self.united(input, rows.slice(start, count))?);
            }
        }
        Ok(batches)
    }

    fn united(&self, input: JoinInput, rows: RecordBatch) -> Result<RecordBatch> {
        let count = rows.num_rows();
        let none = RecordBatch::new_empty(Arc::clone(self.side(input.other()).schema()));
        let (id, left, right) = match input {
            Left => (0, rows, none),
            Right => (1, none, rows),
        };
        let union = UnionArray::try_new(
            self.union_fields(),
            std::iter::repeat_n(id, count).collect::<ScalarBuffer<i8>>(),
            Some((0..count as i32).collect::<ScalarBuffer<i32>>()),
            vec![
                Arc::new(StructArray::from(left)),
                Arc::new(StructArray::from(right)),
            ],
        )?;
        Ok(RecordBatch::try_new(
            self.snapshot_schema(),
            vec![Arc::new(union)],
        )?)
    }

    /// Takes in a snapshot, or what came after the one before. `closed_ms` is the watermark that had been told to [`JoinState::close`].
    ///
    /// # Errors
    /// `BatchSchema` for rows of another join.
    pub fn restore(&mut self, batches: &[RecordBatch], closed_ms: Option<i64>) -> Result<()> {
        if let Some(closed) = closed_ms {
            self.close(closed);
        }
        for rows in batches {
            self.restore_batch(rows)?;
        }
        Ok(())
    }

    fn restore_batch(&mut self, rows: &RecordBatch) -> Result<()> {
        let expected = self.snapshot_schema();
        if rows.schema_ref().fields() != expected.fields() {
            return Err(RelationalError::BatchSchema {
                difference: format!("{:?} instead of {expected:?}", rows.schema_ref()),
            });
        }
        let union = rows.column(0).as_union();
        for (input, id) in [(Left, 0), (Right, 1)] {
            let part = RecordBatch::from(union.child(id).as_struct());
            let schema = Arc::clone(self.side(input).schema());
            let part = RecordBatch::try_new(schema, part.columns().to_vec())?;
            let times = self.times_of(input, &part)?;
            match input {
                Left => self.left.insert_sliced(&part, times.values.to_vec())?,
                Right => self.right.insert_sliced(&part, times.values.to_vec())?,
            }
        }
        Ok(())
    }

    fn side(&self, input: JoinInput) -> &JoinSide {
        match input {
            Left => &self.left,
            Right => &self.right,
        }
    }

    fn union_fields(&self) -> UnionFields {
        let field = |input: JoinInput| {
            let fields = self.side(input).schema().fields().clone();
            Arc::new(Field::new(input.name(), DataType::Struct(fields), false))
        };
        [(0, field(Left)), (1, field(Right))].into_iter().collect()
    }

    /// Columns of a snapshot.
    pub fn snapshot_schema(&self) -> SchemaRef {
        let union = DataType::Union(self.union_fields(), UnionMode::Dense);
        Arc::new(Schema::new(vec![Field::new("row", union, false)]))
    }

    /// The times of rows in the unit of the state.
    fn times_of(&self, input: JoinInput, rows: &RecordBatch) -> Result<Times> {
        let column = match input {
            Left => &self.params.left.time,
            Right => &self.params.right.time,
        };
        let mut times = Times::of(rows, column)?;
        let scale = self.per_ms / times.per_ms;
        if scale > 1 {
            times.values = times
                .values
                .iter()
                .map(|time| time.saturating_mul(scale))
                .collect();
        }
        Ok(times)
    }

    fn told_apart(
        &self,
        input: JoinInput,
        rows: &RecordBatch,
        watermark: Option<JoinWatermark>,
    ) -> Result<Found> {
        let times = self.times_of(input, rows)?;
        let late = watermark.map(|watermark| watermark.late_ms.saturating_mul(self.per_ms));
        let mut found = Found::default();
        for (row, time) in times.values.iter().enumerate() {
            if times.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                found.invalid.push(row as u32);
            } else if late.is_some_and(|late| *time <= late) {
                found.late.push(row as u32);
            } else if !self.side(input).has_no_key(rows, row) {
                found.kept.push(row as u32);
                found.times.push(*time);
            }
        }
        Ok(found)
    }

    fn aside(
        &self,
        input: JoinInput,
        rows: &RecordBatch,
        picked: Vec<u32>,
        watermark_ms: Option<i64>,
    ) -> Result<Option<RecordBatch>> {
        if picked.is_empty() {
            return Ok(None);
        }
        let picked = UInt32Array::from(picked);
        let (fields, count) = (self.params.late.fields(), picked.len());
        let own = self
            .params
            .columns
            .iter()
            .zip(fields)
            .map(|(column, field)| match (input, column) {
                (Left, LookupColumn::Left(own) | LookupColumn::Key(own, _))
                | (Right, LookupColumn::Right(own) | LookupColumn::Key(_, own)) => {
                    Ok(take(rows.column(*own), &picked, None)?)
                }
                _ => Ok(new_null_array(field.data_type(), count)),
            });
        let mut columns: Vec<ArrayRef> = own.collect::<Result<_>>()?;
        columns.push(Arc::new(StringArray::from(vec![input.name(); count])));
        let mut schema = Arc::clone(&self.params.late);
        if let Some(ms) = watermark_ms {
            let time = fields[columns.len()].data_type();
            let watermark = ms.saturating_mul(units_per_ms(time));
            columns.push(time_column(vec![watermark; count], time)?);
        } else {
            schema = Arc::new(schema.project(&(0..columns.len()).collect::<Vec<_>>())?);
        }
        Ok(Some(RecordBatch::try_new(schema, columns)?))
    }

    /// Numbers of pending rows and of their partners.
    fn pairs(&self, pending: &mut Pending) -> (Vec<u32>, Vec<u64>) {
        let side = self.side(pending.input.other());
        let units = |ms: i64| ms.saturating_mul(self.per_ms);
        let (before, after) = (units(self.params.before_ms), units(self.params.after_ms));
        // The times of partners, counted from the row's own.
        let (earliest, latest) = match pending.input {
            Left => (before, after),
            Right => (after, before),
        };
        let (mut rows, mut partners) = (Vec::new(), Vec::new());
        while pending.row < pending.times.len() {
            let time = pending.times[pending.row];
            let (first, last) = (time.saturating_sub(earliest), time.saturating_add(latest));
            let candidates = side.matching(pending.keys.row(pending.row).as_ref());
            for kept in &candidates[pending.seen..] {
                if rows.len() == MORSEL_ROWS {
                    return (rows, partners);
                }
                pending.seen += 1;
                if first <= kept.time && kept.time <= last {
                    rows.push(pending.row as u32);
                    partners.push(kept.number);
                }
            }
            pending.row += 1;
            pending.seen = 0;
        }
        (rows, partners)
    }

    fn joined(
        &self,
        pending: &Pending,
        rows: UInt32Array,
        partners: &[u64],
    ) -> Result<RecordBatch> {
        let other = pending.input.other();
        let of_partner = |column: &LookupColumn| match (other, column) {
            (Left, LookupColumn::Left(at)) | (Right, LookupColumn::Right(at)) => Some(*at),
            _ => None,
        };
        let positions: Vec<usize> = self.params.columns.iter().filter_map(of_partner).collect();
        let mut gathered = self.side(other).gather(partners, &positions)?.into_iter();
        let columns = self.params.columns.iter().map(|column| {
            let own = match (pending.input, column) {
                (Left, LookupColumn::Left(own) | LookupColumn::Key(own, _))
                | (Right, LookupColumn::Right(own) | LookupColumn::Key(_, own)) => Some(*own),
                _ => None,
            };
            match own {
                Some(own) => Ok(take(pending.rows.column(own), &rows, None)?),
                None => gathered.next().ok_or_else(|| RelationalError::BatchSchema {
                    difference: "a column of the result comes from nowhere".to_string(),
                }),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let schema = Arc::clone(&self.params.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}
