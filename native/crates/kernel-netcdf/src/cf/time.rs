use crate::container::Variable;
use crate::error::{NetcdfError, Result};

const SECOND: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// The units of a time variable: numbers count `unit` nanoseconds from `origin`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TimeUnits {
    /// Nanoseconds per unit.
    pub(crate) unit: i64,
    /// Nanoseconds since 1970-01-01T00:00:00Z; dates outside of what an `i64` holds are common as origins.
    pub(crate) origin: i128,
}

impl TimeUnits {
    /// The time units of a variable, or `None` when it is not a time or cannot be shown on the civil time line
    /// (units of months or years, calendars such as `noleap` or `360_day`).
    pub(crate) fn of(variable: &Variable<'_>) -> Option<Self> {
        Self::parse(
            variable.text("units")?,
            variable.text("calendar").unwrap_or("standard"),
        )
    }

    /// Like [`TimeUnits::of`], for a variable that must be a time.
    pub(crate) fn required(variable: &Variable<'_>) -> Result<Self> {
        let Some(units) = variable.text("units") else {
            return Err(NetcdfError::MissingAttribute {
                variable: variable.name.clone(),
                attribute: "units",
            });
        };
        Self::of(variable).ok_or_else(|| NetcdfError::Units {
            variable: variable.name.clone(),
            units: units.to_owned(),
            expected: "<days, hours, minutes, seconds, milliseconds, …> since <date> in a standard calendar",
        })
    }

