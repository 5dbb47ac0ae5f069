//! JSON files, written and read back.

mod support;

use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::*;
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use kernel_formats::*;
use support::{Folder, assert_same, batch, cut, flat_columns};

const BOTH: [JsonLayout; 2] = [JsonLayout::Lines, JsonLayout::Array];

/// What is wrong: the file's name, the position, and the message.
type Wrong = (String, u64, String);

/// All rows of the files, and what was wrong with the others.
fn read_all(
    files: Vec<(&str, Input)>,
    params: &JsonReadParams,
) -> Result<(RecordBatch, Vec<Wrong>)> {
    let file = |(name, input): (&str, Input)| InputFile {
        name: name.to_owned(),
        input,
        constants: Vec::new(),
    };
    let files = files.into_iter().map(file).collect();
    let mut reader = JsonFilesReader::start(params.clone(), files, None, None)?;
    let (mut batches, mut invalid) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next(&|| false) {
        match item? {
            FilesItem::Rows(batch) => batches.push(batch),
            FilesItem::Invalid { name, error } => {
                let position = match &error {
                    FormatsError::Json { position, .. } => *position,
                    _ => u64::MAX,
                };
                invalid.push((name, position, error.to_string()));
            }
        }
    }
    Ok((concat_batches(&reader.schema(), &batches).unwrap(), invalid))
}

fn params(layout: JsonLayout, schema: Option<SchemaRef>) -> JsonReadParams {
    JsonReadParams {
        layout,
        schema,
        ..JsonReadParams::default()
    }
}

fn read(text: impl Into<Vec<u8>>, layout: JsonLayout, schema: Option<SchemaRef>) -> RecordBatch {
    let (rows, invalid) =
        read_all(vec![("f", text.into().into())], &params(layout, schema)).unwrap();
    assert_eq!(invalid, []);
    rows
}

/// The text of rows as lines, which is easy to compare.
fn lines(rows: &RecordBatch) -> String {
    String::from_utf8(encode_json(rows, JsonLayout::Lines).unwrap()).unwrap()
}

fn schema_of(fields: impl Into<Fields>) -> SchemaRef {
    Arc::new(Schema::new(fields))
}

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn structure(fields: Vec<Field>) -> DataType {
    DataType::Struct(fields.into())
}

/// Everything JSON holds and gives back; floats that it has not are replaced.
fn readable(rows: usize, nulls: bool) -> RecordBatch {
    let finite = |column: ArrayRef| -> ArrayRef {
        match column.data_type() {
            DataType::Float32 => Arc::new(
                column
                    .as_primitive::<Float32Type>()
                    .unary::<_, Float32Type>(|value| if value.is_finite() { value } else { 0.1 }),
            ),
            DataType::Float64 => Arc::new(
                column
                    .as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(
                        |value| if value.is_finite() { value } else { 5e-324 },
                    ),
            ),
            _ => column,
        }
    };
    let columns = flat_columns(rows, nulls).into_iter();
    let columns = columns.filter(|(name, _)| *name != "dictionary");
    let mut columns: Vec<(&str, ArrayRef)> = columns
        .map(|(name, column)| (name, finite(column)))
        .collect();
    let bytes = BinaryArray::from_iter(
        (0..rows).map(|row| (!nulls || row % 3 != 1).then(|| vec![row as u8; row % 5])),
    );
    columns.push(("binary", Arc::new(bytes)));
    let numbers =
        Int32Array::from_iter((0..rows * 2).map(|row| (row % 7 != 0).then_some(row as i32)));
    let list = ListArray::new(
        Arc::new(field("item", DataType::Int32)),
        OffsetBuffer::from_lengths((0..rows).map(|row| [0, 4, 2][row % 3].min(rows * 2))),
        Arc::new(numbers),
        None,
    );
    columns.push(("list", Arc::new(list)));
    let flat = batch(columns);
    let inner = StructArray::from(flat.clone());
    batch(vec![
        ("row", Arc::new(inner) as ArrayRef),
        ("utf8", flat.column_by_name("utf8").unwrap().clone()),
    ])
}

