//! CSV files, written and read back.

mod support;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampNanosecondType};
use arrow_array::*;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use kernel_formats::*;
use support::{Folder, assert_same, batch, cut, flat_columns};

/// Everything CSV holds and gives back: a dictionary comes back as the strings it stands for.
fn readable(rows: usize, nulls: bool) -> RecordBatch {
    batch(
        flat_columns(rows, nulls)
            .into_iter()
            .filter(|(name, _)| *name != "dictionary")
            .collect(),
    )
}

fn read(bytes: Vec<u8>, params: &CsvReadParams) -> RecordBatch {
    let reader = CsvReader::open(bytes, params).unwrap();
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>>>().unwrap();
    concat_batches(&schema, &batches).unwrap()
}

fn with_schema(schema: SchemaRef) -> CsvReadParams {
    CsvReadParams {
        schema: Some(schema),
        ..Default::default()
    }
}

fn text(column: impl Array + 'static) -> String {
    let column: ArrayRef = Arc::new(column);
    let params = CsvWriteParams {
        header: false,
        ..Default::default()
    };
    let bytes = encode_csv(
        &RecordBatch::try_from_iter([("column", column)]).unwrap(),
        &params,
    )
    .unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_type_survives() {
    for nulls in [false, true] {
        for (delimiter, null) in [(b',', ""), (b';', "NULL"), (b'\t', "NaN")] {
            let batch = readable(1_000, nulls);
            let write = CsvWriteParams {
                delimiter,
                null: null.to_owned(),
                ..Default::default()
            };
            let read_params = CsvReadParams {
                delimiter,
                null: null.to_owned(),
                batch_rows: 99,
                ..with_schema(batch.schema())
            };
            if null != "NaN" {
                assert_same(
                    &read(encode_csv(&batch, &write).unwrap(), &read_params),
                    &batch,
                );
            }
        }
    }
}

#[test]
fn bytes_do_not_depend_on_cuts() {
    let folder = Folder::new("csv-cuts");
    let batch = batch(flat_columns(30_000, true));
    let expected = encode_csv(&batch, &CsvWriteParams::default()).unwrap();
    for rows in [1, 8_191, 8_193, 30_000] {
        let path = folder.file("part.csv");
        let mut writer =
            CsvWriter::create(&path, batch.schema(), &CsvWriteParams::default()).unwrap();
        cut(&batch, rows)
            .iter()
            .try_for_each(|batch| writer.write(batch))
            .unwrap();
        let summary = writer.finish().unwrap();
        assert!(
            std::fs::read(&path).unwrap() == expected,
            "cut into {rows} rows"
        );
        assert_eq!(summary.rows, 30_000);
        assert_eq!(summary.checksum, checksum_file(&path).unwrap().checksum);
    }
}

#[test]
fn instants_are_rfc_3339() {
    let nanoseconds = vec![
        1_530_505_980_123_456_789,
        1_530_505_980_123_456_000,
        1_530_505_980_120_000_000,
        1_530_505_980_000_000_000,
        -1,
        1_582_934_400_000_000_000,
        951_782_400_000_000_000,
    ];
    let column = TimestampNanosecondArray::from(nanoseconds);
    let lines = "2018-07-02T04:33:00.123456789\n2018-07-02T04:33:00.123456\n2018-07-02T04:33:00.120\n\
                 2018-07-02T04:33:00\n1969-12-31T23:59:59.999999999\n2020-02-29T00:00:00\n2000-02-29T00:00:00\n";
    assert_eq!(text(column.clone()), lines);
    assert_eq!(
        text(column.with_timezone("America/Bogota")),
        lines.replace('\n', "Z\n")
    );
    assert_eq!(
        text(Date32Array::from(vec![0, -719_528, 2_932_896, 2_932_897])),
        "1970-01-01\n0000-01-01\n9999-12-31\n+10000-01-01\n"
    );
}

#[test]
fn instants_are_read_in_every_common_form() {
    let rows = "t\n2018-07-02T04:33:00Z\n2018-07-02 04:33:00\n2018-07-02T06:33:00.000+02:00\n2018-07-01T23:33-0500\n";
    let schema = Arc::new(Schema::new(vec![Field::new(
        "t",
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        false,
    )]));
    let inferred = infer_csv_schema(rows.as_bytes().to_vec(), &CsvReadParams::default()).unwrap();
    assert_eq!(inferred.field(0).data_type(), schema.field(0).data_type());
    let found = read(rows.as_bytes().to_vec(), &with_schema(schema));
    let values = found.column(0).as_primitive::<TimestampNanosecondType>();
    assert_eq!(values.values().to_vec(), [1_530_505_980_000_000_000; 4]);
}

#[test]
fn days_that_do_not_exist_are_refused() {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "day",
        DataType::Date32,
        false,
    )]));
    for day in [
        "2019-02-29",
        "1900-02-29",
        "2018-13-01",
        "2018-00-10",
        "2018-04-31",
        "18-04-01",
        "2018-4-1",
        "2018-04-01x",
    ] {
        let mut reader = CsvReader::open(
            format!("day\n{day}\n").into_bytes(),
            &with_schema(schema.clone()),
        )
        .unwrap();
        assert!(
            matches!(
                reader.next(),
                Some(Err(FormatsError::CsvValue {
                    line: 2,
                    column: 1,
                    ..
                }))
            ),
            "{day}"
        );
    }
}

