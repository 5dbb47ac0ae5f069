//! The rows of a staged file.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memchr::memchr;

use crate::error::{KafkaError, Result};

/// Bytes that are read at a time.
const READ_BYTES: u64 = 1 << 20;
/// Bytes of a length, little-endian and without sign.
const LENGTH_BYTES: usize = 4;
/// What a row may have, in bytes; no broker takes more.
const ROW_BYTES_MAX: usize = 1 << 30;

/// How rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A line break ends each of them.
    Newline,
    /// Each has its length before it: 4 bytes, little-endian.
    Length,
}

/// Hands out rows of a file; memory is what is held since [`RowReader::forget`].
pub(crate) struct RowReader {
    path: PathBuf,
    file: File,
    framing: Framing,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer.
    next: usize,
}

impl RowReader {
    /// Errors: [`KafkaError::Io`].
    pub(crate) fn open(path: &Path, framing: Framing) -> Result<Self> {
        Ok(Self {
            file: File::open(path).map_err(|source| KafkaError::io(path, source))?,
            path: path.to_owned(),
            framing,
            buffer: Vec::new(),
            next: 0,
        })
    }

    /// What the ranges since [`RowReader::forget`] are of.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Lets go of the rows so far.
    pub(crate) fn forget(&mut self) {
        if self.next >= self.buffer.len() / 2 {
            self.buffer.drain(..self.next);
            self.next = 0;
        }
    }

    /// Where the next row is; nothing at the end of the file.
    ///
    /// Errors: [`KafkaError::Io`], [`KafkaError::Staged`].
    pub(crate) fn next(&mut self) -> Result<Option<Range<usize>>> {
        let mut looked = self.next;
        loop {
            if let Some(range) = self.row_in_buffer(looked)? {
                return Ok(Some(range));
            }
            looked = self.buffer.len();
            if self.read()? == 0 {
                if looked == self.next {
                    return Ok(None);
                }
                return Err(self.unsound("ends within a row"));
            }
        }
    }

    /// The next row, if all of it is here; up to `looked` there is no line break.
    fn row_in_buffer(&mut self, looked: usize) -> Result<Option<Range<usize>>> {
        let start = self.next;
        match self.framing {
            Framing::Newline => {
                let Some(length) = memchr(b'\n', &self.buffer[looked..]) else {
                    self.check_length(self.buffer.len() - start)?;
                    return Ok(None);
                };
                self.next = looked + length + 1;
                Ok(Some(start..looked + length))
            }
            Framing::Length => {
                let Some(length) = self.buffer[start..].first_chunk::<LENGTH_BYTES>() else {
                    return Ok(None);
                };
                let length = u32::from_le_bytes(*length) as usize;
                self.check_length(length)?;
                let row = start + LENGTH_BYTES..start + LENGTH_BYTES + length;
                if row.end > self.buffer.len() {
                    return Ok(None);
                }
                self.next = row.end;
                Ok(Some(row))
            }
        }
    }

    fn check_length(&self, length: usize) -> Result<()> {
        if length > ROW_BYTES_MAX {
            return Err(self.unsound("has a row of more than 1 GiB"));
        }
        Ok(())
    }

    fn read(&mut self) -> Result<usize> {
        let mut part = self.file.by_ref().take(READ_BYTES);
        part.read_to_end(&mut self.buffer)
            .map_err(|source| KafkaError::io(&self.path, source))
    }

    pub(crate) fn unsound(&self, reason: &str) -> KafkaError {
        KafkaError::Staged {
            path: self.path.clone(),
            reason: reason.to_owned(),
        }
    }
}
