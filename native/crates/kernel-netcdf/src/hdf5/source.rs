use std::cell::Cell;

use super::checksum::{is_intact, lookup3};
use crate::error::{NetcdfError, Result};
use crate::limits::{Limits, check};

/// An address that points nowhere: no data was ever written there.
pub(super) const UNDEFINED: u64 = u64::MAX;

/// The bytes of the file, and the budget of structures that may still be visited in it.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    pub(super) limits: Limits,
    visit_count: Cell<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Self {
            bytes,
            limits: limits.clone(),
            visit_count: Cell::new(0),
        }
    }

    /// `length` bytes at `address`.
    pub(super) fn slice(&self, address: u64, length: u64) -> Result<&'a [u8]> {
        let found = || {
            let start = usize::try_from(address).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            self.bytes.get(start..end)
        };
        let file_length = self.bytes.len() as u64;
        found().ok_or(NetcdfError::Truncated {
            offset: address,
            needed: length,
            length: file_length,
        })
    }

    /// A cursor over everything from `address` on.
    pub(super) fn cursor(&self, address: u64) -> Result<Cursor<'a>> {
        self.slice(address, 0)?;
        Ok(Cursor::new(
            &self.bytes[address as usize..],
            address as usize,
        ))
    }

    /// Counts one visited structure, so that no web of references keeps the reader busy forever.
    pub(super) fn visit(&self) -> Result<()> {
        let count = self.visit_count.get() + 1;
        self.visit_count.set(count);
        check(
            "the number of structures in the file",
            count as u64,
            "visits_max",
            self.limits.visits_max as u64,
        )
    }

    pub(super) fn check_depth(&self, what: &'static str, depth: usize) -> Result<()> {
        check(
            what,
            depth as u64,
            "depth_max",
            self.limits.depth_max as u64,
        )
    }
}

/// Reads little-endian fields one after the other, and never beyond its bytes.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The offset of `bytes` in the file, for messages.
    base: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8], base: usize) -> Self {
        Self {
            bytes,
            position: 0,
            base,
        }
    }

    /// The offset in the file of the next byte.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.base + self.position
    }

    pub(super) fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Everything read so far.
    pub(super) fn consumed(&self) -> &'a [u8] {
        &self.bytes[..self.position]
    }

    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        match self.bytes[self.position..].get(..count) {
            Some(taken) => {
                self.position += count;
                Ok(taken)
            }
            None => Err(NetcdfError::Truncated {
                offset: self.offset() as u64,
                needed: count as u64,
                length: (self.base + self.bytes.len()) as u64,
            }),
        }
    }

    #[inline]
    pub(super) fn skip(&mut self, count: usize) -> Result<()> {
        self.take(count).map(|_| ())
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// An unsigned integer of `size` ≤ 8 bytes.
    #[inline]
    pub(super) fn uint(&mut self, size: usize) -> Result<u64> {
        let mut value = [0; 8];
        value[..size].copy_from_slice(self.take(size)?);
        Ok(u64::from_le_bytes(value))
    }

    /// Fails unless the next bytes are `signature`.
    pub(super) fn expect(
        &mut self,
        signature: &'static [u8],
        structure: &'static str,
    ) -> Result<()> {
        let offset = self.offset();
        if self.take(signature.len())? != signature {
            return Err(NetcdfError::corrupt(
                offset,
                format!("no {structure} begins here"),
            ));
        }
        Ok(())
    }

    /// Fails unless the next byte is `version`, as another version has another layout.
    pub(super) fn expect_version(&mut self, version: u8, structure: &'static str) -> Result<()> {
        match self.u8()? {
            found if found == version => Ok(()),
            found => Err(NetcdfError::unsupported(format!(
                "version {found} of the {structure}"
            ))),
        }
    }

    /// Reads the checksum that follows, and compares it with that of everything read before.
    pub(super) fn expect_checksum(&mut self, structure: &'static str) -> Result<()> {
        let computed = lookup3(self.consumed());
        if !is_intact(self.u32()?, computed) {
            return Err(NetcdfError::Checksum {
                structure,
                offset: self.base as u64,
            });
        }
        Ok(())
    }
}
