//! Integers of 128 bits and more in results. DuckDB exports HUGEINT and UHUGEINT as `Decimal128(38, 0)`, which has fewer digits, and
//! BIGNUM and BIT as bytes of its own: what does not fit is refused.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

use crate::error::{ExpressionIssue, RelationalError, Result};
use crate::ffi::{TYPE_BIGNUM, TYPE_BIT, TYPE_HUGEINT, TYPE_TIME_TZ, TYPE_UHUGEINT};
use crate::inputs::LogicalType;

/// The type of 128-bit integers in Arrow.
pub(crate) const WIDE: DataType = DataType::Decimal128(38, 0);
const DIGITS_38: i128 = 10_i128.pow(38);

/// Which columns of a result have 128-bit integers, and whether those are unsigned.
#[derive(Debug, Default)]
pub(crate) struct WideColumns(Vec<(usize, bool)>);

impl WideColumns {
    /// Those of a result whose columns have these names and types.
    ///
    /// # Errors
    /// `TimeWithOffset` for a type of which Arrow would lose the offset, `Query` for one of which it would lose digits or bits.
    pub(crate) fn of<'n>(columns: impl Iterator<Item = (&'n str, LogicalType)>) -> Result<Self> {
        let mut wide = Vec::new();
        for (index, (name, found)) in columns.enumerate() {
            let plain = found.plain_kinds();
            require_lossless(name, &found, &plain)?;
            let is_unsigned = found.kind() == TYPE_UHUGEINT;
            if is_unsigned || plain.contains(&TYPE_HUGEINT) {
                wide.push((index, is_unsigned));
            }
        }
        Ok(Self(wide))
    }

    /// Refuses rows with an integer of more than 38 digits.
    ///
    /// # Errors
    /// `Value` with the column.
    pub(crate) fn require_digits(&self, batch: &RecordBatch) -> Result<()> {
        for (index, unsigned) in &self.0 {
            if let Some(digits) = too_wide(batch.column(*index), *unsigned) {
                let schema = batch.schema_ref();
                let column = schema.field(*index).name();
                return Err(RelationalError::Value {
                    message: format!(
                        "{digits} in column \"{column}\" has more than the 38 digits of decimal128(38, 0); write CAST(… AS VARCHAR) in the query"
                    ),
                });
            }
        }
        Ok(())
    }
}

fn require_lossless(column: &str, found: &LogicalType, plain: &[u32]) -> Result<()> {
    if plain.contains(&TYPE_TIME_TZ) {
        let column = column.to_string();
        return Err(RelationalError::TimeWithOffset { column });
    }
    if plain.contains(&TYPE_BIGNUM) {
        return Err(refused(column, "BIGNUM", "digits"));
    }
    if plain.contains(&TYPE_BIT) {
        return Err(refused(column, "BIT", "the number of bits"));
    }
    if plain.contains(&TYPE_UHUGEINT) && found.kind() != TYPE_UHUGEINT {
        return Err(refused(column, "UHUGEINT", "digits"));
    }
    Ok(())
}

fn refused(column: &str, data_type: &str, lost: &str) -> RelationalError {
    RelationalError::Query {
        issue: ExpressionIssue {
            message: format!(
                "column \"{column}\" holds {data_type}, which has no counterpart in Arrow: {lost} would be lost. Write CAST(… AS VARCHAR)"
            ),
            ..ExpressionIssue::default()
        },
    }
}

/// The first integer of more than 38 digits.
fn too_wide(column: &ArrayRef, unsigned: bool) -> Option<String> {
    if let Some(values) = column.as_primitive_opt::<Decimal128Type>() {
        let is_wide = |value: &i128| value.unsigned_abs() >= DIGITS_38.unsigned_abs();
        let is_wide = |value: &i128| is_wide(value) || (unsigned && *value < 0);
        if *values.data_type() != WIDE || !values.values().iter().any(is_wide) {
            return None;
        }
        let found = values.iter().flatten().find(|value| is_wide(value))?;
        return Some(if unsigned {
            (found as u128).to_string()
        } else {
            found.to_string()
        });
    }
    let members = match column.data_type() {
        DataType::List(_) => vec![Arc::clone(column.as_list::<i32>().values())],
        DataType::FixedSizeList(..) => vec![Arc::clone(column.as_fixed_size_list().values())],
        DataType::Map(..) => column.as_map().entries().columns().to_vec(),
        DataType::Struct(_) => column.as_struct().columns().to_vec(),
        _ => Vec::new(),
    };
    members.iter().find_map(|member| too_wide(member, false))
}
