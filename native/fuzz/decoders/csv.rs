//! Any bytes as a CSV file: the inferred schema, and all rows that fit it.

use bytes::Bytes;
use kernel_formats::{CsvReadParams, CsvReader};

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    for header in [true, false] {
        let params = CsvReadParams {
            header,
            batch_rows: 7,
            infer_rows: 3,
            ..CsvReadParams::default()
        };
        let Ok(reader) = CsvReader::open(bytes.clone(), &params) else {
            continue;
        };
        for batch in reader.flatten() {
            assert!(batch.num_rows() <= 7);
        }
    }
}
