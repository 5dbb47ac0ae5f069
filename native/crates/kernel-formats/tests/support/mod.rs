//! Tables that tests write and read back.
#![allow(dead_code, reason = "every test binary uses its own part")]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema};

/// A folder of its own for a test, empty at first and removed at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("kernel-formats-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A seeded stream of numbers (SplitMix64), so that every failure can be repeated.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn every(rows: usize, nulls: bool) -> impl Iterator<Item = Option<usize>> + Clone {
    (0..rows).map(move |row| (!nulls || row % 3 != 1).then_some(row))
}

/// Columns that CSV can hold, by name: integers at their limits, NaN and infinities, awkward strings.
pub fn flat_columns(rows: usize, nulls: bool) -> Vec<(&'static str, ArrayRef)> {
    let row = || every(rows, nulls);
    let pick = |values: &'static [&'static str], row: usize| values[row % values.len()];
    let words = &[
        "flat",
        "",
        "a,b",
        "say \"hi\"",
        "two\nlines",
        "é🌩",
        "NaN",
        " padded ",
        "\r",
    ];
    let floats = [
        0.0,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        5e-324,
        f64::MAX,
        0.1,
        -66.56,
    ];
    macro_rules! integers {
        ($array:ident, $native:ty) => {{
            let limits = [<$native>::MIN, <$native>::MAX, 0, 1, 100];
            Arc::new($array::from_iter(
                row().map(|row| row.map(|row| limits[row % 5])),
            )) as ArrayRef
        }};
    }
    let instants = [
        1_530_505_980_123_456_789,
        0,
        -1,
        i64::MAX,
        i64::MIN,
        1_582_934_400_000_000_000,
    ];
    let instant = |row: Option<usize>| row.map(|row| instants[row % 6]);
    let second = |row: Option<usize>| {
        row.map(|row| [1_530_505_980, 0, -1, 253_402_300_800, -62_167_219_201][row % 5])
    };
    let dictionary: DictionaryArray<Int32Type> = row()
        .map(|row| row.map(|row| ["G16", "G17", "G18"][row % 3]))
        .collect();
    vec![
        (
            "boolean",
            Arc::new(BooleanArray::from_iter(
                row().map(|row| row.map(|row| row % 2 == 0)),
            )),
        ),
        ("int8", integers!(Int8Array, i8)),
        ("int16", integers!(Int16Array, i16)),
        ("int32", integers!(Int32Array, i32)),
        ("int64", integers!(Int64Array, i64)),
        ("uint8", integers!(UInt8Array, u8)),
        ("uint16", integers!(UInt16Array, u16)),
        ("uint32", integers!(UInt32Array, u32)),
        ("uint64", integers!(UInt64Array, u64)),
        (
            "float32",
            Arc::new(Float32Array::from_iter(
                row().map(|row| row.map(|row| floats[row % 9] as f32)),
            )),
        ),
        (
            "float64",
            Arc::new(Float64Array::from_iter(
                row().map(|row| row.map(|row| floats[row % 9])),
            )),
        ),
        (
            "utf8",
            Arc::new(StringArray::from_iter(
                row().map(|row| row.map(|row| pick(words, row))),
            )),
        ),
        (
            "large_utf8",
            Arc::new(LargeStringArray::from_iter(
                row().map(|row| row.map(|row| pick(words, row))),
            )),
        ),
        (
            "date32",
            Arc::new(Date32Array::from_iter(row().map(|row| {
                row.map(|row| [0, -1, 17_714, -719_529, 3_000_000][row % 5])
            }))),
        ),
        (
            "seconds",
            Arc::new(TimestampSecondArray::from_iter(row().map(second))),
        ),
        (
            "seconds_utc",
            Arc::new(TimestampSecondArray::from_iter(row().map(second)).with_timezone("UTC")),
        ),
        (
            "milliseconds",
            Arc::new(TimestampMillisecondArray::from_iter(row().map(instant))),
        ),
        (
            "milliseconds_zone",
            Arc::new(
                TimestampMillisecondArray::from_iter(row().map(instant)).with_timezone("+02:00"),
            ),
        ),
        (
            "microseconds",
            Arc::new(TimestampMicrosecondArray::from_iter(row().map(instant))),
        ),
        (
            "microseconds_utc",
            Arc::new(TimestampMicrosecondArray::from_iter(row().map(instant)).with_timezone("UTC")),
        ),
        (
            "nanoseconds",
            Arc::new(TimestampNanosecondArray::from_iter(row().map(instant))),
        ),
        (
            "nanoseconds_utc",
            Arc::new(TimestampNanosecondArray::from_iter(row().map(instant)).with_timezone("UTC")),
        ),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from_iter(
                    row().map(|row| row.map(|row| [12_345, -5, 0, 10_i128.pow(20) - 1][row % 4])),
                )
                .with_precision_and_scale(20, 3)
                .unwrap(),
            ),
        ),
        ("dictionary", Arc::new(dictionary)),
    ]
}

