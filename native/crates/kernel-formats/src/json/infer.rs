//! Which columns the rows of a JSON file have, judged by its first rows.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use memchr::memchr;

use super::cursor::{Cursor, Stop};
use super::number::to_integer;
use super::params::{JsonLayout, JsonReadParams};
use super::rows::element_end;
use crate::calendar::{parse_date, parse_instant};
use crate::compressed::TextReader;
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::numbers::NumberKind;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Columns, nested ones included, that inference gives.
const COLUMNS_MAX: usize = 10_000;

/// Nested objects and lists that become columns of their own; what lies deeper is JSON text.
const COLUMN_DEPTH_MAX: usize = 32;

/// Infers columns and types from the first rows, in the order in which keys appear first.
///
/// Integers are int64, or decimal(38, 0) where one of them is beyond that; other numbers are float64. Strings are date32
/// or `timestamp[us, UTC]` (or `ns`) when all of them are such (ISO 8601), objects structs, arrays lists. Values of
/// several kinds give a utf8 column, which holds strings as they are and other values as JSON text, and so do numbers
/// that no one type holds to the last digit, and a column without any value. All columns are nullable. Rows that cannot
/// be read are passed over.
///
/// Memory: `infer_bytes`. Errors: [`FormatsError::Io`], [`FormatsError::Corrupt`] (the compression is damaged, or
/// there are more than 10,000 columns), [`FormatsError::TooLarge`], [`FormatsError::InvalidParam`].
pub fn infer_json_schema(input: impl Into<Input>, params: &JsonReadParams) -> Result<SchemaRef> {
    params.check()?;
    let input = input.into();
    let mut text = Vec::new();
    let wanted = params.infer_bytes;
    let is_cut = TextReader::open(&input, params.encoding)?.append(&mut text, wanted)? == wanted;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    let mut sample = Sample::default();
    match params.layout {
        JsonLayout::Lines => sample.see_lines(text, is_cut, params.infer_rows),
        JsonLayout::Array => sample.see_elements(text, params.infer_rows),
    }
    if sample.column_count > COLUMNS_MAX {
        return Err(FormatsError::Corrupt {
            input: input.name(),
            format: "JSON",
            reason: format!(
                "its rows have more than {COLUMNS_MAX} different keys; declare a schema"
            ),
        });
    }
    Ok(Arc::new(Schema::new(sample.rows.fields())))
}

/// What was seen of the rows so far.
#[derive(Default)]
struct Sample {
    rows: Members,
    column_count: usize,
}

impl Sample {
    fn see_lines(&mut self, text: &[u8], is_cut: bool, rows_max: usize) {
        let mut start = 0;
        for _ in 0..rows_max {
            let end = match memchr(b'\n', &text[start..]) {
                Some(length) => start + length,
                None if is_cut => return,
                None => text.len(),
            };
            self.see_row(&mut Cursor::new(&text[start..end]));
            if end == text.len() {
                return;
            }
            start = end + 1;
        }
    }

    fn see_elements(&mut self, text: &[u8], rows_max: usize) {
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        if !cursor.take(b"[") {
            return;
        }
        for _ in 0..rows_max {
            cursor.skip_blanks();
            let end = element_end(text, cursor.position());
            if end == text.len() {
                return;
            }
            self.see_row(&mut cursor);
            cursor.set_position(end);
            if !cursor.take(b",") {
                return;
            }
        }
    }

    fn see_row(&mut self, cursor: &mut Cursor) {
        cursor.skip_blanks();
        if cursor.peek() != b'{' || self.column_count > COLUMNS_MAX {
            return;
        }
        // A row that breaks off has taught its first keys, which the reader will not miss.
        let mut rows = std::mem::take(&mut self.rows);
        _ = self.see_object(cursor, &mut rows, 0);
        self.rows = rows;
    }

    fn see_object(
        &mut self,
        cursor: &mut Cursor,
        members: &mut Members,
        depth: usize,
    ) -> Result<(), Stop> {
        cursor.expect_object()?;
        cursor.skip_blanks();
        if cursor.take(b"}") {
            return Ok(());
        }
        loop {
            let key = String::from_utf8(cursor.string()?.to_vec())
                .map_err(|_| Stop::Syntax("a key is not UTF-8"))?;
            cursor.expect_colon()?;
            let kind = members.kind_of(key, &mut self.column_count);
            self.see_value(cursor, kind, depth + 1)?;
            if !cursor.next_member(b'}')? {
                return Ok(());
            }
        }
    }

