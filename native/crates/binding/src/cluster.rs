//! `kernel-cluster` for JavaScript: Arrow columns in, Arrow columns out.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
};
use arrow_schema::{DataType, Field, Schema};
use kernel_cluster::{ClusterError, KMeansParams, KScore, Points, SelectKParams, SilhouetteParams};
use napi::bindgen_prelude::{AsyncTask, Float64Array as JsFloat64Array};
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Failure, Result};
use crate::schema::type_text;
use crate::work::{CancelToken, Cancelled, Work, promise};

#[napi(object)]
pub struct NativeKMeansOptions {
    pub columns: Vec<String>,
    pub cluster_count: u32,
    pub initializations: u32,
    pub iterations_max: u32,
    pub tolerance: f64,
    pub seed: f64,
    /// k × d, row-major.
    pub initial_centroids: Option<JsFloat64Array>,
}

#[napi(object, object_from_js = false)]
pub struct NativeKMeansFit {
    /// The input with `cluster`.
    pub labelled: NativeBatch,
    pub centroids: NativeBatch,
    pub inertia: f64,
    pub iterations: u32,
}

#[napi(object)]
pub struct NativeSilhouetteOptions {
    pub columns: Vec<String>,
    pub labels: String,
    pub sample: Option<u32>,
    pub seed: f64,
}

#[napi(object, object_from_js = false)]
pub struct NativeSilhouetteFit {
    /// The input with `silhouette`.
    pub scored: NativeBatch,
    pub score: NativeBatch,
}

#[napi(object)]
pub struct NativeSelectKOptions {
    pub columns: Vec<String>,
    pub cluster_counts: Vec<u32>,
    pub initializations: u32,
    pub iterations_max: u32,
    pub tolerance: f64,
    pub seed: f64,
}

