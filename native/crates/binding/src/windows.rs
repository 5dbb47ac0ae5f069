//! Event time and window state of `kernel-relational` for JavaScript.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_schema::{Field, Schema};
use kernel_relational::{
    Compaction, Merge, Partial, RelationalError, Span, WindowParams, WindowState,
    WindowStateParams, assign_windows, decompose_measures, latest_event_time_ms,
    split_by_event_time,
};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Failure, Result};
use crate::relational::{NativeExpressionIssue, memory_database, to_issue};
use crate::schema::{NativeColumn, from_columns, parse_type, to_columns};
use crate::state_file::{StateFileWriter, WrittenStateFile, read_state_file, restored, write_rows};
use crate::work::{Work, guarded, promise, promise_on};

/// Tumbling or sliding windows have a size, sessions a gap.
#[napi(object)]
pub struct NativeSpan {
    pub size_ms: Option<f64>,
    pub slide_ms: Option<f64>,
    pub offset_ms: Option<f64>,
    pub gap_ms: Option<f64>,
}

#[napi(object)]
pub struct NativeWindowParams {
    pub column: String,
    pub span: NativeSpan,
    pub late_ms: Option<f64>,
    pub watermark_ms: f64,
    /// Names of the columns with start, end and watermark.
    pub names: Vec<String>,
}

/// The rows of a batch, told apart.
#[napi(object, object_from_js = false)]
pub struct NativeWindowed {
    pub rows: NativeBatch,
    pub late: Option<NativeBatch>,
    pub invalid: Option<NativeBatch>,
}

/// The largest time of a column in whole milliseconds, or null.
#[napi(js_name = "latestEventTimeMs")]
pub fn native_latest_event_time_ms(
    batch: &NativeBatch,
    column: String,
) -> napi::Result<Option<f64>> {
    let latest = guarded(|| Ok(latest_event_time_ms(batch.rows()?, &column)?))?;
    Ok(latest.map(|latest| latest as f64))
}

/// Rows up to a time, in milliseconds since 1970, and the later ones.
#[napi(object, object_from_js = false)]
pub struct NativeSplit {
    pub rows: NativeBatch,
    pub later: NativeBatch,
}

/// Tells rows apart by their time; the batch stays open.
#[napi(js_name = "splitByEventTime")]
pub fn native_split_by_event_time(
    batch: &NativeBatch,
    column: String,
    limit_ms: f64,
) -> napi::Result<NativeSplit> {
    let (rows, later) = guarded(|| {
        Ok(split_by_event_time(
            batch.rows()?,
            &column,
            limit_ms as i64,
        )?)
    })?;
    Ok(NativeSplit {
        rows: NativeBatch::new(rows),
        later: NativeBatch::new(later),
    })
}

/// Tells which windows rows belong to; the batch stays open.
#[napi(js_name = "assignWindows", ts_return_type = "Promise<NativeWindowed>")]
pub fn native_assign_windows(
    batch: &NativeBatch,
    params: NativeWindowParams,
) -> napi::Result<AsyncTask<Work<NativeWindowed>>> {
    let rows = batch.rows()?.clone();
    let params = WindowParams {
        column: params.column,
        span: to_span(&params.span)?,
        late_ms: params.late_ms.map(|late| late as i64),
        watermark_ms: params.watermark_ms as i64,
        names: <[String; 3]>::try_from(params.names)
            .map_err(|_| Failure::internal("three names are needed"))?,
    };
    Ok(promise(move || {
        let windowed = assign_windows(&rows, &params)?;
        Ok(NativeWindowed {
            rows: NativeBatch::new(windowed.rows),
            late: windowed.late.map(NativeBatch::new),
            invalid: windowed.invalid.map(NativeBatch::new),
        })
    }))
}

fn to_span(span: &NativeSpan) -> Result<Span> {
    let whole = |ms: Option<f64>| ms.map(|ms| ms as i64).filter(|ms| *ms > 0);
    if let Some(gap_ms) = whole(span.gap_ms) {
        return Ok(Span::Session { gap_ms });
    }
    let size_ms = whole(span.size_ms).ok_or_else(|| Failure::internal("a window has no length"))?;
    Ok(Span::Sliding {
        size_ms,
        slide_ms: whole(span.slide_ms).unwrap_or(size_ms),
        offset_ms: span.offset_ms.unwrap_or(0.0) as i64,
    })
}

