//! Steps over JSON text (RFC 8259), token by token, without building a tree.

/// How deep values may be nested; deeper ones are refused, so that no stack overflows.
pub(super) const DEPTH_MAX: usize = 128;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Why a value could not be read; [`Cursor::position`] is where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The text is not JSON: what is wrong.
    Syntax(&'static str),
    /// The text is JSON, but not a value of its column's type; [`Cursor::misfit`] says more.
    Misfit,
}

/// Which column a value did not fit.
#[derive(Debug, Default)]
pub(super) struct Misfit {
    /// The column's name, innermost first.
    pub(super) path: Vec<String>,
    /// What the column wants.
    pub(super) expected: String,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    pub(super) negative: bool,
    /// All digits as one integer, when they are at most 19.
    pub(super) digits: Option<u64>,
    /// The power of ten that the digits are multiplied by; saturated.
    pub(super) exponent: i32,
    /// Whether there is no point and no exponent.
    pub(super) is_integer: bool,
}

/// A place in JSON text.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Whether the text is known to be UTF-8, so that strings need no check of their own.
    pub(super) is_utf8: bool,
    pub(super) misfit: Misfit,
    /// Whether a line end was skipped since this was last set to false.
    pub(super) has_left_line: bool,
    unescaped: Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            is_utf8: false,
            misfit: Misfit::default(),
            has_left_line: false,
            unescaped: Vec::new(),
        }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn set_position(&mut self, position: usize) {
        self.position = position;
    }

    /// The text from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.position]
    }

    /// The next byte, which is not taken; 0 at the end, as a zero is no part of JSON either.
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.position).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while let byte @ (b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.has_left_line |= byte == b'\n';
            self.position += 1;
        }
    }

    #[inline]
    pub(super) fn skip_blanks_within_line(&mut self) {
        while let b' ' | b'\r' | b'\t' = self.peek() {
            self.position += 1;
        }
    }

    pub(super) fn is_at_line_end(&self) -> bool {
        self.position == self.bytes.len() || self.peek() == b'\n'
    }

    /// Takes this text if it comes next.
    #[inline]
    pub(super) fn take(&mut self, text: &[u8]) -> bool {
        let found = self.bytes[self.position..].starts_with(text);
        if found {
            self.position += text.len();
        }
        found
    }

    /// The next 16 bytes, which are not taken, as a little-endian number.
    #[inline]
    pub(super) fn peek_16(&self) -> Option<u128> {
        self.bytes[self.position..]
            .first_chunk::<16>()
            .map(|text| u128::from_le_bytes(*text))
    }

    /// Takes as many bytes, which must have been looked at.
    #[inline]
    pub(super) fn advance(&mut self, length: usize) {
        self.position += length;
    }

    /// Takes the brace that begins an object. The reason against a list says what files of one list need.
    #[inline]
    pub(super) fn expect_object(&mut self) -> Result<(), Stop> {
        let reason = match self.peek() {
            b'[' => "an object is missing (a file that is one array needs layout \"array\")",
            _ => "an object is missing",
        };
        self.expect(b'{', reason)
    }

    /// Takes this byte, or stops with `otherwise`.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Stop> {
        if self.peek() != byte {
            return Err(Stop::Syntax(otherwise));
        }
        self.position += 1;
        Ok(())
    }

    /// Takes the blanks and the colon between a key and its value.
    #[inline]
    pub(super) fn expect_colon(&mut self) -> Result<(), Stop> {
        self.skip_blanks();
        self.expect(b':', "a colon is missing after a key")?;
        self.skip_blanks();
        Ok(())
    }

    /// Takes a comma (true) or `close` (false), and the blanks around a comma.
    #[inline]
    pub(super) fn next_member(&mut self, close: u8) -> Result<bool, Stop> {
        self.skip_blanks();
        let byte = self.peek();
        if byte != b',' && byte != close {
            return Err(Stop::Syntax("a comma or a closing bracket is missing"));
        }
        self.position += 1;
        if byte == b',' {
            self.skip_blanks();
        }
        Ok(byte == b',')
    }

    /// Takes a string, and gives its text without quotes and escapes.
    #[inline]
    pub(super) fn string(&mut self) -> Result<&[u8], Stop> {
        self.expect(b'"', "a string is missing")?;
        let start = self.position;
        self.skip_plain();
        if self.peek() == b'"' {
            self.position += 1;
            return Ok(&self.bytes[start..self.position - 1]);
        }
        self.escaped_string(start)
    }

    /// Moves to the next quote, backslash or control character, or to the end.
    #[inline]
    fn skip_plain(&mut self) {
        while let Some(word) = self.bytes[self.position..].first_chunk::<8>() {
            let word = u64::from_le_bytes(*word);
            let quote = word ^ (ONES * u64::from(b'"'));
            let backslash = word ^ (ONES * u64::from(b'\\'));
            // Lowest marked byte is exact: borrows run towards higher bytes only (Mycroft's test).
            let special = (quote.wrapping_sub(ONES) & !quote)
                | (backslash.wrapping_sub(ONES) & !backslash)
                | (word.wrapping_sub(ONES * 0x20) & !word);
            let special = special & HIGH;
            if special != 0 {
                self.position += special.trailing_zeros() as usize / 8;
                return;
            }
            self.position += 8;
        }
        while !matches!(self.peek(), b'"' | b'\\' | 0..0x20) {
            self.position += 1;
        }
    }

    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<&[u8], Stop> {
        self.unescaped.clear();
        let mut plain = start;
        loop {
            self.unescaped
                .extend_from_slice(&self.bytes[plain..self.position]);
            match self.bytes.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(&self.unescaped);
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(Stop::Syntax("a string holds a control character")),
                None => return Err(Stop::Syntax("a string is not closed")),
            }
            plain = self.position;
            self.skip_plain();
        }
    }

    fn escape(&mut self) -> Result<(), Stop> {
        let kind = self.bytes.get(self.position + 1).copied();
        let byte = match kind {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(Stop::Syntax("a backslash begins no escape")),
        };
        self.unescaped.push(byte);
        self.position += 2;
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<(), Stop> {
        let unpaired = Stop::Syntax("half a surrogate pair is no character");
        let first = self.code_unit()?;
        let character = match first {
            0xd800..0xdc00 => {
                let second = self.code_unit().map_err(|_| unpaired)?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(unpaired);
                }
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        let character = char::from_u32(character).ok_or(unpaired)?;
        let mut utf8 = [0; 4];
        self.unescaped
            .extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        Ok(())
    }

    fn code_unit(&mut self) -> Result<u32, Stop> {
        let bad = Stop::Syntax("\\u is not followed by four hexadecimal digits");
        let rest = &self.bytes[self.position..];
        let Some([b'\\', b'u', digits @ ..]) = rest.first_chunk::<6>() else {
            return Err(bad);
        };
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16).ok_or(bad)?;
        }
        self.position += 6;
        Ok(unit)
    }

    /// Takes a number.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number, Stop> {
        const NO_NUMBER: Stop = Stop::Syntax("a number has no digits where some must be");
        let negative = self.peek() == b'-';
        self.position += usize::from(negative);
        let (mut value, mut count) = (0_u64, 0);
        let leading_zero = self.peek() == b'0';
        let whole = self.digits(&mut value, &mut count);
        if whole == 0 {
            return Err(NO_NUMBER);
        }
        if leading_zero && whole > 1 {
            return Err(Stop::Syntax("a number begins with a zero too many"));
        }
        let (mut exponent, mut is_integer) = (0_i32, true);
        if self.peek() == b'.' {
            self.position += 1;
            let fraction = self.digits(&mut value, &mut count);
            if fraction == 0 {
                return Err(NO_NUMBER);
            }
            (exponent, is_integer) = (-i32::try_from(fraction).unwrap_or(i32::MAX), false);
        }
        if matches!(self.peek(), b'e' | b'E') {
            exponent = exponent.saturating_add(self.exponent().ok_or(NO_NUMBER)?);
            is_integer = false;
        }
        Ok(Number {
            negative,
            digits: (count <= 19).then_some(value),
            exponent,
            is_integer,
        })
    }

    /// Takes an integer of up to 18 digits; nothing when something else comes next.
    #[inline]
    pub(super) fn short_integer(&mut self) -> Option<i64> {
        let start = self.position;
        let is_negative = self.peek() == b'-';
        self.position += usize::from(is_negative);
        let first = self.position;
        let (mut value, mut digit) = (0_i64, self.peek().wrapping_sub(b'0'));
        while digit <= 9 && self.position - first < 18 {
            value = value * 10 + i64::from(digit);
            self.position += 1;
            digit = self.peek().wrapping_sub(b'0');
        }
        let length = self.position - first;
        let has_zero_too_many = length > 1 && self.bytes[first] == b'0';
        let goes_on = digit <= 9 || matches!(self.peek(), b'.' | b'e' | b'E');
        if length == 0 || has_zero_too_many || goes_on {
            self.position = start;
            return None;
        }
        Some(if is_negative { -value } else { value })
    }

    /// Takes digits and appends them to `value`, whose significant digits `count` counts.
    #[inline]
    fn digits(&mut self, value: &mut u64, count: &mut usize) -> usize {
        let start = self.position;
        loop {
            let digit = self.peek().wrapping_sub(b'0');
            if digit > 9 {
                return self.position - start;
            }
            *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            *count += usize::from(*count > 0 || digit > 0);
            self.position += 1;
        }
    }

    fn exponent(&mut self) -> Option<i32> {
        self.position += 1;
        let negative = self.peek() == b'-';
        self.position += usize::from(matches!(self.peek(), b'-' | b'+'));
        let (mut value, mut count) = (0, 0);
        let found = self.digits(&mut value, &mut count);
        let value = if count > 9 { i32::MAX } else { value as i32 };
        (found > 0).then_some(if negative { -value } else { value })
    }

    /// Takes any one value and checks that it is JSON.
    pub(super) fn skip_value(&mut self) -> Result<(), Stop> {
        let mut closing = [0_u8; DEPTH_MAX];
        let mut depth = 0;
        loop {
            let byte = self.peek();
            if matches!(byte, b'{' | b'[') {
                if depth == DEPTH_MAX {
                    return Err(Stop::Syntax("values are nested too deeply"));
                }
                // The closing bracket is two places after the opening one in ASCII.
                closing[depth] = byte + 2;
                depth += 1;
                self.position += 1;
                self.skip_blanks();
                if self.peek() != byte + 2 {
                    self.key_within(byte + 2)?;
                    continue;
                }
            } else {
                self.scalar(byte)?;
            }
            loop {
                let Some(close) = depth.checked_sub(1).map(|last| closing[last]) else {
                    return Ok(());
                };
                if self.next_member(close)? {
                    self.key_within(close)?;
                    break;
                }
                depth -= 1;
            }
        }
    }

    /// Takes a key and its colon when the container that `close` ends is an object.
    fn key_within(&mut self, close: u8) -> Result<(), Stop> {
        if close == b'}' {
            self.string()?;
            self.expect_colon()?;
        }
        Ok(())
    }

    fn scalar(&mut self, byte: u8) -> Result<(), Stop> {
        match byte {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            _ if self.take(b"true") || self.take(b"false") || self.take(b"null") => Ok(()),
            _ => Err(Stop::Syntax("a value is missing")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.skip_value().is_ok() && cursor.position() == text.len()
    }

    #[test]
    fn values_by_the_grammar() {
        let deep = format!("{}1{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        for text in [
            "null",
            "true",
            "-0",
            "0.10",
            "1e-9",
            "-12.5E+3",
            "\"\"",
            "[]",
            "{}",
            "[1, [2,{}], {\"a\" : [ ]} ]",
            r#""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t""#,
            r#"{"a":{"b":null},"c":"12345678\"9"}"#,
            &deep,
        ] {
            assert!(is_json(text), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_refuses() {
        let deep = format!(
            "{}1{}",
            "[".repeat(DEPTH_MAX + 1),
            "]".repeat(DEPTH_MAX + 1)
        );
        for text in [
            "",
            "nul",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "-",
            "NaN",
            "'a'",
            "\"a",
            "\"\t\"",
            r#""\x""#,
            r#""\u12g4""#,
            r#""\ud800""#,
            r#""\udc00x""#,
            r#""\ud800\u0041""#,
            "[1 2]",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "[1}",
            "{\"a\":1]",
            "[",
            &deep,
        ] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn strings_lose_their_escapes() {
        let mut cursor = Cursor::new(br#""12345678 \u00e9\ud83d\ude00 \n\"end" "#);
        assert_eq!(cursor.string().unwrap(), "12345678 é😀 \n\"end".as_bytes());
    }
}
