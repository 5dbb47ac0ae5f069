//! Damage behind the checksums: whoever may write into a topic can make sound checksums of anything.

use bytes::Bytes;
use kernel_kafka::{AbortedTransaction, FetchedPartition, MessageSet, Metadata, ParseParams};

const NAMES: [&str; 7] = [
    "librdkafka-none",
    "java-gzip",
    "java-snappy",
    "librdkafka-snappy",
    "java-lz4",
    "java-zstd",
    "transactions",
];

fn record_batches(name: &str) -> Vec<u8> {
    let file = format!("{}/tests/fixtures/{name}.log", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(file).unwrap()
}

/// Gives every whole batch the checksum of its bytes.
fn sign(records: &mut [u8]) {
    let mut place = 0;
    while let Some(prefix) = records.get(place..place + 61) {
        let length = i32::from_be_bytes(prefix[8..12].try_into().unwrap());
        let end = place
            .saturating_add(12)
            .saturating_add(length.max(0) as usize);
        if length < 49 || end > records.len() {
            return;
        }
        let checksum = crc32c::crc32c(&records[place + 21..end]);
        records[place + 17..place + 21].copy_from_slice(&checksum.to_be_bytes());
        place = end;
    }
}

/// Reads everything there is, if it can be read.
fn read(records: Vec<u8>) -> Option<usize> {
    let fetched = FetchedPartition {
        partition: 0,
        records: Bytes::from(records),
        wanted: 0..i64::MAX,
        aborted: vec![AbortedTransaction {
            producer: 0,
            first_offset: 0,
        }],
    };
    let set = MessageSet::parse(vec![fetched], &ParseParams::default(), &|| false).ok()?;
    let mut before = -1;
    for index in 0..set.count() {
        let (_, offset) = set.position(index).unwrap();
        assert!(offset > before);
        before = offset;
        set.value(index).unwrap();
    }
    assert!(set.next()[0].1 > before);
    for kind in [Metadata::Timestamp, Metadata::Key, Metadata::Headers] {
        assert_eq!(set.metadata(kind, None).unwrap().len(), set.count());
    }
    Some(set.count())
}

/// The next number of a sequence (Marsaglia's xorshift).
fn random(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize
}

#[test]
fn damaged_batches_are_errors_or_other_messages() {
    let count: usize =
        std::env::var("KAFKA_MUTATIONS").map_or(20_000, |text| text.parse().unwrap());
    let sources = NAMES.map(record_batches);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    let mut outcomes = [0, 0];
    for _ in 0..count {
        let mut records = sources[random(&mut state) % NAMES.len()].clone();
        for _ in 0..=random(&mut state) % 3 {
            let place = random(&mut state) % records.len();
            records[place] = match random(&mut state) % 4 {
                0 => 0xff,
                1 => 0x7f,
                2 => records[place] ^ (1 << (random(&mut state) % 8)),
                _ => random(&mut state) as u8,
            };
        }
        sign(&mut records);
        outcomes[usize::from(read(records).is_some())] += 1;
    }
    assert!(
        outcomes.iter().all(|found| *found > count / 20),
        "{outcomes:?}"
    );
}

#[test]
fn a_record_count_beyond_the_bytes_reserves_nothing() {
    let mut records = record_batches("librdkafka-none");
    records[57..61].copy_from_slice(&i32::MAX.to_be_bytes());
    sign(&mut records);
    assert_eq!(read(records), None);
}
