//! Puts pages together to a column chunk, with statistics and page index.

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::codec::Codec;
use super::{FlatChunk, PageRange};

/// What is known about a page's values: `statistics` without bounds when it has none that can be
/// ordered, such as NaN alone.
pub(super) struct PageFacts {
    pub(super) range: PageRange,
    pub(super) statistics: Statistics,
}

/// A column chunk under construction.
pub(super) struct ChunkWriter {
    column: ColumnDescPtr,
    compression: Compression,
    codec: Codec,
    sink: TrackedWrite<Vec<u8>>,
    encoding: Encoding,
    dictionary_offset: Option<i64>,
    data_offset: i64,
    uncompressed_bytes: i64,
    pages: i32,
    rows: u64,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
}

impl ChunkWriter {
    pub(super) fn new(
        column: &ColumnDescPtr,
        compression: Compression,
        encoding: Encoding,
    ) -> Result<Self> {
        Ok(Self {
            column: column.clone(),
            compression,
            codec: Codec::new(compression)?,
            sink: TrackedWrite::new(Vec::new()),
            encoding,
            dictionary_offset: None,
            data_offset: 0,
            uncompressed_bytes: 0,
            pages: 0,
            rows: 0,
            column_index: ColumnIndexBuilder::new(column.physical_type()),
            offset_index: OffsetIndexBuilder::new(),
        })
    }

    /// Whether pages begin with definition levels.
    pub(super) fn is_nullable(&self) -> bool {
        self.column.max_def_level() > 0
    }

    /// Writes the dictionary page, which comes before all others; `entries` are in PLAIN encoding.
    pub(super) fn write_dictionary(&mut self, entries: &[u8], count: usize) -> Result<()> {
        let uncompressed = entries.len();
        let page = Page::DictionaryPage {
            buf: Bytes::copy_from_slice(self.codec.compress(entries)?),
            num_values: count as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let spec = self.write_page(CompressedPage::new(page, uncompressed))?;
        self.dictionary_offset = Some(spec.offset as i64);
        self.data_offset = spec.bytes_written as i64;
        Ok(())
    }

    /// Writes a data page: levels, if the column has any, and encoded values.
    pub(super) fn write_data(&mut self, body: &[u8], facts: &PageFacts) -> Result<()> {
        let uncompressed = body.len();
        let page = Page::DataPage {
            buf: Bytes::copy_from_slice(self.codec.compress(body)?),
            num_values: facts.range.rows.len() as u32,
            encoding: self.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let spec = self.write_page(CompressedPage::new(page, uncompressed))?;
        self.pages += 1;
        self.rows += facts.range.rows.len() as u64;
        self.offset_index
            .append_row_count(facts.range.rows.len() as i64);
        self.offset_index
            .append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
        self.index_page(facts);
        Ok(())
    }

    /// Ends the chunk; `statistics` are over all pages.
    pub(super) fn finish(
        mut self,
        statistics: Statistics,
        order: BoundaryOrder,
    ) -> Result<FlatChunk> {
        let column_index = if self.column_index.valid() {
            self.column_index.set_boundary_order(order);
            Some(self.column_index.build()?)
        } else {
            None
        };
        let compressed_bytes = self.sink.bytes_written();
        let mut encodings = vec![Encoding::RLE, self.encoding];
        let mut page_counts = vec![(PageType::DATA_PAGE, self.encoding, self.pages)];
        if self.dictionary_offset.is_some() {
            encodings.push(Encoding::PLAIN);
            page_counts.insert(0, (PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
        }
        let page_counts = page_counts
            .into_iter()
            .map(|(page_type, encoding, count)| PageEncodingStats {
                page_type,
                encoding,
                count,
            })
            .collect();
        let metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(self.compression)
            .set_encodings(encodings)
            .set_page_encoding_stats(page_counts)
            .set_num_values(self.rows as i64)
            .set_total_compressed_size(compressed_bytes as i64)
            .set_total_uncompressed_size(self.uncompressed_bytes)
            .set_dictionary_page_offset(self.dictionary_offset)
            .set_data_page_offset(self.data_offset)
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: compressed_bytes as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index,
            offset_index: Some(self.offset_index.build()),
        };
        Ok(FlatChunk {
            pages: self.sink.into_inner()?.into(),
            close,
        })
    }

    fn write_page(&mut self, page: CompressedPage) -> Result<parquet::column::page::PageWriteSpec> {
        let spec = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed_bytes += spec.uncompressed_size as i64;
        Ok(spec)
    }

    fn index_page(&mut self, facts: &PageFacts) {
        let null_count = (facts.range.rows.len() - facts.range.values.len()) as i64;
        match (
            facts.statistics.min_bytes_opt(),
            facts.statistics.max_bytes_opt(),
        ) {
            (Some(min), Some(max)) => {
                self.column_index
                    .append(false, min.to_vec(), max.to_vec(), null_count)
            }
            _ if facts.range.values.is_empty() => {
                self.column_index
                    .append(true, Vec::new(), Vec::new(), null_count);
            }
            // The format has no way to say that a page has values but no bounds.
            _ => self.column_index.to_invalid(),
        }
    }
}
