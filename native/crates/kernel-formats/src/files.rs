//! Many files of one format → record batches in file order, decoded beside each other.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, Schema, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::conform::{Constant, conform, is_convertible};
use crate::error::{FormatsError, Result};
use crate::input::Input;
use crate::nested::canonical_schema;
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
    names
        .join(", ")
        .chars()
        .take(NAMES_CHARACTERS_SHOWN)
        .collect()
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

    /// Whether a file that cannot be decoded is to be told once it comes to that, behind rows of it, instead of decoding
    /// large files to the end before.
    fn is_trusted(&self) -> bool {
        false
    }

    /// Cuts a file into pieces for several threads, when it is large and it is certain, at much less cost than decoding
    /// it, that all its rows but single bad ones can be decoded and given as `wanted`. None for any other file.
    fn pieces(
        &self,
        _file: &InputFile,
        _wanted: &SchemaRef,
        _is_stopped: IsStopped,
    ) -> Result<Option<FilePieces>> {
        Ok(None)
    }
}

/// A file cut into pieces, each of them whole rows.
pub struct FilePieces {
    /// How many they are, in the order of the rows.
    pub count: usize,
    /// What they have together, in bytes.
    pub byte_length: u64,
    /// Opens one of them. Its only errors for a file that nobody changes meanwhile are those of single rows.
    pub open: Box<dyn Fn(usize) -> Result<FileRows> + Send + Sync>,
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

/// What is said of the columns that a file has: what is no table at all may seem to have very long ones.
const NAMES_CHARACTERS_SHOWN: usize = 200;
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
/// can tell in another way, and cut the file into pieces. How rows are cut into batches depends on the files alone.
///
/// Memory: 64 MiB of rows ahead of the taker, as much of a file that is given in pieces, and per thread the rows of one
/// file or piece, up to 64 MiB.
///
/// Errors while iterating: [`FormatsError::Io`], [`FormatsError::Cancelled`], and wrong settings; it ends then.
pub struct FilesReader {
    read: Arc<Reading>,
    ahead: ReadAhead<Result<Decoded>>,
    next_file: usize,
    /// What is still to be given of the file before.
    running: Option<Running>,
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

/// The rows of one file, or of a piece of one.
#[derive(Default)]
struct Decoded {
    batches: Vec<RecordBatch>,
    bad: BadRows,
    rest: Rest,
}

/// What of a file is not among the rows that were kept.
#[derive(Default)]
enum Rest {
    #[default]
    Nothing,
    /// Rows that were decoded and are good; they have to be decoded again, behind so many batches.
    Again(usize),
    /// Rows that were not decoded yet.
    Later(FileRows),
    /// All rows.
    Pieces(FilePieces),
}

/// The rest of a large file, and which of its rows are bad.
struct Running {
    rows: RunningRows,
    bad: BadRows,
}

enum RunningRows {
    InOrder(FileRows),
    Pieces(ReadAhead<Result<Decoded>>),
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

