//! Messages of object headers (HDF5 File Format Specification 3.0, IV.A.2).

use std::borrow::Cow;

use super::filter::Filter;
use super::heap::global_object;
use super::source::{Cursor, Source, UNDEFINED};
use crate::container::{ElementType, Stored, Value, with_stored};
use crate::error::{NetcdfError, Result};

/// A datatype message, as far as it can be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Datatype {
    pub(super) element: ElementType,
    /// Bytes of one element as stored; of a reference into the global heap for types of variable length.
    pub(super) size: usize,
    pub(super) is_big_endian: bool,
    pub(super) is_space_padded: bool,
    /// A list of object references of variable length, as in `DIMENSION_LIST`.
    pub(super) is_reference_list: bool,
}

impl Datatype {
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Self> {
        const SPACE_PADDED: u8 = 2;
        let class = cursor.u8()? & 0x0f;
        let flags = cursor.take(3)?;
        let (low, size) = (flags[0], cursor.u32()?);
        let element = match class {
            0 => integer(cursor, low, size)?,
            1 => float(cursor, low, size)?,
            3 => ElementType::Text(size as usize),
            9 if low & 0x0f == 1 => ElementType::LongText,
            _ => ElementType::Other,
        };
        let is_reference_list =
            class == 9 && element == ElementType::Other && cursor.u8()? & 0x0f == 7;
        Ok(Self {
            element,
            size: size as usize,
            is_big_endian: element.is_number() && low & 1 == 1,
            is_space_padded: low & 0x0f == SPACE_PADDED && class == 3,
            is_reference_list,
        })
    }
}

fn integer(cursor: &mut Cursor<'_>, low: u8, size: u32) -> Result<ElementType> {
    let (offset, precision) = (cursor.u16()?, u32::from(cursor.u16()?));
    let element = ElementType::integer(u64::from(size), low & 8 != 0);
    element
        .filter(|_| offset == 0 && precision == size * 8)
        .ok_or_else(|| {
            NetcdfError::unsupported(format!("integers of {precision} bits in {size} bytes"))
        })
}

/// Only IEEE 754 single and double, in little- or big-endian order.
fn float(cursor: &mut Cursor<'_>, low: u8, size: u32) -> Result<ElementType> {
    const SINGLE: [u8; 12] = [0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];
    const DOUBLE: [u8; 12] = [0, 0, 64, 0, 52, 11, 0, 52, 255, 3, 0, 0];
    let fields = cursor.take(12)?;
    let is_vax = low & 0x40 != 0;
    match ElementType::float(u64::from(size)) {
        Some(element) if !is_vax && (fields == SINGLE || fields == DOUBLE) => Ok(element),
        _ => Err(NetcdfError::unsupported(
            "floating-point numbers other than IEEE 754 single and double",
        )),
    }
}

/// The lengths of a dataset along its dimensions: none for a scalar.
pub(super) fn dataspace(cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
    const NULL: u8 = 2;
    let version = cursor.u8()?;
    let rank = cursor.u8()?;
    cursor.skip(1)?;
    let mut is_null = false;
    match version {
        1 => cursor.skip(5)?,
        2 => is_null = cursor.u8()? == NULL,
        _ => {
            return Err(NetcdfError::unsupported(format!(
                "version {version} of the dataspace"
            )));
        }
    }
    if is_null {
        return Ok(vec![0]);
    }
    (0..rank).map(|_| cursor.u64()).collect()
}

/// A hard link: the name and the address of an object.
pub(super) struct Link<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) address: u64,
    pub(super) creation_order: Option<u64>,
}

