//! Schemas as plain objects, with types as text (`timestamp[ns, UTC]`, `list<int32>`), and back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use kernel_formats::{key_and_value, map_type};
use napi_derive::napi;

use crate::error::{Failure, Result};

/// Field metadata key under which kernels keep a column's unit.
const UNIT: &str = "unit";

/// One column as JavaScript sees it.
#[napi(object)]
#[derive(Clone)]
pub struct NativeColumn {
    pub name: String,
    /// Type text, see `DataType` in packages/operator.
    #[napi(js_name = "type")]
    pub data_type: String,
    pub nullable: bool,
    pub unit: Option<String>,
}

/// The columns of a schema for JavaScript.
pub fn to_columns(schema: &Schema) -> Vec<NativeColumn> {
    let column = |field: &Arc<Field>| NativeColumn {
        name: field.name().clone(),
        data_type: type_text(field.data_type()),
        nullable: field.is_nullable(),
        unit: field.metadata().get(UNIT).cloned(),
    };
    schema.fields().iter().map(column).collect()
}

/// Inverse of [`to_columns`]; `unknown-type` for a text that names no type.
pub fn from_columns(columns: &[NativeColumn]) -> Result<SchemaRef> {
    let fields: Result<Vec<Field>> = columns.iter().map(field_of).collect();
    Ok(Arc::new(Schema::new(fields?)))
}

fn field_of(column: &NativeColumn) -> Result<Field> {
    let field = Field::new(
        &column.name,
        parse_type(&column.data_type)?,
        column.nullable,
    );
    Ok(match &column.unit {
        Some(unit) => field.with_metadata(HashMap::from([(UNIT.to_owned(), unit.clone())])),
        None => field,
    })
}

/// Text of an Arrow type. Types outside the engine's list give Arrow's own notation.
pub fn type_text(data_type: &DataType) -> String {
    let simple = SIMPLE.iter().find(|(_, known)| known == data_type);
    if let Some((text, _)) = simple {
        return (*text).to_owned();
    }
    match data_type {
        DataType::Timestamp(unit, None) => format!("timestamp[{}]", unit_text(unit)),
        DataType::Timestamp(unit, Some(zone)) => format!("timestamp[{}, {zone}]", unit_text(unit)),
        DataType::Time32(unit) => format!("time32[{}]", unit_text(unit)),
        DataType::Time64(unit) => format!("time64[{}]", unit_text(unit)),
        DataType::Decimal128(precision, scale) => format!("decimal128({precision}, {scale})"),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            format!("list<{}>", type_text(item.data_type()))
        }
        DataType::Map(entries, _) if let Some((key, value)) = key_and_value(entries) => {
            let (key, value) = (type_text(key.data_type()), type_text(value.data_type()));
            format!("map<{key}, {value}>")
        }
        DataType::Struct(fields) => {
            let inner: Vec<String> = fields
                .iter()
                .map(|field| {
                    let name = field_name_text(field.name());
                    format!("{name}: {}", type_text(field.data_type()))
                })
                .collect();
            format!("struct<{}>", inner.join(", "))
        }
        DataType::Dictionary(key, value) => {
            format!("dictionary<{}, {}>", type_text(key), type_text(value))
        }
        other => other.to_string(),
    }
}

const SIMPLE: [(&str, DataType); 21] = [
    ("null", DataType::Null),
    ("bool", DataType::Boolean),
    ("int8", DataType::Int8),
    ("int16", DataType::Int16),
    ("int32", DataType::Int32),
    ("int64", DataType::Int64),
    ("uint8", DataType::UInt8),
    ("uint16", DataType::UInt16),
    ("uint32", DataType::UInt32),
    ("uint64", DataType::UInt64),
    ("float16", DataType::Float16),
    ("float32", DataType::Float32),
    ("float64", DataType::Float64),
    ("utf8", DataType::Utf8),
    ("large_utf8", DataType::LargeUtf8),
    ("utf8_view", DataType::Utf8View),
    ("binary", DataType::Binary),
    ("large_binary", DataType::LargeBinary),
    ("binary_view", DataType::BinaryView),
    ("date32", DataType::Date32),
    ("date64", DataType::Date64),
];

/// A field's name within a type text: in double quotes where it could be taken for something else.
fn field_name_text(name: &str) -> String {
    if name.trim() == name && !name.is_empty() && !name.contains(STRUCTURAL) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Characters that mean something in a type text.
const STRUCTURAL: [char; 9] = ['<', '>', '(', ')', '[', ']', ',', ':', '"'];

const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

fn unit_text(unit: &TimeUnit) -> &'static str {
    UNITS
        .iter()
        .find(|(_, known)| known == unit)
        .map_or("ns", |(text, _)| text)
}

