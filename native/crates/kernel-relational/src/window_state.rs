//! What a windowed aggregation remembers between epochs: a row of partial aggregates per window and group.
//!
//! An epoch costs what it touches: groups are found by hash, windows that close are found by their end, and a change since the last
//! snapshot is told as the rows that changed.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::error::{RelationalError, Result};
use crate::partials::{Merge, Partials, Values};
use crate::small_bytes::SmallBytes;
use crate::windows::{Span, Times, int64s, time_column, units_per_ms, window_time_type};

/// What a state holds.
#[derive(Debug, Clone)]
pub struct WindowStateParams {
    /// The windows and the type of their times; none for groups that no window ends.
    pub window: Option<(Span, DataType)>,
    /// Columns whose values tell groups apart; null equals null.
    pub keys: Vec<Field>,
    /// Partial aggregates, and how two of them become one.
    pub partials: Vec<(Field, Merge)>,
}

/// Names of the columns with the times of a window.
pub const WINDOW_NAMES: [&str; 2] = ["window_start", "window_end"];

/// The end of a window that never ends.
pub(crate) const NEVER: i64 = i64::MAX;

/// Partial aggregates per window and group, in no order. About 60 to 120 bytes a group and 16 to 32 for each partial of it, see
/// [`WindowState::bytes`].
#[derive(Debug)]
pub struct WindowState {
    params: WindowStateParams,
    schema: SchemaRef,
    converter: RowConverter,
    hasher: DefaultHashBuilder,
    /// Places of groups by the hash of key and start; sessions by that of the key alone.
    groups: HashTable<u32>,
    /// Places by the end of the window. An entry whose place has another end by now, or none, is left over.
    ends_at: BTreeMap<i64, Vec<u32>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    partials: Vec<Partials>,
    touched: Vec<u32>,
    /// Bytes of the keys that stand outside of the slots.
    key_heap: usize,
}

/// Windows that the watermark has not passed yet. Milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenWindows {
    pub oldest_end_ms: i64,
    pub newest_end_ms: i64,
}

#[derive(Debug)]
struct Slot {
    key: SmallBytes,
    start: i64,
    end: i64,
    live: bool,
    touched: bool,
}

impl WindowState {
    /// Nothing yet.
    ///
    /// # Errors
    /// `BatchSchema` for keys or partials of a type that cannot be kept.
    pub fn new(params: WindowStateParams) -> Result<Self> {
        let times = params.window.iter().flat_map(|(_, time)| {
            WINDOW_NAMES.map(|name| Arc::new(Field::new(name, time.clone(), false)))
        });
        let keys = params.keys.iter().cloned().map(Arc::new);
        let partials = params
            .partials
            .iter()
            .map(|(field, _)| Arc::new(field.clone()));
        let schema = Schema::new(times.chain(keys).chain(partials).collect::<Vec<_>>());
        if let Some((_, time)) = &params.window {
            window_time_type(time)?;
        }
        Ok(Self {
            converter: key_converter(&params.keys)?,
            partials: params
                .partials
                .iter()
                .map(|(field, merge)| Partials::new(field.data_type(), *merge))
                .collect::<Result<_>>()?,
            schema: Arc::new(schema),
            params,
            hasher: DefaultHashBuilder::default(),
            groups: HashTable::new(),
            ends_at: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            touched: Vec::new(),
            key_heap: 0,
        })
    }

    /// Columns of the rows that the state gives and of its snapshots: `window_start` and `window_end`, the keys, the partials.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// How many groups changed since [`WindowState::settle`]: what [`WindowState::delta`] has at least.
    pub fn changed_count(&self) -> usize {
        self.touched.len()
    }

