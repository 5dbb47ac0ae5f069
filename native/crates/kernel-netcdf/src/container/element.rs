//! Element types, and one generic view on them.

/// Runs `$body` with `$stored` bound to the Rust type of a numeric [`ElementType`], or `$otherwise` for other types.
macro_rules! with_stored {
    ($element:expr, $stored:ident => $body:expr, else $otherwise:expr) => {
        match $element {
            $crate::container::ElementType::I8 => {
                type $stored = i8;
                $body
            }
            $crate::container::ElementType::U8 => {
                type $stored = u8;
                $body
            }
            $crate::container::ElementType::I16 => {
                type $stored = i16;
                $body
            }
            $crate::container::ElementType::U16 => {
                type $stored = u16;
                $body
            }
            $crate::container::ElementType::I32 => {
                type $stored = i32;
                $body
            }
            $crate::container::ElementType::U32 => {
                type $stored = u32;
                $body
            }
            $crate::container::ElementType::I64 => {
                type $stored = i64;
                $body
            }
            $crate::container::ElementType::U64 => {
                type $stored = u64;
                $body
            }
            $crate::container::ElementType::F32 => {
                type $stored = f32;
                $body
            }
            $crate::container::ElementType::F64 => {
                type $stored = f64;
                $body
            }
            _ => $otherwise,
        }
    };
}
pub(crate) use with_stored;

/// The stored type of a dataset's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElementType {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    /// Text of a fixed number of bytes.
    Text(usize),
    /// Text of any length, in the global heap.
    LongText,
    /// Anything else: compounds, references, opaque bytes and so on.
    Other,
}

impl ElementType {
    pub(crate) fn integer(size: u64, signed: bool) -> Option<Self> {
        Some(match (size, signed) {
            (1, true) => Self::I8,
            (1, false) => Self::U8,
            (2, true) => Self::I16,
            (2, false) => Self::U16,
            (4, true) => Self::I32,
            (4, false) => Self::U32,
            (8, true) => Self::I64,
            (8, false) => Self::U64,
            _ => return None,
        })
    }

    pub(crate) fn float(size: u64) -> Option<Self> {
        match size {
            4 => Some(Self::F32),
            8 => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of one element; 0 for types that are not read as numbers.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
            Self::Text(size) => size,
            Self::LongText | Self::Other => 0,
        }
    }

    pub(crate) fn is_number(self) -> bool {
        !matches!(self, Self::Text(_) | Self::LongText | Self::Other)
    }

    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text(_) | Self::LongText)
    }

    pub(crate) fn is_integer(self) -> bool {
        self.is_number() && !matches!(self, Self::F32 | Self::F64)
    }

    /// The same bits read with another signedness; floats and text stay as they are.
    pub(crate) fn with_signedness(self, unsigned: bool) -> Self {
        if !self.is_integer() {
            return self;
        }
        Self::integer(self.size() as u64, !unsigned).unwrap_or(self)
    }

    /// The same bits read with the other signedness; floats and text stay as they are.
    pub(crate) fn with_other_signedness(self) -> Self {
        let is_signed = matches!(self, Self::I8 | Self::I16 | Self::I32 | Self::I64);
        self.with_signedness(is_signed)
    }

    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::U16 => "uint16",
            Self::I32 => "int32",
            Self::U32 => "uint32",
            Self::I64 => "int64",
            Self::U64 => "uint64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Text(_) | Self::LongText => "text",
            Self::Other => "a compound or other composite type",
        }
    }
}

/// A number of an attribute, in the widest type of its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Self::Signed(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// The number that a text such as `-99` or `1e20` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let signed = text.parse().map(Self::Signed);
        let integer = signed.or_else(|_| text.parse().map(Self::Unsigned));
        integer.or_else(|_| text.parse().map(Self::Float)).ok()
    }

    /// Whether this number, converted to a stored type, kept its value: exactly for integers, but for rounding for floats.
    fn is_held(self, converted: Self) -> bool {
        match (self, converted) {
            (from, Self::Float(to)) => to.is_finite() || !from.to_f64().is_finite(),
            (Self::Float(from), to) => from == to.to_f64() && from.abs() < 1e19,
            (from, to) => from.to_i128() == to.to_i128(),
        }
    }

    fn to_i128(self) -> i128 {
        match self {
            Self::Signed(value) => value.into(),
            Self::Unsigned(value) => value.into(),
            Self::Float(value) => value as i128,
        }
    }
}

