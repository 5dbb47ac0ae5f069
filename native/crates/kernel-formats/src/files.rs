//! Many files of one format → record batches in file order, decoded beside each other.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::conform::{Constant, conform, is_convertible};
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::read_ahead::{IsStopped, ReadAhead};

/// A file among many.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// What the file is called when it cannot be read.
    pub name: String,
    /// Where its bytes are.
    pub input: Input,
    /// Columns whose value is given by the file's place.
    pub constants: Vec<Constant>,
}

impl InputFile {
    /// How error messages call it.
    pub(crate) fn title(&self) -> String {
        match &self.input {
            Input::Path(_) => self.input.name(),
            Input::Bytes(_) => self.name.clone(),
        }
    }
}

/// Positions in a file's `schema` of the columns from which the `wanted` ones are made; those that it has not, and those
/// of the constants, are left out.
///
/// Errors: [`FormatsError::Drift`] where a column is missing that must have values, is of a type that cannot be
/// converted, or where the file has none of them.
pub(crate) fn file_columns(
    schema: &SchemaRef,
    wanted: &SchemaRef,
    constants: &[Constant],
    input: &str,
) -> Result<Vec<usize>> {
    let is_constant = |name: &String| constants.iter().any(|(constant, _)| constant == name);
    let own: Vec<&FieldRef> = wanted
        .fields()
        .iter()
        .filter(|field| !is_constant(field.name()))
        .collect();
    let drift = |column: &str, reason: String| FormatsError::Drift {
        input: input.to_owned(),
        column: column.to_owned(),
        reason,
    };
    let mut positions = Vec::with_capacity(own.len());
    for field in &own {
        match schema.index_of(field.name()) {
            Ok(position) if is_convertible(schema.field(position), field) => {
                positions.push(position);
            }
            Ok(position) => {
                let (found, expected) = (schema.field(position).data_type(), field.data_type());
                let reason = format!("it is {found}, where {expected} is expected");
                return Err(drift(field.name(), reason));
            }
            Err(_) if field.is_nullable() => {}
            Err(_) => return Err(drift(field.name(), "it is not in the file".to_owned())),
        }
    }
    match own.first() {
        Some(first) if positions.is_empty() => {
            let reason = format!(
                "neither it nor another one of them is in the file, which has {}",
                names(schema)
            );
            Err(drift(first.name(), reason))
        }
        _ => Ok(positions),
    }
}

fn names(schema: &SchemaRef) -> String {
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    names.join(", ")
}

/// The rows of one file, batch by batch.
pub type FileRows = Box<dyn Iterator<Item = Result<RecordBatch>> + Send>;

/// How files of a format are read.
pub trait ReadFile: Send + Sync + 'static {
    /// The columns of a file. `constants` are not among them, unless the file holds them too.
    fn schema(&self, file: &InputFile) -> Result<SchemaRef>;

    /// Opens a file for the columns of `wanted`. Columns that it does not have may be missing from the batches and
    /// columns that are not wanted may be there, types may differ from the wanted ones, rows that nobody wants may be
    /// left out.
    fn open(&self, file: &InputFile, wanted: &SchemaRef) -> Result<FileRows>;

    /// Whether it is certain, at much less cost than decoding the file, that all its rows but single bad ones can be
    /// decoded. False when only decoding would tell.
    fn is_sound(&self, _file: &InputFile) -> Result<bool> {
        Ok(false)
    }
}

/// What [`FilesReader`] gives at a time.
#[derive(Debug)]
pub enum FilesItem {
    /// Rows of the next files, never empty.
    Rows(RecordBatch),
    /// A row cannot be read, or a file cannot be decoded, of which no row came then.
    Invalid {
        /// The file's name.
        name: String,
        /// What is wrong with it.
        error: FormatsError,
    },
}

/// Rows of a file that are told one by one when they cannot be read; further ones are counted.
pub(crate) const BAD_ROWS_MAX: usize = 1_000;
/// Rows that nobody took yet, in bytes, beyond which no more files are begun.
const BYTES_AHEAD_MAX: u64 = 64 << 20;
/// The rows of one file that are kept until its last row is known to be good, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Batches of at least as many rows, or bytes, go on as they are; smaller ones are joined.
const ROWS_ALONE: usize = 1 << 15;
const BYTES_ALONE: usize = 2 << 20;
/// Where a joined batch ends.
const ROWS_JOINED: usize = 1 << 16;
const BYTES_JOINED: usize = 4 << 20;

