//! Numbers as JSON writes them → numbers as columns hold them.

use super::cursor::Number;
use crate::csv::parse_decimal;
use crate::numbers::is_a_double;

/// Powers of ten that a double holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// The integer that was written, without point or exponent.
#[inline]
pub(super) fn to_integer(number: &Number, text: &[u8]) -> Option<i128> {
    if !number.is_integer {
        return None;
    }
    let Some(digits) = number.digits else {
        return std::str::from_utf8(text).ok()?.parse().ok();
    };
    let value = i128::from(digits);
    Some(if number.negative { -value } else { value })
}

/// The nearest double; too large a number is an infinity, as in every reader of JSON.
///
/// Digits and power of ten that are both exact need one rounding only (Clinger, "How to Read Floating
/// Point Numbers Accurately", 1990); the standard library does the others.
#[inline]
pub(super) fn to_float(number: &Number, text: &[u8]) -> Option<f64> {
    let digits = number.digits.filter(|digits| *digits <= 1 << 53);
    let power = POWERS_OF_TEN.get(number.exponent.unsigned_abs() as usize);
    let (Some(digits), Some(power)) = (digits, power) else {
        return std::str::from_utf8(text).ok()?.parse().ok();
    };
    let digits = digits as f64;
    let value = if number.exponent < 0 {
        digits / power
    } else {
        digits * power
    };
    Some(if number.negative { -value } else { value })
}

/// As [`to_float`], unless it is an integer that no double has.
#[inline]
pub(super) fn to_exact_float(number: &Number, text: &[u8]) -> Option<f64> {
    let is_long = number.is_integer && number.digits.is_none_or(|digits| digits > 1 << 53);
    if is_long && !to_integer(number, text).is_some_and(is_a_double) {
        return None;
    }
    to_float(number, text)
}

/// The multiple of `10^-scale`, when the type holds the number exactly.
pub(super) fn to_decimal(number: &Number, text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let exponent = text.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let Some(exponent) = exponent else {
        return parse_decimal(text, precision, scale);
    };
    // A power of ten moves the point: the digits at another scale, as an integer.
    let shifted = i32::from(scale).checked_add(number.exponent)?;
    let digits: Vec<u8> = text[..exponent]
        .iter()
        .copied()
        .filter(|byte| *byte != b'.')
        .collect();
    parse_decimal(&digits, precision, i8::try_from(shifted).ok()?)
}

#[cfg(test)]
mod tests {
    use super::super::cursor::Cursor;
    use super::*;

    fn number(text: &str) -> Number {
        Cursor::new(text.as_bytes()).number().unwrap()
    }

    #[test]
    fn floats_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "0.1",
            "5681.82",
            "123456789012345678",
            "9007199254740993",
            "1e22",
            "1e23",
            "-1.5e-7",
            "2.2250738585072011e-308",
            "1.7976931348623157e308",
            "1e400",
            "0.000000000000000000000000000001",
            "123456789012345678901234567890",
            "8.5e-22",
            "1e-400",
        ] {
            let expected: f64 = text.parse().unwrap();
            let found = to_float(&number(text), text.as_bytes()).unwrap();
            assert_eq!(found.to_bits(), expected.to_bits(), "{text}");
        }
    }

    #[test]
    fn integers_have_no_point_and_no_exponent() {
        let integer = |text: &str| to_integer(&number(text), text.as_bytes());
        assert_eq!(integer("-9223372036854775808"), Some(-(1 << 63)));
        assert_eq!(integer("18446744073709551615"), Some((1 << 64) - 1));
        assert_eq!(integer("1.0"), None);
        assert_eq!(integer("1e2"), None);
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        let decimal = |text: &str| to_decimal(&number(text), text.as_bytes(), 6, 2);
        assert_eq!(decimal("12.34"), Some(1_234));
        assert_eq!(decimal("-1.234e1"), Some(-1_234));
        assert_eq!(decimal("1234e-2"), Some(1_234));
        assert_eq!(decimal("1.5e3"), Some(150_000));
        assert_eq!(decimal("1e-3"), None);
        assert_eq!(decimal("12.345"), None);
        assert_eq!(decimal("1e5"), None);
    }
}
