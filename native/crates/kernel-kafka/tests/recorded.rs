//! Topics that a real broker kept, read as librdkafka read them.

use std::ops::Range;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use kernel_kafka::{
    AbortedTransaction, FetchedPartition, KafkaError, MessageSet, Metadata, ParseParams,
};
use serde_json::{Value, json};

const ALL: Range<i64> = 0..i64::MAX;

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn answer(name: &str) -> Value {
    serde_json::from_slice(&fixture(&format!("{name}.json"))).unwrap()
}

fn fetched(name: &str, wanted: Range<i64>, aborted: bool) -> FetchedPartition {
    let transactions = answer(name)["aborted"].as_array().unwrap().clone();
    let transactions = transactions.iter().map(|one| AbortedTransaction {
        producer: one[0].as_i64().unwrap(),
        first_offset: one[1].as_i64().unwrap(),
    });
    FetchedPartition {
        partition: 3,
        records: fixture(&format!("{name}.log")).into(),
        wanted,
        aborted: transactions.filter(|_| aborted).collect(),
    }
}

fn parse(fetched: FetchedPartition) -> Result<MessageSet, KafkaError> {
    MessageSet::parse(vec![fetched], &ParseParams::default(), &|| false)
}

fn hex(bytes: &[u8]) -> Value {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().into()
}

fn binary(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    hex(column.as_binary::<i32>().value(row))
}

/// The messages as the answers have them.
fn messages(set: &MessageSet) -> Vec<Value> {
    let column = |kind| set.metadata(kind, None).unwrap();
    let [times, keys, offsets, headers, partitions] = [
        Metadata::Timestamp,
        Metadata::Key,
        Metadata::Offset,
        Metadata::Headers,
        Metadata::Partition,
    ]
    .map(column);
    let row = |row: usize| {
        assert_eq!(partitions.as_primitive::<Int32Type>().value(row), 3);
        let of_row = headers.as_list::<i32>().value(row);
        let (names, values) = (of_row.as_struct().column(0), of_row.as_struct().column(1));
        let headers = (0..of_row.len())
            .map(|index| json!([names.as_string::<i32>().value(index), binary(values, index)]));
        let offset = offsets.as_primitive::<Int64Type>().value(row);
        assert_eq!(set.position(row).unwrap(), (3, offset));
        json!({
            "offset": offset,
            "timestamp": times.as_primitive::<TimestampMicrosecondType>().value(row) / 1_000,
            "key": binary(&keys, row),
            "value": set.value(row).unwrap().map_or(Value::Null, hex),
            "headers": headers.collect::<Vec<_>>(),
        })
    };
    (0..set.count()).map(row).collect()
}

#[test]
fn every_compression_of_librdkafka_and_of_java_is_read() {
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
    let librdkafka = codecs.map(|codec| format!("librdkafka-{codec}"));
    let java = codecs[1..].iter().map(|codec| format!("java-{codec}"));
    let others = ["append-time", "compacted"].map(str::to_owned);
    for name in librdkafka.into_iter().chain(java).chain(others) {
        let set = parse(fetched(&name, ALL, true)).unwrap();
        let expected = answer(&name)["committed"].as_array().unwrap().clone();
        assert!(expected.len() >= 10, "{name}");
        assert_eq!(messages(&set), expected, "{name}");
        let last = expected.last().unwrap()["offset"].as_i64().unwrap();
        assert_eq!(set.next(), [(3, last + 1)], "{name}");
    }
}

#[test]
fn transactions_that_were_given_up_are_left_out_when_that_is_wanted() {
    let expected = answer("transactions");
    let committed = parse(fetched("transactions", ALL, true)).unwrap();
    assert_eq!(
        messages(&committed),
        *expected["committed"].as_array().unwrap()
    );
    let uncommitted = parse(fetched("transactions", ALL, false)).unwrap();
    assert_eq!(
        messages(&uncommitted),
        *expected["uncommitted"].as_array().unwrap()
    );
    // The last batch is the mark that ends a transaction.
    assert!(
        messages(&committed).last().unwrap()["offset"]
            .as_i64()
            .unwrap()
            + 1
            < committed.next()[0].1
    );
}

#[test]
fn only_wanted_offsets_come_wherever_they_begin_and_end() {
    for name in ["transactions", "java-gzip", "compacted"] {
        let all = messages(&parse(fetched(name, ALL, true)).unwrap());
        let last = all.last().unwrap()["offset"].as_i64().unwrap();
        for (from, until) in
            (0..=last).flat_map(|from| [(from, from + 1), (from, from + 9), (0, from)])
        {
            let set = parse(fetched(name, from..until, true)).unwrap();
            let is_wanted = |one: &&Value| (from..until).contains(&one["offset"].as_i64().unwrap());
            let expected: Vec<Value> = all.iter().filter(is_wanted).cloned().collect();
            assert_eq!(messages(&set), expected, "{name} {from}..{until}");
            let next = set.next()[0].1;
            assert!(
                next == until || until > last,
                "{name} {from}..{until}: {next}"
            );
        }
    }
}

