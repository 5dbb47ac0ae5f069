//! Joins of two streams of `kernel-relational` for JavaScript.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kernel_relational::{JoinInput, JoinRows, JoinState, JoinStateParams, JoinWatermark};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::Result;
use crate::lookup::{NativeLookupColumn, to_lookup_column};
use crate::schema::{NativeColumn, from_columns};
use crate::state_file::{StateFileWriter, WrittenStateFile, read_state_file, restored};
use crate::windows::NativeStateSize;
use crate::work::{Work, guarded, promise_on};

/// The rows of an input of a join.
#[napi(object)]
pub struct NativeJoinRows {
    pub columns: Vec<NativeColumn>,
    /// Positions of the keys, in the order of the other input's.
    pub keys: Vec<u32>,
    /// Column of the event time.
    pub time: String,
}

/// A join of two streams.
#[napi(object)]
pub struct NativeJoinStateParams {
    pub left: NativeJoinRows,
    pub right: NativeJoinRows,
    pub before_ms: f64,
    pub after_ms: f64,
    pub columns: Vec<NativeLookupColumn>,
    /// Names, types, units and nulls of the result.
    pub result: Vec<NativeColumn>,
    /// The same of late rows.
    pub late: Vec<NativeColumn>,
}

/// How far event time has got, in milliseconds since 1970.
#[napi(object)]
pub struct NativeJoinWatermark {
    pub late_ms: f64,
    pub now_ms: f64,
}

/// Rows that take no part in a join.
#[napi(object, object_from_js = false)]
pub struct NativeJoinAside {
    pub late: Option<NativeBatch>,
    pub invalid: Option<NativeBatch>,
}

/// What a join of two streams remembers.
#[napi]
pub struct NativeJoinState {
    state: Arc<Mutex<JoinState>>,
}

/// An empty state.
#[napi]
pub fn create_join_state(params: NativeJoinStateParams) -> napi::Result<NativeJoinState> {
    let state = guarded(|| Ok(JoinState::new(to_params(&params)?)?))?;
    Ok(NativeJoinState {
        state: Arc::new(Mutex::new(state)),
    })
}

fn to_params(params: &NativeJoinStateParams) -> Result<JoinStateParams> {
    let rows = |rows: &NativeJoinRows| -> Result<JoinRows> {
        Ok(JoinRows {
            schema: from_columns(&rows.columns)?,
            keys: rows.keys.iter().map(|key| *key as usize).collect(),
            time: rows.time.clone(),
        })
    };
    let columns = params.columns.iter().map(to_lookup_column);
    Ok(JoinStateParams {
        left: rows(&params.left)?,
        right: rows(&params.right)?,
        before_ms: params.before_ms as i64,
        after_ms: params.after_ms as i64,
        columns: columns.collect::<Result<_>>()?,
        schema: from_columns(&params.result)?,
        late: from_columns(&params.late)?,
    })
}

#[napi]
impl NativeJoinState {
    /// How large it is; its groups are rows.
    #[napi]
    pub fn size(&self) -> NativeStateSize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        NativeStateSize {
            groups: state.row_count() as f64,
            changed: state.changed_count() as f64,
            bytes: state.bytes() as f64,
            oldest_end_ms: None,
            newest_end_ms: None,
        }
    }

    /// Begins an epoch.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn settle(&self) -> AsyncTask<Work<()>> {
        promise_on(&self.state, |state| Ok(state.settle()?))
    }

    /// Remembers rows and begins to look for their partners; the batch stays open.
    #[napi(ts_return_type = "Promise<NativeJoinAside>")]
    pub fn take(
        &self,
        is_left: bool,
        batch: &NativeBatch,
        watermark: Option<NativeJoinWatermark>,
    ) -> napi::Result<AsyncTask<Work<NativeJoinAside>>> {
        let rows = batch.rows()?.clone();
        Ok(promise_on(&self.state, move |state| {
            let input = if is_left {
                JoinInput::Left
            } else {
                JoinInput::Right
            };
            let watermark = watermark.map(|watermark| JoinWatermark {
                late_ms: watermark.late_ms as i64,
                now_ms: watermark.now_ms as i64,
            });
            let aside = state.take(input, &rows, watermark)?;
            Ok(NativeJoinAside {
                late: aside.late.map(NativeBatch::new),
                invalid: aside.invalid.map(NativeBatch::new),
            })
        }))
    }

    /// Further pairs of the rows that were taken last; null at their end.
    #[napi(ts_return_type = "Promise<NativeBatch | null>")]
    pub fn next_matches(&self) -> AsyncTask<Work<Option<NativeBatch>>> {
        promise_on(&self.state, |state| {
            Ok(state.next_matches()?.map(NativeBatch::new))
        })
    }

    /// Forgets rows that nothing after the watermark can meet.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self, watermark_ms: f64) -> AsyncTask<Work<()>> {
        promise_on(&self.state, move |state| {
            state.close(watermark_ms as i64);
            Ok(())
        })
    }

    /// Writes all rows, or those of this epoch, and syncs.
    #[napi(ts_return_type = "Promise<WrittenStateFile>")]
    pub fn write(&self, path: String, whole: bool) -> AsyncTask<Work<WrittenStateFile>> {
        promise_on(&self.state, move |state| {
            let mut writer = StateFileWriter::create(Path::new(&path), &state.snapshot_schema())?;
            for rows in state.snapshot(whole)? {
                writer.write(&rows)?;
            }
            writer.finish()
        })
    }

    /// Takes in what `write` wrote, after it what the watermark `closed_ms` has passed is gone.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn restore(&self, path: String, closed_ms: Option<f64>) -> AsyncTask<Work<()>> {
        promise_on(&self.state, move |state| {
            let closed = closed_ms.map(|closed| closed as i64);
            let batches = read_state_file(Path::new(&path))?.collect::<Result<Vec<_>>>()?;
            restored(&path, state.restore(&batches, closed))
        })
    }
}
