//! Nested columns under one type, whoever wrote them.
//!
//! Writers differ in the names of list items (`item`, `element`, `array`), in the names of a map's entries, in what they
//! declare as required inside of a column, and in metadata such as field ids. None of it changes a value. The engine knows a
//! type by a text that says none of it, so that each text stands for one Arrow type, the canonical one.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, ListArray, MapArray, RecordBatch, RecordBatchOptions, StructArray,
    new_null_array,
};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use crate::conform::widened;

/// Returns the type under which the engine keeps values of `data_type`: list items are called `item`, map entries
/// `entries`, `key` and `value`; all inside of it may be null but the keys of maps; lists of any layout are `List`; nothing
/// inside has metadata.
#[must_use]
pub fn canonical_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::new_list(canonical_type(item.data_type()), true)
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(canonical_field).collect()),
        DataType::Map(entries, _) => canonical_map(entries).unwrap_or_else(|| data_type.clone()),
        DataType::Dictionary(keys, values) => {
            DataType::Dictionary(keys.clone(), Box::new(canonical_type(values)))
        }
        other => other.clone(),
    }
}

fn canonical_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(
        field.name(),
        canonical_type(field.data_type()),
        true,
    ))
}

/// None for entries that are no pair.
fn canonical_map(entries: &Field) -> Option<DataType> {
    let (key, value) = key_and_value(entries)?;
    Some(map_type(
        canonical_type(key.data_type()),
        canonical_type(value.data_type()),
    ))
}

/// Returns the canonical type of maps from `key` to `value`.
#[must_use]
pub fn map_type(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![
        Field::new("key", key, false),
        Field::new("value", value, true),
    ]);
    let entries = Field::new("entries", DataType::Struct(pair), false);
    DataType::Map(Arc::new(entries), false)
}

