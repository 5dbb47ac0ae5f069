//! Other shapes of the same rows, from `kernel-relational` and `kernel-formats`, for JavaScript.

use kernel_relational::Unpivot;
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::Failure;
use crate::schema::{NativeColumn, from_columns};
use crate::work::{Work, guarded, promise};

/// The columns at paths into nested columns, called as `columns` says. Copies no values.
#[napi]
pub fn flatten_batch(
    batch: &NativeBatch,
    paths: Vec<Vec<String>>,
    columns: Vec<NativeColumn>,
) -> napi::Result<NativeBatch> {
    let flat = guarded(|| {
        let schema = from_columns(&columns)?;
        Ok(kernel_relational::flatten(batch.rows()?, &paths, &schema)?)
    });
    Ok(NativeBatch::new(flat?))
}

/// The rows with exactly these columns, found by name: nullable ones that are missing are null, narrower types become wider.
#[napi]
pub fn conform_batch(batch: &NativeBatch, columns: Vec<NativeColumn>) -> napi::Result<NativeBatch> {
    let conformed = guarded(|| {
        let schema = from_columns(&columns)?;
        Ok(kernel_formats::conform(
            batch.rows()?,
            &schema,
            &[],
            "the rows",
        )?)
    });
    Ok(NativeBatch::new(conformed?))
}

/// The rows with a column at the end that has the same time in every row: milliseconds since 1970, in UTC.
#[napi]
pub fn batch_with_time(
    batch: &NativeBatch,
    name: String,
    milliseconds: f64,
) -> napi::Result<NativeBatch> {
    let timed = guarded(|| {
        let rows = batch.rows()?;
        Ok(kernel_relational::with_time(
            rows,
            &name,
            milliseconds as i64,
        ))
    });
    Ok(NativeBatch::new(timed?))
}

/// Rows that are equal in the columns they were cut by.
#[napi(object, object_from_js = false)]
pub struct NativePartition {
    /// Text of each of those columns; none for a null.
    pub values: Vec<Option<String>>,
    /// The other columns.
    pub batch: NativeBatch,
}

/// The rows cut by the values of columns; the batch stays open.
#[napi(ts_return_type = "Promise<NativePartition[]>")]
pub fn partition_batch(
    batch: &NativeBatch,
    by: Vec<String>,
) -> napi::Result<AsyncTask<Work<Vec<NativePartition>>>> {
    let rows = batch.rows()?.clone();
    Ok(promise(move || {
        let partitions = kernel_formats::partitions(&rows, &by)?;
        let native = |partition: kernel_formats::Partition| NativePartition {
            values: partition.values,
            batch: NativeBatch::new(partition.rows),
        };
        Ok(partitions.into_iter().map(native).collect())
    }))
}

/// How columns become rows.
#[napi(object)]
pub struct NativeUnpivot {
    pub kept: Vec<String>,
    pub unpivoted: Vec<String>,
    /// Columns of the result: those kept, then name and value.
    pub columns: Vec<NativeColumn>,
    /// Whether a null gives a row too.
    pub nulls: bool,
}

/// One row per row and unpivoted column.
#[napi(ts_return_type = "Promise<NativeBatch>")]
pub fn unpivot_batch(
    batch: &NativeBatch,
    unpivot: NativeUnpivot,
) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
    let rows = batch.rows()?.clone();
    let params = Unpivot {
        kept: unpivot.kept,
        unpivoted: unpivot.unpivoted,
        schema: from_columns(&unpivot.columns)?,
        nulls: unpivot.nulls,
    };
    Ok(promise(move || {
        let long = kernel_relational::unpivot(&rows, &params).map_err(Failure::from)?;
        Ok(NativeBatch::new(long))
    }))
}
