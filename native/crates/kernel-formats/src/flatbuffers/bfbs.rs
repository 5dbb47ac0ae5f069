//! A compiled schema (`.bfbs`): a FlatBuffers message itself, of the schema `reflection.fbs`.

use super::schema::{Definitions, Enumeration, Field, Object, Scalar, Type, union_reason};
use super::wire::{Fault, Message, Table};

/// What stands at byte 4 of every compiled schema.
pub(super) const IDENTIFIER: &[u8; 4] = b"BFBS";

/// Values of `BaseType` in `reflection.fbs`.
mod base {
    pub(super) const UTYPE: u8 = 1;
    pub(super) const BOOL: u8 = 2;
    pub(super) const DOUBLE: u8 = 12;
    pub(super) const STRING: u8 = 13;
    pub(super) const VECTOR: u8 = 14;
    pub(super) const OBJECT: u8 = 15;
    pub(super) const UNION: u8 = 16;
    pub(super) const ARRAY: u8 = 17;
}

/// Reads a compiled schema.
pub(super) fn read(bytes: &[u8]) -> Result<Definitions, Fault> {
    let message = Message { bytes, shift: 0 };
    let schema = Reader(message.root()?, message);
    let enums: Vec<RawEnum> = schema
        .tables(1)?
        .iter()
        .map(raw_enum)
        .collect::<Result<_, _>>()?;
    let objects = schema.tables(0)?;
    let names: Vec<&str> = objects
        .iter()
        .map(|object| object.text(0))
        .collect::<Result<_, _>>()?;
    let object = |reader: &Reader| read_object(reader, &enums, names.len());
    let mut definitions = Definitions {
        objects: objects.iter().map(object).collect::<Result<_, _>>()?,
        ..Definitions::default()
    };
    definitions.identifier = schema.text(2)?.as_bytes().try_into().ok();
    if let Some(root) = schema.optional_table(4)? {
        let name = root.text(0)?;
        definitions.root = names.iter().position(|known| *known == name);
    }
    definitions.enums = enums.into_iter().map(|one| one.values).collect();
    Ok(definitions)
}

struct RawEnum {
    is_union: bool,
    values: Enumeration,
}

fn raw_enum(reader: &Reader) -> Result<RawEnum, Fault> {
    let underlying = match reader.optional_table(3)? {
        Some(ty) => scalar(ty.u8(0)?).unwrap_or(Scalar::UInt8),
        None => Scalar::UInt8,
    };
    let as_stored = |value: i64| underlying.integer(&value.to_le_bytes());
    let value = |one: &Reader| Ok((as_stored(one.i64(1)?), one.text(0)?.to_owned()));
    let mut values: Vec<(i128, String)> = reader
        .tables(1)?
        .iter()
        .map(value)
        .collect::<Result<_, Fault>>()?;
    values.sort();
    let flags = |one: &Reader| Ok::<_, Fault>(one.text(0)? == "bit_flags");
    let attributes: Vec<bool> = reader
        .tables(4)?
        .iter()
        .map(flags)
        .collect::<Result<_, _>>()?;
    Ok(RawEnum {
        is_union: reader.u8(2)? != 0,
        values: Enumeration {
            name: reader.text(0)?.to_owned(),
            underlying,
            is_flags: attributes.contains(&true),
            values,
        },
    })
}

fn read_object(reader: &Reader, enums: &[RawEnum], objects: usize) -> Result<Object, Fault> {
    let is_struct = reader.u8(2)? != 0;
    let field = |field: &Reader| read_field(field, is_struct, enums, objects);
    let mut fields: Vec<Field> = reader
        .tables(1)?
        .iter()
        .map(field)
        .collect::<Result<_, _>>()?;
    fields.sort_by_key(|field| field.slot);
    let (align, size) = (reader.i32(3)?, reader.i32(4)?);
    let count = |value: i32| usize::try_from(value).map_err(|_| format!("a size is {value}"));
    let align = count(align)?.max(1);
    if !align.is_power_of_two() {
        return Err(format!("an alignment is {align}"));
    }
    Ok(Object {
        name: reader.text(0)?.to_owned(),
        is_struct,
        fields,
        align,
        size: count(size)?,
    })
}

fn read_field(
    reader: &Reader,
    is_struct: bool,
    enums: &[RawEnum],
    objects: usize,
) -> Result<Field, Fault> {
    let ty = reader.optional_table(1)?.ok_or("a field has no type")?;
    let ty = if reader.u8(13)? != 0 {
        Type::Unsupported("it has an offset of 64 bits".to_owned())
    } else {
        read_type(&ty, enums, objects)?
    };
    let stored = match &ty {
        Type::Scalar(scalar) => Some(*scalar),
        Type::Enum(index) => Some(enums[*index].values.underlying),
        _ => None,
    };
    let default = match stored {
        Some(Scalar::Float32) => {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(reader.f64(5)? as f32).to_le_bytes());
            bytes
        }
        Some(Scalar::Float64) => reader.f64(5)?.to_le_bytes(),
        Some(_) => reader.i64(4)?.to_le_bytes(),
        None => [0; 8],
    };
    Ok(Field {
        name: reader.text(0)?.to_owned(),
        ty,
        slot: if is_struct {
            reader.u16(3)?
        } else {
            reader.u16(2)?
        },
        default,
        default_text: None,
        is_deprecated: reader.u8(6)? != 0,
        is_required: reader.u8(7)? != 0,
        is_optional: reader.u8(11)? != 0,
    })
}

