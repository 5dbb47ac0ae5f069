//! Rows to compute from when there is no input: a counter, and random numbers that depend on a seed and the counter alone.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema};

/// `rows` rows counted from `start`: the column `index` (int64), and for each of `streams` a column of its name with float64 numbers from
/// 0 (included) to 1 (excluded), each a multiple of 2^-53. A stream's numbers depend on the seed, its number and the index alone.
///
/// The numbers are those of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, 2014), each at its index in
/// the sequence of its stream.
pub fn counter_rows(start: i64, rows: usize, seed: u64, streams: &[(String, u64)]) -> RecordBatch {
    let indices = || (start..).take(rows);
    let index: ArrayRef = Arc::new(Int64Array::from_iter_values(indices()));
    let random = streams.iter().map(|(_, stream)| -> ArrayRef {
        let origin = mixed(mixed(seed).wrapping_add(*stream));
        let numbers = indices().map(|index| number_at(origin, index as u64));
        Arc::new(Float64Array::from_iter_values(numbers))
    });
    let fields = streams
        .iter()
        .map(|(name, _)| Field::new(name, DataType::Float64, false));
    let fields: Vec<Field> = [Field::new("index", DataType::Int64, false)]
        .into_iter()
        .chain(fields)
        .collect();
    let columns = std::iter::once(index).chain(random).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
        .expect("the columns were made for the schema")
}

/// The golden ratio in 64 bits, by which SplitMix64 steps.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

fn number_at(origin: u64, index: u64) -> f64 {
    let bits = mixed(origin.wrapping_add(index.wrapping_add(1).wrapping_mul(STEP)));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};

    use super::*;

    fn random(start: i64, rows: usize, seed: u64, stream: u64) -> Vec<f64> {
        let batch = counter_rows(start, rows, seed, &[("random".to_owned(), stream)]);
        batch
            .column(1)
            .as_primitive::<Float64Type>()
            .values()
            .to_vec()
    }

    #[test]
    fn the_sequence_is_that_of_the_paper() {
        // First outputs of SplitMix64 from state 1234567, as published with the Java and C reference implementations.
        let published = [6_457_827_717_110_365_317_u64, 3_203_168_211_198_807_973];
        for (index, expected) in published.into_iter().enumerate() {
            let expected = (expected >> 11) as f64 / (1_u64 << 53) as f64;
            assert_eq!(number_at(1_234_567, index as u64), expected);
        }
    }

    #[test]
    fn a_number_depends_on_its_index_and_not_on_where_rows_begin() {
        assert_eq!(random(0, 100, 7, 1)[40..60], random(40, 20, 7, 1));
        assert_ne!(random(0, 100, 7, 1), random(0, 100, 8, 1));
        assert_ne!(random(0, 100, 7, 1), random(0, 100, 7, 2));
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let numbers = random(0, 100_000, 1, 0);
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let square = numbers.iter().map(|number| number * number).sum::<f64>() / 1e5;
        assert!((mean - 0.5).abs() < 0.005 && (square - 1.0 / 3.0).abs() < 0.005);
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
    }

    #[test]
    fn rows_are_counted_from_the_start() {
        let batch = counter_rows(5, 3, 0, &[]);
        assert_eq!(
            batch.column(0).as_primitive::<Int64Type>().values(),
            &[5, 6, 7]
        );
    }
}
