//! Conditions by which whole parts of a file can be left out, judged by what is known of a part's values.

use arrow_schema::{DataType, TimeUnit};

use std::cmp::Ordering;

use crate::calendar::{parse_date, parse_instant};
use crate::error::{FormatsError, Result};

/// How a column must compare with the values of a [`Condition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Less than the value.
    Less,
    /// Less than or equal to the value.
    LessOrEqual,
    /// Greater than the value.
    Greater,
    /// Greater than or equal to the value.
    GreaterOrEqual,
    /// Equal to one of the values.
    In,
    /// Null; there are no values.
    IsNull,
    /// Not null; there are no values.
    IsNotNull,
}

/// What every row that is wanted fulfils, in SQL's sense: `column comparison values`.
///
/// Values are literals as text: numbers in decimal or scientific notation, dates and times in UTC as ISO 8601, text as
/// it is. A value that is not one of the column's type makes the condition say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Name of a top-level column.
    pub column: String,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: one value, several for [`Comparison::In`], none for nulls.
    pub values: Vec<String>,
}

impl std::str::FromStr for Comparison {
    type Err = FormatsError;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "in" => Self::In,
            "is-null" => Self::IsNull,
            "is-not-null" => Self::IsNotNull,
            other => {
                return Err(FormatsError::InvalidParam {
                    name: "comparison",
                    reason: format!("cannot be {other:?}"),
                });
            }
        })
    }
}

/// What is known about the values of a column in a part of a file; absent is unknown.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct PartFacts {
    /// Whether some value may be null.
    pub(crate) may_have_nulls: bool,
    /// Whether some value may not be null.
    pub(crate) may_have_values: bool,
    /// No value is smaller, nor greater; NaN is left aside.
    pub(crate) bounds: Option<(Bound, Bound)>,
}

/// A bound of values, in the order that SQL gives them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bound {
    /// Of an integer.
    Integer(i128),
    /// Of a floating-point number; never NaN.
    Float(f64),
    /// Of a date or time: nanoseconds since 1970 in UTC.
    Time(i128),
    /// Of a text.
    Text(Vec<u8>),
}

impl Condition {
    /// Whether some row of a part may fulfil this. True when in doubt.
    pub(crate) fn may_hold(&self, data_type: &DataType, facts: &PartFacts) -> bool {
        match self.comparison {
            Comparison::IsNull => facts.may_have_nulls,
            Comparison::IsNotNull => facts.may_have_values,
            _ if !facts.may_have_values => false,
            _ => match &facts.bounds {
                Some((least, greatest)) => self
                    .values
                    .iter()
                    .any(|value| self.may_hold_for(value, data_type, least, greatest)),
                None => true,
            },
        }
    }

    fn may_hold_for(
        &self,
        value: &str,
        data_type: &DataType,
        least: &Bound,
        greatest: &Bound,
    ) -> bool {
        let Some(value) = Literal::parse(value, data_type) else {
            return true;
        };
        // NaN is greater than every number in SQL, and equal to itself.
        let may_hold_nan = data_type.is_floating();
        match self.comparison {
            Comparison::Less => value.may_exceed(least, false),
            Comparison::LessOrEqual => value.may_exceed(least, true),
            Comparison::Greater => may_hold_nan || value.may_be_below(greatest, false),
            Comparison::GreaterOrEqual => may_hold_nan || value.may_be_below(greatest, true),
            Comparison::In => value.may_exceed(least, true) && value.may_be_below(greatest, true),
            Comparison::IsNull | Comparison::IsNotNull => true,
        }
    }
}

/// A literal, in each of the ways that an SQL engine may compare it: wherever two disagree, the part is kept.
enum Literal {
    Number {
        /// As it is written.
        exact: Decimal,
        /// The closest number of double precision, and that of single precision where the column is; in order.
        float: (f64, f64),
    },
    Time(i128),
    Text(Vec<u8>),
}

/// Times are compared after rounding to some unit, none coarser than this many nanoseconds.
const TIME_MARGIN: i128 = 1_000_000_000;
const NANOSECONDS_PER_DAY: i128 = 86_400_000_000_000;