#[test]
fn quotes_follow_rfc_4180() {
    let strings = StringArray::from(vec![
        Some("plain"),
        Some("a,b"),
        Some("say \"hi\""),
        Some("two\nlines"),
        Some(""),
        None,
    ]);
    assert_eq!(
        text(strings),
        "plain\n\"a,b\"\n\"say \"\"hi\"\"\"\n\"two\nlines\"\n\"\"\n\n"
    );
}

#[test]
fn numbers_are_as_short_as_they_can_be() {
    assert_eq!(
        text(Float64Array::from(vec![
            0.1,
            1e300,
            5e-324,
            -0.0,
            f64::NAN,
            f64::NEG_INFINITY
        ])),
        "0.1\n1e+300\n5e-324\n-0.0\nNaN\n-inf\n"
    );
    let decimal = Decimal128Array::from(vec![12_345, -5, 0])
        .with_precision_and_scale(10, 3)
        .unwrap();
    assert_eq!(text(decimal), "12.345\n-0.005\n0.000\n");
}

#[test]
fn types_are_inferred() {
    let rows = "flag,count,ratio,day,time,code,word,nothing\r\n\
                true,1,1,2018-07-02,2018-07-02,007,x,\r\n\
                FALSE,-5,2.5,2018-07-03,2018-07-02T04:33:00Z,012,\"1\",\r\n";
    let schema = infer_csv_schema(rows.as_bytes().to_vec(), &CsvReadParams::default()).unwrap();
    let types: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    let utc = DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    assert_eq!(
        types,
        [
            DataType::Boolean,
            DataType::Int64,
            DataType::Float64,
            DataType::Date32,
            utc,
            DataType::Utf8,
            DataType::Utf8,
            DataType::Utf8,
        ]
    );
    let found = read(rows.as_bytes().to_vec(), &CsvReadParams::default());
    assert_eq!(found.column(7).null_count(), 2);
}

#[test]
fn a_bad_row_is_reported_where_it_is_and_reading_goes_on() {
    let rows = "name,count\n\"two\nlines\",1\nx,many\ny\nz,3\n";
    let schema = Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("count", DataType::Int64, true),
    ]));
    let found: Vec<_> = CsvReader::open(rows.as_bytes().to_vec(), &with_schema(schema))
        .unwrap()
        .collect();
    assert_eq!(found.len(), 3);
    let message = found[0].as_ref().unwrap_err().to_string();
    assert_eq!(
        message,
        "<memory>, line 4, column 2 (count): \"many\" is not a value of type Int64"
    );
    assert!(matches!(
        found[1],
        Err(FormatsError::CsvFieldCount {
            line: 5,
            expected: 2,
            found: 1,
            ..
        })
    ));
    let batch = found[2].as_ref().unwrap();
    assert_eq!(
        batch
            .column(0)
            .as_string::<i32>()
            .iter()
            .flatten()
            .collect::<Vec<_>>(),
        ["two\nlines", "z"]
    );
    assert_eq!(
        batch
            .column(1)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec(),
        [1, 3]
    );
}

#[test]
fn broken_quotes_end_the_reading() {
    for rows in ["a\n\"open\n", "a\n\"x\"y\n", "\"a"] {
        let params = with_schema(Arc::new(Schema::new(vec![Field::new(
            "a",
            DataType::Utf8,
            true,
        )])));
        let error = match CsvReader::open(rows.as_bytes().to_vec(), &params) {
            Ok(mut reader) => {
                let error = reader.next().unwrap().unwrap_err();
                assert!(reader.next().is_none());
                error
            }
            Err(error) => error,
        };
        assert!(matches!(error, FormatsError::CsvQuote { .. }), "{error}");
    }
}

