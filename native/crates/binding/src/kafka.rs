//! `kernel-kafka` for JavaScript, and the decoders of `kernel-formats` over its messages.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use bytes::Bytes;
use kernel_formats::{DecodedMessages, FlatbuffersDecoder, JsonMessageDecoder};
use kernel_kafka::{
    AbortedTransaction, FetchedPartition, KafkaError, MessageSet, MessageSetBuilder, Metadata,
    ParseParams, Piece, PlainMessage,
};
use napi::bindgen_prelude::{
    AsyncTask, BigInt, BigInt64Array, Int32Array, Uint8Array, Uint32Array,
};
use napi_derive::napi;
use rayon::prelude::*;

use crate::batch::NativeBatch;
use crate::error::{Detail, Failure, Result};
use crate::formats::NativeFlatbuffersSchema;
use crate::schema::{NativeColumn, from_columns, type_text};
use crate::work::{CancelToken, Cancelled, Work, guarded, promise};

/// Messages that one thread decodes at a time.
const PIECE_MESSAGES: usize = 1 << 15;
/// What the rows of messages may take, in bytes: far more than they can without meaning harm.
const ROWS_BYTES_MAX: usize = 1 << 30;
/// What is wrong with a message that has no value.
const NO_VALUE: &str = "the message has no value, as one has that deletes its key";

/// Record batches of one partition.
#[napi(object)]
pub struct NativeFetchedPartition {
    pub partition: i32,
    pub records: Uint8Array,
    pub from: BigInt,
    pub until: BigInt,
    pub aborted: Vec<NativeAbortedTransaction>,
}

/// A transaction that was given up.
#[napi(object)]
pub struct NativeAbortedTransaction {
    pub producer_id: BigInt,
    pub first_offset: BigInt,
}

/// A place in a topic.
#[napi(object)]
pub struct NativePosition {
    pub partition: i32,
    pub offset: BigInt,
}

/// Messages of a topic.
#[napi]
pub struct NativeMessageSet {
    set: Option<Arc<MessageSet>>,
}

/// What a message is that could not be decoded.
#[napi(object)]
pub struct NativeInvalidMessage {
    pub index: u32,
    pub reason: String,
}

/// What messages were decoded to.
#[napi(object, object_from_js = false)]
pub struct NativeDecodedMessages {
    pub rows: NativeBatch,
    /// The message of each row; absent when every message is a row.
    pub taken: Option<Uint32Array>,
    pub invalid: Vec<NativeInvalidMessage>,
}

/// A column of what messages have beside their values.
#[napi(object)]
pub struct NativeMetadataColumn {
    pub name: String,
    #[napi(ts_type = "'timestamp' | 'key' | 'partition' | 'offset' | 'headers'")]
    pub kind: String,
}

/// Reads record batches as a broker answered them; takes a copy of them.
#[napi(ts_return_type = "Promise<NativeMessageSet>")]
pub fn parse_messages(
    partitions: Vec<NativeFetchedPartition>,
    token: Option<&CancelToken>,
) -> AsyncTask<Work<NativeMessageSet>> {
    let cancelled = Cancelled::from_token(token);
    let fetched: Vec<FetchedPartition> = partitions.into_iter().map(to_fetched).collect();
    promise(move || {
        let set = MessageSet::parse(fetched, &ParseParams::default(), &|| cancelled.is_set())?;
        Ok(NativeMessageSet::new(set))
    })
}

fn to_fetched(given: NativeFetchedPartition) -> FetchedPartition {
    let aborted = given.aborted.iter().map(|one| AbortedTransaction {
        producer: one.producer_id.get_i64().0,
        first_offset: one.first_offset.get_i64().0,
    });
    FetchedPartition {
        partition: given.partition,
        records: Bytes::copy_from_slice(&given.records),
        wanted: given.from.get_i64().0..given.until.get_i64().0,
        aborted: aborted.collect(),
    }
}

