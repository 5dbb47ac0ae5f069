//! Which type holds all numbers of a column that nobody declared, to the last digit.

use arrow_schema::DataType;

/// A kind of numbers, which has one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// Integers of 64 bits with sign that a double holds, too.
    Small,
    /// Integers of 64 bits with sign.
    Integer,
    /// Integers of at most [`LARGE_DIGITS`] digits.
    Large,
    /// Numbers with a point or an exponent, and integers that a double holds.
    Float,
}

/// Digits of the largest integers that a type holds.
const LARGE_DIGITS: u8 = 38;

impl NumberKind {
    /// None for an integer that is too long for any type.
    pub(crate) fn of_integer(value: i128) -> Option<Self> {
        if i64::try_from(value).is_ok() {
            return Some(match is_a_double(value) {
                true => Self::Small,
                false => Self::Integer,
            });
        }
        let is_held = value.unsigned_abs() < 10_u128.pow(u32::from(LARGE_DIGITS));
        is_held.then_some(Self::Large)
    }

    /// The kind that holds both; none where one of them would lose digits.
    pub(crate) fn union(self, other: Self) -> Option<Self> {
        use NumberKind::{Float, Integer, Large, Small};
        match (self, other) {
            (Float, Float | Small) | (Small, Float) => Some(Float),
            (Float, _) | (_, Float) => None,
            (Large, _) | (_, Large) => Some(Large),
            (Integer, _) | (_, Integer) => Some(Integer),
            (Small, Small) => Some(Small),
        }
    }

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Small | Self::Integer => DataType::Int64,
            Self::Large => DataType::Decimal128(LARGE_DIGITS, 0),
            Self::Float => DataType::Float64,
        }
    }
}

/// Whether a double has exactly this value.
pub(crate) fn is_a_double(value: i128) -> bool {
    (value as f64) as i128 == value && value != i128::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_narrowest_type_that_holds_every_digit() {
        let type_of = |value| NumberKind::of_integer(value).map(NumberKind::data_type);
        let large = Some(DataType::Decimal128(38, 0));
        assert_eq!(type_of(-(1 << 63)), Some(DataType::Int64));
        assert_eq!(type_of((1 << 63) - 1), Some(DataType::Int64));
        assert_eq!(type_of(1 << 63), large);
        assert_eq!(type_of(1 - 10_i128.pow(38)), large);
        assert_eq!(type_of(10_i128.pow(38)), None);
        assert_eq!(type_of(i128::MAX), None);
        assert_eq!(type_of(i128::MIN), None);
    }

    #[test]
    fn no_union_loses_a_digit() {
        let kinds = [1, (1 << 53) + 1, 1 << 63].map(|value| NumberKind::of_integer(value).unwrap());
        let [small, integer, large] = kinds;
        for (a, b, both) in [
            (small, NumberKind::Float, Some(NumberKind::Float)),
            (integer, NumberKind::Float, None),
            (large, NumberKind::Float, None),
            (small, integer, Some(integer)),
            (small, large, Some(large)),
            (integer, large, Some(large)),
        ] {
            assert_eq!((a.union(b), b.union(a)), (both, both), "{a:?} {b:?}");
        }
    }
}
