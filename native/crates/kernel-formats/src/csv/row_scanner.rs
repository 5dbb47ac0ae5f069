//! Splits CSV text into rows and fields (RFC 4180), with bounded memory.

use bytes::Bytes;

use super::params::CsvReadParams;
use crate::compressed::TextReader;
use crate::encoding::is_binary;
use crate::error::{FormatsError, Result};
use crate::input::Input;

const READ_BYTES: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One field of the current row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    start: usize,
    end: usize,
    /// A quoted field is never null.
    pub(super) quoted: bool,
    /// Whether it holds doubled quotes.
    escaped: bool,
}

/// Where a row begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// In the text, in bytes.
    pub(super) offset: u64,
    /// The line, from 1.
    pub(super) line: u64,
}

/// Reads rows one after the other. LF, CR LF and CR alone end a line; a quoted field may hold any of them.
///
/// Memory: 1 MiB, or twice the longest row.
pub(super) struct RowScanner {
    name: String,
    source: TextReader,
    delimiter: u8,
    row_bytes_max: usize,
    buffer: Vec<u8>,
    /// Where the unread rest begins.
    position: usize,
    /// Bytes of the text before the buffer.
    passed: u64,
    at_end: bool,
    line: u64,
    next_line: u64,
    fields: Vec<Field>,
    unescaped: Vec<u8>,
}

/// How far one attempt to split a row came.
enum Split {
    /// The row is complete; the next one starts at this position, this many lines further down.
    Row { next: usize, lines: u64 },
    /// The buffer ends inside the row.
    Incomplete,
    /// A quote of the field that was begun is wrong.
    BadQuote(&'static str),
}

impl RowScanner {
    /// Errors: those of [`TextReader::open`], [`FormatsError::Corrupt`] (it is no text).
    pub(super) fn open(input: &Input, params: &CsvReadParams) -> Result<Self> {
        let mut scanner = Self::new(
            input.name(),
            TextReader::open(input, params.encoding)?,
            1,
            params,
        );
        scanner.fill()?;
        if is_binary(&scanner.buffer) {
            return Err(FormatsError::Corrupt {
                input: scanner.name,
                format: "CSV",
                reason: "it holds bytes that no text has".to_owned(),
            });
        }
        if scanner.buffer.starts_with(BYTE_ORDER_MARK) {
            scanner.position = BYTE_ORDER_MARK.len();
        }
        Ok(scanner)
    }

    /// Reads whole rows out of the middle of a file, the first of them beginning on `line`.
    pub(super) fn of_rows(name: String, text: Bytes, line: u64, params: &CsvReadParams) -> Self {
        let nothing = TextReader::of_plain(name.clone(), Bytes::new());
        Self {
            buffer: text.into(),
            at_end: true,
            ..Self::new(name, nothing, line, params)
        }
    }

    fn new(name: String, source: TextReader, line: u64, params: &CsvReadParams) -> Self {
        Self {
            name,
            source,
            delimiter: params.delimiter,
            row_bytes_max: params.row_bytes_max,
            buffer: Vec::new(),
            position: 0,
            passed: 0,
            at_end: false,
            line: 0,
            next_line: line,
            fields: Vec::new(),
            unescaped: Vec::new(),
        }
    }

    /// Where the next row begins.
    pub(super) fn place(&self) -> Place {
        Place {
            offset: self.passed + self.position as u64,
            line: self.next_line,
        }
    }

