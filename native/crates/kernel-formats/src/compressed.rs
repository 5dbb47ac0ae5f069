//! Text files that may be compressed: how, and in which encoding, is found by their first bytes when they are read.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::durable_file::{DurableFile, FileChecksum};
use crate::encoding::{Form, HEAD_BYTES, TextEncoding, Transcoder, form_of};
use crate::error::{FormatsError, Result};
use crate::input::Input;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Text that a compressed file may always hold, in bytes.
const TEXT_BYTES_FREE: u64 = 64 << 20;
/// How many times its own size the text of a larger file may be.
const TEXT_RATIO_MAX: u64 = 1_000;
/// The memory that a zstd frame may ask for, as a power of two (RFC 8878, section 3.1.1.1.2).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How a text file is compressed when it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextCompression {
    /// As it is.
    #[default]
    None,
    /// Gzip (RFC 1952), level 6.
    Gzip,
    /// Zstandard (RFC 8878), level 3.
    Zstd,
}

/// The text of a file, decompressed and in UTF-8.
///
/// At most 64 MiB or 1,000 times the file's size, whichever is more. Memory: for zstd the frame's window, at most
/// 128 MiB.
pub(crate) struct TextReader {
    name: String,
    /// What the file is, as an error message says it.
    format: &'static str,
    source: Box<dyn Read + Send>,
    bytes_left: u64,
    bytes_max: u64,
}

impl TextReader {
    /// Errors: [`FormatsError::Io`], [`FormatsError::Corrupt`] (the compression is damaged at its beginning, or it is a
    /// file of another format).
    pub(crate) fn open(input: &Input, encoding: TextEncoding) -> Result<Self> {
        let name = input.name();
        let failed = |error| FormatsError::io("open", Path::new(&input.name()), error);
        let (mut raw, size): (Box<dyn Read + Send>, u64) = match input {
            Input::Path(path) => {
                let file = File::open(path).map_err(failed)?;
                let size = file.metadata().map_err(failed)?.len();
                (Box::new(file), size)
            }
            Input::Bytes(bytes) => (Box::new(Cursor::new(bytes.clone())), bytes.len() as u64),
        };
        let mut magic = Vec::with_capacity(ZSTD.len());
        raw.by_ref()
            .take(ZSTD.len() as u64)
            .read_to_end(&mut magic)
            .map_err(failed)?;
        let compression = compression_of(&magic);
        let whole = Cursor::new(magic).chain(raw);
        let source: Box<dyn Read + Send> = match compression {
            TextCompression::None => Box::new(whole),
            TextCompression::Gzip => Box::new(MultiGzDecoder::new(whole)),
            TextCompression::Zstd => {
                let mut decoder = zstd::Decoder::new(whole).map_err(failed)?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG_MAX)
                    .map_err(failed)?;
                Box::new(decoder)
            }
        };
        let (format, bytes_max) = match compression {
            TextCompression::None => ("text", u64::MAX),
            _ => {
                let most = size.saturating_mul(TEXT_RATIO_MAX).max(TEXT_BYTES_FREE);
                ("compressed", most)
            }
        };
        let mut reader = Self {
            name,
            format,
            source,
            bytes_left: bytes_max,
            bytes_max,
        };
        reader.find_form(encoding)?;
        Ok(reader)
    }

    /// Looks at the first text and decodes what follows as it is to be.
    fn find_form(&mut self, encoding: TextEncoding) -> Result<()> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        let source = std::mem::replace(&mut self.source, Box::new(io::empty()));
        let mut beginning = source.take(HEAD_BYTES as u64);
        beginning
            .read_to_end(&mut head)
            .map_err(|error| self.failure(error))?;
        let form = form_of(&head, encoding).map_err(|reason| FormatsError::Corrupt {
            input: self.name.clone(),
            format: "text",
            reason: reason.to_owned(),
        })?;
        let whole = Cursor::new(head).chain(beginning.into_inner());
        self.source = match form {
            Form::Utf8 => Box::new(whole),
            _ => Box::new(Transcoder::new(whole, form)),
        };
        Ok(())
    }

    /// Text that is not compressed, whatever it begins with.
    pub(crate) fn of_plain(name: String, text: Bytes) -> Self {
        Self {
            name,
            format: "text",
            source: Box::new(Cursor::new(text)),
            bytes_left: u64::MAX,
            bytes_max: u64::MAX,
        }
    }

    /// Appends the next text, `wanted` bytes of it or all that is left.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::Corrupt`] (the compression or UTF-16 is damaged or cut short),
    /// [`FormatsError::TooLarge`].
    pub(crate) fn append(&mut self, text: &mut Vec<u8>, wanted: usize) -> Result<usize> {
        let found = self
            .source
            .by_ref()
            .take(wanted as u64)
            .read_to_end(text)
            .map_err(|error| self.failure(error))?;
        match self.bytes_left.checked_sub(found as u64) {
            Some(left) => self.bytes_left = left,
            None => {
                return Err(FormatsError::TooLarge {
                    input: self.name.clone(),
                    what: "the decompressed text".to_owned(),
                    bytes: self.bytes_max - self.bytes_left + found as u64,
                    limit: self.bytes_max,
                });
            }
        }
        Ok(found)
    }

    /// An error without a number of the operating system came from a decoder.
    fn failure(&self, error: io::Error) -> FormatsError {
        if error.raw_os_error().is_some() {
            return FormatsError::io("read", Path::new(&self.name), error);
        }
        FormatsError::Corrupt {
            input: self.name.clone(),
            format: self.format,
            reason: error.to_string(),
        }
    }
}