#[test]
fn every_type_survives_in_both_layouts() {
    for layout in BOTH {
        for nulls in [false, true] {
            let rows = readable(999, nulls);
            let text = encode_json(&rows, layout).unwrap();
            assert_same(&read(text, layout, Some(rows.schema())), &rows);
        }
    }
}

#[test]
fn bytes_do_not_depend_on_cuts() {
    let folder = Folder::new("json-cuts");
    let rows = readable(30_000, true);
    for layout in BOTH {
        for compression in [
            TextCompression::None,
            TextCompression::Gzip,
            TextCompression::Zstd,
        ] {
            let write = |size: usize| {
                let path = folder.file("part");
                let params = JsonWriteParams {
                    layout,
                    compression,
                };
                let mut writer = JsonWriter::create(&path, rows.schema(), &params).unwrap();
                cut(&rows, size)
                    .iter()
                    .try_for_each(|rows| writer.write(rows))
                    .unwrap();
                let summary = writer.finish().unwrap();
                assert_eq!(summary.rows, 30_000);
                assert_eq!(summary.checksum, checksum_file(&path).unwrap().checksum);
                std::fs::read(path).unwrap()
            };
            let whole = write(30_000);
            for size in [1_000, 8_193] {
                assert!(
                    write(size) == whole,
                    "{layout:?} {compression:?} cut into {size} rows"
                );
            }
            assert_same(&read(whole, layout, Some(rows.schema())), &rows);
        }
    }
}

#[test]
fn an_empty_file_is_no_rows() {
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    for (layout, text) in [
        (JsonLayout::Lines, ""),
        (JsonLayout::Lines, "\n \r\n"),
        (JsonLayout::Array, ""),
        (JsonLayout::Array, " \n"),
        (JsonLayout::Array, " [ ] "),
        (JsonLayout::Array, "\u{feff}[]"),
    ] {
        assert_eq!(
            read(text, layout, Some(schema.clone())).num_rows(),
            0,
            "{text:?}"
        );
        assert_eq!(read(text, layout, None).num_columns(), 0, "{text:?}");
    }
    let none = RecordBatch::new_empty(schema);
    assert_eq!(encode_json(&none, JsonLayout::Array).unwrap(), b"[\n]\n");
}

