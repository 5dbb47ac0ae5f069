//! A piece of a JSON file → record batches and the rows that could not be read.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, SchemaRef};
use memchr::memchr;

use super::column::{Columns, Origin, row_bytes};
use super::cursor::{Cursor, Stop};
use super::params::{JsonLayout, JsonReadParams};
use crate::error::Result;
use crate::files::BAD_ROWS_MAX;

/// What one batch may hold in values of fixed width, in bytes: a row of many columns can be two characters long.
const BATCH_BYTES_MAX: usize = 16 << 20;

/// What the batches of one turn may hold before the decoder stops for the taker, in bytes.
const TURN_BYTES_MAX: usize = 64 << 20;

const CHARACTERS_SHOWN: usize = 64;

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadRow {
    /// The line within the piece, from 0.
    pub(super) line: u64,
    /// Where the fault is in the piece or, later, in the file, in bytes.
    pub(super) offset: u64,
    /// Where in its line the fault is, in bytes.
    pub(super) column: usize,
    pub(super) reason: String,
}

/// Decodes pieces of files one after the other; rows of several pieces may share a batch.
pub(super) struct RowDecoder {
    schema: SchemaRef,
    columns: Columns,
    has_text: bool,
    layout: JsonLayout,
    batch_rows: usize,
    row_bytes_max: usize,
    batches: Vec<RecordBatch>,
    held_bytes: usize,
    /// The first bad rows, in order.
    pub(super) bad: Vec<BadRow>,
    pub(super) bad_count: u64,
    /// Lines that were read of the piece.
    pub(super) lines: u64,
}

/// A state to which a decoder can go back.
pub(super) struct Mark {
    batch_count: usize,
    rows: usize,
}

/// Which ends of its file a piece has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

impl Part {
    pub(super) const WHOLE: Self = Self {
        is_first: true,
        is_last: true,
    };
}

/// What is left of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing.
    Done,
    /// The text from this offset: the batches have become too large to go on before they are taken.
    Paused(usize),
}

