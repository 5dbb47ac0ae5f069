//! Staged rows as record batches of `kernel-kafka`, for JavaScript.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use kernel_kafka::{Compression, Framing, Partitioner, StagedMessages, StagedParams, Stamp};
use napi::bindgen_prelude::{AsyncTask, BigInt, Uint8Array};
use napi_derive::napi;

use crate::error::{Failure, Result};
use crate::work::{Work, guarded, promise_on};

/// A header of every message.
#[napi(object)]
pub struct NativeMessageHeader {
    pub name: String,
    pub value: String,
}

/// Rows on their way into a topic.
#[napi(object)]
pub struct NativeStagedOptions {
    pub rows: String,
    #[napi(ts_type = "'newline' | 'length'")]
    pub framing: String,
    pub keys: Option<String>,
    pub headers: Vec<NativeMessageHeader>,
    pub index_header: String,
    pub partition_count: u32,
    #[napi(ts_type = "'key' | 'round-robin'")]
    pub partitioner: String,
    #[napi(ts_type = "'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'")]
    pub compression: String,
    pub batch_bytes: u32,
    pub batch_bytes_max: u32,
}

/// A record batch without the stamp of its sending.
#[napi(object)]
pub struct NativeEncodedBatch {
    pub partition: u32,
    pub bytes: Uint8Array,
    pub count: u32,
}

/// What a batch gets when it is sent.
#[napi(object)]
pub struct NativeStamp {
    pub producer_id: BigInt,
    pub producer_epoch: i32,
    pub base_sequence: i32,
    pub timestamp_ms: f64,
}

/// Rows of a file, encoded piece by piece.
#[napi]
pub struct NativeStagedMessages {
    staged: Arc<Mutex<Option<StagedMessages>>>,
}

#[napi]
pub fn open_staged_messages(options: NativeStagedOptions) -> napi::Result<NativeStagedMessages> {
    Ok(guarded(|| {
        let staged = StagedMessages::open(to_params(options)?)?;
        Ok(NativeStagedMessages {
            staged: Arc::new(Mutex::new(Some(staged))),
        })
    })?)
}

fn to_params(options: NativeStagedOptions) -> Result<StagedParams> {
    let headers = options.headers.into_iter();
    Ok(StagedParams {
        rows: PathBuf::from(options.rows),
        framing: match options.framing.as_str() {
            "newline" => Framing::Newline,
            "length" => Framing::Length,
            other => return Err(unknown(other, "framing of rows: newline, length")),
        },
        keys: options.keys.map(PathBuf::from),
        headers: headers.map(|header| (header.name, header.value)).collect(),
        index_header: options.index_header,
        partition_count: options.partition_count,
        partitioner: match options.partitioner.as_str() {
            "key" => Partitioner::Key,
            "round-robin" => Partitioner::RoundRobin,
            other => return Err(unknown(other, "partitioner: key, round-robin")),
        },
        compression: match options.compression.as_str() {
            "none" => Compression::None,
            "gzip" => Compression::Gzip,
            "snappy" => Compression::Snappy,
            "lz4" => Compression::Lz4,
            "zstd" => Compression::Zstd,
            other => {
                let what = "compression of messages: none, gzip, snappy, lz4, zstd";
                return Err(unknown(other, what));
            }
        },
        batch_bytes: options.batch_bytes as usize,
        batch_bytes_max: options.batch_bytes_max as usize,
    })
}

fn unknown(found: &str, what: &str) -> Failure {
    Failure::user("invalid-value", format!("\"{found}\" is not a {what}"))
}

#[napi]
impl NativeStagedMessages {
    /// The batches of the next rows, at most so many; null when there are no more.
    #[napi(ts_return_type = "Promise<NativeEncodedBatch[] | null>")]
    pub fn next(&self, messages_max: u32) -> AsyncTask<Work<Option<Vec<NativeEncodedBatch>>>> {
        promise_on(&self.staged, move |staged| {
            let closed = || Failure::new("messages-closed", "internal", "The messages are closed.");
            let staged = staged.as_mut().ok_or_else(closed)?;
            let batches = staged.next(messages_max as usize)?;
            Ok(batches.map(|batches| {
                let batches = batches.into_iter().map(|batch| NativeEncodedBatch {
                    partition: batch.partition,
                    count: batch.count as u32,
                    bytes: batch.bytes.into(),
                });
                batches.collect()
            }))
        })
    }

    /// Closes the files; waits for what is being encoded.
    #[napi]
    pub fn close(&self) {
        *self.staged.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Writes the stamp and the checksum into a batch, where it is.
#[napi]
pub fn stamp_batch(mut batch: Uint8Array, stamp: NativeStamp) -> napi::Result<()> {
    let stamp = Stamp {
        producer: stamp.producer_id.get_i64().0,
        producer_epoch: stamp.producer_epoch as i16,
        base_sequence: stamp.base_sequence,
        timestamp: stamp.timestamp_ms as i64,
    };
    // SAFETY: JavaScript's thread, the only other one to use these bytes, waits for this call.
    let bytes = unsafe { batch.as_mut() };
    Ok(kernel_kafka::stamp_batch(bytes, &stamp).map_err(Failure::from)?)
}