#[test]
fn columns_are_found_by_name_and_the_last_line_end_may_be_missing() {
    let rows = "\u{feff}b,unused,a\r\n1,x,2\r\n\r\n3,y,4";
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Int64, true),
    ]));
    let found = read(rows.as_bytes().to_vec(), &with_schema(schema));
    assert_eq!(
        found
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec(),
        [2, 4]
    );
    assert_eq!(
        found
            .column(1)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec(),
        [1, 3]
    );
}

#[test]
fn long_rows_are_read_up_to_the_bound() {
    let rows = format!("a\n\"{}\"\n", "x\n".repeat(2 << 20));
    let params = CsvReadParams {
        row_bytes_max: 5 << 20,
        ..with_schema(Arc::new(Schema::new(vec![Field::new(
            "a",
            DataType::Utf8,
            true,
        )])))
    };
    assert_eq!(
        read(rows.clone().into_bytes(), &params)
            .column(0)
            .as_string::<i32>()
            .value(0)
            .len(),
        4 << 20
    );
    let params = CsvReadParams {
        row_bytes_max: 1 << 20,
        ..params
    };
    let error = CsvReader::open(rows.into_bytes(), &params)
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, FormatsError::TooLarge { .. }), "{error}");
}

#[test]
fn nested_columns_are_refused() {
    let batch = batch(support::nested_columns(3, false));
    assert!(matches!(
        encode_csv(&batch, &CsvWriteParams::default()),
        Err(FormatsError::UnsupportedType { .. })
    ));
}

/// The integers of the only column of all files, and the messages of what cannot be read.
fn read_files(files: &[(&str, Vec<u8>)]) -> (Vec<i64>, Vec<String>) {
    let file = |(name, bytes): &(&str, Vec<u8>)| InputFile {
        name: (*name).to_owned(),
        input: bytes.clone().into(),
        constants: Vec::new(),
    };
    let files = files.iter().map(file).collect();
    let mut reader = FilesReader::start(CsvFiles::default(), files, None, None).unwrap();
    let (mut values, mut wrong) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next(&|| false) {
        match item.unwrap() {
            FilesItem::Rows(rows) => {
                values.extend(rows.column(0).as_primitive::<Int64Type>().values());
            }
            FilesItem::Invalid { name, error } => wrong.push(format!("{name}: {error}")),
        }
    }
    (values, wrong)
}

#[test]
fn a_bad_row_among_files_is_told_and_the_others_go_on() {
    let (values, wrong) = read_files(&[
        ("good", b"n\n1\n2\n".to_vec()),
        ("rows", b"n\n3\nx\n4\n5,6\n7\n".to_vec()),
        ("quote", b"n\n8\n\"9\n".to_vec()),
        ("last", b"n\n10\n".to_vec()),
    ]);
    assert_eq!(values, [1, 2, 3, 4, 7, 10]);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].starts_with("rows: ") && wrong[0].contains("line 3, column 1 (n): \"x\""));
    assert!(wrong[1].starts_with("rows: ") && wrong[1].contains("line 5"));
    assert!(wrong[2].starts_with("quote: ") && wrong[2].contains("never closed"));
}

#[test]
fn a_file_without_any_of_the_columns_is_told_with_those_it_has() {
    let long = "x".repeat(100_000);
    let (values, wrong) = read_files(&[
        ("first", b"n\n1\n".to_vec()),
        ("other", b"a,\"b c\"\n2,3\n".to_vec()),
        ("no-table", format!("{long}\n").into_bytes()),
    ]);
    assert_eq!((values, wrong.len()), (vec![1], 2));
    assert!(
        wrong[0].contains("is in the file, which has a, b c;"),
        "{}",
        wrong[0]
    );
    assert!(wrong[1].contains("which has xxx") && wrong[1].len() < 500);
}

#[test]
fn after_a_thousand_bad_rows_of_a_file_the_others_are_counted() {
    let text = format!("n\n1\n{}2\n", "x\n".repeat(1_200)).into_bytes();
    let (values, wrong) = read_files(&[("first", b"n\n0\n".to_vec()), ("many", text)]);
    assert_eq!(values, [0, 1, 2]);
    assert_eq!(wrong.len(), 1_001);
    assert!(
        wrong[1_000].ends_with("after line 1002: 200 more rows cannot be read"),
        "{}",
        wrong[1_000]
    );
}

