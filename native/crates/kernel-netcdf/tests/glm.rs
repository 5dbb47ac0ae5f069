//! GLM tables against the values that h5py computes (see `fixtures/make.py`).

mod common;

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt16Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use common::{fixture, granules};
use kernel_netcdf::{
    Content, GlmParams, GlmTable, Limits, Longitude, decode_glm, decode_glm_files,
    decode_glm_tables, glm_schema,
};

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn decode(bytes: &[u8], file: &str, table: &str) -> RecordBatch {
    let params = GlmParams {
        table: table.parse().unwrap(),
        ..GlmParams::default()
    };
    decode_glm(bytes, file, &params).unwrap()
}

/// FNV-1a of the column's little-endian values, zero where null, as `make.py` computes it.
fn checksum(batch: &RecordBatch, column: &str) -> String {
    let column = batch.column_by_name(column).unwrap();
    let is_valid = |row: usize| column.is_valid(row);
    macro_rules! bytes {
        ($kind:ty) => {{
            let values = column.as_primitive::<$kind>().values();
            let known = values.iter().enumerate().map(|(row, value)| {
                if is_valid(row) {
                    *value
                } else {
                    Default::default()
                }
            });
            known
                .flat_map(|value| value.to_le_bytes())
                .collect::<Vec<u8>>()
        }};
    }
    let bytes = match column.data_type() {
        DataType::UInt32 => bytes!(UInt32Type),
        DataType::UInt16 => bytes!(UInt16Type),
        DataType::Float64 => bytes!(Float64Type),
        DataType::Timestamp(..) => bytes!(TimestampNanosecondType),
        other => panic!("no checksum for {other}"),
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Compares every line of a list of expected columns; returns how many there were.
fn assert_columns(expected: &str, read: impl Fn(&str) -> Vec<u8>) -> usize {
    let mut decoded: Option<(String, String, RecordBatch)> = None;
    let lines = expected.lines().skip(1);
    for line in lines.clone() {
        let [file, table, column, rows, nulls, hash] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("not a line of six fields: {line}");
        };
        if decoded
            .as_ref()
            .is_none_or(|(f, t, _)| f != file || t != table)
        {
            decoded = Some((
                file.to_owned(),
                table.to_owned(),
                decode(&read(file), file, table),
            ));
        }
        let batch = &decoded.as_ref().unwrap().2;
        assert_eq!(batch.num_rows().to_string(), rows, "rows of {line}");
        assert_eq!(
            batch
                .column_by_name(column)
                .unwrap()
                .null_count()
                .to_string(),
            nulls,
            "nulls of {line}"
        );
        assert_eq!(checksum(batch, column), hash, "values of {line}");
    }
    lines.count()
}

#[test]
fn every_column_of_every_granule_equals_h5py() {
    let paths = granules();
    let read =
        |file: &str| std::fs::read(paths.iter().find(|path| name(path) == file).unwrap()).unwrap();
    assert_eq!(
        assert_columns(include_str!("fixtures/glm-columns.tsv"), read),
        7 * 22
    );
}

#[test]
fn other_layouts_read_the_same_and_fill_values_are_null() {
    assert_eq!(
        assert_columns(include_str!("fixtures/repacked.tsv"), fixture),
        3 * 22
    );
}

#[test]
fn a_granule_without_lightning_gives_three_empty_tables() {
    let path = granules()
        .into_iter()
        .find(|path| name(path).contains("s20200160612000"))
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let tables = GlmTable::ALL.map(|table| GlmParams {
        table,
        ..GlmParams::default()
    });
    let batches = decode_glm_tables(&bytes, "f", &tables).unwrap();
    assert_eq!(
        batches
            .iter()
            .map(RecordBatch::num_rows)
            .collect::<Vec<_>>(),
        [0, 0, 0]
    );
    for (batch, table) in batches.iter().zip(GlmTable::ALL) {
        assert_eq!(batch.schema(), glm_schema(table));
    }
}

#[test]
fn constants_of_a_granule_stand_in_every_row() {
    let path = &granules()[0];
    let batch = decode(&std::fs::read(path).unwrap(), &name(path), "flashes");
    let last = batch.num_rows() - 1;
    for row in [0, last] {
        assert_eq!(batch["satellite"].as_string::<i32>().value(row), "G16");
        assert_eq!(batch["file"].as_string::<i32>().value(row), name(path));
        // 2018-07-02T04:33:00Z
        assert_eq!(
            batch["product_start"]
                .as_primitive::<TimestampNanosecondType>()
                .value(row),
            1_530_505_980_000_000_000
        );
    }
}

#[test]
fn a_projection_gives_the_same_columns_as_the_whole_table() {
    let bytes = std::fs::read(&granules()[3]).unwrap();
    let whole = decode(&bytes, "f", "groups");
    let columns = Some(vec![
        "quality_flag".to_owned(),
        "satellite".to_owned(),
        "group_lon".to_owned(),
    ]);
    let params = GlmParams {
        table: GlmTable::Groups,
        columns,
        ..GlmParams::default()
    };
    let part = decode_glm(&bytes, "f", &params).unwrap();
    assert_eq!(part.schema(), params.schema().unwrap());
    assert_eq!(part.num_columns(), 3);
    for field in part.schema().fields() {
        assert_eq!(
            part[field.name().as_str()].to_data(),
            whole[field.name().as_str()].to_data()
        );
    }
    let only_constant = GlmParams {
        columns: Some(vec!["file".to_owned()]),
        ..params
    };
    assert_eq!(
        decode_glm(&bytes, "f", &only_constant).unwrap().num_rows(),
        whole.num_rows()
    );
}

#[test]
fn unwrapped_longitudes_stay_within_half_a_turn_of_the_satellite() {
    for path in granules() {
        let bytes = std::fs::read(&path).unwrap();
        let satellite = if name(&path).contains("G17") {
            -137.2
        } else {
            -75.2
        };
        for (table, column) in
            GlmTable::ALL
                .into_iter()
                .zip(["flash_lon", "group_lon", "event_lon"])
        {
            let decode = |longitude| {
                let params = GlmParams {
                    table,
                    longitude,
                    ..GlmParams::default()
                };
                decode_glm(&bytes, "f", &params).unwrap()[column]
                    .as_primitive::<Float64Type>()
                    .clone()
            };
            let (wrapped, unwrapped) = (decode(Longitude::Wrapped), decode(Longitude::Unwrapped));
            for (wrapped, unwrapped) in wrapped.values().iter().zip(unwrapped.values()) {
                assert!((-180.0..180.0).contains(wrapped), "{wrapped}");
                assert!((unwrapped - satellite).abs() <= 180.01, "{unwrapped}");
                let turns = (wrapped - unwrapped) / 360.0;
                assert!(
                    (turns - turns.round()).abs() < 1e-12,
                    "{wrapped} {unwrapped}"
                );
            }
        }
    }
}

#[test]
fn many_files_keep_their_order_and_fail_alone() {
    let paths = granules();
    let mut files: Vec<_> = paths
        .iter()
        .map(|path| (name(path), Content::Path(path.clone())))
        .collect();
    files.insert(2, ("zero.nc".to_owned(), Content::Bytes(Vec::new().into())));
    files.insert(
        5,
        ("absent.nc".to_owned(), Content::Path("/absent.nc".into())),
    );
    let results = decode_glm_files(&files, &GlmParams::default(), &|| false);
    let rows: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map(RecordBatch::num_rows)
                .map_err(|e| e.code())
        })
        .collect();
    assert_eq!(
        rows,
        [
            Ok(302),
            Ok(277),
            Err("not-hdf5"),
            Ok(274),
            Ok(208),
            Err("io"),
            Ok(125),
            Ok(0),
            Ok(117)
        ]
    );
    let cancelled = decode_glm_files(&files, &GlmParams::default(), &|| true);
    assert!(cancelled.iter().all(|result| {
        result
            .as_ref()
            .is_err_and(|error| error.code() == "cancelled")
    }));
}

