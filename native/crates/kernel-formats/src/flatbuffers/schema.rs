//! What a FlatBuffers schema declares, whether it came as text or compiled.

/// Numbers and booleans, as they are stored in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
}

impl Scalar {
    /// Bytes, which are also the alignment.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// The values that an integer of this type can have.
    pub(super) fn range(self) -> std::ops::RangeInclusive<i128> {
        match self {
            Self::Bool => 0..=1,
            Self::Int8 => i8::MIN.into()..=i8::MAX.into(),
            Self::UInt8 => 0..=u8::MAX.into(),
            Self::Int16 => i16::MIN.into()..=i16::MAX.into(),
            Self::UInt16 => 0..=u16::MAX.into(),
            Self::Int32 => i32::MIN.into()..=i32::MAX.into(),
            Self::UInt32 => 0..=u32::MAX.into(),
            Self::Int64 | Self::Float32 | Self::Float64 => i64::MIN.into()..=i64::MAX.into(),
            Self::UInt64 => 0..=u64::MAX.into(),
        }
    }

    /// The integer in the first [`width`](Self::width) bytes.
    pub(super) fn integer(self, bytes: &[u8]) -> i128 {
        let mut wide = [0; 8];
        let width = self.width();
        wide[..width].copy_from_slice(&bytes[..width]);
        let unsigned = u64::from_le_bytes(wide);
        match self {
            Self::Int8 => (unsigned as i8).into(),
            Self::Int16 => (unsigned as i16).into(),
            Self::Int32 => (unsigned as i32).into(),
            Self::Int64 => (unsigned as i64).into(),
            _ => unsigned.into(),
        }
    }
}

/// The type of a field. Objects and enumerations are places in [`Definitions`].
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Type {
    Scalar(Scalar),
    Enum(usize),
    Text,
    Object(usize),
    Vector(Box<Type>),
    /// So many values in a struct.
    Array(Box<Type>, usize),
    /// What cannot be a column, and why.
    Unsupported(String),
}

/// A field of a table or struct.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: Type,
    /// Of a table: its place in the vtable, from 0. Of a struct: the byte at which it begins.
    pub(super) slot: usize,
    /// Little-endian bytes of a scalar or enum that is not there.
    pub(super) default: [u8; 8],
    /// A string that is not there.
    pub(super) default_text: Option<String>,
    pub(super) is_deprecated: bool,
    pub(super) is_required: bool,
    /// Whether it has no default: it is null when it is not there.
    pub(super) is_optional: bool,
}

/// A table, or a struct with its layout.
#[derive(Debug, Clone, Default)]
pub(super) struct Object {
    pub(super) name: String,
    pub(super) is_struct: bool,
    /// In the order of their slots.
    pub(super) fields: Vec<Field>,
    /// Of a struct, in bytes.
    pub(super) align: usize,
    /// Of a struct, in bytes.
    pub(super) size: usize,
}

/// Names of integers.
#[derive(Debug, Clone)]
pub(super) struct Enumeration {
    pub(super) name: String,
    pub(super) underlying: Scalar,
    /// Whether a value may be several of them at once.
    pub(super) is_flags: bool,
    /// Sorted by value.
    pub(super) values: Vec<(i128, String)>,
}

impl Enumeration {
    /// What a value is called; none for one that the schema does not know.
    pub(super) fn name_of(&self, value: i128) -> Option<&str> {
        let place = self
            .values
            .binary_search_by_key(&value, |(known, _)| *known)
            .ok()?;
        Some(&self.values[place].1)
    }
}

/// All that a schema declares.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions {
    pub(super) objects: Vec<Object>,
    pub(super) enums: Vec<Enumeration>,
    /// The object that `root_type` names.
    pub(super) root: Option<usize>,
    /// What `file_identifier` puts into every message.
    pub(super) identifier: Option<[u8; 4]>,
}

/// Bytes and alignment of a value inside a struct or vector; none for what is not stored in place.
pub(super) fn inline_layout(ty: &Type, definitions: &Definitions) -> Option<(usize, usize)> {
    match ty {
        Type::Scalar(scalar) => Some((scalar.width(), scalar.width())),
        Type::Enum(index) => {
            let width = definitions.enums[*index].underlying.width();
            Some((width, width))
        }
        Type::Object(index) => {
            let object = &definitions.objects[*index];
            object.is_struct.then_some((object.size, object.align))
        }
        Type::Array(item, count) => {
            let (size, align) = inline_layout(item, definitions)?;
            Some((size.checked_mul(*count)?, align))
        }
        Type::Text | Type::Vector(_) | Type::Unsupported(_) => None,
    }
}

/// Why a union is no column.
pub(super) fn union_reason(name: &str) -> String {
    format!("it is the union {name}, whose values have different columns")
}
