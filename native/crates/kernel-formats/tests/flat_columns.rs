//! Columns over several pages and in every encoding, read back by the parquet crate.

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::*;
use arrow_select::concat::concat_batches;
use kernel_formats::*;
use parquet::basic::Encoding;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use support::{Random, assert_same, batch, cut};

const ROWS: usize = 100_000;

/// How nulls are spread over the rows.
const SPREADS: [fn(usize, &mut Random) -> bool; 4] = [
    |_, _| false,
    |_, random| random.below(10) == 0,
    |row, _| (30_000..70_000).contains(&row),
    |_, _| true,
];

fn columns(is_null: fn(usize, &mut Random) -> bool) -> RecordBatch {
    let mut random = Random(7);
    let nulls: Vec<bool> = (0..ROWS).map(|row| is_null(row, &mut random)).collect();
    macro_rules! column {
        ($array:ident, $value:expr) => {{
            let mut random = Random(11);
            let value = $value;
            let values = (0..ROWS).map(|row| Some(value(row, &mut random)).filter(|_| !nulls[row]));
            Arc::new($array::from_iter(values)) as ArrayRef
        }};
    }
    let walk = Cell::new(0_i64);
    batch(vec![
        (
            "counter",
            column!(Int32Array, |row: usize, _: &mut Random| row as i32),
        ),
        (
            "falling",
            column!(UInt64Array, |row: usize, _: &mut Random| u64::MAX
                - 3 * row as u64),
        ),
        (
            "constant",
            column!(Int64Array, |_: usize, _: &mut Random| -5),
        ),
        (
            "flag",
            column!(UInt32Array, |_: usize, random: &mut Random| random.below(2)
                as u32),
        ),
        (
            "random_i64",
            column!(Int64Array, |_: usize, random: &mut Random| random.next()
                as i64),
        ),
        (
            "random_u32",
            column!(UInt32Array, |_: usize, random: &mut Random| random.next()
                as u32),
        ),
        (
            "walk",
            column!(Int64Array, |_: usize, random: &mut Random| {
                walk.set(walk.get() + random.below(1_000_000) as i64 - 400_000);
                walk.get()
            }),
        ),
        (
            "lattice",
            column!(
                Float64Array,
                |_: usize, random: &mut Random| random.below(3_000) as f64 * 1.5e-15
            ),
        ),
        (
            "random_f64",
            column!(
                Float64Array,
                |_: usize, random: &mut Random| f64::from_bits(random.next())
            ),
        ),
        (
            "random_f32",
            column!(
                Float32Array,
                |_: usize, random: &mut Random| f32::from_bits(random.next() as u32)
            ),
        ),
        (
            "nan",
            column!(Float64Array, |_: usize, _: &mut Random| f64::NAN),
        ),
        (
            "runs",
            column!(StringArray, |row: usize, _: &mut Random| [
                "G16", "G17", "G18"
            ][row / 40 % 3]),
        ),
        (
            "unique",
            column!(StringArray, |row: usize, _: &mut Random| format!(
                "flash {row}"
            )),
        ),
        (
            "long",
            column!(StringArray, |row: usize, random: &mut Random| "é"
                .repeat(random.below(80))
                + &row.to_string()),
        ),
    ])
}

fn metadata(bytes: &[u8]) -> ParquetMetaData {
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&bytes::Bytes::copy_from_slice(bytes))
        .unwrap()
}

#[test]
fn values_survive_every_encoding_and_spread_of_nulls() {
    for compression in [
        Compression::Zstd(1),
        Compression::Snappy,
        Compression::Lz4,
        Compression::None,
    ] {
        for spread in SPREADS {
            let expected = columns(spread);
            let params = ParquetWriteParams {
                compression,
                row_group_rows: 80_000,
                ..Default::default()
            };
            let bytes =
                encode_parquet(expected.schema(), &cut(&expected, 33_333), &params).unwrap();
            let reader = ParquetReader::open(bytes, &ParquetReadParams::default()).unwrap();
            let found = reader.collect::<Result<Vec<_>>>().unwrap();
            assert_same(
                &concat_batches(&expected.schema(), &found).unwrap(),
                &expected,
            );
        }
    }
}

#[test]
fn encodings_suit_the_values() {
    let expected = columns(SPREADS[0]);
    let bytes = encode_parquet(
        expected.schema(),
        [&expected],
        &ParquetWriteParams::default(),
    )
    .unwrap();
    let encodings = |name: &str| -> BTreeSet<Encoding> {
        let index = expected.schema().index_of(name).unwrap();
        metadata(&bytes)
            .row_group(0)
            .column(index)
            .encodings()
            .collect()
    };
    for name in ["counter", "falling", "walk"] {
        assert!(
            encodings(name).contains(&Encoding::DELTA_BINARY_PACKED),
            "{name}"
        );
    }
    for name in ["constant", "flag", "lattice", "nan", "runs"] {
        let encodings = encodings(name);
        let small = [Encoding::RLE_DICTIONARY, Encoding::DELTA_BINARY_PACKED];
        assert!(
            small.iter().any(|encoding| encodings.contains(encoding)),
            "{name}"
        );
    }
    for name in [
        "random_i64",
        "random_u32",
        "random_f64",
        "random_f32",
        "unique",
    ] {
        assert_eq!(
            encodings(name),
            BTreeSet::from([Encoding::PLAIN, Encoding::RLE]),
            "{name}"
        );
    }
}