/// Columns that only Parquet can hold.
pub fn nested_columns(rows: usize, nulls: bool) -> Vec<(&'static str, ArrayRef)> {
    let row = || every(rows, nulls);
    let bytes: [&[u8]; 4] = [b"", b"\0\xff", b"abc", &[7; 300]];
    let mut list = ListBuilder::new(Float64Builder::new());
    for row in row() {
        for item in 0..row.unwrap_or(0) % 4 {
            list.values()
                .append_option((item != 1).then_some(item as f64));
        }
        list.append(row.is_some());
    }
    let members: Vec<(Arc<Field>, ArrayRef)> = vec![
        (
            Arc::new(Field::new("lat", DataType::Float64, true)),
            Arc::new(Float64Array::from_iter(
                row().map(|row| row.map(|row| row as f64)),
            )),
        ),
        (
            Arc::new(Field::new("name", DataType::Utf8, true)),
            Arc::new(StringArray::from_iter(
                row().map(|row| row.map(|row| row.to_string())),
            )),
        ),
    ];
    let fixed = FixedSizeBinaryArray::try_from_sparse_iter_with_size(
        row().map(|row| row.map(|row| [row as u8; 3])),
        3,
    );
    vec![
        (
            "binary",
            Arc::new(BinaryArray::from_iter(
                row().map(|row| row.map(|row| bytes[row % 4])),
            )),
        ),
        ("fixed_binary", Arc::new(fixed.unwrap())),
        ("list", Arc::new(list.finish())),
        ("struct", Arc::new(StructArray::from(members))),
    ]
}

/// One batch of columns; every field carries a unit.
pub fn batch(columns: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    let unit = || {
        HashMap::from([
            ("unit".to_owned(), "J".to_owned()),
            ("origin".to_owned(), "test".to_owned()),
        ])
    };
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| {
            Field::new(*name, array.data_type().clone(), true).with_metadata(unit())
        })
        .collect();
    RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap()
}

/// Every type the engine uses.
pub fn all_types(rows: usize, nulls: bool) -> RecordBatch {
    batch(
        flat_columns(rows, nulls)
            .into_iter()
            .chain(nested_columns(rows, nulls))
            .collect(),
    )
}

/// The rows cut into batches of `rows` each.
pub fn cut(batch: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(rows);
    starts
        .map(|start| batch.slice(start, rows.min(batch.num_rows() - start)))
        .collect()
}

/// Compares values bit by bit where `==` would not: NaN equals NaN, -0 differs from 0.
pub fn assert_same(found: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(found.schema(), expected.schema());
    assert_eq!(found.num_rows(), expected.num_rows());
    for (index, field) in expected.schema().fields().iter().enumerate() {
        assert_eq!(
            found.column(index),
            expected.column(index),
            "column {}",
            field.name()
        );
        assert_eq!(
            float_bits(found.column(index)),
            float_bits(expected.column(index)),
            "column {}",
            field.name()
        );
    }
}

fn float_bits(array: &ArrayRef) -> Vec<Option<u64>> {
    let array = array.as_any();
    if let Some(floats) = array.downcast_ref::<Float64Array>() {
        floats.iter().map(|value| value.map(f64::to_bits)).collect()
    } else if let Some(floats) = array.downcast_ref::<Float32Array>() {
        floats
            .iter()
            .map(|value| value.map(|value| u64::from(value.to_bits())))
            .collect()
    } else {
        Vec::new()
    }
}
