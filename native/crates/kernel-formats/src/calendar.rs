//! Dates and instants as text (RFC 3339), in the proleptic Gregorian calendar.
//!
//! Years outside 0000 to 9999 carry a sign, as in the expanded form of ISO 8601.

const DAY_SECONDS: i64 = 86_400;

/// Digits of two-digit numbers, so that a date needs no division per digit.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Appends `YYYY-MM-DD`; `days` count from 1970-01-01.
pub(crate) fn write_date(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil_from_days(days);
    write_year(out, year);
    let [m0, m1] = PAIRS[month as usize];
    let [d0, d1] = PAIRS[day as usize];
    out.extend_from_slice(&[b'-', m0, m1, b'-', d0, d1]);
}

/// Appends `YYYY-MM-DDTHH:MM:SS` and a fraction of 0, 3, 6 or 9 digits, as few as hold the value;
/// `ticks` count from 1970-01-01T00:00:00, `ticks_per_second` of them a second.
pub(crate) fn write_instant(out: &mut Vec<u8>, ticks: i64, ticks_per_second: i64) {
    let seconds = ticks.div_euclid(ticks_per_second);
    let nanoseconds = ticks.rem_euclid(ticks_per_second) * (1_000_000_000 / ticks_per_second);
    write_date(out, seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS) as u32;
    let [h0, h1] = PAIRS[(second / 3600) as usize];
    let [m0, m1] = PAIRS[(second / 60 % 60) as usize];
    let [s0, s1] = PAIRS[(second % 60) as usize];
    out.extend_from_slice(&[b'T', h0, h1, b':', m0, m1, b':', s0, s1]);
    write_fraction(out, nanoseconds as u32);
}

fn write_fraction(out: &mut Vec<u8>, nanoseconds: u32) {
    if nanoseconds == 0 {
        return;
    }
    let [a, b] = PAIRS[(nanoseconds / 10_000_000) as usize];
    let [c, d] = PAIRS[(nanoseconds / 100_000 % 100) as usize];
    let [e, f] = PAIRS[(nanoseconds / 1_000 % 100) as usize];
    let [g, h] = PAIRS[(nanoseconds / 10 % 100) as usize];
    let text = [
        b'.',
        a,
        b,
        c,
        d,
        e,
        f,
        g,
        h,
        b'0' + (nanoseconds % 10) as u8,
    ];
    let digits = match nanoseconds {
        n if n % 1_000_000 == 0 => 3,
        n if n % 1_000 == 0 => 6,
        _ => 9,
    };
    out.extend_from_slice(&text[..=digits]);
}

fn write_year(out: &mut Vec<u8>, year: i64) {
    if (0..=9999).contains(&year) {
        out.extend_from_slice(&PAIRS[(year / 100) as usize]);
        out.extend_from_slice(&PAIRS[(year % 100) as usize]);
    } else {
        out.extend_from_slice(format!("{year:+05}").as_bytes());
    }
}

/// Year, month and day of a day number. Source: Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`: years begin in March, eras have 400 years.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097) as u32;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (
        i64::from(year_of_era) + era * 400 + i64::from(month <= 2),
        month,
        day,
    )
}

/// The day number of a date, the inverse of [`civil_from_days`]; absent when there is no such day.
fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day == 0 || day > days_in_month(year, month) {
        return None;
    }
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let shifted_month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 of `YYYY-MM-DD`.
pub(crate) fn parse_date(text: &[u8]) -> Option<i64> {
    let (days, rest) = take_date(text)?;
    rest.is_empty().then_some(days)
}

/// Ticks from 1970-01-01T00:00:00Z of a date, or of a date and a time after `T` or a space, with a
/// fraction of up to 9 digits and a zone `Z`, `±HH:MM` or `±HHMM`; without a zone it is UTC.
///
/// Absent when the text is something else, or when the value does not fit the ticks.
pub(crate) fn parse_instant(text: &[u8], ticks_per_second: i64) -> Option<i64> {
    parse_plain_instant(text, ticks_per_second)
        .or_else(|| parse_any_instant(text, ticks_per_second))
}

fn parse_any_instant(text: &[u8], ticks_per_second: i64) -> Option<i64> {
    let (days, rest) = take_date(text)?;
    let (second, nanoseconds, rest) = match rest.split_first() {
        None => (0, 0, rest),
        Some((b'T' | b't' | b' ', rest)) => take_time(rest)?,
        Some(_) => return None,
    };
    let offset = take_offset(rest)?;
    let seconds = days
        .checked_mul(DAY_SECONDS)?
        .checked_add(second)?
        .checked_sub(offset)?;
    let tick_nanoseconds = 1_000_000_000 / ticks_per_second;
    if nanoseconds % tick_nanoseconds != 0 {
        return None;
    }
    // In 128 bits, because the earliest instants overflow before the fraction is added.
    let ticks = i128::from(seconds) * i128::from(ticks_per_second)
        + i128::from(nanoseconds / tick_nanoseconds);
    i64::try_from(ticks).ok()
}