/// A partial aggregate: its SQL, its column, how it is merged.
#[napi(object)]
pub struct NativePartial {
    pub expression: String,
    pub column: NativeColumn,
    #[napi(ts_type = "'sum' | 'least' | 'greatest'")]
    pub merge: String,
}

/// Partials and, per measure, what is computed from them; or the measure that cannot be taken apart and why.
#[napi(object)]
pub struct NativeDecomposition {
    pub partials: Vec<NativePartial>,
    pub finals: Vec<String>,
    pub refused: Option<String>,
    pub issue: Option<NativeExpressionIssue>,
}

/// Takes measures apart.
#[napi(js_name = "decomposeMeasures")]
pub fn native_decompose_measures(
    columns: Vec<NativeColumn>,
    group_by: Vec<String>,
    measures: Vec<String>,
) -> napi::Result<NativeDecomposition> {
    Ok(guarded(|| {
        let (schema, database) = (from_columns(&columns)?, memory_database()?);
        let keys: Vec<&str> = group_by.iter().map(String::as_str).collect();
        match decompose_measures(&database, &schema, &keys, &measures) {
            Ok(found) => Ok(NativeDecomposition {
                partials: found.partials.iter().map(to_partial).collect(),
                finals: found.finals,
                refused: None,
                issue: None,
            }),
            Err(RelationalError::Expression { expression, issue }) => Ok(NativeDecomposition {
                partials: Vec::new(),
                finals: Vec::new(),
                issue: Some(to_issue(issue, &expression)),
                refused: Some(expression),
            }),
            Err(error) => Err(error.into()),
        }
    })?)
}

fn to_partial(partial: &Partial) -> NativePartial {
    let merge = match partial.merge {
        Merge::Sum => "sum",
        Merge::Least => "least",
        Merge::Greatest => "greatest",
    };
    NativePartial {
        expression: partial.expression.clone(),
        column: to_columns(&Schema::new(vec![partial.field.clone()])).remove(0),
        merge: merge.to_owned(),
    }
}

#[napi(object)]
pub struct NativeWindowStateParams {
    /// Absent for groups that no window ends.
    pub span: Option<NativeSpan>,
    /// Type of the times of windows.
    pub time_type: Option<String>,
    pub keys: Vec<NativeColumn>,
    pub partials: Vec<NativePartial>,
}

/// What a windowed aggregation remembers.
#[napi]
pub struct NativeWindowState {
    params: WindowStateParams,
    state: Arc<Mutex<WindowState>>,
}

/// How large a state is, and what is open in it. Milliseconds since 1970.
#[napi(object)]
pub struct NativeStateSize {
    pub groups: f64,
    /// Groups that changed in this epoch.
    pub changed: f64,
    /// Bytes of memory.
    pub bytes: f64,
    pub oldest_end_ms: Option<f64>,
    pub newest_end_ms: Option<f64>,
}

/// A file of a state, and the watermark that it is restored with.
#[napi(object)]
pub struct NativeStateFile {
    pub path: String,
    pub closed_ms: Option<f64>,
}

/// An empty state.
#[napi]
pub fn create_window_state(params: NativeWindowStateParams) -> napi::Result<NativeWindowState> {
    let params = guarded(|| to_state_params(params))?;
    let state = guarded(|| Ok(WindowState::new(params.clone())?))?;
    Ok(NativeWindowState {
        params,
        state: Arc::new(Mutex::new(state)),
    })
}

fn to_state_params(params: NativeWindowStateParams) -> Result<WindowStateParams> {
    let fields = |columns: &[NativeColumn]| -> Result<Vec<Field>> {
        let schema = from_columns(columns)?;
        Ok(schema
            .fields()
            .iter()
            .map(|field| (**field).clone())
            .collect())
    };
    let window = match (&params.span, &params.time_type) {
        (Some(span), Some(time)) => Some((to_span(span)?, parse_type(time)?)),
        _ => None,
    };
    let partials = params.partials.iter().map(|partial| {
        let merge = match partial.merge.as_str() {
            "sum" => Merge::Sum,
            "least" => Merge::Least,
            _ => Merge::Greatest,
        };
        Ok((
            fields(std::slice::from_ref(&partial.column))?.remove(0),
            merge,
        ))
    });
    Ok(WindowStateParams {
        window,
        keys: fields(&params.keys)?,
        partials: partials.collect::<Result<_>>()?,
    })
}

