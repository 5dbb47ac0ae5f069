//! Encodes row groups column by column on all threads and writes them in order.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{FieldRef, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, compute_leaves,
};
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use super::flat::{self, FlatChunk};
use crate::guard::catch;

/// Row groups encoded or waiting to be written, beside the one being collected.
const IN_FLIGHT_MAX: usize = 2;

/// Who encodes a column of a row group.
enum Encoder {
    Flat(ColumnDescPtr, Compression),
    Nested(Vec<ArrowColumnWriter>),
}

/// One column of a row group, ready to be written; a nested one has a chunk per leaf.
enum EncodedColumn {
    Flat(Box<FlatChunk>),
    Nested(Vec<ArrowColumnChunk>),
}

/// A row group whose columns are being encoded; each arrives with its index.
type PendingRowGroup = Receiver<(usize, Result<EncodedColumn>)>;

/// A Parquet file whose row groups are encoded in the background.
///
/// Columns of up to [`IN_FLIGHT_MAX`] row groups are encoded at the same time on rayon's threads;
/// the caller's thread writes finished ones. The bytes do not depend on the number of threads.
pub(crate) struct EncodeQueue<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    pending: VecDeque<PendingRowGroup>,
    row_groups: usize,
}

impl<W: Write + Send> EncodeQueue<W> {
    pub(crate) fn new(sink: W, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let (writer, factory) = ArrowWriter::try_new(sink, schema.clone(), Some(properties))?
            .into_serialized_writer()?;
        Ok(Self {
            writer,
            factory,
            schema,
            pending: VecDeque::new(),
            row_groups: 0,
        })
    }

    /// Starts to encode a row group; first waits for an older one when too many are under way.
    pub(crate) fn push(&mut self, pieces: Vec<RecordBatch>) -> Result<()> {
        while self.pending.len() >= IN_FLIGHT_MAX {
            self.write_oldest()?;
        }
        let (sender, receiver) = channel();
        for (index, encoder) in self.encoders()?.into_iter().enumerate() {
            let field = self.schema.fields()[index].clone();
            let arrays = pieces
                .iter()
                .map(|batch| batch.column(index).clone())
                .collect();
            spawn_encoding(index, field, arrays, encoder, sender.clone());
        }
        self.pending.push_back(receiver);
        self.row_groups += 1;
        Ok(())
    }

    /// Writes what is under way and the footer, and returns the sink.
    pub(crate) fn finish(mut self) -> Result<W> {
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        self.writer.into_inner()
    }

    fn encoders(&self) -> Result<Vec<Encoder>> {
        let schema = self.writer.schema_descr();
        let mut writers = self
            .factory
            .create_column_writers(self.row_groups)?
            .into_iter();
        let mut leaf = 0;
        let mut encoders = Vec::with_capacity(self.schema.fields().len());
        for (index, field) in self.schema.fields().iter().enumerate() {
            let column = schema.column(leaf);
            let first = leaf;
            while leaf < schema.num_columns() && schema.get_column_root_idx(leaf) == index {
                leaf += 1;
            }
            let writers = writers.by_ref().take(leaf - first).collect();
            encoders.push(if flat::is_flat(field.data_type()) {
                let compression = self.writer.properties().compression(column.path());
                Encoder::Flat(column, compression)
            } else {
                Encoder::Nested(writers)
            });
        }
        Ok(encoders)
    }

    fn write_oldest(&mut self) -> Result<()> {
        let Some(receiver) = self.pending.pop_front() else {
            return Ok(());
        };
        let mut columns: Vec<Option<EncodedColumn>> =
            self.schema.fields().iter().map(|_| None).collect();
        for _ in 0..columns.len() {
            let (index, column) = receive(&receiver)?;
            columns[index] = Some(column?);
        }
        let mut row_group = self.writer.next_row_group()?;
        for column in columns.into_iter().flatten() {
            match column {
                EncodedColumn::Flat(chunk) => row_group.append_column(&chunk.pages, chunk.close)?,
                EncodedColumn::Nested(chunks) => {
                    for chunk in chunks {
                        chunk.append_to_row_group(&mut row_group)?;
                    }
                }
            }
        }
        row_group.close()?;
        Ok(())
    }
}

fn spawn_encoding(
    index: usize,
    field: FieldRef,
    arrays: Vec<ArrayRef>,
    encoder: Encoder,
    sender: Sender<(usize, Result<EncodedColumn>)>,
) {
    rayon::spawn(move || {
        let column = catch(|| encode_column(&field, &arrays, encoder))
            .unwrap_or_else(|reason| Err(ParquetError::General(reason)));
        // A failed send means that the writer was dropped, and nobody wants the column.
        let _ = sender.send((index, column));
    });
}

/// Waits for a column. On one of rayon's own threads it works meanwhile, so that even a pool of one
/// thread gets on.
fn receive<T>(receiver: &Receiver<T>) -> Result<T> {
    let lost = || ParquetError::General("an encoding thread stopped without a result".to_owned());
    if rayon::current_thread_index().is_none() {
        return receiver.recv().map_err(|_| lost());
    }
    loop {
        match receiver.try_recv() {
            Ok(value) => return Ok(value),
            Err(TryRecvError::Disconnected) => return Err(lost()),
            Err(TryRecvError::Empty) => {
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    std::thread::yield_now();
                }
            }
        }
    }
}

fn encode_column(field: &FieldRef, arrays: &[ArrayRef], encoder: Encoder) -> Result<EncodedColumn> {
    let array = match arrays {
        [single] => single.clone(),
        several => concat(&several.iter().map(AsRef::as_ref).collect::<Vec<_>>())?,
    };
    match encoder {
        Encoder::Flat(column, compression) => flat::encode(&column, &array, compression)
            .map(|chunk| EncodedColumn::Flat(Box::new(chunk))),
        Encoder::Nested(mut writers) => {
            for (leaf, writer) in compute_leaves(field, &array)?.iter().zip(&mut writers) {
                writer.write(leaf)?;
            }
            let chunks = writers.into_iter().map(ArrowColumnWriter::close);
            chunks.collect::<Result<_>>().map(EncodedColumn::Nested)
        }
    }
}
