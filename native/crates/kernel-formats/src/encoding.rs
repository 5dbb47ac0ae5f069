//! How the characters of a text file are written as bytes, and files that are no text.

use std::io::{self, Read};

/// How the characters of a text file are written when it is read. A byte order mark, where there is one, decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// UTF-16; without a byte order mark the order in which the first characters are Latin ones.
    Utf16,
    /// ISO 8859-1: every byte is the character of its number.
    Latin1,
}

/// An encoding with everything that its name leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
}

/// Bytes of a text by which its form is found.
pub(crate) const HEAD_BYTES: usize = 1_024;

/// How files of other formats begin.
const FOREIGN: [(&[u8], &str); 19] = [
    (b"PAR1\x15", "it is a Parquet file"),
    (b"\x89PNG", "it is a PNG image"),
    (b"\xff\xd8\xff", "it is a JPEG image"),
    (b"GIF89a", "it is a GIF image"),
    (
        b"PK\x03\x04",
        "it is a zip archive, as workbooks (.xlsx) are",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "it is an old office document, as workbooks (.xls) are",
    ),
    (b"%PDF-", "it is a PDF document"),
    (b"SQLite format 3\0", "it is an SQLite database"),
    (b"\x89HDF", "it is an HDF5 or NetCDF file"),
    (b"CDF\x01", "it is a NetCDF file"),
    (b"CDF\x02", "it is a NetCDF file"),
    (b"CDF\x05", "it is a NetCDF file"),
    (b"ARROW1\0", "it is an Arrow file"),
    (b"Obj\x01", "it is an Avro file"),
    (b"\x7fELF", "it is a program"),
    (b"\xfd7zXZ\0", "it is compressed by xz, which is not read"),
    (
        b"\x04\x22\x4d\x18",
        "it is compressed by lz4, which is not read",
    ),
    (b"\x1f\x8b\x08", "it is compressed twice"),
    (b"\x28\xb5\x2f\xfd", "it is compressed twice"),
];

/// How a page or a document begins, in lower case and behind blanks.
const MARKUP: [&[u8]; 3] = [b"<!doctype", b"<html", b"<?xml"];

/// The form of a text that begins with `head` (as many bytes as there are, up to [`HEAD_BYTES`]), or why it is no text.
pub(crate) fn form_of(head: &[u8], encoding: TextEncoding) -> Result<Form, &'static str> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            return Err("it is UTF-32, which is not read; save it as UTF-8");
        }
        [0xef, 0xbb, 0xbf, ..] => return Ok(Form::Utf8),
        [0xff, 0xfe, ..] => return Ok(Form::Utf16Le),
        [0xfe, 0xff, ..] => return Ok(Form::Utf16Be),
        _ => {}
    }
    if let Some((_, reason)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(reason);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err("it is a tar archive");
    }
    match encoding {
        TextEncoding::Utf16 => return Ok(without_mark(head)),
        _ if is_markup(head) => return Err("it is HTML or XML"),
        TextEncoding::Latin1 => return Ok(Form::Latin1),
        TextEncoding::Utf8 => {}
    }
    match head {
        [1..=u8::MAX, 0, 0, 0, ..] | [0, 0, 0, 1..=u8::MAX, ..] => {
            Err("it looks like UTF-32, which is not read; save it as UTF-8")
        }
        [1..=u8::MAX, 0, 1..=u8::MAX, 0, ..] | [0, 1..=u8::MAX, 0, 1..=u8::MAX, ..] => Err(
            "it looks like UTF-16 without a byte order mark; set \"encoding\" to \"utf-16\" or save it as UTF-8",
        ),
        _ => Ok(Form::Utf8),
    }
}

