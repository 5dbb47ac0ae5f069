//! Columns that grow value by value, and can go back to where a message began.

use std::sync::Arc;

use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{
    BooleanBufferBuilder, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer,
};
use arrow_schema::{ArrowError, DataType, Field};

use super::plan::{ColumnKind, ColumnPlan, ItemPlan};
use super::schema::Scalar;

/// A column under construction.
pub(super) struct Column {
    values: Values,
    /// Whether each value is there; none for a column without nulls.
    there: Option<BooleanBufferBuilder>,
}

enum Values {
    Bits(BooleanBufferBuilder),
    Fixed { width: usize, bytes: MutableBuffer },
    Text { ends: Vec<i32>, bytes: Vec<u8> },
    List { ends: Vec<i32>, items: Vec<Column> },
}

impl Column {
    pub(super) fn all(plans: &[ColumnPlan], capacity: usize) -> Vec<Self> {
        plans.iter().map(|plan| Self::new(plan, capacity)).collect()
    }

    fn new(plan: &ColumnPlan, capacity: usize) -> Self {
        let ends = || {
            let mut ends = Vec::with_capacity(capacity + 1);
            ends.push(0);
            ends
        };
        Self {
            values: match &plan.kind {
                ColumnKind::Scalar(Scalar::Bool) => {
                    Values::Bits(BooleanBufferBuilder::new(capacity))
                }
                ColumnKind::Scalar(scalar) => Values::Fixed {
                    width: scalar.width(),
                    bytes: MutableBuffer::new(capacity * scalar.width()),
                },
                ColumnKind::Text => Values::Text {
                    ends: ends(),
                    bytes: Vec::new(),
                },
                ColumnKind::List(item) => Values::List {
                    ends: ends(),
                    items: Self::all(&item.columns, 0),
                },
            },
            there: plan
                .is_nullable
                .then(|| BooleanBufferBuilder::new(capacity)),
        }
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Bits(bits) => bits.len(),
            Values::Fixed { width, bytes } => bytes.len() / width,
            Values::Text { ends, .. } | Values::List { ends, .. } => ends.len() - 1,
        }
    }

    #[inline]
    fn is_there(&mut self) {
        if let Some(there) = &mut self.there {
            there.append(true);
        }
    }

    /// Adds a scalar, little-endian, in the first bytes of `value`.
    #[inline]
    pub(super) fn push_scalar(&mut self, value: &[u8]) {
        self.is_there();
        match &mut self.values {
            Values::Bits(bits) => bits.append(value[0] != 0),
            Values::Fixed { width: 8, bytes } => push::<8>(bytes, value),
            Values::Fixed { width: 4, bytes } => push::<4>(bytes, value),
            Values::Fixed { width, bytes } => bytes.extend_from_slice(&value[..*width]),
            Values::Text { .. } | Values::List { .. } => unreachable!("the plan gave a scalar"),
        }
    }

    /// Adds `count` scalars that lie one behind the other.
    pub(super) fn push_scalars(&mut self, values: &[u8], count: usize) {
        if let Some(there) = &mut self.there {
            there.append_n(count, true);
        }
        match &mut self.values {
            Values::Bits(bits) => values.iter().for_each(|value| bits.append(*value != 0)),
            Values::Fixed { bytes, .. } => bytes.extend_from_slice(values),
            Values::Text { .. } | Values::List { .. } => unreachable!("the plan gave scalars"),
        }
    }

    #[inline]
    pub(super) fn push_text(&mut self, text: &str) {
        self.is_there();
        if let Values::Text { ends, bytes } = &mut self.values {
            bytes.extend_from_slice(text.as_bytes());
            ends.push(bytes.len() as i32);
        }
    }

    /// Columns of the items of the next list.
    pub(super) fn items(&mut self) -> &mut [Column] {
        match &mut self.values {
            Values::List { items, .. } => items,
            _ => unreachable!("the plan gave a list"),
        }
    }

    /// Ends a list behind the items that were added.
    pub(super) fn end_list(&mut self) {
        self.is_there();
        if let Values::List { ends, items } = &mut self.values {
            ends.push(items.first().map_or(0, Column::len) as i32);
        }
    }

    pub(super) fn push_null(&mut self) {
        if let Some(there) = &mut self.there {
            there.append(false);
        }
        match &mut self.values {
            Values::Bits(bits) => bits.append(false),
            Values::Fixed { width, bytes } => bytes.extend_zeros(*width),
            Values::Text { ends, .. } | Values::List { ends, .. } => {
                ends.push(*ends.last().unwrap_or(&0));
            }
        }
    }

    /// Forgets all but the first `rows` values.
    pub(super) fn truncate(&mut self, rows: usize) {
        if let Some(there) = &mut self.there {
            there.truncate(rows);
        }
        match &mut self.values {
            Values::Bits(bits) => bits.truncate(rows),
            Values::Fixed { width, bytes } => bytes.truncate(rows * *width),
            Values::Text { ends, bytes } => {
                ends.truncate(rows + 1);
                bytes.truncate(ends[rows] as usize);
            }
            Values::List { ends, items } => {
                ends.truncate(rows + 1);
                let count = ends[rows] as usize;
                items.iter_mut().for_each(|item| item.truncate(count));
            }
        }
    }

    pub(super) fn finish(self, kind: &ColumnKind) -> Result<ArrayRef, ArrowError> {
        let nulls = self.there.map(|there| NullBuffer::new(there.build()));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
        Ok(match (self.values, kind) {
            (Values::Bits(bits), _) => Arc::new(BooleanArray::new(bits.build(), nulls)),
            (Values::Fixed { bytes, .. }, kind) => fixed(bytes.into(), &kind.data_type(), nulls),
            (Values::Text { ends, bytes }, _) => {
                let ends = OffsetBuffer::new(ends.into());
                Arc::new(StringArray::try_new(ends, bytes.into(), nulls)?)
            }
            (Values::List { ends, items }, ColumnKind::List(item)) => {
                let ends = OffsetBuffer::new(ends.into());
                let values = list_items(items, item, ends[ends.len() - 1] as usize)?;
                let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
                Arc::new(ListArray::try_new(field, ends, values, nulls)?)
            }
            (Values::List { .. }, _) => unreachable!("the plan gave a list"),
        })
    }
}