#[napi]
impl NativeWindowState {
    /// How large it is.
    #[napi]
    pub fn size(&self) -> NativeStateSize {
        let state = self.locked();
        let open = state.open_windows();
        NativeStateSize {
            groups: state.group_count() as f64,
            changed: state.changed_count() as f64,
            bytes: state.bytes() as f64,
            oldest_end_ms: open.map(|open| open.oldest_end_ms as f64),
            newest_end_ms: open.map(|open| open.newest_end_ms as f64),
        }
    }

    /// Merges partial aggregates; the batch stays open.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn merge(&self, batch: &NativeBatch) -> napi::Result<AsyncTask<Work<()>>> {
        let rows = batch.rows()?.clone();
        Ok(promise_on(
            &self.state,
            move |state| Ok(state.merge(&rows)?),
        ))
    }

    /// Rows whose keys are new, which are kept for `delay_ms` after their time; the batch stays open.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn take_first(
        &self,
        batch: &NativeBatch,
        column: Option<String>,
        delay_ms: Option<f64>,
    ) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
        let rows = batch.rows()?.clone();
        Ok(promise_on(&self.state, move |state| {
            let delay = delay_ms.unwrap_or(0.0) as i64;
            let until = column.as_deref().map(|column| (column, delay));
            Ok(NativeBatch::new(state.take_first(&rows, until)?))
        }))
    }

    /// Groups that have changed in this epoch.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn changed(&self) -> AsyncTask<Work<NativeBatch>> {
        promise_on(&self.state, |state| Ok(NativeBatch::new(state.changed()?)))
    }

    /// All groups.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn all(&self) -> AsyncTask<Work<NativeBatch>> {
        promise_on(&self.state, |state| Ok(NativeBatch::new(state.all()?)))
    }

    /// Takes out the groups whose window has ended.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn close(&self, watermark_ms: f64) -> AsyncTask<Work<NativeBatch>> {
        promise_on(&self.state, move |state| {
            Ok(NativeBatch::new(state.close(watermark_ms as i64)?))
        })
    }

    /// Begins an epoch.
    #[napi]
    pub fn settle(&self) {
        self.locked().settle();
    }

    /// Writes all groups, or those that changed in this epoch, and syncs.
    #[napi(ts_return_type = "Promise<WrittenStateFile>")]
    pub fn write(&self, path: String, whole: bool) -> AsyncTask<Work<WrittenStateFile>> {
        promise_on(&self.state, move |state| {
            let rows = if whole { state.all()? } else { state.delta()? };
            write_rows(Path::new(&path), &rows)
        })
    }

    /// Writes the state that files restore to, oldest first, as one whole file, and syncs it. The state itself goes on meanwhile.
    #[napi(ts_return_type = "Promise<WrittenStateFile>")]
    pub fn compact(
        &self,
        files: Vec<NativeStateFile>,
        path: String,
    ) -> AsyncTask<Work<WrittenStateFile>> {
        let (params, schema) = (self.params.clone(), Arc::clone(self.locked().schema()));
        promise(move || {
            let mut compaction = Compaction::new(params)?;
            let mut writer = StateFileWriter::create(Path::new(&path), &schema)?;
            for (index, file) in files.iter().enumerate().rev() {
                for rows in read_state_file(Path::new(&file.path))? {
                    let rows = rows?;
                    writer.write(&match index {
                        0 => compaction.surviving_of_oldest(&rows)?,
                        _ => compaction.surviving(&rows)?,
                    })?;
                }
                compaction.go_back(file.closed_ms.map(|closed| closed as i64));
            }
            writer.finish()
        })
    }

    /// Takes in what `write` or `compact` wrote, after it windows that end at `closed_ms` or before are gone.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn restore(&self, path: String, closed_ms: Option<f64>) -> AsyncTask<Work<()>> {
        promise_on(&self.state, move |state| {
            let closed = closed_ms.map(|closed| closed as i64);
            let batches = read_state_file(Path::new(&path))?.collect::<Result<Vec<_>>>()?;
            restored(&path, state.restore(&batches, closed))
        })
    }

    fn locked(&self) -> MutexGuard<'_, WindowState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
