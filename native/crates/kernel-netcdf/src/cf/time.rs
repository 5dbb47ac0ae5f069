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
    ///
    /// Errors: [`NetcdfError::Units`] for an origin that its calendar does not have.
    pub(crate) fn of(variable: &Variable<'_>) -> Result<Option<Self>> {
        let Some(units) = variable.text("units") else {
            return Ok(None);
        };
        let calendar = variable.text("calendar").unwrap_or("standard");
        Self::parse(units, calendar).map_err(|Impossible| NetcdfError::Units {
            variable: variable.name.clone(),
            units: units.to_owned(),
            expected: "a date and time that its calendar has",
        })
    }

    /// Like [`TimeUnits::of`], for a variable that must be a time.
    pub(crate) fn required(variable: &Variable<'_>) -> Result<Self> {
        let Some(units) = variable.text("units") else {
            return Err(NetcdfError::MissingAttribute {
                variable: variable.name.clone(),
                attribute: "units",
            });
        };
        Self::of(variable)?.ok_or_else(|| NetcdfError::Units {
            variable: variable.name.clone(),
            units: units.to_owned(),
            expected: "<days, hours, minutes, seconds, milliseconds, …> since <date> in a standard calendar",
        })
    }

    /// Parses `"<unit> since <date>[ <time>[ <zone>]]"`; a time without a zone is UTC.
    fn parse(units: &str, calendar: &str) -> std::result::Result<Option<Self>, Impossible> {
        let Some((unit, calendar, date)) = Self::parts(units, calendar) else {
            return Ok(None);
        };
        let origin = parse_instant(date, calendar)?;
        Ok(origin.map(|origin| Self { unit, origin }))
    }

    /// Nanoseconds per unit, the calendar and the text of the origin.
    fn parts<'t>(units: &'t str, calendar: &str) -> Option<(i64, Calendar, &'t str)> {
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
        Some((unit, calendar, date.trim()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Calendar {
    /// Julian until 1582-10-04, Gregorian from 1582-10-15.
    Standard,
    ProlepticGregorian,
}

/// A date or time of day in the right form that no calendar has, such as February 30 or 25:00.
#[derive(Debug, PartialEq)]
struct Impossible;

/// What a text says, `None` when it has another form.
type Parsed<T> = std::result::Result<Option<T>, Impossible>;

/// Nanoseconds since the Unix epoch of an ISO 8601 time, UTC unless it names a zone; `None` when it is none.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    let instant = parse_instant(text.trim(), Calendar::ProlepticGregorian);
    i64::try_from(instant.ok()??).ok()
}

fn parse_instant(text: &str, calendar: Calendar) -> Parsed<i128> {
    let (date, rest) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
    let rest = rest.strip_prefix(['T', ' ']).unwrap_or("").trim();
    let (clock, zone) = rest.split_at(
        rest.find(['Z', 'U', 'G', '+', '-', ' '])
            .unwrap_or(rest.len()),
    );
    let (Some(days), Some(clock), Some(zone)) = (
        days(date, calendar)?,
        clock_nanoseconds(clock)?,
        zone_seconds(zone.trim())?,
    ) else {
        return Ok(None);
    };
    let seconds = i128::from(days * DAY_SECONDS - zone);
    Ok(Some(seconds * i128::from(SECOND) + i128::from(clock)))
}

/// A number written in digits alone.
fn digits(text: &str) -> Option<i64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// Days from 1970-01-01 to a date written as year-month-day.
fn days(date: &str, calendar: Calendar) -> Parsed<i64> {
    let (sign, unsigned) = date
        .strip_prefix('-')
        .map_or((1, date), |unsigned| (-1, unsigned));
    let parts: Option<Vec<i64>> = unsigned.split('-').map(digits).collect();
    let (year, month, day) = match parts.as_deref() {
        Some([year]) => (*year, 1, 1),
        Some([year, month]) => (*year, *month, 1),
        Some([year, month, day]) => (*year, *month, *day),
        _ => return Ok(None),
    };
    if year > 1_000_000 || !calendar.has(sign * year, month, day) {
        return Err(Impossible);
    }
    let is_julian = calendar.is_julian(sign * year, month, day);
    Ok(Some(day_number(sign * year, month, day, is_julian)))
}

impl Calendar {
    fn is_julian(self, year: i64, month: i64, day: i64) -> bool {
        self == Self::Standard && (year, month, day) < (1582, 10, 15)
    }

    /// Whether there is such a day. The standard calendar has no year 0 (CF 1.11, section 4.4.1) and goes from
    /// 1582-10-04 to 1582-10-15.
    fn has(self, year: i64, month: i64, day: i64) -> bool {
        let is_common = year % 100 == 0 && year % 400 != 0 && !self.is_julian(year, month, day);
        let length = match month {
            2 if year % 4 == 0 && !is_common => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let is_gap = (1582, 10, 5) <= (year, month, day) && self.is_julian(year, month, day);
        let is_known = self == Self::ProlepticGregorian || (year >= 1 && !is_gap);
        (1..=12).contains(&month) && (1..=length).contains(&day) && is_known
    }
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

fn clock_nanoseconds(clock: &str) -> Parsed<i64> {
    if clock.is_empty() {
        return Ok(Some(0));
    }
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let parts: Option<Vec<i64>> = clock.split(':').map(digits).collect();
    let (hours, minutes, seconds) = match parts.as_deref() {
        Some([hours]) => (*hours, 0, 0),
        Some([hours, minutes]) => (*hours, *minutes, 0),
        Some([hours, minutes, seconds]) => (*hours, *minutes, *seconds),
        _ => return Ok(None),
    };
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(None);
    }
    let nanoseconds = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    let fraction = nanoseconds.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    // 24:00 ends a day, and second 60 is a leap second.
    let is_end = (hours, minutes, seconds, fraction) == (24, 0, 0, 0);
    if (hours > 23 && !is_end) || minutes > 59 || seconds > 60 {
        return Err(Impossible);
    }
    Ok(Some(
        (hours * 3_600 + minutes * 60 + seconds) * SECOND + fraction,
    ))
}

/// Seconds east of UTC of `Z`, `UTC`, `GMT`, `+hh`, `+hhmm` or `+hh:mm`.
fn zone_seconds(zone: &str) -> Parsed<i64> {
    if matches!(zone, "" | "Z" | "UTC" | "GMT") {
        return Ok(Some(0));
    }
    let (sign, east) = match zone.split_at_checked(1) {
        Some(("-", east)) => (-1, east),
        Some(("+", east)) => (1, east),
        _ => return Ok(None),
    };
    let (hours, minutes) = match east.split_once(':') {
        Some(parts) => parts,
        None if east.len() == 4 && east.is_ascii() => east.split_at(2),
        None => (east, "0"),
    };
    let (Some(hours), Some(minutes)) = (digits(hours), digits(minutes)) else {
        return Ok(None);
    };
    if hours > 18 || minutes > 59 {
        return Err(Impossible);
    }
    Ok(Some(sign * (hours * 3_600 + minutes * 60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(units: &str, calendar: &str) -> Option<i128> {
        TimeUnits::parse(units, calendar)
            .unwrap()
            .map(|units| units.origin)
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
            ("days since 2001-02-30", "noleap"),
            ("days since 2001-02-30", "360_day"),
            ("days since", "standard"),
            ("days since the flood", "standard"),
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

    #[test]
    fn a_date_that_its_calendar_does_not_have_is_impossible() {
        // cftime 1.6.6 refuses each date as an origin of the standard calendar, and all but the last four, which only
        // the Julian calendar or no calendar has, also of the proleptic one.
        let never = [
            "2001-02-30",
            "2001-02-29",
            "1900-02-29",
            "2000-13-01",
            "2000-00-10",
        ];
        let never = [&never[..], &["2000-04-31", "2000-01-00", "2000-01-32"]].concat();
        let clocks = ["2000-01-01 25:00", "2000-01-01 24:01", "2000-01-01 00:60"];
        for date in [&never[..], &clocks, &["2000-01-01 00:00 +99:00"]].concat() {
            for calendar in ["standard", "gregorian", "proleptic_gregorian"] {
                let units = format!("days since {date}");
                let parsed = TimeUnits::parse(&units, calendar);
                assert_eq!(parsed, Err(Impossible), "{units} in {calendar}");
            }
        }
        for date in ["0000-01-01", "-001-01-01", "1582-10-05", "1582-10-14"] {
            let units = format!("days since {date}");
            assert_eq!(
                TimeUnits::parse(&units, "standard"),
                Err(Impossible),
                "{units}"
            );
            assert!(origin(&units, "proleptic_gregorian").is_some(), "{units}");
        }
        assert!(origin("days since 1500-02-29", "standard").is_some());
        assert!(TimeUnits::parse("days since 1500-02-29", "proleptic_gregorian").is_err());
    }
}