impl RowDecoder {
    /// Errors: [`FormatsError::UnsupportedType`](crate::FormatsError::UnsupportedType).
    pub(super) fn new(schema: &SchemaRef, params: &JsonReadParams) -> Result<Self> {
        let width = row_bytes(schema.fields()).max(1);
        let origin = match params.schema {
            Some(_) => Origin::Declared,
            None => Origin::Inferred,
        };
        Ok(Self {
            columns: Columns::new(schema.fields(), origin)?,
            has_text: schema
                .flattened_fields()
                .iter()
                .any(|field| matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8)),
            schema: schema.clone(),
            layout: params.layout,
            batch_rows: params.batch_rows.min((BATCH_BYTES_MAX / width).max(1)),
            row_bytes_max: params.row_bytes_max,
            batches: Vec::new(),
            held_bytes: 0,
            bad: Vec::new(),
            bad_count: 0,
            lines: 0,
        })
    }

    /// The batches so far, the rows that are in none yet included.
    pub(super) fn take_batches(&mut self) -> Vec<RecordBatch> {
        self.flush();
        self.held_bytes = 0;
        std::mem::take(&mut self.batches)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            batch_count: self.batches.len(),
            rows: self.columns.rows,
        }
    }

    /// Drops all rows that came after the mark.
    pub(super) fn go_back(&mut self, mark: &Mark) {
        if self.batches.len() == mark.batch_count {
            self.columns.truncate(mark.rows);
            return;
        }
        self.columns.truncate(0);
        self.batches.truncate(mark.batch_count + 1);
        if let Some(last) = self.batches.pop()
            && mark.rows > 0
        {
            self.batches.push(last.slice(0, mark.rows));
        }
    }

    /// Forgets the bad rows and lines of the piece before.
    pub(super) fn clear_counts(&mut self) {
        self.bad.clear();
        (self.bad_count, self.lines) = (0, 0);
    }

    /// Takes the rows of a piece from `start` on. Cost: linear.
    ///
    /// In lines, a piece is whole lines; in an array, elements with the commas after them, and with the array's
    /// brackets when the piece is the first or the last one of its file.
    pub(super) fn decode(&mut self, text: &[u8], start: usize, part: Part) -> Progress {
        let mut cursor = Cursor::new(text);
        cursor.is_utf8 = self.has_text && std::str::from_utf8(text).is_ok();
        cursor.set_position(start);
        match self.layout {
            JsonLayout::Lines => self.decode_lines(text, cursor),
            JsonLayout::Array => self.decode_elements(text, cursor, part),
        }
    }

    fn decode_lines(&mut self, text: &[u8], mut cursor: Cursor) -> Progress {
        while cursor.position() < text.len() {
            if self.is_full() {
                return Progress::Paused(cursor.position());
            }
            self.decode_line(&mut cursor, text);
            self.lines += 1;
        }
        Progress::Done
    }

    /// Takes a line with its end.
    #[inline]
    fn decode_line(&mut self, cursor: &mut Cursor, text: &[u8]) {
        let (start, rows) = (cursor.position(), self.columns.rows);
        cursor.has_left_line = false;
        cursor.skip_blanks_within_line();
        if cursor.take(b"\n") || cursor.position() == text.len() {
            return;
        }
        let read = self.columns.read(cursor).and_then(|()| {
            cursor.skip_blanks_within_line();
            let (is_at_end, length) = (cursor.is_at_line_end(), cursor.position() - start);
            match (cursor.has_left_line, is_at_end) {
                (true, _) => Err(Stop::Syntax("the line ends within the row")),
                (false, false) => Err(Stop::Syntax("something follows the row on its line")),
                (false, true) if length > self.row_bytes_max => {
                    Err(Stop::Syntax("the row is longer than rows may be"))
                }
                (false, true) => Ok(()),
            }
        });
        match read {
            Ok(()) => {
                self.keep();
                cursor.take(b"\n");
            }
            Err(stop) => {
                let length = memchr(b'\n', &text[start..]);
                let end = length.map_or(text.len(), |length| start + length);
                self.take_back(rows, cursor, text, start, end, stop);
                cursor.set_position((end + 1).min(text.len()));
            }
        }
    }

    fn decode_elements(&mut self, text: &[u8], mut cursor: Cursor, part: Part) -> Progress {
        if part.is_first {
            cursor.skip_blanks();
            if cursor.position() == text.len() && part.is_last {
                return Progress::Done;
            }
            if !cursor.take(b"[") {
                self.reject(0, 0, "no array begins".to_owned());
                return Progress::Done;
            }
            cursor.skip_blanks();
            if cursor.take(b"]") {
                return self.decode_end(text, cursor);
            }
        }
        loop {
            cursor.skip_blanks();
            if cursor.position() == text.len() && !part.is_last {
                return Progress::Done;
            }
            if self.is_full() {
                return Progress::Paused(cursor.position());
            }
            self.decode_element(&mut cursor, text);
            if !cursor.take(b",") {
                if !cursor.take(b"]") {
                    self.reject(text.len(), 0, "the array is not closed".to_owned());
                }
                return self.decode_end(text, cursor);
            }
        }
    }

    /// Takes an element; the cursor is then at the comma or bracket after it, or at the end.
    #[inline]
    fn decode_element(&mut self, cursor: &mut Cursor, text: &[u8]) {
        let (start, rows) = (cursor.position(), self.columns.rows);
        let read = self.columns.read(cursor).and_then(|()| {
            cursor.skip_blanks();
            match cursor.peek() {
                b',' | b']' => Ok(()),
                _ => Err(Stop::Syntax("a comma or a closing bracket is missing")),
            }
        });
        match read {
            Ok(()) => self.keep(),
            Err(stop) => {
                let end = element_end(text, start);
                self.take_back(rows, cursor, text, start, end, stop);
                cursor.set_position(end);
            }
        }
    }

    /// Nothing but blanks may follow the array.
    fn decode_end(&mut self, text: &[u8], mut cursor: Cursor) -> Progress {
        cursor.skip_blanks();
        if cursor.position() < text.len() {
            self.reject(cursor.position(), 0, "text follows the array".to_owned());
        }
        Progress::Done
    }

    #[inline]
    fn keep(&mut self) {
        if self.columns.rows == self.batch_rows {
            self.flush();
        }
    }

    /// Drops the row that was begun after `rows` others, and remembers why.
    #[cold]
    fn take_back(
        &mut self,
        rows: usize,
        cursor: &mut Cursor,
        text: &[u8],
        start: usize,
        end: usize,
        stop: Stop,
    ) {
        self.columns.truncate(rows);
        let fault = cursor.position().min(end);
        let reason = reason_of(stop, cursor, &text[fault..end]);
        self.reject(start, fault - start, reason);
    }

    #[cold]
    fn reject(&mut self, start: usize, column: usize, reason: String) {
        self.bad_count += 1;
        if self.bad.len() < BAD_ROWS_MAX {
            self.bad.push(BadRow {
                line: self.lines,
                offset: (start + column) as u64,
                column,
                reason,
            });
        }
    }

    fn is_full(&self) -> bool {
        self.held_bytes >= TURN_BYTES_MAX
    }

    fn flush(&mut self) {
        let rows = self.columns.rows;
        if rows == 0 {
            return;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = self.columns.finish();
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .expect("the columns are built for the schema");
        self.held_bytes += batch.get_array_memory_size();
        self.batches.push(batch);
    }
}

/// Why a row could not be read; `rest` is its text from the fault on.
pub(super) fn reason_of(stop: Stop, cursor: &mut Cursor, rest: &[u8]) -> String {
    let found = excerpt(rest);
    match stop {
        Stop::Syntax(reason) => format!("{reason}, before {found}"),
        Stop::Misfit => {
            let misfit = std::mem::take(&mut cursor.misfit);
            let path: Vec<&str> = misfit.path.iter().rev().map(String::as_str).collect();
            format!("{} is not {}: {found}", path.join("."), misfit.expected)
        }
    }
}

/// Where the element that begins at `start` ends: at a comma or bracket that belongs to no bracket and no string
/// since, or at the end of the text.
pub(super) fn element_end(text: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut position) = (0_usize, false, start);
    while let Some(byte) = text.get(position) {
        match byte {
            b'\\' if in_string => position += 1,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b',' | b']' | b'}' if depth == 0 => return position,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        position += 1;
    }
    text.len()
}

/// The beginning of a text, as a message shows it.
fn excerpt(text: &[u8]) -> String {
    if text.is_empty() {
        return "the end".to_owned();
    }
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * CHARACTERS_SHOWN)]);
    text.chars().take(CHARACTERS_SHOWN).collect()
}