/// Messages that JavaScript has read: `places` holds the offset and the time of each one; `lengths` those of its key and
/// value, -1 for null, the number of its headers, and the lengths of their names and values; `bytes` all of that.
#[napi]
pub fn messages_of(
    partition: i32,
    places: BigInt64Array,
    lengths: Int32Array,
    bytes: Uint8Array,
    next: BigInt,
) -> napi::Result<NativeMessageSet> {
    Ok(guarded(|| {
        let mut parts = Parts {
            lengths: &lengths,
            bytes: &bytes,
        };
        let mut messages = MessageSetBuilder::default();
        for place in places.chunks_exact(2) {
            let message = PlainMessage {
                offset: place[0],
                timestamp: place[1],
                key: parts.bytes()?,
                value: parts.bytes()?,
            };
            let count = parts.length()?.max(0) as usize;
            let headers =
                (0..count).map(|_| Ok((parts.bytes()?.unwrap_or_default(), parts.bytes()?)));
            let headers: Vec<_> = headers.collect::<Result<_>>()?;
            messages.push(&message, headers);
        }
        Ok(NativeMessageSet::new(
            messages.finish(partition, next.get_i64().0),
        ))
    })?)
}

/// The parts of messages, one after the other.
struct Parts<'a> {
    lengths: &'a [i32],
    bytes: &'a [u8],
}

impl<'a> Parts<'a> {
    fn length(&mut self) -> Result<i32> {
        let (length, rest) = self.lengths.split_first().ok_or_else(unsound)?;
        self.lengths = rest;
        Ok(*length)
    }

    fn bytes(&mut self) -> Result<Option<&'a [u8]>> {
        let length = self.length()?;
        if length < 0 {
            return Ok(None);
        }
        let split = self.bytes.split_at_checked(length as usize);
        let (bytes, rest) = split.ok_or_else(unsound)?;
        self.bytes = rest;
        Ok(Some(bytes))
    }
}

fn unsound() -> Failure {
    Failure::internal("the lengths of messages do not fit their bytes")
}

impl NativeMessageSet {
    fn new(set: MessageSet) -> Self {
        let set = Some(Arc::new(set));
        Self { set }
    }

    fn set(&self) -> Result<&Arc<MessageSet>> {
        self.set
            .as_ref()
            .ok_or_else(|| Failure::new("messages-closed", "internal", "The messages are closed."))
    }
}

#[napi]
impl NativeMessageSet {
    #[napi(getter)]
    pub fn count(&self) -> napi::Result<u32> {
        Ok(self.set()?.count() as u32)
    }

    #[napi(getter)]
    pub fn byte_length(&self) -> napi::Result<f64> {
        Ok(self.set()?.byte_length() as f64)
    }

    #[napi(getter)]
    pub fn next(&self) -> napi::Result<Vec<NativePosition>> {
        Ok(self.set()?.next().iter().map(to_position).collect())
    }

    #[napi]
    pub fn payload(&self, index: u32) -> napi::Result<Option<Uint8Array>> {
        let set = self.set()?;
        let value = set.value(index as usize).map_err(Failure::from)?;
        Ok(value.map(|value| value.to_vec().into()))
    }

    #[napi]
    pub fn position(&self, index: u32) -> napi::Result<NativePosition> {
        let found = self.set()?.position(index as usize);
        Ok(to_position(&found.map_err(Failure::from)?))
    }

    /// The rows with metadata of their messages behind them.
    #[napi]
    pub fn with_metadata(
        &self,
        rows: &NativeBatch,
        taken: Option<Uint32Array>,
        columns: Vec<NativeMetadataColumn>,
    ) -> napi::Result<NativeBatch> {
        Ok(guarded(|| {
            let rows = with_metadata(self.set()?, rows.rows()?, taken.as_deref(), &columns)?;
            Ok(NativeBatch::new(rows))
        })?)
    }

    #[napi]
    pub fn close(&mut self) {
        self.set = None;
    }
}

fn to_position((partition, offset): &(i32, i64)) -> NativePosition {
    NativePosition {
        partition: *partition,
        offset: BigInt::from(*offset),
    }
}