/// Reads files in their order, several at a time on the threads of the rayon pool.
///
/// All batches have the same columns: those asked for, or those of the first file whose columns can be read, in which
/// [`conform`](crate::conform) puts every file. Small files share a batch. A row that cannot be read is an
/// [`FilesItem::Invalid`], behind the other rows of its file; after 1,000 of them their number is one item. A file that
/// cannot be decoded gives no row at all; for that, the rows of a file beyond 64 MiB are decoded twice, unless its format
/// can tell in another way. How rows are cut into batches depends on the files alone.
///
/// Memory: 64 MiB of rows ahead of the taker, and per thread the rows of one file, up to 64 MiB.
///
/// Errors while iterating: [`FormatsError::Io`], [`FormatsError::Cancelled`], and wrong settings; it ends then.
pub struct FilesReader {
    read: Arc<Reading>,
    pieces: ReadAhead<Result<FilePiece>>,
    next_file: usize,
    /// Of a large file, the rows behind those that were kept, and which of them are bad.
    rest: Option<(FileRows, BadRows)>,
    /// Rows that wait to be joined.
    small: Vec<RecordBatch>,
    small_rows: usize,
    small_bytes: usize,
    ready: std::collections::VecDeque<FilesItem>,
    ended: bool,
}

struct Reading {
    format: Box<dyn ReadFile>,
    files: Vec<InputFile>,
    schema: SchemaRef,
}

/// The rows of one file.
#[derive(Default)]
struct FilePiece {
    batches: Vec<RecordBatch>,
    bad: BadRows,
    rest: Rest,
}

/// What of a file is not in its piece.
#[derive(Default)]
enum Rest {
    #[default]
    Nothing,
    /// Rows that were decoded and are good; they have to be decoded again, behind so many batches.
    Again(usize),
    /// Rows that are still to be decoded.
    Unread(FileRows),
}

/// Rows of one file that cannot be read.
#[derive(Default)]
struct BadRows {
    /// What is wrong with the first of them.
    told: Vec<FormatsError>,
    count: u64,
}

impl BadRows {
    fn add(&mut self, error: FormatsError) {
        self.count += 1;
        if self.told.len() < BAD_ROWS_MAX {
            self.told.push(error);
        }
    }

    /// One item for each that is told, and one for the others.
    fn into_items(self, name: &str) -> impl Iterator<Item = FilesItem> {
        let more = self.count - self.told.len() as u64;
        let summary = self.told.last().and_then(|last| last.and_more(more));
        self.told
            .into_iter()
            .chain(summary)
            .map(|error| FilesItem::Invalid {
                name: name.to_owned(),
                error,
            })
    }
}

impl FilesReader {
    /// Begins reading. `schema` has the columns to give, constants included, and only those. Without it they are found
    /// in the first file whose columns can be read: all, or those of `columns`; constants that are not in it are left
    /// out.
    ///
    /// Errors: [`FormatsError::Io`], and wrong settings.
    pub fn start(
        format: impl ReadFile,
        files: Vec<InputFile>,
        schema: Option<SchemaRef>,
        columns: Option<&[String]>,
    ) -> Result<Self> {
        let schema = match schema {
            Some(schema) => schema,
            None => found_schema(&format, &files, columns)?,
        };
        let read = Arc::new(Reading {
            format: Box::new(format),
            files,
            schema,
        });
        let reading = Arc::clone(&read);
        let weight = |piece: &Result<FilePiece>| {
            let batches = piece.iter().flat_map(|piece| &piece.batches);
            batches
                .map(|batch| batch.get_array_memory_size() as u64)
                .sum()
        };
        let work = move |index: usize, is_stopped: IsStopped| reading.piece(index, is_stopped);
        Ok(Self {
            pieces: ReadAhead::start(read.files.len(), BYTES_AHEAD_MAX, weight, work),
            read,
            next_file: 0,
            rest: None,
            small: Vec::new(),
            small_rows: 0,
            small_bytes: 0,
            ready: Default::default(),
            ended: false,
        })
    }

