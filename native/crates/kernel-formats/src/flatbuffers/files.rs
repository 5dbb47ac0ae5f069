//! Files of FlatBuffers messages, for [`FilesReader`](crate::FilesReader).

use std::collections::VecDeque;
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::FlatbuffersSchema;
use super::decode::FlatbuffersDecoder;
use super::framing::{LENGTH_BYTES, cuts, messages};
use crate::error::{FormatsError, Result};
use crate::files::{FilePieces, FileRows, InputFile, ReadFile, file_columns};
use crate::messages::InvalidMessage;
use crate::read_ahead::IsStopped;

/// Where a piece of a file may end, in bytes.
const PIECE_BYTES: u64 = 4 << 20;
/// Messages that are decoded at a time.
const BATCH_MESSAGES: usize = 1 << 16;
/// Bytes of a bad message that are told with it.
const BYTES_SHOWN: usize = 1_024;

/// How files of messages are read: each message has its length before it, 4 bytes, little-endian
/// (`FinishSizePrefixed`).
///
/// A message that is not sound is a bad row, told with its place in the file and its bytes in base64, 1,024 at most. A
/// file whose lengths do not lead to its end gives no row.
#[derive(Debug, Clone)]
pub struct FlatbuffersFiles {
    /// What the messages are.
    pub schema: FlatbuffersSchema,
}

impl ReadFile for FlatbuffersFiles {
    fn schema(&self, _file: &InputFile) -> Result<SchemaRef> {
        Ok(self.schema.columns())
    }

    fn open(&self, file: &InputFile, wanted: &SchemaRef) -> Result<FileRows> {
        let title = file.title();
        file_columns(&self.schema.columns(), wanted, &file.constants, &title)?;
        let cuts = cuts(&file.input, &title, PIECE_BYTES)?;
        let (input, schema) = (file.input.clone(), self.schema.clone());
        let rows = (1..cuts.len()).flat_map(move |index| -> FileRows {
            match input.range(cuts[index - 1], cuts[index]) {
                Ok(bytes) => Box::new(Piece::new(&schema, &title, cuts[index - 1], bytes)),
                Err(error) => Box::new(std::iter::once(Err(error))),
            }
        });
        Ok(Box::new(rows))
    }

    fn pieces(
        &self,
        file: &InputFile,
        wanted: &SchemaRef,
        _is_stopped: IsStopped,
    ) -> Result<Option<FilePieces>> {
        let byte_length = file.input.byte_length()?;
        let own = self.schema.columns();
        let fits = wanted.fields().iter().all(|field| {
            let found = own.field_with_name(field.name());
            found.is_ok_and(|found| found == field.as_ref())
        });
        if byte_length <= 2 * PIECE_BYTES || !fits {
            return Ok(None);
        }
        let title = file.title();
        let cuts = cuts(&file.input, &title, PIECE_BYTES)?;
        let (input, schema) = (file.input.clone(), self.schema.clone());
        Ok(Some(FilePieces {
            count: cuts.len() - 1,
            byte_length,
            open: Box::new(move |index| {
                let bytes = input.range(cuts[index], cuts[index + 1])?;
                Ok(Box::new(Piece::new(&schema, &title, cuts[index], bytes)))
            }),
        }))
    }
}

/// Whole messages, one behind the other.
struct Piece {
    decoder: FlatbuffersDecoder,
    title: String,
    /// Where the bytes are in the file.
    start: u64,
    bytes: Bytes,
    messages: Vec<Range<usize>>,
    next: usize,
    ready: VecDeque<Result<RecordBatch>>,
}

impl Piece {
    fn new(schema: &FlatbuffersSchema, title: &str, start: u64, bytes: Bytes) -> Self {
        Self {
            decoder: FlatbuffersDecoder::new(schema),
            title: title.to_owned(),
            start,
            messages: messages(&bytes),
            bytes,
            next: 0,
            ready: VecDeque::new(),
        }
    }

    fn bad_row(&self, InvalidMessage { index, reason }: InvalidMessage) -> FormatsError {
        let range = self.messages[self.next + index].clone();
        let bytes = &self.bytes[range.clone()];
        let shown = STANDARD.encode(&bytes[..bytes.len().min(BYTES_SHOWN)]);
        let more = if bytes.len() > BYTES_SHOWN { "…" } else { "" };
        FormatsError::Message {
            input: self.title.clone(),
            position: self.start + (range.start - LENGTH_BYTES) as u64,
            reason: format!("{reason}; its {} bytes, base64: {shown}{more}", bytes.len()),
        }
    }
}

impl Iterator for Piece {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && self.next < self.messages.len() {
            let end = self.messages.len().min(self.next + BATCH_MESSAGES);
            let decoded = self
                .decoder
                .decode(&self.bytes, &self.messages[self.next..end]);
            for invalid in decoded.invalid {
                let error = self.bad_row(invalid);
                self.ready.push_back(Err(error));
            }
            self.ready.push_back(Ok(decoded.rows));
            self.next += decoded.taken;
        }
        self.ready.pop_front()
    }
}
