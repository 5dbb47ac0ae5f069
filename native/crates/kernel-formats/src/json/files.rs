//! Many JSON files, large and small → record batches in file order, decoded beside each other.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;

use super::content::{PIECE_BYTES, Pieces, lines_within, small_text, survey};
use super::infer::infer_json_schema;
use super::params::{JsonLayout, JsonReadParams};
use super::rows::{BadRow, Part, Progress, RowDecoder};
use super::survey::Survey;
use crate::compressed::is_plain_text;
use crate::conform::conform;
use crate::error::{FormatsError, Result};
use crate::files::{BAD_ROWS_MAX, FilesItem, InputFile};
use crate::read_ahead::{IsStopped, ReadAhead};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Files up to this size, in bytes, are read whole.
const SMALL_BYTES: u64 = 16 << 20;
/// A small compressed file whose text is longer, in bytes, is treated as a large one.
const SMALL_TEXT_BYTES: usize = 32 << 20;
/// Small files that one thread decodes at a time, into the same batches.
const GROUP_FILES_MAX: usize = 256;
/// Rows that nobody took yet, in bytes, beyond which no more pieces are begun.
const BYTES_AHEAD_MAX: u64 = 64 << 20;

/// Reads JSON files in their order on the threads of the rayon pool: small ones beside each other, a large one in
/// pieces.
///
/// A row that cannot be read (broken JSON, no object, a value of another type than its column's) is an
/// [`FilesItem::Invalid`] with its line, or in an array its byte, and the others go on; after 1,000 such rows of a file
/// the rest of them is one item with their number. A file whose outline is unsound (no array, an array or string that is
/// not closed, text behind the array, damaged compression) gives one such item and no row. To know that in time, a large
/// array or compressed file is read twice, the first time only for its outline.
///
/// Memory: 64 MiB of rows ahead of the taker, and per thread a piece of 4 MiB or a file of up to 16 MiB (32 MiB
/// decompressed), with up to 64 MiB of rows.
///
/// Errors while iterating: [`FormatsError::Io`], [`FormatsError::Cancelled`]; it ends then.
pub struct JsonFilesReader {
    plan: Arc<Plan>,
    /// What is being read; what has to be read before the rest of the others on top.
    frames: Vec<Frame>,
    ready: VecDeque<FilesItem>,
}

struct Plan {
    files: Vec<InputFile>,
    params: JsonReadParams,
    /// Columns of every batch.
    schema: SchemaRef,
}

/// Segments that are read one after the other.
struct Frame {
    running: Option<Running>,
    waiting: VecDeque<Segment>,
}

/// Work that is done with all threads, ahead of the taker.
enum Segment {
    /// Groups of small files.
    Small(Vec<Range<usize>>),
    /// A large file of lines that is not compressed, and its size in bytes.
    Lines(usize, u64),
    /// A large file that has to be surveyed first.
    Surveyed(usize),
}

struct Running {
    pieces: ReadAhead<Result<Decoded>>,
    /// Of a large file: which one, and what was read of it.
    large: Option<Large>,
}

struct Large {
    file: usize,
    lines: u64,
    tally: Tally,
    /// The text of a piece whose rows did not fit into memory together.
    rest: Option<Text>,
}

/// The bad rows of one file.
#[derive(Default)]
struct Tally {
    count: u64,
    told: u64,
    /// Where the last row is that was told.
    last_place: String,
    last_position: u64,
}

/// What was decoded in one go.
#[derive(Default)]
struct Decoded {
    batches: Vec<RecordBatch>,
    /// Of small files: what is wrong with them or their rows.
    invalid: Vec<(usize, FormatsError)>,
    /// A small file that turned out to be large, and those after it.
    left: Range<usize>,
    /// Of a piece: its bad rows, how many there are, and its lines.
    bad: Vec<BadRow>,
    bad_count: u64,
    lines: u64,
    rest: Option<Text>,
}

/// Text of a large file that is to be decoded from a position on.
struct Text {
    bytes: Bytes,
    position: usize,
    part: Part,
    /// Where the text begins in the file, in bytes.
    start: u64,
}

