//! Walks over a whole CSV file before any of its rows are given away: whether every quote stands where one must, and
//! where the file can be cut into pieces.

use memchr::memchr3;

use super::params::CsvReadParams;
use super::row_scanner::Place;
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::read_ahead::IsStopped;

/// Text that one thread decodes at a time, in bytes.
const PIECE_BYTES: u64 = 4 << 20;
/// What is read at a time, in bytes.
const READ_BYTES: u64 = 1 << 20;

/// Where the rows of an uncompressed file can be cut into pieces, from `start`, where a row begins, to the end of the
/// file. None when decoding it might find a fault that no single row has: a quote within an unquoted field, text behind
/// a closing quote, a quote that is never closed, a row longer than the bound.
///
/// Cost: the file is read once, at a tenth of what decoding it costs.
///
/// Errors: [`FormatsError::Io`], [`FormatsError::Cancelled`].
pub(super) fn survey(
    input: &Input,
    start: Place,
    params: &CsvReadParams,
    is_stopped: IsStopped,
) -> Result<Option<Vec<Place>>> {
    let mut survey = Survey::new(start, params, PIECE_BYTES);
    let mut text = Vec::with_capacity(READ_BYTES as usize);
    loop {
        if is_stopped() {
            return Err(FormatsError::Cancelled);
        }
        text.clear();
        let offset = survey.offset;
        input.append_range(offset, offset + READ_BYTES, &mut text)?;
        if text.is_empty() {
            return Ok(survey.finish());
        }
        if !survey.see(&text) {
            return Ok(None);
        }
    }
}

/// Sees the text of a file's rows in portions of any size.
struct Survey {
    delimiter: u8,
    row_bytes_max: u64,
    piece_bytes: u64,
    /// Where the next portion begins.
    offset: u64,
    line: u64,
    row_start: u64,
    state: State,
    /// The byte before the next portion.
    last: u8,
    cuts: Vec<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Where a quote must follow a delimiter or a row's end.
    Unquoted,
    Quoted,
    /// After a quote within quotes, which closes the field unless another one follows.
    Closing,
    /// After a carriage return that ends a row, and may have a line feed behind it.
    Return,
}

impl Survey {
    fn new(start: Place, params: &CsvReadParams, piece_bytes: u64) -> Self {
        Self {
            delimiter: params.delimiter,
            row_bytes_max: params.row_bytes_max as u64,
            piece_bytes,
            offset: start.offset,
            line: start.line,
            row_start: start.offset,
            state: State::Unquoted,
            last: b'\n',
            cuts: vec![start],
        }
    }

    /// Sees the next text; false when it is irregular, and nothing more need be seen.
    fn see(&mut self, text: &[u8]) -> bool {
        let mut position = 0;
        while position < text.len() {
            if matches!(self.state, State::Unquoted | State::Quoted) {
                let Some(length) = memchr3(b'"', b'\n', b'\r', &text[position..]) else {
                    break;
                };
                position += length;
            }
            let place = self.offset + position as u64;
            self.state = match (self.state, text[position]) {
                (State::Return, byte) if byte != b'\n' => {
                    if !self.end_row(place, place) {
                        return false;
                    }
                    // The byte begins a row, and is looked at again as such.
                    self.state = State::Unquoted;
                    continue;
                }
                (State::Quoted, byte @ (b'\n' | b'\r')) => {
                    // The first byte of a line's end counts it.
                    let is_second = byte == b'\n' && self.before(position, text) == b'\r';
                    self.line += u64::from(!is_second);
                    State::Quoted
                }
                (State::Unquoted | State::Closing | State::Return, b'\n') => {
                    if !self.end_row(place, place + 1) {
                        return false;
                    }
                    State::Unquoted
                }
                (State::Unquoted | State::Closing, b'\r') => State::Return,
                (State::Unquoted, _) if self.can_open(position, text) => State::Quoted,
                (State::Quoted, _) => State::Closing,
                (State::Closing, b'"') => State::Quoted,
                (State::Closing, byte) if byte == self.delimiter => State::Unquoted,
                _ => return false,
            };
            position += 1;
        }
        self.last = text.last().copied().unwrap_or(self.last);
        self.offset += text.len() as u64;
        self.offset - self.row_start <= self.row_bytes_max
    }

    fn before(&self, position: usize, text: &[u8]) -> u8 {
        position.checked_sub(1).map_or(self.last, |at| text[at])
    }

