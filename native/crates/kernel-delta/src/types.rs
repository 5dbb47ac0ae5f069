//! Which Arrow type is stored as what.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

/// A column that Delta Lake cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The column.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do instead.
    pub hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            column,
            reason,
            hint,
        } = self;
        write!(f, "column {column:?} {reason}; {hint}")
    }
}

/// The columns as a new table stores them, all nullable and without metadata, or everything that stands against it.
///
/// | rows | table |
/// |---|---|
/// | bool, int8 to int64, float32, float64, date32 | the same |
/// | uint8, uint16, uint32 | the next wider integer |
/// | uint64 | decimal(20, 0) |
/// | float16 | float |
/// | utf8 of any kind, dictionaries | string, or the type of the values |
/// | binary of any kind | binary |
/// | timestamp in s, ms, us, with a zone | timestamp (UTC, microseconds) |
/// | timestamp in s, ms, us, without zone | `timestamp_ntz` |
/// | decimal128 with a scale of 0 or more | decimal |
/// | list, struct | array, struct |
///
/// All others are refused, and so are timestamps in nanoseconds, of which Delta Lake would lose digits.
pub fn stored_schema(rows: &Schema) -> Result<SchemaRef, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let mut fields: Vec<FieldRef> = Vec::new();
    for field in rows.fields() {
        let name = field.name();
        match stored_type(field.data_type()) {
            Ok(data_type) => fields.push(Arc::new(Field::new(name, data_type, true))),
            Err((reason, hint)) => refusals.push(refusal(name, reason, hint.replace("{}", name))),
        }
        let same = |other: &&FieldRef| other.name().eq_ignore_ascii_case(name);
        if let Some(other) = rows
            .fields()
            .iter()
            .take_while(|other| *other != field)
            .find(same)
        {
            let reason = format!("differs from {:?} in capitals only", other.name());
            refusals.push(refusal(
                name,
                &reason,
                "rename one of them in a select before".into(),
            ));
        }
    }
    if refusals.is_empty() {
        Ok(Arc::new(Schema::new(fields)))
    } else {
        Err(refusals)
    }
}

fn refusal(column: &str, reason: &str, hint: String) -> Refusal {
    Refusal {
        column: column.to_owned(),
        reason: reason.to_owned(),
        hint,
    }
}

/// The stored type; or what is wrong, and what to do, where `{}` is the column's name.
fn stored_type(data_type: &DataType) -> Result<DataType, (&'static str, &'static str)> {
    use DataType as D;
    Ok(match data_type {
        D::Boolean
        | D::Int8
        | D::Int16
        | D::Int32
        | D::Int64
        | D::Float32
        | D::Float64
        | D::Date32 => data_type.clone(),
        D::UInt8 => D::Int16,
        D::UInt16 => D::Int32,
        D::UInt32 => D::Int64,
        D::UInt64 => D::Decimal128(20, 0),
        D::Float16 => D::Float32,
        D::Utf8 | D::LargeUtf8 | D::Utf8View => D::Utf8,
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => D::Binary,
        D::Timestamp(TimeUnit::Nanosecond, _) => {
            return Err((
                "is a time in nanoseconds, of which Delta Lake keeps microseconds only",
                r#"convert it in a select before, with CAST("{}" AS TIMESTAMP)"#,
            ));
        }
        D::Timestamp(_, Some(_)) => D::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        D::Timestamp(_, None) => D::Timestamp(TimeUnit::Microsecond, None),
        D::Decimal128(precision, scale) if *scale >= 0 && *scale <= *precision as i8 => {
            data_type.clone()
        }
        D::Dictionary(_, values) => stored_type(values)?,
        D::List(item) | D::LargeList(item) => D::List(Arc::new(Field::new(
            "element",
            stored_type(item.data_type())?,
            true,
        ))),
        D::Struct(fields) => {
            let stored = |field: &FieldRef| -> Result<Field, (&'static str, &'static str)> {
                let data_type = stored_type(field.data_type())?;
                Ok(Field::new(field.name(), data_type, true))
            };
            D::Struct(fields.iter().map(stored).collect::<Result<Fields, _>>()?)
        }
        _ => {
            return Err((
                "has a type that Delta Lake does not have",
                "convert it in a select before, or leave it out",
            ));
        }
    })
}

/// Whether every value of a stored type is one of the other.
pub(crate) fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType as D;
    matches!(
        (from, to),
        (D::Int8, D::Int16 | D::Int32 | D::Int64)
            | (D::Int16, D::Int32 | D::Int64)
            | (D::Int32, D::Int64)
            | (D::Int8 | D::Int16 | D::Int32 | D::Float32, D::Float64)
            | (D::Int8 | D::Int16, D::Float32)
            // Sums of integers were decimals once.
            | (D::Int64, D::Decimal128(38, 0))
    )
}

/// Whether a column may be a partition: its values are texts in the log that mean the same to everybody.
pub(crate) fn can_partition(data_type: &DataType) -> bool {
    use DataType as D;
    matches!(
        data_type,
        D::Boolean | D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::Utf8 | D::Date32
    )
}