pub(super) fn link<'a>(cursor: &mut Cursor<'a>) -> Result<Link<'a>> {
    cursor.expect_version(1, "link")?;
    let flags = cursor.u8()?;
    let is_hard = flags & 8 == 0 || cursor.u8()? == 0;
    let creation_order = if flags & 4 != 0 {
        Some(cursor.u64()?)
    } else {
        None
    };
    cursor.skip(if flags & 16 != 0 { 1 } else { 0 })?;
    let length = cursor.uint(1 << (flags & 3))?;
    let name = String::from_utf8_lossy(cursor.take(super::header::as_length(length))?);
    if !is_hard {
        return Err(NetcdfError::unsupported("soft or external links"));
    }
    Ok(Link {
        name,
        address: cursor.u64()?,
        creation_order,
    })
}

/// Addresses of the fractal heap and of the name index of dense links or dense attributes; `None` when they are stored
/// in the object header instead.
pub(super) fn dense_storage(
    cursor: &mut Cursor<'_>,
    creation_index_bytes: usize,
) -> Result<Option<(u64, u64)>> {
    cursor.expect_version(0, "link or attribute info")?;
    let flags = cursor.u8()?;
    cursor.skip(if flags & 1 != 0 {
        creation_index_bytes
    } else {
        0
    })?;
    let (heap, index) = (cursor.u64()?, cursor.u64()?);
    Ok((heap != UNDEFINED).then_some((heap, index)))
}

/// The value of an attribute message if its name is in `wanted`, with the place of the name there.
pub(super) fn attribute<'a>(
    source: &Source<'a>,
    cursor: &mut Cursor<'a>,
    wanted: &[&str],
) -> Result<Option<(usize, Value<'a>)>> {
    let version = cursor.u8()?;
    let flags = cursor.u8()?;
    let lengths = [cursor.u16()?, cursor.u16()?, cursor.u16()?].map(usize::from);
    let padded = |length: usize| {
        if version == 1 {
            length.next_multiple_of(8)
        } else {
            length
        }
    };
    cursor.skip(if version == 3 { 1 } else { 0 })?;
    let name = cursor.take(padded(lengths[0]))?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let Some(place) = wanted.iter().position(|wanted| wanted.as_bytes() == name) else {
        return Ok(None);
    };
    if !(1..=3).contains(&version) || (version > 1 && flags & 3 != 0) {
        return Err(NetcdfError::unsupported("attributes of a committed type"));
    }
    let part = |cursor: &mut Cursor<'a>, length: usize| {
        let at = cursor.offset();
        cursor
            .take(padded(length))
            .map(|bytes| Cursor::new(bytes, at))
    };
    let datatype = Datatype::parse(&mut part(cursor, lengths[1])?)?;
    let shape = dataspace(&mut part(cursor, lengths[2])?)?;
    let count = shape
        .iter()
        .fold(1, |count: u64, length| count.saturating_mul(*length));
    Ok(value(source, cursor, datatype, count)?.map(|value| (place, value)))
}

/// The elements of an attribute, or the first of every list of references; `None` for none and for types without a use.
fn value<'a>(
    source: &Source<'a>,
    cursor: &mut Cursor<'a>,
    datatype: Datatype,
    count: u64,
) -> Result<Option<Value<'a>>> {
    if count == 0 {
        return Ok(None);
    }
    if datatype.is_reference_list {
        let mut addresses = Vec::new();
        for _ in 0..count {
            let references = global_object(source, cursor.take(datatype.size)?)?;
            addresses.push(u64::from_bytes(references));
        }
        return Ok(Some(Value::References(addresses)));
    }
    let byte_count = super::header::as_length(count).saturating_mul(datatype.size);
    let stored = cursor.take(byte_count)?;
    let elements = stored.chunks_exact(datatype.size.max(1));
    Ok(match datatype.element {
        ElementType::Text(0) => Some(Value::Texts(vec!["".into()])),
        ElementType::Text(_) => {
            let texts = elements.map(|stored| text(stored, datatype.is_space_padded));
            Some(Value::Texts(texts.collect()))
        }
        ElementType::LongText => {
            let texts = elements.map(|stored| Ok(text(global_object(source, stored)?, false)));
            Some(Value::Texts(texts.collect::<Result<_>>()?))
        }
        element => {
            let mut stored = Cow::Borrowed(stored);
            if datatype.is_big_endian {
                let elements = stored.to_mut().chunks_exact_mut(datatype.size.max(1));
                elements.for_each(<[u8]>::reverse);
            }
            with_stored!(element, S => Some(Value::Numbers(S::numbers(&stored))), else None)
        }
    })
}