/// How a file is compressed, by its first bytes.
fn compression_of(head: &[u8]) -> TextCompression {
    if head.starts_with(&GZIP) {
        TextCompression::Gzip
    } else if head.starts_with(&ZSTD) {
        TextCompression::Zstd
    } else {
        TextCompression::None
    }
}

/// Whether the bytes of a file are text in UTF-8 as they are, as far as its first ones tell. Errors: [`FormatsError::Io`].
pub(crate) fn is_plain_text(input: &Input, encoding: TextEncoding) -> Result<bool> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.append_range(0, HEAD_BYTES as u64, &mut head)?;
    let is_plain = compression_of(&head) == TextCompression::None;
    Ok(is_plain && form_of(&head, encoding) == Ok(Form::Utf8))
}

/// A text file under construction.
pub(crate) enum TextFile {
    Plain(DurableFile),
    Gzip(InBlocks<GzEncoder<DurableFile>>),
    Zstd(zstd::Encoder<'static, DurableFile>),
}

impl TextFile {
    /// Creates the file, or empties it if it exists. Errors: [`FormatsError::Io`].
    pub(crate) fn create(path: &Path, compression: TextCompression) -> Result<Self> {
        let file = DurableFile::create(path)?;
        Ok(match compression {
            TextCompression::None => Self::Plain(file),
            TextCompression::Gzip => Self::Gzip(InBlocks::new(GzEncoder::new(
                file,
                flate2::Compression::new(6),
            ))),
            TextCompression::Zstd => Self::Zstd(
                zstd::Encoder::new(file, 3)
                    .map_err(|error| FormatsError::io("create", path, error))?,
            ),
        })
    }

    /// Completes the compression and waits until all bytes are on the disk. Errors: [`FormatsError::Io`].
    pub(crate) fn finish(self, path: &Path) -> Result<FileChecksum> {
        let finished = match self {
            Self::Plain(file) => Ok(file),
            Self::Gzip(blocks) => blocks.finish().and_then(GzEncoder::finish),
            Self::Zstd(encoder) => encoder.finish(),
        };
        finished
            .map_err(|error| FormatsError::io("write", path, error))?
            .finish()
    }
}

impl Write for TextFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(blocks) => blocks.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(blocks) => blocks.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// Hands on blocks of one size: what a deflate encoder writes may depend on how its input is cut.
pub(crate) struct InBlocks<W: Write> {
    writer: W,
    block: Vec<u8>,
}

impl<W: Write> InBlocks<W> {
    const BYTES: usize = 256 * 1024;

    fn new(writer: W) -> Self {
        Self {
            writer,
            block: Vec::with_capacity(Self::BYTES),
        }
    }

    fn finish(mut self) -> io::Result<W> {
        self.writer.write_all(&self.block)?;
        Ok(self.writer)
    }
}

impl<W: Write> Write for InBlocks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(Self::BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        if self.block.len() == Self::BYTES {
            self.writer.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.block)?;
        self.block.clear();
        self.writer.flush()
    }
}