#[napi(ts_return_type = "Promise<NativeKMeansFit>")]
pub fn kmeans(
    batch: &NativeBatch,
    options: NativeKMeansOptions,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeKMeansFit>>> {
    let (rows, cancelled) = (batch.rows()?.clone(), Cancelled::from_token(token));
    let params = KMeansParams {
        cluster_count: options.cluster_count as usize,
        initializations: options.initializations as usize,
        iterations_max: options.iterations_max as usize,
        tolerance: options.tolerance,
        seed: options.seed as u64,
        initial_centroids: options
            .initial_centroids
            .map(|centroids| centroids.to_vec()),
    };
    Ok(promise(move || {
        fit(&rows, &options.columns, params, &cancelled)
    }))
}

fn fit(
    rows: &RecordBatch,
    names: &[String],
    params: KMeansParams,
    cancelled: &Cancelled,
) -> Result<NativeKMeansFit> {
    if rows.num_rows() == 0 {
        return fit_of_nothing(rows, names);
    }
    let columns = coordinates(rows, names)?;
    let fit = kernel_cluster::kmeans(&points(&columns)?, &params, &|| cancelled.is_set())?;
    let labels: Int32Array = fit.labels.into_iter().collect();
    let dimension_count = names.len();
    let centre = |d: usize| {
        fit.centroids
            .iter()
            .skip(d)
            .step_by(dimension_count)
            .copied()
            .collect::<Vec<f64>>()
    };
    let centroids = centroid_rows(
        rows,
        names,
        (0..dimension_count).map(centre).collect(),
        fit.sizes,
        fit.inertias,
    )?;
    Ok(NativeKMeansFit {
        labelled: NativeBatch::new(with_column(rows, "cluster", Arc::new(labels), true)?),
        centroids: NativeBatch::new(centroids),
        inertia: fit.inertia,
        iterations: fit.iterations,
    })
}

/// No rows have no clusters; that is a result and not a failure.
fn fit_of_nothing(rows: &RecordBatch, names: &[String]) -> Result<NativeKMeansFit> {
    let labels = Arc::new(Int32Array::from(Vec::<i32>::new()));
    let centroids = centroid_rows(
        rows,
        names,
        vec![Vec::new(); names.len()],
        Vec::new(),
        Vec::new(),
    )?;
    Ok(NativeKMeansFit {
        labelled: NativeBatch::new(with_column(rows, "cluster", labels, true)?),
        centroids: NativeBatch::new(centroids),
        inertia: 0.0,
        iterations: 0,
    })
}

fn centroid_rows(
    rows: &RecordBatch,
    names: &[String],
    centres: Vec<Vec<f64>>,
    sizes: Vec<i64>,
    inertias: Vec<f64>,
) -> Result<RecordBatch> {
    let schema = rows.schema();
    let mut fields = vec![Field::new("cluster", DataType::Int32, false)];
    let mut columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from_iter_values(
        0..sizes.len() as i32,
    ))];
    for (name, centre) in names.iter().zip(centres) {
        let metadata = schema
            .field_with_name(name)
            .map_err(Failure::internal)?
            .metadata()
            .clone();
        fields.push(Field::new(name, DataType::Float64, false).with_metadata(metadata));
        columns.push(Arc::new(Float64Array::from(centre)));
    }
    fields.push(Field::new("size", DataType::Int64, false));
    columns.push(Arc::new(Int64Array::from(sizes)));
    fields.push(Field::new("inertia", DataType::Float64, false));
    columns.push(Arc::new(Float64Array::from(inertias)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(Failure::internal)
}

#[napi(ts_return_type = "Promise<NativeSilhouetteFit>")]
pub fn silhouette(
    batch: &NativeBatch,
    options: NativeSilhouetteOptions,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeSilhouetteFit>>> {
    let (rows, cancelled) = (batch.rows()?.clone(), Cancelled::from_token(token));
    Ok(promise(move || score(&rows, &options, &cancelled)))
}

fn score(
    rows: &RecordBatch,
    options: &NativeSilhouetteOptions,
    cancelled: &Cancelled,
) -> Result<NativeSilhouetteFit> {
    if rows.num_rows() == 0 {
        return scored(rows, Float64Array::from(Vec::<f64>::new()), None, 0, 0);
    }
    let columns = coordinates(rows, &options.columns)?;
    let labels = labels_of(rows, &options.labels)?;
    let params = SilhouetteParams {
        sample: options.sample.map(|rows| rows as usize),
        seed: options.seed as u64,
    };
    let fit =
        kernel_cluster::silhouette(&points(&columns)?, &labels, &params, &|| cancelled.is_set())?;
    let samples = fit
        .samples
        .iter()
        .map(|value| (!value.is_nan()).then_some(*value))
        .collect();
    scored(
        rows,
        samples,
        Some(fit.score),
        fit.cluster_count,
        fit.row_count,
    )
}

fn scored(
    rows: &RecordBatch,
    samples: Float64Array,
    score: Option<f64>,
    cluster_count: usize,
    row_count: usize,
) -> Result<NativeSilhouetteFit> {
    let schema = Schema::new(vec![
        Field::new("silhouette", DataType::Float64, true),
        Field::new("cluster_count", DataType::Int64, false),
        Field::new("row_count", DataType::Int64, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::from(vec![score])),
        Arc::new(Int64Array::from(vec![cluster_count as i64])),
        Arc::new(Int64Array::from(vec![row_count as i64])),
    ];
    Ok(NativeSilhouetteFit {
        scored: NativeBatch::new(with_column(rows, "silhouette", Arc::new(samples), true)?),
        score: NativeBatch::new(
            RecordBatch::try_new(Arc::new(schema), columns).map_err(Failure::internal)?,
        ),
    })
}

#[napi(ts_return_type = "Promise<NativeBatch>")]
pub fn select_k(
    batch: &NativeBatch,
    options: NativeSelectKOptions,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
    let (rows, cancelled) = (batch.rows()?.clone(), Cancelled::from_token(token));
    Ok(promise(move || {
        if rows.num_rows() == 0 {
            return Ok(NativeBatch::new(score_rows(&[])?));
        }
        let columns = coordinates(&rows, &options.columns)?;
        let params = SelectKParams {
            cluster_counts: options
                .cluster_counts
                .iter()
                .map(|count| *count as usize)
                .collect(),
            initializations: options.initializations as usize,
            iterations_max: options.iterations_max as usize,
            tolerance: options.tolerance,
            seed: options.seed as u64,
            silhouette_sample: None,
        };
        let scores = kernel_cluster::select_k(&points(&columns)?, &params, &|| cancelled.is_set())?;
        Ok(NativeBatch::new(score_rows(&scores)?))
    }))
}

fn score_rows(scores: &[KScore]) -> Result<RecordBatch> {
    let schema = Schema::new(vec![
        Field::new("k", DataType::Int32, false),
        Field::new("inertia", DataType::Float64, false),
        Field::new("silhouette", DataType::Float64, true),
        Field::new("iterations", DataType::Int32, false),
        Field::new("best", DataType::Boolean, false),
        Field::new("knee", DataType::Boolean, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int32Array::from_iter_values(
            scores.iter().map(|score| score.k as i32),
        )),
        Arc::new(Float64Array::from_iter_values(
            scores.iter().map(|score| score.inertia),
        )),
        Arc::new(Float64Array::from_iter(
            scores.iter().map(|score| score.silhouette),
        )),
        Arc::new(Int32Array::from_iter_values(
            scores.iter().map(|score| score.iterations as i32),
        )),
        Arc::new(BooleanArray::from_iter(
            scores.iter().map(|score| Some(score.best)),
        )),
        Arc::new(BooleanArray::from_iter(
            scores.iter().map(|score| Some(score.knee)),
        )),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).map_err(Failure::internal)
}

/// The batch with the columns standardized, as float64 without unit.
#[napi(ts_return_type = "Promise<NativeBatch>")]
pub fn standardize(
    batch: &NativeBatch,
    columns: Vec<String>,
) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
    let rows = batch.rows()?.clone();
    Ok(promise(move || {
        let mut standardized = rows;
        for name in &columns {
            let column = coordinates(&standardized, std::slice::from_ref(name))?.remove(0);
            let nulls = column.nulls().cloned();
            let values = kernel_cluster::standardize(column.values(), |row| column.is_valid(row));
            let column = Arc::new(Float64Array::new(values.into(), nulls));
            let nullable = standardized
                .schema()
                .field_with_name(name)
                .map_or(true, Field::is_nullable);
            standardized = with_column(&standardized, name, column, nullable)?;
        }
        Ok(NativeBatch::new(standardized))
    }))
}

/// Numeric columns as float64.
fn coordinates(rows: &RecordBatch, names: &[String]) -> Result<Vec<Float64Array>> {
    let coordinate = |name: &String| {
        let column = column_of(rows, name)?;
        match column.as_primitive_opt::<types::Float64Type>() {
            Some(values) => Ok(values.clone()),
            None => Ok(as_numbers(name, column)?.into_iter().collect()),
        }
    };
    names.iter().map(coordinate).collect()
}

fn column_of<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    rows.column_by_name(name)
        .ok_or_else(|| Failure::user("unknown-column", format!("There is no column \"{name}\".")))
}

fn as_numbers(name: &str, column: &ArrayRef) -> Result<Vec<Option<f64>>> {
    macro_rules! numbers {
        ($($data_type:ident => $arrow:ty),*) => {
            match column.data_type() {
                $(DataType::$data_type => {
                    column.as_primitive::<$arrow>().iter().map(|value| value.map(|value| value as f64)).collect()
                })*
                other => {
                    let message = format!("Column \"{name}\" is {}, not a number.", type_text(other));
                    return Err(Failure::user("column-type", message));
                }
            }
        };
    }
    Ok(numbers!(
        Int8 => types::Int8Type, Int16 => types::Int16Type, Int32 => types::Int32Type, Int64 => types::Int64Type,
        UInt8 => types::UInt8Type, UInt16 => types::UInt16Type, UInt32 => types::UInt32Type,
        UInt64 => types::UInt64Type, Float32 => types::Float32Type, Float64 => types::Float64Type
    ))
}

/// Points of the columns; a row with a null has no place.
fn points(columns: &[Float64Array]) -> Result<Points> {
    let filled: Vec<_> = columns.iter().map(nulls_as_nan).collect();
    let slices: Vec<&[f64]> = filled.iter().map(AsRef::as_ref).collect();
    Ok(Points::from_columns(&slices)?)
}

fn nulls_as_nan(column: &Float64Array) -> std::borrow::Cow<'_, [f64]> {
    if column.null_count() == 0 {
        return column.values().as_ref().into();
    }
    column
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect::<Vec<_>>()
        .into()
}

/// Labels as the kernel takes them: negative for none.
fn labels_of(rows: &RecordBatch, name: &str) -> Result<Vec<i32>> {
    let labels = as_numbers(name, column_of(rows, name)?)?;
    Ok(labels
        .into_iter()
        .map(|label| label.map_or(-1, |label| label as i32))
        .collect())
}

/// The batch with a column in the place of the one of that name, or at the end.
fn with_column(
    rows: &RecordBatch,
    name: &str,
    column: ArrayRef,
    nullable: bool,
) -> Result<RecordBatch> {
    let field = Arc::new(Field::new(name, column.data_type().clone(), nullable));
    let mut fields: Vec<_> = rows.schema().fields().iter().cloned().collect();
    let mut columns = rows.columns().to_vec();
    match fields.iter().position(|present| present.name() == name) {
        Some(index) => (fields[index], columns[index]) = (field, column),
        None => {
            fields.push(field);
            columns.push(column);
        }
    }
    let metadata = rows.schema().metadata().clone();
    RecordBatch::try_new(
        Arc::new(Schema::new_with_metadata(fields, metadata)),
        columns,
    )
    .map_err(Failure::internal)
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        let code = if error == ClusterError::Cancelled {
            "aborted"
        } else {
            error.code()
        };
        Failure::user(code, &error)
    }
}