impl Literal {
    /// None when the text is not a value of the type, or when comparisons with the type are not understood here.
    fn parse(text: &str, data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Some(Self::Text(text.as_bytes().to_vec()))
            }
            DataType::Date32 | DataType::Timestamp(..) => {
                let day =
                    || parse_date(text.as_bytes()).map(|day| day as i128 * NANOSECONDS_PER_DAY);
                let instant =
                    || parse_instant(text.as_bytes(), 1_000_000).map(|us| us as i128 * 1_000);
                Some(Self::Time(day().or_else(instant)?))
            }
            _ if data_type.is_numeric() => {
                let double: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
                let mut floats = vec![double];
                if *data_type == DataType::Float32 {
                    // Rounded at once, or by way of double precision.
                    floats.extend([
                        f64::from(text.parse::<f32>().ok()?),
                        f64::from(double as f32),
                    ]);
                }
                Some(Self::Number {
                    exact: Decimal::parse(text)?,
                    float: (
                        floats.iter().copied().fold(double, f64::min),
                        floats.iter().copied().fold(double, f64::max),
                    ),
                })
            }
            _ => None,
        }
    }

    /// Whether the literal may be greater than the bound, or equal where `or_equal`.
    fn may_exceed(&self, bound: &Bound, or_equal: bool) -> bool {
        match (self, bound) {
            (Self::Number { exact, float }, Bound::Integer(bound)) => {
                is_allowed(exact.cmp_integer(*bound), or_equal)
                    || is_allowed(float.1.total_cmp(&(*bound as f64)), or_equal)
            }
            (Self::Number { float, .. }, Bound::Float(bound)) => {
                float.1 > *bound || (or_equal && float.1 == *bound)
            }
            (Self::Time(time), Bound::Time(bound)) => *time + TIME_MARGIN >= *bound,
            (Self::Text(text), Bound::Text(bound)) => is_allowed(text.cmp(bound), or_equal),
            _ => true,
        }
    }

    /// Whether the literal may be less than the bound, or equal where `or_equal`.
    fn may_be_below(&self, bound: &Bound, or_equal: bool) -> bool {
        match (self, bound) {
            (Self::Number { exact, float }, Bound::Integer(bound)) => {
                is_allowed(exact.cmp_integer(*bound).reverse(), or_equal)
                    || is_allowed(float.0.total_cmp(&(*bound as f64)).reverse(), or_equal)
            }
            (Self::Number { float, .. }, Bound::Float(bound)) => {
                float.0 < *bound || (or_equal && float.0 == *bound)
            }
            (Self::Time(time), Bound::Time(bound)) => *time - TIME_MARGIN <= *bound,
            (Self::Text(text), Bound::Text(bound)) => {
                is_allowed(text.cmp(bound).reverse(), or_equal)
            }
            _ => true,
        }
    }
}

fn is_allowed(order: Ordering, or_equal: bool) -> bool {
    order.is_gt() || (or_equal && order.is_eq())
}

/// A number with all its digits: `unscaled / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decimal {
    unscaled: i128,
    scale: u32,
}

impl Decimal {
    /// Of text such as `-12.50` or `1.5e-3`; none beyond about 38 digits.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale >= 0 {
            let scale = scale.unsigned_abs();
            return 10_i128.checked_pow(scale).map(|_| Self { unscaled, scale });
        }
        let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
        let unscaled = unscaled.checked_mul(factor)?;
        Some(Self { unscaled, scale: 0 })
    }

    fn cmp_integer(self, integer: i128) -> Ordering {
        let unit = 10_i128.pow(self.scale);
        let whole = self.unscaled.div_euclid(unit).cmp(&integer);
        whole.then(self.unscaled.rem_euclid(unit).cmp(&0))
    }
}

/// The bounds of times in `unit`, in nanoseconds.
pub(crate) fn time_bound(ticks: i64, unit: TimeUnit) -> Bound {
    let nanoseconds = match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    };
    Bound::Time(i128::from(ticks) * nanoseconds)
}