impl JsonFilesReader {
    /// Begins reading. `schema` has the columns to give, the constants of the files included, and only those. Without it
    /// they are those of the params or else of the first file that has any, all or those of `columns`.
    ///
    /// Errors: [`FormatsError::Io`], [`FormatsError::InvalidParam`], [`FormatsError::UnsupportedType`].
    pub fn start(
        params: JsonReadParams,
        files: Vec<InputFile>,
        schema: Option<SchemaRef>,
        columns: Option<&[String]>,
    ) -> Result<Self> {
        params.check()?;
        let schema = match schema {
            Some(schema) => schema,
            None => narrowed(&found_schema(&params, &files)?, columns),
        };
        let plan = Plan {
            files,
            params,
            schema,
        };
        for file in plan.files.iter().take(1) {
            RowDecoder::new(&plan.own_schema(file), &plan.params)?;
        }
        let first = Frame {
            running: None,
            waiting: plan.segments()?,
        };
        Ok(Self {
            plan: Arc::new(plan),
            frames: vec![first],
            ready: VecDeque::new(),
        })
    }

    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.plan.schema)
    }

    /// The next rows, or the next row or file that cannot be read; waits for them. `cancelled` is asked meanwhile.
    pub fn next(&mut self, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Result<FilesItem>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            if self.frames.is_empty() {
                return None;
            }
            if let Err(error) = self.advance(cancelled) {
                self.frames.clear();
                return Some(Err(error));
            }
        }
    }

    fn advance(&mut self, cancelled: IsStopped) -> Result<()> {
        if cancelled() {
            return Err(FormatsError::Cancelled);
        }
        let Some(frame) = self.frames.last_mut() else {
            return Ok(());
        };
        let Some(running) = &mut frame.running else {
            match frame.waiting.pop_front() {
                Some(segment) => self.begin(segment, cancelled)?,
                None => _ = self.frames.pop(),
            }
            return Ok(());
        };
        if let Some(Large { rest, file, .. }) = &mut running.large
            && let Some(rest) = rest.take()
        {
            let decoded = self.plan.decode_text(*file, rest)?;
            self.settle(decoded);
            return Ok(());
        }
        match running.pieces.take(cancelled) {
            Some(Ok(decoded)) => self.settle(decoded?),
            Some(Err(panic)) => return Err(self.plan.failed(panic)),
            None if cancelled() => return Err(FormatsError::Cancelled),
            None => self.end_running(),
        }
        Ok(())
    }

    fn begin(&mut self, segment: Segment, cancelled: IsStopped) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let (pieces, large) = match segment {
            Segment::Small(groups) => {
                let count = groups.len();
                let work = move |index: usize, stopped: IsStopped| {
                    plan.decode_group(groups[index].clone(), stopped)
                };
                (start_ahead(count, work), None)
            }
            Segment::Lines(file, size) => {
                let count = size.div_ceil(PIECE_BYTES as u64) as usize;
                let work = move |index: usize, _: IsStopped| plan.decode_lines(file, index);
                (start_ahead(count, work), Some(file))
            }
            Segment::Surveyed(file) => match self.plan.surveyed(file, cancelled) {
                Ok(pieces) => {
                    let count = pieces.count();
                    let work =
                        move |index: usize, _: IsStopped| plan.decode_cut(file, &pieces, index);
                    (start_ahead(count, work), Some(file))
                }
                Err(error) if error.is_of_the_file() => {
                    self.reject(file, error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            },
        };
        let large = large.map(|file| Large {
            file,
            lines: 0,
            tally: Tally::default(),
            rest: None,
        });
        if let Some(frame) = self.frames.last_mut() {
            frame.running = Some(Running { pieces, large });
        }
        Ok(())
    }

    /// Makes ready for the taker what was decoded.
    fn settle(&mut self, decoded: Decoded) {
        let batches = decoded.batches.into_iter().map(FilesItem::Rows);
        self.ready.extend(batches);
        for (file, error) in decoded.invalid {
            self.reject(file, error);
        }
        let running = self
            .frames
            .last_mut()
            .and_then(|frame| frame.running.as_mut());
        if let Some(large) = running.and_then(|running| running.large.as_mut()) {
            let file = &self.plan.files[large.file];
            let layout = self.plan.params.layout;
            for bad in decoded.bad {
                if let Some(error) = large.tally.told(&file.title(), layout, large.lines, bad) {
                    let name = file.name.clone();
                    self.ready.push_back(FilesItem::Invalid { name, error });
                }
            }
            large.tally.count += decoded.bad_count;
            large.lines += decoded.lines;
            large.rest = decoded.rest;
        }
        if let Some(file) = decoded.left.clone().next() {
            let after = file + 1..decoded.left.end;
            self.frames.push(Frame {
                running: None,
                waiting: [Segment::Surveyed(file), Segment::Small(vec![after])].into(),
            });
        }
    }

    fn end_running(&mut self) {
        let running = self
            .frames
            .last_mut()
            .and_then(|frame| frame.running.take());
        if let Some(Large { file, tally, .. }) = running.and_then(|running| running.large)
            && let Some(error) = tally.summary(&self.plan.files[file].title())
        {
            self.reject(file, error);
        }
    }

    fn reject(&mut self, file: usize, error: FormatsError) {
        let name = self.plan.files[file].name.clone();
        self.ready.push_back(FilesItem::Invalid { name, error });
    }
}

