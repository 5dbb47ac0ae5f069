//! Times of 96 bits, as Spark, Impala and Hive write them: a nanosecond of a Julian day, with a far wider range than
//! Arrow's times. The decoder wraps what does not fit, so the values are checked before.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use super::reader::guarded;
use crate::error::{FormatsError, Result};

const JULIAN_DAY_OF_EPOCH: i128 = 2_440_588;
const DAY_NANOSECONDS: i128 = 86_400_000_000_000;
/// Values read at a time.
const BLOCK_ROWS: usize = 8_192;

/// `metadata` with the times of 96 bits in the unit in which they are `wanted`: one that is coarser than nanoseconds
/// holds farther years. All others stay in nanoseconds.
pub(super) fn in_wanted_units(
    name: &str,
    metadata: ArrowReaderMetadata,
    wanted: &SchemaRef,
) -> Result<ArrowReaderMetadata> {
    let parquet = metadata.parquet_schema();
    if !(0..parquet.num_columns()).any(|leaf| parquet.column(leaf).physical_type() == Type::INT96) {
        return Ok(metadata);
    }
    let nanoseconds = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let in_unit = |(root, field): (usize, &FieldRef)| -> FieldRef {
        let is_int96 = parquet.root_schema().get_fields()[root].is_primitive()
            && *field.data_type() == nanoseconds;
        match wanted.field_with_name(field.name()).map(Field::data_type) {
            Ok(DataType::Timestamp(unit, _)) if is_int96 => {
                let data_type = DataType::Timestamp(*unit, None);
                Arc::new(field.as_ref().clone().with_data_type(data_type))
            }
            _ => Arc::clone(field),
        }
    };
    let fields: Vec<FieldRef> = metadata
        .schema()
        .fields()
        .iter()
        .enumerate()
        .map(in_unit)
        .collect();
    if metadata.schema().fields().iter().eq(&fields) {
        return Ok(metadata);
    }
    let schema = Schema::new_with_metadata(fields, metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    guarded(name, || {
        ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
    })
}

/// Checks that the times of 96 bits in the row groups and the columns of `mask` are whole numbers of the unit in which
/// `metadata` has them, and in its range. Cost: reads these columns; nothing where there are none.
///
/// Errors: [`FormatsError::Drift`] for the first that is not, [`FormatsError::Corrupt`], [`FormatsError::Io`].
pub(super) fn check_times<R: ChunkReader + 'static>(
    name: &str,
    open: impl Fn() -> Result<Arc<R>>,
    metadata: &ArrowReaderMetadata,
    row_groups: &[usize],
    mask: &ProjectionMask,
) -> Result<()> {
    let parquet = metadata.parquet_schema();
    let mut units = Vec::new();
    for field in metadata.schema().fields() {
        push_units(field.data_type(), &mut units);
    }
    for (leaf, unit) in units.into_iter().enumerate() {
        let is_int96 = leaf < parquet.num_columns()
            && parquet.column(leaf).physical_type() == Type::INT96
            && mask.leaf_included(leaf);
        let Some(unit) = unit.filter(|_| is_int96) else {
            continue;
        };
        let chunks = open()?;
        for row_group in row_groups {
            check_chunk(name, &chunks, metadata, *row_group, leaf, unit)?;
        }
    }
    Ok(())
}

/// The units of the leaves of a type, in their order; none for one that is no time.
fn push_units(data_type: &DataType, units: &mut Vec<Option<TimeUnit>>) {
    use DataType as D;
    match data_type {
        D::Struct(members) => {
            for member in members {
                push_units(member.data_type(), units);
            }
        }
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) | D::Map(item, _) => {
            push_units(item.data_type(), units);
        }
        D::Timestamp(unit, _) => units.push(Some(*unit)),
        _ => units.push(None),
    }
}

fn check_chunk<R: ChunkReader + 'static>(
    name: &str,
    chunks: &Arc<R>,
    metadata: &ArrowReaderMetadata,
    row_group: usize,
    leaf: usize,
    unit: TimeUnit,
) -> Result<()> {
    let rows = metadata.metadata().row_group(row_group);
    let column = rows.column(leaf);
    let row_count = usize::try_from(rows.num_rows()).unwrap_or(0);
    let mut reader = guarded(name, || {
        let pages = SerializedPageReader::new(Arc::clone(chunks), column, row_count, None)?;
        let pages = Box::new(pages);
        Ok(ColumnReaderImpl::<Int96Type>::new(
            column.column_descr_ptr(),
            pages,
        ))
    })?;
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        definitions.clear();
        repetitions.clear();
        values.clear();
        let (records, _, levels) = guarded(name, || {
            let levels = (Some(&mut definitions), Some(&mut repetitions));
            reader.read_records(BLOCK_ROWS, levels.0, levels.1, &mut values)
        })?;
        if let Some(reason) = values.iter().find_map(|value| misfit(value, unit)) {
            return Err(FormatsError::Drift {
                input: name.to_owned(),
                column: column.column_descr().path().string(),
                reason,
            });
        }
        if records == 0 && levels == 0 {
            return Ok(());
        }
    }
}

/// Why a time cannot be had in a unit.
fn misfit(time: &Int96, unit: TimeUnit) -> Option<String> {
    let [low, high, day] = *<&[u32; 3]>::try_from(time.data()).ok()?;
    let of_day = i128::from(low) | (i128::from(high) << 32);
    let nanoseconds = (i128::from(day as i32) - JULIAN_DAY_OF_EPOCH) * DAY_NANOSECONDS + of_day;
    let (tick, name, years) = match unit {
        TimeUnit::Nanosecond => (1, "nanoseconds", ", the years 1677 to 2262"),
        TimeUnit::Microsecond => (1_000, "microseconds", ""),
        TimeUnit::Millisecond => (1_000_000, "milliseconds", ""),
        TimeUnit::Second => (1_000_000_000, "seconds", ""),
    };
    if nanoseconds % tick != 0 {
        return Some(format!("a time is finer than the {name} expected"));
    }
    let is_held = i64::try_from(nanoseconds / tick).is_ok();
    (!is_held).then(|| format!("a time is outside of what {name} can hold{years}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int96(day: u32, nanoseconds: u64) -> Int96 {
        let mut time = Int96::new();
        time.set_data(nanoseconds as u32, (nanoseconds >> 32) as u32, day);
        time
    }

    #[test]
    fn a_time_is_held_up_to_the_ends_of_its_unit() {
        // 2262-04-11T23:47:16.854775807 and 1677-09-21T00:12:43.145224192.
        let last = (2_547_339, 85_636_854_775_807);
        let first = (2_333_836, 763_145_224_192);
        let held = |(day, nanoseconds), unit| misfit(&int96(day, nanoseconds), unit).is_none();
        assert!(held(last, TimeUnit::Nanosecond) && held(first, TimeUnit::Nanosecond));
        assert!(!held((last.0, last.1 + 1), TimeUnit::Nanosecond));
        assert!(!held((first.0, first.1 - 1), TimeUnit::Nanosecond));
        assert!(!held(last, TimeUnit::Microsecond), "it has nanoseconds");
        assert!(held((5_373_484, 0), TimeUnit::Microsecond), "9999-12-31");
        assert!(held((0, 0), TimeUnit::Microsecond), "-4713-11-24");
    }
}
