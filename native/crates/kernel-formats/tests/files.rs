//! Many files read together: order, columns that differ between files, constants, conditions.

mod support;

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt64Type};
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kernel_formats::{
    Comparison, Condition, CsvFiles, CsvReadParams, FilesItem, FilesReader, InputFile,
    ParquetFiles, ReadFile,
};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use support::{Folder, Random};

const NEVER: &(dyn Fn() -> bool + Sync) = &|| false;

fn input(path: &Path) -> InputFile {
    InputFile {
        name: path.file_name().unwrap().to_string_lossy().into_owned(),
        input: path.into(),
        constants: Vec::new(),
    }
}

/// All rows as one batch, and the reasons of the files that gave none.
fn read(
    format: impl ReadFile,
    files: Vec<InputFile>,
    schema: Option<SchemaRef>,
) -> (RecordBatch, Vec<String>) {
    let mut reader = FilesReader::start(format, files, schema, None).unwrap();
    let (mut batches, mut invalid) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next(NEVER) {
        match item.unwrap() {
            FilesItem::Rows(batch) => batches.push(batch),
            FilesItem::Invalid { error, .. } => invalid.push(error.to_string()),
        }
    }
    let rows = arrow_select::concat::concat_batches(&reader.schema(), &batches).unwrap();
    (rows, invalid)
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, values)| (name, values, true)),
    )
    .unwrap()
}

/// Written by the Parquet crate, not by this one.
fn write(path: &Path, rows: &RecordBatch, row_group_rows: usize) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_statistics_truncate_length(Some(4))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

