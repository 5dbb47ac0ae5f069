//! Which row groups of a Parquet file can hold rows that are wanted, by the statistics in its footer.

use arrow_schema::{DataType, Schema};
use parquet::basic::ColumnOrder;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::condition::{Bound, Condition, PartFacts, date_bound, time_bound};

/// Positions of the row groups in which all `conditions` may hold for some row. `schema` is the file's.
///
/// Statistics that are missing, deprecated where their order is doubtful, or of a type that is not understood here keep
/// their row group. A column of the conditions that the file has not keeps all.
pub(super) fn wanted_row_groups(
    metadata: &ParquetMetaData,
    schema: &Schema,
    conditions: &[Condition],
) -> Vec<usize> {
    let parquet = metadata.file_metadata().schema_descr();
    let leaves: Vec<(usize, &DataType, &Condition)> = conditions
        .iter()
        .filter_map(|condition| {
            let field = schema.field_with_name(&condition.column).ok()?;
            let leaf = (0..parquet.num_columns())
                .find(|leaf| parquet.column(*leaf).path().parts() == [field.name().as_str()])?;
            Some((leaf, field.data_type(), condition))
        })
        .collect();
    let is_wanted = |row_group: &RowGroupMetaData| {
        leaves.iter().all(|(leaf, data_type, condition)| {
            let is_ordered = matches!(
                metadata.file_metadata().column_order(*leaf),
                ColumnOrder::TYPE_DEFINED_ORDER(_)
            );
            let facts = part_facts(row_group, *leaf, data_type, is_ordered);
            condition.may_hold(data_type, &facts)
        })
    };
    let row_groups = metadata.row_groups().iter().enumerate();
    row_groups
        .filter(|(_, row_group)| is_wanted(row_group))
        .map(|(index, _)| index)
        .collect()
}

fn part_facts(
    row_group: &RowGroupMetaData,
    leaf: usize,
    data_type: &DataType,
    is_ordered: bool,
) -> PartFacts {
    let statistics = row_group.column(leaf).statistics();
    let nulls = statistics.and_then(Statistics::null_count_opt);
    let rows = u64::try_from(row_group.num_rows()).ok();
    PartFacts {
        may_have_nulls: nulls != Some(0),
        may_have_values: nulls.is_none() || nulls != rows,
        bounds: statistics.and_then(|statistics| bounds(statistics, data_type, is_ordered)),
    }
}

fn bounds(
    statistics: &Statistics,
    data_type: &DataType,
    is_ordered: bool,
) -> Option<(Bound, Bound)> {
    use DataType as D;
    let signed = |convert: &dyn Fn(i64) -> Bound| match statistics {
        Statistics::Int32(values) => Some((
            convert(i64::from(*values.min_opt()?)),
            convert(i64::from(*values.max_opt()?)),
        )),
        Statistics::Int64(values) => {
            Some((convert(*values.min_opt()?), convert(*values.max_opt()?)))
        }
        _ => None,
    };
    // Before orders were part of the format, unsigned numbers and text were compared as if signed.
    let is_trusted = is_ordered && !statistics.is_min_max_deprecated();
    match data_type {
        D::Int8 | D::Int16 | D::Int32 | D::Int64 => {
            signed(&|value| Bound::Integer(i128::from(value)))
        }
        D::UInt8 | D::UInt16 | D::UInt32 if is_trusted => {
            signed(&|value| Bound::Integer(i128::from(value as u32)))
        }
        D::UInt64 if is_trusted => signed(&|value| Bound::Integer(i128::from(value as u64))),
        D::Date32 => signed(&|days| date_bound(days as i32)),
        D::Timestamp(unit, _) => signed(&|ticks| time_bound(ticks, *unit)),
        D::Float32 | D::Float64 => float_bounds(statistics),
        D::Utf8 | D::LargeUtf8 | D::Utf8View if is_trusted => match statistics {
            Statistics::ByteArray(values) => Some((
                Bound::Text(values.min_opt()?.data().to_vec()),
                Bound::Text(values.max_opt()?.data().to_vec()),
            )),
            _ => None,
        },
        _ => None,
    }
}

/// None when one of them is NaN: whoever wrote that compared with NaN, so the other one means nothing either.
fn float_bounds(statistics: &Statistics) -> Option<(Bound, Bound)> {
    let (least, greatest) = match statistics {
        Statistics::Float(values) => (f64::from(*values.min_opt()?), f64::from(*values.max_opt()?)),
        Statistics::Double(values) => (*values.min_opt()?, *values.max_opt()?),
        _ => return None,
    };
    let is_known = !least.is_nan() && !greatest.is_nan();
    is_known.then_some((Bound::Float(least), Bound::Float(greatest)))
}

#[cfg(test)]
mod tests {
    use arrow_schema::TimeUnit;
    use parquet::data_type::ByteArray;

    use super::*;

    fn text(value: &str) -> Option<ByteArray> {
        Some(ByteArray::from(value))
    }

    #[test]
    fn text_and_unsigned_numbers_are_trusted_only_where_their_order_is_known() {
        let new = Statistics::byte_array(text("a"), text("é"), None, Some(0), false);
        let old = Statistics::byte_array(text("a"), text("é"), None, Some(0), true);
        assert!(bounds(&new, &DataType::Utf8, true).is_some());
        assert_eq!(bounds(&new, &DataType::Utf8, false), None);
        assert_eq!(bounds(&old, &DataType::Utf8, true), None);
        let numbers = Statistics::int32(Some(1), Some(-1), None, Some(0), false);
        let expected = (Bound::Integer(1), Bound::Integer(u32::MAX.into()));
        assert_eq!(bounds(&numbers, &DataType::UInt32, true), Some(expected));
        assert_eq!(bounds(&numbers, &DataType::UInt32, false), None);
    }

    #[test]
    fn bounds_that_touch_nan_mean_nothing() {
        for (least, greatest) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::NAN, f64::NAN)] {
            let numbers = Statistics::double(Some(least), Some(greatest), None, Some(0), false);
            assert_eq!(bounds(&numbers, &DataType::Float64, true), None);
        }
    }

    #[test]
    fn a_missing_bound_or_an_unknown_type_means_nothing() {
        let half = Statistics::int64(Some(1), None, None, Some(0), false);
        assert_eq!(bounds(&half, &DataType::Int64, true), None);
        let whole = Statistics::int64(Some(1), Some(2), None, Some(0), false);
        assert_eq!(bounds(&whole, &DataType::Decimal128(10, 2), true), None);
        assert_eq!(bounds(&whole, &DataType::Utf8, true), None);
    }

    #[test]
    fn times_of_every_unit_are_nanoseconds() {
        let one = Statistics::int64(Some(1), Some(1), None, Some(0), false);
        let units = [
            (TimeUnit::Second, 1_000_000_000),
            (TimeUnit::Millisecond, 1_000_000),
            (TimeUnit::Microsecond, 1_000),
            (TimeUnit::Nanosecond, 1),
        ];
        for (unit, nanoseconds) in units {
            let expected = (Bound::Time(nanoseconds), Bound::Time(nanoseconds));
            let found = bounds(&one, &DataType::Timestamp(unit, None), true);
            assert_eq!(found, Some(expected));
        }
    }
}
