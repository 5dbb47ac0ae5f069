//! `kernel-netcdf` for JavaScript.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use kernel_netcdf::{
    Content, GlmParams, GlmTable, Longitude, NetcdfError, NetcdfParams, decode_glm_files,
    decode_netcdf_files, glm_schema,
};
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;
use rayon::prelude::*;

use crate::batch::NativeBatch;
use crate::error::{Detail, Failure, Result};
use crate::files::NativeConstant;
use crate::schema::{NativeColumn, to_columns};
use crate::work::{CancelToken, Cancelled, Work, promise};

/// A file by its path, or with its bytes.
#[napi(object)]
pub struct NativeFile {
    /// Base name for the `file` column and for messages.
    pub name: String,
    pub path: Option<String>,
    pub bytes: Option<Uint8Array>,
    /// Columns whose value the file's place gives; for formats that are read with them.
    pub constants: Option<Vec<NativeConstant>>,
}

impl NativeFile {
    fn content(self) -> (String, Content) {
        let content = match (self.path, self.bytes) {
            (Some(path), _) => Content::Path(PathBuf::from(path)),
            (None, bytes) => Content::Bytes(Arc::from(
                bytes.map(|bytes| bytes.to_vec()).unwrap_or_default(),
            )),
        };
        (self.name, content)
    }
}

/// How a granule is read.
#[napi(object)]
pub struct NativeGlmOptions {
    #[napi(ts_type = "'flashes' | 'groups' | 'events'")]
    pub table: String,
    #[napi(ts_type = "'wrapped' | 'unwrapped'")]
    pub longitude: String,
}

impl NativeGlmOptions {
    fn params(&self) -> Result<GlmParams> {
        let longitude = if self.longitude == "unwrapped" {
            Longitude::Unwrapped
        } else {
            Longitude::Wrapped
        };
        Ok(GlmParams {
            table: self.table.parse()?,
            longitude,
            ..GlmParams::default()
        })
    }
}

/// How any CF file is read.
#[napi(object)]
pub struct NativeNetcdfOptions {
    pub dimension: Option<String>,
    pub variables: Option<Vec<String>>,
    pub constants: Vec<String>,
}

impl NativeNetcdfOptions {
    fn params(self) -> NetcdfParams {
        let Self {
            dimension,
            variables,
            constants,
        } = self;
        NetcdfParams {
            dimension,
            variables,
            constants,
            ..NetcdfParams::default()
        }
    }
}

/// A file that gave no rows, or a row of one.
#[napi(object)]
pub struct NativeInvalid {
    pub name: String,
    pub reason: String,
    /// Byte offset in the file, where known.
    pub position: Option<f64>,
    /// Whether other rows of the file were read.
    pub is_part: bool,
}

/// All rows of the first files that could be decoded, and those of them that could not.
#[napi(object, object_from_js = false)]
pub struct NativeDecoded {
    /// How many files these are; the others are left for another call.
    pub file_count: u32,
    /// In file order.
    pub batches: Vec<NativeBatch>,
    pub invalid: Vec<NativeInvalid>,
}

/// Columns of a GLM table.
#[napi(js_name = "glmSchema")]
pub fn native_glm_schema(table: String) -> napi::Result<Vec<NativeColumn>> {
    let table: GlmTable = table.parse().map_err(Failure::from)?;
    Ok(to_columns(&glm_schema(table)))
}