    /// The columns of every batch.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.read.schema)
    }

    /// The next rows, or the next file that cannot be decoded; waits for them. `cancelled` is asked meanwhile.
    pub fn next(&mut self, cancelled: &(dyn Fn() -> bool + Sync)) -> Option<Result<FilesItem>> {
        while !self.ended {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            if let Err(error) = self.advance(cancelled) {
                self.ended = true;
                return Some(Err(error));
            }
        }
        self.ready.pop_front().map(Ok)
    }

    fn advance(&mut self, cancelled: IsStopped) -> Result<()> {
        if let Some((rows, bad)) = &mut self.rest {
            if cancelled() {
                return Err(FormatsError::Cancelled);
            }
            match rows.next() {
                Some(Err(error)) if error.is_of_a_row() => bad.add(error),
                Some(batch) => {
                    let batch = self.read.conformed(self.next_file - 1, batch?)?;
                    self.push(batch)?;
                }
                None => self.end_file(),
            }
            return Ok(());
        }
        let Some(piece) = self.pieces.take(cancelled) else {
            if self.next_file < self.read.files.len() {
                return Err(FormatsError::Cancelled);
            }
            self.ended = true;
            return self.join();
        };
        let file = self.next_file;
        self.next_file += 1;
        match piece.unwrap_or_else(|panic| Err(self.read.failed(file, panic))) {
            Ok(piece) => self.take(file, piece),
            Err(error) if error.is_of_the_file() => {
                self.join()?;
                let name = self.read.files[file].name.clone();
                self.ready.push_back(FilesItem::Invalid { name, error });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, file: usize, piece: FilePiece) -> Result<()> {
        for batch in piece.batches {
            self.push(batch)?;
        }
        let rows: FileRows = match piece.rest {
            Rest::Nothing => Box::new(std::iter::empty()),
            Rest::Unread(rows) => rows,
            Rest::Again(kept) => {
                let rows = self
                    .read
                    .format
                    .open(&self.read.files[file], &self.read.schema)?;
                let good = rows.filter(|rows| rows.as_ref().err().is_none_or(|e| !e.is_of_a_row()));
                Box::new(good.skip(kept))
            }
        };
        self.rest = Some((rows, piece.bad));
        Ok(())
    }

    fn end_file(&mut self) {
        let name = &self.read.files[self.next_file - 1].name;
        let bad = self.rest.take().map(|(_, bad)| bad).unwrap_or_default();
        self.ready.extend(bad.into_items(name));
    }

    /// Adds rows behind those that are there, joined with them where both are few.
    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
        if rows == 0 {
            return Ok(());
        }
        let is_alone = rows >= ROWS_ALONE || bytes >= BYTES_ALONE;
        let is_full =
            self.small_rows + rows > ROWS_JOINED || self.small_bytes + bytes > BYTES_JOINED;
        if is_alone || is_full {
            self.join()?;
        }
        if is_alone {
            self.ready.push_back(FilesItem::Rows(batch));
            return Ok(());
        }
        self.small.push(batch);
        self.small_rows += rows;
        self.small_bytes += bytes;
        Ok(())
    }

    fn join(&mut self) -> Result<()> {
        let rows = match self.small.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            several => concat_batches(&self.read.schema, several)
                .map_err(|error| self.read.failed(self.next_file - 1, error.to_string()))?,
        };
        self.small.clear();
        (self.small_rows, self.small_bytes) = (0, 0);
        self.ready.push_back(FilesItem::Rows(rows));
        Ok(())
    }
}

impl Reading {
    fn piece(&self, index: usize, is_stopped: IsStopped) -> Result<FilePiece> {
        let mut piece = FilePiece::default();
        let mut bytes = 0;
        let mut rows = self.format.open(&self.files[index], &self.schema)?;
        while let Some(batch) = rows.next() {
            if is_stopped() {
                return Err(FormatsError::Cancelled);
            }
            let batch = match batch {
                Err(error) if error.is_of_a_row() => {
                    piece.bad.add(error);
                    continue;
                }
                batch => self.conformed(index, batch?)?,
            };
            if matches!(piece.rest, Rest::Again(_)) {
                continue;
            }
            bytes += batch.get_array_memory_size() as u64;
            piece.batches.push(batch);
            if bytes > FILE_BYTES_MAX {
                if self.format.is_sound(&self.files[index])? {
                    piece.rest = Rest::Unread(rows);
                    return Ok(piece);
                }
                // What does not fit is only looked at: a later row may still be bad.
                piece.rest = Rest::Again(piece.batches.len());
            }
        }
        Ok(piece)
    }

    fn conformed(&self, index: usize, batch: RecordBatch) -> Result<RecordBatch> {
        let InputFile {
            name, constants, ..
        } = &self.files[index];
        conform(&batch, &self.schema, constants, name)
    }

    fn failed(&self, index: usize, reason: String) -> FormatsError {
        FormatsError::Drift {
            input: self.files[index].name.clone(),
            column: String::new(),
            reason,
        }
    }
}

