//! Any bytes as a message of a schema with every kind of field, and as the text of a schema.

use std::sync::OnceLock;

use kernel_formats::{FlatbuffersDecoder, FlatbuffersSchema};

static SCHEMA: OnceLock<FlatbuffersSchema> = OnceLock::new();

/// Decodes `data`. Panics on a finding.
pub fn decode(data: &[u8]) {
    let schema = SCHEMA.get_or_init(|| {
        // Both a kernel's folder and that of the targets lie below "native".
        let (checkout, _) = env!("CARGO_MANIFEST_DIR")
            .rsplit_once("/native/")
            .expect("a folder below native");
        let file = format!(
            "{checkout}/native/crates/kernel-formats/tests/fixtures/flatbuffers/everything.fbs"
        );
        FlatbuffersSchema::open(file.as_ref(), None).expect("a sound schema")
    });
    let all = 0..data.len();
    let decoded = FlatbuffersDecoder::new(schema).decode(data, &[all]);
    assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), 1);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = FlatbuffersSchema::of_text(text, None);
    }
}
