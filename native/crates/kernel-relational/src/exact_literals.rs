//! Decimal literals that meet floats, as the closest float.
//!
//! DuckDB divides a decimal's integer by a power of ten where it needs a float. With more digits than a float holds exactly that may miss
//! the closest one, so that `x = 0.18984972911602638` is false for that very number. Read from text, literals are exact.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::connection::Connection;
use crate::error::Result;
use crate::syntax;

/// Digits that DuckDB converts exactly to single precision, and to double precision all the more.
const EXACT_DIGITS: usize = 7;
/// Digits of an integer that has 64 bits for sure.
const EXACT_INTEGER_DIGITS: usize = 18;

/// The statement with every decimal literal that DuckDB would convert to a float read as the closest one; as it is where there is none.
/// Costs as much as to bind it, where a literal has more than seven digits.
pub(crate) fn exact_literals<'s>(
    connection: &Arc<Connection>,
    sql: &'s str,
) -> Result<Cow<'s, str>> {
    if !has_long_literal(sql) {
        return Ok(Cow::Borrowed(sql));
    }
    let mut floats = BTreeMap::new();
    collect(&syntax::plan(connection, sql, false)?, sql, &mut floats);
    let mut exact = sql.to_string();
    for (place, (length, target)) in floats.into_iter().rev() {
        let literal = sql[place..place + length].replace(['_', ' ', '\n', '\t', '\r'], "");
        exact.replace_range(
            place..place + length,
            &format!("CAST('{literal}' AS {target})"),
        );
    }
    // A name that DuckDB makes of an expression's text, or a group that it knows by it, may hang on the literal.
    let is_sound = exact != sql && connection.prepare(&exact).is_ok();
    Ok(if is_sound {
        Cow::Owned(exact)
    } else {
        Cow::Borrowed(sql)
    })
}

fn has_long_literal(sql: &str) -> bool {
    let mut runs = sql.split(|c: char| !is_of_literal(c));
    runs.any(is_long)
}

/// Whether DuckDB may miss the closest float: its integers of up to 64 bits it converts exactly.
fn is_long(literal: &str) -> bool {
    let exact = if literal.contains('.') {
        EXACT_DIGITS
    } else {
        EXACT_INTEGER_DIGITS
    };
    digits_of(literal) > exact
}

fn is_of_literal(c: char) -> bool {
    c.is_ascii_digit() || c == '.' || c == '_'
}

fn digits_of(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Adds place, length and target of every conversion of a decimal literal to a float.
fn collect(node: &Value, sql: &str, found: &mut BTreeMap<usize, (usize, String)>) {
    match node {
        Value::Array(items) => items.iter().for_each(|item| collect(item, sql, found)),
        Value::Object(fields) => {
            if let Some((place, length, target)) = float_literal(node, sql) {
                found.insert(place, (length, target));
            }
            fields.values().for_each(|field| collect(field, sql, found));
        }
        _ => {}
    }
}

fn float_literal(node: &Value, sql: &str) -> Option<(usize, usize, String)> {
    let target = node["return_type"]["id"].as_str()?;
    let (child, is_cast) = (&node["child"], node["expression_class"] == "BOUND_CAST");
    let is_float = matches!(target, "DOUBLE" | "FLOAT");
    if !is_cast || !is_float || child["expression_class"] != "BOUND_CONSTANT" {
        return None;
    }
    let literal_type = child["value"]["type"]["id"].as_str()?;
    if !matches!(literal_type, "DECIMAL" | "HUGEINT" | "UHUGEINT") {
        return None;
    }
    let place = usize::try_from(child["query_location"].as_u64()?).ok()?;
    let text = sql.get(place..)?;
    // A negative number is at its sign.
    let digits = text.trim_start_matches(|c: char| c == '-' || c.is_ascii_whitespace());
    let end = digits.find(|c| !is_of_literal(c)).unwrap_or(digits.len());
    let (literal, length) = (&digits[..end], text.len() - digits.len() + end);
    // Places of other texts, such as a macro's, do not hold this very number.
    let is_it = unscaled(literal) == integer(&child["value"]["value"]).map(i128::abs);
    (is_it && is_long(literal)).then(|| (place, length, target.to_string()))
}

fn unscaled(literal: &str) -> Option<i128> {
    literal.replace(['.', '_'], "").parse().ok()
}

/// An integer of a plan: a number, or two words of 64 bits.
fn integer(value: &Value) -> Option<i128> {
    let words = || {
        let upper = i128::from(value["upper"].as_i64()?);
        Some((upper << 64) | i128::from(value["lower"].as_u64()?))
    };
    value.as_i64().map(i128::from).or_else(words)
}