fn found_schema(
    format: &impl ReadFile,
    files: &[InputFile],
    columns: Option<&[String]>,
) -> Result<SchemaRef> {
    for file in files {
        match format.schema(file) {
            Ok(schema) => {
                let is_wanted =
                    |name: &String| columns.is_none_or(|columns| columns.contains(name));
                let fields = schema
                    .fields()
                    .iter()
                    .filter(|field| is_wanted(field.name()));
                return Ok(Arc::new(Schema::new_with_metadata(
                    fields.cloned().collect::<Vec<_>>(),
                    schema.metadata().clone(),
                )));
            }
            Err(error) if error.is_of_the_file() => {}
            Err(error) => return Err(error),
        }
    }
    // No file can be read, and each will say why.
    Ok(Arc::new(Schema::empty()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow_array::Int64Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_schema::{DataType, Field};

    use super::*;

    /// Files whose name is how many batches of how many rows they give, such as `3x100`; a trailing `!` is damage at
    /// the end, a trailing `?` says that they are sound.
    struct Numbers {
        opened: Arc<AtomicUsize>,
    }

    impl ReadFile for Numbers {
        fn schema(&self, _: &InputFile) -> Result<SchemaRef> {
            let field = Field::new("n", DataType::Int64, false);
            Ok(Arc::new(Schema::new(vec![field])))
        }

        fn open(&self, file: &InputFile, wanted: &SchemaRef) -> Result<FileRows> {
            self.opened.fetch_add(1, Ordering::SeqCst);
            let text = file.name.trim_end_matches(['!', '?']);
            let (batches, rows) = text.split_once('x').unwrap();
            let (batches, rows): (i64, i64) = (batches.parse().unwrap(), rows.parse().unwrap());
            let (schema, damaged) = (Arc::clone(wanted), file.name.ends_with('!'));
            let good = (0..batches).map(move |batch| {
                let numbers = Int64Array::from_iter_values(batch * rows..(batch + 1) * rows);
                Ok(RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)]).unwrap())
            });
            let bad = damaged.then(|| Err(FormatsError::corrupt_parquet("it", "damage")));
            Ok(Box::new(good.chain(bad)))
        }

        fn is_sound(&self, file: &InputFile) -> Result<bool> {
            Ok(file.name.ends_with('?'))
        }
    }

    fn read(names: &[&str]) -> (Vec<String>, Vec<i64>, usize) {
        let file = |name: &&str| InputFile {
            name: (*name).to_owned(),
            input: Vec::new().into(),
            constants: Vec::new(),
        };
        let opened = Arc::new(AtomicUsize::new(0));
        let format = Numbers {
            opened: Arc::clone(&opened),
        };
        let files = names.iter().map(file).collect();
        let mut reader = FilesReader::start(format, files, None, None).unwrap();
        let (mut cuts, mut values) = (Vec::new(), Vec::new());
        while let Some(item) = reader.next(&|| false) {
            match item.unwrap() {
                FilesItem::Rows(rows) => {
                    cuts.push(rows.num_rows().to_string());
                    values.extend(rows.column(0).as_primitive::<Int64Type>().values());
                }
                FilesItem::Invalid { name, .. } => cuts.push(name),
            }
        }
        (cuts, values, opened.load(Ordering::SeqCst))
    }

    #[test]
    fn small_files_share_a_batch_and_large_batches_stay() {
        let (cuts, _, _) = read(&[
            "1x30000", "1x30000", "1x30000", "1x40000", "0x1", "1x5", "1x7",
        ]);
        assert_eq!(cuts, ["60000", "30000", "40000", "12"]);
    }

    #[test]
    fn a_damaged_file_gives_no_row_and_the_others_theirs_in_order() {
        let (cuts, values, _) = read(&["2x3", "5x10!", "1x2"]);
        assert_eq!(cuts, ["6", "5x10!", "2"]);
        assert_eq!(values, [0, 1, 2, 3, 4, 5, 0, 1]);
    }

    #[test]
    fn a_file_larger_than_memory_allows_is_opened_twice_and_gives_every_row_once() {
        let rows = 1 << 20;
        let (_, values, opened) = read(&[&format!("20x{rows}"), &format!("20x{rows}!"), "1x1"]);
        let expected = (0..20 * rows as i64).chain([0]);
        assert!(values.into_iter().eq(expected));
        assert_eq!(opened, 4);
    }

    #[test]
    fn a_large_file_that_is_known_to_be_sound_is_opened_once() {
        let rows = 1 << 20;
        let (_, values, opened) = read(&[&format!("20x{rows}?"), "1x1"]);
        assert!(values.into_iter().eq((0..20 * rows as i64).chain([0])));
        assert_eq!(opened, 2);
    }
}
