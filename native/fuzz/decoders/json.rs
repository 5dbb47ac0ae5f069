//! Any bytes as a JSON file, in both layouts: the inferred schema, all rows that fit it, and the others' messages.

use bytes::Bytes;
use kernel_formats::{FilesItem, InputFile, JsonFilesReader, JsonLayout, JsonReadParams};

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    for layout in [JsonLayout::Lines, JsonLayout::Array] {
        let params = JsonReadParams {
            layout,
            batch_rows: 7,
            infer_rows: 3,
            ..JsonReadParams::default()
        };
        let file = InputFile {
            name: "fuzz".to_owned(),
            input: bytes.clone().into(),
            constants: Vec::new(),
        };
        let Ok(mut reader) = JsonFilesReader::start(params, vec![file], None, None) else {
            continue;
        };
        while let Some(item) = reader.next(&|| false) {
            match item.expect("nothing but the file's own damage can be wrong") {
                FilesItem::Rows(batch) => assert!(batch.num_rows() <= 7),
                FilesItem::Invalid { error, .. } => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