/// Returns the types of a map's keys and values, given its entries; none where they are no pair.
#[must_use]
pub fn key_and_value(entries: &Field) -> Option<(&FieldRef, &FieldRef)> {
    match entries.data_type() {
        DataType::Struct(fields) => match fields.as_ref() {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the schema with canonical types. Names, nullability and metadata of the columns themselves stay.
#[must_use]
pub fn canonical_schema(schema: &Schema) -> SchemaRef {
    let column = |field: &FieldRef| match field.data_type().is_nested() {
        false => Arc::clone(field),
        true => {
            let data_type = canonical_type(field.data_type());
            Arc::new(field.as_ref().clone().with_data_type(data_type))
        }
    };
    let fields: Fields = schema.fields().iter().map(column).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns the rows with canonical types. Copies no values; a batch that has them already is given back.
///
/// A column of large or fixed-size lists with more than 2³¹ items keeps its type, as no other can hold it.
#[must_use]
pub fn canonical(rows: RecordBatch) -> RecordBatch {
    let is_other = |field: &FieldRef| {
        field.data_type().is_nested() && canonical_type(field.data_type()) != *field.data_type()
    };
    if !rows.schema_ref().fields().iter().any(is_other) {
        return rows;
    }
    let column = |(array, field): (&ArrayRef, &FieldRef)| {
        let array = widened(array, &canonical_type(field.data_type()));
        let array = array.ok()?;
        let field = field.as_ref().clone();
        Some((
            Arc::new(field.with_data_type(array.data_type().clone())),
            array,
        ))
    };
    let columns = rows.columns().iter().zip(rows.schema_ref().fields());
    let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns
        .map(|(array, field)| {
            column((array, field)).unwrap_or_else(|| (Arc::clone(field), Arc::clone(array)))
        })
        .unzip();
    let schema = Schema::new_with_metadata(fields, rows.schema_ref().metadata().clone());
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).unwrap_or(rows)
}

/// Returns the first column of a schema that holds shredded variants: their values are partly or wholly in a column
/// `typed_value`. Source: Apache Parquet format, "Variant Shredding".
#[must_use]
pub fn shredded_variant(schema: &Schema) -> Option<&FieldRef> {
    let mut columns = schema.fields().iter();
    columns.find(|field| is_shredded(field.data_type()))
}

fn is_shredded(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => is_shredded(item.data_type()),
        DataType::Struct(fields) => {
            is_variant(fields) && fields.find("typed_value").is_some()
                || fields.iter().any(|field| is_shredded(field.data_type()))
        }
        _ => false,
    }
}

fn is_variant(fields: &Fields) -> bool {
    let is_binary = |data_type: &DataType| {
        matches!(
            data_type,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView
        )
    };
    fields.iter().all(|field| match field.name().as_str() {
        "metadata" | "value" => is_binary(field.data_type()),
        name => name == "typed_value",
    }) && fields.find("metadata").is_some()
}

/// The same lists, structs or maps as another type, or why that cannot be; none where they are not both of one kind.
pub(crate) fn reshaped(column: &ArrayRef, to: &DataType) -> Option<Result<ArrayRef, String>> {
    Some(match (column.data_type(), to) {
        (DataType::List(_), DataType::List(item)) => {
            let list = column.as_list::<i32>();
            lists(column, list.offsets().clone(), list.values(), item)
        }
        (DataType::LargeList(_), DataType::List(item)) => {
            let list = column.as_list::<i64>();
            offsets_of(list.offsets().iter().copied())
                .and_then(|offsets| lists(column, offsets, list.values(), item))
        }
        (DataType::FixedSizeList(_, length), DataType::List(item)) => {
            let list = column.as_fixed_size_list();
            let starts = (0..=list.len() as i64).map(|row| row * i64::from(*length));
            offsets_of(starts).and_then(|offsets| lists(column, offsets, list.values(), item))
        }
        (DataType::Struct(_), DataType::Struct(fields)) => structs(column.as_struct(), fields),
        (DataType::Map(..), DataType::Map(entries, is_sorted)) => {
            maps(column.as_map(), entries, *is_sorted)
        }
        _ => return None,
    })
}

fn offsets_of(starts: impl Iterator<Item = i64>) -> Result<OffsetBuffer<i32>, String> {
    let small = |start| i32::try_from(start).map_err(|_| "it has more than 2³¹ items".to_owned());
    let starts: Vec<i32> = starts.map(small).collect::<Result<_, _>>()?;
    Ok(OffsetBuffer::new(ScalarBuffer::from(starts)))
}

fn lists(
    column: &ArrayRef,
    offsets: OffsetBuffer<i32>,
    values: &ArrayRef,
    item: &FieldRef,
) -> Result<ArrayRef, String> {
    let values = widened(values, item.data_type())?;
    let nulls = column.nulls().cloned();
    ListArray::try_new(Arc::clone(item), offsets, values, nulls)
        .map(|list| Arc::new(list) as ArrayRef)
        .map_err(|error| error.to_string())
}

/// By name. Members that are not there are null, but none is dropped.
fn structs(column: &StructArray, fields: &Fields) -> Result<ArrayRef, String> {
    let is_known = |name: &&str| fields.iter().any(|to| to.name() == name);
    if let Some(name) = column
        .column_names()
        .into_iter()
        .find(|name| !is_known(name))
    {
        return Err(format!("it has a member {name:?}, which is not expected"));
    }
    let member = |to: &FieldRef| match column.column_by_name(to.name()) {
        Some(array) => widened(array, to.data_type()),
        None => Ok(new_null_array(to.data_type(), column.len())),
    };
    let members = fields.iter().map(member).collect::<Result<_, _>>()?;
    made(column.len(), fields, members, column)
}

/// By position: the names of a map's entries say nothing.
fn maps(map: &MapArray, entries: &FieldRef, is_sorted: bool) -> Result<ArrayRef, String> {
    let (key, value) = key_and_value(entries).ok_or("its entries are no pairs")?;
    let pairs = map.entries();
    let members = vec![
        widened(map.keys(), key.data_type())?,
        widened(map.values(), value.data_type())?,
    ];
    let fields = Fields::from(vec![Arc::clone(key), Arc::clone(value)]);
    let pairs = made(pairs.len(), &fields, members, pairs)?;
    MapArray::try_new(
        Arc::clone(entries),
        map.offsets().clone(),
        pairs.as_struct().clone(),
        map.nulls().cloned(),
        is_sorted,
    )
    .map(|map| Arc::new(map) as ArrayRef)
    .map_err(|error| error.to_string())
}

fn made(
    length: usize,
    fields: &Fields,
    members: Vec<ArrayRef>,
    like: &StructArray,
) -> Result<ArrayRef, String> {
    let nulls = like.nulls().cloned();
    StructArray::try_new_with_length(fields.clone(), members, nulls, length)
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{
        FixedSizeListBuilder, Int32Builder, LargeListBuilder, ListBuilder, MapBuilder,
        MapFieldNames, StringBuilder,
    };
    use arrow_array::types::Int32Type;
    use arrow_array::{Int32Array, Int64Array};

    use super::*;

    fn batch(column: ArrayRef) -> RecordBatch {
        let field = Field::new("v", column.data_type().clone(), true);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
    }

    fn list_of(name: &str, is_nullable: bool) -> ArrayRef {
        let id = [("PARQUET:field_id".to_owned(), "7".to_owned())];
        let item = Field::new(name, DataType::Int32, is_nullable).with_metadata(id.into());
        let mut list = ListBuilder::new(Int32Builder::new()).with_field(item);
        list.append_value([Some(1), Some(2)]);
        list.append_null();
        list.append_value([]);
        Arc::new(list.finish())
    }

    #[test]
    fn lists_of_every_name_layout_and_nullability_become_one_type() {
        let mut large = LargeListBuilder::new(Int32Builder::new());
        large.append_value([Some(1), Some(2)]);
        large.append_null();
        large.append_value([]);
        let expected = canonical(batch(list_of("item", true)));
        let lists = [
            list_of("element", true),
            list_of("array", false),
            Arc::new(large.finish()),
        ];
        for list in lists {
            let rows = canonical(batch(list).slice(1, 2));
            let plain = DataType::new_list(DataType::Int32, true);
            assert_eq!(rows.schema().field(0).data_type(), &plain);
            assert_eq!(
                rows.column(0).as_list::<i32>(),
                expected.column(0).slice(1, 2).as_list::<i32>()
            );
        }
    }

    #[test]
    fn fixed_size_lists_become_lists() {
        let mut list = FixedSizeListBuilder::new(Int32Builder::new(), 2);
        for value in [Some([3, 4]), None, Some([5, 6])] {
            list.values()
                .append_slice(value.as_ref().unwrap_or(&[0, 0]));
            list.append(value.is_some());
        }
        let rows = canonical(batch(Arc::new(list.finish())).slice(1, 2));
        let lists: Vec<_> = rows.column(0).as_list::<i32>().iter().collect();
        assert!(lists[0].is_none());
        let last = lists[1].as_ref().unwrap().as_primitive::<Int32Type>();
        assert_eq!(last.values(), &[5, 6]);
    }

    #[test]
    fn maps_become_one_type_whatever_their_entries_are_called() {
        let names = MapFieldNames {
            entry: "key_value".into(),
            key: "k".into(),
            value: "v".into(),
        };
        let mut map = MapBuilder::new(Some(names), StringBuilder::new(), Int32Builder::new());
        map.keys().append_value("a");
        map.values().append_value(1);
        map.append(true).unwrap();
        map.append(false).unwrap();
        let rows = canonical(batch(Arc::new(map.finish())));
        assert_eq!(
            *rows.schema().field(0).data_type(),
            map_type(DataType::Utf8, DataType::Int32)
        );
        let map = rows.column(0).as_map();
        assert_eq!(map.values().as_primitive::<Int32Type>().values(), &[1]);
        assert!(map.is_null(1));
    }

    #[test]
    fn members_of_structs_are_found_by_name() {
        let fields = vec![
            Field::new("b", DataType::Int32, false),
            Field::new("a", DataType::Int32, true),
        ];
        let (b, a) = (Int32Array::from(vec![1, 2]), Int32Array::from(vec![3, 4]));
        let column: ArrayRef = Arc::new(StructArray::new(
            fields.into(),
            vec![Arc::new(b), Arc::new(a)],
            Some(vec![true, false].into()),
        ));
        let wanted = DataType::Struct(Fields::from(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("c", DataType::Utf8, true),
            Field::new("b", DataType::Int32, true),
        ]));
        let found = widened(&column, &wanted).unwrap();
        let found = found.as_struct();
        assert_eq!(**found.column(0), Int64Array::from(vec![3, 4]));
        assert_eq!(found.column(1).null_count(), 2);
        assert_eq!(**found.column(2), Int32Array::from(vec![1, 2]));
        assert!(found.is_null(1));
    }

    #[test]
    fn a_canonical_batch_is_given_back() {
        let rows = batch(list_of("item", true));
        let again = canonical(canonical(rows.clone()));
        assert_eq!(again, canonical(rows));
    }
}
