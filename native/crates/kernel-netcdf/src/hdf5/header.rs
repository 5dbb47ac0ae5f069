//! Superblock and object headers (HDF5 File Format Specification 3.0, II.A and IV.A.1.b).

use super::source::{Cursor, Source, UNDEFINED};
use crate::error::{NetcdfError, Result};

const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// The address of the root group's object header.
pub(super) fn root_address(source: &Source<'_>, bytes: &[u8]) -> Result<u64> {
    if !bytes.starts_with(SIGNATURE) {
        return Err(signature_elsewhere(bytes));
    }
    let mut cursor = source.cursor(0)?;
    cursor.skip(SIGNATURE.len())?;
    let version = cursor.u8()?;
    let (offset_size, length_size) = (cursor.u8()?, cursor.u8()?);
    if !matches!(version, 2 | 3) || (offset_size, length_size) != (8, 8) {
        return Err(NetcdfError::unsupported(format!(
            "version {version} of the superblock"
        )));
    }
    cursor.skip(1)?;
    let (base, _extension, end, root) =
        (cursor.u64()?, cursor.u64()?, cursor.u64()?, cursor.u64()?);
    cursor.expect_checksum("superblock")?;
    if base != 0 {
        return Err(NetcdfError::unsupported("a user block"));
    }
    source.slice(0, end)?;
    Ok(root)
}

/// HDF5 data may begin after a user block of 512, 1,024, … bytes.
fn signature_elsewhere(bytes: &[u8]) -> NetcdfError {
    let starts = std::iter::successors(Some(512_usize), |start| start.checked_mul(2));
    let mut behind = starts.map_while(|start| bytes.get(start..));
    match behind.any(|rest| rest.starts_with(SIGNATURE)) {
        true => NetcdfError::unsupported("a user block"),
        false => NetcdfError::NotHdf5 {
            length: bytes.len(),
        },
    }
}

/// Message types of object headers.
pub(super) mod kind {
    pub(crate) const DATASPACE: u8 = 0x01;
    pub(crate) const LINK_INFO: u8 = 0x02;
    pub(crate) const DATATYPE: u8 = 0x03;
    pub(crate) const FILL_VALUE: u8 = 0x05;
    pub(crate) const LINK: u8 = 0x06;
    pub(crate) const EXTERNAL_FILES: u8 = 0x07;
    pub(crate) const LAYOUT: u8 = 0x08;
    pub(crate) const FILTERS: u8 = 0x0b;
    pub(crate) const ATTRIBUTE: u8 = 0x0c;
    pub(crate) const CONTINUATION: u8 = 0x10;
    pub(crate) const SYMBOL_TABLE: u8 = 0x11;
    pub(crate) const ATTRIBUTE_INFO: u8 = 0x15;
}

/// One message of an object header.
pub(super) struct Message<'a> {
    pub(super) kind: u8,
    is_shared: bool,
    body: Cursor<'a>,
}

/// The messages of one object.
pub(super) struct Header<'a> {
    pub(super) messages: Vec<Message<'a>>,
}

impl<'a> Header<'a> {
    /// Parses the version 2 object header at `address`, with all its continuations.
    pub(super) fn parse(source: &Source<'a>, address: u64) -> Result<Self> {
        source.visit()?;
        let mut cursor = source.cursor(address)?;
        if cursor.clone().u8()? == 1 {
            return Err(NetcdfError::unsupported("version 1 of the object header"));
        }
        cursor.expect(b"OHDR", "object header")?;
        cursor.expect_version(2, "object header")?;
        let flags = cursor.u8()?;
        let (has_creation_order, has_phase_change, has_times) =
            (flags & 4 != 0, flags & 16 != 0, flags & 32 != 0);
        cursor.skip(if has_times { 16 } else { 0 } + if has_phase_change { 4 } else { 0 })?;
        let length = cursor.uint(1 << (flags & 3))?;
        let messages_at = cursor.offset();
        let messages = cursor.take(as_length(length))?;
        cursor.expect_checksum("object header")?;

        let mut header = Self {
            messages: Vec::with_capacity(32),
        };
        header.append(Cursor::new(messages, messages_at), has_creation_order)?;
        let mut next = 0;
        while let Some(message) = header.messages.get(next) {
            if message.kind == kind::CONTINUATION {
                let mut body = message.body.clone();
                let block = continuation(source, body.u64()?, body.u64()?)?;
                header.append(block, has_creation_order)?;
            }
            next += 1;
        }
        Ok(header)
    }

    fn append(&mut self, mut cursor: Cursor<'a>, has_creation_order: bool) -> Result<()> {
        let prefix = if has_creation_order { 6 } else { 4 };
        // What is left behind the last message and shorter than a message prefix is a gap.
        while cursor.remaining() >= prefix {
            let kind = cursor.u8()?;
            let length = cursor.u16()?;
            let flags = cursor.u8()?;
            cursor.skip(prefix - 4)?;
            let at = cursor.offset();
            let body = Cursor::new(cursor.take(usize::from(length))?, at);
            self.messages.push(Message {
                kind,
                is_shared: flags & 2 != 0,
                body,
            });
        }
        Ok(())
    }

    /// The body of the first message of that kind.
    pub(super) fn find(&self, kind: u8) -> Result<Option<Cursor<'a>>> {
        self.all(kind).next().transpose()
    }

    /// The bodies of all messages of that kind.
    pub(super) fn all(&self, kind: u8) -> impl Iterator<Item = Result<Cursor<'a>>> {
        self.messages
            .iter()
            .filter(move |message| message.kind == kind)
            .map(|message| {
                if message.is_shared {
                    return Err(NetcdfError::unsupported("shared object header messages"));
                }
                Ok(message.body.clone())
            })
    }
}

fn continuation<'a>(source: &Source<'a>, address: u64, length: u64) -> Result<Cursor<'a>> {
    const SIGNATURE_AND_CHECKSUM: usize = 8;
    source.visit()?;
    if address == UNDEFINED || length < SIGNATURE_AND_CHECKSUM as u64 {
        return Err(NetcdfError::corrupt(
            as_length(address),
            "a continuation without a place",
        ));
    }
    let block = source.slice(address, length)?;
    let mut cursor = Cursor::new(block, address as usize);
    cursor.expect(b"OCHK", "object header continuation")?;
    let at = cursor.offset();
    let messages = cursor.take(block.len() - SIGNATURE_AND_CHECKSUM)?;
    cursor.expect_checksum("object header continuation")?;
    Ok(Cursor::new(messages, at))
}

/// A length of the file as `usize`; what does not fit is beyond the end of the file in any case.
pub(super) fn as_length(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
