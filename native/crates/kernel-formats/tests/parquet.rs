//! Parquet files, written and read back.

mod support;

use std::io::ErrorKind;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use kernel_formats::*;
use support::{Folder, all_types, assert_same, cut};

fn read(input: impl Into<Input>, params: &ParquetReadParams) -> (SchemaRef, RecordBatch) {
    let reader = ParquetReader::open(input, params).unwrap();
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>>>().unwrap();
    (schema.clone(), concat_batches(&schema, &batches).unwrap())
}

fn encode(schema: SchemaRef, batches: &[RecordBatch], params: &ParquetWriteParams) -> Vec<u8> {
    encode_parquet(schema, batches, params).unwrap()
}

#[test]
fn every_type_survives_with_every_codec() {
    for compression in [
        Compression::Zstd(3),
        Compression::Snappy,
        Compression::Lz4,
        Compression::None,
    ] {
        for nulls in [false, true] {
            let batch = all_types(5_000, nulls);
            let params = ParquetWriteParams {
                compression,
                row_group_rows: 1_700,
                ..Default::default()
            };
            let bytes = encode(batch.schema(), &cut(&batch, 999), &params);
            let (schema, found) = read(
                bytes,
                &ParquetReadParams {
                    batch_rows: 777,
                    ..Default::default()
                },
            );
            assert_eq!(schema.field(0).metadata()["unit"], "J");
            assert_same(&found, &batch);
        }
    }
}

#[test]
fn bytes_do_not_depend_on_cuts_or_threads() {
    let batch = all_types(3_000, true);
    let params = ParquetWriteParams {
        row_group_rows: 1_000,
        ..Default::default()
    };
    let whole = encode(batch.schema(), std::slice::from_ref(&batch), &params);
    for rows in [1, 7, 999, 1_000, 1_001] {
        assert!(
            whole == encode(batch.schema(), &cut(&batch, rows), &params),
            "cut into {rows} rows"
        );
    }
    let single_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let alone = single_thread.install(|| encode(batch.schema(), &cut(&batch, 100), &params));
    assert!(whole == alone, "one thread");
}

#[test]
fn row_groups_end_at_the_byte_bound_wherever_batches_end() {
    let text = "x".repeat(100_000);
    let column: arrow_array::ArrayRef =
        Arc::new(arrow_array::StringArray::from(vec![text.as_str(); 50]));
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let params = ParquetWriteParams {
        row_group_bytes_max: 1 << 20,
        ..Default::default()
    };
    let whole = encode(batch.schema(), std::slice::from_ref(&batch), &params);
    assert!(whole == encode(batch.schema(), &cut(&batch, 3), &params));
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&bytes::Bytes::from(whole))
        .unwrap();
    let rows: Vec<i64> = metadata
        .row_groups()
        .iter()
        .map(|group| group.num_rows())
        .collect();
    assert_eq!(rows, [10, 10, 10, 10, 10]);
}

#[test]
fn a_file_of_no_rows_keeps_its_schema() {
    let batch = all_types(0, false);
    let bytes = encode(batch.schema(), &[], &ParquetWriteParams::default());
    let (schema, found) = read(bytes, &ParquetReadParams::default());
    assert_eq!(schema, batch.schema());
    assert_eq!(found.num_rows(), 0);
}

#[test]
fn a_file_has_the_encoded_bytes_and_its_checksum_is_known() {
    let folder = Folder::new("file");
    let path = folder.file("part.parquet");
    let batch = all_types(2_000, true);
    let mut writer =
        ParquetWriter::create(&path, batch.schema(), &ParquetWriteParams::default()).unwrap();
    cut(&batch, 64)
        .iter()
        .try_for_each(|batch| writer.write(batch))
        .unwrap();
    let summary = writer.finish().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes
            == encode(
                batch.schema(),
                std::slice::from_ref(&batch),
                &ParquetWriteParams::default()
            )
    );
    assert_eq!((summary.rows, summary.bytes), (2_000, bytes.len() as u64));
    let checksum = checksum_file(&path).unwrap();
    assert_eq!(
        (checksum.bytes, checksum.checksum),
        (summary.bytes, summary.checksum)
    );
    assert_same(&read(&path, &ParquetReadParams::default()).1, &batch);
}

