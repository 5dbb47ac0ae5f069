//! The key of a message from a line of JSON: an object of one field.

/// Adds the text of the field to `keys`: of a string its characters, of a number its digits; whether there is one, as a null
/// has none. Nothing when the line is something else.
pub(crate) fn push_key(line: &[u8], keys: &mut Vec<u8>) -> Option<bool> {
    let line = line.trim_ascii();
    let inside = line.strip_prefix(b"{")?.strip_suffix(b"}")?.trim_ascii();
    let mut name = Vec::new();
    let rest = push_string(inside, &mut name)?.trim_ascii_start();
    let value = rest.strip_prefix(b":")?.trim_ascii();
    match value.first()? {
        b'"' => {
            let rest = push_string(value, keys)?;
            rest.is_empty().then_some(true)
        }
        b'n' => (value == b"null").then_some(false),
        b'-' | b'0'..=b'9' => {
            keys.extend_from_slice(value);
            Some(true)
        }
        _ => None,
    }
}

/// Adds the characters of the string that begins here, and gives what follows it.
fn push_string<'a>(text: &'a [u8], characters: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = text.strip_prefix(b"\"")?;
    loop {
        let plain = memchr::memchr2(b'"', b'\\', rest)?;
        characters.extend_from_slice(&rest[..plain]);
        let (mark, behind) = rest[plain..].split_first()?;
        if *mark == b'"' {
            return Some(behind);
        }
        let (kind, behind) = behind.split_first()?;
        rest = behind;
        match kind {
            b'u' => rest = push_escaped(rest, characters)?,
            _ => characters.push(unescaped(*kind)?),
        }
    }
}

fn unescaped(kind: u8) -> Option<u8> {
    Some(match kind {
        b'"' | b'\\' | b'/' => kind,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// Takes the digits of an escaped character, and of the second half of a pair.
fn push_escaped<'a>(text: &'a [u8], characters: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (first, mut rest) = unit(text)?;
    let mut units = vec![first];
    if (0xd800..0xdc00).contains(&first) {
        let (second, behind) = unit(rest.strip_prefix(b"\\u")?)?;
        units.push(second);
        rest = behind;
    }
    characters.extend_from_slice(String::from_utf16(&units).ok()?.as_bytes());
    Some(rest)
}

fn unit(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(line: &str) -> Option<Option<String>> {
        let mut keys = Vec::new();
        let is_there = push_key(line.as_bytes(), &mut keys)?;
        Some(is_there.then(|| String::from_utf8(keys).unwrap()))
    }

    #[test]
    fn a_key_is_the_text_of_the_only_field() {
        assert_eq!(key(r#"{"a":"plain"}"#), Some(Some("plain".into())));
        assert_eq!(key(r#" { "a" : "" } "#), Some(Some(String::new())));
        assert_eq!(
            key(r#"{"a\"}":18446744073709551615}"#),
            Some(Some("18446744073709551615".into()))
        );
        assert_eq!(key(r#"{"a":-5}"#), Some(Some("-5".into())));
        assert_eq!(key(r#"{"a":null}"#), Some(None));
        let escaped = r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00δ"}"#;
        let expected: String = serde_json::from_str::<serde_json::Value>(escaped).unwrap()["a"]
            .as_str()
            .unwrap()
            .into();
        assert_eq!(key(escaped), Some(Some(expected)));
    }

    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "{}",
            "null",
            r#"{"a"}"#,
            r#"{"a":"b}"#,
            r#"{"a":"b" 1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\x"}"#,
        ] {
            assert_eq!(key(line), None, "{line}");
        }
    }
}
