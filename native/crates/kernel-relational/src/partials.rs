//! Partial aggregates of many groups, a column of them each, and how two become one.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array};
use arrow_buffer::NullBuffer;
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::DataType;

use crate::error::{RelationalError, Result};
use crate::small_bytes::SmallBytes;

/// How two partial aggregates of a group become one. Null is that of no rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// They add up: int64, float64, decimal128.
    Sum,
    /// The smaller one stays: any type that has an order, NaN above all numbers.
    Least,
    /// The greater one stays.
    Greatest,
}

/// One partial aggregate of every group, by the place of the group.
#[derive(Debug)]
pub(crate) enum Partials {
    Count(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Exact {
        sums: Vec<Option<i128>>,
        data_type: DataType,
    },
    Extreme {
        /// Values in a form whose bytes have their order.
        values: Vec<Option<SmallBytes>>,
        /// Bytes of the values that stand outside of the column.
        heap: usize,
        converter: RowConverter,
        data_type: DataType,
        greatest: bool,
    },
}

/// The values of a column that are merged into [`Partials`] of its kind.
pub(crate) enum Values {
    Count(Int64Array),
    Float(Float64Array),
    Exact(Decimal128Array),
    Extreme(Rows, Option<NullBuffer>),
}

impl Partials {
    pub(crate) fn new(data_type: &DataType, merge: Merge) -> Result<Self> {
        Ok(match (merge, data_type) {
            (Merge::Sum, DataType::Int64) => Self::Count(Vec::new()),
            (Merge::Sum, DataType::Float64) => Self::Float(Vec::new()),
            (Merge::Sum, DataType::Decimal128(..)) => Self::Exact {
                sums: Vec::new(),
                data_type: data_type.clone(),
            },
            (Merge::Sum, other) => {
                return Err(RelationalError::BatchSchema {
                    difference: format!("a sum of {other} cannot be kept"),
                });
            }
            (Merge::Least | Merge::Greatest, other) => Self::Extreme {
                values: Vec::new(),
                heap: 0,
                converter: RowConverter::new(vec![SortField::new(other.clone())])?,
                data_type: other.clone(),
                greatest: merge == Merge::Greatest,
            },
        })
    }

    /// One more place, of no rows.
    pub(crate) fn grow(&mut self) {
        match self {
            Self::Count(counts) => counts.push(None),
            Self::Float(sums) => sums.push(None),
            Self::Exact { sums, .. } => sums.push(None),
            Self::Extreme { values, .. } => values.push(None),
        }
    }

    /// A place is of no rows again.
    pub(crate) fn clear(&mut self, place: usize) {
        match self {
            Self::Count(counts) => counts[place] = None,
            Self::Float(sums) => sums[place] = None,
            Self::Exact { sums, .. } => sums[place] = None,
            Self::Extreme { values, heap, .. } => put(&mut values[place], heap, None),
        }
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Count(counts) => size_of::<Option<i64>>() * counts.capacity(),
            Self::Float(sums) => size_of::<Option<f64>>() * sums.capacity(),
            Self::Exact { sums, .. } => size_of::<Option<i128>>() * sums.capacity(),
            Self::Extreme { values, heap, .. } => {
                size_of::<Option<SmallBytes>>() * values.capacity() + heap
            }
        }
    }

    pub(crate) fn values(&self, column: &ArrayRef) -> Result<Values> {
        let differs = || RelationalError::BatchSchema {
            difference: format!("a partial aggregate is {}", column.data_type()),
        };
        Ok(match self {
            Self::Count(_) => Values::Count(
                column
                    .as_primitive_opt::<Int64Type>()
                    .ok_or_else(differs)?
                    .clone(),
            ),
            Self::Float(_) => Values::Float(
                column
                    .as_primitive_opt::<Float64Type>()
                    .ok_or_else(differs)?
                    .clone(),
            ),
            Self::Exact { .. } => Values::Exact(
                column
                    .as_primitive_opt::<Decimal128Type>()
                    .ok_or_else(differs)?
                    .clone(),
            ),
            Self::Extreme { converter, .. } => Values::Extreme(
                converter.convert_columns(&[Arc::clone(column)])?,
                column.logical_nulls(),
            ),
        })
    }

