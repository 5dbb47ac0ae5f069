//! Any bytes as a Parquet file: its schema, and all batches of two sizes.

use bytes::Bytes;
use kernel_formats::{ParquetReadParams, ParquetReader, read_parquet_schema};

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let schema = read_parquet_schema(bytes.clone());
    for batch_rows in [7, 1_024] {
        let params = ParquetReadParams {
            batch_rows,
            ..Default::default()
        };
        let Ok(reader) = ParquetReader::open(bytes.clone(), &params) else {
            continue;
        };
        if let Ok(schema) = &schema {
            assert_eq!(schema.fields(), reader.schema().fields());
        }
        for batch in reader.flatten() {
            assert!(batch.num_rows() <= batch_rows);
        }
    }
}
