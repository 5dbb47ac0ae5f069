//! Any bytes as what a broker answers.

use bytes::Bytes;
use kernel_kafka::{AbortedTransaction, FetchedPartition, MessageSet, Metadata, ParseParams};

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let fetched = FetchedPartition {
        partition: 0,
        records: Bytes::copy_from_slice(data),
        wanted: 0..i64::MAX,
        aborted: vec![AbortedTransaction {
            producer: 0,
            first_offset: 0,
        }],
    };
    let params = ParseParams {
        batch_bytes_max: 16 << 20,
        ..ParseParams::default()
    };
    let Ok(set) = MessageSet::parse(vec![fetched], &params, &|| false) else {
        return;
    };
    for index in 0..set.count() {
        let _ = set.value(index).expect("a message");
    }
    for kind in [
        Metadata::Timestamp,
        Metadata::Key,
        Metadata::Offset,
        Metadata::Headers,
    ] {
        let column = set.metadata(kind, None).expect("a column");
        assert_eq!(column.len(), set.count());
    }
}