fn read_type(ty: &Reader, enums: &[RawEnum], objects: usize) -> Result<Type, Fault> {
    let index = ty.i32_or(2, -1)?;
    match ty.u8(0)? {
        base::VECTOR => Ok(Type::Vector(
            plain_type(ty.u8(1)?, index, enums, objects)?.into(),
        )),
        base::ARRAY => {
            let item = plain_type(ty.u8(1)?, index, enums, objects)?;
            Ok(Type::Array(item.into(), ty.u16(3)?))
        }
        kind => plain_type(kind, index, enums, objects),
    }
}

fn plain_type(kind: u8, index: i32, enums: &[RawEnum], objects: usize) -> Result<Type, Fault> {
    let place = usize::try_from(index).ok();
    let known = place.and_then(|place| enums.get(place));
    Ok(match kind {
        base::UTYPE | base::UNION => {
            let name = known.map_or("?", |union| &union.values.name);
            Type::Unsupported(union_reason(name))
        }
        base::STRING => Type::Text,
        base::OBJECT => match place {
            Some(place) if place < objects => Type::Object(place),
            _ => return Err(format!("a type is the object {index} of {objects}")),
        },
        _ => match (place, known) {
            (Some(place), Some(known)) if !known.is_union => Type::Enum(place),
            (None, _) => match scalar(kind) {
                Some(scalar) => Type::Scalar(scalar),
                None => Type::Unsupported(format!("it has the type number {kind}")),
            },
            _ => return Err(format!("a type is the enum {index}, which is not there")),
        },
    })
}

fn scalar(kind: u8) -> Option<Scalar> {
    use Scalar as S;
    const SCALARS: [Scalar; 11] = [
        S::Bool,
        S::Int8,
        S::UInt8,
        S::Int16,
        S::UInt16,
        S::Int32,
        S::UInt32,
        S::Int64,
        S::UInt64,
        S::Float32,
        S::Float64,
    ];
    (base::BOOL..=base::DOUBLE)
        .contains(&kind)
        .then(|| SCALARS[usize::from(kind - base::BOOL)])
}

/// A table whose fields are read by their slot; what is not there is zero, empty or none.
struct Reader<'a>(Table<'a>, Message<'a>);

impl<'a> Reader<'a> {
    fn number<const WIDTH: usize>(&self, slot: usize) -> Result<Option<[u8; WIDTH]>, Fault> {
        let Some(place) = self.0.field(slot, WIDTH, WIDTH)? else {
            return Ok(None);
        };
        let bytes = self.1.aligned(place, WIDTH, WIDTH)?;
        Ok(bytes.try_into().ok())
    }

    fn u8(&self, slot: usize) -> Result<u8, Fault> {
        Ok(self.number::<1>(slot)?.map_or(0, u8::from_le_bytes))
    }

    fn u16(&self, slot: usize) -> Result<usize, Fault> {
        Ok(self.number::<2>(slot)?.map_or(0, u16::from_le_bytes).into())
    }

    fn i32(&self, slot: usize) -> Result<i32, Fault> {
        self.i32_or(slot, 0)
    }

    fn i32_or(&self, slot: usize, default: i32) -> Result<i32, Fault> {
        Ok(self.number::<4>(slot)?.map_or(default, i32::from_le_bytes))
    }

    fn i64(&self, slot: usize) -> Result<i64, Fault> {
        Ok(self.number::<8>(slot)?.map_or(0, i64::from_le_bytes))
    }

    fn f64(&self, slot: usize) -> Result<f64, Fault> {
        Ok(self.number::<8>(slot)?.map_or(0.0, f64::from_le_bytes))
    }

    fn text(&self, slot: usize) -> Result<&'a str, Fault> {
        match self.0.field(slot, 4, 4)? {
            Some(place) => self.1.text(self.1.target(place)?),
            None => Ok(""),
        }
    }

    fn optional_table(&self, slot: usize) -> Result<Option<Reader<'a>>, Fault> {
        let Some(place) = self.0.field(slot, 4, 4)? else {
            return Ok(None);
        };
        let table = self.1.table(self.1.target(place)?)?;
        Ok(Some(Reader(table, self.1)))
    }

    fn tables(&self, slot: usize) -> Result<Vec<Reader<'a>>, Fault> {
        let Some(place) = self.0.field(slot, 4, 4)? else {
            return Ok(Vec::new());
        };
        let (start, count) = self.1.vector(self.1.target(place)?, 4, 4)?;
        (0..count)
            .map(|index| {
                let table = self.1.table(self.1.target(start + 4 * index)?)?;
                Ok(Reader(table, self.1))
            })
            .collect()
    }
}
