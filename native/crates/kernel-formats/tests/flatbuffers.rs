//! FlatBuffers: messages that `flatc` made, our own read back, and damaged ones.

mod support;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, UInt64Type};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use arrow_select::concat::concat_batches;
use kernel_formats::*;
use support::{Folder, Random};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/flatbuffers")
        .join(name)
}

fn schema_of(text: &str) -> Result<FlatbuffersSchema> {
    FlatbuffersSchema::of_text(text, None)
}

fn event_schema() -> FlatbuffersSchema {
    FlatbuffersSchema::open(&fixture("event.fbs"), Some("event.Event")).unwrap()
}

fn events(count: usize) -> RecordBatch {
    let names = (0..count).map(|row| format!("satellite-{:04}", row % 1000));
    let times = (0..count).map(|row| 1_767_225_600_000_000_000 + row as u64);
    let values = (0..count).map(|row| (row as f64 / 7.0).sin());
    let columns: [(&str, ArrayRef); 3] = [
        (
            "satellite_name",
            Arc::new(StringArray::from_iter_values(names)),
        ),
        ("timestamp", Arc::new(UInt64Array::from_iter_values(times))),
        ("value", Arc::new(Float64Array::from_iter_values(values))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The rows of files, and what could not be read of them.
fn read(
    schema: &FlatbuffersSchema,
    inputs: Vec<Input>,
) -> (RecordBatch, Vec<(String, FormatsError)>) {
    let format = FlatbuffersFiles {
        schema: schema.clone(),
    };
    let file = |(index, input): (usize, Input)| InputFile {
        name: format!("file {index}"),
        input,
        constants: Vec::new(),
    };
    let files = inputs.into_iter().enumerate().map(file).collect();
    let mut reader = FilesReader::start(format, files, None, None).unwrap();
    let (mut batches, mut invalid) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next(&|| false) {
        match item.unwrap() {
            FilesItem::Rows(rows) => batches.push(rows),
            FilesItem::Invalid { name, error } => invalid.push((name, error)),
        }
    }
    (
        concat_batches(&schema.columns(), &batches).unwrap(),
        invalid,
    )
}

fn lines(rows: &RecordBatch) -> Vec<String> {
    let text = encode_json(rows, JsonLayout::Lines).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What `flatc` was given.
const ROWS: [&str; 3] = [
    concat!(
        r#"{"flag":false,"tiny":-128,"utiny":7,"small":-32768,"usmall":65535,"normal":-2147483648,"#,
        r#""unormal":4294967295,"large":9223372036854775807,"ularge":9007199254740993,"single":0.1,"#,
        r#""real":1e+308,"perhaps":0,"state":"Stopped","alarms":5,"name":"Zürich, höher","#,
        r#""seat_latitude":47.25,"seat_longitude":8.5,"seat_floor":-2,"maker_name":"Acme","#,
        r#""maker_since":1999,"maker_seat_latitude":1.0,"maker_seat_longitude":2.0,"maker_seat_floor":3,"#,
        r#""numbers":[1,-2,2147483647],"flags":[true,false,true],"names":["","a","日本"],"#,
        r#""states":["Running","Unknown"],"corners":[{"x":1.5,"y":-2.5,"state":"Stopped","steps":[1,2,3]},"#,
        r#"{"x":0.0,"y":0.25,"state":"Unknown","steps":[4,5,65535]}],"#,
        r#""makers":[{"name":"B","since":1970,"seat_latitude":null,"seat_longitude":null,"seat_floor":null},"#,
        r#"{"name":null,"since":2001,"seat_latitude":9.0,"seat_longitude":8.0,"seat_floor":7}]}"#,
    ),
    concat!(
        r#"{"flag":true,"tiny":-5,"utiny":255,"small":0,"usmall":0,"normal":0,"unormal":0,"#,
        r#""large":-9007199254740993,"ularge":4294967297,"single":1.5,"real":-0.0025,"#,
        r#""perhaps":null,"state":"Running","alarms":0,"name":null,"seat_latitude":null,"#,
        r#""seat_longitude":null,"seat_floor":null,"maker_name":null,"maker_since":null,"#,
        r#""maker_seat_latitude":null,"maker_seat_longitude":null,"maker_seat_floor":null,"numbers":null,"#,
        r#""flags":null,"names":null,"states":null,"corners":null,"makers":null}"#,
    ),
    concat!(
        r#"{"flag":true,"tiny":-5,"utiny":255,"small":0,"usmall":0,"normal":0,"unormal":0,"#,
        r#""large":-9007199254740993,"ularge":4294967297,"single":1.5,"real":-0.0025,"#,
        r#""perhaps":-1,"state":"Running","alarms":0,"name":"third","seat_latitude":null,"#,
        r#""seat_longitude":null,"seat_floor":null,"maker_name":null,"maker_since":1970,"#,
        r#""maker_seat_latitude":null,"maker_seat_longitude":null,"maker_seat_floor":null,"numbers":[],"#,
        r#""flags":null,"names":[],"states":null,"corners":[],"makers":[]}"#,
    ),
];

#[test]
fn every_kind_of_field_as_flatc_wrote_it_by_both_kinds_of_schema() {
    for name in ["everything.fbs", "everything.bfbs"] {
        let schema = FlatbuffersSchema::open(&fixture(name), None).unwrap();
        let (rows, invalid) = read(&schema, vec![Input::from(fixture("everything.bin"))]);
        assert!(invalid.is_empty(), "{invalid:?}");
        assert_eq!(lines(&rows), ROWS, "{name}");
    }
}

#[test]
fn both_kinds_of_schema_give_the_same_columns() {
    let columns = |name| {
        FlatbuffersSchema::open(&fixture(name), None)
            .unwrap()
            .columns()
    };
    assert_eq!(columns("everything.fbs"), columns("everything.bfbs"));
}

#[test]
fn written_rows_read_back() {
    let folder = Folder::new("flatbuffers-written");
    let schema = FlatbuffersSchema::open(&fixture("everything.fbs"), None).unwrap();
    let (rows, _) = read(&schema, vec![Input::from(fixture("everything.bin"))]);
    let path = folder.file("rows.bin");
    let mut writer = FlatbuffersWriter::create(&path, rows.schema(), &schema).unwrap();
    for row in 0..rows.num_rows() {
        writer.write(&rows.slice(row, 1)).unwrap();
    }
    assert_eq!(writer.finish().unwrap().rows, 3);
    let (again, invalid) = read(&schema, vec![Input::from(&path)]);
    assert!(invalid.is_empty(), "{invalid:?}");
    assert_eq!(lines(&again), ROWS);
}

#[test]
fn a_row_of_defaults_is_as_short_as_flatc_writes_it() {
    let schema = FlatbuffersSchema::open(&fixture("everything.fbs"), None).unwrap();
    let file = std::fs::read(fixture("everything.bin")).unwrap();
    let first = 4 + u32::from_le_bytes(file[..4].try_into().unwrap()) as usize;
    let second = u32::from_le_bytes(file[first..first + 4].try_into().unwrap()) as usize;
    let (rows, _) = read(&schema, vec![file.into()]);
    let encoder = FlatbuffersEncoder::new(&schema, &rows.schema()).unwrap();
    let encoded = encoder.encode(&rows).unwrap();
    assert_eq!(encoded.ranges[1].len(), second);
}

/// A message of one number, aligned as it lies (0) or with a length of 4 bytes before it (4).
fn aligned(shift: usize, value: u64) -> Vec<u8> {
    let vtable = [6_u16, 12, 4].map(u16::to_le_bytes).concat();
    let number = value.to_le_bytes().to_vec();
    match shift {
        0 => [
            12_u32.to_le_bytes().to_vec(),
            vtable,
            vec![0; 2],
            8_i32.to_le_bytes().to_vec(),
            number,
        ],
        _ => [
            8_u32.to_le_bytes().to_vec(),
            vec![0; 4],
            (-12_i32).to_le_bytes().to_vec(),
            number,
            vtable,
        ],
    }
    .concat()
}

#[test]
fn messages_aligned_with_their_length_and_without_are_read_in_any_order() {
    let schema = schema_of("table Event { value: ulong; } root_type Event;").unwrap();
    let mut decoder = FlatbuffersDecoder::new(&schema);
    let shifts = [0, 4, 4, 0, 0, 4];
    let mut bytes = Vec::new();
    let mut ranges = Vec::new();
    for (value, shift) in (1..).zip(shifts) {
        let message = aligned(shift, value);
        ranges.push(bytes.len()..bytes.len() + message.len());
        bytes.extend(message);
    }
    let decoded = decoder.decode(&bytes, &ranges);
    assert!(decoded.invalid.is_empty());
    let values = decoded.rows.column(0).as_primitive::<UInt64Type>();
    assert_eq!(values.values().to_vec(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn what_is_told_of_a_message_does_not_depend_on_those_before_it() {
    let schema = schema_of("table Event { value: ulong; } root_type Event;").unwrap();
    let mut odd = aligned(0, 1);
    odd.insert(0, 0);
    let reasons = [0, 4].map(|shift| {
        let good = aligned(shift, 7);
        let bytes = [good.clone(), odd.clone()].concat();
        let ranges = [0..good.len(), good.len()..bytes.len()];
        let decoded = FlatbuffersDecoder::new(&schema).decode(&bytes, &ranges);
        assert_eq!(decoded.rows.num_rows(), 1);
        decoded.invalid[0].reason.clone()
    });
    assert_eq!(reasons[0], reasons[1]);
}

#[test]
fn a_large_file_is_read_in_pieces_and_names_each_bad_message() {
    let (schema, rows) = (event_schema(), events(200_000));
    let encoder = FlatbuffersEncoder::new(&schema, &rows.schema()).unwrap();
    let mut encoded = encoder.encode(&rows).unwrap();
    let bad = [0, 77_777, 199_999];
    for index in bad {
        let range = &encoded.ranges[index];
        encoded.bytes[range.start..range.start + 4].fill(0xff);
    }
    assert!(encoded.bytes.len() > 12 << 20);
    let (again, invalid) = read(&schema, vec![encoded.bytes.clone().into()]);
    let good = |row: &usize| !bad.contains(row);
    let times: Vec<u64> = (0..200_000)
        .filter(good)
        .map(|row| 1_767_225_600_000_000_000 + row as u64)
        .collect();
    assert_eq!(
        again["timestamp"].as_primitive::<UInt64Type>().values(),
        &times
    );
    let values = again["value"].as_primitive::<Float64Type>();
    assert_eq!(values.value(0), (1.0_f64 / 7.0).sin());
    let places: Vec<u64> = invalid
        .iter()
        .map(|(_, error)| match error {
            FormatsError::Message { position, .. } => *position,
            other => panic!("{other}"),
        })
        .collect();
    let expected = bad.map(|index| encoded.ranges[index].start as u64 - 4);
    assert_eq!(places, expected);
    assert!(
        invalid[0].1.to_string().contains("base64: /////"),
        "{}",
        invalid[0].1
    );
}

#[test]
fn lengths_that_do_not_lead_to_the_end_take_the_whole_file() {
    let (schema, rows) = (event_schema(), events(3));
    let encoder = FlatbuffersEncoder::new(&schema, &rows.schema()).unwrap();
    let bytes = encoder.encode(&rows).unwrap().bytes;
    let cut = bytes[..bytes.len() - 1].to_vec();
    let (again, invalid) = read(&schema, vec![cut.into(), Vec::new().into(), bytes.into()]);
    assert_eq!(again.num_rows(), 3);
    let told: Vec<&str> = invalid.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(told, ["file 0", "file 1"]);
}

#[test]
fn schemas_that_give_no_columns_say_why_and_where() {
    let cases = [
        ("table T { a: int; } ", "no root_type"),
        (
            "table T { a: int; b } root_type T;",
            "line 1: \"}\" stands where",
        ),
        (
            "table T {\n a: itn;\n}\nroot_type T;",
            "line 2: field a: there is no type itn",
        ),
        (
            "union U { T } table T { u: U; } root_type T;",
            "field u cannot be a column: it is the union U",
        ),
        (
            "union U { T } table T { u: [U]; } root_type T;",
            "it is the union U",
        ),
        ("table T { t: T; } root_type T;", "T holds itself"),
        ("table T { t: [T]; } root_type T;", "T holds itself"),
        (
            "struct S { s: S; } table T { s: S; } root_type T;",
            "the struct S holds itself",
        ),
        (
            "struct S { s: string; } table T { s: S; } root_type T;",
            "cannot be in a struct",
        ),
        (
            "table T { a: int (id: 0); b: int; } root_type T;",
            "all need one",
        ),
        (
            "table T { a: ubyte = 256; } root_type T;",
            "256 is not of its type",
        ),
        (
            "table S { b: int; } table T { s: S; s_b: int; } root_type T;",
            "two fields",
        ),
        (
            "table T { a: int; a: int; } root_type T;",
            "two of this name",
        ),
        (
            "enum E : ubyte { A = 300 } table T { e: E; } root_type T;",
            "outside of its type",
        ),
        (
            "include \"x.fbs\"; table T { a: int; } root_type T;",
            "only a schema in a file can",
        ),
        ("table T { a: int; } /* root_type T;", "never closed"),
        ("struct S { a: int; } root_type S;", "is no table"),
    ];
    for (text, expected) in cases {
        let error = schema_of(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn ids_and_unions_that_are_gone_keep_their_slots() {
    let old = "union U { A } table A { x: int; } \
               table T { first: int; u: U (deprecated); last: int; } root_type T;";
    let new = "table T { last: int (id: 3); first: int (id: 0); } root_type T;";
    let rows = |first, last| {
        let columns: [(&str, ArrayRef); 2] = [
            (
                "first",
                Arc::new(arrow_array::Int32Array::from(vec![first])),
            ),
            ("last", Arc::new(arrow_array::Int32Array::from(vec![last]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let encoder = FlatbuffersEncoder::new(&schema_of(old).unwrap(), &rows(0, 0).schema()).unwrap();
    let bytes = encoder.encode(&rows(1, 2)).unwrap().bytes;
    let (again, _) = read(&schema_of(new).unwrap(), vec![bytes.into()]);
    assert_eq!(lines(&again), [r#"{"first":1,"last":2}"#]);
}

#[test]
fn rows_that_cannot_be_a_message_are_told() {
    let event = event_schema();
    let column = |name: &str, values: Vec<Option<f64>>| {
        let array: ArrayRef = Arc::new(Float64Array::from(values));
        RecordBatch::try_from_iter_with_nullable([(name, array, true)]).unwrap()
    };
    let unknown = column("volume", vec![]).schema();
    let error = FlatbuffersEncoder::new(&event, &unknown)
        .unwrap_err()
        .to_string();
    assert!(error.contains("no column \"volume\""), "{error}");
    let rows = column("value", vec![Some(1.0)]);
    let encoder = FlatbuffersEncoder::new(&event, &rows.schema()).unwrap();
    let error = encoder.encode(&rows).unwrap_err().to_string();
    assert!(
        error.contains("satellite_name") && error.contains("required"),
        "{error}"
    );
    let loose = schema_of("table T { value: double; } root_type T;").unwrap();
    let rows = column("value", vec![Some(1.0), None]);
    let encoder = FlatbuffersEncoder::new(&loose, &rows.schema()).unwrap();
    let error = encoder.encode(&rows).unwrap_err().to_string();
    assert!(
        error.contains("row 1") && error.contains("is null"),
        "{error}"
    );
}

/// How many damaged messages are tried; `FLATBUFFERS_MUTATIONS=1000000` for all that were promised.
fn mutation_count() -> usize {
    std::env::var("FLATBUFFERS_MUTATIONS").map_or(40_000, |text| text.parse().unwrap())
}

#[test]
fn each_damaged_message_is_a_row_or_told() {
    let schema = FlatbuffersSchema::open(&fixture("everything.fbs"), None).unwrap();
    let file = std::fs::read(fixture("everything.bin")).unwrap();
    let first = 4 + u32::from_le_bytes(file[..4].try_into().unwrap()) as usize;
    let message = &file[4..first];
    let mut decoder = FlatbuffersDecoder::new(&schema);
    let mut told = 0;
    for round in 0..mutation_count().div_ceil(1_000) {
        let mut random = Random(round as u64);
        let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
        for _ in 0..1_000 {
            let start = bytes.len();
            bytes.extend_from_slice(message);
            for _ in 0..=random.below(4) {
                let place = start + random.below(message.len());
                bytes[place] = match random.below(4) {
                    0 => bytes[place] ^ (1 << random.below(8)),
                    1 => 0xff,
                    2 => 0,
                    _ => random.next() as u8,
                };
            }
            if random.below(8) == 0 {
                bytes.truncate(start + random.below(message.len()));
            }
            ranges.push(start..bytes.len());
        }
        let mut next = 0;
        while next < ranges.len() {
            let decoded = decoder.decode(&bytes, &ranges[next..]);
            assert_eq!(
                decoded.rows.num_rows() + decoded.invalid.len(),
                decoded.taken
            );
            assert!(decoded.invalid.iter().all(|one| !one.reason.is_empty()));
            told += decoded.invalid.len();
            next += decoded.taken;
        }
    }
    assert!(told > mutation_count() / 10, "only {told} were told");
}

#[test]
fn offsets_that_lead_to_one_place_many_times_do_not_fill_the_memory() {
    let schema =
        schema_of("table A { s: [string]; } table B { a: [A]; } table T { b: [B]; } root_type T;")
            .unwrap();
    // Each level is a vector of 4,096 offsets to the same table or string.
    let mut bytes = Vec::new();
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend_from_slice(&value.to_le_bytes());
    word(&mut bytes, 12);
    bytes.extend_from_slice(&[6, 0, 8, 0, 4, 0, 0, 0]);
    for _ in 0..3 {
        // All share the vtable at byte 4.
        let back = bytes.len() as u32 - 4;
        word(&mut bytes, back);
        word(&mut bytes, 4);
        word(&mut bytes, 4_096);
        for index in 0..4_096_u32 {
            word(&mut bytes, (4_096 - index) * 4);
        }
    }
    word(&mut bytes, 3);
    bytes.extend_from_slice(b"abc\0");
    let mut decoder = FlatbuffersDecoder::new(&schema);
    let all = 0..bytes.len();
    let decoded = decoder.decode(&bytes, &[all]);
    assert_eq!(decoded.rows.num_rows(), 0);
    assert!(
        decoded.invalid[0].reason.contains("unfold"),
        "{:?}",
        decoded.invalid
    );
}
