//! Any bytes as a CSV file in any encoding: the inferred schema, and all rows that fit it.

use bytes::Bytes;
use kernel_formats::{CsvReadParams, CsvReader, TextEncoding};

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let encodings = [
        TextEncoding::Utf8,
        TextEncoding::Utf16,
        TextEncoding::Latin1,
    ];
    for (encoding, header) in encodings
        .into_iter()
        .flat_map(|encoding| [(encoding, true), (encoding, false)])
    {
        let params = CsvReadParams {
            encoding,
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
