//! Staged rows, encoded and read again; `recorded.rs` shows that the reader reads what others write.

use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use kernel_kafka::{
    Compression, EncodedBatch, FetchedPartition, Framing, KafkaError, MessageSet, Metadata,
    ParseParams, Partitioner, StagedMessages, StagedParams, Stamp, partition_of_key, stamp_batch,
};

const CODECS: [Compression; 5] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
    Compression::Zstd,
];
const ROWS: usize = 5_000;

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let own = format!("kernel-kafka-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(own);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn value(index: usize) -> String {
    format!("value {index} {}", "x".repeat(index % 50))
}

fn key(index: usize) -> Option<String> {
    (index % 5 != 3).then(|| format!("ключ {}", index % 17))
}

/// Rows of both kinds of files, and their keys.
fn params(folder: &Folder, framing: Framing) -> StagedParams {
    let mut rows = Vec::new();
    for index in 0..ROWS {
        let text = value(index);
        match framing {
            Framing::Newline => rows.extend_from_slice(format!("{text}\n").as_bytes()),
            Framing::Length => {
                rows.extend_from_slice(&(text.len() as u32).to_le_bytes());
                rows.extend_from_slice(text.as_bytes());
            }
        }
    }
    let keys = (0..ROWS).map(|index| format!("{}\n", serde_json::json!({ "name": key(index) })));
    StagedParams {
        rows: folder.write("rows", &rows),
        framing,
        keys: Some(folder.write("keys", keys.collect::<String>().as_bytes())),
        headers: vec![
            ("writer".into(), "p@1/s".into()),
            ("δ".into(), String::new()),
        ],
        index_header: "index".into(),
        partition_count: 3,
        partitioner: Partitioner::Key,
        compression: Compression::None,
        batch_bytes: 20_000,
        batch_bytes_max: 30_000,
    }
}

fn encoded(params: &StagedParams, messages_max: usize) -> Result<Vec<EncodedBatch>, KafkaError> {
    let mut staged = StagedMessages::open(params.clone())?;
    let mut batches = Vec::new();
    while let Some(next) = staged.next(messages_max)? {
        assert!(next.iter().map(|batch| batch.count).sum::<usize>() <= messages_max);
        batches.extend(next);
    }
    Ok(batches)
}

/// A message: index header, key and value.
type Found = (usize, Option<String>, String);

/// What a broker would give of the batches of a partition.
fn messages(batches: &[EncodedBatch], partition: u32) -> Vec<Found> {
    let mut records = Vec::new();
    let mut offset = 0_i64;
    for batch in batches.iter().filter(|batch| batch.partition == partition) {
        let mut bytes = batch.bytes.clone();
        let stamp = Stamp {
            producer: 7,
            producer_epoch: 1,
            base_sequence: offset as i32,
            timestamp: 1_767_225_600_123,
        };
        stamp_batch(&mut bytes, &stamp).unwrap();
        assert_eq!(
            bytes[43..57],
            [
                &[0, 0, 0, 0, 0, 0, 0, 7, 0, 1],
                &(offset as i32).to_be_bytes()[..]
            ]
            .concat()
        );
        // The broker writes the offset, which the checksum leaves out.
        bytes[..8].copy_from_slice(&offset.to_be_bytes());
        offset += batch.count as i64;
        records.extend(bytes);
    }
    let fetched = FetchedPartition {
        partition: 0,
        records: records.into(),
        wanted: 0..i64::MAX,
        aborted: Vec::new(),
    };
    let set = MessageSet::parse(vec![fetched], &ParseParams::default(), &|| false).unwrap();
    assert_eq!(set.next(), [(0, offset)]);
    let headers = set.metadata(Metadata::Headers, None).unwrap();
    let keys = set.metadata(Metadata::Key, None).unwrap();
    let times = set.metadata(Metadata::Timestamp, None).unwrap();
    let times = times.as_primitive::<TimestampMicrosecondType>().values();
    assert!(times.iter().all(|time| *time == 1_767_225_600_123_000));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let message = |row: usize| {
        let of_row = headers.as_list::<i32>().value(row);
        let names: Vec<_> = of_row
            .as_struct()
            .column(0)
            .as_string::<i32>()
            .iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        let values: Vec<_> = of_row
            .as_struct()
            .column(1)
            .as_binary::<i32>()
            .iter()
            .flatten()
            .map(text)
            .collect();
        assert_eq!(names, ["writer", "δ", "index"]);
        assert_eq!(values[..2], ["p@1/s", ""]);
        let key = keys
            .is_valid(row)
            .then(|| text(keys.as_binary::<i32>().value(row)));
        (
            values[2].parse().unwrap(),
            key,
            text(set.value(row).unwrap().unwrap()),
        )
    };
    (0..set.count()).map(message).collect()
}