/// The bound of a date, in days since 1970.
pub(crate) fn date_bound(days: i32) -> Bound {
    Bound::Time(i128::from(days) * NANOSECONDS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_hold(
        comparison: Comparison,
        value: &str,
        data_type: &DataType,
        part: (Bound, Bound),
    ) -> bool {
        let condition = Condition {
            column: "x".to_owned(),
            comparison,
            values: vec![value.to_owned()],
        };
        let facts = PartFacts {
            may_have_nulls: false,
            may_have_values: true,
            bounds: Some(part),
        };
        condition.may_hold(data_type, &facts)
    }

    fn of_integers(comparison: Comparison, value: &str) -> bool {
        let part = (Bound::Integer(5), Bound::Integer(9));
        may_hold(comparison, value, &DataType::Int64, part)
    }

    #[test]
    fn integers_at_the_edges_of_a_part() {
        use Comparison::{Greater, GreaterOrEqual, In, Less, LessOrEqual};
        for (comparison, kept, left_out) in [
            (
                Less,
                ["6", "5.1", "5000000000001e-12"],
                ["5", "4.9", "-1e3"],
            ),
            (LessOrEqual, ["5", "5.0", "50e-1"], ["4", "4.999", "-5"]),
            (Greater, ["8", "8.9", "0.8e1"], ["9", "9.1", "1e30"]),
            (
                GreaterOrEqual,
                ["9", "9.0", "900e-2"],
                ["10", "9.001", "9.0000001"],
            ),
            (In, ["5", "9", "7.0"], ["4", "10", "9.5"]),
        ] {
            for value in kept {
                assert!(of_integers(comparison, value), "{comparison:?} {value}");
            }
            for value in left_out {
                assert!(!of_integers(comparison, value), "{comparison:?} {value}");
            }
        }
    }

    #[test]
    fn large_integers_may_be_compared_as_floats() {
        let large = (1_i128 << 53) + 1;
        let part = || (Bound::Integer(large), Bound::Integer(large));
        // As float64 the two are equal.
        assert!(may_hold(
            Comparison::In,
            "9007199254740992",
            &DataType::Int64,
            part()
        ));
        assert!(!may_hold(
            Comparison::In,
            "9007199254740990",
            &DataType::Int64,
            part()
        ));
    }

    #[test]
    fn nan_is_greater_than_every_bound() {
        let part = || (Bound::Float(0.0), Bound::Float(1.0));
        assert!(may_hold(
            Comparison::Greater,
            "5",
            &DataType::Float64,
            part()
        ));
        assert!(!may_hold(
            Comparison::Less,
            "-5",
            &DataType::Float64,
            part()
        ));
        assert!(!may_hold(Comparison::In, "5", &DataType::Float64, part()));
    }

    #[test]
    fn a_single_precision_column_may_equal_a_rounded_literal() {
        let tenth = || Bound::Float(f64::from(0.1_f32));
        assert!(may_hold(
            Comparison::In,
            "0.1",
            &DataType::Float32,
            (tenth(), tenth())
        ));
        assert!(!may_hold(
            Comparison::In,
            "0.11",
            &DataType::Float32,
            (tenth(), tenth())
        ));
    }

    #[test]
    fn what_is_not_understood_keeps_the_part() {
        for (value, data_type) in [
            ("x", DataType::Int64),
            ("1", DataType::Boolean),
            ("2018", DataType::Date32),
            ("nan", DataType::Float64),
        ] {
            let part = (Bound::Integer(5), Bound::Integer(9));
            assert!(
                may_hold(Comparison::Less, value, &data_type, part),
                "{value}"
            );
        }
    }

    #[test]
    fn nulls_alone_fulfil_only_is_null() {
        let facts = PartFacts {
            may_have_nulls: true,
            may_have_values: false,
            bounds: None,
        };
        let holds = |comparison| {
            let (column, values) = ("x".to_owned(), vec!["1".to_owned()]);
            let condition = Condition {
                column,
                comparison,
                values,
            };
            condition.may_hold(&DataType::Int64, &facts)
        };
        assert!(holds(Comparison::IsNull));
        assert!(!holds(Comparison::IsNotNull));
        assert!(!holds(Comparison::In));
    }
}