#[napi(ts_return_type = "Promise<NativeDecoded>")]
pub fn decode_glm(
    files: Vec<NativeFile>,
    options: NativeGlmOptions,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeDecoded>>> {
    let (params, cancelled) = (options.params()?, Cancelled::from_token(token));
    let files: Vec<_> = files.into_iter().map(NativeFile::content).collect();
    Ok(promise(move || {
        collect(
            &files,
            decode_glm_files(&files, &params, &|| cancelled.is_set()),
        )
    }))
}

#[napi(ts_return_type = "Promise<NativeDecoded>")]
pub fn decode_netcdf(
    files: Vec<NativeFile>,
    options: NativeNetcdfOptions,
    token: Option<&CancelToken>,
) -> AsyncTask<Work<NativeDecoded>> {
    let (params, cancelled) = (options.params(), Cancelled::from_token(token));
    let files: Vec<_> = files.into_iter().map(NativeFile::content).collect();
    promise(move || {
        collect(
            &files,
            decode_netcdf_files(&files, &params, &|| cancelled.is_set()),
        )
    })
}

/// Columns that `decode_netcdf` gives for this file.
#[napi(js_name = "netcdfSchema", ts_return_type = "Promise<NativeColumn[]>")]
pub fn native_netcdf_schema(
    file: NativeFile,
    options: NativeNetcdfOptions,
) -> AsyncTask<Work<Vec<NativeColumn>>> {
    let params = options.params();
    let file = file.content();
    promise(move || {
        let bytes = match &file.1 {
            Content::Path(path) => std::fs::read(path)
                .map_err(|error| Failure::io(error.kind(), error))?
                .into(),
            Content::Bytes(bytes) => Arc::clone(bytes),
        };
        Ok(to_columns(&*kernel_netcdf::netcdf_schema(&bytes, &params)?))
    })
}

fn collect(
    files: &[(String, Content)],
    outcomes: Vec<std::result::Result<RecordBatch, NetcdfError>>,
) -> Result<NativeDecoded> {
    let file_count = outcomes.len() as u32;
    let mut batches: Vec<RecordBatch> = Vec::with_capacity(outcomes.len());
    let mut invalid = Vec::new();
    for ((name, _), outcome) in files.iter().zip(outcomes) {
        let mut reject = |reason: String, position: Option<u64>| {
            invalid.push(NativeInvalid {
                name: name.clone(),
                reason,
                position: position.map(|offset| offset as f64),
                is_part: false,
            });
        };
        match outcome {
            Ok(batch)
                if batches
                    .first()
                    .is_some_and(|first| first.schema_ref() != batch.schema_ref()) =>
            {
                reject(
                    "its columns are not those of the files before it".into(),
                    None,
                );
            }
            Ok(batch) => batches.push(batch),
            Err(error @ (NetcdfError::Io { .. } | NetcdfError::Cancelled)) => {
                return Err(error.into());
            }
            Err(error) => reject(error.to_string(), error.offset()),
        }
    }
    Ok(NativeDecoded {
        file_count,
        batches: joined(&batches)?
            .into_iter()
            .map(NativeBatch::new)
            .collect(),
        invalid,
    })
}

/// The same rows in fewer batches: small ones are worth joining, copies of large ones cost more than they save.
fn joined(batches: &[RecordBatch]) -> Result<Vec<RecordBatch>> {
    const BYTES_MIN: usize = 4 << 20;
    let mut groups: Vec<&[RecordBatch]> = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, batch) in batches.iter().enumerate() {
        bytes += batch.get_array_memory_size();
        if bytes >= BYTES_MIN || index + 1 == batches.len() {
            groups.push(&batches[start..=index]);
            (start, bytes) = (index + 1, 0);
        }
    }
    let join = |group: &&[RecordBatch]| match group {
        [only] => Ok(only.clone()),
        _ => arrow_select::concat::concat_batches(group[0].schema_ref(), *group)
            .map_err(Failure::internal),
    };
    groups.par_iter().map(join).collect()
}

impl From<NetcdfError> for Failure {
    fn from(error: NetcdfError) -> Self {
        let position = error.offset();
        let failure = match &error {
            NetcdfError::Io { source, .. } => Failure::io(source.kind(), &error),
            NetcdfError::Cancelled => Failure::user("aborted", &error),
            _ => Failure::new("invalid-file", "external", &error),
        };
        match position {
            Some(offset) => failure.with("position", Detail::Number(offset)),
            None => failure,
        }
    }
}