    /// The input, as error messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The line on which the current row begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The current row's fields.
    pub(super) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether the current row is an empty line.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.fields.as_slice(), [field] if field.start == field.end && !field.quoted)
    }

    /// The field's text, without quotes; doubled quotes are made single.
    pub(super) fn text(&mut self, field: Field) -> &[u8] {
        let raw = &self.buffer[field.start..field.end];
        if !field.escaped {
            return raw;
        }
        self.unescaped.clear();
        let mut after_quote = false;
        for byte in raw {
            after_quote = *byte == b'"' && !after_quote;
            if !after_quote {
                self.unescaped.push(*byte);
            }
        }
        &self.unescaped
    }

    /// Moves to the next row; false at the end of the input.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::CsvQuote`], [`FormatsError::TooLarge`]; none of
    /// them leaves a place from which reading could go on.
    pub(super) fn advance(&mut self) -> Result<bool> {
        loop {
            if self.position == self.buffer.len() && self.at_end {
                return Ok(false);
            }
            match self.split_row() {
                Split::Row { next, lines } => {
                    let has_line_end = self.buffer[..next].last() == Some(&b'\n');
                    self.check_row(next - usize::from(has_line_end) - self.position)?;
                    self.position = next;
                    self.line = self.next_line;
                    self.next_line += lines;
                    return Ok(true);
                }
                Split::Incomplete => self.fill()?,
                Split::BadQuote(reason) => {
                    return Err(FormatsError::CsvQuote {
                        input: self.name.clone(),
                        line: self.next_line,
                        column: self.fields.len() + 1,
                        reason,
                    });
                }
            }
        }
    }

    fn split_row(&mut self) -> Split {
        self.fields.clear();
        let mut start = self.position;
        let mut lines = 1;
        loop {
            let (field, after) = if self.buffer.get(start) == Some(&b'"') {
                match self.split_quoted(start + 1, &mut lines) {
                    Ok(found) => found,
                    Err(stopped) => return stopped,
                }
            } else {
                match self.split_plain(start) {
                    Some(found) => found,
                    None => return Split::Incomplete,
                }
            };
            self.fields.push(field);
            match self.buffer.get(after) {
                Some(byte) if *byte == self.delimiter => start = after + 1,
                Some(b'\r') if self.buffer.get(after + 1) == Some(&b'\n') => {
                    return Split::Row {
                        next: after + 2,
                        lines,
                    };
                }
                // A line feed may follow.
                Some(b'\r') if after + 1 == self.buffer.len() && !self.at_end => {
                    return Split::Incomplete;
                }
                Some(_) => {
                    return Split::Row {
                        next: after + 1,
                        lines,
                    };
                }
                None => return Split::Row { next: after, lines },
            }
        }
    }

    /// An unquoted field and the position of the byte that ends it.
    fn split_plain(&self, start: usize) -> Option<(Field, usize)> {
        let rest = &self.buffer[start..];
        // Few bytes are that small, so that most take two comparisons.
        let is_line_end = |byte: u8| byte <= b'\r' && (byte == b'\n' || byte == b'\r');
        let length = rest
            .iter()
            .position(|byte| *byte == self.delimiter || is_line_end(*byte));
        let after = match length {
            Some(length) => start + length,
            None if self.at_end => self.buffer.len(),
            None => return None,
        };
        Some((
            Field {
                start,
                end: after,
                quoted: false,
                escaped: false,
            },
            after,
        ))
    }

    /// A quoted field, whose text begins at `start`, and the position of the byte after its quote.
    fn split_quoted(
        &self,
        start: usize,
        lines: &mut u64,
    ) -> std::result::Result<(Field, usize), Split> {
        let mut position = start;
        let mut escaped = false;
        loop {
            match self.buffer.get(position) {
                Some(b'"') => match self.buffer.get(position + 1) {
                    Some(b'"') => {
                        escaped = true;
                        position += 2;
                    }
                    None if !self.at_end => return Err(Split::Incomplete),
                    None | Some(b'\n' | b'\r') => break,
                    Some(byte) if *byte == self.delimiter => break,
                    _ => return Err(Split::BadQuote("text follows a closing quote")),
                },
                Some(byte) => {
                    // The first byte of a line's end counts it.
                    let is_second = *byte == b'\n' && self.buffer[position - 1] == b'\r';
                    *lines += u64::from(matches!(byte, b'\n' | b'\r') && !is_second);
                    position += 1;
                }
                None if self.at_end => return Err(Split::BadQuote("a quote is never closed")),
                None => return Err(Split::Incomplete),
            }
        }
        Ok((
            Field {
                start,
                end: position,
                quoted: true,
                escaped,
            },
            position + 1,
        ))
    }

    /// Errors: [`FormatsError::TooLarge`] for a row of so many bytes, a line feed at its end not among them.
    fn check_row(&self, bytes: usize) -> Result<()> {
        if bytes <= self.row_bytes_max {
            return Ok(());
        }
        Err(FormatsError::TooLarge {
            input: self.name.clone(),
            what: format!("the row on line {}", self.next_line),
            bytes: bytes as u64,
            limit: self.row_bytes_max as u64,
        })
    }

    /// Reads more, after moving the unread rest to the front.
    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.position);
        self.passed += self.position as u64;
        self.position = 0;
        let rest = self.buffer.len();
        self.check_row(rest)?;
        // The buffer doubles while a row does not fit, so that a long row is split few times.
        let wanted = rest.max(READ_BYTES);
        let count = self.source.append(&mut self.buffer, wanted)?;
        self.at_end = count < wanted;
        Ok(())
    }
}