/// A number type as it is stored in a file.
pub(crate) trait Stored:
    Copy + PartialEq + PartialOrd + std::fmt::Display + 'static
{
    const SIZE: usize;
    const MIN: Self;
    const MAX: Self;
    /// The first element of little-endian `bytes`; zero when there are too few.
    fn from_bytes(bytes: &[u8]) -> Self;
    /// The number of the same bits, wrapping (a fill value of -1 is 65535 in an unsigned variable).
    fn from_number(number: Number) -> Self;
    /// The same number, rounded where `Self` is a float; `None` for one that `Self` cannot hold.
    fn of_value(number: Number) -> Option<Self>;
    fn to_f64(self) -> f64;
    fn to_i128(self) -> i128;
    fn to_number(self) -> Number;
    fn is_nan(self) -> bool;
    fn extend<T>(bytes: &[u8], values: &mut Vec<T>, decode: &impl Fn(Self) -> T);
    /// Every element of little-endian `bytes`.
    fn numbers(bytes: &[u8]) -> Vec<Number> {
        let mut numbers = Vec::with_capacity(bytes.len() / Self::SIZE);
        Self::extend(bytes, &mut numbers, &Self::to_number);
        numbers
    }
    fn any(bytes: &[u8], condition: &impl Fn(Self) -> bool) -> bool;
    fn count(bytes: &[u8], condition: &impl Fn(Self) -> bool) -> usize;
}

macro_rules! stored {
    ($($type:ty, $number:ident, $wide:ty, $is_nan:expr;)*) => {$(
        impl Stored for $type {
            const SIZE: usize = size_of::<$type>();
            const MIN: Self = <$type>::MIN;
            const MAX: Self = <$type>::MAX;
            fn from_bytes(bytes: &[u8]) -> Self {
                bytes.first_chunk().map_or(0 as $type, |bytes| <$type>::from_le_bytes(*bytes))
            }
            fn from_number(number: Number) -> Self {
                match number {
                    Number::Signed(value) => value as $type,
                    Number::Unsigned(value) => value as $type,
                    Number::Float(value) => value as $type,
                }
            }
            fn of_value(number: Number) -> Option<Self> {
                let value = Self::from_number(number);
                number.is_held(value.to_number()).then_some(value)
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn to_i128(self) -> i128 {
                self as i128
            }
            fn to_number(self) -> Number {
                Number::$number(self as $wide)
            }
            fn is_nan(self) -> bool {
                let is_nan: fn($type) -> bool = $is_nan;
                is_nan(self)
            }
            fn extend<T>(bytes: &[u8], values: &mut Vec<T>, decode: &impl Fn(Self) -> T) {
                let (elements, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                values.extend(elements.iter().map(|bytes| decode(<$type>::from_le_bytes(*bytes))));
            }
            fn any(bytes: &[u8], condition: &impl Fn(Self) -> bool) -> bool {
                let (elements, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                // Blocks without an early exit inside, so that the comparison is vectorized.
                elements.chunks(256).any(|block| {
                    block.iter().fold(false, |found, bytes| found | condition(<$type>::from_le_bytes(*bytes)))
                })
            }
            fn count(bytes: &[u8], condition: &impl Fn(Self) -> bool) -> usize {
                let (elements, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                elements.iter().map(|bytes| usize::from(condition(<$type>::from_le_bytes(*bytes)))).sum()
            }
        }
    )*};
}

stored! {
    i8, Signed, i64, |_| false;
    u8, Unsigned, u64, |_| false;
    i16, Signed, i64, |_| false;
    u16, Unsigned, u64, |_| false;
    i32, Signed, i64, |_| false;
    u32, Unsigned, u64, |_| false;
    i64, Signed, i64, |_| false;
    u64, Unsigned, u64, |_| false;
    f32, Float, f64, |value| value.is_nan();
    f64, Float, f64, |value| value.is_nan();
}