#[test]
fn every_row_is_a_message_of_its_partition_in_order() {
    let folder = Folder::new("every-row");
    for framing in [Framing::Newline, Framing::Length] {
        let params = params(&folder, framing);
        let mut turn = 0;
        let mut expected = vec![Vec::new(); 3];
        for index in 0..ROWS {
            let partition = key(index).map(|key| partition_of_key(key.as_bytes(), 3));
            let partition = partition.unwrap_or_else(|| {
                turn += 1;
                (turn - 1) % 3
            });
            expected[partition as usize].push((index, key(index), value(index)));
        }
        for compression in CODECS {
            let params = StagedParams {
                compression,
                ..params.clone()
            };
            let whole = encoded(&params, usize::MAX).unwrap();
            assert!(whole.iter().all(|batch| batch.bytes.len() <= 20_000));
            for messages_max in [usize::MAX, 700] {
                let batches = encoded(&params, messages_max).unwrap();
                for (partition, expected) in expected.iter().enumerate() {
                    assert!(expected.len() > 1_000);
                    assert_eq!(
                        messages(&batches, partition as u32),
                        *expected,
                        "{compression:?}"
                    );
                }
            }
            let bytes: usize = whole.iter().map(|batch| batch.bytes.len()).sum();
            assert_eq!(
                bytes < 250_000,
                compression != Compression::None,
                "{compression:?}: {bytes}"
            );
        }
    }
}

#[test]
fn rows_go_in_turn_without_keys_or_when_asked_to() {
    let folder = Folder::new("in-turn");
    let keyed = params(&folder, Framing::Newline);
    let in_turn = StagedParams {
        partitioner: Partitioner::RoundRobin,
        ..keyed.clone()
    };
    let without = StagedParams {
        keys: None,
        ..keyed
    };
    for (params, has_keys) in [(in_turn, true), (without, false)] {
        let batches = encoded(&params, 1_001).unwrap();
        for partition in 0..3 {
            let found = messages(&batches, partition as u32);
            let expected = (partition..ROWS).step_by(3);
            let expected: Vec<Found> = expected
                .map(|index| (index, key(index).filter(|_| has_keys), value(index)))
                .collect();
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_row_too_large_is_named_unless_it_can_be_compressed() {
    let folder = Folder::new("too-large");
    let mut params = params(&folder, Framing::Newline);
    params.keys = None;
    let rows = format!("a\n{}\nb\n", "x".repeat(40_000));
    params.rows = folder.write("large", rows.as_bytes());
    let error = encoded(&params, usize::MAX).unwrap_err();
    assert!(
        matches!(
            error,
            KafkaError::MessageTooLarge {
                row: 1,
                bytes: 40_000,
                limit: 30_000
            }
        ),
        "{error}"
    );
    params.compression = Compression::Zstd;
    assert_eq!(encoded(&params, usize::MAX).unwrap().len(), 3);
    // Larger than a batch of several, but not than what the topic takes.
    params.compression = Compression::None;
    params.partition_count = 1;
    let rows = format!("a\n{}\nb\n", "x".repeat(25_000));
    params.rows = folder.write("large", rows.as_bytes());
    let counts: Vec<usize> = encoded(&params, usize::MAX)
        .unwrap()
        .iter()
        .map(|batch| batch.count)
        .collect();
    assert_eq!(counts, [1, 1, 1]);
}

#[test]
fn files_that_are_not_what_was_written_are_errors() {
    let folder = Folder::new("changed");
    let lines = params(&folder, Framing::Newline);
    let outcome = |params: &StagedParams| encoded(params, usize::MAX).unwrap_err().to_string();
    let cut = StagedParams {
        rows: folder.write("cut", b"a\nb"),
        ..lines.clone()
    };
    assert!(outcome(&cut).contains("cut ends within a row"));
    let cut = StagedParams {
        rows: folder.write("cut", &[2, 0, 0, 0, 1]),
        framing: Framing::Length,
        ..lines.clone()
    };
    assert!(outcome(&cut).contains("cut ends within a row"));
    let huge = StagedParams {
        rows: folder.write("huge", &[0xff; 9]),
        framing: Framing::Length,
        ..lines.clone()
    };
    assert!(outcome(&huge).contains("huge has a row of more than 1 GiB"));
    let few = StagedParams {
        keys: Some(folder.write("few", b"{\"a\":1}\n")),
        ..lines.clone()
    };
    assert!(outcome(&few).contains("few has fewer lines than there are rows"));
    let odd = StagedParams {
        keys: Some(folder.write("odd", b"[1]\n")),
        ..lines.clone()
    };
    assert!(outcome(&odd).contains("odd has a line that is no object of one key"));
    let none = StagedParams {
        rows: Path::new("/nowhere/rows").into(),
        ..lines.clone()
    };
    assert!(matches!(encoded(&none, 1), Err(KafkaError::Io { .. })));
    let no_rows = StagedParams {
        rows: folder.write("empty", b""),
        ..lines
    };
    assert_eq!(encoded(&no_rows, 1).unwrap(), []);
    let stamp = Stamp {
        producer: 1,
        producer_epoch: 0,
        base_sequence: 0,
        timestamp: 0,
    };
    assert!(matches!(
        stamp_batch(&mut [0; 60], &stamp),
        Err(KafkaError::NotABatch { bytes: 60 })
    ));
}
