//! Pieces of a JSON file's text, for threads that decode beside each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use memchr::memchr;

use super::params::JsonReadParams;
use super::survey::Survey;
use crate::compressed::TextReader;
use crate::encoding::TextEncoding;
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::read_ahead::IsStopped;

/// Text that one thread decodes at a time, in bytes.
pub(super) const PIECE_BYTES: usize = 4 << 20;

/// What is read at a time where lines or pieces are looked for, in bytes.
const READ_BYTES: usize = 1 << 18;

/// The lines of an uncompressed file that begin from `start` on and before `end`; the last one whole, or cut where it
/// is longer than a row may be.
pub(super) fn lines_within(
    input: &Input,
    start: u64,
    end: u64,
    row_bytes_max: usize,
) -> Result<Bytes> {
    // A line begins at `start` when a line end stands before it.
    let before = start.saturating_sub(1);
    let mut text = Vec::with_capacity((end - before) as usize + READ_BYTES);
    input.append_range(before, end, &mut text)?;
    let begin = match memchr(b'\n', &text) {
        _ if start == 0 => 0,
        Some(length) => length + 1,
        None => return Ok(Bytes::new()),
    };
    let limit = text.len() + row_bytes_max + 1;
    let mut looked = text.len();
    while looked > begin && text.last() != Some(&b'\n') && looked < limit {
        let position = before + looked as u64;
        let wanted = READ_BYTES.min(limit - looked) as u64;
        input.append_range(position, position + wanted, &mut text)?;
        if text.len() == looked {
            break;
        }
        if let Some(length) = memchr(b'\n', &text[looked..]) {
            text.truncate(looked + length + 1);
        }
        looked = text.len();
    }
    Ok(Bytes::from(text).slice(begin..))
}

/// Where a file's text can be cut into pieces, and that its outline is sound. Cost: it is read, and decompressed, once.
///
/// Errors: those of [`TextReader`], [`FormatsError::Json`] for an unsound outline, [`FormatsError::Cancelled`].
pub(super) fn survey(
    input: &Input,
    title: &str,
    params: &JsonReadParams,
    cancelled: IsStopped,
) -> Result<Vec<u64>> {
    let mut survey = Survey::new(params.layout, PIECE_BYTES, params.row_bytes_max);
    let mut reader = TextReader::open(input, params.encoding)?;
    let mut text = Vec::with_capacity(READ_BYTES);
    let unsound = |unsound| FormatsError::json_outline(title, unsound);
    loop {
        if cancelled() {
            return Err(FormatsError::Cancelled);
        }
        text.clear();
        if reader.append(&mut text, READ_BYTES)? == 0 {
            return survey.finish().map_err(unsound);
        }
        survey.see(&text).map_err(unsound)?;
    }
}

/// A file's text between given cuts, in any order and from any thread.
pub(super) enum Pieces {
    Plain(Input, Vec<u64>),
    Decoded(Mutex<Stream>, Vec<u64>),
}

/// A decoder of bytes that are not UTF-8 as they are, which cannot go back, and the pieces it has passed that nobody asked for yet.
pub(super) struct Stream {
    reader: TextReader,
    next: usize,
    passed: BTreeMap<usize, Bytes>,
}

impl Pieces {
    /// `is_plain` where the bytes are UTF-8 as they are. Errors: those of [`TextReader::open`].
    pub(super) fn open(
        input: &Input,
        is_plain: bool,
        encoding: TextEncoding,
        cuts: Vec<u64>,
    ) -> Result<Self> {
        if is_plain {
            return Ok(Self::Plain(input.clone(), cuts));
        }
        let stream = Stream {
            reader: TextReader::open(input, encoding)?,
            next: 0,
            passed: BTreeMap::new(),
        };
        Ok(Self::Decoded(Mutex::new(stream), cuts))
    }

    pub(super) fn count(&self) -> usize {
        let (Self::Plain(_, cuts) | Self::Decoded(_, cuts)) = self;
        cuts.len() - 1
    }

    /// Where the piece begins, in bytes of the text.
    pub(super) fn start(&self, index: usize) -> u64 {
        let (Self::Plain(_, cuts) | Self::Decoded(_, cuts)) = self;
        cuts[index]
    }

    /// Each piece can be had once.
    pub(super) fn read(&self, index: usize) -> Result<Bytes> {
        match self {
            Self::Plain(input, cuts) => input.range(cuts[index], cuts[index + 1]),
            Self::Decoded(stream, cuts) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                while stream.next <= index {
                    let next = stream.next;
                    let mut text = Vec::new();
                    let length = (cuts[next + 1] - cuts[next]) as usize;
                    stream.reader.append(&mut text, length)?;
                    stream.passed.insert(next, text.into());
                    stream.next += 1;
                }
                Ok(stream.passed.remove(&index).unwrap_or_default())
            }
        }
    }
}

/// All the text of a file, when it is at most `bytes_max` long.
pub(super) fn small_text(
    input: &Input,
    encoding: TextEncoding,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>> {
    let size = usize::try_from(input.byte_length()?).unwrap_or(bytes_max);
    let mut text = Vec::with_capacity(size.min(bytes_max) + 1);
    let found = TextReader::open(input, encoding)?.append(&mut text, bytes_max + 1)?;
    Ok((found <= bytes_max).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_one_piece_wherever_the_pieces_are_cut() {
        let text = "a\n\nbcd\nefghijklm\nn\r\n\no".as_bytes();
        for ending in ["", "\n"] {
            let text = [text, ending.as_bytes()].concat();
            for size in 1..=text.len() as u64 {
                let input = Input::from(text.clone());
                let starts = (0..text.len() as u64).step_by(size as usize);
                let pieces =
                    starts.map(|start| lines_within(&input, start, start + size, 100).unwrap());
                let joined: Vec<u8> = pieces.flat_map(|piece| piece.to_vec()).collect();
                assert_eq!(joined, text, "pieces of {size}");
            }
        }
    }

    #[test]
    fn a_line_longer_than_a_row_may_be_is_cut() {
        let input = Input::from([b"x".repeat(1_000), b"\ny\n".to_vec()].concat());
        assert_eq!(lines_within(&input, 0, 10, 20).unwrap().len(), 31);
        assert_eq!(lines_within(&input, 10, 20, 20).unwrap(), "");
        assert_eq!(lines_within(&input, 1_000, 2_000, 20).unwrap(), "y\n");
    }

    #[test]
    fn compressed_pieces_can_be_asked_for_in_any_order() {
        let text = b"0123456789".repeat(10);
        let input = Input::from(zstd::encode_all(text.as_slice(), 3).unwrap());
        let pieces = Pieces::open(&input, false, TextEncoding::Utf8, vec![0, 15, 40, 100]).unwrap();
        assert_eq!(pieces.count(), 3);
        for index in [1, 0, 2] {
            let range = pieces.start(index) as usize..[15, 40, 100][index];
            assert_eq!(pieces.read(index).unwrap(), text[range]);
        }
    }
}