#[test]
fn bad_rows_of_a_file_larger_than_memory_allows_are_left_out_once() {
    let rows = 10 << 20;
    let mut text = b"n\n".to_vec();
    for row in 0..rows {
        text.extend_from_slice(if row % 1_000_000 == 50_000 {
            b"x\n"
        } else {
            b"1\n"
        });
    }
    let (values, wrong) = read_files(&[("large", text)]);
    assert_eq!((values.len(), wrong.len()), (rows - 11, 11));
    for (index, wrong) in wrong.iter().enumerate() {
        let line = index * 1_000_000 + 50_002;
        assert!(wrong.contains(&format!("line {line}, column 1")), "{wrong}");
    }
}

#[test]
fn bad_rows_of_a_large_file_are_counted_over_all_of_it() {
    let rows = 10 << 20;
    let mut text = b"n\n".to_vec();
    for row in 0..rows {
        text.extend_from_slice(if row > 20_000 && row % 1_000 == 999 {
            b"x\n"
        } else {
            b"1\n"
        });
    }
    let bad = rows / 1_000 - 20;
    let (values, wrong) = read_files(&[("large", text)]);
    assert_eq!((values.len(), wrong.len()), (rows - bad, 1_001));
    let more = format!(
        "after line 1020001: {} more rows cannot be read",
        bad - 1_000
    );
    assert!(wrong[1_000].ends_with(&more), "{}", wrong[1_000]);
}

#[test]
fn compression_is_found_by_the_first_bytes_and_its_damage_told() {
    let folder = Folder::new("csv-compressed");
    let rows = readable(5_000, true);
    for compression in [TextCompression::Gzip, TextCompression::Zstd] {
        let params = CsvWriteParams {
            compression,
            ..Default::default()
        };
        let path = folder.file("rows.csv");
        let mut writer = CsvWriter::create(&path, rows.schema(), &params).unwrap();
        writer.write(&rows).unwrap();
        let summary = writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(summary.bytes, bytes.len() as u64);
        let plain = encode_csv(&rows, &CsvWriteParams::default()).unwrap();
        assert!(bytes.len() < plain.len() / 3);
        assert_same(&read(bytes.clone(), &with_schema(rows.schema())), &rows);

        let cut = bytes[..bytes.len() - 20].to_vec();
        let params = with_schema(rows.schema());
        let wrong = CsvReader::open(cut, &params).and_then(Iterator::collect::<Result<Vec<_>>>);
        assert!(
            matches!(wrong, Err(FormatsError::Corrupt { .. })),
            "{wrong:?}"
        );
    }
}

/// Types and rows of files read together, as text, and the messages of what cannot be read.
fn read_as_text(files: &[&[u8]], params: CsvReadParams) -> (Vec<String>, Vec<String>, Vec<String>) {
    let file = |(index, bytes): (usize, &&[u8])| InputFile {
        name: format!("{index}"),
        input: bytes.to_vec().into(),
        constants: Vec::new(),
    };
    let files = files.iter().enumerate().map(file).collect();
    let mut reader = FilesReader::start(CsvFiles { params }, files, None, None).unwrap();
    let fields = reader.schema();
    let fields = fields.fields().iter();
    let types = fields.map(|field| format!("{}:{}", field.name(), field.data_type()));
    let types = types.collect();
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next(&|| false) {
        match item.unwrap() {
            FilesItem::Rows(batch) => {
                let params = CsvWriteParams {
                    header: false,
                    ..Default::default()
                };
                let text = String::from_utf8(encode_csv(&batch, &params).unwrap()).unwrap();
                rows.extend(text.lines().map(str::to_owned));
            }
            FilesItem::Invalid { name, error } => wrong.push(format!("{name}: {error}")),
        }
    }
    (types, rows, wrong)
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let (types, rows, wrong) = read_as_text(
        &[b"a,a,b,a_1,a,,\n1,x,3,4,5,6,7\n", b"a,a,b\n8,y,9\n"],
        CsvReadParams::default(),
    );
    assert_eq!(
        types,
        [
            "a:Int64",
            "a_2:Utf8",
            "b:Int64",
            "a_1:Int64",
            "a_3:Int64",
            ":Int64",
            "_1:Int64"
        ]
    );
    assert_eq!(rows[0], "1,x,3,4,5,6,7");
    // The only other `a` of this file is its `a_1`, which is no number.
    assert_eq!((rows.len(), wrong.len()), (1, 1), "{rows:?} {wrong:?}");
    assert!(wrong[0].contains("(a_1): \"y\""), "{wrong:?}");
}

