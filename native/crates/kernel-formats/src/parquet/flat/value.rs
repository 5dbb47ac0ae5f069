//! The values of fixed width that Parquet stores as INT32, INT64, FLOAT or DOUBLE.

use arrow_buffer::ArrowNativeType;
use parquet::file::statistics::Statistics;

/// A value of 4 or 8 bytes.
pub(super) trait FlatValue: ArrowNativeType + PartialOrd {
    /// Bytes of a value.
    const WIDTH: usize;
    /// Whether DELTA_BINARY_PACKED may hold it.
    const INTEGER: bool;
    /// Where a search for the smallest value starts, and for the largest.
    const EXTREMES: (Self, Self);

    /// The value's bits; the upper half is zero for 4-byte values.
    fn bits(self) -> u64;

    /// The value as a pair of bounds holds it: a zero minimum is negative and a zero maximum positive,
    /// as the format demands for floats.
    fn as_bounds(min: Self, max: Self) -> (Self, Self) {
        (min, max)
    }

    /// A footer's statistics over values between these bounds.
    fn statistics(bounds: Option<(Self, Self)>, null_count: u64) -> Statistics;
}

macro_rules! integer_value {
    ($native:ty, $bits:ty, $physical:ty, $statistics:ident) => {
        impl FlatValue for $native {
            const WIDTH: usize = size_of::<$native>();
            const INTEGER: bool = true;
            const EXTREMES: (Self, Self) = (<$native>::MAX, <$native>::MIN);

            fn bits(self) -> u64 {
                u64::from(self as $bits)
            }

            fn statistics(bounds: Option<(Self, Self)>, null_count: u64) -> Statistics {
                let (min, max) = bounds
                    .map(|(min, max)| (min as $physical, max as $physical))
                    .unzip();
                Statistics::$statistics(min, max, None, Some(null_count), false)
            }
        }
    };
}

integer_value!(i32, u32, i32, int32);
integer_value!(u32, u32, i32, int32);
integer_value!(i64, u64, i64, int64);
integer_value!(u64, u64, i64, int64);

macro_rules! float_value {
    ($native:ty, $statistics:ident) => {
        impl FlatValue for $native {
            const WIDTH: usize = size_of::<$native>();
            const INTEGER: bool = false;
            const EXTREMES: (Self, Self) = (<$native>::INFINITY, <$native>::NEG_INFINITY);

            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }

            fn as_bounds(min: Self, max: Self) -> (Self, Self) {
                (
                    if min == 0.0 { -0.0 } else { min },
                    if max == 0.0 { 0.0 } else { max },
                )
            }

            fn statistics(bounds: Option<(Self, Self)>, null_count: u64) -> Statistics {
                let (min, max) = bounds.unzip();
                Statistics::$statistics(min, max, None, Some(null_count), false)
            }
        }
    };
}

float_value!(f32, float);
float_value!(f64, double);

/// The smallest and the largest value, NaN aside; absent when there is none.
pub(super) fn bounds<T: FlatValue>(values: &[T]) -> Option<(T, T)> {
    let (min, max) = values.iter().fold(T::EXTREMES, |(min, max), value| {
        (
            if *value < min { *value } else { min },
            if *value > max { *value } else { max },
        )
    });
    (min <= max).then(|| T::as_bounds(min, max))
}