/// In Latin text every other byte is zero: the first of each two when they come in big-endian order.
fn without_mark(head: &[u8]) -> Form {
    let zeros = |first: usize| {
        let bytes = head.iter().skip(first).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    if zeros(0) > zeros(1) {
        Form::Utf16Be
    } else {
        Form::Utf16Le
    }
}

fn is_markup(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    MARKUP.iter().any(|begin| {
        text.get(..begin.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(begin))
    })
}

/// Whether a file of UTF-8 cannot begin so: with a zero, and something that is no character.
pub(crate) fn is_binary(text: &[u8]) -> bool {
    let head = &text[..text.len().min(HEAD_BYTES)];
    // The last character may be cut off.
    let is_utf8 = |error: std::str::Utf8Error| error.error_len().is_none();
    head.contains(&0) && !std::str::from_utf8(head).err().is_none_or(is_utf8)
}

/// Text of another form as UTF-8. Memory: 256 KiB.
///
/// Errors of reading: [`io::ErrorKind::InvalidData`] for halves of surrogate pairs and a byte too many, and those of the
/// source.
pub(crate) struct Transcoder<R> {
    source: R,
    form: Form,
    /// Bytes of the source that are not decoded yet.
    raw: Vec<u8>,
    /// How many bytes were decoded before.
    decoded: u64,
    text: String,
    /// How much of the text is taken.
    taken: usize,
}

impl<R: Read> Transcoder<R> {
    const CHUNK_BYTES: u64 = 64 << 10;

    pub(crate) fn new(source: R, form: Form) -> Self {
        Self {
            source,
            form,
            raw: Vec::new(),
            decoded: 0,
            text: String::new(),
            taken: 0,
        }
    }

    /// Decodes the next chunk; no text behind it is the end.
    fn advance(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        let mut chunk = self.source.by_ref().take(Self::CHUNK_BYTES);
        let is_end = chunk.read_to_end(&mut self.raw)? == 0;
        let count = match self.form {
            Form::Utf8 | Form::Latin1 => {
                self.text
                    .extend(self.raw.iter().map(|byte| char::from(*byte)));
                self.raw.len()
            }
            Form::Utf16Le => self.decode_pairs(u16::from_le_bytes, is_end)?,
            Form::Utf16Be => self.decode_pairs(u16::from_be_bytes, is_end)?,
        };
        self.raw.drain(..count);
        self.decoded += count as u64;
        if is_end && !self.raw.is_empty() {
            return Err(self.invalid(0, "it ends within a character"));
        }
        Ok(())
    }

    /// How many bytes were decoded: not a byte too many, nor half a pair before the end.
    fn decode_pairs(&mut self, unit: fn([u8; 2]) -> u16, is_end: bool) -> io::Result<usize> {
        let units = self
            .raw
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]));
        let mut count = 0;
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => {
                    self.text.push(character);
                    count += 2 * character.len_utf16();
                }
                Err(_) if count + 3 >= self.raw.len() && !is_end => break,
                Err(_) => return Err(self.invalid(count, "half a surrogate pair is no character")),
            }
        }
        Ok(count)
    }

    fn invalid(&self, count: usize, reason: &str) -> io::Error {
        let place = self.decoded + count as u64;
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("byte {place}: {reason} of UTF-16"),
        )
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            let before = self.decoded;
            self.advance()?;
            if self.decoded == before && self.raw.is_empty() {
                return Ok(0);
            }
        }
        let rest = &self.text.as_bytes()[self.taken..];
        let count = rest.len().min(bytes.len());
        bytes[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let count = bytes.len().min(1);
            self.0.read(&mut bytes[..count])
        }
    }

    fn utf8(bytes: &[u8], form: Form) -> io::Result<String> {
        let mut text = String::new();
        Transcoder::new(Trickle(bytes), form).read_to_string(&mut text)?;
        Ok(text)
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn every_form_becomes_the_same_text_wherever_it_is_cut() {
        // Long enough that chunks end at every place of a pair.
        for shift in 0..4 {
            let text = "x".repeat(shift) + &"a\u{e9}\u{20ac}\u{1f600}\n".repeat(20_000);
            assert_eq!(
                utf8(&utf16(&text, u16::to_le_bytes), Form::Utf16Le).unwrap(),
                text
            );
            assert_eq!(
                utf8(&utf16(&text, u16::to_be_bytes), Form::Utf16Be).unwrap(),
                text
            );
        }
        assert_eq!(
            utf8(b"caf\xe9\xff", Form::Latin1).unwrap(),
            "caf\u{e9}\u{ff}"
        );
    }

    #[test]
    fn what_is_no_utf_16_is_an_error_with_its_place() {
        let message = |bytes: &[u8]| utf8(bytes, Form::Utf16Le).unwrap_err().to_string();
        assert!(message(b"a\0b").starts_with("byte 2: it ends within"));
        assert!(message(b"a\0\x00\xd8").starts_with("byte 2: half"));
        assert!(message(b"\x00\xdca\0").starts_with("byte 0: half"));
    }

    #[test]
    fn forms_are_found_by_marks_and_by_what_the_user_says() {
        use TextEncoding::{Latin1, Utf8, Utf16};
        let found = |head: &[u8], encoding| form_of(head, encoding).ok();
        for encoding in [Utf8, Utf16, Latin1] {
            assert_eq!(found(b"\xef\xbb\xbfa", encoding), Some(Form::Utf8));
            assert_eq!(found(b"\xff\xfea\0", encoding), Some(Form::Utf16Le));
            assert_eq!(found(b"\xfe\xff\0a", encoding), Some(Form::Utf16Be));
            for no_text in [
                b"\xff\xfe\0\0a\0\0\0".as_slice(),
                b"\0\0\xfe\xff\0\0\0a",
                b"\x89PNG\r\n",
                b"PAR1\x15\x04",
            ] {
                assert_eq!(found(no_text, encoding), None, "{no_text:?}");
            }
        }
        assert_eq!(found(b"a\0,\0", Utf16), Some(Form::Utf16Le));
        assert_eq!(found(b"\0a\0,", Utf16), Some(Form::Utf16Be));
        assert_eq!(found(b"a\xe9", Latin1), Some(Form::Latin1));
        for text in [
            b"".as_slice(),
            b"a",
            b"PAR1,PAR2\n",
            b"caf\xe9\n",
            b"a\n\0\n",
            b"<b>\n",
        ] {
            assert_eq!(found(text, Utf8), Some(Form::Utf8), "{text:?}");
        }
        for no_text in [
            b"a\0,\0".as_slice(),
            b"\0a\0,",
            b"a\0\0\0",
            b"\0\0\0a",
            b" \n<!DOCTYPE html>",
        ] {
            assert_eq!(found(no_text, Utf8), None, "{no_text:?}");
        }
        assert!(is_binary(b"x\xff\xff\0"));
        for text in [b"a\0b".as_slice(), b"caf\xe9\n", b"\0caf\xc3"] {
            assert!(!is_binary(text), "{text:?}");
        }
    }
}
