//! JSON as DuckDB writes it, without loss: the parser that is used here may round a float of 16 or 17 digits to a neighbour.

use std::borrow::Cow;

use serde_json::Value;

/// Stands before the digits of a float that is kept as text. No SQL has a NUL, so no other text begins so.
const FLOAT: &str = "\0float ";
/// The same in JSON.
const FLOAT_IN_JSON: &str = "\"\\u0000float ";

/// The value of a JSON text, with floats as [`float`] reads them; nothing for what is not JSON.
pub(crate) fn parse(json: &str) -> Option<Value> {
    serde_json::from_str(&with_floats_as_texts(json)).ok()
}

/// A float of a parsed value, to its last digit.
pub(crate) fn float(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => text.strip_prefix(FLOAT)?.parse().ok(),
        None => value.as_f64(),
    }
}

/// The JSON text of a parsed value, with the digits that floats had.
pub(crate) fn text(value: &Value) -> String {
    let json = value.to_string();
    let mut pieces = json.split(FLOAT_IN_JSON);
    let mut text = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (digits, rest) = piece.split_once('"').unwrap_or((piece, ""));
        text.push_str(digits);
        text.push_str(rest);
    }
    text
}

fn with_floats_as_texts(json: &str) -> Cow<'_, str> {
    let is_of_number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    let bytes = json.as_bytes();
    let (mut changed, mut copied, mut place) = (String::new(), 0, 0);
    while place < bytes.len() {
        match bytes[place] {
            b'"' => place = after_string(bytes, place),
            b'-' | b'0'..=b'9' => {
                let rest = &bytes[place..];
                let length = rest.iter().position(|byte| !is_of_number(*byte));
                let end = place + length.unwrap_or(rest.len());
                let number = &json[place..end];
                if number.contains(['.', 'e', 'E']) {
                    changed.push_str(&json[copied..place]);
                    changed.push_str(&format!("{FLOAT_IN_JSON}{number}\""));
                    copied = end;
                }
                place = end;
            }
            _ => place += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    changed.push_str(&json[copied..]);
    Cow::Owned(changed)
}

/// Where a string ends that begins at `start`.
fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut place = start + 1;
    while place < bytes.len() && bytes[place] != b'"' {
        place += if bytes[place] == b'\\' { 2 } else { 1 };
    }
    place + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_every_digit_there_and_back() {
        let json = r#"{"a":0.39806736691509403,"b":[1,-1.5e300,"0.5 \" 1.5"],"c":{"d":-7}}"#;
        let value = parse(json).unwrap();
        assert_eq!(float(&value["a"]), Some(0.398_067_366_915_094_03));
        assert_eq!(float(&value["b"][1]), Some(-1.5e300));
        assert_eq!(float(&value["b"][0]), Some(1.0));
        assert_eq!(value["b"][2], "0.5 \" 1.5");
        assert_eq!(text(&value), json);
    }
}
