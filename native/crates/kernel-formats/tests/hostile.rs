//! Damaged and malicious input: an error or other rows, never a crash or gigabytes.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernel_formats::*;
use support::{Random, all_types, batch, cut, flat_columns};

/// Counts the bytes in use, to see that damaged lengths are not believed.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
const PEAK_MAX: usize = 700 << 20;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn parquet_file(compression: Compression) -> Vec<u8> {
    let rows = all_types(200, true);
    let params = ParquetWriteParams {
        compression,
        row_group_rows: 90,
        ..Default::default()
    };
    encode_parquet(rows.schema(), &cut(&rows, 50), &params).unwrap()
}

/// Reads all that can be read; tells whether anything was wrong.
fn read_parquet(bytes: Vec<u8>) -> bool {
    let _ = read_parquet_schema(bytes.clone());
    match ParquetReader::open(
        bytes,
        &ParquetReadParams {
            batch_rows: 64,
            ..Default::default()
        },
    ) {
        Ok(mut reader) => reader.any(|batch| batch.is_err()),
        Err(_) => true,
    }
}

fn damage(bytes: &mut [u8], random: &mut Random) {
    for _ in 0..=random.below(3) {
        let position = random.below(bytes.len());
        bytes[position] = match random.below(3) {
            0 => bytes[position] ^ (1 << random.below(8)),
            1 => 0xff,
            _ => random.next() as u8,
        };
    }
}

#[test]
fn flipped_bytes_in_parquet_files() {
    std::panic::set_hook(Box::new(|_| {}));
    let mut refused = 0;
    for compression in [
        Compression::Zstd(3),
        Compression::Snappy,
        Compression::Lz4,
        Compression::None,
    ] {
        let file = parquet_file(compression);
        for seed in 0..1_000 {
            let mut random = Random(seed);
            let mut bytes = file.clone();
            damage(&mut bytes, &mut random);
            refused += usize::from(read_parquet(bytes));
        }
    }
    let _ = std::panic::take_hook();
    assert!(
        refused > 1_000,
        "only {refused} of 4,000 damaged files were refused"
    );
    assert!(
        PEAK.load(Relaxed) < PEAK_MAX,
        "peak {} bytes",
        PEAK.load(Relaxed)
    );
}

#[test]
fn flipped_bytes_in_a_footer() {
    let file = parquet_file(Compression::None);
    let length =
        u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap()) as usize;
    let footer = file.len() - 8 - length;
    for seed in 0..4_000 {
        let mut bytes = file.clone();
        damage(&mut bytes[footer..], &mut Random(seed));
        read_parquet(bytes);
    }
    assert!(
        PEAK.load(Relaxed) < PEAK_MAX,
        "peak {} bytes",
        PEAK.load(Relaxed)
    );
}

#[test]
fn truncated_parquet_files() {
    let file = parquet_file(Compression::Zstd(3));
    for length in (0..file.len()).step_by(7) {
        assert!(read_parquet(file[..length].to_vec()), "{length} bytes");
    }
}

#[test]
fn a_footer_that_claims_billions_of_row_groups() {
    // FileMetaData with field 4, a list of 2^28 structures, as compact Thrift.
    let footer = [0x49, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00];
    let mut bytes = b"PAR1".to_vec();
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    let error = read_parquet_schema(bytes).unwrap_err();
    assert!(matches!(error, FormatsError::Corrupt { .. }), "{error}");
}

#[test]
fn a_schema_nested_without_end() {
    // 5,000 groups, each the only member of the one before: { 4: name "g", 5: 1 member }.
    let groups = 5_000_u32;
    let mut footer = vec![
        0x15,
        0x02,
        0x19,
        0xfc,
        (groups as u8) | 0x80,
        (groups >> 7) as u8,
    ];
    for _ in 0..groups {
        footer.extend_from_slice(&[0x48, 0x01, b'g', 0x15, 0x02, 0x00]);
    }
    footer.extend_from_slice(&[0x16, 0x00, 0x19, 0x0c, 0x00]);
    let mut bytes = b"PAR1".to_vec();
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    let error = read_parquet_schema(bytes).unwrap_err();
    assert!(matches!(error, FormatsError::TooLarge { .. }), "{error}");
}

#[test]
fn flipped_and_truncated_csv_files() {
    let rows = batch(flat_columns(200, true));
    let file = encode_csv(&rows, &CsvWriteParams::default()).unwrap();
    let typed: Vec<_> = flat_columns(1, false)
        .into_iter()
        .filter(|(name, _)| *name != "dictionary")
        .collect();
    let schema = batch(typed).schema();
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let mut bytes = file.clone();
        damage(&mut bytes, &mut random);
        bytes.truncate(random.below(bytes.len()));
        for schema in [None, Some(schema.clone())] {
            let params = CsvReadParams {
                schema,
                batch_rows: 64,
                ..Default::default()
            };
            if let Ok(reader) = CsvReader::open(bytes.clone(), &params) {
                let rows: usize = reader
                    .filter_map(Result::ok)
                    .map(|batch| batch.num_rows())
                    .sum();
                assert!(rows <= 2_000);
            }
        }
    }
}

#[test]
fn flipped_and_truncated_json_files() {
    let columns = flat_columns(100, true).into_iter();
    let rows = batch(columns.filter(|(name, _)| *name != "dictionary").collect());
    for layout in [JsonLayout::Lines, JsonLayout::Array] {
        let file = encode_json(&rows, layout).unwrap();
        for seed in 0..2_000 {
            let mut random = Random(seed);
            let mut bytes = file.clone();
            damage(&mut bytes, &mut random);
            bytes.truncate(random.below(bytes.len()) + 1);
            for schema in [None, Some(rows.schema())] {
                let params = JsonReadParams {
                    layout,
                    schema,
                    batch_rows: 7,
                    ..Default::default()
                };
                let file = InputFile {
                    name: "damaged".to_owned(),
                    input: bytes.clone().into(),
                    constants: Vec::new(),
                };
                let mut reader = JsonFilesReader::start(params, vec![file], None, None).unwrap();
                let mut count = 0;
                while let Some(item) = reader.next(&|| false) {
                    match item.unwrap() {
                        FilesItem::Rows(rows) => count += rows.num_rows(),
                        FilesItem::Invalid { .. } => count += 1,
                    }
                }
                assert!(count <= 2_000);
            }
        }
    }
}
