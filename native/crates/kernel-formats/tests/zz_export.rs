mod support;
use kernel_formats::*;
use support::{all_types, cut};
#[test]
fn export() {
    for (name, compression) in [
        ("zstd", Compression::Zstd(3)),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("none", Compression::None),
    ] {
        for nulls in [false, true] {
            let rows = all_types(5_000, nulls);
            let p = ParquetWriteParams {
                compression,
                row_group_rows: 1_700,
                ..Default::default()
            };
            let mut w = ParquetWriter::create(
                format!("/tmp/fmt/all-{name}-{nulls}.parquet"),
                rows.schema(),
                &p,
            )
            .unwrap();
            for b in cut(&rows, 700) {
                w.write(&b).unwrap();
            }
            println!("{:?}", w.finish().unwrap());
        }
    }
    let rows = support::batch(support::flat_columns(50, true));
    std::fs::write(
        "/tmp/fmt/all.csv",
        encode_csv(&rows, &CsvWriteParams::default()).unwrap(),
    )
    .unwrap();
}