/// As [`parse_any_instant`], and faster, for the usual texts only: `YYYY-MM-DDTHH:MM:SS` with a space for the
/// `T`, a fraction and a `Z` where wanted. Absent for all others.
fn parse_plain_instant(text: &[u8], ticks_per_second: i64) -> Option<i64> {
    let (head, rest) = text.split_first_chunk::<19>()?;
    let mut is_plain = matches!(head[10], b'T' | b' ')
        && [head[4], head[7], head[13], head[16]] == [b'-', b'-', b':', b':'];
    let mut two = |index: usize| {
        let (tens, ones) = (
            head[index].wrapping_sub(b'0'),
            head[index + 1].wrapping_sub(b'0'),
        );
        is_plain &= tens <= 9 && ones <= 9;
        u32::from(tens) * 10 + u32::from(ones)
    };
    let (year, month, day) = (two(0) * 100 + two(2), two(5), two(8));
    let (hour, minute, second) = (two(11), two(14), two(17));
    if !is_plain || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = rest.strip_suffix(b"Z").unwrap_or(rest);
    let nanoseconds = match fraction.split_first() {
        None => 0,
        Some((b'.', digits)) => match take_nanoseconds(digits)? {
            (nanoseconds, []) => nanoseconds,
            _ => return None,
        },
        Some(_) => return None,
    };
    let tick_nanoseconds = 1_000_000_000 / ticks_per_second;
    if nanoseconds % tick_nanoseconds != 0 {
        return None;
    }
    let days = days_from_civil(i64::from(year), month, day)?;
    let seconds = days * DAY_SECONDS + i64::from(hour * 3600 + minute * 60 + second);
    seconds
        .checked_mul(ticks_per_second)?
        .checked_add(nanoseconds / tick_nanoseconds)
}

fn take_date(text: &[u8]) -> Option<(i64, &[u8])> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let signed = digits.len() != text.len();
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if length < 4 || length > if signed { 12 } else { 4 } {
        return None;
    }
    let (year, rest) = digits.split_at(length);
    let year = year
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let [b'-', m0, m1, b'-', d0, d1, rest @ ..] = rest else {
        return None;
    };
    let days = days_from_civil(
        if negative { -year } else { year },
        pair(*m0, *m1)?,
        pair(*d0, *d1)?,
    )?;
    Some((days, rest))
}

/// Seconds of the day, nanoseconds of the second, and the rest of the text.
fn take_time(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let [h0, h1, b':', m0, m1, rest @ ..] = text else {
        return None;
    };
    let (hour, minute) = (pair(*h0, *h1)?, pair(*m0, *m1)?);
    let (second, rest) = match rest {
        [b':', s0, s1, rest @ ..] => (pair(*s0, *s1)?, rest),
        _ => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanoseconds, rest) = match rest {
        [b'.', rest @ ..] => take_nanoseconds(rest)?,
        _ => (0, rest),
    };
    Some((
        i64::from(hour * 3600 + minute * 60 + second),
        nanoseconds,
        rest,
    ))
}

fn take_nanoseconds(text: &[u8]) -> Option<(i64, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let (digits, rest) = text.split_at(length);
    let value = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((value * 10_i64.pow(9 - length as u32), rest))
}

/// The zone's distance from UTC in seconds, east positive.
fn take_offset(text: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => {
            (sign, pair(*h0, *h1)?, pair(*m0, *m1)?)
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn pair(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_way_agrees_with_the_general_one() {
        let plain = b"2018-07-02T04:33:00.123456Z";
        for position in 0..plain.len() {
            for byte in [b'0', b'9', b'-', b' ', b'T', b'Z', b'.', b':', 0xff] {
                let mut text = plain.to_vec();
                text[position] = byte;
                for length in [10, 16, 19, 20, 23, 26, 27] {
                    let text = &text[..length];
                    for ticks_per_second in [1, 1_000, 1_000_000, 1_000_000_000] {
                        let fast = parse_plain_instant(text, ticks_per_second);
                        let general = parse_any_instant(text, ticks_per_second);
                        assert!(fast.is_none() || fast == general, "{text:?}");
                    }
                }
            }
        }
        assert_eq!(
            parse_plain_instant(plain, 1_000_000),
            Some(1_530_505_980_123_456)
        );
    }
}