    /// Bytes of memory that it takes, room for growth included.
    pub fn bytes(&self) -> usize {
        let numbers = self.free.capacity() + self.touched.capacity();
        // Each place stands in the list of its end.
        let ends =
            size_of::<Vec<u32>>() * 2 * self.ends_at.len() + size_of::<u32>() * self.slots.len();
        let partials: usize = self.partials.iter().map(Partials::bytes).sum();
        let slots = size_of::<Slot>() * self.slots.capacity() + self.key_heap;
        slots + partials + ends + self.groups.allocation_size() + size_of::<u32>() * numbers
    }

    /// What is open; none for groups that no window ends.
    pub fn open_windows(&self) -> Option<OpenWindows> {
        let per_ms = self.per_ms();
        self.params.window.as_ref()?;
        let is_open = |end: i64, place: &u32| {
            let slot = &self.slots[*place as usize];
            slot.live && slot.end == end
        };
        let mut ends = self
            .ends_at
            .iter()
            .filter(|(end, places)| places.iter().any(|place| is_open(**end, place)))
            .map(|(end, _)| end.div_euclid(per_ms));
        let oldest_end_ms = ends.next()?;
        let newest_end_ms = ends.next_back().unwrap_or(oldest_end_ms);
        Some(OpenWindows {
            oldest_end_ms,
            newest_end_ms,
        })
    }

    /// Merges partial aggregates into their groups: the start of the window (unless there are none), the keys, the partials.
    ///
    /// # Errors
    /// `BatchSchema` for other columns; `Value` for a sum beyond 38 digits.
    pub fn merge(&mut self, rows: &RecordBatch) -> Result<()> {
        let offset = usize::from(self.params.window.is_some());
        let starts = match offset {
            1 => Some(int64s(rows.column(0))?),
            _ => None,
        };
        let length = self.length();
        let keys = self.keys_of(rows, offset)?;
        let values = self.values_of(rows, offset)?;
        for row in 0..rows.num_rows() {
            let start = starts.as_ref().map_or(0, |starts| starts.value(row));
            let end = length.map_or(NEVER, |length| start.saturating_add(length));
            let place = self.place_for(keys.row(row).as_ref(), start, end)?;
            self.merge_row(place, &values, row)?;
        }
        Ok(())
    }