#[test]
fn a_batch_that_is_cut_off_is_left_for_later() {
    for name in ["java-zstd", "transactions"] {
        let whole = fetched(name, ALL, true);
        let expected = messages(&parse(whole.clone()).unwrap());
        for length in 0..whole.records.len() {
            let mut first = whole.clone();
            first.records = whole.records.slice(..length);
            let first = parse(first).unwrap();
            let next = first.next()[0].1;
            let rest = parse(fetched(name, next..i64::MAX, true)).unwrap();
            let both = [messages(&first), messages(&rest)].concat();
            assert_eq!(both, expected, "{name} cut at {length}");
        }
    }
}

#[test]
fn a_flipped_bit_is_noticed_also_where_messages_are_left_out() {
    for name in ["librdkafka-none", "transactions"] {
        let whole = fetched(name, ALL, true);
        let first = 12 + i32::from_be_bytes(whole.records[8..12].try_into().unwrap()) as usize;
        let damaged = |place: usize| {
            let mut records = whole.records.to_vec();
            records[place] ^= 1;
            let records = Bytes::from(records);
            parse(FetchedPartition {
                records,
                ..whole.clone()
            })
            .err()
        };
        for place in 17..first {
            let error = damaged(place);
            let is_noticed = matches!(
                error,
                Some(KafkaError::Checksum {
                    partition: 3,
                    offset: 0,
                    ..
                })
            );
            assert!(is_noticed, "{name}, byte {place}: {error:?}");
        }
        let error = damaged(16).unwrap();
        assert!(
            matches!(error, KafkaError::OldFormat { magic: 3, .. }),
            "{error}"
        );
    }
}

#[test]
fn bounds_leave_the_rest_for_later_and_refuse_what_is_too_large() {
    let whole = fetched("java-lz4", ALL, true);
    let few = ParseParams {
        messages: 1,
        ..ParseParams::default()
    };
    let set = MessageSet::parse(vec![whole.clone()], &few, &|| false).unwrap();
    assert_eq!((set.count(), set.next()), (60, &[(3, 60)][..]));
    let small = ParseParams {
        unfolded_bytes: 1,
        ..ParseParams::default()
    };
    let set = MessageSet::parse(vec![whole], &small, &|| false).unwrap();
    assert_eq!((set.count(), set.next()), (60, &[(3, 60)][..]));
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let tiny = ParseParams {
            batch_bytes_max: 1_000,
            ..ParseParams::default()
        };
        for writer in ["java", "librdkafka"] {
            let packed = fetched(&format!("{writer}-{codec}"), ALL, true);
            let error = MessageSet::parse(vec![packed], &tiny, &|| false)
                .err()
                .unwrap();
            assert!(
                matches!(error, KafkaError::TooLarge { limit: 1_000, .. }),
                "{codec}: {error}"
            );
        }
    }
    let cancelled = MessageSet::parse(vec![fetched("java-lz4", ALL, true)], &few, &|| true);
    assert!(matches!(cancelled, Err(KafkaError::Cancelled)));
}

#[test]
fn partitions_keep_their_order_and_indexes_lead_to_their_messages() {
    let several =
        ["java-gzip", "librdkafka-none", "compacted"].map(|name| fetched(name, ALL, true));
    let alone: Vec<Value> = several
        .iter()
        .flat_map(|one| messages(&parse(one.clone()).unwrap()))
        .collect();
    let set = MessageSet::parse(several.to_vec(), &ParseParams::default(), &|| false).unwrap();
    assert_eq!(messages(&set), alone);
    let values: Vec<Value> = set
        .pieces(7)
        .iter()
        .flat_map(|piece| {
            assert!(piece.count() <= 7);
            piece
                .values()
                .map(|value| value.map_or(Value::Null, |value| hex(&piece.bytes[value])))
        })
        .collect();
    let expected: Vec<Value> = alone.iter().map(|one| one["value"].clone()).collect();
    assert_eq!(values, expected);
    let some = set.metadata(Metadata::Offset, Some(&[181, 0, 60])).unwrap();
    let expected = [181, 0, 60].map(|index: usize| alone[index]["offset"].as_i64().unwrap());
    assert_eq!(some.as_primitive::<Int64Type>().values(), &expected);
    let missing = set.metadata(Metadata::Key, Some(&[182]));
    assert!(matches!(
        missing,
        Err(KafkaError::NoMessage {
            index: 182,
            count: 182
        })
    ));
}
