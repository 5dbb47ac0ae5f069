//! Walks Thrift's compact protocol without building anything, to find out whether it is safe to decode.
//!
//! Source: Apache Thrift, "Thrift Compact protocol encoding".

/// Deeper nesting than any Parquet structure has.
const DEPTH_MAX: usize = 32;
/// No structure in a Parquet list is stored in fewer bytes.
const LISTED_STRUCT_BYTES_MIN: usize = 3;

const BOOLEAN_TRUE: u8 = 1;
const BOOLEAN_FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// Why a structure cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It goes on after the bytes given.
    Truncated,
    /// It is no such structure, or a length in it is impossible.
    Invalid,
}

type Result<T> = std::result::Result<T, Flaw>;

/// A structure being walked, in the order of its bytes.
pub(super) struct Walker<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Walker<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            depth: 0,
        }
    }

    /// Bytes that were not walked yet.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Walks one structure and calls `visit` for every field in it that is no structure itself, with
    /// the field numbers that lead there and the value, if that is an integer. The fields of listed
    /// structures are visited like those of a single one.
    pub(super) fn walk(
        &mut self,
        path: &mut Vec<i16>,
        visit: &mut impl FnMut(&[i16], Option<i64>),
    ) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Flaw::Invalid);
        }
        let mut id = 0;
        while let Some((next, kind)) = self.field_header(id)? {
            id = next;
            path.push(id);
            match kind {
                STRUCT => self.walk(path, visit)?,
                LIST | SET => self.walk_list(path, visit)?,
                _ => {
                    let integer = self.skip(kind)?;
                    visit(path, integer);
                }
            }
            path.pop();
        }
        self.depth -= 1;
        Ok(())
    }

    /// The number and kind of the next field; absent at the end of the structure.
    fn field_header(&mut self, last: i16) -> Result<Option<(i16, u8)>> {
        let header = self.byte()?;
        if header == 0 {
            return Ok(None);
        }
        let step = i16::from(header >> 4);
        let id = match step {
            0 => i16::try_from(unzigzag(self.varint()?)).map_err(|_| Flaw::Invalid)?,
            _ => last.checked_add(step).ok_or(Flaw::Invalid)?,
        };
        Ok(Some((id, header & 0x0f)))
    }

    fn skip(&mut self, kind: u8) -> Result<Option<i64>> {
        match kind {
            BOOLEAN_TRUE | BOOLEAN_FALSE => {}
            BYTE => self.take(1)?,
            I16 | I32 | I64 => return Ok(Some(unzigzag(self.varint()?))),
            DOUBLE => self.take(8)?,
            BINARY => {
                let length = self.varint()?;
                self.take(usize::try_from(length).map_err(|_| Flaw::Invalid)?)?;
            }
            _ => return Err(Flaw::Invalid),
        }
        Ok(None)
    }

    fn walk_list(
        &mut self,
        path: &mut Vec<i16>,
        visit: &mut impl FnMut(&[i16], Option<i64>),
    ) -> Result<()> {
        let header = self.byte()?;
        let kind = header & 0x0f;
        let count = match header >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Flaw::Invalid)?,
            count => usize::from(count),
        };
        let bytes_min = if kind == STRUCT {
            LISTED_STRUCT_BYTES_MIN
        } else {
            1
        };
        if count
            .checked_mul(bytes_min)
            .is_none_or(|bytes| bytes > self.rest.len())
        {
            return Err(Flaw::Truncated);
        }
        for _ in 0..count {
            match kind {
                STRUCT => self.walk(path, visit)?,
                // In a list, a boolean is a byte of its own.
                BOOLEAN_TRUE | BOOLEAN_FALSE => self.take(1)?,
                _ => {
                    self.skip(kind)?;
                }
            }
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8> {
        let (byte, rest) = self.rest.split_first().ok_or(Flaw::Truncated)?;
        self.rest = rest;
        Ok(*byte)
    }

    fn take(&mut self, count: usize) -> Result<()> {
        self.rest = self.rest.get(count..).ok_or(Flaw::Truncated)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Flaw::Invalid)
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}
