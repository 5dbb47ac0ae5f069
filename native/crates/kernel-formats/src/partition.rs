//! Rows cut by the values of columns, as folders of files hold them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_cast::display::array_value_to_string;
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, Schema};
use arrow_select::take::take_record_batch;

use crate::error::{FormatsError, Result};

/// Rows that are equal in the columns they were cut by.
#[derive(Debug)]
pub struct Partition {
    /// Text of each of those columns, as CSV has it; none for a null.
    pub values: Vec<Option<String>>,
    /// The other columns.
    pub rows: RecordBatch,
}

/// The rows cut by the values of the columns `by`, in the order in which the values first appear; the order of rows
/// within a partition stays.
///
/// Cost: one copy of the rows, which all partitions share, or none when there is only one. Errors:
/// [`FormatsError::UnknownColumn`], and [`FormatsError::Drift`] for a type that has no text.
pub fn partitions(rows: &RecordBatch, by: &[String]) -> Result<Vec<Partition>> {
    let schema = rows.schema();
    let places = by.iter().map(|name| {
        schema
            .index_of(name)
            .map_err(|_| FormatsError::UnknownColumn {
                input: INPUT.to_owned(),
                column: name.clone(),
                available: names(&schema),
            })
    });
    let places = places.collect::<Result<Vec<usize>>>()?;
    let kept: Vec<usize> = (0..schema.fields().len())
        .filter(|index| !places.contains(index))
        .collect();
    let data = rows.project(&kept).map_err(failed)?;
    let keys: Vec<ArrayRef> = places
        .iter()
        .map(|&index| Arc::clone(rows.column(index)))
        .collect();
    let groups = Groups::of(&keys).map_err(failed)?;
    let sorted = match groups.firsts.len() {
        0 | 1 => data,
        _ => take_record_batch(&data, &groups.order()).map_err(failed)?,
    };
    let mut start = 0;
    let cut = groups
        .firsts
        .iter()
        .zip(&groups.sizes)
        .map(|(&first, &size)| {
            let values = keys
                .iter()
                .map(|key| text_at(key, first))
                .collect::<Result<_>>()?;
            let partition = Partition {
                values,
                rows: sorted.slice(start, size),
            };
            start += size;
            Ok(partition)
        });
    cut.collect()
}

/// What errors call the rows.
const INPUT: &str = "the input";

fn names(schema: &Schema) -> String {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    names.join(", ")
}

fn failed(error: ArrowError) -> FormatsError {
    FormatsError::Drift {
        input: INPUT.to_owned(),
        column: String::new(),
        reason: error.to_string(),
    }
}

/// Which rows belong together.
struct Groups {
    /// Number of the group of each row.
    of_row: Vec<u32>,
    /// First row of each group.
    firsts: Vec<usize>,
    /// Rows of each group.
    sizes: Vec<usize>,
}

impl Groups {
    fn of(keys: &[ArrayRef]) -> std::result::Result<Self, ArrowError> {
        let fields = keys
            .iter()
            .map(|key| SortField::new(key.data_type().clone()));
        let rows: Rows = RowConverter::new(fields.collect())?.convert_columns(keys)?;
        let mut known: HashMap<&[u8], u32> = HashMap::new();
        let mut groups = Self {
            of_row: Vec::with_capacity(rows.num_rows()),
            firsts: Vec::new(),
            sizes: Vec::new(),
        };
        for (index, key) in rows.iter().enumerate() {
            let next = groups.firsts.len() as u32;
            let group = *known.entry(key.data()).or_insert(next);
            if group == next {
                groups.firsts.push(index);
                groups.sizes.push(0);
            }
            groups.sizes[group as usize] += 1;
            groups.of_row.push(group);
        }
        Ok(groups)
    }

    /// Rows by group, each group in its own order.
    fn order(&self) -> UInt32Array {
        let mut next = Vec::with_capacity(self.sizes.len());
        let mut total = 0;
        for size in &self.sizes {
            next.push(total);
            total += size;
        }
        let mut order = vec![0_u32; total];
        for (row, &group) in self.of_row.iter().enumerate() {
            let place = &mut next[group as usize];
            order[*place] = row as u32;
            *place += 1;
        }
        order.into()
    }
}

fn text_at(key: &ArrayRef, row: usize) -> Result<Option<String>> {
    if key.is_null(row) {
        return Ok(None);
    }
    array_value_to_string(key, row).map(Some).map_err(failed)
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Date32Array, Int64Array, StringArray};

    use super::*;

    fn rows() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "name",
                Arc::new(StringArray::from(vec![
                    Some("b"),
                    Some("a"),
                    None,
                    Some("b"),
                    Some(""),
                ])),
            ),
            ("n", Arc::new(Int64Array::from(vec![0, 1, 2, 3, 4]))),
            (
                "day",
                Arc::new(Date32Array::from(vec![0, 0, 17_714, 0, 17_714])),
            ),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn cut(rows: &RecordBatch, by: &[&str]) -> Vec<(Vec<Option<String>>, Vec<i64>)> {
        let by: Vec<String> = by.iter().map(|&name| name.to_owned()).collect();
        let partition = |Partition { values, rows }: Partition| {
            let numbers = rows
                .column_by_name("n")
                .unwrap()
                .as_primitive::<Int64Type>();
            (values, numbers.values().to_vec())
        };
        partitions(rows, &by)
            .unwrap()
            .into_iter()
            .map(partition)
            .collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn rows_keep_their_order_and_values_the_order_in_which_they_come() {
        let expected = vec![
            (vec![some("b")], vec![0, 3]),
            (vec![some("a")], vec![1]),
            (vec![None], vec![2]),
            (vec![some("")], vec![4]),
        ];
        assert_eq!(cut(&rows(), &["name"]), expected);
    }

    #[test]
    fn several_columns_count_together_and_are_no_columns_of_the_rows() {
        let expected = vec![
            (vec![some("1970-01-01"), some("b")], vec![0, 3]),
            (vec![some("1970-01-01"), some("a")], vec![1]),
            (vec![some("2018-07-02"), None], vec![2]),
            (vec![some("2018-07-02"), some("")], vec![4]),
        ];
        assert_eq!(cut(&rows(), &["day", "name"]), expected);
        let parts = partitions(&rows(), &["day".to_owned(), "name".to_owned()]).unwrap();
        assert_eq!(parts[0].rows.schema().fields().len(), 1);
    }

    #[test]
    fn no_rows_have_no_partitions_and_one_value_copies_nothing() {
        assert!(cut(&rows().slice(0, 0), &["name"]).is_empty());
        let same = rows().slice(0, 1);
        let parts = partitions(&same, &["name".to_owned()]).unwrap();
        assert!(
            parts[0]
                .rows
                .column(0)
                .to_data()
                .ptr_eq(&same.column(1).to_data())
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let error = partitions(&rows(), &["nmae".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"the input has no column "nmae"; it has name, n, day"#
        );
    }
}
