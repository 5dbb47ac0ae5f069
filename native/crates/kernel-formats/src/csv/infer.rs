//! Which types the columns of a CSV file have, judged by its first rows.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::column_builder::{parse_boolean, parse_inferred_float, parse_integer, plain};
use super::params::CsvReadParams;
use super::row_scanner::{Field as ScannedField, RowScanner};
use crate::calendar::{parse_date, parse_instant};
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::numbers::NumberKind;

/// Infers column names and types from the header and the first `infer_rows` rows.
///
/// A column gets the narrowest of these types that holds all its values to the last digit: boolean, int64,
/// decimal(38, 0), float64, date32, `timestamp[ns, UTC]`, and else utf8. A number with leading zeros or a plus is text,
/// because it is a code more often than a quantity; so is a column without any value. Without a header the columns are
/// `column_1`, `column_2`, … Where a header has a name twice, the second column is `name_1`. All columns are nullable.
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

/// Reads the first row as column names, of which none is there twice.
///
/// Errors: those of [`RowScanner::advance`], [`FormatsError::Corrupt`] (there is no row, or it is no text).
pub(super) fn read_header(rows: &mut RowScanner) -> Result<Vec<String>> {
    if !rows.advance()? {
        return Err(FormatsError::Corrupt {
            input: rows.name().to_owned(),
            format: "CSV",
            reason: "it is empty, where a header line should be".to_owned(),
        });
    }
    let fields = rows.fields().to_vec();
    let names: Result<_> = fields
        .into_iter()
        .map(|field| header_name(rows, field))
        .collect();
    Ok(distinct(names?))
}

/// Errors: [`FormatsError::Corrupt`] for what is no text, as in files of other formats.
fn header_name(rows: &mut RowScanner, field: ScannedField) -> Result<String> {
    let name = std::str::from_utf8(rows.text(field));
    let reason = match name.map(str::to_owned) {
        Ok(name) if !name.contains(is_no_text) => return Ok(name),
        Ok(_) => "its header holds control characters, which no text has",
        Err(_) => "its header is not UTF-8; set \"encoding\" if it is \"latin-1\" or \"utf-16\"",
    };
    Err(FormatsError::Corrupt {
        input: rows.name().to_owned(),
        format: "CSV",
        reason: reason.to_owned(),
    })
}

fn is_no_text(character: char) -> bool {
    character.is_ascii_control() && !matches!(character, '\t' | '\n' | '\r')
}

/// Names of which none is there twice: the second `a` becomes `a_1`, or the next of these that the header has not itself.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    if taken.len() == names.len() {
        return names;
    }
    let mut counts = HashMap::new();
    let mut distinct_name = |name: String| {
        let count: &mut usize = match counts.entry(name.clone()) {
            Entry::Vacant(first) => {
                first.insert(0);
                return name;
            }
            Entry::Occupied(other) => other.into_mut(),
        };
        loop {
            *count += 1;
            let other = format!("{name}_{count}");
            if taken.insert(other.clone()) {
                return other;
            }
        }
    };
    names.into_iter().map(&mut distinct_name).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Boolean,
    Number(NumberKind),
    Date,
    Instant,
    Text,
}

impl Kind {
    fn of(text: &[u8]) -> Self {
        if parse_boolean(text).is_some() {
            Self::Boolean
        } else if let Some(kind) = number_kind(text) {
            Self::Number(kind)
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
            (Self::Number(one), Self::Number(other)) => {
                one.union(other).map_or(Self::Text, Self::Number)
            }
            (Self::Date | Self::Instant, Self::Date | Self::Instant) => Self::Instant,
            _ => Self::Text,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Number(kind) => kind.data_type(),
            Self::Date => DataType::Date32,
            Self::Instant => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Self::Text => DataType::Utf8,
        }
    }
}

fn number_kind(text: &[u8]) -> Option<NumberKind> {
    match parse_integer(plain(text)?) {
        Some(integer) => NumberKind::of_integer(integer?),
        None => parse_inferred_float(text).map(|_| NumberKind::Float),
    }
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