/// Text up to the first NUL, without the spaces that pad it.
pub(super) fn text(bytes: &[u8], is_space_padded: bool) -> Cow<'_, str> {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let bytes = if is_space_padded {
        bytes.trim_ascii_end()
    } else {
        bytes
    };
    String::from_utf8_lossy(bytes)
}

/// Where the data of a dataset is.
pub(crate) enum Place<'a> {
    /// All elements in one piece, here or at an address.
    Compact(&'a [u8]),
    Contiguous(u64),
    /// In chunks of `chunk` elements under a version 1 B-tree.
    Chunked {
        tree: u64,
        chunk: u64,
    },
    /// Of rank 2 or more, which is no column.
    Array,
}

/// Parses a data layout message for elements of `element_bytes`.
pub(super) fn place<'a>(cursor: &mut Cursor<'a>, element_bytes: usize) -> Result<Place<'a>> {
    let at = cursor.offset();
    let version = cursor.u8()?;
    let class = cursor.u8()?;
    match (version, class) {
        (3 | 4, 0) => {
            let length = cursor.u16()?;
            Ok(Place::Compact(cursor.take(usize::from(length))?))
        }
        (3 | 4, 1) => Ok(Place::Contiguous(cursor.u64()?)),
        (3, 2) => {
            let rank = cursor.u8()?;
            let tree = cursor.u64()?;
            if rank != 2 {
                return Ok(Place::Array);
            }
            let (chunk, stored_bytes) = (u64::from(cursor.u32()?), cursor.u32()? as usize);
            if chunk == 0 || stored_bytes != element_bytes {
                return Err(NetcdfError::corrupt(
                    at,
                    "chunks whose elements are not those of the dataset",
                ));
            }
            Ok(Place::Chunked { tree, chunk })
        }
        _ => Err(NetcdfError::unsupported(format!(
            "data layout {class} of version {version}"
        ))),
    }
}

/// The bytes of the fill value; empty when there is none, which means zeros.
pub(super) fn fill_value<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let version = cursor.u8()?;
    let has_value = match version {
        2 => {
            cursor.skip(2)?;
            cursor.u8()? != 0
        }
        3 => cursor.u8()? & 0x20 != 0,
        _ => {
            return Err(NetcdfError::unsupported(format!(
                "version {version} of the fill value"
            )));
        }
    };
    if !has_value {
        return Ok(&[]);
    }
    let length = cursor.u32()?;
    cursor.take(length as usize)
}

/// The filters of a dataset, in the order in which they were applied.
pub(super) fn filters(cursor: &mut Cursor<'_>) -> Result<Vec<Filter>> {
    const FIRST_NAMED: u16 = 256;
    let version = cursor.u8()?;
    let count = cursor.u8()?;
    if !matches!(version, 1 | 2) {
        return Err(NetcdfError::unsupported(format!(
            "version {version} of the filter pipeline"
        )));
    }
    cursor.skip(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = cursor.u16()?;
        let has_name = version == 1 || id >= FIRST_NAMED;
        let name_bytes = if has_name {
            usize::from(cursor.u16()?)
        } else {
            0
        };
        cursor.skip(2)?;
        let value_count = usize::from(cursor.u16()?);
        cursor.skip(if version == 1 {
            name_bytes.next_multiple_of(8)
        } else {
            name_bytes
        })?;
        cursor.skip(value_count * 4 + if version == 1 { value_count % 2 * 4 } else { 0 })?;
        filters.push(Filter::of(id)?);
    }
    Ok(filters)
}
