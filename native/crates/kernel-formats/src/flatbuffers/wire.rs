//! Checked access to one FlatBuffers message: whatever its bytes say, nothing outside of them is read.

/// Why a message cannot be read, as a message to the user says it.
pub(super) type Fault = String;

/// The bytes of a message. Places are counted from its root offset.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    /// What was before the message when it was aligned, in bytes: 4 for its length, or 0.
    pub(super) shift: usize,
}

/// A table in a message, with its vtable.
#[derive(Clone, Copy)]
pub(super) struct Table<'a> {
    message: Message<'a>,
    place: usize,
    size: usize,
    /// Offsets of the fields, two bytes each.
    slots: &'a [u8],
}

impl<'a> Message<'a> {
    pub(super) fn root(self) -> Result<Table<'a>, Fault> {
        self.table(self.target(0)?)
    }

    #[inline]
    fn check_aligned(self, place: usize, align: usize) -> Result<(), Fault> {
        if (place + self.shift) & (align - 1) == 0 {
            return Ok(());
        }
        Err(misaligned(place, align))
    }

    /// `size` bytes that must be aligned.
    #[inline]
    pub(super) fn aligned(
        self,
        place: usize,
        size: usize,
        align: usize,
    ) -> Result<&'a [u8], Fault> {
        self.check_aligned(place, align)?;
        let end = place.checked_add(size);
        end.and_then(|end| self.bytes.get(place..end))
            .ok_or_else(|| outside(place, size, self.bytes.len()))
    }

    #[inline]
    fn u32(self, place: usize) -> Result<usize, Fault> {
        let bytes = self.aligned(place, 4, 4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    /// Where the offset that is stored at a place leads to.
    #[inline]
    pub(super) fn target(self, place: usize) -> Result<usize, Fault> {
        let offset = self.u32(place)?;
        if offset == 0 || offset > i32::MAX as usize {
            return Err(format!("the offset at byte {place} is {offset}"));
        }
        Ok(place + offset)
    }

    /// The table that begins at a place.
    #[inline]
    pub(super) fn table(self, place: usize) -> Result<Table<'a>, Fault> {
        let back = self.u32(place)? as u32 as i32;
        let vtable = place as i64 - i64::from(back);
        let Ok(vtable) = usize::try_from(vtable) else {
            return Err(format!(
                "the vtable of the table at byte {place} is outside"
            ));
        };
        let head = self.aligned(vtable, 4, 2)?;
        let length = u16::from_le_bytes([head[0], head[1]]) as usize;
        let size = u16::from_le_bytes([head[2], head[3]]) as usize;
        if length < 4 || length % 2 == 1 || size < 4 {
            return Err(format!(
                "the vtable at byte {vtable} has {length} bytes for a table of {size}"
            ));
        }
        let slots = &self.aligned(vtable, length, 2)?[4..];
        self.aligned(place, size, 4)?;
        Ok(Table {
            message: self,
            place,
            size,
            slots,
        })
    }

    /// The place of the first item and the number of items of the vector at a place.
    #[inline]
    pub(super) fn vector(
        self,
        place: usize,
        item_size: usize,
        align: usize,
    ) -> Result<(usize, usize), Fault> {
        let count = self.u32(place)?;
        let items = place + 4;
        if count > 0 {
            let size = count.saturating_mul(item_size);
            self.aligned(items, size, align)?;
        }
        Ok((items, count))
    }

    /// The string at a place.
    #[inline]
    pub(super) fn text(self, place: usize) -> Result<&'a str, Fault> {
        let (start, length) = self.vector(place, 1, 1)?;
        let end = start + length;
        match self.bytes.get(end) {
            Some(0) => {}
            _ => return Err(format!("the string at byte {place} does not end in a zero")),
        }
        std::str::from_utf8(&self.bytes[start..end])
            .map_err(|_| format!("the string at byte {place} is not UTF-8"))
    }
}

impl<'a> Table<'a> {
    /// Where a field of `size` bytes is; none when it is not there.
    #[inline]
    pub(super) fn field(
        &self,
        slot: usize,
        size: usize,
        align: usize,
    ) -> Result<Option<usize>, Fault> {
        let Some(entry) = self.slots.get(2 * slot..2 * slot + 2) else {
            return Ok(None);
        };
        let offset = u16::from_le_bytes([entry[0], entry[1]]) as usize;
        if offset == 0 {
            return Ok(None);
        }
        if offset < 4 || offset + size > self.size {
            let (place, all) = (self.place, self.size);
            return Err(format!(
                "a field of the table at byte {place} is at {offset} of its {all} bytes"
            ));
        }
        let place = self.place + offset;
        self.message.check_aligned(place, align)?;
        Ok(Some(place))
    }

    /// The first byte of the table.
    pub(super) fn place(&self) -> usize {
        self.place
    }
}

#[cold]
fn misaligned(place: usize, align: usize) -> Fault {
    format!("{MISALIGNED} byte {place} is not aligned to {align} bytes")
}

/// How a fault begins that may come of a wrong idea of what was before the message.
pub(super) const MISALIGNED: &str = "a value at";

#[cold]
fn outside(place: usize, size: usize, length: usize) -> Fault {
    format!("{size} bytes are said to be at byte {place}, but the message has {length}")
}
