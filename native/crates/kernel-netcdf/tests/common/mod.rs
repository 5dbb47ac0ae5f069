//! Paths and values that the tests share.

use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampNanosecondType, UInt16Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

pub fn granules() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../apps/cases/data/glm");
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "nc"));
    paths.sort();
    assert_eq!(paths.len(), 7, "{} holds the seven granules", folder.display());
    paths
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

pub fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// FNV-1a of the column's little-endian values, zero where null, as `make.py` computes it.
#[allow(dead_code, reason = "only the tests of GLM tables compare checksums")]
pub fn checksum(batch: &RecordBatch, column: &str) -> String {
    let column = batch.column_by_name(column).unwrap();
    let is_valid = |row: usize| column.is_valid(row);
    macro_rules! bytes {
        ($kind:ty) => {{
            let values = column.as_primitive::<$kind>().values();
            let known = values.iter().enumerate().map(|(row, value)| if is_valid(row) { *value } else { Default::default() });
            known.flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()
        }};
    }
    let bytes = match column.data_type() {
        DataType::UInt32 => bytes!(UInt32Type),
        DataType::UInt16 => bytes!(UInt16Type),
        DataType::Float64 => bytes!(Float64Type),
        DataType::Timestamp(..) => bytes!(TimestampNanosecondType),
        other => panic!("no checksum for {other}"),
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