fn with_metadata(
    set: &MessageSet,
    rows: &RecordBatch,
    taken: Option<&[u32]>,
    columns: &[NativeMetadataColumn],
) -> Result<RecordBatch> {
    let count = taken.map_or(set.count(), <[u32]>::len);
    if rows.num_rows() != count {
        let found = rows.num_rows();
        let message = format!("there are {found} rows of {count} messages");
        return Err(Failure::internal(message));
    }
    let mut fields = rows.schema_ref().fields().to_vec();
    let mut arrays = rows.columns().to_vec();
    for NativeMetadataColumn { name, kind } in columns {
        let kind = metadata_of(kind)?;
        fields.push(Arc::new(metadata_field(name, kind)));
        arrays.push(set.metadata(kind, taken)?);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(Failure::internal)
}

/// The columns that metadata becomes.
#[napi]
pub fn metadata_columns(columns: Vec<NativeMetadataColumn>) -> napi::Result<Vec<NativeColumn>> {
    let column = |NativeMetadataColumn { name, kind }: NativeMetadataColumn| {
        let field = metadata_field(&name, metadata_of(&kind)?);
        Ok(NativeColumn {
            data_type: type_text(field.data_type()),
            nullable: field.is_nullable(),
            name,
            unit: None,
        })
    };
    columns.into_iter().map(column).collect()
}

fn metadata_field(name: &str, kind: Metadata) -> Field {
    Field::new(name, kind.data_type(), kind.is_nullable())
}

fn metadata_of(kind: &str) -> Result<Metadata> {
    Ok(match kind {
        "timestamp" => Metadata::Timestamp,
        "key" => Metadata::Key,
        "partition" => Metadata::Partition,
        "offset" => Metadata::Offset,
        "headers" => Metadata::Headers,
        other => {
            let message = format!(
                "\"{other}\" is no metadata of a message: timestamp, key, partition, offset, headers"
            );
            return Err(Failure::user("invalid-value", message));
        }
    })
}

/// Decodes messages that are FlatBuffers without a length before them, on every core.
#[napi(ts_return_type = "Promise<NativeDecodedMessages>")]
pub fn decode_flatbuffers_messages(
    messages: &NativeMessageSet,
    schema: &NativeFlatbuffersSchema,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeDecodedMessages>>> {
    let set = Arc::clone(messages.set()?);
    let schema = schema.schema();
    let cancelled = Cancelled::from_token(token);
    Ok(promise(move || {
        decode_set(&set, &schema.columns(), &cancelled, || {
            let mut decoder = FlatbuffersDecoder::new(&schema);
            Ok(move |bytes: &[u8], ranges: &[Range<usize>]| decoder.decode(bytes, ranges))
        })
    }))
}

/// Decodes messages that are a JSON object each, on every core.
#[napi(ts_return_type = "Promise<NativeDecodedMessages>")]
pub fn decode_json_messages(
    messages: &NativeMessageSet,
    columns: Vec<NativeColumn>,
    token: Option<&CancelToken>,
) -> napi::Result<AsyncTask<Work<NativeDecodedMessages>>> {
    let set = Arc::clone(messages.set()?);
    let schema = from_columns(&columns)?;
    let cancelled = Cancelled::from_token(token);
    Ok(promise(move || {
        decode_set(&set, &schema, &cancelled, || {
            let mut decoder = JsonMessageDecoder::new(&schema)?;
            Ok(move |bytes: &[u8], ranges: &[Range<usize>]| decoder.decode(bytes, ranges))
        })
    }))
}

fn decode_set<D>(
    set: &MessageSet,
    schema: &SchemaRef,
    cancelled: &Cancelled,
    decoder: impl Fn() -> Result<D> + Sync,
) -> Result<NativeDecodedMessages>
where
    D: FnMut(&[u8], &[Range<usize>]) -> DecodedMessages,
{
    let pieces = set.pieces(PIECE_MESSAGES);
    let held = AtomicUsize::new(0);
    let decode = |piece: &Piece| decode_piece(piece, decoder()?, cancelled, &held);
    let decoded: Vec<_> = pieces.par_iter().map(decode).collect::<Result<_>>()?;
    let (batches, invalid): (Vec<_>, Vec<_>) = decoded.into_iter().unzip();
    let batches: Vec<RecordBatch> = batches.into_iter().flatten().collect();
    let invalid: Vec<NativeInvalidMessage> = invalid.into_iter().flatten().collect();
    let rows = match batches.as_slice() {
        [only] => only.clone(),
        several => arrow_select::concat::concat_batches(schema, several)
            .map_err(|error| too_many_rows(&format!("do not fit into a batch: {error}")))?,
    };
    Ok(NativeDecodedMessages {
        taken: taken(set.count(), &invalid).map(Uint32Array::from),
        rows: NativeBatch::new(rows),
        invalid,
    })
}

fn too_many_rows(reason: &str) -> Failure {
    let message = format!("The rows of these messages {reason}; read fewer messages at a time.");
    Failure::new("messages-too-large", "external", message)
}

fn decode_piece(
    piece: &Piece,
    mut decode: impl FnMut(&[u8], &[Range<usize>]) -> DecodedMessages,
    cancelled: &Cancelled,
    held: &AtomicUsize,
) -> Result<(Vec<RecordBatch>, Vec<NativeInvalidMessage>)> {
    let mut ranges = Vec::with_capacity(piece.count());
    let mut indexes = Vec::with_capacity(piece.count());
    let mut invalid = Vec::new();
    for (index, value) in (piece.first as u32..).zip(piece.values()) {
        match value {
            Some(range) => {
                ranges.push(range);
                indexes.push(index);
            }
            None => invalid.push(NativeInvalidMessage {
                index,
                reason: NO_VALUE.to_owned(),
            }),
        }
    }
    let mut batches = Vec::new();
    let mut done = 0;
    while done < ranges.len() {
        if cancelled.is_set() {
            return Err(KafkaError::Cancelled.into());
        }
        let decoded = decode(piece.bytes, &ranges[done..]);
        let found = decoded.invalid.into_iter();
        invalid.extend(found.map(|one| NativeInvalidMessage {
            index: indexes[done + one.index],
            reason: one.reason,
        }));
        let bytes = decoded.rows.get_array_memory_size();
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes > ROWS_BYTES_MAX {
            return Err(too_many_rows("take more than 1 GiB"));
        }
        batches.push(decoded.rows);
        done += decoded.taken;
    }
    invalid.sort_unstable_by_key(|one| one.index);
    Ok((batches, invalid))
}

/// The messages that became rows, unless all did.
fn taken(count: usize, invalid: &[NativeInvalidMessage]) -> Option<Vec<u32>> {
    if invalid.is_empty() {
        return None;
    }
    let mut bad = invalid.iter().map(|one| one.index).peekable();
    let is_row = |index: &u32| bad.next_if_eq(index).is_none();
    Some((0..count as u32).filter(is_row).collect())
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        use KafkaError as E;
        match &error {
            E::Corrupt { .. } | E::Checksum { .. } => {
                Failure::new("corrupt-messages", "external", &error)
            }
            E::OldFormat { .. } => Failure::new("old-message-format", "external", &error),
            E::TooLarge { .. } | E::ColumnTooLarge { .. } => {
                Failure::new("messages-too-large", "external", &error)
            }
            E::MessageTooLarge { row, bytes, .. } => Failure::user("message-too-large", &error)
                .with("row", Detail::Number(*row))
                .with("bytes", Detail::Number(*bytes as u64)),
            E::Io { source, .. } => Failure::io(source.kind(), &error),
            E::Staged { .. } => Failure::new("invalid-file", "external", &error),
            E::NoMessage { .. } | E::NoPartition | E::NotABatch { .. } | E::Compress { .. } => {
                Failure::internal(&error)
            }
            E::Cancelled => Failure::user("aborted", &error),
        }
    }
}