fn start_ahead(
    count: usize,
    work: impl Fn(usize, IsStopped) -> Result<Decoded> + Send + Sync + 'static,
) -> ReadAhead<Result<Decoded>> {
    let weight = |decoded: &Result<Decoded>| {
        let batches = decoded.iter().flat_map(|decoded| &decoded.batches);
        batches
            .map(|batch| batch.get_array_memory_size() as u64)
            .sum()
    };
    ReadAhead::start(count, BYTES_AHEAD_MAX, weight, work)
}

impl Plan {
    /// The columns that a file's rows themselves have to give.
    fn own_schema(&self, file: &InputFile) -> SchemaRef {
        if file.constants.is_empty() {
            return Arc::clone(&self.schema);
        }
        let is_own = |name: &String| file.constants.iter().all(|(constant, _)| constant != name);
        let own = self.schema.fields().iter();
        let own: Vec<_> = own.filter(|field| is_own(field.name())).cloned().collect();
        Arc::new(Schema::new(own))
    }

    fn segments(&self) -> Result<VecDeque<Segment>> {
        let mut segments = VecDeque::new();
        let mut group_bytes = 0;
        for (index, file) in self.files.iter().enumerate() {
            let size = file.input.byte_length()?;
            if size > SMALL_BYTES {
                let is_cut_anywhere = self.params.layout == JsonLayout::Lines
                    && is_plain_text(&file.input, self.params.encoding)?;
                segments.push_back(match is_cut_anywhere {
                    true => Segment::Lines(index, size),
                    false => Segment::Surveyed(index),
                });
                continue;
            }
            let Some(Segment::Small(groups)) = segments.back_mut() else {
                segments.push_back(Segment::Small(std::iter::once(index..index + 1).collect()));
                group_bytes = size;
                continue;
            };
            group_bytes += size;
            match groups.last_mut() {
                Some(group)
                    if group_bytes <= PIECE_BYTES as u64
                        && group.len() < GROUP_FILES_MAX
                        && self.files[group.start].constants == file.constants =>
                {
                    group.end = index + 1;
                }
                _ => {
                    groups.push(index..index + 1);
                    group_bytes = size;
                }
            }
        }
        Ok(segments)
    }

    fn decode_group(&self, group: Range<usize>, stopped: IsStopped) -> Result<Decoded> {
        let mut decoded = Decoded::default();
        let Some(first) = self.files.get(group.start).filter(|_| !group.is_empty()) else {
            return Ok(decoded);
        };
        let mut decoder = RowDecoder::new(&self.own_schema(first), &self.params)?;
        for index in group.clone() {
            if stopped() {
                return Err(FormatsError::Cancelled);
            }
            match self.decode_small(&mut decoder, &self.files[index]) {
                Ok(Some(errors)) => decoded
                    .invalid
                    .extend(errors.into_iter().map(|error| (index, error))),
                Ok(None) => {
                    decoded.left = index..group.end;
                    break;
                }
                Err(error) if error.is_of_the_file() => decoded.invalid.push((index, error)),
                Err(error) => return Err(error),
            }
        }
        decoded.batches = self.conformed(first, decoder.take_batches())?;
        Ok(decoded)
    }

    /// What is wrong with the file's rows; nothing, and no row, when the file is too large to be read whole.
    ///
    /// Errors: what is wrong with the file; then there is no row of it either.
    fn decode_small(
        &self,
        decoder: &mut RowDecoder,
        file: &InputFile,
    ) -> Result<Option<Vec<FormatsError>>> {
        let Some(text) = small_text(&file.input, self.params.encoding, SMALL_TEXT_BYTES)? else {
            return Ok(None);
        };
        let mark = decoder.mark();
        decoder.clear_counts();
        if decoder.decode(&text, text_start(&text), Part::WHOLE) != Progress::Done {
            decoder.go_back(&mark);
            return Ok(None);
        }
        if decoder.bad.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (title, layout) = (file.title(), self.params.layout);
        if layout == JsonLayout::Array {
            let mut survey = Survey::new(layout, usize::MAX, 0);
            let sound = survey.see(&text);
            if let Err(unsound) = sound.and_then(|()| survey.finish().map(|_| ())) {
                decoder.go_back(&mark);
                return Err(FormatsError::json_outline(&title, unsound));
            }
        }
        let mut tally = Tally {
            count: decoder.bad_count,
            ..Tally::default()
        };
        let bad = std::mem::take(&mut decoder.bad).into_iter();
        let told = bad.filter_map(|bad| tally.told(&title, layout, 0, bad));
        let mut errors: Vec<FormatsError> = told.collect();
        errors.extend(tally.summary(&title));
        Ok(Some(errors))
    }