    fn can_open(&self, position: usize, text: &[u8]) -> bool {
        let before = self.before(position, text);
        before == self.delimiter || matches!(before, b'\n' | b'\r')
    }

    /// Ends the row at `end`, where a line feed follows or the next one begins, at `next`; false when it is too long.
    fn end_row(&mut self, end: u64, next: u64) -> bool {
        let is_short = end - self.row_start <= self.row_bytes_max;
        self.line += 1;
        self.row_start = next;
        let last_cut = self.cuts.last().map_or(0, |cut| cut.offset);
        if self.row_start - last_cut >= self.piece_bytes {
            self.cuts.push(Place {
                offset: self.row_start,
                line: self.line,
            });
        }
        is_short
    }

    /// Where the pieces begin, and where the last one ends.
    fn finish(mut self) -> Option<Vec<Place>> {
        self.cuts.push(Place {
            offset: self.offset,
            line: self.line,
        });
        (self.state != State::Quoted).then_some(self.cuts)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_schema::{DataType, Field, Schema};

    use super::super::reader::{CsvReader, RowLayout};
    use super::super::row_scanner::RowScanner;
    use super::*;

    /// Files without a header, of one column of text.
    fn params() -> CsvReadParams {
        let field = Field::new("a", DataType::Utf8, true);
        CsvReadParams {
            header: false,
            schema: Some(Arc::new(Schema::new(vec![field]))),
            ..CsvReadParams::default()
        }
    }

    fn scanner(text: &[u8], params: &CsvReadParams) -> RowScanner {
        RowScanner::open(&text.to_vec().into(), params).unwrap()
    }

    fn cuts_of(
        text: &[u8],
        params: &CsvReadParams,
        piece: u64,
        portion: usize,
    ) -> Option<Vec<Place>> {
        let start = scanner(text, params).place();
        let mut survey = Survey::new(start, params, piece);
        for portion in text[start.offset as usize..].chunks(portion) {
            if !survey.see(portion) {
                return None;
            }
        }
        survey.finish()
    }

    /// Values, `null`s and the messages of bad rows, in order; and whether the file itself is bad.
    fn read(reader: CsvReader) -> (Vec<String>, bool) {
        let (mut found, mut is_bad) = (Vec::new(), false);
        for batch in reader {
            match batch {
                Ok(batch) => {
                    let values = batch.column(0).as_string::<i32>().iter();
                    found.extend(values.map(|value| value.unwrap_or("null").to_owned()));
                }
                Err(error) => {
                    is_bad |= !error.is_of_a_row();
                    found.push(error.to_string());
                }
            }
        }
        (found, is_bad)
    }

    fn read_pieces(text: &[u8], params: &CsvReadParams, cuts: &[Place]) -> Vec<String> {
        let schema = params.schema.clone().unwrap();
        let layout = RowLayout::read(&mut scanner(text, params), schema, false).unwrap();
        let mut found = Vec::new();
        for cut in cuts.windows(2) {
            let piece = text[cut[0].offset as usize..cut[1].offset as usize].to_vec();
            let rows = RowScanner::of_rows("<memory>".into(), piece.into(), cut[0].line, params);
            let reader = CsvReader::new(rows, layout.clone(), params).unwrap();
            found.extend(read(reader).0);
        }
        found
    }

    /// Each row in a batch of its own, so that values and bad rows are found in the order of the file.
    fn rows_of(text: &[u8]) -> (Vec<String>, bool) {
        let params = CsvReadParams {
            batch_rows: 1,
            ..params()
        };
        read(CsvReader::open(text.to_vec(), &params).unwrap())
    }

    #[test]
    fn every_short_text_that_is_called_regular_reads_the_same_whole_and_in_pieces() {
        let params = CsvReadParams {
            batch_rows: 1,
            ..params()
        };
        let (mut regular, mut bad) = (0, 0);
        for length in 0..=7_u32 {
            for number in 0..5_usize.pow(length) {
                let letter = |place| b"\",\n\ra"[number / 5_usize.pow(place) % 5];
                let text: Vec<u8> = (0..length).map(letter).collect();
                let (whole, is_bad) = rows_of(&text);
                bad += usize::from(is_bad);
                for portion in [1, 2, 3, 8] {
                    let cuts = cuts_of(&text, &params, 1, portion);
                    let text_shown = String::from_utf8_lossy(&text);
                    assert!(
                        !is_bad || cuts.is_none(),
                        "{text_shown:?} is bad: {whole:?}"
                    );
                    if let Some(cuts) = cuts {
                        regular += 1;
                        assert_eq!(read_pieces(&text, &params, &cuts), whole, "{text_shown:?}");
                    }
                }
            }
        }
        // Neither is the check vacuous: most texts are bad, and very many of the others are regular.
        assert!(regular > 50_000 && bad > 20_000, "{regular} {bad}");
    }

    #[test]
    fn lines_end_as_in_every_editor() {
        for length in 0..=7_u32 {
            for number in 0..4_usize.pow(length) {
                let letter = |place| b"a\n\r,"[number / 4_usize.pow(place) % 4];
                let text: Vec<u8> = (0..length).map(letter).collect();
                let text = String::from_utf8(text).unwrap();
                let lines = text.replace("\r\n", "\n").replace('\r', "\n");
                let expected: Vec<_> = lines.split_terminator('\n').collect();
                let mut rows = scanner(text.as_bytes(), &params());
                let mut found = Vec::new();
                while rows.advance().unwrap() {
                    assert_eq!(rows.line() as usize, found.len() + 1, "{text:?}");
                    let fields = rows.fields().to_vec().into_iter();
                    let fields: Vec<_> = fields
                        .map(|field| String::from_utf8(rows.text(field).to_vec()).unwrap())
                        .collect();
                    found.push(fields.join(","));
                }
                assert_eq!(found, expected, "{text:?}");
                let cuts = cuts_of(text.as_bytes(), &params(), 1, 2).unwrap();
                let ends =
                    found.len() - usize::from(!text.ends_with(['\n', '\r']) && !text.is_empty());
                assert!(cuts.len() >= ends.max(1), "{text:?} {cuts:?}");
            }
        }
    }

    #[test]
    fn quotes_at_their_places_are_regular_and_rows_are_cut_behind_their_ends() {
        let text =
            b"\xef\xbb\xbf\"a\",b,\"\"\r\n\"say \"\"hi\"\"\n\",\"\r\n\",x\n,\"\"\"\"\n\"last\"";
        for portion in 1..text.len() {
            let cuts = cuts_of(text, &params(), 1, portion).unwrap();
            let places: Vec<_> = cuts.iter().map(|cut| (cut.offset, cut.line)).collect();
            assert_eq!(places, [(3, 1), (13, 2), (34, 5), (40, 6), (46, 6)]);
        }
        for irregular in [
            "a\"b\n",
            "\"a\"b\n",
            "\"a\n",
            "\"a\"\rb\"",
            "a \"b\"\n",
            "\"\"\"\n",
        ] {
            assert_eq!(
                cuts_of(irregular.as_bytes(), &params(), 1, 8),
                None,
                "{irregular}"
            );
        }
    }

    #[test]
    fn pieces_have_the_size_that_is_asked_for() {
        let text = b"\"1\",2\n".repeat(1_000);
        let cuts = cuts_of(&text, &params(), 100, 64).unwrap();
        assert_eq!(cuts.len(), 60);
        assert_eq!((cuts[1].offset, cuts[1].line), (102, 18));
        assert_eq!(cuts.last().map(|cut| cut.offset), Some(6_000));
    }

    #[test]
    fn rows_that_a_reader_refuses_as_too_long_are_irregular_wherever_its_text_is_cut() {
        for (row, ending) in [("aaaaaaaa", ""), ("\"aaaaaa\"", "\r\n"), ("aaaaaaa", "\r")] {
            // The text that is read first ends at every place of the row.
            for shift in 0..12 {
                let filling = b"aaaaaa\n".repeat((1 << 20) / 7 - 1);
                let filling = [filling.as_slice(), &b"\n".repeat(shift)].concat();
                let text = [&filling, row.as_bytes(), ending.as_bytes()].concat();
                for row_bytes_max in 7..=10 {
                    let params = CsvReadParams {
                        row_bytes_max,
                        ..params()
                    };
                    let (_, is_bad) = read(CsvReader::open(text.clone(), &params).unwrap());
                    let cuts = cuts_of(&text, &params, 1 << 30, text.len());
                    let length = (row.to_owned() + ending).trim_end_matches('\n').len();
                    assert_eq!(
                        is_bad,
                        length > row_bytes_max,
                        "{row} {shift} {row_bytes_max}"
                    );
                    assert_eq!(cuts.is_none(), is_bad, "{row} {shift} {row_bytes_max}");
                }
            }
        }
    }
}
