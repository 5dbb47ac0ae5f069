//! Times encoding staged rows and reading the batches again: `bench [rows] [bytes per row] [repeats]`. One line per
//! compression, with the least time of all repeats; set `RAYON_NUM_THREADS=1` for one core.

use std::time::{Duration, Instant};

use bytes::Bytes;
use kernel_kafka::{
    Compression, EncodedBatch, FetchedPartition, Framing, MessageSet, ParseParams, Partitioner,
    StagedMessages, StagedParams, Stamp, stamp_batch,
};

const PARTITIONS: u32 = 4;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| {
        let given = arguments.next();
        given.map_or(default, |text| text.parse().expect("a number"))
    };
    let (rows, row_bytes, repeats) = (number(1_000_000), number(100), number(5));
    let path = std::env::temp_dir().join(format!("kafka-bench-{}", std::process::id()));
    let line = |row: usize| {
        let mut text = format!(
            "{{\"satellite\":\"satellite-{}\",\"n\":{row},\"more\":\"",
            row % 1_000
        );
        let mut state = row as u32 | 1;
        while text.len() < row_bytes.saturating_sub(2) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.push(char::from(b'a' + (state >> 27) as u8 % 26));
        }
        text + "\"}\n"
    };
    std::fs::write(&path, (0..rows).map(line).collect::<String>()).expect("room for the rows");
    for compression in [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ] {
        let params = StagedParams {
            rows: path.clone(),
            framing: Framing::Newline,
            keys: None,
            headers: vec![("sferic-writer".into(), "bench".into())],
            index_header: "sferic-index".into(),
            partition_count: PARTITIONS,
            partitioner: Partitioner::Key,
            compression,
            batch_bytes: 512 << 10,
            batch_bytes_max: 1 << 20,
        };
        let (encoding, batches) = least(repeats, || encode(&params));
        let fetched = fetched(batches);
        let (parsing, count) = least(repeats, || parse(fetched.clone()));
        assert_eq!(count, rows);
        let rate = |time: Duration| rows as f64 / time.as_secs_f64() / 1e6;
        println!(
            "{compression:?}: {rows} messages of {row_bytes} bytes: encoded {:.1}, read {:.1} million a second",
            rate(encoding),
            rate(parsing)
        );
    }
    std::fs::remove_file(&path).expect("the file is there");
}

fn least<T>(repeats: usize, mut work: impl FnMut() -> T) -> (Duration, T) {
    let timed = (0..repeats.max(1)).map(|_| {
        let start = Instant::now();
        let result = work();
        (start.elapsed(), result)
    });
    let least = timed.min_by_key(|(time, _)| *time);
    least.expect("one repeat at least")
}

fn encode(params: &StagedParams) -> Vec<EncodedBatch> {
    let mut staged = StagedMessages::open(params.clone()).expect("the file is there");
    let mut batches = Vec::new();
    while let Some(next) = staged.next(usize::MAX).expect("sound rows") {
        batches.extend(next);
    }
    let stamp = Stamp {
        producer: 1,
        producer_epoch: 0,
        base_sequence: 0,
        timestamp: 1_767_225_600_000,
    };
    for batch in &mut batches {
        stamp_batch(&mut batch.bytes, &stamp).expect("a batch");
    }
    batches
}

/// The batches as a broker would give them, all of a partition at once.
fn fetched(batches: Vec<EncodedBatch>) -> Vec<FetchedPartition> {
    let of_partition = |partition: u32| {
        let (mut records, mut offset) = (Vec::new(), 0_i64);
        for batch in batches.iter().filter(|one| one.partition == partition) {
            let start = records.len();
            records.extend_from_slice(&batch.bytes);
            records[start..start + 8].copy_from_slice(&offset.to_be_bytes());
            offset += batch.count as i64;
        }
        FetchedPartition {
            partition: partition as i32,
            records: Bytes::from(records),
            wanted: 0..i64::MAX,
            aborted: Vec::new(),
        }
    };
    (0..PARTITIONS).map(of_partition).collect()
}

fn parse(fetched: Vec<FetchedPartition>) -> usize {
    let params = ParseParams {
        unfolded_bytes: usize::MAX,
        messages: usize::MAX,
        ..ParseParams::default()
    };
    let set = MessageSet::parse(fetched, &params, &|| false).expect("sound batches");
    set.count()
}