    fn decode_lines(&self, file: usize, index: usize) -> Result<Decoded> {
        let start = index as u64 * PIECE_BYTES as u64;
        let end = start + PIECE_BYTES as u64;
        let input = &self.files[file].input;
        let bytes = lines_within(input, start, end, self.params.row_bytes_max)?;
        let position = if index == 0 { text_start(&bytes) } else { 0 };
        let text = Text {
            bytes,
            position,
            part: Part::WHOLE,
            start,
        };
        self.decode_text(file, text)
    }

    /// Errors: what is wrong with a large file's outline; otherwise those of reading.
    fn surveyed(&self, file: usize, cancelled: IsStopped) -> Result<Pieces> {
        let InputFile { input, .. } = &self.files[file];
        let cuts = survey(input, &self.files[file].title(), &self.params, cancelled)?;
        let encoding = self.params.encoding;
        Pieces::open(input, is_plain_text(input, encoding)?, encoding, cuts)
    }

    fn decode_cut(&self, file: usize, pieces: &Pieces, index: usize) -> Result<Decoded> {
        let bytes = pieces.read(index)?;
        let part = Part {
            is_first: index == 0,
            is_last: index + 1 == pieces.count(),
        };
        let text = Text {
            position: if part.is_first { text_start(&bytes) } else { 0 },
            bytes,
            part,
            start: pieces.start(index),
        };
        self.decode_text(file, text)
    }

    fn decode_text(&self, file: usize, text: Text) -> Result<Decoded> {
        let file = &self.files[file];
        let mut decoder = RowDecoder::new(&self.own_schema(file), &self.params)?;
        let progress = decoder.decode(&text.bytes, text.position, text.part);
        let batches = self.conformed(file, decoder.take_batches())?;
        let mut bad = std::mem::take(&mut decoder.bad);
        for row in &mut bad {
            row.offset += text.start;
        }
        let rest = match progress {
            Progress::Done => None,
            Progress::Paused(position) => Some(Text {
                position,
                part: Part {
                    is_first: false,
                    ..text.part
                },
                ..text
            }),
        };
        Ok(Decoded {
            batches,
            bad,
            bad_count: decoder.bad_count,
            lines: decoder.lines,
            rest,
            ..Decoded::default()
        })
    }

    fn conformed(&self, file: &InputFile, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
        let conformed =
            |batch: RecordBatch| conform(&batch, &self.schema, &file.constants, &file.name);
        batches.into_iter().map(conformed).collect()
    }

    fn failed(&self, panic: String) -> FormatsError {
        FormatsError::Corrupt {
            input: "one of several files".to_owned(),
            format: "JSON",
            reason: panic,
        }
    }
}

impl Tally {
    /// The error that tells of the row, unless there were too many before.
    fn told(
        &mut self,
        title: &str,
        layout: JsonLayout,
        lines: u64,
        bad: BadRow,
    ) -> Option<FormatsError> {
        if self.told == BAD_ROWS_MAX as u64 {
            return None;
        }
        self.told += 1;
        let (place, position) = match layout {
            JsonLayout::Lines => {
                let line = lines + bad.line + 1;
                (format!("line {line}, character {}", bad.column + 1), line)
            }
            JsonLayout::Array => (format!("byte {}", bad.offset), bad.offset),
        };
        self.last_place.clone_from(&place);
        self.last_position = position;
        Some(FormatsError::Json {
            input: title.to_owned(),
            place,
            position,
            reason: bad.reason,
            is_row: true,
        })
    }

    /// The error that stands for all rows that were not told.
    fn summary(&self, title: &str) -> Option<FormatsError> {
        let count = self.count.saturating_sub(self.told);
        (count > 0).then(|| FormatsError::MoreRows {
            input: title.to_owned(),
            place: self.last_place.clone(),
            position: self.last_position,
            count,
        })
    }
}

/// Where the text begins behind a byte order mark.
fn text_start(text: &[u8]) -> usize {
    if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    }
}

/// The declared columns, or those of the first file that has any.
fn found_schema(params: &JsonReadParams, files: &[InputFile]) -> Result<SchemaRef> {
    if let Some(schema) = &params.schema {
        return Ok(Arc::clone(schema));
    }
    for file in files {
        match infer_json_schema(file.input.clone(), params) {
            Ok(schema) if schema.fields().is_empty() => {}
            Err(error) if error.is_of_the_file() => {}
            found => return found,
        }
    }
    Ok(Arc::new(Schema::empty()))
}

fn narrowed(schema: &SchemaRef, columns: Option<&[String]>) -> SchemaRef {
    let is_wanted = |name: &String| columns.is_none_or(|columns| columns.contains(name));
    let fields = schema.fields().iter();
    let wanted: Vec<_> = fields
        .filter(|field| is_wanted(field.name()))
        .cloned()
        .collect();
    Arc::new(Schema::new(wanted))
}