#[test]
fn what_inference_says_holds_for_every_row_of_every_file() {
    let first = b"int,float,large,flag,day\n1,1.5,12345678901234567890,true,2026-01-01\n";
    let columns = "int,float,large,flag,day\n";
    let row = |changed: usize, value: &str| {
        let mut values = ["2", "2.5", "3", "false", "2026-01-02"];
        values[changed] = value;
        values.join(",")
    };
    let misfits = [
        (0, "01"),
        (0, "-01"),
        (0, "+1"),
        (0, "1e5"),
        (0, " 1"),
        (0, "1_000"),
        (0, "0x10"),
        (0, "1.0"),
        (0, "9223372036854775808"),
        (1, "01.5"),
        (1, "+1.5"),
        (1, "1e400"),
        (1, "007"),
        (1, "9007199254740993"),
        (1, "12345678901234567890123456789012345678901"),
        (2, "01"),
        (2, "+1"),
        (2, "1.0"),
        (2, "123456789012345678901234567890123456789"),
        (3, "t"),
        (3, "yes"),
        (3, "1"),
        (4, "2026-1-1"),
        (4, "2026-01-01T00:00:00Z"),
    ];
    let fits = [
        (0, "-0"),
        (0, "9223372036854775807"),
        (1, "1e5"),
        (1, "9007199254740992"),
        (1, "0.12345678901234567890123"),
        (1, "inf"),
        (1, "NaN"),
        (2, "-99999999999999999999999999999999999999"),
        (3, "TRUE"),
    ];
    let all = misfits.iter().chain(&fits);
    let rows: Vec<_> = all.map(|(column, value)| row(*column, value)).collect();
    let second = columns.to_owned() + &rows.join("\n");
    let one_file = [first.as_slice(), rows.join("\n").as_bytes()].concat();
    let params = |infer_rows| CsvReadParams {
        infer_rows,
        ..Default::default()
    };
    for (files, before) in [
        (vec![first.as_slice(), second.as_bytes()], 1),
        (vec![one_file.as_slice()], 2),
    ] {
        let (types, rows, wrong) = read_as_text(&files, params(1));
        assert_eq!(types[2], "large:Decimal128(38, 0)");
        assert_eq!(rows.len(), 1 + fits.len(), "{wrong:?}");
        assert_eq!(wrong.len(), misfits.len(), "{rows:?}");
        for (index, ((_, value), message)) in misfits.iter().zip(&wrong).enumerate() {
            let place = format!("line {}, ", index + before + 1);
            assert!(message.contains(&place), "{message}");
            assert!(message.contains(&format!("{value:?} is not")), "{message}");
        }
    }
    // What a user declares is read as he says.
    let declared = Schema::new(vec![Field::new("int", DataType::Int64, true)]);
    let params = with_schema(Arc::new(declared));
    let (_, rows, wrong) = read_as_text(&[b"int\n007\n+1\n"], params);
    assert_eq!(
        (rows, wrong),
        (vec!["7".to_owned(), "1".to_owned()], vec![])
    );
}

#[test]
fn a_column_has_a_type_that_holds_every_digit() {
    for (values, expected) in [
        (
            "12345678901234567890 18446744073709551615",
            "Decimal128(38, 0)",
        ),
        (
            "1 -99999999999999999999999999999999999999",
            "Decimal128(38, 0)",
        ),
        ("100000000000000000000000000000000000000", "Utf8"),
        ("9007199254740993 1.5", "Utf8"),
        ("1.5 12345678901234567890", "Utf8"),
        ("1.5 9007199254740992", "Float64"),
        ("9223372036854775807 -9223372036854775808", "Int64"),
        ("+491234567", "Utf8"),
        ("1e400", "Utf8"),
        ("-inf 1e5", "Float64"),
        ("007 1", "Utf8"),
    ] {
        let text = "a\n".to_owned() + &values.replace(' ', "\n");
        let (types, rows, wrong) = read_as_text(&[text.as_bytes()], CsvReadParams::default());
        assert_eq!(
            (types, wrong.len()),
            (vec![format!("a:{expected}")], 0),
            "{values}"
        );
        if expected != "Float64" {
            assert_eq!(rows.join(" "), values);
        }
    }
}

