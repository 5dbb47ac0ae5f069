//! Nested columns laid flat, and columns turned into rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray, StructArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use kernel_relational::{Unpivot, flatten, unpivot};

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields.iter();
    let fields = fields.map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Fields>()))
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn a_field_is_null_where_any_struct_around_it_is() {
    let value: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)]));
    let inner_fields = Fields::from(vec![Field::new("v", DataType::Int32, true)]);
    let inner_nulls = NullBuffer::from(vec![true, true, false, true]);
    let inner = StructArray::new(inner_fields.clone(), vec![value], Some(inner_nulls));
    let outer_fields = Fields::from(vec![Field::new(
        "inner",
        DataType::Struct(inner_fields),
        true,
    )]);
    let outer_nulls = NullBuffer::from(vec![true, true, true, false]);
    let outer = StructArray::new(outer_fields, vec![Arc::new(inner)], Some(outer_nulls));
    let batch =
        RecordBatch::try_from_iter_with_nullable([("outer", Arc::new(outer) as ArrayRef, true)])
            .unwrap();
    for batch in [batch.clone(), batch.slice(1, 3)] {
        let flat = flatten(
            &batch,
            &[path(&["outer", "inner", "v"])],
            &schema(&[("v", DataType::Int32)]),
        )
        .unwrap();
        let values: Vec<Option<i32>> = flat.column(0).as_primitive::<Int32Type>().iter().collect();
        assert_eq!(values, [Some(1), None, None, None][4 - batch.num_rows()..]);
    }
    let error = flatten(
        &batch,
        &[path(&["outer", "v"])],
        &schema(&[("v", DataType::Int32)]),
    );
    assert!(error.unwrap_err().to_string().contains("outer.v"));
}

#[test]
fn rows_of_a_row_stand_together_and_nulls_are_left_out_or_kept() {
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "k",
            Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef,
            true,
        ),
        (
            "a",
            Arc::new(Float64Array::from(vec![Some(1.0), None])),
            true,
        ),
        ("b", Arc::new(Float64Array::from(vec![2.0, f64::NAN])), true),
    ])
    .unwrap();
    let long = |nulls, batch: &RecordBatch| {
        let columns = [
            ("k", DataType::Utf8),
            ("name", DataType::Utf8),
            ("value", DataType::Float64),
        ];
        let params = Unpivot {
            kept: path(&["k"]),
            unpivoted: path(&["a", "b"]),
            schema: schema(&columns),
            nulls,
        };
        let rows = unpivot(batch, &params).unwrap();
        let text = |column: usize, row| {
            rows.column(column)
                .as_string::<i32>()
                .value(row)
                .to_string()
        };
        let values = rows.column(2).as_primitive::<Float64Type>();
        (0..rows.num_rows())
            .map(|row| {
                let value = if values.is_null(row) {
                    "null".to_string()
                } else {
                    values.value(row).to_string()
                };
                format!("{} {} {value}", text(0, row), text(1, row))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(long(false, &batch), ["x a 1", "x b 2", "y b NaN"]);
    assert_eq!(
        long(true, &batch),
        ["x a 1", "x b 2", "y a null", "y b NaN"]
    );
    assert_eq!(long(true, &batch.slice(0, 0)), Vec::<String>::new());
}