    fn see_value(
        &mut self,
        cursor: &mut Cursor,
        kind: &mut Kind,
        depth: usize,
    ) -> Result<(), Stop> {
        let start = cursor.position();
        match cursor.peek() {
            b'{' if depth < COLUMN_DEPTH_MAX => {
                if *kind == Kind::Null {
                    *kind = Kind::Object(Members::default());
                }
                if let Kind::Object(members) = kind {
                    return self.see_object(cursor, members, depth);
                }
                *kind = Kind::Text;
                cursor.skip_value()
            }
            b'[' if depth < COLUMN_DEPTH_MAX => {
                if *kind == Kind::Null {
                    *kind = Kind::List(Box::new(Kind::Null));
                }
                if let Kind::List(items) = kind {
                    return self.see_items(cursor, items, depth);
                }
                *kind = Kind::Text;
                cursor.skip_value()
            }
            b'"' => {
                let found = Kind::of_string(cursor.string()?);
                kind.widen(found);
                Ok(())
            }
            byte => {
                cursor.skip_value()?;
                kind.widen(Kind::of_scalar(byte, cursor.since(start)));
                Ok(())
            }
        }
    }

    fn see_items(
        &mut self,
        cursor: &mut Cursor,
        items: &mut Kind,
        depth: usize,
    ) -> Result<(), Stop> {
        cursor.expect(b'[', "an array is missing")?;
        cursor.skip_blanks();
        if cursor.take(b"]") {
            return Ok(());
        }
        loop {
            self.see_value(cursor, items, depth + 1)?;
            if !cursor.next_member(b']')? {
                return Ok(());
            }
        }
    }
}

/// The keys of objects, in the order in which they appeared first.
#[derive(Debug, Default, PartialEq)]
struct Members {
    kinds: Vec<(String, Kind)>,
    positions: HashMap<String, usize>,
}

impl Members {
    fn kind_of(&mut self, key: String, column_count: &mut usize) -> &mut Kind {
        let position = *self.positions.entry(key).or_insert_with_key(|key| {
            *column_count += 1;
            self.kinds.push((key.clone(), Kind::Null));
            self.kinds.len() - 1
        });
        &mut self.kinds[position].1
    }

    fn fields(&self) -> Fields {
        let field = |(name, kind): &(String, Kind)| Field::new(name, kind.data_type(), true);
        self.kinds.iter().map(field).collect()
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    /// Nothing but `null` so far.
    Null,
    Boolean,
    Number(NumberKind),
    Date,
    /// A time, and whether microseconds are too coarse for it.
    Instant {
        is_fine: bool,
    },
    Text,
    Object(Members),
    List(Box<Kind>),
}

impl Kind {
    fn of_string(text: &[u8]) -> Self {
        if parse_date(text).is_some() {
            return Self::Date;
        }
        if parse_instant(text, 1_000_000).is_some() {
            return Self::Instant { is_fine: false };
        }
        match parse_instant(text, 1_000_000_000) {
            Some(_) => Self::Instant { is_fine: true },
            None => Self::Text,
        }
    }

    fn of_scalar(first: u8, text: &[u8]) -> Self {
        match first {
            b't' | b'f' => Self::Boolean,
            b'n' => Self::Null,
            b'-' | b'0'..=b'9' => {
                let kind = match Cursor::new(text).number() {
                    Ok(number) if number.is_integer => {
                        to_integer(&number, text).and_then(NumberKind::of_integer)
                    }
                    _ => Some(NumberKind::Float),
                };
                kind.map_or(Self::Text, Self::Number)
            }
            _ => Self::Text,
        }
    }

    /// Becomes a kind that holds both.
    fn widen(&mut self, other: Self) {
        if other == Self::Null || *self == other {
            return;
        }
        let both = match (&*self, other) {
            (Self::Null, other) => other,
            (Self::Number(one), Self::Number(other)) => {
                one.union(other).map_or(Self::Text, Self::Number)
            }
            (Self::Instant { is_fine }, Self::Date) => Self::Instant { is_fine: *is_fine },
            (Self::Date, other @ Self::Instant { .. }) => other,
            (Self::Instant { .. }, Self::Instant { .. }) => Self::Instant { is_fine: true },
            _ => Self::Text,
        };
        *self = both;
    }

    fn data_type(&self) -> DataType {
        let instant = |unit| DataType::Timestamp(unit, Some("UTC".into()));
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Number(kind) => kind.data_type(),
            Self::Date => DataType::Date32,
            Self::Instant { is_fine: false } => instant(TimeUnit::Microsecond),
            Self::Instant { is_fine: true } => instant(TimeUnit::Nanosecond),
            Self::Object(members) if !members.kinds.is_empty() => {
                DataType::Struct(members.fields())
            }
            Self::List(items) => DataType::new_list(items.data_type(), true),
            Self::Null | Self::Text | Self::Object(_) => DataType::Utf8,
        }
    }
}