#[test]
fn lines_may_end_with_a_carriage_return_alone() {
    for text in [
        "a,b\r1,\"x\ry\"\r3,z\r",
        "a,b\r1,\"x\ry\"\n3,z",
        "\u{feff}a,b\n1,\"x\ry\"\r\n3,z\r",
        "a,b\r\r1,\"x\ry\"\r\n\r3,z\n\r",
    ] {
        let found = read(text.as_bytes().to_vec(), &CsvReadParams::default());
        assert_eq!(
            found
                .column(0)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec(),
            [1, 3]
        );
        let words = found.column(1).as_string::<i32>();
        assert_eq!((words.value(0), words.value(1)), ("x\ry", "z"), "{text:?}");
    }
    // However the text is cut where it is read.
    let row = "1,aaaa\r".repeat(400_000);
    let found = read(
        format!("a,b\r{row}").into_bytes(),
        &CsvReadParams::default(),
    );
    assert_eq!(found.num_rows(), 400_000);
    let (_, rows, wrong) = read_as_text(
        &[format!("a,b\r{row}x\r").as_bytes()],
        CsvReadParams::default(),
    );
    assert_eq!(rows.len(), 400_000);
    assert!(
        wrong.len() == 1 && wrong[0].contains("line 400002, "),
        "{wrong:?}"
    );
}

#[test]
fn encodings_are_found_or_said_and_what_is_no_table_is_told_once() {
    use kernel_formats::TextEncoding::{Latin1, Utf8, Utf16};
    let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let (text, marked) = (
        "n,caf\u{e9}\n1,\u{1f600}\n",
        "\u{feff}n,caf\u{e9}\n1,\u{1f600}\n",
    );
    for (bytes, encoding) in [
        (marked.as_bytes().to_vec(), Latin1),
        (utf16(marked, u16::to_le_bytes), Utf8),
        (utf16(marked, u16::to_be_bytes), Latin1),
        (utf16(text, u16::to_le_bytes), Utf16),
        (utf16(text, u16::to_be_bytes), Utf16),
        (
            zstd::encode_all(utf16(marked, u16::to_be_bytes).as_slice(), 3).unwrap(),
            Utf8,
        ),
    ] {
        let params = CsvReadParams {
            encoding,
            ..Default::default()
        };
        let (types, rows, wrong) = read_as_text(&[&bytes], params);
        assert_eq!(types, ["n:Int64", "caf\u{e9}:Utf8"], "{wrong:?}");
        assert_eq!(rows, ["1,\u{1f600}"]);
    }
    let latin = CsvReadParams {
        encoding: Latin1,
        ..Default::default()
    };
    let (types, rows, _) = read_as_text(&[b"caf\xe9\n\xfcber\n"], latin);
    assert_eq!(
        (types[0].as_str(), rows[0].as_str()),
        ("caf\u{e9}:Utf8", "\u{fc}ber")
    );
    for (bytes, reason) in [
        (
            utf16(text, u16::to_le_bytes),
            "set \"encoding\" to \"utf-16\"",
        ),
        (b"\xff\xfe\0\0n\0\0\0\n\0\0\0".to_vec(), "UTF-32"),
        (
            b"\xff\xfen\0,\0\x00\xd8\n\0".to_vec(),
            "half a surrogate pair",
        ),
        (b"n,caf\xe9\n1,2\n".to_vec(), "its header is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "PNG"),
        (b"PAR1\x15\x04\n\n\n".to_vec(), "Parquet"),
        (b"PK\x03\x04\n\n\n".to_vec(), "zip"),
        (b"<html>\n<p>\n</html>\n".to_vec(), "HTML"),
        (b"n\x01\x02\n1\n".to_vec(), "control characters"),
    ] {
        for header in [true, false] {
            let params = CsvReadParams {
                header,
                ..Default::default()
            };
            if !header && (reason.contains("header") || reason.contains("control")) {
                continue;
            }
            let (_, rows, wrong) = read_as_text(&[&bytes], params);
            assert_eq!(
                (rows.len(), wrong.len()),
                (0, 1),
                "{reason}: {rows:?} {wrong:?}"
            );
            assert!(wrong[0].contains(reason), "{wrong:?}");
        }
    }
    // Within the rows it is each of them.
    let (_, rows, wrong) = read_as_text(&[b"n\na\n\xe9\nb\n"], CsvReadParams::default());
    assert_eq!((rows.len(), wrong.len()), (2, 1));
    assert!(
        wrong[0].contains("line 3") && wrong[0].contains("text in UTF-8"),
        "{wrong:?}"
    );
}