#[test]
fn statistics_bound_the_values() {
    let expected = columns(SPREADS[1]);
    let bytes = encode_parquet(
        expected.schema(),
        [&expected],
        &ParquetWriteParams::default(),
    )
    .unwrap();
    let metadata = metadata(&bytes);
    let statistics = |name: &str| {
        let index = expected.schema().index_of(name).unwrap();
        assert_eq!(
            metadata
                .row_group(0)
                .column(index)
                .statistics()
                .unwrap()
                .null_count_opt(),
            Some(expected.column(index).null_count() as u64),
            "{name}"
        );
        let statistics = metadata
            .row_group(0)
            .column(index)
            .statistics()
            .unwrap()
            .clone();
        (
            statistics.min_bytes_opt().map(<[u8]>::to_vec),
            statistics.max_bytes_opt().map(<[u8]>::to_vec),
        )
    };
    let column = |name: &str| expected.column_by_name(name).unwrap().as_any();
    let bytes_of = |min: &[u8], max: &[u8]| (Some(min.to_vec()), Some(max.to_vec()));

    let walk = column("walk").downcast_ref::<Int64Array>().unwrap();
    let (min, max) = (
        walk.iter().flatten().min().unwrap(),
        walk.iter().flatten().max().unwrap(),
    );
    assert_eq!(
        statistics("walk"),
        bytes_of(&min.to_le_bytes(), &max.to_le_bytes())
    );
    let unsigned = column("random_u32").downcast_ref::<UInt32Array>().unwrap();
    let (min, max) = (
        unsigned.iter().flatten().min().unwrap(),
        unsigned.iter().flatten().max().unwrap(),
    );
    assert_eq!(
        statistics("random_u32"),
        bytes_of(&min.to_le_bytes(), &max.to_le_bytes())
    );
    let lattice = column("lattice").downcast_ref::<Float64Array>().unwrap();
    let max = lattice.iter().flatten().fold(0.0, f64::max);
    assert_eq!(
        statistics("lattice"),
        bytes_of(&(-0.0_f64).to_le_bytes(), &max.to_le_bytes())
    );
    let unique = column("unique").downcast_ref::<StringArray>().unwrap();
    let (min, max) = (
        unique.iter().flatten().min().unwrap(),
        unique.iter().flatten().max().unwrap(),
    );
    assert_eq!(
        statistics("unique"),
        bytes_of(min.as_bytes(), max.as_bytes())
    );
    assert_eq!(statistics("nan"), (None, None));
}

#[test]
fn the_page_index_covers_all_rows() {
    let expected = columns(SPREADS[2]);
    let bytes = encode_parquet(
        expected.schema(),
        [&expected],
        &ParquetWriteParams::default(),
    )
    .unwrap();
    let metadata = metadata(&bytes);
    let offsets = &metadata.offset_index().unwrap()[0];
    for (index, field) in expected.schema().fields().iter().enumerate() {
        let firsts: Vec<i64> = offsets[index]
            .page_locations
            .iter()
            .map(|page| page.first_row_index)
            .collect();
        assert!(
            firsts[0] == 0 && firsts.is_sorted() && firsts.len() >= 4,
            "{}: {firsts:?}",
            field.name()
        );
        let chunk = metadata.row_group(0).column(index);
        let page_bytes: i64 = offsets[index]
            .page_locations
            .iter()
            .map(|page| i64::from(page.compressed_page_size))
            .sum();
        let dictionary_bytes = chunk
            .dictionary_page_offset()
            .map_or(0, |offset| chunk.data_page_offset() - offset);
        assert_eq!(
            page_bytes + dictionary_bytes,
            chunk.compressed_size(),
            "{}",
            field.name()
        );
    }
}

#[test]
fn values_made_to_collide_are_stored_all_the_same() {
    // The hash multiplies words by an odd constant, so equal low bits of a multiple of its inverse collide.
    let inverse = (0..6).fold(0x9e37_79b9_7f4a_7c15_u64, |x, _| {
        x.wrapping_mul(2_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(x)))
    });
    let values = (0..20_000_u64).chain(0..20_000).chain(0..20_000);
    let column: ArrayRef = Arc::new(UInt64Array::from_iter_values(
        values.map(|n| (n << 40).wrapping_mul(inverse)),
    ));
    let expected = batch(vec![("colliding", column)]);
    let begin = std::time::Instant::now();
    let bytes = encode_parquet(
        expected.schema(),
        [&expected],
        &ParquetWriteParams::default(),
    )
    .unwrap();
    assert!(begin.elapsed().as_secs() < 20);
    let found = ParquetReader::open(bytes, &ParquetReadParams::default())
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_same(&found, &expected);
}