#[test]
fn types_are_inferred_and_keys_stay_in_order() {
    let rows = read(
        concat!(
            r#"{"z": 1, "a": {"n": 1, "t": "2026-01-01T00:00:00Z"}, "list": [1, null], "mixed": 1, "none": null}"#,
            "\n",
            r#"{"z": 2.5, "a": {"t": "2026-01-01 00:00:01.5", "x": true}, "list": [2.5], "mixed": {"k": [1, "é"]}}"#,
            "\n",
            r#"{"late": "2026-01-02", "fine": "2026-01-01T00:00:00.000000001+01:00", "mixed": "text", "big": 1e3}"#,
            "\n",
            r#"{"big": 18446744073709551615, "empty": {}, "items": [], "objects": [{"a": 1}, {"b": "x"}]}"#,
        ),
        JsonLayout::Lines,
        None,
    );
    let utc = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let expected = vec![
        field("z", DataType::Float64),
        field(
            "a",
            structure(vec![
                field("n", DataType::Int64),
                field("t", utc(TimeUnit::Microsecond)),
                field("x", DataType::Boolean),
            ]),
        ),
        field("list", DataType::new_list(DataType::Float64, true)),
        field("mixed", DataType::Utf8),
        field("none", DataType::Utf8),
        field("late", DataType::Date32),
        field("fine", utc(TimeUnit::Nanosecond)),
        field("big", DataType::Utf8),
        field("empty", DataType::Utf8),
        field("items", DataType::new_list(DataType::Utf8, true)),
        field(
            "objects",
            DataType::new_list(
                structure(vec![
                    field("a", DataType::Int64),
                    field("b", DataType::Utf8),
                ]),
                true,
            ),
        ),
    ];
    assert_eq!(rows.schema().fields(), &Fields::from(expected));
    let mixed = rows.column_by_name("mixed").unwrap().as_string::<i32>();
    assert_eq!(
        mixed.iter().collect::<Vec<_>>(),
        [Some("1"), Some(r#"{"k": [1, "é"]}"#), Some("text"), None]
    );
    assert_eq!(
        rows.column_by_name("empty")
            .unwrap()
            .as_string::<i32>()
            .value(3),
        "{}"
    );
}

/// pandas 2 and Spark's `timestamp` take a time without zone as it is: here, as UTC.
#[test]
fn instants_in_every_notation() {
    let schema = schema_of(vec![field(
        "t",
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )]);
    let micros = |text: &str| {
        let rows = read(
            format!("{{\"t\": \"{text}\"}}"),
            JsonLayout::Lines,
            Some(schema.clone()),
        );
        rows.column(0)
            .as_primitive::<TimestampMicrosecondType>()
            .value(0)
    };
    for (text, expected) in [
        ("2018-07-02T04:33:00Z", 1_530_505_980_000_000),
        ("2018-07-02T04:33:00", 1_530_505_980_000_000),
        ("2018-07-02 04:33:00.5", 1_530_505_980_500_000),
        ("2018-07-02T04:33:00.123456Z", 1_530_505_980_123_456),
        ("2018-07-02T06:33:00+02:00", 1_530_505_980_000_000),
        ("2018-07-02T04:33Z", 1_530_505_980_000_000),
        ("2018-07-02", 1_530_489_600_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2018-07-02T04:33:00.123456000Z", 1_530_505_980_123_456),
    ] {
        assert_eq!(micros(text), expected, "{text}");
    }
    let text = [
        "\"2018-07-02T24:00:00Z\"",
        "\"2018-02-30T00:00:00Z\"",
        "\"2018-07-02T04:33:00.1234567Z\"",
        "\"now\"",
        "1530505980",
    ];
    let text: String = text
        .iter()
        .map(|value| format!("{{\"t\": {value}}}\n"))
        .collect();
    let (rows, invalid) = read_all(
        vec![("f", text.into_bytes().into())],
        &params(JsonLayout::Lines, Some(schema)),
    )
    .unwrap();
    assert_eq!((rows.num_rows(), invalid.len()), (0, 5));
}

#[test]
fn keys_in_any_order_missing_unknown_and_repeated() {
    let schema = schema_of(vec![
        field("a", DataType::Int32),
        field(
            "s",
            structure(vec![
                field("x", DataType::Int32),
                field("y", DataType::Utf8),
            ]),
        ),
        field("b\"\n", DataType::Boolean),
    ]);
    let text = r#"
{"a": 1, "s": {"x": 1, "y": "p"}, "b\"\n": true}
{"b\"\n": false, "s": {"y": "q", "x": 2}, "a": 2}
{"u": [{"deep": [1, {}]}], "s": {"other": 0, "x": 3}, "a": 3, "v": "}"}
{"s": {"x": 9, "x": 4}, "a": 7, "a": null, "a": 4, "s": {"y": "last"}}
{"\u0061": 5}
{}
"#;
    let expected = r#"{"a":1,"s":{"x":1,"y":"p"},"b\"\n":true}
{"a":2,"s":{"x":2,"y":"q"},"b\"\n":false}
{"a":3,"s":{"x":3,"y":null},"b\"\n":null}
{"a":4,"s":{"x":null,"y":"last"},"b\"\n":null}
{"a":5,"s":null,"b\"\n":null}
{"a":null,"s":null,"b\"\n":null}
"#;
    let rows = read(text, JsonLayout::Lines, Some(schema.clone()));
    assert_eq!(lines(&rows), expected);
    let array = format!("[{}]", text.trim().replace("\n", "\n,"));
    assert_eq!(
        lines(&read(array, JsonLayout::Array, Some(schema))),
        expected
    );
}

fn typed() -> SchemaRef {
    schema_of(vec![
        field("i", DataType::Int8),
        field("f", DataType::Float64),
        field(
            "s",
            structure(vec![field("l", DataType::new_list(DataType::Int32, true))]),
        ),
        field("d", DataType::Decimal128(4, 2)),
        field("t", DataType::Utf8),
        Field::new("n", DataType::Int32, false),
    ])
}

/// Rows that cannot be read, and what the message says of them.
const BAD_ROWS: [(&str, &str); 17] = [
    (
        r#"{"n": 1, "i": 128}"#,
        "i is not a value of type Int8: 128",
    ),
    (
        r#"{"n": 1, "i": 1.0}"#,
        "i is not a value of type Int8: 1.0",
    ),
    (
        r#"{"n": 1, "i": "1"}"#,
        r#"i is not a value of type Int8: "1""#,
    ),
    (r#"{"n": 1, "f": "x"}"#, "f is not a value of type Float64"),
    (r#"{"n": 1, "s": 1}"#, "s is not an object: 1"),
    (r#"{"n": 1, "s": {"l": {}}}"#, "s.l is not an array: {}"),
    (
        r#"{"n": 1, "s": {"l": [1, 2, [3]]}}"#,
        "s.l.item is not a value of type Int32: [3]",
    ),
    (
        r#"{"n": 1, "d": 123.45}"#,
        "d is not a value of type Decimal128(4, 2): 123.45",
    ),
    (r#"{"i": 1}"#, "n is not a value of type Int32"),
    (r#"{"n": null}"#, "n is not a value of type Int32"),
    (r#"{"n": 1, "i": tru}"#, "a value is missing, before tru}"),
    (
        r#"{"n": 1 "i": 1}"#,
        "a comma or a closing bracket is missing",
    ),
    (r#"{"n": 1, "t": "\ud800"}"#, "half a surrogate pair"),
    (r#"{"n": 1} {"n": 2}"#, "{\"n\": 2}"),
    (
        r#"{"n": 1, "u": [01]}"#,
        "a number begins with a zero too many",
    ),
    (
        "[1]",
        "an object is missing (a file that is one array needs layout \"array\"), before [1]",
    ),
    ("null", "an object is missing, before null"),
];

#[test]
fn a_bad_row_is_told_with_its_place_and_the_others_go_on() {
    let good = r#"{"i": 1, "s": {"l": [1, 2]}, "t": "é", "n": 1}"#;
    for layout in BOTH {
        let rows: Vec<&str> = BAD_ROWS
            .iter()
            .flat_map(|(bad, _)| [good, bad])
            .chain([good])
            .collect();
        let text = match layout {
            JsonLayout::Lines => rows.join("\n"),
            JsonLayout::Array => format!("[{}]", rows.join(",\n")),
        };
        let (read, invalid) = read_all(
            vec![("f", text.clone().into_bytes().into())],
            &params(layout, Some(typed())),
        )
        .unwrap();
        assert_eq!(
            lines(&read),
            format!(
                "{}\n",
                r#"{"i":1,"f":null,"s":{"l":[1,2]},"d":null,"t":"é","n":1}"#
            )
            .repeat(BAD_ROWS.len() + 1)
        );
        assert_eq!(invalid.len(), BAD_ROWS.len(), "{invalid:#?}");
        for (index, ((_, position, message), (row, expected))) in
            invalid.iter().zip(BAD_ROWS).enumerate()
        {
            assert!(message.contains(expected), "{row}: {message}");
            match layout {
                JsonLayout::Lines => assert_eq!(*position, 2 * index as u64 + 2, "{row}"),
                JsonLayout::Array => {
                    let start = text.rfind(row).unwrap() as u64;
                    assert!(
                        (start..=start + row.len() as u64).contains(position),
                        "{row}: {position}"
                    );
                }
            }
        }
    }
}

#[test]
fn lines_have_faults_of_their_own() {
    let text = b"{\"n\": 1,\n\"i\": 1}\n{\"n\": 2, \"t\": \"\xff\"}\n{\"n\": 3, \"t\": \"a\tb\"}\n\n{\"n\": 4}\r\n{\"n\": 5";
    let (rows, invalid) = read_all(
        vec![("f", text.to_vec().into())],
        &params(JsonLayout::Lines, Some(typed())),
    )
    .unwrap();
    assert_eq!(rows.column(5).as_primitive::<Int32Type>().values(), &[4]);
    let positions: Vec<u64> = invalid.iter().map(|(_, position, _)| *position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 7], "{invalid:#?}");
}

#[test]
fn an_array_whose_outline_is_unsound_gives_no_row_and_the_files_beside_it_theirs() {
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    let good = || ("good", Input::from(br#"[{"a": 1}, {"a": 2}]"#.to_vec()));
    for (text, position, reason) in [
        (
            r#"[{"a": 1}, {"a": 2}"#,
            19,
            "the file ends before the array is closed",
        ),
        (
            r#"[{"a": 1}, {"a": "2}]"#,
            21,
            "the file ends before a string is closed",
        ),
        (r#"[{"a": 1}] {"a": 2}"#, 11, "text follows the array"),
        (r#"{"a": 1}"#, 0, "no array begins here"),
        ("not json", 0, "no array begins here"),
        (
            r#"[{"a": 1},"#,
            10,
            "the file ends before the array is closed",
        ),
    ] {
        let bad = ("bad", Input::from(text.as_bytes().to_vec()));
        let (rows, invalid) = read_all(
            vec![good(), bad, good()],
            &params(JsonLayout::Array, Some(schema.clone())),
        )
        .unwrap();
        assert_eq!(
            rows.column(0).as_primitive::<Int64Type>().values(),
            &[1, 2, 1, 2],
            "{text}"
        );
        let [(name, found, message)] = invalid.as_slice() else {
            panic!("{text}: {invalid:?}")
        };
        assert_eq!(
            (name.as_str(), *found),
            ("bad", position),
            "{text}: {message}"
        );
        assert!(message.contains(reason), "{text}: {message}");
    }
}

#[test]
fn separators_that_are_wrong_cost_one_row_each() {
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    for (text, expected, bad) in [
        (r#"[{"a": 1},, {"a": 2}]"#, vec![1, 2], 1),
        (r#"[{"a": 1}, {"a": 2},]"#, vec![1, 2], 1),
        (r#"[{"a": 1} {"a": 2}, {"a": 3}]"#, vec![3], 1),
        (r#"[{"a": 1}}, {"a": 2}]"#, vec![], 1),
        (r#"[{"a": [}, {"a": 2}]"#, vec![], 1),
    ] {
        let (rows, invalid) = read_all(
            vec![("f", text.as_bytes().to_vec().into())],
            &params(JsonLayout::Array, Some(schema.clone())),
        )
        .unwrap();
        assert_eq!(
            rows.column(0).as_primitive::<Int64Type>().values(),
            &expected,
            "{text}"
        );
        assert_eq!(invalid.len(), bad, "{text}: {invalid:?}");
    }
}

#[test]
fn after_a_thousand_bad_rows_the_others_are_counted() {
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    let text = "x\n".repeat(1_500) + "{\"a\": 1}\n";
    let (rows, invalid) = read_all(
        vec![("f", text.into_bytes().into())],
        &params(JsonLayout::Lines, Some(schema)),
    )
    .unwrap();
    assert_eq!((rows.num_rows(), invalid.len()), (1, 1_001));
    assert_eq!(
        invalid[1_000].2,
        "f, after line 1000, character 1: 500 more rows cannot be read"
    );
}

/// About 24 MiB, so that the file is cut into pieces; every 1,000th row is bad.
fn large(layout: JsonLayout) -> (Vec<u8>, Vec<i64>) {
    let (mut text, mut numbers) = (Vec::new(), Vec::new());
    for row in 0..400_000_i64 {
        let separator: &[u8] = match (layout, row) {
            (JsonLayout::Lines, _) => b"",
            (JsonLayout::Array, 0) => b"[",
            (JsonLayout::Array, _) => b",\n",
        };
        text.extend_from_slice(separator);
        if row % 1_000 == 999 {
            write!(text, "{{\"a\": \"],[{row}\\\\\"}}").unwrap();
        } else {
            write!(
                text,
                "{{\"note\": \"],}}[{{,\\\"{}\", \"a\": {row}}}",
                "é".repeat(row as usize % 30)
            )
            .unwrap();
            numbers.push(row);
        }
        if layout == JsonLayout::Lines {
            text.push(b'\n');
        }
    }
    if layout == JsonLayout::Array {
        text.push(b']');
    }
    (text, numbers)
}

#[test]
fn a_large_file_gives_the_same_rows_and_places_as_a_small_one() {
    let folder = Folder::new("json-large");
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    for layout in BOTH {
        let (text, numbers) = large(layout);
        assert!(text.len() > 17 << 20);
        let path = folder.file("large.json");
        std::fs::write(&path, &text).unwrap();
        let zstd = zstd::encode_all(text.as_slice(), 1).unwrap();
        let inputs = [
            Input::from(&path),
            Input::from(text.clone()),
            Input::from(zstd),
        ];
        for input in inputs {
            let (rows, invalid) =
                read_all(vec![("f", input)], &params(layout, Some(schema.clone()))).unwrap();
            assert_eq!(
                rows.column(0).as_primitive::<Int64Type>().values(),
                &numbers
            );
            assert_eq!(invalid.len(), 400);
            for (index, (_, position, _)) in invalid.iter().enumerate() {
                let row = index as u64 * 1_000 + 999;
                match layout {
                    JsonLayout::Lines => assert_eq!(*position, row + 1),
                    JsonLayout::Array => {
                        let at = &text[*position as usize..];
                        assert!(at.starts_with(format!("\"],[{row}").as_bytes()));
                    }
                }
            }
        }
    }
}

#[test]
fn a_large_compressed_file_gives_all_its_rows_or_none() {
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    // Text that does not compress: the file itself has to be large.
    let mut random = support::Random(7);
    let noise: String = (0..24 << 20)
        .map(|_| char::from(b'!' + (random.next() % 64) as u8))
        .map(|c| if c == '"' || c == '\\' { ' ' } else { c })
        .collect();
    for layout in BOTH {
        let rows: Vec<String> = (0..240)
            .map(|row| {
                format!(
                    "{{\"a\": {row}, \"noise\": \"{}\"}}",
                    &noise[row * 100_000..][..100_000]
                )
            })
            .collect();
        let text = match layout {
            JsonLayout::Lines => rows.join("\n"),
            JsonLayout::Array => format!("[{}]", rows.join(", ")),
        };
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        for file in [zstd, gzip.finish().unwrap()] {
            assert!(file.len() > 16 << 20, "{}", file.len());
            let found = read(file.clone(), layout, Some(schema.clone()));
            assert_eq!(
                found.column(0).as_primitive::<Int64Type>().values(),
                &(0..240).collect::<Vec<i64>>()
            );
            let cut = file[..file.len() - 1_000].to_vec();
            let (rows, invalid) = read_all(
                vec![("f", cut.into())],
                &params(layout, Some(schema.clone())),
            )
            .unwrap();
            assert_eq!((rows.num_rows(), invalid.len()), (0, 1), "{invalid:?}");
        }
    }
}

#[test]
fn a_bomb_is_refused_and_many_members_are_read() {
    let text = "{\"a\": 1}\n".repeat(10 << 20);
    let bomb = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let schema = schema_of(vec![field("a", DataType::Int64)]);
    let (rows, invalid) = read_all(
        vec![("bomb", bomb.into())],
        &params(JsonLayout::Lines, Some(schema.clone())),
    )
    .unwrap();
    assert_eq!(rows.num_rows(), 0);
    assert!(
        invalid[0].2.contains("more than the bound of"),
        "{invalid:?}"
    );

    let mut members = Vec::new();
    for row in 0..3 {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writeln!(gzip, "{{\"a\": {row}}}").unwrap();
        members.extend(gzip.finish().unwrap());
    }
    assert_eq!(read(members, JsonLayout::Lines, Some(schema)).num_rows(), 3);
}

#[test]
fn rows_of_many_columns_that_are_two_characters_long_stay_within_memory() {
    let fields: Vec<Field> = (0..1_000)
        .map(|index| field(&format!("c{index}"), DataType::Int64))
        .collect();
    let (mut rows, mut reader) = (
        0,
        JsonFilesReader::start(
            params(JsonLayout::Lines, Some(schema_of(fields))),
            vec![InputFile {
                name: "f".to_owned(),
                input: "{}\n".repeat(100_000).into_bytes().into(),
                constants: Vec::new(),
            }],
            None,
            None,
        )
        .unwrap(),
    );
    while let Some(item) = reader.next(&|| false) {
        let FilesItem::Rows(batch) = item.unwrap() else {
            panic!("no row is bad")
        };
        assert!(
            batch.get_array_memory_size() < 40 << 20,
            "{} bytes",
            batch.get_array_memory_size()
        );
        rows += batch.num_rows();
    }
    assert_eq!(rows, 100_000);
}

#[test]
fn small_files_share_batches_and_columns_can_come_from_their_place() {
    let file = |index: usize| InputFile {
        name: format!("{index}"),
        input: format!("{{\"a\": {index}}}\n").into_bytes().into(),
        constants: vec![("day".to_owned(), Some(format!("{}", index / 50)))],
    };
    let wanted = schema_of(vec![
        field("day", DataType::Int64),
        field("a", DataType::Int64),
    ]);
    let mut reader = JsonFilesReader::start(
        JsonReadParams::default(),
        (0..100).map(file).collect(),
        Some(wanted),
        None,
    )
    .unwrap();
    let mut batches = Vec::new();
    while let Some(item) = reader.next(&|| false) {
        let FilesItem::Rows(batch) = item.unwrap() else {
            panic!("no row is bad")
        };
        batches.push(batch);
    }
    assert_eq!(batches.len(), 2);
    for (day, rows) in batches.iter().enumerate() {
        let values = |column| {
            rows.column(column)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        };
        assert_eq!(values(0), vec![day as i64; 50]);
        assert_eq!(
            values(1),
            (day as i64 * 50..day as i64 * 50 + 50).collect::<Vec<_>>()
        );
    }
}

#[test]
fn special_floats_are_null_and_strings_are_escaped() {
    let rows = batch(vec![
        (
            "f",
            Arc::new(Float64Array::from(vec![
                f64::NAN,
                f64::INFINITY,
                -0.0,
                1e300,
            ])) as ArrayRef,
        ),
        (
            "s",
            Arc::new(StringArray::from(vec![
                "\u{1}\u{1f}",
                "\"\\/",
                "\u{7f}é",
                "\n\r\t",
            ])),
        ),
    ]);
    let expected = concat!(
        r#"{"f":null,"s":"\u0001\u001f"}"#,
        "\n",
        r#"{"f":null,"s":"\"\\/"}"#,
        "\n",
        "{\"f\":-0.0,\"s\":\"\u{7f}é\"}\n",
        r#"{"f":1e+300,"s":"\n\r\t"}"#,
        "\n",
    );
    assert_eq!(lines(&rows), expected);
}

#[test]
fn a_type_that_json_cannot_hold_is_named_with_its_path() {
    let inner = structure(vec![field("t", DataType::Time64(TimeUnit::Microsecond))]);
    let schema = schema_of(vec![field("s", inner)]);
    let error = read_all(
        vec![("f", b"{}".to_vec().into())],
        &params(JsonLayout::Lines, Some(schema.clone())),
    )
    .unwrap_err();
    assert!(error.to_string().contains("\"s.t\""), "{error}");
    assert!(encode_json(&RecordBatch::new_empty(schema), JsonLayout::Lines).is_err());
}

#[test]
fn a_column_has_a_type_that_holds_every_digit() {
    let large = DataType::Decimal128(38, 0);
    for (values, expected) in [
        ("9007199254740993 9223372036854775808", large.clone()),
        ("1 -99999999999999999999999999999999999999", large),
        ("100000000000000000000000000000000000000", DataType::Utf8),
        ("9007199254740993 1.5", DataType::Utf8),
        ("1.5 9007199254740992", DataType::Float64),
        ("9223372036854775807 -9223372036854775808", DataType::Int64),
    ] {
        let row = |value: &str| format!("{{\"a\":{value}}}\n");
        let text: String = values.split(' ').map(row).collect();
        let found = read(text.clone(), JsonLayout::Lines, None);
        assert_eq!(*found.schema().field(0).data_type(), expected, "{values}");
        match expected {
            DataType::Float64 => {}
            DataType::Utf8 => assert_eq!(
                lines(&found).replace("\":\"", "\":").replace("\"}", "}"),
                text
            ),
            _ => assert_eq!(lines(&found), text),
        }
    }
}

#[test]
fn numbers_behind_the_sample_are_held_exactly_or_told() {
    let first = r#"{"int":1,"float":1.5,"list":[{"x":0.5}],"large":9223372036854775808}"#;
    let rows = [
        r#"{"int":9223372036854775808}"#,
        r#"{"int":1.0}"#,
        r#"{"int":1e2}"#,
        r#"{"float":9007199254740993}"#,
        r#"{"float":-12345678901234567890}"#,
        r#"{"list":[{"x":1},{"x":9007199254740993}]}"#,
        r#"{"large":100000000000000000000000000000000000000}"#,
        r#"{"large":1.5}"#,
        r#"{"float":9007199254740992}"#,
        r#"{"float":0.1234567890123456789012}"#,
        r#"{"large":-99999999999999999999999999999999999999}"#,
    ];
    let second = rows.join("\n");
    let whole = format!("{first}\n{second}");
    for (files, line) in [
        (
            vec![
                ("a", first.as_bytes().to_vec().into()),
                ("b", second.into_bytes().into()),
            ],
            1,
        ),
        (vec![("b", whole.into_bytes().into())], 2),
    ] {
        let params = JsonReadParams {
            infer_rows: 1,
            ..JsonReadParams::default()
        };
        let (found, invalid) = read_all(files, &params).unwrap();
        assert_eq!((found.num_rows(), invalid.len()), (4, 8), "{invalid:?}");
        let places: Vec<u64> = invalid.iter().map(|(_, place, _)| *place).collect();
        assert_eq!(places, (line..line + 8).collect::<Vec<_>>());
    }
    // What a user declares is read as he says.
    let declared = schema_of(vec![field("float", DataType::Float64)]);
    let found = read(rows[4], JsonLayout::Lines, Some(declared));
    assert_eq!(lines(&found), "{\"float\":-1.2345678901234567e+19}\n");
}

#[test]
fn encodings_are_found_or_said_and_what_is_no_json_is_told_once() {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_be_bytes).collect() };
    let rows = "{\"a\":\"caf\u{e9}\"}\n".repeat(3);
    // Larger than what one thread decodes at a time, so that it is cut, too.
    let many = rows.repeat(500_000);
    for (text, count) in [(&rows, 3), (&many, 1_500_000)] {
        for layout in [JsonLayout::Lines, JsonLayout::Array] {
            let text = match layout {
                JsonLayout::Lines => format!("\u{feff}{text}"),
                JsonLayout::Array => format!("\u{feff}[{}]", text.trim_end().replace('\n', ",")),
            };
            let files = vec![("f", utf16(&text).into())];
            let (found, invalid) = read_all(files, &params(layout, None)).unwrap();
            assert_eq!((found.num_rows(), invalid.len()), (count, 0), "{invalid:?}");
            let words = found.column(0).as_string::<i32>();
            assert!(words.iter().all(|word| word == Some("caf\u{e9}")));
        }
    }
    let latin = JsonReadParams {
        encoding: TextEncoding::Latin1,
        ..JsonReadParams::default()
    };
    let (found, _) = read_all(vec![("f", b"{\"a\":\"\xe9\"}".to_vec().into())], &latin).unwrap();
    assert_eq!(lines(&found), "{\"a\":\"\u{e9}\"}\n");
    for no_text in [
        utf16(&rows),
        b"\x89PNG\n\n\n\n".to_vec(),
        b"<!DOCTYPE html>\n<p>\n<p>\n".to_vec(),
        [b"PAR1\x15\x04".as_slice(), &b"\n0".repeat(10 << 20)].concat(),
    ] {
        let files = vec![("f", no_text.into())];
        let (found, invalid) = read_all(files, &params(JsonLayout::Lines, None)).unwrap();
        assert_eq!((found.num_rows(), invalid.len()), (0, 1), "{invalid:?}");
    }
}