    /// Parses `"<unit> since <date>[ <time>[ <zone>]]"`; a time without a zone is UTC.
    pub(crate) fn parse(units: &str, calendar: &str) -> Option<Self> {
        let (unit, date) = units.trim().split_once(" since ")?;
        let unit = match unit.trim().to_ascii_lowercase().as_str() {
            "d" | "day" | "days" => DAY_SECONDS * SECOND,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600 * SECOND,
            "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
            "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
            "ms" | "msec" | "msecs" | "millisec" | "millisecs" | "millisecond" | "milliseconds" => {
                1_000_000
            }
            "us" | "microsec" | "microsecs" | "microsecond" | "microseconds" => 1_000,
            "ns" | "nanosec" | "nanosecs" | "nanosecond" | "nanoseconds" => 1,
            _ => return None,
        };
        let calendar = match calendar.trim().to_ascii_lowercase().as_str() {
            "standard" | "gregorian" => Calendar::Standard,
            "proleptic_gregorian" => Calendar::ProlepticGregorian,
            _ => return None,
        };
        Some(Self {
            unit,
            origin: parse_instant(date.trim(), calendar)?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Calendar {
    /// Julian until 1582-10-04, Gregorian from 1582-10-15.
    Standard,
    ProlepticGregorian,
}

/// Nanoseconds since the Unix epoch of an ISO 8601 time, UTC unless it names a zone; `None` when it is none.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    i64::try_from(parse_instant(text.trim(), Calendar::ProlepticGregorian)?).ok()
}

fn parse_instant(text: &str, calendar: Calendar) -> Option<i128> {
    let (date, rest) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
    let rest = rest.strip_prefix(['T', ' ']).unwrap_or("").trim();
    let (clock, zone) = rest.split_at(
        rest.find(['Z', 'U', 'G', '+', '-', ' '])
            .unwrap_or(rest.len()),
    );
    let seconds = days(date, calendar)?
        .checked_mul(DAY_SECONDS)?
        .checked_sub(zone_seconds(zone.trim())?)?;
    Some(i128::from(seconds) * i128::from(SECOND) + i128::from(clock_nanoseconds(clock)?))
}

/// Days from 1970-01-01 to a date written as year-month-day.
fn days(date: &str, calendar: Calendar) -> Option<i64> {
    let (sign, digits) = date
        .strip_prefix('-')
        .map_or((1, date), |digits| (-1, digits));
    let mut parts = digits.split('-');
    let year = sign
        * parts
            .next()?
            .parse::<u32>()
            .ok()
            .map(i64::from)
            .filter(|year| *year <= 1_000_000)?;
    let month = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let day = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let is_julian = calendar == Calendar::Standard && (year, month, day) < (1582, 10, 15);
    Some(day_number(year, month, day, is_julian))
}

/// Counts days in years that begin in March, so that the leap day comes last.
fn day_number(year: i64, month: i64, day: i64, is_julian: bool) -> i64 {
    const EPOCH_GREGORIAN: i64 = 719_468;
    const EPOCH_JULIAN: i64 = 719_470;
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let julian = 365 * year + year.div_euclid(4) + day_of_year;
    if is_julian {
        julian - EPOCH_JULIAN
    } else {
        julian - year.div_euclid(100) + year.div_euclid(400) - EPOCH_GREGORIAN
    }
}

fn clock_nanoseconds(clock: &str) -> Option<i64> {
    if clock.is_empty() {
        return Some(0);
    }
    let mut parts = clock.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next().map_or(Some(0), |part| part.parse().ok())?;
    let (seconds, fraction) = parts
        .next()
        .map_or(("0", ""), |part| part.split_once('.').unwrap_or((part, "")));
    let seconds: i64 = seconds.parse().ok()?;
    let is_clock =
        (0..=24).contains(&hours) && (0..60).contains(&minutes) && (0..=60).contains(&seconds);
    if !is_clock || parts.next().is_some() || !fraction.bytes().all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let nanoseconds = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let fraction = nanoseconds.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((hours * 3_600 + minutes * 60 + seconds) * SECOND + fraction)
}

/// Seconds east of UTC of `Z`, `UTC`, `GMT`, `+hh`, `+hhmm` or `+hh:mm`.
fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "UTC" | "GMT") {
        return Some(0);
    }
    let (sign, digits) = zone
        .strip_prefix('-')
        .map_or_else(|| zone.strip_prefix('+').map(|d| (1, d)), |d| Some((-1, d)))?;
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours <= 18 && minutes < 60)
        .then(|| sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(units: &str, calendar: &str) -> Option<i128> {
        TimeUnits::parse(units, calendar).map(|units| units.origin)
    }

    #[test]
    fn origins_equal_those_of_another_implementation() {
        // Seconds from cftime 1.6.6 `date2num(num2date(0, units, calendar), "seconds since 1970-01-01")`.
        let known = [
            (
                "seconds since 2018-07-02 04:33:00.000",
                "standard",
                1_530_505_980.0,
            ),
            (
                "seconds since 2000-01-01 12:00:00",
                "standard",
                946_728_000.0,
            ),
            ("days since 1970-01-01T06:30:00+02:00", "standard", 16_200.0),
            (
                "hours since 1900-1-1 00:00:0.5",
                "gregorian",
                -2_208_988_799.5,
            ),
            ("days since 0001-01-01", "standard", -62_135_769_600.0),
            (
                "days since 0001-01-01",
                "proleptic_gregorian",
                -62_135_596_800.0,
            ),
            ("days since 1582-10-04", "standard", -12_219_379_200.0),
            ("days since 1582-10-15", "standard", -12_219_292_800.0),
            (
                "minutes since 1904-02-29 23:59 UTC",
                "standard",
                -2_077_660_860.0,
            ),
        ];
        for (units, calendar, seconds) in known {
            assert_eq!(
                origin(units, calendar),
                Some((seconds * 1e9) as i128),
                "{units} in {calendar}"
            );
        }
    }

    #[test]
    fn what_is_not_on_the_civil_time_line_is_no_time() {
        for (units, calendar) in [
            ("months since 2000-01-01", "standard"),
            ("days since 2000-01-01", "noleap"),
            ("days since 2000-13-01", "standard"),
            ("days since", "standard"),
            ("days since 2000-01-01 25:00", "standard"),
            ("days since 2000-01-01 00:00 +99:00", "standard"),
            ("seconds", "standard"),
            ("m s-1", "standard"),
        ] {
            assert_eq!(origin(units, calendar), None, "{units} in {calendar}");
        }
    }

    #[test]
    fn timestamps_keep_their_fraction() {
        assert_eq!(
            parse_timestamp("2018-07-02T04:33:00.0Z"),
            Some(1_530_505_980_000_000_000)
        );
        assert_eq!(
            parse_timestamp("2018-07-02T04:33:00.123456789Z"),
            Some(1_530_505_980_123_456_789)
        );
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