    /// The rows, in their order, whose values in the columns of the keys are not there yet; each is there from then on. With a column and a
    /// delay it is so until that much after the row's time, for a row that has one.
    ///
    /// # Errors
    /// `BatchSchema` for a column that is not there, or is no timestamp.
    pub fn take_first(
        &mut self,
        rows: &RecordBatch,
        until: Option<(&str, i64)>,
    ) -> Result<RecordBatch> {
        let column = |field: &Field| {
            let found = rows.column_by_name(field.name()).cloned();
            found.ok_or_else(|| RelationalError::BatchSchema {
                difference: format!("there is no column \"{}\"", field.name()),
            })
        };
        let columns: Vec<ArrayRef> = self.params.keys.iter().map(column).collect::<Result<_>>()?;
        let keys = self.converter.convert_columns(&columns)?;
        let times = match until {
            Some((column, delay)) => {
                let times = Times::of(rows, column)?;
                let delay = delay.saturating_mul(times.per_ms);
                Some((times, delay))
            }
            None => None,
        };
        let end = |row: usize| match &times {
            Some((times, delay))
                if times.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) =>
            {
                times.values[row].saturating_add(*delay)
            }
            _ => NEVER,
        };
        let mut is_first = Vec::with_capacity(rows.num_rows());
        for row in 0..rows.num_rows() {
            let key = keys.row(row);
            let is_new = self.find(key.as_ref(), 0).is_none();
            if is_new {
                let place = self.insert(key.as_ref(), 0, end(row));
                self.slots[place as usize].touched = true;
                self.touched.push(place);
            }
            is_first.push(is_new);
        }
        Ok(filter_record_batch(rows, &BooleanArray::from(is_first))?)
    }

    /// The groups that were merged into since [`WindowState::settle`].
    ///
    /// # Errors
    /// None but for a defect.
    pub fn changed(&self) -> Result<RecordBatch> {
        self.rows(self.live_touched())
    }

    /// All groups.
    ///
    /// # Errors
    /// None but for a defect.
    pub fn all(&self) -> Result<RecordBatch> {
        let live = self.slots.iter().enumerate().filter(|(_, slot)| slot.live);
        self.rows(live.map(|(place, _)| place as u32).collect())
    }

    /// Takes out the groups whose window ends at `watermark_ms` or before.
    ///
    /// # Errors
    /// None but for a defect.
    pub fn close(&mut self, watermark_ms: i64) -> Result<RecordBatch> {
        let places = self.due(watermark_ms);
        let rows = self.rows(places.clone())?;
        places.into_iter().for_each(|place| self.remove(place));
        Ok(rows)
    }

    /// The rows by which a snapshot of the state before this epoch becomes one of the state now, once windows that end at the watermark
    /// or before are taken out of it: the groups that changed, and for sessions all of a key that changed.
    ///
    /// # Errors
    /// None but for a defect.
    pub fn delta(&self) -> Result<RecordBatch> {
        let mut places = self.live_touched();
        if self.has_sessions() {
            places = places
                .iter()
                .flat_map(|place| self.sessions_of(self.slots[*place as usize].key.as_slice()))
                .collect();
            places.sort_unstable();
            places.dedup();
        }
        self.rows(places)
    }

    /// Begins an epoch: nothing has changed yet.
    pub fn settle(&mut self) {
        for place in std::mem::take(&mut self.touched) {
            self.slots[place as usize].touched = false;
        }
    }

    /// Takes in a snapshot, or what changed since the one before, cut into batches: what is there for the same groups goes. `closed_ms`
    /// is the watermark that had been told to [`WindowState::close`].
    ///
    /// # Errors
    /// `BatchSchema` for rows of another state.
    pub fn restore(&mut self, batches: &[RecordBatch], closed_ms: Option<i64>) -> Result<()> {
        if let Some(closed) = closed_ms {
            let due = self.due(closed);
            due.into_iter().for_each(|place| self.remove(place));
        }
        // All that goes first: batches share the sessions of a key.
        for rows in batches {
            self.forget(rows)?;
        }
        for rows in batches {
            self.take_in(rows)?;
        }
        self.settle();
        Ok(())
    }

    /// Removes the groups that the rows stand for.
    fn forget(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.schema_ref().fields() != self.schema.fields() {
            return Err(RelationalError::BatchSchema {
                difference: format!("{:?} instead of {:?}", rows.schema_ref(), self.schema),
            });
        }
        if self.group_count() == 0 {
            return Ok(());
        }
        let times = self.times_of(rows)?;
        let keys = self.keys_of(rows, 2 * usize::from(self.params.window.is_some()))?;
        for row in 0..rows.num_rows() {
            let key = keys.row(row);
            if self.has_sessions() {
                let old = self.sessions_of(key.as_ref());
                old.into_iter().for_each(|place| self.remove(place));
            } else if let Some(place) = self.find(key.as_ref(), times.at(row).0) {
                self.remove(place);
            }
        }
        Ok(())
    }

    fn take_in(&mut self, rows: &RecordBatch) -> Result<()> {
        let offset = 2 * usize::from(self.params.window.is_some());
        let times = self.times_of(rows)?;
        let keys = self.keys_of(rows, offset)?;
        let values = self.values_of(rows, offset)?;
        for row in 0..rows.num_rows() {
            let (start, end) = times.at(row);
            let place = self.insert(keys.row(row).as_ref(), start, end);
            self.merge_row(place, &values, row)?;
        }
        Ok(())
    }

    fn times_of(&self, rows: &RecordBatch) -> Result<WindowTimes> {
        WindowTimes::of(rows, self.params.window.is_some())
    }

    fn has_sessions(&self) -> bool {
        matches!(self.params.window, Some((Span::Session { .. }, _)))
    }

    fn per_ms(&self) -> i64 {
        let window = self.params.window.as_ref();
        window.map_or(1, |(_, time)| units_per_ms(time))
    }

    fn length(&self) -> Option<i64> {
        let (span, _) = self.params.window.as_ref()?;
        Some(span.length_ms().saturating_mul(self.per_ms()))
    }

    fn keys_of(&self, rows: &RecordBatch, offset: usize) -> Result<Rows> {
        if rows.num_columns() != offset + self.params.keys.len() + self.params.partials.len() {
            return Err(RelationalError::BatchSchema {
                difference: format!("{:?} for a state of {:?}", rows.schema_ref(), self.schema),
            });
        }
        let columns = &rows.columns()[offset..offset + self.params.keys.len()];
        key_rows(&self.converter, columns, rows.num_rows())
    }

    fn values_of(&self, rows: &RecordBatch, offset: usize) -> Result<Vec<Values>> {
        let columns = rows.columns()[offset + self.params.keys.len()..].iter();
        let pairs = columns.zip(&self.partials);
        pairs
            .map(|(column, partials)| partials.values(column))
            .collect()
    }

    fn merge_row(&mut self, place: u32, values: &[Values], row: usize) -> Result<()> {
        let slot = &mut self.slots[place as usize];
        if !slot.touched {
            slot.touched = true;
            self.touched.push(place);
        }
        let pairs = self.partials.iter_mut().zip(values);
        pairs
            .into_iter()
            .try_for_each(|(partials, values)| partials.merge(place as usize, values, row))
    }

    /// The place of a group: the one there is, a new one, or that of the sessions that this one joins.
    fn place_for(&mut self, key: &[u8], start: i64, end: i64) -> Result<u32> {
        if !self.has_sessions() {
            return Ok(match self.find(key, start) {
                Some(place) => place,
                None => self.insert(key, start, end),
            });
        }
        let mut touching = self.sessions_of(key).into_iter().filter(|place| {
            let slot = &self.slots[*place as usize];
            slot.start <= end && start <= slot.end
        });
        let Some(kept) = touching.next() else {
            return Ok(self.insert(key, start, end));
        };
        let others: Vec<u32> = touching.collect();
        let slots = &self.slots;
        let joined = others
            .iter()
            .chain([&kept])
            .map(|place| &slots[*place as usize]);
        let (first, last) = joined.fold((start, end), |(first, last), slot| {
            (first.min(slot.start), last.max(slot.end))
        });
        for other in others {
            for partials in &mut self.partials {
                partials.join(kept as usize, other as usize)?;
            }
            self.remove(other);
        }
        let slot = &mut self.slots[kept as usize];
        if slot.end != last {
            self.ends_at.entry(last).or_default().push(kept);
        }
        (slot.start, slot.end) = (first, last);
        Ok(kept)
    }

    fn hash(&self, key: &[u8], start: i64) -> u64 {
        let start = if self.has_sessions() { 0 } else { start };
        self.hasher.hash_one((start, key))
    }

    fn find(&self, key: &[u8], start: i64) -> Option<u32> {
        let same = |place: &u32| {
            let slot = &self.slots[*place as usize];
            slot.start == start && slot.key.as_slice() == key
        };
        self.groups.find(self.hash(key, start), same).copied()
    }

    fn sessions_of(&self, key: &[u8]) -> Vec<u32> {
        let candidates = self.groups.iter_hash(self.hash(key, 0)).copied();
        candidates
            .filter(|place| self.slots[*place as usize].key.as_slice() == key)
            .collect()
    }

    fn insert(&mut self, key: &[u8], start: i64, end: i64) -> u32 {
        let slot = Slot {
            key: SmallBytes::new(key),
            start,
            end,
            live: true,
            touched: false,
        };
        self.key_heap += slot.key.heap_bytes();
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                self.partials.iter_mut().for_each(Partials::grow);
                self.slots.len() as u32 - 1
            }
        };
        if end != NEVER {
            self.ends_at.entry(end).or_default().push(place);
        }
        let hash = self.hash(key, start);
        let (slots, hasher, sessions) = (&self.slots, &self.hasher, self.has_sessions());
        let rehash = |place: &u32| {
            let slot = &slots[*place as usize];
            hasher.hash_one((if sessions { 0 } else { slot.start }, slot.key.as_slice()))
        };
        self.groups.insert_unique(hash, place, rehash);
        place
    }

    fn remove(&mut self, place: u32) {
        let slot = &self.slots[place as usize];
        let hash = self.hash(slot.key.as_slice(), slot.start);
        if let Ok(entry) = self.groups.find_entry(hash, |other| *other == place) {
            entry.remove();
        }
        let slot = &mut self.slots[place as usize];
        slot.live = false;
        self.key_heap -= slot.key.heap_bytes();
        slot.key = SmallBytes::new(&[]);
        for partials in &mut self.partials {
            partials.clear(place as usize);
        }
        self.free.push(place);
    }

    /// Places of the windows that have ended, each once.
    fn due(&mut self, watermark_ms: i64) -> Vec<u32> {
        let watermark = watermark_ms.saturating_mul(self.per_ms());
        let mut due = Vec::new();
        while let Some(ended) = self.ends_at.first_entry() {
            if *ended.key() > watermark {
                break;
            }
            let (end, places) = ended.remove_entry();
            due.extend(places.into_iter().filter(|place| {
                let slot = &self.slots[*place as usize];
                slot.live && slot.end == end
            }));
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    fn live_touched(&self) -> Vec<u32> {
        let mut places: Vec<u32> = self.touched.clone();
        places.retain(|place| {
            let slot = &self.slots[*place as usize];
            slot.live && slot.touched
        });
        places.sort_unstable();
        places.dedup();
        places
    }

    fn rows(&self, places: Vec<u32>) -> Result<RecordBatch> {
        let slot = |place: &u32| &self.slots[*place as usize];
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        if let Some((_, time)) = &self.params.window {
            let starts = places.iter().map(|place| slot(place).start).collect();
            let ends = places.iter().map(|place| slot(place).end).collect();
            columns.extend([time_column(starts, time)?, time_column(ends, time)?]);
        }
        if !self.params.keys.is_empty() {
            let parser = self.converter.parser();
            let keys = places
                .iter()
                .map(|place| parser.parse(slot(place).key.as_slice()));
            columns.extend(self.converter.convert_rows(keys)?);
        }
        for partials in &self.partials {
            columns.push(partials.column(&places)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?)
    }
}

/// Start and end of the windows in a snapshot.
pub(crate) struct WindowTimes(Option<(Int64Array, Int64Array)>);

impl WindowTimes {
    pub(crate) fn of(rows: &RecordBatch, has_windows: bool) -> Result<Self> {
        Ok(Self(match has_windows {
            true => Some((int64s(rows.column(0))?, int64s(rows.column(1))?)),
            false => None,
        }))
    }

    pub(crate) fn at(&self, row: usize) -> (i64, i64) {
        let times = self.0.as_ref();
        times.map_or((0, NEVER), |(starts, ends)| {
            (starts.value(row), ends.value(row))
        })
    }
}

/// Gives keys a form in which they are equal when their bytes are.
pub(crate) fn key_converter(keys: &[Field]) -> Result<RowConverter> {
    let fields = keys
        .iter()
        .map(|key| SortField::new(key.data_type().clone()));
    Ok(RowConverter::new(fields.collect())?)
}

/// The keys of rows; all are equal where there are no columns.
pub(crate) fn key_rows(
    converter: &RowConverter,
    columns: &[ArrayRef],
    row_count: usize,
) -> Result<Rows> {
    if columns.is_empty() {
        // A converter takes the number of rows from its columns.
        let null = SortField::new(DataType::Null);
        let nulls = new_null_array(&DataType::Null, row_count);
        return Ok(RowConverter::new(vec![null])?.convert_columns(&[nulls])?);
    }
    Ok(converter.convert_columns(columns)?)
}