#[test]
fn columns_are_found_by_name_and_missing_ones_are_null() {
    let folder = Folder::new("by-name");
    let (first, second) = (folder.file("1.parquet"), folder.file("2.parquet"));
    let numbers = |values: [i64; 2]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    write(
        &first,
        &table(vec![("a", numbers([1, 2])), ("b", numbers([3, 4]))]),
        10,
    );
    write(
        &second,
        &table(vec![("c", numbers([9, 9])), ("a", numbers([5, 6]))]),
        10,
    );
    let (rows, invalid) = read(
        ParquetFiles::default(),
        vec![input(&first), input(&second)],
        None,
    );
    assert_eq!(invalid, [""; 0]);
    let column = |index: usize| {
        rows.column(index)
            .as_primitive::<Int64Type>()
            .iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(column(0), [Some(1), Some(2), Some(5), Some(6)]);
    assert_eq!(column(1), [Some(3), Some(4), None, None]);
}

#[test]
fn types_are_converted_where_nothing_is_lost() {
    let folder = Folder::new("widened");
    let path = folder.file("1.parquet");
    let millis = TimestampMillisecondArray::from(vec![Some(1_500), None]);
    let rows = table(vec![
        ("i", Arc::new(Int32Array::from(vec![Some(i32::MIN), None]))),
        ("f", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("t", Arc::new(millis)),
        ("s", Arc::new(LargeStringArray::from(vec![Some("é"), None]))),
    ]);
    write(&path, &rows, 10);
    let wanted = schema(&[
        ("i", DataType::Int64),
        ("f", DataType::Float64),
        (
            "t",
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ),
        ("s", DataType::Utf8),
    ]);
    let (rows, invalid) = read(ParquetFiles::default(), vec![input(&path)], Some(wanted));
    assert_eq!(invalid, [""; 0]);
    assert_eq!(
        rows.column(0).as_primitive::<Int64Type>().value(0),
        i64::from(i32::MIN)
    );
    assert_eq!(
        rows.column(1).as_primitive::<Float64Type>().value(0),
        f64::from(0.1_f32)
    );
    let times = rows.column(2).as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.value(0), 1_500_000);
    assert_eq!(rows.column(3).as_string::<i32>().value(0), "é");
    assert!(rows.columns().iter().all(|column| column.is_null(1)));
}

#[test]
fn a_file_whose_columns_do_not_fit_is_invalid_with_the_reason() {
    let folder = Folder::new("drift");
    let cases: [(&str, ArrayRef, &str); 4] = [
        (
            "a",
            Arc::new(StringArray::from(vec!["x"])),
            "it is Utf8, where Int64 is expected",
        ),
        (
            "a",
            Arc::new(Float64Array::from(vec![1.0])),
            "it is Float64, where Int64 is expected",
        ),
        (
            "a",
            Arc::new(UInt64Array::from(vec![1])),
            "it is UInt64, where Int64 is expected",
        ),
        (
            "b",
            Arc::new(Int64Array::from(vec![1])),
            "in the file, which has b",
        ),
    ];
    for (name, values, reason) in cases {
        let path = folder.file("1.parquet");
        write(&path, &table(vec![(name, values)]), 10);
        let wanted = schema(&[("a", DataType::Int64)]);
        let (rows, invalid) = read(ParquetFiles::default(), vec![input(&path)], Some(wanted));
        assert_eq!((rows.num_rows(), invalid.len()), (0, 1));
        assert!(invalid[0].contains(reason), "{}", invalid[0]);
    }
}

#[test]
fn a_time_finer_than_expected_is_invalid() {
    let folder = Folder::new("finer");
    let path = folder.file("1.parquet");
    for (tick, is_good) in [(2_000, true), (2_001, false)] {
        let times = TimestampNanosecondArray::from(vec![tick]);
        write(&path, &table(vec![("t", Arc::new(times))]), 10);
        let wanted = schema(&[("t", DataType::Timestamp(TimeUnit::Microsecond, None))]);
        let (rows, invalid) = read(ParquetFiles::default(), vec![input(&path)], Some(wanted));
        assert_eq!(
            (rows.num_rows() == 1, invalid.is_empty()),
            (is_good, is_good)
        );
    }
}

#[test]
fn constants_fill_their_columns_whatever_the_file_says() {
    let folder = Folder::new("constants");
    let path = folder.file("1.csv");
    std::fs::write(&path, "x,year\n1,1999\n2,1999\n").unwrap();
    let mut file = input(&path);
    let constant = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
    file.constants = vec![
        constant("year", Some("2018")),
        constant("day", Some("2018-07-02")),
        constant("site", None),
    ];
    let wanted = schema(&[
        ("x", DataType::Int64),
        ("year", DataType::Int64),
        ("day", DataType::Date32),
        ("site", DataType::Utf8),
    ]);
    let (rows, invalid) = read(CsvFiles::default(), vec![file.clone()], Some(wanted));
    assert_eq!(invalid, [""; 0]);
    assert_eq!(
        rows.column(1).as_primitive::<Int64Type>().values(),
        &[2018, 2018]
    );
    assert_eq!(
        rows.column(2).as_primitive::<types::Date32Type>().values(),
        &[17714, 17714]
    );
    assert_eq!(rows.column(3).null_count(), 2);
    file.constants = vec![constant("year", Some("MMXVIII"))];
    let wanted = schema(&[("x", DataType::Int64), ("year", DataType::Int64)]);
    let (_, invalid) = read(CsvFiles::default(), vec![file], Some(wanted));
    assert!(invalid[0].contains("MMXVIII"), "{invalid:?}");
}

#[test]
fn a_headless_csv_file_keeps_its_positions_when_columns_are_left_out() {
    let folder = Folder::new("headless");
    let path = folder.file("1.csv");
    std::fs::write(&path, "1,2,3\n4,5,6\n").unwrap();
    let all = schema(&[
        ("a", DataType::Int64),
        ("b", DataType::Int64),
        ("c", DataType::Int64),
    ]);
    let params = CsvReadParams {
        header: false,
        schema: Some(all),
        ..Default::default()
    };
    let wanted = schema(&[("c", DataType::Int64)]);
    let (rows, _) = read(CsvFiles { params }, vec![input(&path)], Some(wanted));
    assert_eq!(rows.column(0).as_primitive::<Int64Type>().values(), &[3, 6]);
}

/// Random rows in which every type has its trouble: nulls, NaN, numbers beyond signed ones, text beyond the bounds'
/// length, parts of nulls alone.
fn troubled(random: &mut Random, rows: usize) -> RecordBatch {
    let mut level = 0;
    let levels: Vec<usize> = (0..rows)
        .map(|row| {
            if row % 50 == 0 {
                level = random.below(20);
            }
            level
        })
        .collect();
    let mut is_null = || random.below(5) == 0;
    let nulls: Vec<bool> = levels
        .iter()
        .map(|level| *level == 0 || is_null())
        .collect();
    let mut jitter = || random.below(3);
    let values: Vec<Option<usize>> = levels
        .iter()
        .zip(&nulls)
        .map(|(level, null)| (!null).then(|| level * 3 + jitter()))
        .collect();
    let values = || values.iter().copied();
    let float = |value: usize| {
        if value.is_multiple_of(17) {
            f64::NAN
        } else {
            value as f64 / 4.0
        }
    };
    let word = |value: usize| format!("long-prefix-{}", char::from(b'a' + value as u8 % 26));
    table(vec![
        (
            "i",
            Arc::new(
                values()
                    .map(|value| value.map(|v| v as i32 - 30))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "u",
            Arc::new(
                values()
                    .map(|value| value.map(|v| u64::MAX - v as u64))
                    .collect::<UInt64Array>(),
            ),
        ),
        (
            "f",
            Arc::new(
                values()
                    .map(|value| value.map(float))
                    .collect::<Float64Array>(),
            ),
        ),
        (
            "s",
            Arc::new(
                values()
                    .map(|value| value.map(word))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "t",
            Arc::new(
                values()
                    .map(|value| value.map(|v| v as i64 * 86_400_000_000))
                    .collect::<TimestampMicrosecondArray>(),
            ),
        ),
    ])
}

/// Whether a row fulfils a condition, as SQL has it; NaN is the greatest number.
fn holds(condition: &Condition, rows: &RecordBatch, row: usize) -> bool {
    use std::cmp::Ordering;
    let column = rows.column_by_name(&condition.column).unwrap();
    match condition.comparison {
        Comparison::IsNull => return column.is_null(row),
        Comparison::IsNotNull => return column.is_valid(row),
        _ if column.is_null(row) => return false,
        _ => {}
    }
    let order = |literal: &str| -> Ordering {
        match condition.column.as_str() {
            "i" => i64::from(column.as_primitive::<Int32Type>().value(row))
                .cmp(&literal.parse().unwrap()),
            "u" => column
                .as_primitive::<UInt64Type>()
                .value(row)
                .cmp(&literal.parse().unwrap()),
            "f" => column
                .as_primitive::<Float64Type>()
                .value(row)
                .total_cmp(&literal.parse().unwrap()),
            "s" => column.as_string::<i32>().value(row).cmp(literal),
            _ => {
                let day: i64 = literal[8..10].parse().unwrap();
                let month: i64 = literal[5..7].parse().unwrap();
                let ticks = (day - 1 + (month - 1) * 31) * 86_400_000_000;
                column
                    .as_primitive::<TimestampMicrosecondType>()
                    .value(row)
                    .cmp(&ticks)
            }
        }
    };
    condition
        .values
        .iter()
        .any(|literal| match condition.comparison {
            Comparison::Less => order(literal).is_lt(),
            Comparison::LessOrEqual => order(literal).is_le(),
            Comparison::Greater => order(literal).is_gt(),
            Comparison::GreaterOrEqual => order(literal).is_ge(),
            _ => order(literal).is_eq(),
        })
}

fn random_condition(random: &mut Random) -> Condition {
    use Comparison::{Greater, GreaterOrEqual, In, IsNotNull, IsNull, Less, LessOrEqual};
    let column = ["i", "u", "f", "s", "t"][random.below(5)];
    let comparison = [
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        In,
        IsNull,
        IsNotNull,
    ][random.below(7)];
    let count = match comparison {
        IsNull | IsNotNull => 0,
        In => 1 + random.below(3),
        _ => 1,
    };
    let literal = |value: usize| match column {
        "i" => (value as i64 - 30).to_string(),
        "u" => (u64::MAX - value as u64).to_string(),
        "f" => (value as f64 / 4.0).to_string(),
        "s" => format!("long-prefix-{}", char::from(b'a' + value as u8 % 26)),
        _ => format!("1970-0{}-{:02}", 1 + value / 31, 1 + value % 31),
    };
    Condition {
        column: column.to_owned(),
        comparison,
        // January and February 1970: day numbers that the test can count itself.
        values: (0..count).map(|_| literal(random.below(59))).collect(),
    }
}

#[test]
fn no_row_that_fulfils_the_conditions_is_left_out() {
    let folder = Folder::new("pruned");
    let path = folder.file("1.parquet");
    let mut random = Random(7);
    let (mut left_out, mut all) = (0, 0);
    for _ in 0..20 {
        let rows = troubled(&mut random, 1_000);
        write(&path, &rows, 50);
        for _ in 0..40 {
            let conditions: Vec<Condition> = (0..1 + random.below(2))
                .map(|_| random_condition(&mut random))
                .collect();
            let fulfilled = |rows: &RecordBatch| -> Vec<String> {
                (0..rows.num_rows())
                    .filter(|row| {
                        conditions
                            .iter()
                            .all(|condition| holds(condition, rows, *row))
                    })
                    .map(|row| format!("{:?}", rows.slice(row, 1)))
                    .collect()
            };
            let format = ParquetFiles {
                conditions: conditions.clone(),
            };
            let (pruned, _) = read(format, vec![input(&path)], None);
            assert_eq!(fulfilled(&pruned), fulfilled(&rows), "{conditions:?}");
            left_out += rows.num_rows() - pruned.num_rows();
            all += rows.num_rows();
        }
    }
    assert!(
        left_out * 3 > all,
        "only {left_out} of {all} rows were left out"
    );
}

#[test]
fn the_row_groups_of_a_large_file_come_in_order_and_damage_in_the_last_one_leaves_no_row() {
    let folder = Folder::new("large");
    let path = folder.file("1.parquet");
    let mut random = Random(3);
    let values: Vec<i64> = (0..1_200_000).map(|_| random.next() as i64).collect();
    let rows = table(vec![("a", Arc::new(Int64Array::from(values.clone())))]);
    write(&path, &rows, 100_000);
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes.len() > 8 << 20,
        "it must be larger than what is read at once"
    );
    let (found, invalid) = read(
        ParquetFiles::default(),
        vec![input(&path), input(&path)],
        None,
    );
    assert_eq!(invalid, [""; 0]);
    let found = found.column(0).as_primitive::<Int64Type>();
    assert_eq!(found.values()[..values.len()], values[..]);
    assert_eq!(found.values()[values.len()..], values[..]);
    // The header of the last row group's last page, some way before the footer.
    let mut damaged = bytes;
    let end = damaged.len() - 200_000;
    damaged[end..end + 100_000].fill(0xff);
    let second = folder.file("2.parquet");
    std::fs::write(&second, damaged).unwrap();
    let (found, invalid) = read(
        ParquetFiles::default(),
        vec![input(&second), input(&path)],
        None,
    );
    assert_eq!((found.num_rows(), invalid.len()), (values.len(), 1));
}

#[test]
fn bad_rows_and_damage_far_into_a_large_csv_file() {
    let folder = Folder::new("large-csv");
    let path = folder.file("1.csv");
    let wanted = || Some(schema(&[("a", DataType::Int64), ("b", DataType::Int64)]));
    let good: i64 = 5_000_000;
    let mut text = String::from("a,b\n");
    for row in 0..good {
        text.push_str(&format!("{row},1\n"));
    }
    // (what stands at the end, whether the rows before it come, what is told)
    for (tail, comes, told) in [
        ("x,1\n7,2\n", true, "line 5000002"),
        ("\"7\",2\nx,1\n", true, "line 5000003"),
        ("7\"x,1\n7,2\n", true, "line 5000002"),
        ("\"never closed,1\n", false, "quote"),
    ] {
        std::fs::write(&path, format!("{text}{tail}")).unwrap();
        let (rows, invalid) = read(CsvFiles::default(), vec![input(&path)], wanted());
        let expected = if comes { good as usize + 1 } else { 0 };
        assert_eq!(rows.num_rows(), expected, "{tail}");
        assert_eq!(invalid.len(), 1);
        assert!(invalid[0].contains(told), "{}", invalid[0]);
        if comes {
            let column = rows.column(0).as_primitive::<Int64Type>();
            assert!(column.values().iter().copied().eq((0..good).chain([7])));
        }
    }
}