fn list_items(items: Vec<Column>, plan: &ItemPlan, count: usize) -> Result<ArrayRef, ArrowError> {
    let arrays = items
        .into_iter()
        .zip(&plan.columns)
        .map(|(column, plan)| column.finish(&plan.kind))
        .collect::<Result<Vec<_>, _>>()?;
    if plan.is_record() {
        let items = StructArray::try_new_with_length(plan.fields(), arrays, None, count)?;
        return Ok(Arc::new(items));
    }
    Ok(Arc::clone(&arrays[0]))
}

#[inline]
fn push<const WIDTH: usize>(bytes: &mut MutableBuffer, value: &[u8]) {
    let value: &[u8; WIDTH] = value[..WIDTH].try_into().expect("a slice of this length");
    bytes.extend_from_slice(value);
}

/// The bytes of little-endian values as an array; machines that Sferic runs on are little-endian.
fn fixed(bytes: Buffer, data_type: &DataType, nulls: Option<NullBuffer>) -> ArrayRef {
    macro_rules! array {
        ($type:ty) => {
            Arc::new(PrimitiveArray::<$type>::new(
                ScalarBuffer::from(bytes),
                nulls,
            ))
        };
    }
    match data_type {
        DataType::Int8 => array!(Int8Type),
        DataType::UInt8 => array!(UInt8Type),
        DataType::Int16 => array!(Int16Type),
        DataType::UInt16 => array!(UInt16Type),
        DataType::Int32 => array!(Int32Type),
        DataType::UInt32 => array!(UInt32Type),
        DataType::Int64 => array!(Int64Type),
        DataType::UInt64 => array!(UInt64Type),
        DataType::Float32 => array!(Float32Type),
        DataType::Float64 => array!(Float64Type),
        other => unreachable!("no scalar is {other}"),
    }
}