    /// Merges one row into a place.
    pub(crate) fn merge(&mut self, place: usize, values: &Values, row: usize) -> Result<()> {
        match (self, values) {
            (Self::Count(counts), Values::Count(more)) if more.is_valid(row) => {
                let sum = counts[place].unwrap_or(0).checked_add(more.value(row));
                counts[place] = Some(sum.ok_or_else(too_large)?);
            }
            (Self::Float(sums), Values::Float(more)) if more.is_valid(row) => {
                sums[place] = Some(sums[place].unwrap_or(0.0) + more.value(row));
            }
            (Self::Exact { sums, .. }, Values::Exact(more)) if more.is_valid(row) => {
                sums[place] = Some(exact_sum(sums[place], more.value(row))?);
            }
            (
                Self::Extreme {
                    values: kept,
                    heap,
                    greatest,
                    ..
                },
                Values::Extreme(rows, nulls),
            ) if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) => {
                let more = rows.row(row);
                if wins(more.as_ref(), kept[place].as_ref(), *greatest) {
                    put(&mut kept[place], heap, Some(SmallBytes::new(more.as_ref())));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Merges one place into another.
    pub(crate) fn join(&mut self, place: usize, other: usize) -> Result<()> {
        match self {
            Self::Count(counts) => {
                if let Some(more) = counts[other] {
                    let sum = counts[place].unwrap_or(0).checked_add(more);
                    counts[place] = Some(sum.ok_or_else(too_large)?);
                }
            }
            Self::Float(sums) => {
                if let Some(more) = sums[other] {
                    sums[place] = Some(sums[place].unwrap_or(0.0) + more);
                }
            }
            Self::Exact { sums, .. } => {
                if let Some(more) = sums[other] {
                    sums[place] = Some(exact_sum(sums[place], more)?);
                }
            }
            Self::Extreme {
                values,
                heap,
                greatest,
                ..
            } => {
                if let Some(more) = values[other].clone()
                    && wins(more.as_slice(), values[place].as_ref(), *greatest)
                {
                    put(&mut values[place], heap, Some(more));
                }
            }
        }
        Ok(())
    }

    /// The values of some places.
    pub(crate) fn column(&self, places: &[u32]) -> Result<ArrayRef> {
        Ok(match self {
            Self::Count(counts) => Arc::new(Int64Array::from_iter(
                places.iter().map(|place| counts[*place as usize]),
            )),
            Self::Float(sums) => Arc::new(Float64Array::from_iter(
                places.iter().map(|place| sums[*place as usize]),
            )),
            Self::Exact { sums, data_type } => Arc::new(
                Decimal128Array::from_iter(places.iter().map(|place| sums[*place as usize]))
                    .with_data_type(data_type.clone()),
            ),
            Self::Extreme {
                values,
                converter,
                data_type,
                ..
            } => {
                let parser = converter.parser();
                let null =
                    converter.convert_columns(&[arrow_array::new_null_array(data_type, 1)])?;
                let rows = places.iter().map(|place| match &values[*place as usize] {
                    Some(value) => parser.parse(value.as_slice()),
                    None => null.row(0),
                });
                converter.convert_rows(rows)?.remove(0)
            }
        })
    }
}

/// Puts a value in the place of another one and keeps count of the bytes outside.
fn put(kept: &mut Option<SmallBytes>, heap: &mut usize, value: Option<SmallBytes>) {
    let bytes = |value: &Option<SmallBytes>| value.as_ref().map_or(0, SmallBytes::heap_bytes);
    *heap += bytes(&value);
    *heap -= bytes(kept);
    *kept = value;
}

/// Whether a value takes the place of the one that is kept.
fn wins(value: &[u8], kept: Option<&SmallBytes>, greatest: bool) -> bool {
    kept.is_none_or(|kept| match greatest {
        true => value > kept.as_slice(),
        false => value < kept.as_slice(),
    })
}

fn exact_sum(sum: Option<i128>, more: i128) -> Result<i128> {
    let sum = sum.unwrap_or(0).checked_add(more).ok_or_else(too_large)?;
    const DIGITS_38: i128 = 10_i128.pow(38);
    if sum.abs() < DIGITS_38 {
        Ok(sum)
    } else {
        Err(too_large())
    }
}

fn too_large() -> RelationalError {
    RelationalError::Value {
        message: "a sum has more digits than its type holds; sum a float64 instead".to_string(),
    }
}