/// The Arrow type of a type text; `timestamp` alone is `timestamp[us, UTC]`, as in a spec's `schema`.
pub fn parse_type(text: &str) -> Result<DataType> {
    let text = text.trim();
    if let Some((_, simple)) = SIMPLE.iter().find(|(name, _)| *name == text) {
        return Ok(simple.clone());
    }
    let unknown = || Failure::user("unknown-type", format!("\"{text}\" is not a column type"));
    if text == "timestamp" {
        return Ok(DataType::Timestamp(
            TimeUnit::Microsecond,
            Some("UTC".into()),
        ));
    }
    let split = text.find(['[', '<', '(']).ok_or_else(unknown)?;
    let inner = text[split + 1..]
        .strip_suffix([']', '>', ')'])
        .ok_or_else(unknown)?;
    let arguments = split_arguments(inner);
    match (&text[..split], arguments.as_slice()) {
        ("timestamp", [unit]) => Ok(DataType::Timestamp(
            parse_unit(unit).ok_or_else(unknown)?,
            None,
        )),
        ("timestamp", [unit, zone]) => Ok(DataType::Timestamp(
            parse_unit(unit).ok_or_else(unknown)?,
            Some((*zone).into()),
        )),
        ("time32", [unit]) => Ok(DataType::Time32(parse_unit(unit).ok_or_else(unknown)?)),
        ("time64", [unit]) => Ok(DataType::Time64(parse_unit(unit).ok_or_else(unknown)?)),
        ("decimal128", [precision, scale]) => Ok(DataType::Decimal128(
            precision.parse().map_err(|_| unknown())?,
            scale.parse().map_err(|_| unknown())?,
        )),
        ("list", [item]) => Ok(DataType::new_list(parse_type(item)?, true)),
        ("map", [key, value]) => Ok(map_type(parse_type(key)?, parse_type(value)?)),
        ("dictionary", [key, value]) => Ok(DataType::Dictionary(
            parse_type(key)?.into(),
            parse_type(value)?.into(),
        )),
        ("struct", fields) => {
            let fields: Result<Vec<Field>> = fields
                .iter()
                .map(|field| parse_struct_field(field, &unknown))
                .collect();
            Ok(DataType::Struct(Fields::from(fields?)))
        }
        _ => Err(unknown()),
    }
}

fn parse_struct_field(text: &str, unknown: &dyn Fn() -> Failure) -> Result<Field> {
    let colon = outside_quotes(text).find(|(_, c)| *c == ':');
    let (name, data_type) = text.split_at(colon.ok_or_else(unknown)?.0);
    let name = match name.trim().strip_prefix('"') {
        Some(quoted) => quoted
            .strip_suffix('"')
            .ok_or_else(unknown)?
            .replace("\"\"", "\""),
        None => name.trim().to_owned(),
    };
    Ok(Field::new(name, parse_type(&data_type[1..])?, true))
}

/// The characters of a text that are not in double quotes, with their places. A doubled quote ends one quotation and begins the next.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quoted = false;
    text.char_indices().filter(move |(_, c)| {
        quoted ^= *c == '"';
        !quoted
    })
}

fn parse_unit(text: &str) -> Option<TimeUnit> {
    UNITS
        .iter()
        .find(|(known, _)| *known == text)
        .map(|(_, unit)| *unit)
}

/// Splits at commas that are inside neither brackets nor quotes.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut arguments) = (0, 0, Vec::new());
    for (place, c) in outside_quotes(text) {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(text[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    arguments.push(text[start..].trim());
    arguments.retain(|argument| !argument.is_empty());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_parses_to_the_type_it_came_from() {
        let texts = [
            "bool",
            "uint64",
            "float64",
            "utf8",
            "timestamp[ns, UTC]",
            "timestamp[us]",
            "time64[us]",
            "decimal128(18, -4)",
            "list<int32>",
            "map<utf8, list<map<int32, struct<a: bool>>>>",
            "dictionary<int32, utf8>",
            "struct<a: list<struct<b: int8, c: timestamp[ms, UTC]>>, d: utf8>",
            r#"struct<"a, b: <c>": int8, "say ""x""": struct<" ": utf8>, plain name: bool>"#,
        ];
        for text in texts {
            assert_eq!(type_text(&parse_type(text).unwrap()), text);
        }
    }

    #[test]
    fn a_text_that_is_no_type_is_refused() {
        for text in [
            "",
            "integer",
            "timestamp[year]",
            "list<",
            "list<int32, int32>",
            "decimal128(x, 1)",
            "struct<a>",
        ] {
            assert_eq!(parse_type(text).unwrap_err().code, "unknown-type", "{text}");
        }
    }
}