    /// Adds those of a later piece of the file.
    fn append(&mut self, later: Self) {
        self.count += later.count;
        let room = BAD_ROWS_MAX - self.told.len();
        self.told.extend(later.told.into_iter().take(room));
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
        let work = move |index: usize, is_stopped: IsStopped| reading.file(index, is_stopped);
        Ok(Self {
            ahead: ReadAhead::start(read.files.len(), BYTES_AHEAD_MAX, weight_of, work),
            read,
            next_file: 0,
            running: None,
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
        if let Some(running) = &mut self.running {
            if cancelled() {
                return Err(FormatsError::Cancelled);
            }
            let file = self.next_file - 1;
            let decoded = match &mut running.rows {
                RunningRows::InOrder(rows) => self.read.decoded_next(file, rows)?,
                RunningRows::Pieces(pieces) => match pieces.take(cancelled) {
                    None if cancelled() => return Err(FormatsError::Cancelled),
                    None => None,
                    Some(Err(panic)) => return Err(self.read.failed(file, panic)),
                    Some(Ok(decoded)) => Some(decoded?),
                },
            };
            let Some(decoded) = decoded else {
                self.end_file();
                return Ok(());
            };
            running.bad.append(decoded.bad);
            return decoded
                .batches
                .into_iter()
                .try_for_each(|batch| self.push(batch));
        }
        let Some(decoded) = self.ahead.take(cancelled) else {
            if self.next_file < self.read.files.len() {
                return Err(FormatsError::Cancelled);
            }
            self.ended = true;
            return self.join();
        };
        let file = self.next_file;
        self.next_file += 1;
        match decoded.unwrap_or_else(|panic| Err(self.read.failed(file, panic))) {
            Ok(decoded) => self.take(file, decoded),
            Err(error) if error.is_of_the_file() => {
                self.join()?;
                let name = self.read.files[file].name.clone();
                self.ready.push_back(FilesItem::Invalid { name, error });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, file: usize, decoded: Decoded) -> Result<()> {
        for batch in decoded.batches {
            self.push(batch)?;
        }
        let rows = match decoded.rest {
            Rest::Nothing => RunningRows::InOrder(Box::new(std::iter::empty())),
            Rest::Later(rows) => RunningRows::InOrder(rows),
            Rest::Pieces(pieces) => RunningRows::Pieces(self.read.start_pieces(file, pieces)),
            Rest::Again(kept) => {
                let rows = self
                    .read
                    .format
                    .open(&self.read.files[file], &self.read.schema)?;
                let good = rows.filter(|rows| rows.as_ref().err().is_none_or(|e| !e.is_of_a_row()));
                RunningRows::InOrder(Box::new(good.skip(kept)))
            }
        };
        let bad = decoded.bad;
        self.running = Some(Running { rows, bad });
        Ok(())
    }

    fn end_file(&mut self) {
        let name = &self.read.files[self.next_file - 1].name;
        let running = self.running.take();
        let bad = running.map(|running| running.bad).unwrap_or_default();
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
    fn file(&self, index: usize, is_stopped: IsStopped) -> Result<Decoded> {
        let file = &self.files[index];
        if let Some(pieces) = self.format.pieces(file, &self.schema, is_stopped)? {
            return Ok(Decoded {
                rest: Rest::Pieces(pieces),
                ..Decoded::default()
            });
        }
        let rows = self.format.open(file, &self.schema)?;
        self.decode(index, rows, FILE_BYTES_MAX, is_stopped)
    }

    /// Decodes to the end, but keeps no more than `bytes_max` of rows and the batch that exceeds them.
    fn decode(
        &self,
        index: usize,
        mut rows: FileRows,
        bytes_max: u64,
        is_stopped: IsStopped,
    ) -> Result<Decoded> {
        let mut all = Decoded::default();
        let mut bytes = 0;
        while let Some(mut next) = self.decoded_next(index, &mut rows)? {
            if is_stopped() {
                return Err(FormatsError::Cancelled);
            }
            all.bad.append(next.bad);
            if matches!(all.rest, Rest::Again(_)) {
                continue;
            }
            bytes += bytes_of(&next.batches);
            all.batches.append(&mut next.batches);
            if bytes > bytes_max && self.format.is_trusted() {
                all.rest = Rest::Later(rows);
                break;
            }
            if bytes > bytes_max {
                // What does not fit is only looked at: a later row may still be bad.
                all.rest = Rest::Again(all.batches.len());
            }
        }
        Ok(all)
    }

    /// The next batch, or the next row that cannot be read.
    fn decoded_next(&self, index: usize, rows: &mut FileRows) -> Result<Option<Decoded>> {
        let mut decoded = Decoded::default();
        match rows.next() {
            None => return Ok(None),
            Some(Err(error)) if error.is_of_a_row() => decoded.bad.add(error),
            Some(batch) => decoded.batches.push(self.conformed(index, batch?)?),
        }
        Ok(Some(decoded))
    }

    fn start_pieces(
        self: &Arc<Self>,
        index: usize,
        pieces: FilePieces,
    ) -> ReadAhead<Result<Decoded>> {
        let reading = Arc::clone(self);
        let work = move |piece: usize, is_stopped: IsStopped| {
            let rows = (pieces.open)(piece)?;
            reading.decode(index, rows, u64::MAX, is_stopped)
        };
        ReadAhead::start(pieces.count, BYTES_AHEAD_MAX, weight_of, work)
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

/// What a result holds, or for a file in pieces what it lets others begin to hold, in bytes.
fn weight_of(decoded: &Result<Decoded>) -> u64 {
    decoded.as_ref().map_or(0, |decoded| match &decoded.rest {
        Rest::Pieces(pieces) => pieces.byte_length,
        _ => bytes_of(&decoded.batches),
    })
}

fn bytes_of(batches: &[RecordBatch]) -> u64 {
    let bytes = batches.iter().map(RecordBatch::get_array_memory_size);
    bytes.map(|bytes| bytes as u64).sum()
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
                return Ok(canonical_schema(&Schema::new_with_metadata(
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
    /// the end, a trailing `?` makes each batch a piece, and every seventh of them has a bad row.
    struct Numbers {
        opened: Arc<AtomicUsize>,
        is_trusted: bool,
    }

    impl ReadFile for Numbers {
        fn schema(&self, _: &InputFile) -> Result<SchemaRef> {
            let field = Field::new("n", DataType::Int64, false);
            Ok(Arc::new(Schema::new(vec![field])))
        }

        fn is_trusted(&self) -> bool {
            self.is_trusted
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

        fn pieces(
            &self,
            file: &InputFile,
            wanted: &SchemaRef,
            _is_stopped: IsStopped,
        ) -> Result<Option<FilePieces>> {
            if !file.name.ends_with('?') {
                return Ok(None);
            }
            let rows: Vec<_> = self.open(file, wanted)?.map(Result::unwrap).collect();
            let bad_row = |line| FormatsError::CsvFieldCount {
                input: "it".to_owned(),
                line,
                expected: 1,
                found: 2,
            };
            Ok(Some(FilePieces {
                count: rows.len(),
                byte_length: 1 << 30,
                open: Box::new(move |index| {
                    let bad = (index % 7 == 0).then(|| Err(bad_row(index as u64)));
                    Ok(Box::new(bad.into_iter().chain([Ok(rows[index].clone())])))
                }),
            }))
        }
    }

    fn read(names: &[&str]) -> (Vec<String>, Vec<i64>, usize) {
        read_as(names, false)
    }

    /// As `read`; an error that ends it is the last cut.
    fn read_as(names: &[&str], is_trusted: bool) -> (Vec<String>, Vec<i64>, usize) {
        let file = |name: &&str| InputFile {
            name: (*name).to_owned(),
            input: Vec::new().into(),
            constants: Vec::new(),
        };
        let opened = Arc::new(AtomicUsize::new(0));
        let format = Numbers {
            opened: Arc::clone(&opened),
            is_trusted,
        };
        let files = names.iter().map(file).collect();
        let mut reader = FilesReader::start(format, files, None, None).unwrap();
        let (mut cuts, mut values) = (Vec::new(), Vec::new());
        while let Some(item) = reader.next(&|| false) {
            let item = match item {
                Ok(item) => item,
                Err(error) => {
                    cuts.push(error.to_string());
                    continue;
                }
            };
            match item {
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
    fn a_large_file_that_is_trusted_is_opened_once_and_tells_its_damage_behind_its_rows() {
        let rows = 1 << 20;
        let large = format!("20x{rows}");
        let (cuts, values, opened) = read_as(&[&large, &format!("{large}!"), "1x1"], true);
        assert_eq!(values.len(), 40 * rows);
        assert_eq!(cuts.len(), 41);
        assert!(cuts[40].contains("damage"), "{}", cuts[40]);
        assert!(opened <= 3, "{opened}");
    }

    #[test]
    fn pieces_of_a_file_come_in_order_and_their_bad_rows_behind_them() {
        let rows = 1 << 15;
        let large = format!("20x{rows}?");
        let (cuts, values, _) = read(&["1x1", &large, "1x2", &large]);
        let one = || 0..20 * rows as i64;
        assert!(
            values
                .into_iter()
                .eq([0].into_iter().chain(one()).chain([0, 1]).chain(one()))
        );
        let whole = vec![rows.to_string(); 20];
        let bad = vec![large; 3];
        let first = vec!["1".to_owned()];
        let between = vec!["2".to_owned()];
        assert_eq!(
            cuts,
            [first, whole.clone(), bad.clone(), between, whole, bad].concat()
        );
    }

    #[test]
    fn whoever_cancels_gets_no_more_pieces() {
        let format = Numbers {
            opened: Default::default(),
            is_trusted: false,
        };
        let file = InputFile {
            name: "9x40000?".to_owned(),
            input: Vec::new().into(),
            constants: Vec::new(),
        };
        let mut reader = FilesReader::start(format, vec![file], None, None).unwrap();
        assert!(matches!(
            reader.next(&|| false),
            Some(Ok(FilesItem::Rows(_)))
        ));
        let cancelled = reader.next(&|| true);
        assert!(
            matches!(cancelled, Some(Err(FormatsError::Cancelled))),
            "{cancelled:?}"
        );
        assert!(reader.next(&|| false).is_none());
    }
}