#[test]
fn a_call_takes_the_first_files_that_fit_in_memory() {
    let bytes = std::fs::read(&granules()[0]).unwrap();
    let content = Content::Bytes(bytes.into());
    let name = "n".repeat(1_000);
    let files = vec![(name, content); 40];
    let params = GlmParams {
        table: GlmTable::Events,
        ..GlmParams::default()
    };
    let (mut left, mut calls, mut rows) = (&files[..], 0, Vec::new());
    while !left.is_empty() {
        let results = decode_glm_files(left, &params, &|| false);
        let batches: Vec<_> = results.into_iter().map(Result::unwrap).collect();
        let bytes: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        assert!(bytes < 1 << 30, "{bytes}");
        (left, calls) = (&left[batches.len()..], calls + 1);
        rows.extend(batches.iter().map(RecordBatch::num_rows));
    }
    assert!(calls > 1);
    assert_eq!(rows.len(), files.len());
    assert!(rows.iter().all(|count| *count == rows[0]));
}

#[test]
fn limits_are_checked_before_anything_is_decoded() {
    let path = &granules()[0];
    let bytes = std::fs::read(path).unwrap();
    let code = |limits| {
        let params = GlmParams {
            table: GlmTable::Events,
            limits,
            ..GlmParams::default()
        };
        decode_glm(&bytes, "f", &params).unwrap_err().code()
    };
    assert_eq!(
        code(Limits {
            dataset_bytes_max: 1_000,
            ..Limits::default()
        }),
        "limit"
    );
    assert_eq!(
        code(Limits {
            batch_bytes_max: 10_000,
            ..Limits::default()
        }),
        "limit"
    );
    let params = GlmParams {
        limits: Limits {
            file_bytes_max: 1_000,
            ..Limits::default()
        },
        ..GlmParams::default()
    };
    let results = decode_glm_files(
        &[("f".to_owned(), Content::Path(path.clone()))],
        &params,
        &|| false,
    );
    assert_eq!(results[0].as_ref().unwrap_err().code(), "limit");
}
