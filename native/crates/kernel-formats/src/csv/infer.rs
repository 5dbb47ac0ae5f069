//! Which types the columns of a CSV file have, judged by its first rows.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::column_builder::parse_boolean;
use super::params::CsvReadParams;
use super::row_scanner::RowScanner;
use crate::calendar::{parse_date, parse_instant};
use crate::error::{FormatsError, Result};
use crate::input::Input;

/// Infers column names and types from the header and the first `infer_rows` rows.
///
/// A column gets the narrowest of these types that holds all its values: boolean, int64, float64,
/// date32, `timestamp[ns, UTC]`, and else utf8. A number with leading zeros is text, because it is a
/// code more often than a quantity; so is a column without any value. Without a header the columns are
/// `column_1`, `column_2`, … All columns are nullable.
///
/// Rows with too few or too many fields are passed over. Memory: one row. Errors: [`FormatsError::Io`],
/// [`FormatsError::CsvQuote`], [`FormatsError::Corrupt`] (no header where one should be, or damaged compression),
/// [`FormatsError::TooLarge`], [`FormatsError::InvalidParam`].
pub fn infer_csv_schema(input: impl Into<Input>, params: &CsvReadParams) -> Result<SchemaRef> {
    params.check()?;
    let mut rows = RowScanner::open(&input.into(), params)?;
    let mut names = if params.header {
        read_header(&mut rows)?
    } else {
        Vec::new()
    };
    let mut kinds = vec![None; names.len()];
    for _ in 0..params.infer_rows {
        if !rows.advance()? {
            break;
        }
        if names.is_empty() {
            names = (1..=rows.fields().len())
                .map(|index| format!("column_{index}"))
                .collect();
            kinds = vec![None; names.len()];
        }
        if rows.is_blank() && names.len() > 1 {
            continue;
        }
        widen(&mut kinds, &mut rows, params);
    }
    let fields: Vec<Field> = names
        .into_iter()
        .zip(kinds)
        .map(|(name, kind)| Field::new(name, kind.unwrap_or(Kind::Text).data_type(), true))
        .collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// Reads the first row as column names.
pub(super) fn read_header(rows: &mut RowScanner) -> Result<Vec<String>> {
    if !rows.advance()? {
        return Err(FormatsError::Corrupt {
            input: rows.name().to_owned(),
            format: "CSV",
            reason: "it is empty, where a header line should be".to_owned(),
        });
    }
    let fields = rows.fields().to_vec();
    Ok(fields
        .into_iter()
        .map(|field| String::from_utf8_lossy(rows.text(field)).into_owned())
        .collect())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Boolean,
    Integer,
    Float,
    Date,
    Instant,
    Text,
}

impl Kind {
    fn of(text: &[u8]) -> Self {
        if parse_boolean(text).is_some() {
            Self::Boolean
        } else if let Some(kind) = number_kind(text) {
            kind
        } else if parse_date(text).is_some() {
            Self::Date
        } else if parse_instant(text, 1_000_000_000).is_some() {
            Self::Instant
        } else {
            Self::Text
        }
    }

    fn union(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Integer | Self::Float, Self::Integer | Self::Float) => Self::Float,
            (Self::Date | Self::Instant, Self::Date | Self::Instant) => Self::Instant,
            _ => Self::Text,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Date => DataType::Date32,
            Self::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::Text => DataType::Utf8,
        }
    }
}

fn number_kind(text: &[u8]) -> Option<Kind> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if matches!(digits, [b'0', b'0'..=b'9', ..]) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if text.parse::<i64>().is_ok() {
        return Some(Kind::Integer);
    }
    text.parse::<f64>().is_ok().then_some(Kind::Float)
}

/// Learns from a row, unless it has too few or too many fields, of which the reader will tell.
fn widen(kinds: &mut [Option<Kind>], rows: &mut RowScanner, params: &CsvReadParams) {
    let fields = rows.fields().to_vec();
    if fields.len() != kinds.len() {
        return;
    }
    for (field, kind) in fields.into_iter().zip(kinds) {
        let text = rows.text(field);
        if field.quoted || text != params.null.as_bytes() {
            let found = Kind::of(text);
            *kind = Some(kind.map_or(found, |known| known.union(found)));
        }
    }
}
