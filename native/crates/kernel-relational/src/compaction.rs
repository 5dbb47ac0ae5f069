//! One whole snapshot in the place of a chain of them, from the files alone: the state goes on meanwhile.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_row::RowConverter;
use arrow_select::filter::filter_record_batch;
use hashbrown::HashSet;

use crate::error::Result;
use crate::small_bytes::SmallBytes;
use crate::window_state::{NEVER, WindowStateParams, WindowTimes, key_converter, key_rows};
use crate::windows::{Span, units_per_ms};

/// Start of the window, 0 for sessions, and key.
type Group = (i64, SmallBytes);

/// Tells which rows of the snapshots of a [`crate::WindowState`] still count once all of them are restored. It is shown them from the newest
/// to the oldest, each in one or several batches. Memory holds the keys of all but the one that is shown last.
#[derive(Debug)]
pub struct Compaction {
    params: WindowStateParams,
    converter: RowConverter,
    /// Groups, or keys of sessions, of newer snapshots; what older ones say about them is over.
    told: HashSet<Group>,
    /// The same of the snapshot that is being shown.
    telling: Vec<Group>,
    /// Windows that end there or before were closed after the snapshot that is being shown. Units of the window's time.
    closed: i64,
}

impl Compaction {
    /// Nothing is shown yet.
    ///
    /// # Errors
    /// `BatchSchema` for keys of a type that cannot be kept.
    pub fn new(params: WindowStateParams) -> Result<Self> {
        Ok(Self {
            converter: key_converter(&params.keys)?,
            params,
            told: HashSet::new(),
            telling: Vec::new(),
            closed: i64::MIN,
        })
    }

    /// The rows of the snapshot being shown that still count.
    ///
    /// # Errors
    /// `BatchSchema` for rows of another state.
    pub fn surviving(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let groups = self.groups_of(rows)?;
        let surviving = self.filtered(rows, &groups);
        self.telling
            .extend(groups.into_iter().map(|(group, _)| group));
        surviving
    }

    /// As [`Compaction::surviving`], for the oldest snapshot, after which nothing is shown.
    ///
    /// # Errors
    /// `BatchSchema` for rows of another state.
    pub fn surviving_of_oldest(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        self.filtered(rows, &self.groups_of(rows)?)
    }

    /// What tells groups apart, and the end of their window.
    fn groups_of(&self, rows: &RecordBatch) -> Result<Vec<(Group, i64)>> {
        let has_windows = self.params.window.is_some();
        let times = WindowTimes::of(rows, has_windows)?;
        let offset = 2 * usize::from(has_windows);
        let columns = &rows.columns()[offset..offset + self.params.keys.len()];
        let keys = key_rows(&self.converter, columns, rows.num_rows())?;
        let has_sessions = matches!(self.params.window, Some((Span::Session { .. }, _)));
        let group = |row: usize| {
            let (start, end) = times.at(row);
            let start = if has_sessions { 0 } else { start };
            ((start, SmallBytes::new(keys.row(row).as_ref())), end)
        };
        Ok((0..rows.num_rows()).map(group).collect())
    }

    fn filtered(&self, rows: &RecordBatch, groups: &[(Group, i64)]) -> Result<RecordBatch> {
        let counts = groups.iter().map(|(group, end)| {
            let is_open = *end == NEVER || *end > self.closed;
            is_open && !self.told.contains(group)
        });
        let counts = BooleanArray::from(counts.collect::<Vec<_>>());
        Ok(filter_record_batch(rows, &counts)?)
    }

    /// Goes on to the next older snapshot. `closed_ms` is what [`crate::WindowState::restore`] is told with the one that was shown.
    pub fn go_back(&mut self, closed_ms: Option<i64>) {
        self.told.extend(self.telling.drain(..));
        if let Some(closed_ms) = closed_ms {
            let window = self.params.window.as_ref();
            let per_ms = window.map_or(1, |(_, time)| units_per_ms(time));
            self.closed = self.closed.max(closed_ms.saturating_mul(per_ms));
        }
    }
}
