//! The generic table against the values that netCDF4 and cftime decode (see `fixtures/make.py`).

mod common;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use common::{fixture, granules};
use kernel_netcdf::{GlmParams, NetcdfParams, decode_glm, decode_netcdf, netcdf_schema};

fn shown(batch: &RecordBatch, column: &str) -> Vec<String> {
    let column = batch.column_by_name(column).unwrap();
    let value = |row: usize| match column.data_type() {
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
        DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(row)),
        DataType::UInt8 => f64::from(column.as_primitive::<UInt8Type>().value(row)),
        other => panic!("no number in {other}"),
    };
    let cell = |row: usize| match column.data_type() {
        _ if column.is_null(row) => "null".to_owned(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampNanosecondType>()
            .value(row)
            .to_string(),
        _ => value(row).to_string(),
    };
    (0..batch.num_rows()).map(cell).collect()
}

/// Whether two cells say the same: numbers may be written differently, and NetCDF4 unpacks in float32 at times.
fn is_same(ours: &str, theirs: &str) -> bool {
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        _ if ours == theirs => true,
        (Ok(ours), Ok(theirs)) => {
            (ours - theirs).abs() <= 1e-6 * theirs.abs() && theirs.abs() < 1e15
        }
        _ => false,
    }
}

#[test]
fn every_variable_along_time_equals_netcdf4() {
    let params = NetcdfParams {
        dimension: Some("time".to_owned()),
        ..NetcdfParams::default()
    };
    let batch = decode_netcdf(&fixture("cf.nc"), "cf.nc", &params).unwrap();
    let expected = include_str!("fixtures/cf.tsv");
    assert_eq!(batch.num_columns(), expected.lines().count());
    for (index, line) in expected.lines().enumerate() {
        let mut cells = line.split('\t');
        let name = cells.next().unwrap();
        assert_eq!(
            batch.schema().field(index).name(),
            name,
            "columns are in the file's order"
        );
        for (ours, theirs) in shown(&batch, name).iter().zip(cells) {
            assert!(is_same(ours, theirs), "{name}: {ours} is not {theirs}");
        }
    }
}

#[test]
fn the_schema_tells_types_and_units() {
    let params = NetcdfParams {
        dimension: Some("time".to_owned()),
        ..NetcdfParams::default()
    };
    let bytes = fixture("cf.nc");
    let schema = netcdf_schema(&bytes, &params).unwrap();
    assert_eq!(
        schema,
        decode_netcdf(&bytes, "cf.nc", &params).unwrap().schema()
    );
    let unit = |name| {
        schema
            .field_with_name(name)
            .unwrap()
            .metadata()
            .get("unit")
            .map(String::as_str)
    };
    assert_eq!(unit("temperature"), Some("degC"));
    assert_eq!(unit("time"), None);
    assert_eq!(unit("model_day"), Some("days since 2000-01-01"));
    let kind = |name| schema.field_with_name(name).unwrap().data_type().clone();
    assert_eq!(kind("temperature"), DataType::Float64);
    assert_eq!(kind("count"), DataType::UInt8);
    assert_eq!(kind("model_day"), DataType::Float32);
    assert_eq!(kind("time"), kind("minutes"));
    assert_eq!(kind("name"), DataType::Utf8);
}

#[test]
fn constants_come_from_scalars_attributes_and_the_file_name() {
    let constants = ["station", "start", "title", "version", "file"]
        .map(str::to_owned)
        .to_vec();
    let params = NetcdfParams {
        variables: Some(vec!["serial".to_owned()]),
        constants,
        ..NetcdfParams::default()
    };
    let batch = decode_netcdf(&fixture("cf.nc"), "cf.nc", &params).unwrap();
    assert_eq!(
        batch["station"].as_primitive::<Int32Type>().values()[..],
        [42; 5]
    );
    assert_eq!(shown(&batch, "start"), ["86400500000000"; 5]);
    assert_eq!(shown(&batch, "title"), ["Buoys"; 5]);
    assert_eq!(shown(&batch, "version"), ["7"; 5]);
    assert_eq!(shown(&batch, "file"), ["cf.nc"; 5]);
    let params = NetcdfParams {
        constants: vec!["absent".to_owned()],
        ..params
    };
    assert_eq!(
        netcdf_schema(&fixture("cf.nc"), &params)
            .unwrap_err()
            .code(),
        "missing-constant"
    );
}

#[test]
fn the_dimension_is_found_or_asked_for() {
    let schema = |params: NetcdfParams| netcdf_schema(&fixture("cf.nc"), &params);
    let named = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let length = |params| schema(params).unwrap().fields().len();
    assert_eq!(
        length(NetcdfParams::default()),
        8,
        "time is the only shared dimension"
    );
    assert_eq!(
        length(NetcdfParams {
            dimension: Some("depth".to_owned()),
            ..Default::default()
        }),
        1
    );
    assert_eq!(
        length(NetcdfParams {
            variables: named(&["depth"]),
            ..Default::default()
        }),
        1
    );
    let code = |params| schema(params).unwrap_err().code();
    assert_eq!(
        code(NetcdfParams {
            dimension: Some("tme".to_owned()),
            ..Default::default()
        }),
        "missing-dimension"
    );
    assert_eq!(
        code(NetcdfParams {
            variables: named(&["tme"]),
            ..Default::default()
        }),
        "missing-variable"
    );
    assert_eq!(
        code(NetcdfParams {
            variables: named(&["box"]),
            ..Default::default()
        }),
        "rank"
    );
    assert_eq!(
        code(NetcdfParams {
            variables: named(&["depth", "time"]),
            ..Default::default()
        }),
        "ambiguous-dimension"
    );
}

#[test]
fn the_generic_table_of_a_granule_has_the_values_of_the_product_table() {
    let bytes = std::fs::read(&granules()[6]).unwrap();
    let params = NetcdfParams {
        dimension: Some("number_of_events".to_owned()),
        ..NetcdfParams::default()
    };
    let generic = decode_netcdf(&bytes, "f", &params).unwrap();
    let product = decode_glm(
        &bytes,
        "f",
        &GlmParams {
            table: "events".parse().unwrap(),
            ..Default::default()
        },
    )
    .unwrap();
    assert_eq!(generic.num_columns(), 6);
    for (ours, theirs) in [
        ("event_id", "event_id"),
        ("event_energy", "event_energy"),
        ("event_time", "event_time_offset"),
    ] {
        assert_eq!(product[ours].to_data(), generic[theirs].to_data(), "{ours}");
    }
    let longest = decode_netcdf(&bytes, "f", &NetcdfParams::default()).unwrap();
    assert_eq!(
        longest, generic,
        "events are the longest of the shared dimensions"
    );
}
