//! Lookups of `kernel-relational` for JavaScript.

use std::sync::Arc;

use kernel_relational::{Lookup, LookupColumn, LookupKind, LookupParams};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::batch::NativeBatch;
use crate::error::{Failure, Result};
use crate::schema::{NativeColumn, from_columns, parse_type};
use crate::work::{Work, promise};

/// A column of a lookup's result: a left one, one of the table, or a key of both.
#[napi(object)]
pub struct NativeLookupColumn {
    /// Position in the left rows.
    pub left: Option<u32>,
    /// Position in the table.
    pub right: Option<u32>,
}

/// A join with a table in memory.
#[napi(object)]
pub struct NativeLookupParams {
    #[napi(ts_type = "'inner' | 'left' | 'right' | 'full' | 'semi' | 'anti'")]
    pub kind: String,
    /// Positions of the keys, pairwise left and right.
    pub keys: Vec<Vec<u32>>,
    pub columns: Vec<NativeLookupColumn>,
    /// Names, types, units and nulls of the result.
    pub result: Vec<NativeColumn>,
}

/// A table that rows are looked up in.
#[napi]
pub struct NativeLookup {
    /// Nothing once it is closed.
    lookup: Option<Arc<Lookup>>,
}

impl NativeLookup {
    fn lookup(&self) -> Result<&Arc<Lookup>> {
        let closed = || Failure::internal("the lookup is closed");
        self.lookup.as_ref().ok_or_else(closed)
    }
}

#[napi]
impl NativeLookup {
    /// How many rows of the table one left row can match at most, or somewhat more.
    #[napi(getter)]
    pub fn matches_max(&self) -> napi::Result<f64> {
        Ok(self.lookup()?.matches_max() as f64)
    }

    /// Lets go of the table; what is under way goes on.
    #[napi]
    pub fn close(&mut self) {
        self.lookup = None;
    }

    /// The result for a batch of left rows, in their order; the batch stays open.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn apply(&self, batch: &NativeBatch) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
        let (rows, lookup) = (batch.rows()?.clone(), Arc::clone(self.lookup()?));
        Ok(promise(move || Ok(NativeBatch::new(lookup.apply(&rows)?))))
    }

    /// Rows of the table that nothing has matched, for the kinds that keep them; the left rows have `columns`.
    #[napi(ts_return_type = "Promise<NativeBatch>")]
    pub fn unmatched(
        &self,
        columns: Vec<NativeColumn>,
    ) -> napi::Result<AsyncTask<Work<NativeBatch>>> {
        let (left, lookup) = (from_columns(&columns)?, Arc::clone(self.lookup()?));
        Ok(promise(move || {
            Ok(NativeBatch::new(lookup.unmatched(&left)?))
        }))
    }
}

/// Whether keys of a type can be looked up.
#[napi]
pub fn can_look_up(key_type: String) -> napi::Result<bool> {
    Ok(Lookup::is_possible(&parse_type(&key_type)?))
}

/// Hashes a table by its keys; the batch stays open.
#[napi(ts_return_type = "Promise<NativeLookup>")]
pub fn build_lookup(
    table: &NativeBatch,
    params: NativeLookupParams,
) -> napi::Result<AsyncTask<Work<NativeLookup>>> {
    let table = table.rows()?.clone();
    let params = to_params(params)?;
    Ok(promise(move || {
        let lookup = Some(Arc::new(Lookup::build(table, params)?));
        Ok(NativeLookup { lookup })
    }))
}

fn to_params(params: NativeLookupParams) -> Result<LookupParams> {
    let pair = |pair: &Vec<u32>| match pair.as_slice() {
        [left, right] => Ok((*left as usize, *right as usize)),
        _ => Err(Failure::internal("a key of a lookup is a pair")),
    };
    Ok(LookupParams {
        kind: match params.kind.as_str() {
            "inner" => LookupKind::Inner,
            "left" => LookupKind::Left,
            "right" => LookupKind::Right,
            "full" => LookupKind::Full,
            "semi" => LookupKind::Semi,
            "anti" => LookupKind::Anti,
            other => return Err(Failure::internal(format!("there is no join {other:?}"))),
        },
        keys: params.keys.iter().map(pair).collect::<Result<_>>()?,
        columns: params
            .columns
            .iter()
            .map(to_lookup_column)
            .collect::<Result<_>>()?,
        schema: from_columns(&params.result)?,
    })
}

pub(crate) fn to_lookup_column(column: &NativeLookupColumn) -> Result<LookupColumn> {
    match (column.left, column.right) {
        (Some(left), Some(right)) => Ok(LookupColumn::Key(left as usize, right as usize)),
        (Some(left), None) => Ok(LookupColumn::Left(left as usize)),
        (None, Some(right)) => Ok(LookupColumn::Right(right as usize)),
        (None, None) => Err(Failure::internal("a column of a join comes from nowhere")),
    }
}
