//! Any bytes as a message of a schema with every kind of field, and as the text of a schema.

#![no_main]

use std::sync::OnceLock;

use kernel_formats::{FlatbuffersDecoder, FlatbuffersSchema};
use libfuzzer_sys::fuzz_target;

static SCHEMA: OnceLock<FlatbuffersSchema> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let schema = SCHEMA.get_or_init(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/kernel-formats/tests/fixtures/flatbuffers/");
        FlatbuffersSchema::open(format!("{folder}everything.fbs").as_ref(), None).expect("a sound schema")
    });
    let all = 0..data.len();
    let decoded = FlatbuffersDecoder::new(schema).decode(data, &[all]);
    assert_eq!(decoded.rows.num_rows() + decoded.invalid.len(), 1);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = FlatbuffersSchema::of_text(text, None);
    }
});