#[test]
fn the_checksum_is_xxh64() {
    let folder = Folder::new("checksum");
    let path = folder.file("empty");
    std::fs::write(&path, "").unwrap();
    // Published test vectors of XXH64 with seed 0.
    assert_eq!(
        checksum_file(&path).unwrap().checksum,
        "xxh64:ef46db3751d8e999"
    );
    std::fs::write(&path, "abc").unwrap();
    assert_eq!(
        checksum_file(&path).unwrap().checksum,
        "xxh64:44bc2cf5ad770999"
    );
}

#[test]
fn columns_can_be_chosen() {
    let batch = all_types(100, true);
    let bytes = encode(
        batch.schema(),
        std::slice::from_ref(&batch),
        &ParquetWriteParams::default(),
    );
    let chosen = |names: &[&str]| ParquetReadParams {
        columns: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Default::default()
    };
    let (schema, found) = read(bytes.clone(), &chosen(&["struct", "int64"]));
    assert_eq!(
        schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect::<Vec<_>>(),
        ["int64", "struct"]
    );
    assert_eq!(found.column(1), batch.column_by_name("struct").unwrap());
    assert_eq!(read(bytes.clone(), &chosen(&[])).1.num_rows(), 100);
    let error = ParquetReader::open(bytes, &chosen(&["int65"]))
        .err()
        .unwrap();
    assert!(matches!(error, FormatsError::UnknownColumn { column, .. } if column == "int65"));
}

#[test]
fn failures_keep_their_cause() {
    let batch = all_types(10, false);
    let params = ParquetWriteParams::default();
    let kind = |error: FormatsError| match error {
        FormatsError::Io { source, .. } => source.kind(),
        other => panic!("{other}"),
    };
    let missing = std::path::Path::new("/no/such/folder/x.parquet");
    assert_eq!(
        kind(
            ParquetWriter::create(missing, batch.schema(), &params)
                .err()
                .unwrap()
        ),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(
            ParquetReader::open(missing, &ParquetReadParams::default())
                .err()
                .unwrap()
        ),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(checksum_file(missing).err().unwrap()),
        ErrorKind::NotFound
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_stays_one() {
    // Values without any pattern, so that more than the writer's buffer has to reach the disk.
    let mut random = support::Random(3);
    let values = UInt64Array::from_iter_values((0..200_000).map(|_| random.next()));
    let batch = RecordBatch::try_from_iter([("noise", Arc::new(values) as ArrayRef)]).unwrap();
    let params = ParquetWriteParams {
        row_group_rows: 10_000,
        ..Default::default()
    };
    let mut writer = ParquetWriter::create("/dev/full", batch.schema(), &params).unwrap();
    let error = cut(&batch, 10_000)
        .iter()
        .find_map(|batch| writer.write(batch).err())
        .unwrap();
    assert!(
        matches!(&error, FormatsError::Io { source, .. } if source.kind() == ErrorKind::StorageFull),
        "{error}"
    );
    assert!(matches!(
        writer.write(&batch),
        Err(FormatsError::Failed { .. })
    ));
    assert!(matches!(writer.finish(), Err(FormatsError::Failed { .. })));
}

#[test]
fn a_batch_of_another_schema_is_refused_and_the_writer_goes_on() {
    let folder = Folder::new("mismatch");
    let batch = all_types(10, false);
    let path = folder.file("x.parquet");
    let mut writer =
        ParquetWriter::create(&path, batch.schema(), &ParquetWriteParams::default()).unwrap();
    let other = batch.project(&[0, 1]).unwrap();
    assert!(matches!(
        writer.write(&other),
        Err(FormatsError::SchemaMismatch { .. })
    ));
    writer.write(&batch).unwrap();
    assert_eq!(writer.finish().unwrap().rows, 10);
}

#[test]
fn settings_out_of_range_are_refused() {
    let schema = all_types(0, false).schema();
    let check = |params: ParquetWriteParams| match encode_parquet(schema.clone(), &[], &params) {
        Err(FormatsError::InvalidParam { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    let params = ParquetWriteParams::default;
    assert_eq!(
        check(ParquetWriteParams {
            row_group_rows: 0,
            ..params()
        }),
        "rowGroupRows"
    );
    assert_eq!(
        check(ParquetWriteParams {
            row_group_bytes_max: 5,
            ..params()
        }),
        "rowGroupBytesMax"
    );
    assert_eq!(
        check(ParquetWriteParams {
            compression: Compression::Zstd(23),
            ..params()
        }),
        "compressionLevel"
    );
}
